"""Batches and plain orders for the tests of real-time decisions, and decisions as an allocation to be checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from engine.documents import Allocation, Batch
from engine.live import Decision, Order, OrderLine
from engine.live.types import rows_document
from engine.schema import OUTPUT_TABLES

Document = dict[str, Any]


def orders_of(batch: Batch) -> list[Order]:
    """The orders of a batch as plain data, in the order of the table."""
    lines: dict[str, list[OrderLine]] = {}
    for row in batch["lines"].to_pylist():
        lines.setdefault(row.pop("order_id"), []).append(OrderLine(**row))
    out = []
    for row in batch["orders"].to_pylist():
        words = {name: tuple((row.pop(name) or "").split()) for name in ("only_nodes", "not_nodes")}
        out.append(Order(**row, **words, lines=tuple(lines.get(row["order_id"], ()))))
    return out


def only(batch: Batch, order_ids: Iterable[str]) -> Batch:
    """The same batch with some of its orders."""
    wanted = pa.array(list(order_ids), pa.string())
    tables = {}
    for name in ("orders", "lines"):
        table = batch[name]
        tables[name] = table.filter(pa.compute.is_in(table.column("order_id"), value_set=wanted))
    return Batch(batch.policy, {**batch.tables, **tables})


def allocation_of(decisions: Sequence[Decision]) -> Allocation:
    """Decisions as the tables of one allocation, with the figures that a summary has to have."""
    rows = {
        name: [row for decision in decisions for row in rows_document(getattr(decision, name))]
        for name in ("shipments", "allocations", "unallocated")
    }
    tables = {name: schema.arrow_schema.empty_table() for name, schema in OUTPUT_TABLES.items()}
    for name, found in rows.items():
        schema = OUTPUT_TABLES[name].arrow_schema
        columns = {field.name: pa.array([row[field.name] for row in found]) for field in schema}
        tables[name] = pa.table({key: _cast(value, schema.field(key).type) for key, value in columns.items()})
    return Allocation(tables, {})


def _cast(values: pa.Array, kind: pa.DataType) -> pa.Array:
    return values.cast(kind)
