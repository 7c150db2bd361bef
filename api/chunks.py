"""A batch's decisions, ready to be kept and reserved: documents and positions, made column by column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from operator import itemgetter
from typing import Any

import orjson
import pyarrow as pa

from api.order_documents import LINE_FIELDS, ORDER_FIELDS
from engine import Allocation, Batch
from engine.ledger.commands import PositionRow
from engine.live import TERMS, Allocated, Shipment, Unallocated

Document = dict[str, Any]
_SHIP_DATE = itemgetter(3)


@dataclass(kw_only=True, slots=True)
class Chunk:
    """Orders that are reserved together.

    Parameters
    ----------
    order_ids : tuple of str
        Which.
    documents : tuple of bytes
        By order, what is kept of its decision: as `api.order_documents.Kept` writes it.
    positions : tuple of PositionRow
        What they take, by order.
    """

    order_ids: tuple[str, ...]
    documents: tuple[bytes, ...]
    positions: tuple[PositionRow, ...]


def prepare_chunks(batch: Batch, allocation: Allocation, size: int) -> Iterator[Chunk]:
    """Yield documents and positions of every order of an allocation, so many orders together."""
    shipments = _by_order(allocation["shipments"], _names(Shipment))
    allocations = _by_order(allocation["allocations"], _names(Allocated))
    unallocated = _by_order(allocation["unallocated"], _names(Unallocated))
    lines = _by_order(batch["lines"], LINE_FIELDS)
    orders = _documents(batch["orders"], (*ORDER_FIELDS, "deliver_by", "only_nodes", "not_nodes"))
    for first in range(0, len(orders), size):
        order_ids, documents, positions = [], [], []
        for number, order in enumerate(orders[first : first + size]):
            order_id = order["order_id"]
            its = shipments.get(order_id, [])
            parts = allocations.get(order_id, [])
            order_ids.append(order_id)
            documents.append(
                orjson.dumps(
                    {
                        "order": {**order, "lines": lines.get(order_id, [])},
                        "decision": _decision(order_id, its, parts, unallocated.get(order_id, [])),
                        "barred": {},
                    }
                )
            )
            positions.extend(_positions(number, its, parts))
        yield Chunk(order_ids=tuple(order_ids), documents=tuple(documents), positions=tuple(positions))


def _decision(
    order_id: str, shipments: list[Document], allocations: list[Document], unallocated: list[Document]
) -> Document:
    terms = {name: sum([row[name] for row in shipments]) for name in TERMS[:-1]}
    terms["unallocated_cents"] = sum([row["unallocated_cents"] for row in unallocated])
    return {
        "order_id": order_id,
        "shipments": shipments,
        "allocations": allocations,
        "unallocated": unallocated,
        "terms": terms,
        "objective_cents": sum(terms.values()),
        "price_cents": 0.0,
    }


def _positions(number: int, shipments: list[Document], allocations: list[Document]) -> list[PositionRow]:
    """Return what an order takes by ship date: in this sequence, each finds enough."""
    by_id = {row["shipment_id"]: row for row in shipments}
    rows: list[PositionRow] = []
    for part in allocations:
        shipment = by_id[part["shipment_id"]]
        rows.append(
            (
                number,
                part["node_id"],
                part["sku"],
                shipment["ship_date"],
                part["quantity"],
                part["line_id"],
                part["shipment_id"],
                shipment["service_id"],
            )
        )
    if len(shipments) > 1:
        rows.sort(key=_SHIP_DATE)
    return rows


def _names(kind: type[Any]) -> tuple[str, ...]:
    return tuple(item.name for item in fields(kind))


def _documents(table: pa.Table, names: Sequence[str]) -> list[Document]:
    """Return rows as documents, dates as text."""
    return [dict(zip(names, row)) for row in zip(*(_values(table[name]) for name in names))]


def _values(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_date(column.type):
        column = column.cast(pa.string())
    if column.null_count or not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        return list(column.to_pylist())
    return list(column.to_numpy().tolist())  # a fraction of the time


def _by_order(table: pa.Table, names: Sequence[str]) -> dict[str, list[Document]]:
    """Return each order's rows as documents of some columns."""
    found: dict[str, list[Document]] = {}
    for order_id, row in zip(table["order_id"].to_pylist(), _documents(table, names)):
        found.setdefault(order_id, []).append(row)
    return found
