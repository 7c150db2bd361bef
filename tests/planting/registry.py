"""The register of plants, and how a plant changes rows of an allocation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from engine.documents import Allocation, Batch

Row = dict[str, Any]
Plant = Callable[[Batch, Allocation], Allocation | None]

PLANTS: dict[str, Plant] = {}
WHERE: dict[str, tuple[str, str, str]] = {}


def plant(table: str, column: str, pattern: str = "") -> Callable[[Plant], Plant]:
    """Register a plant by its name with the place where the checker must find it."""

    def register(function: Plant) -> Plant:
        name = function.__name__.removeprefix("plant_")
        PLANTS[name], WHERE[name] = function, (table, column, pattern)
        return function

    return register


def replaced(allocation: Allocation, summary: Row | None = None, **tables: list[Row]) -> Allocation:
    """Return the allocation with other rows in some tables, or other fields in the summary."""
    new = {name: pa.Table.from_pylist(rows, schema=allocation.tables[name].schema) for name, rows in tables.items()}
    return Allocation({**allocation.tables, **new}, {**allocation.summary, **(summary or {})})


def rows_of(of: Batch | Allocation, table: str) -> list[Row]:
    rows: list[Row] = of.tables[table].to_pylist()
    return rows


def by_key(rows: Sequence[Row], *columns: str) -> dict[Any, Row]:
    return {tuple(row[column] for column in columns) if len(columns) > 1 else row[columns[0]]: row for row in rows}


def changed(allocation: Allocation, table: str, at: int, **values: Any) -> Allocation | None:
    rows = rows_of(allocation, table)
    if not rows:
        return None
    rows[at] |= values
    return replaced(allocation, None, **{table: rows})


def more(allocation: Allocation, table: str, column: str, by: float = 1) -> Allocation | None:
    rows = rows_of(allocation, table)
    return changed(allocation, table, 0, **{column: rows[0][column] + by}) if rows else None


def copies(allocation: Allocation, at: int, n: int) -> Allocation | None:
    shipments = rows_of(allocation, "shipments")
    if not shipments:
        return None
    copies = [shipments[at] | {"shipment_id": f"planted {copy}"} for copy in range(n)]
    return replaced(allocation, shipments=[*shipments, *copies])
