"""Batches and plain orders for the tests of real-time decisions, and decisions as an allocation to be checked."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from copy import deepcopy
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from engine.documents import Allocation, Batch
from engine.live import Decision, Order, OrderLine
from engine.live.plain import rows_document
from engine.schema import OUTPUT_TABLES
from tests.oracle.brute import Calendar, Option, order_options
from tests.oracle.brute import Resource as OracleResource
from tests.oracle.reading import Batch as OracleBatch

Document = dict[str, Any]
Worth = dict[OracleResource, float]

SEEDS = [*range(40), 62, 87, 104, 131]


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
    tables = {
        name: batch[name].filter(pc.is_in(batch[name].column("order_id"), wanted)) for name in ("orders", "lines")
    }
    return Batch(batch.policy, {**batch.tables, **tables})


def allocation_of(decisions: Sequence[Decision]) -> Allocation:
    """Decisions as the tables of one allocation; its summary is empty."""
    tables = {name: schema.arrow_schema.empty_table() for name, schema in OUTPUT_TABLES.items()}
    for name in ("shipments", "allocations", "unallocated"):
        rows = [row for decision in decisions for row in rows_document(getattr(decision, name))]
        if rows:
            table = pa.Table.from_pylist(rows)
            tables[name] = table.select(OUTPUT_TABLES[name].column_names).cast(OUTPUT_TABLES[name].arrow_schema)
    return Allocation(tables, {})


def after(document: Document, decisions: Iterable[Decision], sign: int = 1) -> Document:
    """The document of a batch with what decisions take counted as reserved and used."""
    document = deepcopy(document)
    stock = {(row["node_id"], row["sku"]): row for row in document["stock"]}
    used = {(row["node_id"], row.get("service_id") or None, row["date"]): row for row in document.get("used", ())}
    for decision in decisions:
        for position in decision.positions:
            row = stock[position.node_id, position.sku]
            row["reserved"] = (row.get("reserved") or 0) + sign * position.quantity
        for taken in decision.capacity:
            key = (taken.node_id, taken.service_id, taken.date.isoformat())
            row = used.setdefault(key, {"node_id": key[0], "service_id": key[1], "date": key[2]})
            row["shipments"] = (row.get("shipments") or 0) + sign * taken.shipments
            row["units"] = (row.get("units") or 0) + sign * taken.units
    document["used"] = list(used.values())
    return document


def all_options(document: Document, order_id: str) -> list[Option]:
    """Every option of an order that the model allows, listed by the oracle."""
    batch = OracleBatch(document)
    return list(order_options(Calendar(batch), batch.orders[order_id]))


def drawn_prices(document: Document, seed: int) -> tuple[Worth, pa.Table]:
    """Prices of about half of the resources of a document, as the oracle names them and as a table."""
    rng = random.Random(seed)
    capacity = Calendar(OracleBatch(document)).capacity
    worth = {resource: rng.choice([0.0, 0.0, 13.25, 150.0, 700.5]) for resource in capacity}
    rows = [{**resource._asdict(), "cents": cents} for resource, cents in worth.items() if cents]
    return worth, pa.Table.from_pylist(rows, OUTPUT_TABLES["prices"].arrow_schema)


def value(option: Option, worth: Worth) -> float:
    """Cost and price of an option."""
    return option.cents + sum(worth[resource] * amount for resource, amount in option.use.items())


def delivered(option: Option) -> date:
    """When the last shipment of an option arrives."""
    return max(shipment.deliver_date for shipment in option.shipments)
