"""Tests of explanations against every option that the oracle knows."""

from __future__ import annotations

from collections import Counter

import pytest

from engine.documents import parse_batch
from engine.generate import GenerateParams, generate
from engine.live import Explanation, Snapshot, decide, explain
from tests.drawing import draw_batch
from tests.engine.live.giving import SEEDS, all_options, drawn_prices, orders_of, value


@pytest.mark.parametrize("seed", SEEDS)
def test_rivals_are_at_their_best(seed: int) -> None:
    """Tests each rival's best option, at no prices and at some, against all options with a shipment from it."""
    document = draw_batch(seed)
    batch = parse_batch(document)
    snapshot = Snapshot(batch)
    worth, table = drawn_prices(document, seed)
    for prices, its_worth in ((None, dict.fromkeys(worth, 0.0)), (snapshot.prices(table), worth)):
        for order in orders_of(batch):
            options = all_options(document, order.order_id)
            decision = decide(snapshot, [order], prices=prices)[0]
            found = explain(snapshot, order, decision, prices=prices, taken=False)
            assert found.terms == decision.terms and found.objective_cents == decision.objective_cents
            assert found.price_cents == decision.price_cents
            assert sum(row.cents * row.amount for row in found.prices) == found.price_cents
            for rival in found.rivals:
                those = [value(one, its_worth) for one in options if _ships_from(one, rival.node_id)]
                if rival.option is None:
                    assert those == []
                    assert rival.obstacles
                    continue
                assert rival.option.objective_cents + rival.option.price_cents == min(those)
                assert sum(rival.difference.values()) == rival.difference_cents
                assert rival.difference_cents == rival.option.objective_cents - decision.objective_cents
                assert rival.difference_cents + rival.price_difference_cents >= 0


def _ships_from(option: object, node_id: str) -> bool:
    return any(shipment.node_id == node_id for shipment in option.shipments)  # type: ignore[attr-defined]


def test_all_kinds_of_obstacles_are_met() -> None:
    """Tests that drawn batches hold every obstacle but rejection, so that the words above were tried."""
    met: Counter[str] = Counter()
    for seed in range(120):
        batch = parse_batch(draw_batch(seed))
        snapshot = Snapshot(batch)
        for order in orders_of(batch):
            found = explain(snapshot, order, decide(snapshot, [order])[0], taken=False)
            met.update(one.reason for rival in found.rivals for one in rival.obstacles)
    assert set(met) == {
        "capability",
        "hard_promise",
        "held",
        "max_shipments",
        "no_candidate",
        "no_capacity",
        "no_service",
        "no_ship_date",
        "no_stock",
        "not_nodes",
        "offline",
        "only_nodes",
        "ship_complete",
        "ship_together",
        "too_far",
    }


def test_what_it_takes_counts_as_free_for_itself() -> None:
    """Tests that an explanation is the same before its decision is taken and after, and changes nothing."""
    batch = generate(GenerateParams(load="flash", n_orders=80, n_nodes=20, n_skus=5, seed=4))
    snapshot = Snapshot(batch)
    for order in orders_of(batch)[:12]:
        decision = decide(snapshot, [order])[0]
        before = explain(snapshot, order, decision, taken=False)
        assert decide(snapshot, [order], take=True) == [decision]
        assert explain(snapshot, order, decision) == before
        assert explain(snapshot, order, decision) == before


def test_figures_are_in_the_words() -> None:
    """Tests the details of a scarce and of an excluded node, and that the document is plain data."""
    batch = generate(GenerateParams(load="calm", n_orders=50, n_nodes=20, n_skus=40, seed=4))
    snapshot = Snapshot(batch)
    order = orders_of(batch)[0]
    decision = decide(snapshot, [order])[0]
    node_id = next(row.node_id for row in decision.shipments)
    other = decide(snapshot, [order], exclude={order.order_id: [node_id]})[0]
    found: Explanation = explain(snapshot, order, other, exclude=[node_id], taken=False)
    rival = next(one for one in found.rivals if one.node_id == node_id)
    assert [(one.line_id, one.reason) for one in rival.obstacles] == [(None, "rejected")]
    document = found.to_document()
    assert document["rivals"][-1]["obstacles"][0].keys() == {"line_id", "reason", "detail"}
    details = [one.detail for rival in found.rivals for one in rival.obstacles if one.reason == "no_stock"]
    assert all("sellable by 2026-" in detail and "wanted" in detail for detail in details)
