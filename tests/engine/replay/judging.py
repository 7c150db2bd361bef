"""What must hold of any replay, recomputed in plain Python from the documents, with no code of the simulation."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from engine.documents import Allocation
from tests.oracle.costs import sellable, ship_dates
from tests.oracle.reading import Batch, value_of

Document = dict[str, Any]


def wrongs(
    document: Document, allocation: Allocation, decided: dict[str, tuple[int, int]], horizon_days: int
) -> list[str]:
    """What is wrong with where a stream ended.

    Parameters
    ----------
    document : dict
        The stream.
    allocation : Allocation
        What it came to.
    decided : dict
        For each order the microseconds of its first and last moment of deciding.
    horizon_days : int
        Ship dates that a decision may choose from.
    """
    batch = Batch(document)
    shipments = {row["shipment_id"]: row for row in allocation["shipments"].to_pylist()}
    allocated = allocation["allocations"].to_pylist()
    out = [*_not_conserved(document, allocated, allocation["unallocated"].to_pylist())]
    out += _out_of_stock(batch, shipments, allocated)
    out += _over_capacity(document, shipments, allocated)
    out += _wrong_dates(batch, shipments, decided, horizon_days)
    return out


def _not_conserved(document: Document, allocated: list[Document], left: list[Document]) -> list[str]:
    """Shipped and left add up to what was ordered, line by line."""
    found: Counter[tuple[str, str]] = Counter()
    for row in (*allocated, *left):
        found[row["order_id"], row["line_id"]] += row["quantity"]
    wanted = {(row["order_id"], row["line_id"]): row["quantity"] for row in document["lines"]}
    return [] if found == wanted else ["shipped and left are not what was ordered"]


def _out_of_stock(batch: Batch, shipments: dict[str, Document], allocated: list[Document]) -> list[str]:
    """Whatever ships up to a date can be sold by that date."""
    shipped: dict[tuple[str, str], Counter[date]] = defaultdict(Counter)
    for row in allocated:
        shipped[row["node_id"], row["sku"]][shipments[row["shipment_id"]]["ship_date"]] += row["quantity"]
    return [
        f"{node_id} ships more of {sku} by {day} than it has"
        for (node_id, sku), by_day in shipped.items()
        for day in by_day
        if sum(units for other, units in by_day.items() if other <= day) > sellable(batch, node_id, sku, day)
    ]


def _over_capacity(document: Document, shipments: dict[str, Document], allocated: list[Document]) -> list[str]:
    """A day's shipments and units are within what the node and its services can do."""
    used: Counter[tuple[Any, ...]] = Counter()
    for row in document.get("used") or []:
        service, day = value_of(row, "service_id"), date.fromisoformat(row["date"])
        used["shipments", row["node_id"], service, day] += value_of(row, "shipments", 0)
        used["units", row["node_id"], service, day] += value_of(row, "units", 0)
    before = used.copy()
    for row in shipments.values():
        used["shipments", row["node_id"], None, row["ship_date"]] += 1
        used["shipments", row["node_id"], row["service_id"], row["ship_date"]] += 1
    for row in allocated:
        used["units", row["node_id"], None, shipments[row["shipment_id"]]["ship_date"]] += row["quantity"]
    limits: dict[tuple[Any, ...], int | None] = {}
    for node in document["nodes"]:
        limits["shipments", node["node_id"], None] = value_of(node, "shipments_per_day")
        limits["units", node["node_id"], None] = value_of(node, "units_per_day")
    for row in document.get("service_capacity") or []:
        limits["shipments", row["node_id"], row["service_id"]] = row["shipments_per_day"]
    return [
        f"{key} takes {taken} of {limits[key[:3]]}"
        for key, taken in used.items()
        if taken > before[key] and (limit := limits.get(key[:3])) is not None and taken > limit
    ]


def _wrong_dates(
    batch: Batch, shipments: dict[str, Document], decided: dict[str, tuple[int, int]], horizon_days: int
) -> list[str]:
    """Everything ships on a date that could be chosen when its order was decided."""
    out = []
    for row in shipments.values():
        dates: set[date] = set()
        for instant in decided[row["order_id"]]:
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)
            batch.policy = replace(batch.policy, as_of=moment, horizon_days=horizon_days)
            dates.update(ship_dates(batch, batch.nodes[row["node_id"]]))
        if not min(dates) <= row["ship_date"] <= max(dates):
            out.append(f"{row['order_id']} ships on {row['ship_date']} from {row['node_id']}")
    return out
