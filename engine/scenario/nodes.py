"""Edits of nodes: closed, opened, added, and what they can do in a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.batch import Batch
from engine.scenario.changing import rows_where, scaled_down, with_column, with_rows, with_tables
from engine.scenario.edits import AddNode, CloseNode, OpenNode, ScaleCapacity, SetCapacity
from engine.scenario.faults import Faults
from engine.scenario.selecting import flags
from engine.scenario.selectors import UNLIMITED, Limit, basis_points
from engine.scenario.supply import copied_stock

A_NODE, A_SERVICE = "a node_id of nodes", "a service_id of services"
CAPACITIES: tuple[Literal["shipments", "units"], ...] = ("shipments", "units")


def close_node(batch: Batch, edit: CloseNode, faults: Faults) -> Batch:
    """Take a node offline, or close it on some days."""
    nodes = batch["nodes"]
    if faults.unknown("node_id", [edit.node_id], nodes.column("node_id"), A_NODE):
        return batch
    if edit.first is None or edit.last is None:
        return with_tables(
            batch, nodes=with_column(nodes, "offline", True, rows_where(nodes, "node_id", [edit.node_id]))
        )
    return with_closures(batch, "node_id", [edit.node_id], edit.first, edit.last)


def open_node(batch: Batch, edit: OpenNode, faults: Faults) -> Batch:
    """Put a node into operation."""
    nodes = batch["nodes"]
    if faults.unknown("node_id", [edit.node_id], nodes.column("node_id"), A_NODE):
        return batch
    return with_tables(batch, nodes=with_column(nodes, "offline", False, rows_where(nodes, "node_id", [edit.node_id])))


def with_closures(batch: Batch, column: str, names: list[str], first: date, last: date) -> Batch:
    """Return the batch with nodes or services closed from the first to the last day."""
    closures = batch["closures"]
    known = set(zip(closures.column(column).to_pylist(), closures.column("date").to_pylist()))
    every = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    rows = [{"date": day, column: name} for name in names for day in every if (name, day) not in known]
    return with_rows(batch, "closures", rows)


def add_node(batch: Batch, edit: AddNode, faults: Faults) -> Batch:
    """Add a node, with what it has from others."""
    node_id, new = batch["nodes"].column("node_id"), edit.node.node_id
    if pc.index(node_id, new).as_py() >= 0:
        faults.add("node.node_id", new, "one that nodes do not have yet")
        return batch
    others = {"like": edit.like, "stock_from": edit.stock_from}
    if any(name is not None and faults.unknown(field, [name], node_id, A_NODE) for field, name in others.items()):
        return batch
    given = edit.node.model_dump(exclude_unset=True)
    like: dict[str, Any] = {}
    if edit.like is not None:
        like = batch["nodes"].filter(pc.equal(node_id, edit.like)).to_pylist()[0]
    changed = with_rows(batch, "nodes", [{**like, **{name: at for name, at in given.items() if at is not None}}])
    if edit.like is not None:
        for name in ("lanes", "service_capacity", "closures"):
            rows = batch[name].filter(pc.equal(batch[name].column("node_id"), edit.like)).to_pylist()
            changed = with_rows(changed, name, [{**row, "node_id": new} for row in rows])
    if edit.stock_from is None:
        return changed
    return copied_stock(changed, edit.stock_from, new, basis_points(edit.stock_pct), edit.items, faults)


def set_capacity(batch: Batch, edit: SetCapacity, faults: Faults) -> Batch:
    """Set what a node, or a service at it, can do in a day."""
    nodes = batch["nodes"]
    wrong = faults.unknown("node_id", [edit.node_id], nodes.column("node_id"), A_NODE)
    if edit.service_id is not None:
        wrong |= faults.unknown("service_id", [edit.service_id], batch["services"].column("service_id"), A_SERVICE)
    if wrong:
        return batch
    if edit.service_id is not None:
        limit = edit.limit("shipments")
        assert limit is not None
        return _with_service_capacity(batch, edit.node_id, edit.service_id, limit)
    where = rows_where(nodes, "node_id", [edit.node_id])
    for what in CAPACITIES:
        limit = edit.limit(what)
        if limit is not None:
            nodes = with_column(nodes, f"{what}_per_day", None if limit == UNLIMITED else limit, where)
    return with_tables(batch, nodes=nodes)


def _with_service_capacity(batch: Batch, node_id: str, service_id: str, limit: Limit) -> Batch:
    table = batch["service_capacity"]
    at = flags(pc.and_(pc.equal(table.column("node_id"), node_id), pc.equal(table.column("service_id"), service_id)))
    if limit == UNLIMITED:
        return with_tables(batch, service_capacity=table.filter(pa.array(~at))) if at.any() else batch
    if at.any():
        return with_tables(batch, service_capacity=with_column(table, "shipments_per_day", limit, at))
    row = {"node_id": node_id, "service_id": service_id, "shipments_per_day": limit}
    return with_rows(batch, "service_capacity", [row])


def scale_capacity(batch: Batch, edit: ScaleCapacity, faults: Faults) -> Batch:
    """Scale what nodes can do in a day."""
    nodes = batch["nodes"]
    where = np.ones(nodes.num_rows, np.bool_)
    if edit.node_ids is not None:
        if faults.unknown("node_ids", edit.node_ids, nodes.column("node_id"), A_NODE):
            return batch
        where &= rows_where(nodes, "node_id", edit.node_ids)
    if edit.kinds is not None:
        where &= rows_where(nodes, "kind", edit.kinds)
        if not where.any():
            faults.add("kinds", ", ".join(edit.kinds), "the kind of one of these nodes")
    for what in CAPACITIES:
        limit = nodes.column(f"{what}_per_day")
        new = scaled_down(np.asarray(pc.fill_null(limit, 0).to_numpy(), np.int64), basis_points(edit.pct))
        nodes = with_column(nodes, f"{what}_per_day", new, where & flags(limit.is_valid()))
    return with_tables(batch, nodes=nodes)
