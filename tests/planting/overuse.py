"""Plants that use more than there is: stock, slots, services."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from engine.documents import Allocation, Batch
from tests.planting.registry import Row, by_key, copies, plant, replaced, rows_of


@plant("allocations", "quantity", "units by then")
def plant_a_unit_over_stock(batch: Batch, allocation: Allocation) -> Allocation | None:
    return _over_stock(batch, allocation, early=False)


@plant("allocations", "quantity", "units by then")
def plant_inbound_too_early(batch: Batch, allocation: Allocation) -> Allocation | None:
    return _over_stock(batch, allocation, early=True)


def _over_stock(batch: Batch, allocation: Allocation, early: bool) -> Allocation | None:
    """Ship one unit more than can be sold at all; or than can be sold by then, but not more than ever."""
    ships = {row["shipment_id"]: row["ship_date"] for row in rows_of(allocation, "shipments")}
    stock = defaultdict(list)
    for row in rows_of(batch, "stock"):
        stock[row["node_id"], row["sku"]].append(row)
    parts = rows_of(allocation, "allocations")
    for part in parts:
        rows, day = stock[part["node_id"], part["sku"]], ships[part["shipment_id"]]
        alike = [other for other in parts if (other["node_id"], other["sku"]) == (part["node_id"], part["sku"])]
        ever = _sellable(rows, date.max)
        by_then = _sellable(rows, day)
        shipped = sum(other["quantity"] for other in alike if ships[other["shipment_id"]] <= day)
        in_all = sum(other["quantity"] for other in alike)
        if early and by_then < ever:
            part["quantity"] += by_then - shipped + 1
            if by_then - shipped + 1 + in_all <= ever:
                return replaced(allocation, allocations=parts)
            part["quantity"] -= by_then - shipped + 1
        elif not early:
            part["quantity"] += ever - in_all + 1
            return replaced(allocation, allocations=parts)
    return None


def _sellable(rows: list[Row], day: date) -> int:
    arrived = sum(row["on_hand"] for row in rows if row["available_on"] is None or row["available_on"] <= day)
    return int(max(0, arrived - sum(row["reserved"] + row["safety_stock"] for row in rows)))


@plant("shipments", "node_id", "expected at most .* shipments$")
def plant_node_full(batch: Batch, allocation: Allocation) -> Allocation | None:
    return _overfill(batch, allocation, "node_id", within_limit=False)


@plant("shipments", "node_id", "expected at most .* shipments$")
def plant_used_of_node_ignored(batch: Batch, allocation: Allocation) -> Allocation | None:
    return _overfill(batch, allocation, "node_id", within_limit=True)


@plant("shipments", "service_id", "expected at most .* shipments$")
def plant_service_full(batch: Batch, allocation: Allocation) -> Allocation | None:
    return _overfill(batch, allocation, "service_id", within_limit=False)


@plant("shipments", "service_id", "expected at most .* shipments$")
def plant_used_of_service_ignored(batch: Batch, allocation: Allocation) -> Allocation | None:
    return _overfill(batch, allocation, "service_id", within_limit=True)


def _overfill(batch: Batch, allocation: Allocation, what: str, within_limit: bool) -> Allocation | None:
    """Copy a shipment until its slot (or service) is over-used; within the limit but for `used`, if asked."""
    nodes = by_key(rows_of(batch, "nodes"), "node_id")
    limits = by_key(rows_of(batch, "service_capacity"), "node_id", "service_id")
    used = by_key(rows_of(batch, "used"), "node_id", "service_id", "date")
    shipments = rows_of(allocation, "shipments")
    for at, shipment in enumerate(shipments):
        node, service, day = (shipment[name] for name in ("node_id", "service_id", "ship_date"))
        if what == "node_id":
            limit, service = nodes[node]["shipments_per_day"], None
        else:
            limit = limits.get((node, service), {}).get("shipments_per_day")
        taken = used.get((node, service, day), {}).get("shipments", 0)
        same = [row for row in shipments if (row["node_id"], row["ship_date"]) == (node, day)]
        n = sum(service in (None, row["service_id"]) for row in same)
        if limit is None or limit > 10_000 or (within_limit and not 0 < taken <= limit):
            continue
        return copies(allocation, at, (limit if within_limit else limit + 1) - n)
    return None


@plant("allocations", "quantity", "expected at most .* units$")
def plant_units_over_node(batch: Batch, allocation: Allocation) -> Allocation | None:
    nodes = by_key(rows_of(batch, "nodes"), "node_id")
    used = by_key(rows_of(batch, "used"), "node_id", "service_id", "date")
    ships = {row["shipment_id"]: row["ship_date"] for row in rows_of(allocation, "shipments")}
    parts = rows_of(allocation, "allocations")
    for part in parts:
        limit = nodes[part["node_id"]]["units_per_day"]
        day = ships[part["shipment_id"]]
        if limit is not None:
            there = sum(
                row["quantity"]
                for row in parts
                if (row["node_id"], ships[row["shipment_id"]]) == (part["node_id"], day)
            )
            taken = used.get((part["node_id"], None, day), {}).get("units", 0)
            part["quantity"] += max(0, limit - taken) - there + 1
            return replaced(allocation, allocations=parts)
    return None
