"""Tests that the checker passes a right allocation, and finds each fault in its table, row and column."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from engine.check import CheckReport, check
from engine.documents import Allocation, Batch, parse_allocation, parse_batch
from tests.planting import PLANTS, WHERE, replaced
from tests.worked_batch import Document, allocation_document, batch_document

Edit = Callable[[Document], None]


@pytest.fixture(scope="module")
def batch() -> Batch:
    return parse_batch(batch_document())


@pytest.fixture(scope="module")
def allocation() -> Allocation:
    return parse_allocation(allocation_document())


def _policy(**values: Any) -> Edit:
    return lambda document: document["policy"].update(values)


def _in(table: str, row: int, **values: Any) -> Edit:
    return lambda document: document[table][row - 1].update(values)


def _add(table: str, *copied: int, **values: Any) -> Edit:
    def edit(document: Document) -> None:
        base = document[table][copied[0] - 1] if copied else {}
        document[table].append(base | values)

    return edit


def _all(*edits: Edit) -> Edit:
    def edit(document: Document) -> None:
        for one in edits:
            one(document)

    return edit


def _places(report: CheckReport) -> list[str]:
    return sorted(f"{fault.table} {fault.row} {fault.column}" for fault in report.faults if fault.table != "summary")


def test_a_right_allocation_has_no_faults(batch: Batch, allocation: Allocation) -> None:
    """Tests that an allocation worked out by hand passes, costs, reasons, prices and summary."""
    report = check(batch, allocation)
    assert [fault.message for fault in report.faults] == []
    assert report.ok and report.n_faults == 0


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_fault_is_found(name: str, batch: Batch, allocation: Allocation) -> None:
    """Tests that each planted fault is found in the table and column it is in."""
    wrong = PLANTS[name](batch, allocation)
    assert wrong is not None, "the worked batch has a case of every plant"
    table, column, pattern = WHERE[name]
    report = check(batch, wrong)
    assert not report.ok
    found = [fault.message for fault in report.faults if (fault.table, fault.column) == (table, column)]
    assert any(re.search(pattern, message) for message in found), report.faults


# the same allocation under another batch: what is wrong then, everything of it and nothing else
EDITS: dict[str, tuple[Edit, str]] = {
    "offline": (
        _in("nodes", 2, offline=True),
        "shipments 3 node_id, shipments 4 node_id, unallocated 9 reason",
    ),
    "too far": (
        _policy(max_distance_km=500),
        "shipments 6 node_id, unallocated 2 reason, unallocated 5 reason",
    ),
    "only_nodes": (_in("orders", 1, only_nodes="store vendor"), "shipments 1 node_id"),
    "not_nodes": (_in("orders", 1, not_nodes="store dc"), "shipments 1 node_id"),
    "service incapable": (
        _in("items", 1, requires="gift"),
        "allocations 1 sku, allocations 2 sku, allocations 6 sku, unallocated 2 reason",
    ),
    "cut-off passed": (
        _in("nodes", 1, cutoff="08:59"),
        "shipments 1 ship_date, shipments 2 ship_date, shipments 6 ship_date, prices 3 date, prices 5 date",
    ),
    "at the cut-off": (_in("nodes", 1, cutoff="09:00"), ""),
    "a microsecond after": (
        _all(_policy(as_of="2025-03-03T15:00:00.000001+00:00"), _in("nodes", 1, cutoff="09:00")),
        "shipments 1 ship_date, shipments 2 ship_date, shipments 6 ship_date, prices 3 date, prices 5 date",
    ),
    "not ready": (
        _in("nodes", 1, ready_minutes=481),
        "shipments 1 ship_date, shipments 2 ship_date, shipments 6 ship_date, prices 3 date, prices 5 date",
    ),
    "ready in time": (_in("nodes", 1, ready_minutes=480), ""),
    "node closed": (
        _add("closures", date="2025-03-05", node_id="dc"),
        "shipments 5 ship_date, shipments 7 ship_date, prices 4 date",
    ),
    "not a working day": (
        _in("nodes", 2, working_days="1011100"),
        "shipments 3 ship_date, shipments 4 ship_date",
    ),
    "beyond the horizon": (
        _policy(horizon_days=1),
        "shipments 5 ship_date, shipments 7 ship_date, prices 4 date",
    ),
    "service closed": (
        _add("closures", date="2025-03-04", service_id="ground"),
        "shipments 1 deliver_date, shipments 2 deliver_date, shipments 2 late_cents",
    ),
    "zone by lane": (_in("lanes", 1, zone="z2"), "shipments 4 zone, shipments 4 freight_cents"),
    "transit by lane": (_in("lanes", 1, transit_days=2), "shipments 4 deliver_date"),
    "zone by band": (
        _in("lanes", 1, region="sea"),
        "shipments 4 zone, shipments 4 deliver_date, shipments 4 freight_cents",
    ),
    "no rate": (_in("lanes", 1, zone="z9"), "shipments 4 service_id"),
    "a metre": (
        _all(_in("bands", 1, max_km=111.195)),
        "",
    ),
    "a metre short": (
        _in("bands", 1, max_km=111.194),
        "shipments 1 zone, shipments 3 zone, shipments 5 zone, shipments 1 deliver_date, "
        "shipments 3 deliver_date, shipments 5 deliver_date, shipments 1 freight_cents, "
        "shipments 3 freight_cents, shipments 5 freight_cents, shipments 3 late_cents",
    ),
    "a hard promise": (
        _in("orders", 2, hard_promise=True),
        "shipments 2 deliver_date, shipments 3 deliver_date",
    ),
    "a split too many": (_in("orders", 2, max_shipments=1), "shipments 3 order_id"),
    "ship_together": (
        _all(_in("lines", 2, ship_together="x"), _in("lines", 3, ship_together="x")),
        "allocations 3 shipment_id",
    ),
    "ship_complete": (_in("orders", 13, ship_complete=True), "unallocated 9 line_id"),
    "held": (_in("orders", 1, held=True), "shipments 1 order_id"),
    "reserved stock": (_in("stock", 1, reserved=5), "allocations 2 quantity"),
    "safety stock of inbound": (_in("stock", 2, safety_stock=3), "allocations 2 quantity"),
    "inbound used too early": (_in("stock", 5, available_on="2025-03-05"), "allocations 3 quantity"),
    "a unit over stock": (_in("stock", 5, on_hand=1), "allocations 3 quantity"),
    "the last unit": (_in("stock", 5, on_hand=2), ""),
    "node shipments": (_in("nodes", 1, shipments_per_day=3), "shipments 6 node_id"),
    "node units": (_in("nodes", 1, units_per_day=8), "allocations 8 quantity"),
    "used shipments": (_in("used", 1, shipments=6), "shipments 6 node_id"),
    "used units": (_in("used", 1, units=14), "allocations 8 quantity"),
    "used units left": (_in("used", 1, units=13), ""),
    "used of the service": (_in("used", 2, shipments=2), "shipments 6 service_id"),
    "service capacity": (
        _in("service_capacity", 1, shipments_per_day=0),
        "shipments 6 service_id, shipments 7 service_id, unallocated 2 reason, unallocated 9 reason",
    ),
    "a unit lost": (_in("lines", 1, quantity=3), "lines 1 quantity, allocations 1 quantity"),
    "fuel": (
        _in("services", 1, fuel_bp=1006),
        "shipments 2 freight_cents, shipments 5 freight_cents",
    ),
    "residential": (_in("orders", 3, residential=True), "shipments 4 freight_cents"),
    "weight": (_in("items", 4, weight_g=701), "shipments 3 weight_g"),
    "volume": (
        _in("items", 1, volume_cm3=3001),
        "shipments 1 weight_g, shipments 2 weight_g, shipments 5 weight_g",
    ),
    "handling": (_in("nodes", 2, line_cents=1), "shipments 3 handling_cents, shipments 4 handling_cents"),
    "preference": (
        _in("nodes", 2, preference_cents=-14),
        "shipments 3 preference_cents, shipments 4 preference_cents",
    ),
    "priority": (_in("orders", 2, priority_pct=151), "shipments 2 late_cents, shipments 3 late_cents"),
    "split_cents": (_policy(split_cents=149), "shipments 3 split_cents"),
    "unallocated by item": (
        _in("items", 4, value_cents=1001),
        "unallocated 7 unallocated_cents, unallocated 8 unallocated_cents, unallocated 9 unallocated_cents",
    ),
    "unallocated by line": (_in("lines", 12, unallocated_cents=11), "unallocated 4 unallocated_cents"),
    "a tie, smaller id": (
        _all(
            _add("services", 1, service_id="aground"),
            *(_add("bands", band, service_id="aground") for band in (1, 2, 3)),
            *(_add("rates", rate, service_id="aground") for rate in range(1, 7)),
            _in("closures", 2, service_id="aground"),
            _add("closures", date="2025-03-06", service_id="ground"),
        ),
        "shipments 1 service_id, shipments 2 service_id, shipments 3 service_id, shipments 5 service_id",
    ),
    "a tie, larger id": (
        _all(
            _add("services", 1, service_id="zground"),
            *(_add("bands", band, service_id="zground") for band in (1, 2, 3)),
            *(_add("rates", rate, service_id="zground") for rate in range(1, 7)),
            _add("closures", date="2025-03-06", service_id="zground"),
        ),
        "",
    ),
    "a tie, earlier": (
        _all(
            _add("services", 1, service_id="zground"),
            *(_add("bands", band, service_id="zground") for band in (1, 2, 3)),
            *(_add("rates", rate, service_id="zground") for rate in range(1, 7)),
        ),
        "shipments 5 service_id",
    ),
    "cheaper, where air is free": (
        _in("rates", 7, cents=0),
        "shipments 3 service_id, shipments 4 service_id, shipments 6 freight_cents, shipments 7 freight_cents",
    ),
    "no limit, no price": (_in("nodes", 1, shipments_per_day=None), "prices 3 node_id"),
    "no capacity, no price": (lambda document: document.pop("service_capacity"), "prices 5 service_id"),
    "reason no_capacity": (_in("stock", 3, on_hand=60), "unallocated 4 reason"),
    "reason outbid": (_in("used", 4, shipments=0), "unallocated 8 reason"),
    "reason outbid after all": (_in("orders", 13, max_shipments=2), "unallocated 9 reason"),
    "reason max_shipments": (_in("orders", 7, max_shipments=0), "unallocated 2 reason"),
    "reason not complete": (_in("orders", 11, ship_complete=False), "unallocated 6 reason"),
    "reason without promise": (_in("orders", 10, hard_promise=False), "unallocated 5 reason"),
    "reason of an open node": (_in("nodes", 3, offline=False), "unallocated 3 reason"),
    "reason of a group": (
        _all(_in("lines", 17, ship_together="x"), _in("lines", 18, ship_together="x")),
        "unallocated 9 line_id, unallocated 9 reason",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_another_batch_makes_the_allocation_wrong(name: str, allocation: Allocation) -> None:
    """Tests that a change of one figure of the batch is found in exactly the rows it concerns."""
    edit, places = EDITS[name]
    document = batch_document()
    edit(document)
    assert _places(check(parse_batch(document), allocation)) == sorted(filter(None, places.split(", ")))


def test_split_lines_may_be_partly_served_where_the_policy_allows() -> None:
    """Tests that a part of a line passes with allow_line_split, and not of a line that ships together."""
    document, out = batch_document(), allocation_document()
    document["policy"]["allow_line_split"] = True
    out["allocations"][0]["quantity"] = 1
    out["unallocated"].append(
        {
            "order_id": "o01",
            "line_id": "1",
            "sku": "A",
            "quantity": 1,
            "reason": "outbid",
            "unallocated_cents": 2000,
        }
    )
    out["shipments"][0] |= {"weight_g": 600, "freight_cents": 850, "handling_cents": 125, "carbon_cents": 5}
    assert _places(check(parse_batch(document), parse_allocation(out))) == []
    document["lines"][0]["ship_together"] = "x"
    assert _places(check(parse_batch(document), parse_allocation(out))) == [
        "allocations 1 quantity",
        "unallocated 10 line_id",
    ]


def test_stock_is_cumulative_over_dates() -> None:
    """Tests that what is shipped early counts against later arrivals, to the last unit."""
    document, out = batch_document(), allocation_document()
    document["stock"][1]["on_hand"] = 0
    document["stock"][0]["on_hand"] = 9  # sells 6, of which 5 leave on the 3rd and 1 on the 5th
    assert _places(check(parse_batch(document), parse_allocation(out))) == []
    document["stock"][0]["on_hand"] = 8
    report = check(parse_batch(document), parse_allocation(out))
    assert _places(report) == ["allocations 6 quantity"]
    assert report.faults[0].expected == "at most 5 units by then"


def test_an_order_that_costs_more_than_it_brings_refutes_the_bound(batch: Batch) -> None:
    """Tests that a bound above the cost without an order that is better left out is a fault."""
    document = batch_document()
    document["lines"][0]["unallocated_cents"] = 100
    out = allocation_document()
    out["summary"] |= {"nothing_cents": 199600, "savings_gap": 113 / 25100}
    report = check(parse_batch(document), parse_allocation(out))
    assert [fault.message for fault in report.faults] == [
        "summary: bound_cents is 174500, expected at most 173482, the cost without the orders better left out"
    ]


def test_an_empty_allocation_is_right() -> None:
    """Tests that shipping nothing passes, and that a batch without orders does."""
    document, out = batch_document(), allocation_document()
    for name in ("shipments", "allocations", "unallocated", "prices"):
        out[name] = []
    document["orders"], document["lines"] = [], []
    out["summary"] |= {"counts": dict.fromkeys(out["summary"]["counts"], 0)}
    out["summary"] |= {"terms": dict.fromkeys(out["summary"]["terms"], 0), "termination": "optimal"}
    out["summary"] |= dict.fromkeys(("objective_cents", "bound_cents", "nothing_cents"), 0)
    out["summary"] |= {"gap": 0.0, "savings_gap": 0.0}
    assert check(parse_batch(document), parse_allocation(out)).faults == ()
    for name in ("nodes", "stock", "items", "services", "bands", "lanes", "rates", "closures", "used"):
        document[name] = []
    document["service_capacity"] = []
    assert check(parse_batch(document), parse_allocation(out)).faults == ()


def test_of_each_rule_the_first_hundred_rows_are_listed(batch: Batch, allocation: Allocation) -> None:
    """Tests that the report lists a hundred rows of a rule and counts them all."""
    row = allocation.tables["unallocated"].to_pylist()[0] | {"order_id": "nobody"}
    report = check(batch, replaced(allocation, unallocated=[row] * 250))
    listed = [fault for fault in report.faults if (fault.table, fault.column) == ("unallocated", "order_id")]
    assert len(listed) == 100
    assert report.n_faults - len(report.faults) == 150


def test_a_table_of_another_shape_is_a_fault(batch: Batch, allocation: Allocation) -> None:
    """Tests that missing columns, wrong types and nulls are faults and no errors."""
    shipments = allocation.tables["shipments"]
    for table, column in (
        (shipments.drop_columns(["zone"]), "zone"),
        (shipments.set_column(4, "ship_date", pa.array(["soon"] * 7)), None),
    ):
        report = check(batch, Allocation({**allocation.tables, "shipments": table}, allocation.summary))
        assert [(fault.table, fault.column) for fault in report.faults] == [("shipments", column)]
    nothing = shipments.set_column(4, "ship_date", pa.nulls(7, pa.date32()))
    report = check(batch, Allocation({**allocation.tables, "shipments": nothing}, allocation.summary))
    assert ("shipments", 1, "ship_date", "null") in {
        (fault.table, fault.row, fault.column, fault.value) for fault in report.faults
    }
    assert not check(batch, Allocation(allocation.tables, {})).ok


def test_the_largest_figures_do_not_overflow() -> None:
    """Tests that weights, freight and late cents beyond 64 bits on the way are recomputed exactly."""
    most = 2**31 - 1
    document, out = batch_document(), allocation_document()
    document["lines"][0]["quantity"] = out["allocations"][0]["quantity"] = most
    document["items"][0] |= {"volume_cm3": most}
    document["services"][0] |= {"fuel_bp": most}
    document["orders"][0] |= {"late_cents_per_day": most, "priority_pct": most, "deliver_by": "2025-03-03"}
    found = {
        (fault.row, fault.column): fault.expected
        for fault in check(parse_batch(document), parse_allocation(out)).faults
        if fault.table == "shipments"
    }
    weight_g = most * -(-most * 1000 // 5000)
    rate = weight_g // 5000 * 800 + (500 if weight_g % 5000 <= 1000 else 800)
    assert found[1, "weight_g"] == str(weight_g)
    assert rate * most > 2**63  # freight itself no longer fits: cut at 2^62
    assert found[1, "freight_cents"] == str(min(2**62, rate + (rate * most + 5000) // 10000 + 300))
    assert found[1, "late_cents"] == str((most * most + 50) // 100)
