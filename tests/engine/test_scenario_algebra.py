"""Tests what holds for all scenarios: no edit, edits that commute, relaxations, scaled rates, clean errors."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import AllocateParams, Allocation, Batch, InputError, allocate, parse_batch, write_batch
from engine.documents import batch_to_document
from engine.scenario import apply_scenario, parse_scenario
from tests.drawing import Document, batches, draw_batch
from tests.edit_drawing import Edit, EditDraw

EXACT = AllocateParams(gap=0.0, time_limit_seconds=600.0)


def changed(batch: Batch, *edits: Edit) -> Batch:
    """The batch that some edits make."""
    return apply_scenario(batch, parse_scenario({"name": "drawn", "edits": list(edits)}))


def written(batch: Batch, folder: Path) -> dict[str, bytes]:
    """The bytes of a batch as written."""
    write_batch(batch, folder, "parquet")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def drawn(n_examples: int) -> Any:
    """Settings of a test that draws."""
    return settings(max_examples=n_examples, deadline=None, derandomize=True, database=None)


def test_no_edit_no_change(tmp_path: Path) -> None:
    """Tests that no edits, and edits by 100 %, give the very same bytes, and leave their input alone."""
    for seed in range(8):
        batch = parse_batch(draw_batch(seed))
        before = written(batch, tmp_path / f"{seed}")
        neutral = [
            {"edit": "scale_stock", "pct": 100} if batch["stock"].num_rows else {"edit": "scale_capacity", "pct": 100},
            {"edit": "scale_capacity", "pct": 100},
            {"edit": "scale_rates", "pct": 100, "service_ids": batch["services"].column("service_id").to_pylist()},
            {"edit": "add_transit_days", "days": 0, "service_ids": batch["services"].column("service_id").to_pylist()},
            {"edit": "scale_demand", "pct": 100},
            {"edit": "set_policy", "policy": {"horizon_days": batch.policy.horizon_days}},
        ]
        assert changed(batch) is batch
        assert written(changed(batch, *neutral), tmp_path / f"{seed}-neutral") == before
        changed(batch, {"edit": "scale_demand", "pct": 250}, {"edit": "scale_capacity", "pct": 50})
        assert written(batch, tmp_path / f"{seed}-again") == before


def test_edits_of_different_things_commute(tmp_path: Path) -> None:
    """Tests edits of one half of everything against edits of the other: any order gives the same bytes."""
    n_told = 0
    batches = [parse_batch(draw_batch(seed)) for seed in range(25)]
    for seed in range(200):
        rng, batch = random.Random(seed), batches[seed % 25]
        edits = [(half, EditDraw(rng, batch, half).edit()) for half in (0, 1, 0, 1)]
        try:
            first = changed(batch, *(edit for _, edit in edits))
        except InputError:
            continue
        # the order within a half stays: those may touch the same
        second = changed(batch, *(edit for half in (1, 0) for which, edit in edits if which == half))
        assert first.policy == second.policy
        for name, table in first.tables.items():
            assert table.equals(second[name]), (seed, name, edits)
        n_told += any(first[name] is not batch[name] for name in batch.tables)
    assert n_told >= 75
    assert written(first, tmp_path / "first") == written(second, tmp_path / "second")


@drawn(100)
@given(batches(), st.integers(min_value=0, max_value=2**32 - 1))
def test_a_drawn_scenario_gives_a_batch_or_says_why_not(document: Document, seed: int) -> None:
    """Tests that what comes out reads as a batch, the same again, or that the error names scenario and edit."""
    batch = parse_batch(document)
    draw = EditDraw(random.Random(seed), batch, unknown=0.05)
    edits = [draw.edit() for _ in range(draw.rng.randint(1, 4))]
    try:
        result = changed(batch, *edits)
    except InputError as error:
        assert all(fault.table.startswith(("drawn edit ", "scenario edit ")) for fault in error.faults)
        assert all(fault.expected and fault.value for fault in error.faults)
        return
    again = parse_batch(batch_to_document(result))
    assert again.policy == result.policy
    assert all(table.equals(again[name]) for name, table in result.tables.items())


@drawn(18)
@given(batches("tiny"), st.integers(min_value=0, max_value=2**32 - 1))
def test_more_never_costs_more(document: Document, seed: int) -> None:
    """Tests that more stock, more capacity and nodes that open never raise the proven optimum."""
    batch = parse_batch(document)
    rng = random.Random(seed)
    nodes = batch["nodes"].column("node_id").to_pylist()
    relaxations = [
        {"edit": "scale_capacity", "pct": rng.choice([150, 200, 1000])},
        {"edit": "set_capacity", "node_id": rng.choice(nodes), "shipments_per_day": "unlimited"},
        {"edit": "open_node", "node_id": rng.choice(nodes)},
    ]
    if batch["stock"].num_rows:
        relaxations.append({"edit": "scale_stock", "pct": rng.choice([110, 200, 500])})
    before = solved(batch)
    after = solved(changed(batch, *rng.sample(relaxations, rng.randint(1, len(relaxations)))))
    assert after.summary["objective_cents"] <= before.summary["objective_cents"]


def solved(batch: Batch) -> Allocation:
    """The proven optimum."""
    allocation = allocate(batch, EXACT)
    assert allocation.summary["termination"] == "optimal"
    return allocation


def test_rates_scale_freight() -> None:
    """Tests rates times k: with no other cost the optimum is k times as high, and every like shipment's freight."""
    n_shipments = n_with_fuel = 0
    for seed in range(16):
        document = draw_batch(seed, "tiny")
        for fuel in (0, 775):
            batch, k = parse_batch(freight_only(document, fuel)), 2 + seed % 4
            scenario: list[Edit] = [
                {
                    "edit": "scale_rates",
                    "pct": 100 * k,
                    "service_ids": batch["services"].column("service_id").to_pylist(),
                },
                {"edit": "set_policy", "policy": {"unallocated_cents": k * batch.policy.unallocated_cents}},
            ]
            before, after = solved(batch), solved(changed(batch, *scenario))
            if fuel == 0:
                assert after.summary["objective_cents"] == k * before.summary["objective_cents"]
            freight = by_route(before)
            for route, cents in by_route(after).items():
                if route in freight:
                    # the fuel surcharge is rounded to the cent before and after
                    assert abs(cents - k * freight[route]) <= (0 if fuel == 0 else (k + 1) / 2)
                    n_shipments, n_with_fuel = n_shipments + (fuel == 0), n_with_fuel + (fuel > 0)
    assert n_shipments >= 16 and n_with_fuel >= 16


