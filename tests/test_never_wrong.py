"""Tests that the checker passes every output for every load, and finds every planted fault in one."""

from __future__ import annotations

import re

import pytest

from engine import AllocateParams, Allocation, Batch, allocate, parse_batch, route_in_order
from engine.check import check
from engine.generate import GenerateParams, generate
from tests.drawing import draw_batch
from tests.planting import PLANTS, WHERE

LOADS = {
    "calm": GenerateParams(load="calm", n_orders=400, n_nodes=30, n_skus=200, seed=11),
    "peak": GenerateParams(load="peak", n_orders=300, n_nodes=30, n_skus=150, seed=12),
    "flash": GenerateParams(load="flash", n_orders=500, n_nodes=40, n_skus=20, seed=13),
    "basket": GenerateParams(load="basket", n_orders=300, n_nodes=20, n_skus=300, seed=14),
}
DRAWN = [*range(4000, 4010), 4031, 4065, 4106, 4128]
CASES_A_PLANT = 3
QUICK = AllocateParams(gap=0.02, time_limit_seconds=5.0)


@pytest.fixture(scope="module")
def outputs() -> dict[str, tuple[Batch, Allocation]]:
    """A batch of each load with its allocation, and a few drawn ones."""
    found: dict[str, tuple[Batch, Allocation]] = {}
    for load, params in LOADS.items():
        batch = generate(params)
        found[load] = batch, allocate(batch, QUICK)
    for seed in DRAWN:
        batch = parse_batch(draw_batch(seed))
        found[f"drawn {seed}"] = batch, allocate(batch)
    return found


@pytest.mark.parametrize("load", LOADS)
def test_outputs_have_no_faults(load: str, outputs: dict[str, tuple[Batch, Allocation]]) -> None:
    """Tests the allocation of a load, and the one-by-one plan, which is never better."""
    batch, allocation = outputs[load]
    assert check(batch, allocation).faults == ()
    plan = route_in_order(batch)
    assert check(batch, plan).faults == ()
    assert allocation.summary["objective_cents"] <= plan.summary["objective_cents"]
    assert plan.summary["bound_cents"] <= allocation.summary["objective_cents"]
    counts = allocation.summary["counts"]
    assert counts["units_allocated"] > (0.15 if load == "basket" else 0.3) * counts["units"]


def test_every_plant_is_found(outputs: dict[str, tuple[Batch, Allocation]]) -> None:
    """Tests each planted fault in a few outputs that have a case of it: found in its table and column."""
    assert len(PLANTS) >= 20
    n_cases = dict.fromkeys(PLANTS, 0)
    for number, (name, plant) in enumerate(PLANTS.items()):
        table, column, pattern = WHERE[name]
        begin = number % len(LOADS)
        for where in [*list(outputs)[begin:], *list(outputs)[:begin]]:
            batch, allocation = outputs[where]
            wrong = plant(batch, allocation)
            if wrong is None:
                continue
            found = [
                fault.message for fault in check(batch, wrong).faults if (fault.table, fault.column) == (table, column)
            ]
            assert any(re.search(pattern, message) for message in found), (name, where, found)
            n_cases[name] += 1
            if n_cases[name] == CASES_A_PLANT:
                break
    assert [name for name, n in n_cases.items() if n == 0] == []
