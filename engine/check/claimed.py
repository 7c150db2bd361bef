"""The allocation as the checker reads it, and the faults of its keys, references and quantities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.check.columns import BoolArray, Columns, IntArray, join, positions, sums
from engine.check.given import Given
from engine.check.report import Findings

if TYPE_CHECKING:
    from engine.documents import Allocation

TEXT, INT, NUMBER, DATE = pa.string(), pa.int64(), pa.float64(), pa.date32()
COLUMNS = {
    "shipments": {
        "shipment_id": TEXT,
        "order_id": TEXT,
        "node_id": TEXT,
        "service_id": TEXT,
        "ship_date": DATE,
        "deliver_date": DATE,
        "zone": TEXT,
        "distance_km": NUMBER,
        "weight_g": INT,
        "freight_cents": INT,
        "handling_cents": INT,
        "preference_cents": INT,
        "split_cents": INT,
        "late_cents": INT,
        "carbon_cents": INT,
    },
    "allocations": {
        "order_id": TEXT,
        "line_id": TEXT,
        "sku": TEXT,
        "node_id": TEXT,
        "shipment_id": TEXT,
        "quantity": INT,
    },
    "unallocated": {
        "order_id": TEXT,
        "line_id": TEXT,
        "sku": TEXT,
        "quantity": INT,
        "reason": TEXT,
        "unallocated_cents": INT,
    },
    "prices": {"kind": TEXT, "node_id": TEXT, "sku": TEXT, "service_id": TEXT, "date": DATE, "cents": NUMBER},
}
NULLABLE = {"prices": {"node_id", "sku", "service_id", "date"}}
REASONS = (
    "held",
    "no_candidate",
    "no_stock",
    "no_service",
    "no_capacity",
    "ship_complete",
    "max_shipments",
    "outbid",
)
MOST_UNITS = 1 << 32


def claimed_tables(allocation: Allocation, findings: Findings) -> dict[str, Columns] | None:
    """Return the four tables with the types they must have, or None where that cannot be."""
    tables: dict[str, Columns] = {}
    for name, columns in COLUMNS.items():
        table = allocation.tables.get(name)
        if table is None:
            findings.one(name, None, "no table", "a table")
            continue
        missing = [column for column in columns if column not in table.column_names]
        for column in missing:
            findings.one(name, column, "no column", "a column")
        if missing:
            continue
        try:
            typed = table.select(list(columns)).cast(pa.schema(columns.items()))
        except pa.ArrowException as error:
            findings.one(name, None, error, "columns of the types of the output")
            continue
        tables[name] = Columns(typed)
        for column in columns:
            if column not in NULLABLE.get(name, ()):
                findings.rows(name, column, ~tables[name].known(column), lambda _: "null", "a value")
    return tables if len(tables) == len(COLUMNS) else None


class Claimed:
    """An allocation with its references resolved: row numbers, -1 where a reference is wrong.

    Attributes
    ----------
    shipments, allocations, unallocated, prices : Columns
        The tables.
    order, node, service : int64[n_shipments]
        Rows of the batch's tables.
    part_line, part_shipment, part_quantity : int64[n_allocations]
        Row of `lines`, row of `shipments`, units (cut to 0..2^32 so that sums stay exact).
    left_line, left_quantity : int64[n_unallocated]
        Row of `lines` and units.
    line_served : int64[n_lines]
        Units allocated of each line.
    usable : bool[n_shipments]
        Shipments whose references are right and that have allocation rows.
    """

    def __init__(self, given: Given, tables: dict[str, Columns]) -> None:
        self.shipments = shipments = tables["shipments"]
        self.allocations = parts = tables["allocations"]
        self.unallocated = left = tables["unallocated"]
        self.prices = tables["prices"]

        self.shipment_ids = shipments.texts("shipment_id")
        self.order = positions(shipments.texts("order_id"), given.order_ids)
        self.node = positions(shipments.texts("node_id"), given.node_ids)
        self.service = positions(shipments.texts("service_id"), given.service_ids)
        self.ship_day = shipments.days("ship_date")
        self.deliver_day = shipments.days("deliver_date")

        self.part_order = positions(parts.texts("order_id"), given.order_ids)
        self.part_line = given.find_lines(self.part_order, parts.texts("line_id"))
        self.part_shipment = positions(parts.texts("shipment_id"), self.shipment_ids)
        self.part_quantity = np.clip(parts.ints("quantity"), 0, MOST_UNITS)

        self.left_order = positions(left.texts("order_id"), given.order_ids)
        self.left_line = given.find_lines(self.left_order, left.texts("line_id"))
        self.left_quantity = np.clip(left.ints("quantity"), 0, MOST_UNITS)

        self.line_served = sums(self.part_line, self.part_quantity, given.lines.n)
        # a part counts for its shipment when both are of one order and the line is known
        whose = np.append(self.order, -1)[self.part_shipment]
        self.part_counts = (self.part_line >= 0) & (self.part_shipment >= 0) & (whose == self.part_order)
        self.parts_of = np.where(self.part_counts, self.part_shipment, -1)
        self.n_parts = np.bincount(self.parts_of[self.parts_of >= 0], minlength=shipments.n).astype(np.int64)
        self.usable = (self.order >= 0) & (self.node >= 0) & (self.service >= 0) & (self.n_parts > 0)


def check_keys(given: Given, claimed: Claimed, findings: Findings) -> None:
    """Check keys, references and that every unit of every line is accounted for."""
    shipments, parts, left = claimed.shipments, claimed.allocations, claimed.unallocated
    first = positions(claimed.shipment_ids, claimed.shipment_ids)
    repeated = (first >= 0) & (first != np.arange(shipments.n))
    _texts(findings, "shipments", "shipment_id", shipments, repeated, "a shipment_id that no earlier row has")
    _texts(findings, "shipments", "order_id", shipments, claimed.order < 0, "an order of the batch")
    _texts(findings, "shipments", "node_id", shipments, claimed.node < 0, "a node of the batch")
    _texts(findings, "shipments", "service_id", shipments, claimed.service < 0, "a service of the batch")
    empty = (claimed.n_parts == 0) & ~repeated
    _texts(findings, "shipments", "shipment_id", shipments, empty, "a shipment with allocation rows")

    node = positions(parts.texts("node_id"), given.node_ids)
    _texts(findings, "allocations", "order_id", parts, claimed.part_order < 0, "an order of the batch")
    no_line = (claimed.part_order >= 0) & (claimed.part_line < 0)
    _texts(findings, "allocations", "line_id", parts, no_line, "a line of the order")
    _wrong_sku(given, findings, "allocations", parts, claimed.part_line)
    _texts(findings, "allocations", "node_id", parts, node < 0, "a node of the batch")
    _texts(findings, "allocations", "shipment_id", parts, claimed.part_shipment < 0, "a shipment_id of shipments")
    _unlike_shipment(claimed, findings, "node_id", claimed.node, node)
    _unlike_shipment(claimed, findings, "order_id", claimed.order, claimed.part_order)
    _integers(findings, "allocations", "quantity", parts, parts.ints("quantity", 1) < 1, "an integer from 1")
    twice = _repeated(join((claimed.part_line, given.lines.n), (claimed.part_shipment, shipments.n)))
    _texts(findings, "allocations", "line_id", parts, twice, "one row for a line and shipment")

    _texts(findings, "unallocated", "order_id", left, claimed.left_order < 0, "an order of the batch")
    no_line = (claimed.left_order >= 0) & (claimed.left_line < 0)
    _texts(findings, "unallocated", "line_id", left, no_line, "a line of the order")
    _wrong_sku(given, findings, "unallocated", left, claimed.left_line)
    _integers(findings, "unallocated", "quantity", left, left.ints("quantity", 1) < 1, "an integer from 1")
    _texts(findings, "unallocated", "line_id", left, _repeated(claimed.left_line), "one row for a line")
    _check_balance(given, claimed, findings)


def _unlike_shipment(
    claimed: Claimed, findings: Findings, column: str, of_shipment: IntArray, of_part: IntArray
) -> None:
    there = np.append(of_shipment, -1)[claimed.part_shipment]
    differs = (of_part >= 0) & (there >= 0) & (there != of_part)
    value, wish = claimed.allocations.texts(column), claimed.shipments.texts(column)
    findings.rows(
        "allocations",
        column,
        differs,
        lambda row: value[row],
        lambda row: f"{wish[int(claimed.part_shipment[row])]}, as its shipment",
    )


def _check_balance(given: Given, claimed: Claimed, findings: Findings) -> None:
    left = sums(claimed.left_line, claimed.left_quantity, given.lines.n)
    findings.rows(
        "lines",
        "quantity",
        claimed.line_served + left != given.line_quantity,
        lambda row: f"{given.line_quantity[row]} ({_line_name(given, row)})",
        lambda row: f"the units allocated ({claimed.line_served[row]}) and unallocated ({left[row]}) to make it up",
    )


def _line_name(given: Given, row: int) -> str:
    return f"order {given.lines.texts('order_id')[row]} line {given.lines.texts('line_id')[row]}"


def _repeated(key: IntArray) -> BoolArray:
    """Return which rows have a key that an earlier row has."""
    first = np.zeros(len(key), dtype=np.bool_)
    first[np.unique(key, return_index=True)[1]] = True
    return ~first & (key >= 0)


def _texts(findings: Findings, table: str, column: str, of: Columns, wrong: BoolArray, expected: str) -> None:
    findings.rows(table, column, wrong & of.known(column), lambda row: of.texts(column)[row], expected)


def _integers(findings: Findings, table: str, column: str, of: Columns, wrong: BoolArray, expected: str) -> None:
    findings.rows(table, column, wrong, lambda row: of.texts(column)[row], expected)


def _wrong_sku(given: Given, findings: Findings, table: str, of: Columns, line: IntArray) -> None:
    wish = given.lines.texts("sku").take(pa.array(line, mask=line < 0))
    differs = pc.fill_null(pc.not_equal(of.texts("sku"), wish), False).to_numpy(zero_copy_only=False)
    wrong = np.asarray(differs, dtype=np.bool_)
    findings.rows(table, "sku", wrong, lambda row: of.texts("sku")[row], lambda row: f"{wish[row]}, the line's")
