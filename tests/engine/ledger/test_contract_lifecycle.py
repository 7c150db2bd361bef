"""Contract: what becomes of reservations and orders."""

from __future__ import annotations

from engine.ledger.commands import (
    CancelOrder,
    Command,
    Confirm,
    Extend,
    Found,
    Fulfil,
    Limit,
    RejectLines,
    Release,
    Reserve,
)
from engine.ledger.outcomes import LinesRejected, Refused, Reserved
from tests.engine.ledger.asking import DAY1, DAY2, Asking, position


def test_release_gives_everything_back(ask: Asking) -> None:
    """Tests that a release frees stock and capacity, and that a repetition changes nothing."""
    ask.count(on_hand=5)
    ask.held(position(quantity=5, shipment_id="s", service_id="fast"))
    released = ask.do(Release(reservation_id="r1"))
    assert (released.changed, released.reservation.state, released.reservation.version) == (True, "RELEASED", 2)
    assert ask.promised() == 5
    assert ask.used() == {}
    assert ask.do(Release(reservation_id="r1")).changed is False
    ask.refused(Confirm(reservation_id="r1"), "wrong_state")
    ask.refused(Fulfil(reservation_id="r1"), "wrong_state")
    ask.refused(Release(reservation_id="nobody"), "not_found")
    ask.check()


def test_confirm_and_versions(ask: Asking) -> None:
    """Tests that a confirmed reservation stays, and that if_match guards each step."""
    ask.count(on_hand=5)
    ask.held(position(), ttl_ms=1000)
    stale = ask.refused(Confirm(reservation_id="r1", if_match=2), "stale_version")
    assert stale.current_version == 1
    confirmed = ask.do(Confirm(reservation_id="r1", if_match=1)).reservation
    assert (confirmed.state, confirmed.version, confirmed.expires_at_ms) == ("CONFIRMED", 2, None)
    assert ask.do(Confirm(reservation_id="r1")).changed is False
    ask.pass_ms(5000)
    assert ask.ledger.sweep() == 0
    assert ask.state("r1") == "CONFIRMED"
    ask.refused(Extend(reservation_id="r1", ttl_ms=5), "wrong_state")


def test_fulfilment_takes_units_out_of_stock(ask: Asking) -> None:
    """Tests that fulfilled units leave the stock, first what is there, and that capacity stays used."""
    ask.count(on_hand=3)
    ask.count(on_hand=4, day=DAY2)
    ask.held(position(quantity=5, day=DAY2, shipment_id="s"), confirmed=True)
    done = ask.do(Fulfil(reservation_id="r1"))
    assert (done.reservation.state, done.uncounted) == ("FULFILLED", 0)
    assert (ask.on_hand(), ask.on_hand(day=DAY2)) == (0, 2)
    assert ask.used() == {("N", "", DAY2): (1, 5)}
    assert ask.do(Fulfil(reservation_id="r1")).changed is False
    ask.refused(Release(reservation_id="r1"), "wrong_state")
    ask.check()


def test_fulfilment_by_shipment(ask: Asking) -> None:
    """Tests that a shipment can leave alone: the rest stays held, and no longer expires."""
    ask.count("A", 5)
    ask.count("B", 5)
    ask.held(position("A", 2, shipment_id="s1"), position("B", 2, shipment_id="s2"), ttl_ms=1000)
    part = ask.do(Fulfil(reservation_id="r1", shipment_ids=("s1",))).reservation
    assert (part.state, part.expires_at_ms) == ("CONFIRMED", None)
    assert [(one.open, one.fulfilled) for one in part.positions] == [(0, 2), (2, 0)]
    ask.refused(Fulfil(reservation_id="r1", shipment_ids=("s3",)), "not_found")
    assert ask.do(Fulfil(reservation_id="r1", shipment_ids=("s1",))).changed is False
    rest = ask.do(Release(reservation_id="r1")).reservation
    assert rest.state == "FULFILLED"
    assert (ask.on_hand("A"), ask.on_hand("B"), ask.promised("B")) == (3, 5, 5)
    assert ask.used() == {("N", "", DAY1): (1, 2)}
    ask.check()


