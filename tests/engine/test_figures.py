"""Tests the figures of an allocation against its summary, and against plain Python over its rows."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date
from typing import Any

import pytest

from engine import AllocateParams, Allocation, Batch, allocate, parse_batch
from engine.figures import TERMS, by_node, flows, kpis, price_highlights
from engine.generate import GenerateParams, generate
from engine.schema import OUTPUT_TABLES
from tests.drawing import draw_batch
from tests.stopping import as_if_large

Plan = tuple[Batch, Allocation]


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    """Some batches with allocations."""
    day = generate(GenerateParams(load="peak", n_orders=150, n_nodes=8, n_skus=30, seed=3))
    batches = [day, *(parse_batch(draw_batch(seed)) for seed in range(12))]
    with as_if_large():  # which leaves prices
        return [(batch, allocate(batch, AllocateParams(gap=0.005, time_limit_seconds=20.0))) for batch in batches]


def rows(allocation: Allocation | Batch, table: str) -> list[dict[str, Any]]:
    """A table as rows."""
    found: list[dict[str, Any]] = allocation[table].to_pylist()
    return found


def test_kpis_are_the_summary(plans: list[Plan]) -> None:
    """Tests that counts and terms are those of the summary, and the rates their quotients."""
    for batch, allocation in plans:
        found, counts = kpis(batch, allocation), allocation.summary["counts"]
        assert {term: found[term] for term in TERMS} == allocation.summary["terms"]
        assert found["objective_cents"] == allocation.summary["objective_cents"]
        for name, counted in {
            "orders": "orders",
            "orders_held": "held_orders",
            "orders_shipped": "orders_allocated",
            "orders_complete": "orders_complete",
            "orders_split": "orders_split",
            "lines": "lines",
            "units": "units",
            "units_shipped": "units_allocated",
            "shipments": "shipments",
            "late_shipments": "late_shipments",
        }.items():
            assert found[name] == counts[counted], name
        assert found["fill_rate"] == (counts["units_allocated"] / counts["units"] if counts["units"] else None)


def test_kpis_of_delivery_and_carbon(plans: list[Plan]) -> None:
    """Tests rates of delivery, distance and carbon against plain Python."""
    n_promised = 0
    for batch, allocation in plans:
        found = kpis(batch, allocation)
        orders = {row["order_id"]: row for row in rows(batch, "orders")}
        services = {row["service_id"]: row for row in rows(batch, "services")}
        weight = {row["sku"]: row["weight_g"] for row in rows(batch, "items")}
        loads: Counter[str] = Counter()
        for row in rows(allocation, "allocations"):
            loads[row["shipment_id"]] += weight[row["sku"]] * row["quantity"]
        carbon, metres, in_time, late = 0, 0, 0, set()
        for row in rows(allocation, "shipments"):
            rate, way = services[row["service_id"]]["carbon_g_per_tonne_km"], round(1000 * row["distance_km"])
            carbon += math.floor(rate * loads[row["shipment_id"]] * way / 1e9 + 0.5)
            metres += way
            deliver_by = orders[row["order_id"]]["deliver_by"]
            in_time += deliver_by is not None and row["deliver_date"] <= deliver_by
            if deliver_by is not None and row["deliver_date"] > deliver_by:
                late.add(row["order_id"])
        promised = [row for row in rows(allocation, "shipments") if orders[row["order_id"]]["deliver_by"] is not None]
        assert (found["carbon_g"], found["shipment_metres"]) == (carbon, metres)
        assert found["on_time_rate"] == (in_time / len(promised) if promised else None)
        judged = {name for name, row in orders.items() if row["deliver_by"] is not None and not row["held"]}
        short = {row["order_id"] for row in rows(allocation, "unallocated")} | late
        whole = judged & {row["order_id"] for row in rows(allocation, "shipments")} - short
        assert found["on_time_in_full_rate"] == (len(whole) / len(judged) if judged else None)
        n_promised += len(promised)
    assert n_promised > 20


def test_nodes_add_up(plans: list[Plan]) -> None:
    """Tests that nodes add up to the whole, and their load against what they may do on their ship dates."""
    n_limited = 0
    for batch, allocation in plans:
        found, whole = by_node(batch, allocation).to_pylist(), kpis(batch, allocation)
        assert [row["node_id"] for row in found] == batch["nodes"].column("node_id").to_pylist()
        assert sum(row["shipments"] for row in found) == whole["shipments"]
        assert sum(row["units"] for row in found) == whole["units_shipped"]
        assert sum(row["carbon_g"] for row in found) == whole["carbon_g"]
        on_shipments = whole["objective_cents"] - whole["unallocated_cents"]
        assert sum(row["cost_cents"] for row in found) == on_shipments
        for row, node in zip(found, rows(batch, "nodes")):
            if node["shipments_per_day"] is None:
                assert row["shipments_bp"] is None
            elif row["shipments_bp"] is not None:
                n_limited += 1
                if not any(used["node_id"] == row["node_id"] for used in rows(batch, "used")):
                    days = batch.policy.horizon_days
                    assert row["shipments_bp"] == 10_000 * row["shipments"] // (days * node["shipments_per_day"])
            priced = [at["cents"] for at in rows(allocation, "prices") if at["node_id"] == row["node_id"]]
            assert row["price_max_cents"] == max(priced, default=0.0)
    assert n_limited > 10


def test_used_capacity_counts_on_ship_dates() -> None:
    """Tests that what earlier decisions take counts on ship dates, and not on other days."""
    document = draw_batch(0)
    document["nodes"] = [
        {"node_id": "N0", "kind": "dc", "lat": 40, "lon": -75, "shipments_per_day": 8, "working_days": "1111111"}
    ]
    policy = {"as_of": "2026-06-15T12:00:00Z", "horizon_days": 2}
    used = [{"node_id": "N0", "date": f"2026-06-{day}", "shipments": n} for day, n in ((14, 100), (15, 3), (16, 1))]
    tables = {"stock": [], "lanes": [], "service_capacity": [], "closures": [], "orders": [], "lines": []}
    batch = parse_batch({**document, **tables, "policy": policy, "used": used})
    nothing = {name: schema.arrow_schema.empty_table() for name, schema in OUTPUT_TABLES.items()}
    (row,) = by_node(batch, Allocation(nothing, {})).to_pylist()
    assert (row["shipments"], row["shipments_bp"], row["units_bp"]) == (0, 10_000 * 4 // 16, None)
    assert batch["used"].column("date").to_pylist()[1] == date(2026, 6, 15)


def test_flows_add_up(plans: list[Plan]) -> None:
    """Tests that flows add up to the whole, each order in the cell it lies in."""
    for batch, allocation in plans:
        whole = kpis(batch, allocation)
        for degrees in (0.5, 7.0, 360.0):
            found = flows(batch, allocation, cell_degrees=degrees).to_pylist()
            assert sum(row["shipments"] for row in found) == whole["shipments"]
            assert sum(row["units"] for row in found) == whole["units_shipped"]
            assert all(abs(row["cell_lat"]) <= 90 and abs(row["cell_lon"]) <= 180 for row in found)
        places = {row["order_id"]: (row["lat"], row["lon"]) for row in rows(batch, "orders")}
        expected = Counter(
            (row["node_id"], *(math.floor(at / 7.0) for at in places[row["order_id"]]))
            for row in rows(allocation, "shipments")
        )
        cells = flows(batch, allocation, cell_degrees=7.0).to_pylist()
        assert sorted(row["shipments"] for row in cells) == sorted(expected.values())
    with pytest.raises(ValueError, match="cell_degrees is 0, expected a number above 0"):
        flows(*plans[0], cell_degrees=0)


def test_the_highest_prices(plans: list[Plan]) -> None:
    """Tests that the dearest resources of each kind are shown, with where their nodes are."""
    n_shown = 0
    for batch, allocation in plans:
        places = {row["node_id"]: (row["lat"], row["lon"]) for row in rows(batch, "nodes")}
        found = price_highlights(batch, allocation, top=2).to_pylist()
        for kind in {row["kind"] for row in rows(allocation, "prices")}:
            cents = sorted((row["cents"] for row in rows(allocation, "prices") if row["kind"] == kind), reverse=True)
            assert [row["cents"] for row in found if row["kind"] == kind] == cents[:2]
        assert all((row["node_lat"], row["node_lon"]) == places[row["node_id"]] for row in found)
        n_shown += len(found)
    assert n_shown > 10
