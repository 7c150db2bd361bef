"""Tests decisions made anew: they change where that saves something, and never at the cost of a promise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.replay.draws import draws_of
from engine.replay.play import longest_wait_minutes, play
from engine.replay.results import allocation_of
from engine.replay.windows import InWindows
from engine.replay.world import build_world
from tests.engine.replay.streams import stream_of

MONDAY = "2026-03-02T"


def two_orders(
    *, far_days: int, far_has: int = 1, a_unallocated_cents: int = 5000, a_deliver_by: str | None = None
) -> dict[str, Any]:
    """A first order that the near node serves best, and an hour later one that only the near node may serve.

    The near node has one unit and delivers the next day; a parcel from the far one costs a dollar more.
    """
    spot = {"lat": 40.0, "lon": -80.0}
    return {
        "policy": {"as_of": f"{MONDAY}08:00:00Z", "unallocated_cents": 5000},
        "nodes": [
            {"node_id": "near", "kind": "dc", "lat": 40.5, "lon": -80.0},
            {"node_id": "far", "kind": "dc", "lat": 44.0, "lon": -80.0},
        ],
        "stock": [
            {"node_id": "near", "sku": "x", "on_hand": 1},
            {"node_id": "far", "sku": "x", "on_hand": far_has},
        ],
        "items": [{"sku": "x", "weight_g": 500}],
        "services": [{"service_id": "ground", "carrier": "acme", "delivery_days": "1111111"}],
        "bands": [
            {"service_id": "ground", "max_km": 100, "zone": "1", "transit_days": 1},
            {"service_id": "ground", "max_km": 9000, "zone": "2", "transit_days": far_days},
        ],
        "rates": [
            {"service_id": "ground", "zone": "1", "max_weight_g": 30_000, "cents": 500},
            {"service_id": "ground", "zone": "2", "max_weight_g": 30_000, "cents": 600},
        ],
        "orders": [
            {"order_id": "A", **spot, "deliver_by": a_deliver_by},
            {"order_id": "B", **spot, "only_nodes": "near"},
        ],
        "lines": [
            {"order_id": "A", "line_id": "1", "sku": "x", "quantity": 1, "unallocated_cents": a_unallocated_cents},
            {"order_id": "B", "line_id": "1", "sku": "x", "quantity": 1},
        ],
        "stream": [
            {"order_id": "A", "placed_at": f"{MONDAY}08:10:00Z"},
            {"order_id": "B", "placed_at": f"{MONDAY}09:10:00Z"},
        ],
    }


def served(document: dict[str, Any], folder: Path, **how: int) -> tuple[dict[str, str], int]:
    """Which node serves each order in the end, and how many decisions were changed."""
    strategy = InWindows(**{"name": "reopt", "turn_minutes": 60, "release_minutes": 240} | how)  # type: ignore[arg-type]
    world = build_world(stream_of(document, folder), longest_wait_minutes=longest_wait_minutes(strategy))
    played = play(world, strategy, draws_of(world, seed=0, reject_bp=0))
    rows = allocation_of(world, played.chosen)["allocations"].to_pylist()
    return {row["order_id"]: row["node_id"] for row in rows}, played.n_changed


def test_a_decision_changes_where_that_saves_enough(tmp_path: Path) -> None:
    """Tests that the first order moves to the far node once the second needs the near one, if nodes were not told."""
    document = two_orders(far_days=1)
    assert served(document, tmp_path) == ({"A": "far", "B": "near"}, 1)
    assert served(document, tmp_path, release_minutes=0) == ({"A": "near"}, 0)
    assert served(document, tmp_path, release_minutes=59) == ({"A": "near"}, 0)


def test_a_change_has_to_save_what_it_costs(tmp_path: Path) -> None:
    """Tests the penalty to the cent: serving the second order saves 4,500 cents, moving the first costs 100."""
    document = two_orders(far_days=1)
    assert served(document, tmp_path, change_cents=4399)[1] == 1
    assert served(document, tmp_path, change_cents=4401)[1] == 0


@pytest.mark.parametrize("deliver_by", [None, "2026-03-20", "2026-03-02"])
def test_what_was_promised_does_not_arrive_later(deliver_by: str | None, tmp_path: Path) -> None:
    """Tests that the first order stays where the far node delivers a day later, whatever date was asked for."""
    assert served(two_orders(far_days=2, a_deliver_by=deliver_by), tmp_path) == ({"A": "near"}, 0)


def test_what_was_promised_is_not_dropped(tmp_path: Path) -> None:
    """Tests that a promised line is shipped though dropping it for a dearer one would save thousands of cents."""
    document = two_orders(far_days=1, far_has=0, a_unallocated_cents=501)
    assert served(document, tmp_path) == ({"A": "near"}, 0)
