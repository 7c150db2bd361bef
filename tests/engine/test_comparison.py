"""Tests comparisons: moves, changed orders and their causes against plain Python, certainty, and the files."""

from __future__ import annotations

import csv
import random
from collections import Counter
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine import AllocateParams, Allocation, Batch, InputError, allocate, parse_batch
from engine.comparison import Comparison, Plan, compare, write_comparison
from engine.comparison.moves import NOT_ASKED, UNALLOCATED, find_moves, moved_units
from engine.figures import TERMS
from engine.generate import GenerateParams, generate
from engine.scenario import apply_scenario, parse_scenario
from engine.schema import OUTPUT_TABLES
from tests.drawing import draw_batch
from tests.edit_drawing import EditDraw
from tests.stopping import Ticks, as_if_large

EXACT = AllocateParams(gap=0.0, time_limit_seconds=600.0)


def changed(batch: Batch, *edits: dict[str, Any]) -> Batch:
    """The batch that some edits make."""
    return apply_scenario(batch, parse_scenario({"name": "other", "edits": list(edits)}))


def pairs(n_pairs: int) -> list[tuple[Plan, Plan]]:
    """Drawn batches, each with what drawn edits make of it, solved."""
    found: list[tuple[Plan, Plan]] = []
    seed = 0
    while len(found) < n_pairs:
        seed += 1
        batch = parse_batch(draw_batch(seed, "tiny"))
        draw = EditDraw(random.Random(seed), batch)
        try:
            other = changed(batch, *(draw.edit() for _ in range(3)))
        except InputError:
            continue
        found.append((solved("base", batch), solved("other", other)))
    return found


def solved(name: str, batch: Batch) -> Plan:
    """A batch at its optimum."""
    return Plan(name=name, batch=batch, allocation=allocate(batch, EXACT))


def rows(comparison: Comparison, table: str) -> list[dict[str, Any]]:
    """The rows of the compared plan."""
    return [row for row in comparison[table].to_pylist() if row["plan"] == "other"]


def placed(plan: Plan) -> dict[tuple[str, str], Counter[str]]:
    """Where the units of each line are."""
    found = {(row["order_id"], row["line_id"]): Counter[str]() for row in plan.batch["lines"].to_pylist()}
    for row in plan.allocation["allocations"].to_pylist():
        found[row["order_id"], row["line_id"]][row["node_id"]] += row["quantity"]
    for row in plan.allocation["unallocated"].to_pylist():
        found[row["order_id"], row["line_id"]][UNALLOCATED] += row["quantity"]
    return found


def test_drawn_pairs() -> None:
    """Tests what moved, which orders changed, and that differences add up, against plain Python."""
    n_moved = n_changed = 0
    for base, other in pairs(25):
        comparison = compare([base, other])
        before, after = placed(base), placed(other)
        left: Counter[str] = Counter()
        came: Counter[str] = Counter()
        kinds: dict[str, set[str]] = {}
        for line in before.keys() | after.keys():
            was, now = before.get(line, Counter()), after.get(line, Counter())
            was[NOT_ASKED] += max(0, now.total() - was.total())
            now[NOT_ASKED] += max(0, was.total() - now.total())
            left += was - now
            came += now - was
            if was - now:
                kinds.setdefault(line[0], set()).add("moved")
        moved = rows(comparison, "moved")
        assert Counter({name: n for name, n in left.items() if n}) == _summed(moved, "from_node_id")
        assert Counter({name: n for name, n in came.items() if n}) == _summed(moved, "to_node_id")
        assert all(row["from_node_id"] != row["to_node_id"] and row["units"] > 0 for row in moved)
        n_moved += sum(row["units"] for row in moved)

        orders = rows(comparison, "orders")
        assert kinds.keys() <= {row["order_id"] for row in orders}
        difference = other.allocation.summary["objective_cents"] - base.allocation.summary["objective_cents"]
        assert sum(row["difference_cents"] for row in orders) == difference
        for term in TERMS:
            name = f"{term.removesuffix('_cents')}_difference_cents"
            terms = [plan.allocation.summary["terms"][term] for plan in (base, other)]
            assert sum(row[name] for row in orders) == terms[1] - terms[0]
        for row in orders:
            _check_order(row, base, other)
        n_changed += len(orders)
        costs = {row["term"]: row["difference_cents"] for row in rows(comparison, "costs")}
        assert costs["objective"] == difference and sum(costs.values()) == 2 * difference
    assert n_moved > 30 and n_changed > 20


