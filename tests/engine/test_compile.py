"""Tests what the compiler refuses: figures so large that cents would not be exact."""

from __future__ import annotations

from typing import Any

import pytest

from engine import InputError, allocate, parse_batch

HUGE = 2**31 - 1


def batch(**line: int) -> dict[str, Any]:
    """One order of one line on one node without services."""
    return {
        "policy": {"as_of": "2026-03-02T08:00:00+00:00"},
        "nodes": [{"node_id": "n", "kind": "dc", "lat": 40.0, "lon": -80.0}],
        "items": [{"sku": "s", "weight_g": 100}],
        "stock": [],
        "services": [],
        "rates": [],
        "orders": [{"order_id": "o", "lat": 41.0, "lon": -81.0}],
        "lines": [{"order_id": "o", "line_id": "l", "sku": "s", **line}],
    }


def test_costs_beyond_exact_sums_are_bad_input() -> None:
    """Tests a line whose loss leaves 64 bits, and one that is merely large."""
    with pytest.raises(InputError) as caught:
        allocate(parse_batch(batch(quantity=HUGE, unallocated_cents=HUGE)))
    assert str(caught.value) == (
        "lines row 1: 4.61e+18 cents if left out, expected less than 7e11 cents, so that sums are exact"
    )
    large = allocate(parse_batch(batch(quantity=1000, unallocated_cents=100_000_000)))
    assert large.summary["objective_cents"] == 100_000_000_000