def test_more_can_leave_than_was_counted(ask: Asking) -> None:
    """Tests that goods that left are recorded, also where a recount had fewer."""
    ask.count(on_hand=5)
    ask.held(position(quantity=5), confirmed=True)
    ask.count(on_hand=3)
    done = ask.do(Fulfil(reservation_id="r1"))
    assert done.uncounted == 2
    assert ask.on_hand() == 0
    assert ask.events("reservation.fulfilled")[0]["uncounted"] == 2
    ask.check()


def test_a_hold_expires_by_the_databases_clock(ask: Asking) -> None:
    """Tests that a hold whose time is over reads as EXPIRED and is freed by a sweep, once."""
    ask.count(on_hand=5)
    ask.held(position(quantity=5, shipment_id="s"), ttl_ms=1000)
    ask.pass_ms(999)
    assert ask.ledger.sweep() == 0
    assert ask.state("r1") == "HELD"
    ask.pass_ms(1)
    assert ask.state("r1") == "EXPIRED"
    assert ask.promised() == 0
    assert ask.ledger.sweep() == 1
    assert ask.ledger.sweep() == 0
    assert ask.promised() == 5
    assert ask.used() == {}
    assert len(ask.events("reservation.expired")) == 1
    ask.check()


def test_whoever_meets_an_expired_hold_frees_it(ask: Asking) -> None:
    """Tests that no sweep is needed: a reservation that needs the stock or the capacity gets it."""
    ask.count(on_hand=5)
    ask.limit(Limit(node_id="N", shipments_per_day=1))
    ask.held(position(quantity=3, shipment_id="s"), order="O1", ttl_ms=1000)
    assert isinstance(ask.reserve(position(quantity=3, shipment_id="s"), order="O2"), Refused)
    ask.pass_ms(1000)
    ask.held(position(quantity=5, shipment_id="s"), order="O3", ttl_ms=1000)
    assert ask.state("r1") == "EXPIRED"
    ask.pass_ms(1000)
    ask.held(position(quantity=1, shipment_id="s"), order="O4")
    ask.check()


def test_expired_holds_answer_as_expired(ask: Asking) -> None:
    """Tests that confirm, extend, fulfil and release of a hold that is over are refused, and free it all the same."""
    ask.count(on_hand=5)
    commands: tuple[Command, ...] = (
        Confirm(reservation_id="r1"),
        Extend(reservation_id="r2", ttl_ms=1000),
        Fulfil(reservation_id="r3"),
        Release(reservation_id="r4"),
    )
    for number, _ in enumerate(commands):
        ask.held(position(), order=f"O{number}", ttl_ms=1000)
    ask.pass_ms(1000)
    for number, command in enumerate(commands):
        ask.refused(command, "expired")
        assert ask.promised() == 2 + number
    ask.check()


def test_a_new_reservation_of_an_order_whose_hold_is_over(ask: Asking) -> None:
    """Tests that an expired hold of the order is no former reservation."""
    ask.count(on_hand=1)
    ask.held(position(), ttl_ms=1000)
    ask.pass_ms(1000)
    ask.held(position())
    assert (ask.state("r1"), ask.state("r2")) == ("EXPIRED", "HELD")
    ask.check()


def test_extension(ask: Asking) -> None:
    """Tests that a hold can be made to last longer, or until released."""
    ask.count(on_hand=1)
    ask.held(position(), ttl_ms=1000)
    assert ask.do(Extend(reservation_id="r1", ttl_ms=5000)).reservation.version == 2
    ask.pass_ms(4999)
    assert ask.state("r1") == "HELD"
    ask.do(Extend(reservation_id="r1", ttl_ms=None))
    ask.pass_ms(1_000_000)
    assert ask.ledger.sweep() == 0
    assert ask.state("r1") == "HELD"


