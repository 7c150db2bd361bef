"""Tests of reserving for many orders at once: as single ones would be, but for what is contended."""

from __future__ import annotations

import random
from typing import Any

import pytest

from engine.ledger.base import Request
from engine.ledger.commands import CancelOrder, Limit, Position, PositionRow, Reserve, ReserveMany, SetOnHand
from engine.ledger.outcomes import ManyReserved, OrderCancelled, Refused, Reserved
from tests.engine.ledger.asking import DAY1, DAY2, DAY3, Asking, respond


def many(*orders: list[tuple[Any, ...]], first: int = 0, **more: Any) -> ReserveMany:
    """Reserve for orders o0, o1..., each a list of (sku, quantity, day, shipment, service)."""
    names = [f"o{first + number}" for number in range(len(orders))]
    positions: list[PositionRow] = []
    for number, places in enumerate(orders):
        for at, (sku, quantity, *rest) in enumerate(places):
            day, shipment, service = (*rest, *(DAY1, None, None)[len(rest) :])
            positions.append((number, "N", sku, day, quantity, str(at), shipment, service))
    return ReserveMany(
        reservation_ids=tuple(f"r-{name}" for name in names),
        order_ids=tuple(names),
        documents=tuple(f'"{name}"'.encode() for name in names),
        positions=tuple(positions),
        **more,
    )


def single(command: ReserveMany, number: int, suffix: str = "") -> Reserve:
    """The same reservation by itself."""
    return Reserve(
        reservation_id=command.reservation_ids[number] + suffix,
        order_id=command.order_ids[number] + suffix,
        positions=tuple(
            Position(
                node_id=node, sku=sku, ship_date=day, quantity=units, line_id=line, shipment_id=one, service_id=service
            )
            for at, node, sku, day, units, line, one, service in command.positions
            if at == number
        ),
        confirmed=command.confirmed,
        ttl_ms=command.ttl_ms,
        document=command.documents[number],
    )


def reading(ask: Asking) -> Any:
    """All that a tenant has, but for numbers of entries and events."""
    snapshot = ask.ledger.snapshot(ask.tenant)
    entries = [
        (one.kind, one.debit, one.credit, one.node_id, one.item, one.day, one.quantity, one.order_id)
        for one in ask.ledger.entries(ask.tenant, limit=10_000)
    ]
    events = [(one.type, one.subject, one.order_id, one.data) for one in ask.ledger.events(ask.tenant, limit=10_000)]
    orders = [ask.ledger.order(ask.tenant, f"o{number}") for number in range(30)]
    return snapshot.stock.to_pylist(), snapshot.used.to_pylist(), sorted(entries, key=str), sorted(events), orders


def test_same_as_single_ones(ask: Asking) -> None:
    """Tests that stock, capacity, entries, events and orders are those of single reservations."""
    twin = Asking(ask.ledger, f"{ask.tenant}-twin")
    rng = random.Random(3)
    orders = [
        [("AB"[rng.random() < 0.4], rng.randint(1, 3), (DAY1, DAY2)[at], f"s{at}", "ground") for at in range(2)]
        for _ in range(20)
    ]
    for one in (ask, twin):
        one.count("A", 100)
        one.count("B", 100)
    outcome = ask.all(many(*orders, ttl_ms=5000))[0]
    assert outcome == ManyReserved(reserved=20, left=())
    command = many(*orders, ttl_ms=5000)
    assert all(isinstance(one, Reserved) for one in twin.all(*(single(command, number) for number in range(20))))
    assert reading(ask) == reading(twin)
    ask.check()
    ask.pass_ms(5001)
    ask.ledger.sweep()
    assert ask.state("r-o3") == "EXPIRED"
    assert ask.promised("A") == 100
    ask.check()


def test_contended_stock_is_left(ask: Asking) -> None:
    """Tests that where the sum does not fit nobody is served, and single reservations decide who is."""
    ask.count("A", 3)
    ask.count("B", 10)
    command = many([("A", 2)], [("B", 1)], [("A", 2), ("B", 1)], [("B", 2)])
    assert ask.all(command) == [ManyReserved(reserved=2, left=(0, 2))]
    assert ask.promised("A") == 3
    first, second = ask.all(single(command, 0), single(command, 2))
    assert isinstance(first, Reserved)
    assert isinstance(second, Refused)
    assert second.reason == "insufficient_stock"
    ask.check()


def test_contended_capacity_is_left(ask: Asking) -> None:
    """Tests that neither a node's nor a service's limit is passed, and what fits elsewhere is reserved."""
    ask.count("A", 100)
    ask.limit(Limit(node_id="N", shipments_per_day=3), Limit(node_id="N", service_id="air", shipments_per_day=1))
    command = many(
        [("A", 1, DAY1, "s", "ground")],
        [("A", 1, DAY1, "s", "ground")],
        [("A", 1, DAY2, "s", "air")],
        [("A", 1, DAY2, "t", "air")],
        [("A", 1, DAY3, "s", "ground"), ("A", 1, DAY3, "s", "ground")],
    )
    assert ask.all(command) == [ManyReserved(reserved=3, left=(2, 3))]
    assert ask.used()["N", "", DAY1] == (2, 2)
    assert ask.used()["N", "", DAY3] == (1, 2)
    ask.check()


