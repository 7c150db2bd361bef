"""Contract: what can be reserved, by day, by capacity, all or nothing."""

from __future__ import annotations

from engine.ledger.commands import Fulfil, Limit, Release, Reserve
from engine.ledger.outcomes import Refused, Reserved
from tests.engine.ledger.asking import DAY1, DAY2, DAY3, DAY5, Asking, position


def test_reserves_what_is_there_and_no_more(ask: Asking) -> None:
    """Tests that exactly the units on hand can be reserved, and that a refusal says what was left."""
    ask.count(on_hand=5)
    ask.held(position(quantity=3), order="O1")
    outcome = ask.reserve(position(quantity=3), order="O2")
    assert isinstance(outcome, Refused)
    assert outcome.reason == "insufficient_stock"
    (lack,) = outcome.lacks
    assert (lack.node_id, lack.sku, lack.ship_date, lack.requested, lack.available) == ("N", "A", DAY1, 3, 2)
    ask.held(position(quantity=2), order="O3")
    assert ask.promised() == 0
    ask.check()


def test_nothing_of_an_unknown_sku(ask: Asking) -> None:
    """Tests that a sku without a stock row cannot be reserved, and leaves no row."""
    outcome = ask.reserve(position(sku="nowhere"))
    assert isinstance(outcome, Refused)
    assert outcome.lacks[0].available == 0
    assert ask.ledger.stock_level(ask.tenant, "N", "nowhere") is None
    assert ask.ledger.reservation(ask.tenant, "r1") is None
    assert ask.ledger.order(ask.tenant, "O") is None


def test_lines_with_the_same_sku_count_together(ask: Asking) -> None:
    """Tests that two lines of one order with the same sku cannot each have the last units."""
    ask.count(on_hand=5)
    outcome = ask.reserve(position(quantity=3, line_id="1"), position(quantity=3, line_id="2"))
    assert isinstance(outcome, Refused)
    assert outcome.lacks[0].requested == 6
    ask.held(position(quantity=3, line_id="1"), position(quantity=2, line_id="2"))
    ask.check()


def test_all_or_nothing(ask: Asking) -> None:
    """Tests that a reservation with one line too many takes nothing, and that every lack is listed."""
    ask.count("A", 5)
    ask.count("B", 1)
    ask.count("C", 0)
    outcome = ask.reserve(position("A", 5), position("B", 2), position("C", 1))
    assert isinstance(outcome, Refused)
    assert [lack.sku for lack in outcome.lacks] == ["B", "C"]
    assert ask.promised("A") == 5
    assert [entry.kind for entry in ask.ledger.entries(ask.tenant)] == ["count", "count"]
    ask.check()


def test_reserved_elsewhere_and_safety_stock_are_kept(ask: Asking) -> None:
    """Tests that units reserved elsewhere and safety stock cannot be reserved."""
    ask.count(on_hand=10, reserved=3, safety_stock=4)
    assert ask.promised() == 3
    assert isinstance(ask.reserve(position(quantity=4)), Refused)
    ask.held(position(quantity=3))


def test_inbound_supply_counts_from_its_day(ask: Asking) -> None:
    """Tests that inbound units can be reserved for their day and after, not before."""
    ask.count(on_hand=2)
    ask.count(on_hand=5, day=DAY3)
    assert isinstance(ask.reserve(position(quantity=3, day=DAY2)), Refused)
    ask.held(position(quantity=6, day=DAY3), order="O1")
    assert isinstance(ask.reserve(position(quantity=2, day=DAY1), order="O2"), Refused)
    ask.held(position(quantity=1, day=DAY1), order="O3")
    assert ask.promised(by=DAY5) == 0
    ask.check()


def test_later_shipments_do_not_block_what_is_there_today(ask: Asking) -> None:
    """Tests that units held for a later arrival leave today's units free, in whichever order they are reserved."""
    ask.count(on_hand=5)
    ask.count(on_hand=10, day=DAY3)
    ask.held(position(quantity=10, day=DAY3), order="later")
    ask.held(position(quantity=5, day=DAY1), order="today")
    assert ask.promised(by=DAY3) == 0
    ask.check()


def test_each_day_of_one_order_counts(ask: Asking) -> None:
    """Tests that lines of one order on several days are judged together, day by day."""
    ask.count(on_hand=2)
    ask.count(on_hand=2, day=DAY3)
    outcome = ask.reserve(position(quantity=2, day=DAY1), position(quantity=3, day=DAY3))
    assert isinstance(outcome, Refused)
    assert (outcome.lacks[0].ship_date, outcome.lacks[0].available) == (DAY1, 1)
    ask.held(position(quantity=2, day=DAY1), position(quantity=2, day=DAY3))
    ask.check()