def test_cancelling_an_order(ask: Asking) -> None:
    """Tests that a cancelled order holds nothing and takes nothing more, and that goods that left stay away."""
    ask.count("A", 5)
    ask.count("B", 5)
    ask.held(position("A", 2, shipment_id="s1"), position("B", 2, shipment_id="s2"), confirmed=True)
    ask.held(position("B", 3), mode="add")
    ask.do(Fulfil(reservation_id="r1", shipment_ids=("s1",)))
    ask.refused(CancelOrder(order_id="O", if_match=1), "stale_version")
    cancelled = ask.do(CancelOrder(order_id="O", document=b"cancelled", if_match=2))
    assert (cancelled.released, cancelled.order_version) == (("r1", "r2"), 3)
    assert (ask.promised("A"), ask.promised("B")) == (3, 5)
    assert ask.do(CancelOrder(order_id="O")).changed is False
    outcome = ask.reserve(position("B", 1))
    assert isinstance(outcome, Refused)
    assert outcome.reason == "order_cancelled"
    ask.refused(CancelOrder(order_id="nobody"), "not_found")
    order = ask.ledger.order(ask.tenant, "O")
    assert order is not None
    assert (order.state, order.document) == ("CANCELLED", b"cancelled")
    ask.check()


def test_a_short_pick(ask: Asking) -> None:
    """Tests that rejected lines are released, the count found is recorded, and the order's other lines stay."""
    ask.count("A", 5)
    ask.count("B", 5)
    ask.count("A", 5, node="M")
    ask.held(
        position("A", 2, line_id="1", shipment_id="s1"),
        position("B", 2, line_id="2", shipment_id="s1"),
        position("A", 1, line_id="1", node="M", shipment_id="s2"),
        confirmed=True,
    )
    found = (Found(node_id="N", sku="A", on_hand=1),)
    rejected = ask.do(RejectLines(order_id="O", node_id="N", line_ids=("1",), found=found))
    assert isinstance(rejected, LinesRejected)
    assert [(one.line_id, one.node_id, one.open) for one in rejected.released] == [("1", "N", 2)]
    assert [one.open for one in rejected.reservations[0].positions] == [0, 2, 1]
    assert rejected.reservations[0].state == "CONFIRMED"
    assert (ask.on_hand("A"), ask.promised("A"), ask.promised("B")) == (1, 1, 3)
    assert ask.used()["N", "", DAY1] == (1, 2)
    ask.refused(RejectLines(order_id="O", node_id="N", line_ids=("1",)), "not_found")
    again = ask.do(RejectLines(order_id="O", node_id="N"))
    assert [one.line_id for one in again.released] == ["2"]
    assert ask.used() == {("M", "", DAY1): (1, 1)}
    assert ask.do(RejectLines(order_id="O", node_id="M")).reservations[0].state == "RELEASED"
    ask.check()


def test_a_short_pick_that_others_suffer_from(ask: Asking) -> None:
    """Tests that a count found below what others hold is a shortage that names them."""
    ask.count(on_hand=5)
    ask.held(position(quantity=2, line_id="1"), order="O1", confirmed=True)
    ask.held(position(quantity=3, line_id="1"), order="O2", confirmed=True)
    found = (Found(node_id="N", sku="A", on_hand=1),)
    rejected = ask.do(RejectLines(order_id="O1", node_id="N", line_ids=("1",), found=found))
    (shortage,) = rejected.shortages
    assert (shortage.short, [order.order_id for order in shortage.orders]) == (2, ["O2"])
    ask.check()


def test_rejected_and_sourced_elsewhere_in_one_transaction(ask: Asking) -> None:
    """Tests that a rejection and the reservation that makes up for it commit together, other lines untouched."""
    ask.count("A", 5)
    ask.count("A", 5, node="M")
    ask.held(position("A", 2, line_id="1"), confirmed=True)
    outcomes = ask.all(
        RejectLines(order_id="O", node_id="N", found=(Found(node_id="N", sku="A", on_hand=0),)),
        Reserve(reservation_id="r2", order_id="O", positions=(position("A", 2, node="M"),), confirmed=True, mode="add"),
    )
    assert isinstance(outcomes[1], Reserved)
    assert (ask.promised("A"), ask.promised("A", node="M")) == (0, 3)
    order = ask.ledger.order(ask.tenant, "O")
    assert order is not None
    assert [one.state for one in order.reservations] == ["RELEASED", "CONFIRMED"]
    ask.check()