def test_supply_of_later_days_is_left_to_single_ones(ask: Asking) -> None:
    """Tests that units that come later are not promised today, and are had by the rules of single reservations."""
    ask.count("A", 2)
    ask.count("A", 5, day=DAY2)
    command = many([("A", 2, DAY1)], [("A", 5, DAY2)])
    assert ask.all(command) == [ManyReserved(reserved=0, left=(0, 1))]
    assert all(isinstance(one, Reserved) for one in ask.all(single(command, 0), single(command, 1)))
    assert ask.all(many([("A", 1, DAY2)], first=7)) == [ManyReserved(reserved=0, left=(0,))]
    ask.check()


def test_known_orders_are_left(ask: Asking) -> None:
    """Tests that orders that are there, or come twice, are left, so that a repetition changes nothing."""
    ask.count("A", 10)
    command = many([("A", 1)], [("A", 1)])
    assert ask.all(command) == [ManyReserved(reserved=2, left=())]
    assert ask.all(command, command) == [ManyReserved(reserved=0, left=(0, 1))] * 2
    twice = ReserveMany(reservation_ids=("x1", "x2"), order_ids=("same", "same"), documents=(b"1", b"2"), positions=())
    assert ask.all(twice) == [ManyReserved(reserved=1, left=(1,))]
    assert ask.promised() == 8
    ask.check()


def test_together_with_others_in_one_transaction(ask: Asking) -> None:
    """Tests that requests before and after it in the transaction see each other's work."""
    ask.count("A", 4)
    command = many([("A", 2)], [("A", 1)])
    before, both, cancelled, after, refused = ask.all(
        Reserve(reservation_id="b", order_id="b", positions=single(command, 1).positions),
        command,
        CancelOrder(order_id="o0"),
        Reserve(reservation_id="a", order_id="a", positions=single(command, 0).positions),
        Reserve(reservation_id="c", order_id="c", positions=single(command, 0).positions),
    )
    assert isinstance(before, Reserved)
    assert both == ManyReserved(reserved=2, left=())
    assert isinstance(cancelled, OrderCancelled)
    assert cancelled.released == ("r-o0",)
    assert isinstance(after, Reserved)
    assert isinstance(refused, Refused)
    assert ask.promised() == 0
    ask.check()


def test_values_that_cannot_be_stored(ask: Asking) -> None:
    """Tests that a bad value refuses all, and that what could not be undone is not accepted."""
    ask.count("A", 10)
    for bad in (many([("A", 0)]), many([("A\0", 1)]), many([("A", 1, "tomorrow")]), many([("A", 1)], ttl_ms=0)):
        (outcome,) = ask.all(bad)
        assert isinstance(outcome, Refused)
        assert outcome.reason == "invalid"
    with pytest.raises(ValueError, match="ReserveMany"):
        ask.ledger.write([Request(tenant=ask.tenant, command=many([("A", 1)]), respond=respond)])
    assert ask.promised() == 10
    ask.check()


HOSTILE = ('"', "\\", "{}", "a,b", "NULL", "null", "'", "\\N", "\t", "\n", " x ", "é𝄞", '\\"', "%s", "\u2028")


def test_any_text_and_any_bytes(ask: Asking) -> None:
    """Tests that names and documents come back as they were, whatever a database's own syntax makes of them."""
    raw = bytes(range(256))
    ask.all(*(SetOnHand(node_id="N", sku=text, on_hand=9) for text in HOSTILE))
    for suffix, parts in (("", HOSTILE[:3]), ("-many", HOSTILE)):  # few rows and many go different ways
        command = ReserveMany(
            reservation_ids=tuple(f"r{text}{suffix}" for text in parts),
            order_ids=tuple(text + suffix for text in parts),
            documents=(raw,) * len(parts),
            positions=tuple((at, "N", text, DAY1, 1, None, text, text) for at, text in enumerate(parts)),
        )
        assert ask.all(command) == [ManyReserved(reserved=len(parts), left=())]
        for text in parts:
            record = ask.ledger.order(ask.tenant, text + suffix)
            assert record is not None
            assert record.document == raw
            (place,) = record.reservations[0].positions
            assert (place.sku, place.line_id, place.shipment_id, place.service_id) == (text, None, text, text)
        ask.all(*(CancelOrder(order_id=text + suffix) for text in parts))
    assert all(ask.promised(text) == 9 for text in HOSTILE)
    ask.check()