def test_parts_of_lines_are_paired() -> None:
    """Tests lines whose parts leave several places for several others: every unit is paired once."""
    document = draw_batch(1)
    document["nodes"] = [{"node_id": name, "kind": "dc", "lat": 40, "lon": -75} for name in ("A", "B", "C", "D")]
    document["items"] = [{"sku": "x", "weight_g": 1, "value_cents": 100}]
    document["orders"] = [{"order_id": "o", "lat": 40, "lon": -75}]
    document["lines"] = [{"order_id": "o", "line_id": n, "sku": "x", "quantity": 9} for n in ("1", "2")]
    batch = parse_batch({**document, "stock": [], "lanes": [], "service_capacity": [], "closures": [], "used": []})

    def placing(*lines: dict[str, int]) -> Allocation:
        parts = [
            {"order_id": "o", "line_id": str(at), "sku": "x", "node_id": node, "shipment_id": "S", "quantity": units}
            for at, line in enumerate(lines, start=1)
            for node, units in line.items()
        ]
        left = [
            {"order_id": "o", "line_id": str(at), "sku": "x", "quantity": 9 - sum(line.values()), "reason": "outbid"}
            for at, line in enumerate(lines, start=1)
            if sum(line.values()) < 9
        ]
        tables = {name: schema.arrow_schema.empty_table() for name, schema in OUTPUT_TABLES.items()}
        for name, rows_of in (("allocations", parts), ("unallocated", left)):
            tables[name] = pa.Table.from_pylist(rows_of, schema=OUTPUT_TABLES[name].arrow_schema)
        return Allocation(tables, {})

    before, after = placing({"A": 6, "B": 3}, {"A": 9}), placing({"B": 1, "C": 5, "D": 2}, {"C": 4, "D": 5})
    assert moved_units(find_moves(batch, before, batch, after)).to_pylist() == [
        {"from_node_id": "A", "to_node_id": "C", "units": 9, "value_cents": 900, "orders": 1},
        {"from_node_id": "A", "to_node_id": "D", "units": 6, "value_cents": 600, "orders": 1},
        {"from_node_id": "B", "to_node_id": "D", "units": 1, "value_cents": 100, "orders": 1},
        {"from_node_id": "B", "to_node_id": UNALLOCATED, "units": 1, "value_cents": 100, "orders": 1},
    ]


