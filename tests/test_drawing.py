"""Tests that drawn batches are worth solving: dense, exact in two ways, and the same for the same seed."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings

from tests.drawing import Document, batches, draw_batch
from tests.oracle import CONSTRAINTS, features, nothing_cents, reasons, solve, solve_by_milp

OPTIONAL_COLUMNS = {
    "policy": "horizon_days max_shipments allow_line_split split_cents late_cents_per_day unallocated_cents"
    " unallocated_value_bp max_distance_km dim_cm3_per_kg carbon_cents_per_kg",
    "nodes": "shipments_per_day units_per_day shipment_cents line_cents unit_cents preference_cents"
    " ready_minutes cutoff timezone working_days offline capabilities",
    "stock": "reserved safety_stock",
    "items": "volume_cm3 value_cents requires",
    "services": "fuel_bp residential_cents delivery_days capabilities carbon_g_per_tonne_km",
    "used": "shipments units",
    "orders": "region residential deliver_by hard_promise late_cents_per_day priority_pct ship_complete"
    " max_shipments only_nodes not_nodes held",
    "lines": "unallocated_cents ship_together",
}


@pytest.mark.parametrize("size", ["tiny", "small"])
def test_two_exact_solvers_agree(size: str) -> None:
    """Tests branch and bound against an integer program over every option."""
    for seed in range(100):
        drawn = draw_batch(seed, size)
        assert solve(drawn).objective_cents == solve_by_milp(drawn).objective_cents, seed


def test_drawn_batches_are_dense() -> None:
    """Tests that most drawn batches ship something under several constraints, with no feature missing."""
    counts: Counter[str] = Counter()
    n_constraints = 0
    n_batches = 200
    for seed in range(n_batches):
        drawn = draw_batch(seed)
        found = features(drawn, solve(drawn))
        counts.update(found)
        n_constraints += len(found & CONSTRAINTS)
    assert counts["ships"] >= 0.85 * n_batches
    assert counts["competition"] >= 0.4 * n_batches
    assert n_constraints >= 5 * n_batches
    rare = {name for name in CONSTRAINTS if counts[name] < 0.02 * n_batches}
    assert not rare


def test_same_seed_draws_the_same_batch() -> None:
    """Tests that a draw depends on its seed and on nothing else."""
    assert draw_batch(7) == draw_batch(7)
    assert len({str(draw_batch(seed)) for seed in range(50)}) == 50


@settings(max_examples=50, deadline=None, derandomize=True, database=None)
@given(batches())
def test_best_is_no_worse_than_nothing_and_no_better_than_alone(drawn: Document) -> None:
    """Tests the order of the three objectives, and that each line which could be served is judged so."""
    solution = solve(drawn)
    assert solution.alone_cents <= solution.objective_cents <= nothing_cents(drawn)
    why = reasons(drawn)
    lines_of: dict[str, list[str]] = {}
    for line in drawn["lines"]:
        lines_of.setdefault(line["order_id"], []).append(line["line_id"])
    for order_id, option in solution.chosen.items():
        for index, line_id in enumerate(lines_of.get(order_id, [])):
            if any(shipment.quantities[index] for shipment in option.shipments) and not option.left[index]:
                assert why[order_id, line_id] in {"outbid", "max_shipments"}


def test_every_column_changes_some_best_allocation() -> None:
    """Tests that no drawn column is idle: without it the best objective of some batch is another."""
    idle = {(table, column) for table, columns in OPTIONAL_COLUMNS.items() for column in columns.split()}
    for seed in range(400):
        drawn = draw_batch(seed)
        best_cents = solve(drawn).objective_cents
        for table, column in sorted(idle):
            rows = [drawn[table]] if table == "policy" else drawn.get(table, [])
            plain = [{name: value for name, value in row.items() if name != column} for row in rows]
            if plain == rows:
                continue
            without = drawn | {table: plain[0] if table == "policy" else plain}
            if solve(without).objective_cents != best_cents:
                idle.remove((table, column))
        if not idle:
            break
    assert not idle