def freight_only(document: Document, fuel_bp: int) -> Document:
    """A drawn batch in which nothing but freight and what is left out costs anything."""
    policy = {name: document["policy"][name] for name in ("as_of", "horizon_days", "allow_line_split")}
    free = ("shipment_cents", "line_cents", "unit_cents", "preference_cents")
    return {
        **document,
        "policy": {**policy, "late_cents_per_day": 0, "unallocated_cents": 2500, "unallocated_value_bp": 0},
        "nodes": [{name: value for name, value in row.items() if name not in free} for row in document["nodes"]],
        "services": [{**row, "fuel_bp": fuel_bp, "residential_cents": 0} for row in document["services"]],
        "orders": [{**row, "late_cents_per_day": 0, "priority_pct": 100} for row in document["orders"]],
        "lines": [{**row, "unallocated_cents": None} for row in document["lines"]],
    }


def by_route(allocation: Allocation) -> dict[tuple[Any, ...], int]:
    """The freight of each shipment, by what it is made of."""
    items: dict[str, list[Any]] = {}
    for row in allocation["allocations"].to_pylist():
        items.setdefault(row["shipment_id"], []).append((row["line_id"], row["quantity"]))
    shipments: pa.Table = allocation["shipments"]
    return {
        (row["order_id"], row["node_id"], row["service_id"], row["zone"], *items[row["shipment_id"]]): row[
            "freight_cents"
        ]
        for row in shipments.to_pylist()
    }
