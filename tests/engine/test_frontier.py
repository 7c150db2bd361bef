"""Tests curves of cost against a quantity: every point lies on or above the true frontier, the envelope never does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from engine import AllocateParams, Batch, allocate, parse_batch, route_in_order
from engine.documents import batch_to_document
from engine.frontier import TERM, Frontier, FrontierParams, Over, frontier, quantity_of, weigh
from engine.generate import GenerateParams, generate
from tests.drawing import draw_batch
from tests.engine.explain.dealing import Deal
from tests.oracle.brute import Calendar, Option, order_options
from tests.oracle.reading import Batch as OracleBatch

EXACT = AllocateParams(gap=0.0)
OVERS: tuple[Over, ...] = ("carbon", "split", "late", "unallocated")


def measured(batch: OracleBatch, over: Over) -> Callable[[Option], float]:
    """The quantity of an option, by the words of the model."""

    def measure(option: Option) -> float:
        order = batch.orders[option.order_id]
        if over == "split":
            return max(0, len(option.shipments) - 1)
        if over == "unallocated":
            return 0.0 if order.held else sum(option.left) * order.priority_pct / 100
        if over == "late":
            due = order.deliver_by
            late = [0 if due is None else max(0, (one.deliver_date - due).days) for one in option.shipments]
            return sum(late) * order.priority_pct / 100
        total = 0.0
        for one in option.shipments:
            grams = sum(batch.items[line.sku].weight_g * n for line, n in zip(order.lines, one.quantities))
            total += batch.services[one.service_id].carbon_g_per_tonne_km * grams * one.distance_km * 1000 / 1e12
        return total

    return measure


def true_cost(batch: Batch, over: Over, quantity: float) -> float:
    """The least of all other terms with at most a quantity: an integer program over everything."""
    document = batch_to_document(batch)
    oracle = OracleBatch(document)
    calendar = Calendar(oracle)
    listed = [list(order_options(calendar, order)) for order in oracle.orders.values()]
    deal = Deal(listed, calendar.capacity)
    measure = measured(oracle, over)
    amount = np.array([measure(option) for option in deal.columns])
    other = np.array([float(option.cents - option.terms[TERM[over]]) for option in deal.columns])
    limit = LinearConstraint(amount[None, :], -np.inf, quantity + 1e-6)
    found = milp(
        other,
        integrality=np.ones(other.size),
        bounds=Bounds(0.0, 1.0),
        constraints=[*deal.constraints, limit],
        options={"mip_rel_gap": 0.0},
    )
    assert found.status == 0, found.message
    return float(round(found.fun))


def assert_curve(found: Frontier) -> None:
    """Tests what holds of every curve."""
    assert found.points
    for one, next_one in zip(found.points, found.points[1:]):
        assert one.quantity > next_one.quantity and one.other_cents < next_one.other_cents
    for point in found.points:
        assert point.within_cents >= 0
        assert point.other_cents + point.allocation.summary["terms"][TERM[found.over]] == point.objective_cents
        assert point.envelope_cents == found.envelope(point.quantity)


@pytest.mark.parametrize("over", OVERS)
def test_truth_lies_between_points_and_envelope(over: Over) -> None:
    """Tests drawn batches against the true frontier at the quantity of each point."""
    n_points = 0
    for seed in range(6):
        batch = parse_batch(draw_batch(seed))
        found = frontier(batch, FrontierParams(over=over, n_points=4, run=EXACT))
        assert_curve(found)
        for point in found.points:
            truth = true_cost(weigh(batch, over, 1), over, point.quantity)
            assert point.envelope_cents <= truth + 1e-6
            assert truth <= point.other_cents
            n_points += 1
    assert n_points > 8


@pytest.mark.parametrize("over", ["carbon", "split"])
def test_no_allocation_lies_below(over: Over) -> None:
    """Tests a peak day: plans from elsewhere lie above the envelope, and more of the curve is known with each point."""
    batch = generate(GenerateParams(load="peak", n_orders=60, n_nodes=10, n_skus=20, seed=3))
    run = AllocateParams(gap=0.005, time_limit_seconds=5.0)
    seen = []
    found = frontier(batch, FrontierParams(over=over, n_points=5, run=run), on_point=lambda n, _: seen.append(n))
    assert seen == [1, 2, 3, 4, 5]
    assert_curve(found)
    assert len(found.points) >= 3 and len(found.lines) == 5
    assert len(found.points) + found.n_dropped == 5
    for plan in (route_in_order(batch), allocate(batch, run)):
        quantity = quantity_of(batch, plan, over)
        other = plan.summary["objective_cents"] - plan.summary["terms"][TERM[over]]
        assert other >= found.envelope(quantity)
    few = frontier(batch, FrontierParams(over=over, n_points=2, run=run))
    assert all(found.envelope(point.quantity) >= few.envelope(point.quantity) for point in found.points)


def test_parameters_are_refused() -> None:
    """Tests that errors name what was received and what is expected."""
    with pytest.raises(ValueError, match="over is 'cost', expected one of carbon, split, late, unallocated"):
        FrontierParams(over="cost")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="n_points is 1, expected an integer from 2"):
        FrontierParams(over="split", n_points=1)
    with pytest.raises(ValueError, match="most_cents is 0"):
        FrontierParams(over="split", most_cents=0)


def test_interrupted_curves_keep_what_they_have() -> None:
    """Tests that a curve stopped after its second point has two lines and is right."""
    batch = parse_batch(draw_batch(3))
    seen: list[int] = []
    found = frontier(
        batch,
        FrontierParams(over="unallocated", n_points=6, run=EXACT),
        on_point=lambda n, _: seen.append(n),
        interrupt=lambda: len(seen) >= 2,
    )
    assert len(found.lines) == 2
    assert_curve(found)