def _summed(moved: list[dict[str, Any]], column: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for row in moved:
        total[row[column]] += row["units"]
    return total


def _check_order(row: dict[str, Any], *plans: Plan) -> None:
    """Check what is said of an order before and after, and that its changes follow from it."""
    shipped = []
    for plan, side in zip(plans, ("before", "after")):
        own = [at for at in plan.allocation["shipments"].to_pylist() if at["order_id"] == row["order_id"]]
        left = [at for at in plan.allocation["unallocated"].to_pylist() if at["order_id"] == row["order_id"]]
        assert row[f"nodes_{side}"] == " ".join(sorted({at["node_id"] for at in own}))
        assert row[f"services_{side}"] == " ".join(sorted({at["service_id"] for at in own}))
        assert row[f"delivered_{side}"] == max((at["deliver_date"] for at in own), default=None)
        assert row[f"reasons_{side}"] == " ".join(sorted({at["reason"] for at in left}))
        shipped.append(bool(own))
    words = set(row["changes"].split())
    assert words
    both = all(shipped)
    assert ("service" in words) == (both and row["services_before"] != row["services_after"])
    assert ("date" in words) == (both and row["delivered_before"] != row["delivered_after"])
    assert ("cost" in words) <= (words == {"cost"})
    if row["nodes_before"] != row["nodes_after"] and both:
        assert words & {"node", "unallocated", "served", "removed", "added"}


def test_the_same_plan_twice() -> None:
    """Tests that a plan compared with itself differs in nothing."""
    batch = parse_batch(draw_batch(3))
    base = solved("base", batch)
    comparison = compare([base, Plan(name="other", batch=batch, allocation=base.allocation)])
    assert rows(comparison, "moved") == rows(comparison, "orders") == []
    assert all(row["difference_cents"] == 0 for row in rows(comparison, "costs"))
    assert all(not row["difference"] for row in rows(comparison, "figures"))
    assert len({plan["input_sha256"] for plan in comparison.summary["plans"]}) == 1
    for wrong in ([base], [base, base]):
        with pytest.raises(ValueError, match="expected"):
            compare(wrong)


def test_the_interval_holds_the_truth() -> None:
    """Tests that the difference of the optima is in the interval that runs cut short leave, whatever was found."""
    day = generate(GenerateParams(load="flash", n_orders=60, n_nodes=6, n_skus=8, seed=1))
    edits: list[dict[str, Any]] = [
        {"edit": "scale_stock", "pct": 90},
        {"edit": "scale_demand", "pct": 95},
        {"edit": "close_node", "node_id": day["nodes"].column("node_id")[-1].as_py()},
        {"edit": "scale_rates", "pct": 103, "service_ids": ["ground"]},
    ]
    batches = [day, *(changed(day, edit) for edit in edits)]
    optima = [solved("best", batch).allocation.summary for batch in batches]
    assert all(summary["termination"] == "optimal" for summary in optima)
    with as_if_large():
        params = AllocateParams(gap=0.2, time_limit_seconds=6.0)
        hasty = [allocate(batch, params, clock=Ticks(1.0)) for batch in batches]
    plans = [Plan(name=f"{at}", batch=batch, allocation=found) for at, (batch, found) in enumerate(zip(batches, hasty))]
    n_open = 0
    for row, best in zip(compare(plans)["certainty"].to_pylist(), optima):
        truth = best["objective_cents"] - optima[0]["objective_cents"]
        assert row["low_cents"] <= truth <= row["high_cents"]
        assert row["low_cents"] <= row["difference_cents"] <= row["high_cents"]
        n_open += row["low_cents"] < row["high_cents"]
    assert n_open >= 3


def test_causes() -> None:
    """Tests that what left a node is told why: what the scenario did to node, stock, order, capacity or service."""
    batch = generate(GenerateParams(load="calm", n_orders=40, n_nodes=4, n_skus=10, seed=5))
    base = solved("base", batch)
    busy = Counter(base.allocation["shipments"].column("node_id").to_pylist()).most_common(1)[0][0]
    service = Counter(base.allocation["shipments"].column("service_id").to_pylist()).most_common(1)[0][0]
    for cause, edit in {
        "closed": {"edit": "close_node", "node_id": busy},
        "stock": {"edit": "scale_stock", "pct": 0, "node_ids": [busy]},
        "barred": {"edit": "forbid_nodes", "node_ids": [busy]},
        "capacity": {"edit": "set_capacity", "node_id": busy, "shipments_per_day": 1},
        "service": {"edit": "scale_rates", "pct": 400, "service_ids": [service]},
        "policy": {"edit": "set_policy", "policy": {"unallocated_cents": 0, "unallocated_value_bp": 0}},
    }.items():
        orders = rows(compare([base, solved("other", changed(batch, edit))]), "orders")
        told = [row for row in orders if cause in row["why"].split()]
        assert len(told) >= 0.5 * len(orders) > 0, cause
        if cause == "closed":
            assert all(busy in row["nodes_before"].split() for row in told)
        known_to_others = {"closed", "stock", "barred", "capacity", "service", "policy"} - {cause}
        assert not any(known_to_others & set(row["why"].split()) for row in orders), cause


def test_files_are_safe_for_spreadsheets(tmp_path: Path) -> None:
    """Tests that what looks like a formula is text in the workbook, escaped where marked, else as it was."""
    wicked = "=cmd|'/C_calc'!A0"
    document = draw_batch(2)
    document["nodes"][0]["node_id"] = wicked
    for table in ("stock", "lanes", "service_capacity", "closures", "used"):
        for row in document.get(table, []):
            if row.get("node_id") == "N0":
                row["node_id"] = wicked
    for row in document["orders"]:
        row.update(only_nodes="", not_nodes="", order_id="+" + row["order_id"])
    for row in document["lines"]:
        row["order_id"] = "+" + row["order_id"]
    batch = parse_batch(document)
    comparison = compare([solved("base", batch), solved("other", changed(batch, {"edit": "scale_demand", "pct": 200}))])
    write_comparison(comparison, tmp_path)
    with (tmp_path / "nodes.csv").open(encoding="utf-8", newline="") as plain:
        assert wicked in {row["node_id"] for row in csv.DictReader(plain)}
    with (tmp_path / "nodes.spreadsheet.csv").open(encoding="utf-8", newline="") as escaped:
        assert "'" + wicked in {row["node_id"] for row in csv.DictReader(escaped)}
    workbook = openpyxl.load_workbook(tmp_path / "comparison.xlsx")
    assert workbook.sheetnames == list(comparison.tables)
    for name, table in comparison.tables.items():
        assert pq.read_table(tmp_path / f"{name}.parquet").equals(table.combine_chunks())
        sheet = workbook[name]
        assert sheet.max_row == table.num_rows + 1
        assert [cell.value for cell in sheet[1]] == table.column_names
        for cells, row in zip(sheet.iter_rows(min_row=2), table.to_pylist()):
            for cell, value in zip(cells, row.values()):
                assert cell.data_type != "f"
                if isinstance(value, str) and value:
                    assert cell.value == ("'" + value if value[0] in "=+-@" else value)
                elif isinstance(value, int) and not isinstance(value, bool):
                    assert cell.value == value
    workbook.close()


def test_a_sheet_shows_the_largest_differences(tmp_path: Path) -> None:
    """Tests that a sheet of too many rows has those that matter most, and says how many it lacks."""
    batch = parse_batch(draw_batch(2))
    comparison = compare([solved("base", batch), solved("other", changed(batch, {"edit": "scale_demand", "pct": 300}))])
    orders = comparison["orders"].to_pylist()
    write_comparison(comparison, tmp_path, sheet_rows=2)
    workbook = openpyxl.load_workbook(tmp_path / "comparison.xlsx")
    *shown, last = workbook["orders"].iter_rows(min_row=2, values_only=True)
    size = sorted((abs(row["difference_cents"]) for row in orders), reverse=True)
    assert len(orders) > 2 and sorted((abs(row[-1]) for row in shown), reverse=True) == size[:2]
    assert last[0] == f"{len(orders) - 2} rows more: see the CSV or Parquet file"
    workbook.close()