def test_days_of_one_order_share_what_is_there(ask: Asking) -> None:
    """Tests that lines of one order on two days cannot both have the same units."""
    ask.count(on_hand=3)
    outcome = ask.reserve(position(quantity=2, day=DAY1), position(quantity=2, day=DAY2))
    assert isinstance(outcome, Refused)
    assert (outcome.lacks[0].ship_date, outcome.lacks[0].available) == (DAY1, 1)
    ask.held(position(quantity=1, day=DAY1), position(quantity=2, day=DAY2))
    ask.check()


def test_capacity_of_a_node_holds(ask: Asking) -> None:
    """Tests that a node takes so many shipments and units a day, over calls and services, and no more."""
    ask.count(on_hand=100)
    ask.limit(Limit(node_id="N", shipments_per_day=2, units_per_day=5))
    ask.held(position(quantity=2, shipment_id="s", service_id="fast"), order="O1")
    ask.held(position(quantity=2, shipment_id="s", service_id="slow"), order="O2")
    outcome = ask.reserve(position(quantity=2, shipment_id="s"), order="O3")
    assert isinstance(outcome, Refused)
    assert outcome.reason == "insufficient_capacity"
    told = [(over.kind, over.service_id, over.requested, over.available) for over in outcome.overloads]
    assert told == [("shipments", None, 1, 0), ("units", None, 2, 1)]
    ask.held(position(quantity=2, day=DAY2, shipment_id="s"), order="O3")
    assert ask.used()["N", "", DAY1] == (2, 4)
    assert ask.used()["N", "fast", DAY1] == (1, 2)
    ask.check()


def test_capacity_of_a_service_holds(ask: Asking) -> None:
    """Tests that a service at a node takes its own number of shipments, beside the node's."""
    ask.count(on_hand=100)
    ask.limit(Limit(node_id="N", service_id="fast", shipments_per_day=1))
    ask.held(position(shipment_id="s", service_id="fast"), order="O1")
    assert isinstance(ask.reserve(position(shipment_id="s", service_id="fast"), order="O2"), Refused)
    ask.held(position(shipment_id="s", service_id="slow"), order="O2")


def test_shipments_of_one_order_count_together(ask: Asking) -> None:
    """Tests that the lines of one shipment are one shipment, and two shipments of an order are two."""
    ask.count("A", 100)
    ask.count("B", 100)
    ask.limit(Limit(node_id="N", shipments_per_day=1))
    two = (position("A", shipment_id="s1"), position("B", shipment_id="s2"))
    assert isinstance(ask.reserve(*two), Refused)
    ask.held(position("A", shipment_id="s1"), position("B", shipment_id="s1"))
    assert ask.used() == {("N", "", DAY1): (1, 2)}


def test_limits_follow_the_network(ask: Asking) -> None:
    """Tests that limits of a new network hold at once, also below what is used already."""
    ask.count(on_hand=100)
    ask.limit(Limit(node_id="N", shipments_per_day=1))
    ask.held(position(shipment_id="s"), order="O1")
    ask.limit(Limit(node_id="N", shipments_per_day=2))
    ask.held(position(shipment_id="s"), order="O2")
    ask.limit(Limit(node_id="N", shipments_per_day=0))
    outcome = ask.reserve(position(shipment_id="s"), order="O3")
    assert isinstance(outcome, Refused)
    assert outcome.overloads[0].available == 0
    ask.limit()
    ask.held(position(shipment_id="s"), order="O3")
    ask.check()


def test_one_refusal_leaves_the_others_of_a_transaction(ask: Asking) -> None:
    """Tests that requests of one transaction see what those before them took, and fail alone."""
    ask.count(on_hand=3)
    outcomes = ask.all(
        *(
            Reserve(reservation_id=f"x{number}", order_id=f"O{number}", positions=(position(quantity=2),))
            for number in range(3)
        ),
        Release(reservation_id="x0"),
        Reserve(reservation_id="x9", order_id="O9", positions=(position(quantity=3),)),
    )
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "Reserved",
        "Refused",
        "Refused",
        "ReservationChanged",
        "Reserved",
    ]
    assert ask.promised() == 0
    ask.check()


def test_a_second_reservation_of_an_order_is_told_apart(ask: Asking) -> None:
    """Tests modes new, add and replace, and that an order that was shipped is not reserved again by mistake."""
    ask.count(on_hand=10)
    first = ask.held(position(quantity=8))
    outcome = ask.reserve(position(quantity=1))
    assert isinstance(outcome, Refused)
    assert outcome.reason == "order_exists"
    again = ask.reserve(position(quantity=9), mode="replace")
    assert isinstance(again, Reserved)
    assert again.replaced == (first.reservation_id,)
    assert again.order_version == 2
    assert ask.state(first.reservation_id) == "RELEASED"
    ask.held(position(quantity=1), mode="add")
    assert ask.promised() == 0
    assert isinstance(ask.reserve(position(quantity=11), mode="replace"), Refused)
    assert ask.state(again.reservation.reservation_id) == "HELD"
    ask.do(Fulfil(reservation_id=again.reservation.reservation_id))
    outcome = ask.reserve(position(quantity=1), order="O")
    assert isinstance(outcome, Refused)
    assert outcome.reason == "order_exists"
    ask.check()


