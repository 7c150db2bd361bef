"""Plants in what of a line is served: lost, repeated, split, torn apart."""

from __future__ import annotations

from engine.documents import Allocation, Batch
from tests.planting.registry import by_key, changed, more, plant, replaced, rows_of


@plant("lines", "quantity")
def plant_allocation_lost(batch: Batch, allocation: Allocation) -> Allocation | None:
    parts = rows_of(allocation, "allocations")
    return replaced(allocation, allocations=parts[1:]) if parts else None


@plant("lines", "quantity")
def plant_unallocated_lost(batch: Batch, allocation: Allocation) -> Allocation | None:
    left = rows_of(allocation, "unallocated")
    return replaced(allocation, unallocated=left[1:]) if left else None


@plant("lines", "quantity")
def plant_line_over_served(batch: Batch, allocation: Allocation) -> Allocation | None:
    return more(allocation, "allocations", "quantity")


@plant("allocations", "line_id", "one row")
def plant_repeated_allocation(batch: Batch, allocation: Allocation) -> Allocation | None:
    parts = rows_of(allocation, "allocations")
    return replaced(allocation, allocations=[*parts, parts[0]]) if parts else None


@plant("unallocated", "line_id", "one row")
def plant_repeated_unallocated(batch: Batch, allocation: Allocation) -> Allocation | None:
    left = rows_of(allocation, "unallocated")
    return replaced(allocation, unallocated=[*left, left[0]]) if left else None


@plant("unallocated", "quantity", "is -1")
def plant_negative_unallocated(batch: Batch, allocation: Allocation) -> Allocation | None:
    parts = rows_of(allocation, "allocations")
    if not parts:
        return None
    part = parts[0]
    row = {name: part[name] for name in ("order_id", "line_id", "sku")}
    row |= {"quantity": -1, "reason": "outbid", "unallocated_cents": -1}
    part["quantity"] += 1
    return replaced(allocation, allocations=parts, unallocated=[*rows_of(allocation, "unallocated"), row])


@plant("allocations", "quantity", "not being split")
def plant_line_split_without_leave(batch: Batch, allocation: Allocation) -> Allocation | None:
    parts, left = rows_of(allocation, "allocations"), rows_of(allocation, "unallocated")
    partly = {(row["order_id"], row["line_id"]) for row in left}
    for part in parts:
        whole = (part["order_id"], part["line_id"]) not in partly
        if not batch.policy.allow_line_split and part["quantity"] > 1 and whole:
            part["quantity"] -= 1
            row = {name: part[name] for name in ("order_id", "line_id", "sku")}
            row |= {"quantity": 1, "reason": "outbid", "unallocated_cents": 0}
            return replaced(allocation, allocations=parts, unallocated=[*left, row])
    return None


@plant("allocations", "shipment_id", "ships together")
def plant_torn_apart(batch: Batch, allocation: Allocation) -> Allocation | None:
    lines = by_key(rows_of(batch, "lines"), "order_id", "line_id")
    shipments, parts = rows_of(allocation, "shipments"), rows_of(allocation, "allocations")
    seen = set()
    for part in parts:
        word = lines[part["order_id"], part["line_id"]]["ship_together"]
        if word is not None and (part["order_id"], word) in seen:
            copy = by_key(shipments, "shipment_id")[part["shipment_id"]] | {"shipment_id": "planted"}
            part["shipment_id"] = "planted"
            return replaced(allocation, shipments=[*shipments, copy], allocations=parts)
        seen.add((part["order_id"], word))
    return None


@plant("unallocated", "line_id", "ship_complete")
def plant_half_served(batch: Batch, allocation: Allocation) -> Allocation | None:
    complete = {row["order_id"] for row in rows_of(batch, "orders") if row["ship_complete"]}
    parts = rows_of(allocation, "allocations")
    seen = set()
    for part in parts:
        if part["order_id"] in complete and part["order_id"] in seen:
            parts.remove(part)
            row = {name: part[name] for name in ("order_id", "line_id", "sku", "quantity")}
            row |= {"reason": "outbid", "unallocated_cents": 0}
            return replaced(allocation, allocations=parts, unallocated=[*rows_of(allocation, "unallocated"), row])
        seen.add(part["order_id"])
    return None


@plant("allocations", "sku", "capabilities")
def plant_capability_missing(batch: Batch, allocation: Allocation) -> Allocation | None:
    requires = {row["sku"]: set(row["requires"].split()) for row in rows_of(batch, "items")}
    shipments = rows_of(allocation, "shipments")
    places = {row["shipment_id"]: at for at, row in enumerate(shipments)}
    for part in rows_of(allocation, "allocations"):
        for service in rows_of(batch, "services"):
            if not requires[part["sku"]] <= set(service["capabilities"].split()):
                at = places[part["shipment_id"]]
                return changed(allocation, "shipments", at, service_id=service["service_id"])
    return None
