"""Why an order of a solved batch is served as it is: against every rival, all else as it was decided."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from api.order_documents import order_from_document
from engine.batch import Allocation, Batch
from engine.live import Decision, Snapshot, StockDelta, UsedDelta, explain

MOST_HOLDERS = 8


def explain_order(batch: Batch, allocation: Allocation, order_id: str) -> dict[str, Any]:
    """Return an explanation, and which orders hold what this one could have used.

    Parameters
    ----------
    batch : Batch
        What was asked for.
    allocation : Allocation
        A right allocation of it.
    order_id : str
        An order of the batch.
    """
    row, lines = _documents(batch["orders"], order_id), _documents(batch["lines"], order_id)
    parts = {name: _documents(allocation[name], order_id) for name in ("shipments", "allocations", "unallocated")}
    order = order_from_document({**row[0], "lines": lines})
    decision = Decision.from_document({"order_id": order_id, **parts})
    skus = pa.array(sorted({line["sku"] for line in lines}))
    snapshot = _without(batch, allocation, order_id, skus)
    prices = snapshot.prices(allocation["prices"])
    found = explain(snapshot, order, decision, prices=prices, taken=False).to_document()
    found["holders"] = _holders(allocation, order_id, skus, [rival["node_id"] for rival in found["rivals"]])
    return found


def _documents(table: pa.Table, order_id: str) -> list[dict[str, Any]]:
    from api.figures import rows

    return rows(table.filter(pc.equal(table["order_id"], order_id)))


def _without(batch: Batch, allocation: Allocation, order_id: str, skus: pa.Array) -> Snapshot:
    """The network as the other orders leave it: stock of some skus only, so that a large batch is quick too."""
    stock = batch["stock"]
    small = Batch(batch.policy, {**batch.tables, "stock": stock.filter(pc.is_in(stock["sku"], value_set=skus))})
    snapshot = Snapshot(small)
    taken, shipments = allocation["allocations"], allocation["shipments"]
    taken = taken.filter(pc.not_equal(taken["order_id"], order_id))
    units = taken.group_by("shipment_id").aggregate([("quantity", "sum")])
    at = pc.index_in(shipments["shipment_id"], value_set=units["shipment_id"].combine_chunks())
    shipments = shipments.append_column("units", units["quantity_sum"].take(at.combine_chunks()))
    shipments = shipments.filter(pc.is_valid(at))
    used = []
    for key in (["node_id", "ship_date"], ["node_id", "ship_date", "service_id"]):
        totals = shipments.group_by(key).aggregate([("units", "count"), ("units", "sum")])
        used += [
            UsedDelta(
                node_id=row["node_id"],
                date=row["ship_date"],
                service_id=row.get("service_id"),
                shipments=row["units_count"],
                units=row["units_sum"],
            )
            for row in totals.to_pylist()
        ]
    held = taken.filter(pc.is_in(taken["sku"], value_set=skus)).group_by(["node_id", "sku"])
    deltas = [
        StockDelta(node_id=row["node_id"], sku=row["sku"], reserved=row["quantity_sum"])
        for row in held.aggregate([("quantity", "sum")]).to_pylist()
    ]
    snapshot.apply(deltas, used)
    return snapshot


def _holders(allocation: Allocation, order_id: str, skus: pa.Array, nodes: list[str]) -> list[dict[str, Any]]:
    """Who holds units of these skus at rival nodes: a few orders of each."""
    taken = allocation["allocations"]
    wanted = pc.and_(
        pc.and_(
            pc.is_in(taken["sku"], value_set=skus), pc.is_in(taken["node_id"], value_set=pa.array(nodes, pa.string()))
        ),
        pc.not_equal(taken["order_id"], order_id),
    )
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in taken.filter(wanted).select(["node_id", "sku", "order_id", "quantity"]).to_pylist():
        key = row["node_id"], row["sku"]
        holder = found.setdefault(key, {"node_id": key[0], "sku": key[1], "units": 0, "n_orders": 0, "order_ids": []})
        holder["units"] += row["quantity"]
        holder["n_orders"] += 1
        if len(holder["order_ids"]) < MOST_HOLDERS:
            holder["order_ids"].append(row["order_id"])
    return list(found.values())
