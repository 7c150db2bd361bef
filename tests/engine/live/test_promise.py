"""Tests of promises against every complete option that the oracle knows."""

from __future__ import annotations

from datetime import date

import pytest

from engine.documents import parse_batch
from engine.generate import GenerateParams, generate
from engine.live import Order, Promise, Snapshot, decide, promise
from tests.drawing import draw_batch
from tests.engine.live.giving import SEEDS, all_options, delivered, drawn_prices, orders_of, value
from tests.oracle import Option


def complete(options: list[Option]) -> list[Option]:
    """Those that serve everything."""
    return [option for option in options if option.shipments and not any(option.left)]


def frontier(options: list[Option], service_id: str) -> list[tuple[str, date, int]]:
    """The cheapest option of a service by each date, where later is cheaper."""
    out: list[tuple[str, date, int]] = []
    its = [option for option in options if {row.service_id for row in option.shipments} == {service_id}]
    for day, cents in sorted((delivered(option), option.cents) for option in its):
        if not out or cents < out[-1][2]:
            out.append((service_id, day, cents))
    return out


def shown(found: Promise) -> list[tuple[str | None, date, int]]:
    """The options of a promise, in short."""
    return [(option.service_id, option.deliver_date, option.cost_cents) for option in found.options]


@pytest.mark.parametrize("seed", SEEDS)
def test_every_service_and_date_is_the_cheapest(seed: int) -> None:
    """Tests all options of each drawn cart, the cheapest and the fastest of them, and that carts do not compete."""
    document = draw_batch(seed)
    batch = parse_batch(document)
    orders = [order for order in orders_of(batch) if not order.held]
    for order, found in zip(orders, promise(Snapshot(batch), orders), strict=True):
        options = complete(all_options(document, order.order_id))
        services = sorted(row["service_id"] for row in document["services"])
        assert shown(found) == [row for service_id in services for row in frontier(options, service_id)]
        if not options:
            assert found.cheapest is None and found.fastest is None
            assert found.lacking or not order.lines
            continue
        assert found.cheapest is not None and found.fastest is not None
        by_cost = min((option.cents, delivered(option)) for option in options)
        by_date = min((delivered(option), option.cents) for option in options)
        assert (found.cheapest.cost_cents, found.cheapest.deliver_date) == by_cost
        assert (found.fastest.deliver_date, found.fastest.cost_cents) == by_date
        for one in (*found.options, found.cheapest, found.fastest):
            assert sum(one.terms.values()) == one.cost_cents
            units = {line.line_id: line.quantity for line in order.lines}
            for row in one.allocations:
                units[row.line_id] -= row.quantity
            assert set(units.values()) == {0}


@pytest.mark.parametrize("seed", SEEDS[:12])
def test_prices_choose_the_way(seed: int) -> None:
    """Tests that with prices the cheapest way is that of least cost and price together."""
    document = draw_batch(seed)
    batch = parse_batch(document)
    snapshot = Snapshot(batch)
    worth, table = drawn_prices(document, seed)
    prices = snapshot.prices(table)
    for order in orders_of(batch):
        found = promise(snapshot, [order], prices=prices)[0].cheapest
        if found is None or order.held:
            continue
        options = complete(all_options(document, order.order_id))
        least = min(value(option, worth) for option in options)
        assert found.cost_cents in {option.cents for option in options if value(option, worth) == least}


def test_a_promise_is_kept() -> None:
    """Tests that an order decided right after costs what its cart was promised, where serving it pays at all."""
    batch = generate(GenerateParams(load="calm", n_orders=200, n_nodes=20, n_skus=60, seed=8))
    snapshot = Snapshot(batch)
    orders = orders_of(batch)
    n_same = 0
    for order, found in zip(orders, promise(snapshot, orders), strict=True):
        decision = decide(snapshot, [order])[0]
        if decision.complete:
            assert found.cheapest is not None
            assert found.cheapest.cost_cents == decision.objective_cents
            n_same += 1
    assert n_same > 150


def test_what_is_lacking_is_named() -> None:
    """Tests that a cart that cannot be served names the line in the way, and that document forms are plain data."""
    batch = generate(GenerateParams(load="calm", n_orders=50, n_nodes=20, n_skus=60, seed=8))
    cart = next(order for order in orders_of(batch) if len(order.lines) > 1)
    first, *others = cart.lines
    greedy = Order(
        order_id="cart",
        lat=cart.lat,
        lon=cart.lon,
        lines=(type(first)(line_id="much", sku=first.sku, quantity=10**6), *others),
    )
    found = promise(Snapshot(batch), [greedy])[0]
    assert [(row.line_id, row.reason, row.quantity) for row in found.lacking] == [("much", "no_stock", 10**6)]
    document = found.to_document()
    assert document["cheapest"] is None and document["options"] == []
    served = promise(Snapshot(batch), [cart])[0].to_document()
    assert served["cheapest"]["deliver_date"] == served["cheapest"]["shipments"][0]["deliver_date"]


def test_empty_carts_and_calls_are_answered() -> None:
    """Tests carts without lines among others, and calls without carts or orders: nothing to offer, and no error."""
    batch = generate(GenerateParams(load="calm", n_orders=20, n_nodes=10, n_skus=30, seed=8))
    snapshot = Snapshot(batch)
    full = orders_of(batch)[0]
    empty = Order(order_id="empty", lat=full.lat, lon=full.lon, lines=())
    found = promise(snapshot, [empty, full, empty])
    assert [one.cheapest is None for one in found] == [True, False, True]
    assert found[0] == found[2] == Promise(order_id="empty", options=(), cheapest=None, fastest=None)
    assert found[1] == promise(snapshot, [full])[0]
    decisions = decide(snapshot, [empty, full, empty])
    assert [len(one.shipments) > 0 for one in decisions] == [False, True, False]
    assert promise(snapshot, []) == [] and decide(snapshot, []) == []