def test_versions_of_orders(ask: Asking) -> None:
    """Tests that if_match guards an order: 0 where it must be new."""
    ask.count(on_hand=10)
    outcome = ask.reserve(position(), if_match=1)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.current_version) == ("stale_version", 0)
    ask.held(position(), if_match=0)
    assert isinstance(ask.reserve(position(), if_match=0, mode="replace"), Refused)
    ask.held(position(), if_match=1, mode="replace")


def test_an_order_without_positions_has_a_document(ask: Asking) -> None:
    """Tests that an order that gets nothing keeps its allocation document."""
    ask.held(document=b'{"shipments":[]}', confirmed=True)
    order = ask.ledger.order(ask.tenant, "O")
    assert order is not None
    assert order.document == b'{"shipments":[]}'
    assert order.reservations[0].state == "CONFIRMED"
    ask.check()


def test_a_refused_request_is_undone_to_the_unit(ask: Asking) -> None:
    """Tests that a replacement that fails leaves what it had released, beside what others of the transaction took."""
    ask.count(on_hand=10)
    ask.limit(Limit(node_id="N", shipments_per_day=9))
    ask.held(position(quantity=2, shipment_id="s"), order="O1")
    outcomes = ask.all(
        Reserve(reservation_id="a", order_id="O2", positions=(position(quantity=1, shipment_id="s"),)),
        Reserve(reservation_id="b", order_id="O1", positions=(position(quantity=99),), mode="replace"),
        Reserve(reservation_id="b", order_id="O1", positions=(position(quantity=7),), mode="add"),
        Reserve(reservation_id="c", order_id="O3", positions=(position(quantity=1),)),
    )
    assert [type(outcome).__name__ for outcome in outcomes] == ["Reserved", "Refused", "Reserved", "Refused"]
    assert (ask.state("r1"), ask.state("b")) == ("HELD", "HELD")
    assert ask.used() == {("N", "", DAY1): (2, 3)}
    assert len(ask.ledger.entries(ask.tenant)) == len({entry.entry for entry in ask.ledger.entries(ask.tenant)}) == 8
    ask.check()


def test_reservation_ids_are_used_once(ask: Asking) -> None:
    """Tests that a known reservation id is refused, within a transaction too."""
    ask.count(on_hand=10)
    one = Reserve(reservation_id="x", order_id="O1", positions=(position(),))
    two = Reserve(reservation_id="x", order_id="O2", positions=(position(),))
    outcomes = ask.all(one, two)
    assert isinstance(outcomes[0], Reserved)
    assert outcomes[1].reason == "exists"
    ask.refused(two, "exists")


def test_hostile_values_are_refused(ask: Asking) -> None:
    """Tests that values that a database cannot hold are refused, and spoil nothing that is written with them."""
    ask.count(on_hand=10)
    good = Reserve(reservation_id="good", order_id="O1", positions=(position(),))
    for bad in (
        Reserve(reservation_id="x\x00", order_id="O2", positions=(position(),)),
        Reserve(reservation_id="\ud800", order_id="O2", positions=(position(),)),
        Reserve(reservation_id="x", order_id="O2", positions=(position(quantity=0),)),
        Reserve(reservation_id="x", order_id="O2", positions=(position(quantity=2**63),)),
        Reserve(reservation_id="x", order_id="O2", positions=(position(day="tomorrow"),)),
        Reserve(reservation_id="x", order_id="O" * 200, positions=(position(),)),
        Reserve(reservation_id="", order_id="O2", positions=(position(),)),
    ):
        ask.refused(bad, "invalid")
    quoted = Reserve(reservation_id="';--", order_id='"%s?', positions=(position(line_id="ÅÄÖ\u2028"),))
    outcomes = ask.all(good, quoted)
    assert all(isinstance(outcome, Reserved) for outcome in outcomes)
    order = ask.ledger.order(ask.tenant, '"%s?')
    assert order is not None
    assert order.reservations[0].positions[0].line_id == "ÅÄÖ\u2028"
    ask.check()


def test_tenants_do_not_meet(ask: Asking) -> None:
    """Tests that another tenant has its own stock, reservations, orders, numbers and keys."""
    other = Asking(ask.ledger, ask.tenant + "-other")
    ask.count(on_hand=1)
    assert isinstance(other.reserve(position()), Refused)
    ask.held(position())
    other.count(on_hand=1)
    other.held(position())
    assert other.state("r2") == "HELD"
    assert ask.ledger.reservation(ask.tenant, "r2") is None
    assert len(ask.ledger.entries(ask.tenant)) == len(other.ledger.entries(other.tenant)) == 2
    other.refused(Release(reservation_id="r1"), "not_found")
    ask.check()
    other.check()
