"""Plants in shipments: where from, when, how many, for whom."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from engine.documents import Allocation, Batch
from tests.planting.registry import Row, by_key, changed, copies, plant, replaced, rows_of


@plant("shipments", "ship_date", "a ship date of the node")
def plant_long_gone_ship_date(batch: Batch, allocation: Allocation) -> Allocation | None:
    day = batch.policy.as_of.date() - timedelta(days=30)
    return changed(allocation, "shipments", 0, ship_date=day)


@plant("shipments", "deliver_date")
def plant_delivered_a_day_early(batch: Batch, allocation: Allocation) -> Allocation | None:
    rows = rows_of(allocation, "shipments")
    return (
        changed(allocation, "shipments", 0, deliver_date=rows[0]["deliver_date"] - timedelta(days=1)) if rows else None
    )


@plant("shipments", "deliver_date")
def plant_late_hard_promise(batch: Batch, allocation: Allocation) -> Allocation | None:
    orders = by_key(rows_of(batch, "orders"), "order_id")
    for at, shipment in enumerate(rows_of(allocation, "shipments")):
        order = orders[shipment["order_id"]]
        if order["hard_promise"] and order["deliver_by"]:
            return changed(allocation, "shipments", at, deliver_date=order["deliver_by"] + timedelta(days=1))
    return None


@plant("shipments", "ship_date", "a ship date of the node")
def plant_closed_day(batch: Batch, allocation: Allocation) -> Allocation | None:
    nodes = by_key(rows_of(batch, "nodes"), "node_id")
    closed = {(row["node_id"], row["date"]) for row in rows_of(batch, "closures") if row["node_id"]}
    for at, shipment in enumerate(rows_of(allocation, "shipments")):
        mask = nodes[shipment["node_id"]]["working_days"]
        for days in range(1, 8):
            day = shipment["ship_date"] + timedelta(days=days)
            if mask[day.weekday()] == "0" or (shipment["node_id"], day) in closed:
                return changed(allocation, "shipments", at, ship_date=day)
    return None


@plant("shipments", "ship_date", "a ship date of the node")
def plant_after_cutoff(batch: Batch, allocation: Allocation) -> Allocation | None:
    nodes = by_key(rows_of(batch, "nodes"), "node_id")
    for at, shipment in enumerate(rows_of(allocation, "shipments")):
        node = nodes[shipment["node_id"]]
        ready = batch.policy.as_of.astimezone(UTC) + timedelta(minutes=node["ready_minutes"])
        today = ready.astimezone(ZoneInfo(node["timezone"])).date()
        if shipment["ship_date"] > today and _passed(ready, node):
            return changed(allocation, "shipments", at, ship_date=today)
    return None


def _passed(ready: Any, node: Row) -> bool:
    local = ready.astimezone(ZoneInfo(node["timezone"]))
    return bool(local.time().isoformat() > f"{node['cutoff']}:00")


@plant("shipments", "node_id", "not offline")
def plant_offline_node(batch: Batch, allocation: Allocation) -> Allocation | None:
    offline = [row["node_id"] for row in rows_of(batch, "nodes") if row["offline"]]
    shipments, parts = rows_of(allocation, "shipments"), rows_of(allocation, "allocations")
    if not offline or not shipments:
        return None
    shipments[0]["node_id"] = offline[0]
    for part in parts:
        if part["shipment_id"] == shipments[0]["shipment_id"]:
            part["node_id"] = offline[0]
    return replaced(allocation, shipments=shipments, allocations=parts)


@plant("allocations", "node_id")
def plant_node_unlike_its_shipment(batch: Batch, allocation: Allocation) -> Allocation | None:
    parts = rows_of(allocation, "allocations")
    others = [row["node_id"] for row in rows_of(batch, "nodes") if parts and row["node_id"] != parts[0]["node_id"]]
    return changed(allocation, "allocations", 0, node_id=others[0]) if others else None


@plant("shipments", "shipment_id", "no earlier row")
def plant_repeated_shipment(batch: Batch, allocation: Allocation) -> Allocation | None:
    shipments = rows_of(allocation, "shipments")
    return replaced(allocation, shipments=[*shipments, shipments[0]]) if shipments else None


@plant("shipments", "shipment_id", "with allocation rows")
def plant_empty_shipment(batch: Batch, allocation: Allocation) -> Allocation | None:
    return copies(allocation, 0, 1)


@plant("shipments", "node_id", "again")
def plant_slot_used_twice(batch: Batch, allocation: Allocation) -> Allocation | None:
    return copies(allocation, 0, 1)


@plant("shipments", "order_id", "shipments of the order")
def plant_shipment_too_many(batch: Batch, allocation: Allocation) -> Allocation | None:
    shipments = rows_of(allocation, "shipments")
    if not shipments:
        return None
    order = by_key(rows_of(batch, "orders"), "order_id")[shipments[0]["order_id"]]
    most = order["max_shipments"] if order["max_shipments"] is not None else batch.policy.max_shipments
    return copies(allocation, 0, most) if most < 1000 else None


@plant("shipments", "order_id", "not held")
def plant_held_order_shipped(batch: Batch, allocation: Allocation) -> Allocation | None:
    held = {row["order_id"] for row in rows_of(batch, "orders") if row["held"]}
    shipments, parts = rows_of(allocation, "shipments"), rows_of(allocation, "allocations")
    left = rows_of(allocation, "unallocated")
    for row in left:
        if row["order_id"] in held and shipments:
            copy = shipments[0] | {"shipment_id": "planted", "order_id": row["order_id"]}
            part = {name: row[name] for name in ("order_id", "line_id", "sku", "quantity")}
            part |= {"shipment_id": "planted", "node_id": copy["node_id"]}
            left.remove(row)
            return replaced(allocation, shipments=[*shipments, copy], allocations=[*parts, part], unallocated=left)
    return None
