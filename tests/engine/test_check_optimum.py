"""Tests that the checker passes what an independent brute force finds, and finds what is planted in it."""

from __future__ import annotations

import re

import pytest

from engine.check import check
from engine.documents import parse_allocation, parse_batch
from tests.drawing import draw_batch
from tests.oracle_allocation import oracle_allocation
from tests.planting import PLANTS, WHERE


@pytest.mark.parametrize("size", ["tiny", "small"])
def test_an_exact_optimum_has_no_faults(size: str) -> None:
    """Tests costs, reasons and the preferred service of brute-force optima of drawn batches."""
    for seed in range(1000, 1030):
        drawn = draw_batch(seed, size)
        report = check(parse_batch(drawn), parse_allocation(oracle_allocation(drawn)))
        assert report.faults == (), seed


def test_plants_in_an_optimum_are_found() -> None:
    """Tests that every plant that a drawn batch has a case of is found where it is; most have one."""
    tried = set()
    for seed in range(2000, 2008):
        drawn = draw_batch(seed)
        batch, allocation = parse_batch(drawn), parse_allocation(oracle_allocation(drawn))
        for name, plant in PLANTS.items():
            wrong = plant(batch, allocation)
            if wrong is None:
                continue
            tried.add(name)
            table, column, pattern = WHERE[name]
            messages = [
                fault.message for fault in check(batch, wrong).faults if (fault.table, fault.column) == (table, column)
            ]
            assert any(re.search(pattern, message) for message in messages), (seed, name)
    assert len(tried) >= len(PLANTS) - 12
