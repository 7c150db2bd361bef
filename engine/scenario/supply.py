"""Edits of stock: copied, moved, scaled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.batch import Batch
from engine.keys import key_text
from engine.network import IntArray, codes, days, ints
from engine.scenario.changing import rows_where, scaled, scaled_down, with_column, with_tables
from engine.scenario.edits import MoveStock, ScaleStock
from engine.scenario.faults import Faults
from engine.scenario.selecting import Flags, flags, selected_items
from engine.scenario.selectors import ItemSelector, basis_points
from engine.schema import INPUT_TABLES

A_NODE = "a node_id of nodes"
_NOW = -(2**31)


def copied_stock(
    batch: Batch, from_node: str, to_node: str, bp: int, items: ItemSelector | None, faults: Faults
) -> Batch:
    """Return the batch with a share of a node's stock given to another besides."""
    stock = batch["stock"]
    rows = stock.filter(pa.array(_rows(batch, [from_node], items, faults)))
    columns: dict[str, Any] = {name: rows.column(name) for name in rows.column_names}
    columns |= {name: scaled_down(ints(rows, name), bp) for name in ("on_hand", "safety_stock")}
    columns |= {"node_id": [to_node] * rows.num_rows, "reserved": np.zeros(rows.num_rows, np.int64)}
    added = pa.table(columns, schema=INPUT_TABLES["stock"].arrow_schema)
    return with_tables(batch, stock=pa.concat_tables([stock, added]))


def move_stock(batch: Batch, edit: MoveStock, faults: Faults) -> Batch:
    """Move stock from a node to another."""
    node_id, stock = batch["nodes"].column("node_id"), batch["stock"]
    wrong = [
        faults.unknown(field, [name], node_id, A_NODE)
        for field, name in (("from_node", edit.from_node), ("to_node", edit.to_node))
    ]
    if any(wrong):
        return batch
    where = _rows(batch, [edit.from_node], edit.items, faults)
    at = np.flatnonzero(where)
    on_hand = ints(stock, "on_hand")
    free = np.maximum(on_hand - ints(stock, "reserved"), 0)[at]
    if edit.pct is not None:
        moved = scaled_down(free, basis_points(edit.pct))
    else:
        assert edit.units is not None
        moved = _so_many(batch, edit.units, at, free, faults)
    taken = on_hand.copy()
    taken[at] -= moved
    changed = with_column(stock, "on_hand", taken, where)
    return with_tables(batch, stock=_received(changed, edit.to_node, at[moved > 0], moved[moved > 0]))


def _so_many(batch: Batch, units: int, at: IntArray, free: IntArray, faults: Faults) -> IntArray:
    """Return how many units of each row go so that it is so many of each item, the earliest first."""
    stock = batch["stock"].take(pa.array(at))
    sku = stock.column("sku").combine_chunks().dictionary_encode()
    item = sku.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    by_date = np.lexsort((days(stock, "available_on", _NOW), item))
    total = np.zeros(len(sku.dictionary), np.int64)
    np.add.at(total, item, free)
    for short in np.flatnonzero(total < units)[:100].tolist():
        faults.add("units", str(units), f"up to {total[short]}, what is free of {sku.dictionary[short].as_py()}")
    sorted_item, sorted_free = item[by_date], free[by_date]
    running = np.cumsum(sorted_free) - sorted_free
    first = np.searchsorted(sorted_item, np.arange(len(total)))
    before = running - running[first[sorted_item]] if len(running) else running
    moved = np.zeros(len(at), np.int64)
    moved[by_date] = np.clip(units - before, 0, sorted_free)
    return moved


def _received(stock: pa.Table, node_id: str, source: IntArray, units: IntArray) -> pa.Table:
    """Return the stock with units, as in some of its rows, given to a node: to rows that it has, or to new ones."""
    key = INPUT_TABLES["stock"].key
    rows = stock.take(pa.array(source))
    columns: dict[str, Any] = {name: rows.column(name) for name in rows.column_names}
    zeros = np.zeros(len(source), np.int64)
    columns |= {"node_id": [node_id] * len(source), "on_hand": units, "reserved": zeros, "safety_stock": zeros}
    arriving = pa.table(columns, schema=stock.schema)
    row = codes(pa.chunked_array([key_text(arriving, key)]), key_text(stock, key))
    there = row >= 0
    on_hand = ints(stock, "on_hand").copy()
    on_hand[row[there]] += units[there]
    touched = np.zeros(stock.num_rows, np.bool_)
    touched[row[there]] = True
    stock = with_column(stock, "on_hand", on_hand, touched)
    return stock if there.all() else pa.concat_tables([stock, arriving.filter(pa.array(~there))])


def scale_stock(batch: Batch, edit: ScaleStock, faults: Faults) -> Batch:
    """Scale what is on hand."""
    if edit.node_ids is not None and faults.unknown(
        "node_ids", edit.node_ids, batch["nodes"].column("node_id"), A_NODE
    ):
        return batch
    where = _rows(batch, edit.node_ids, edit.items, faults)
    new = scaled(ints(batch["stock"], "on_hand"), basis_points(edit.pct))
    return with_tables(batch, stock=with_column(batch["stock"], "on_hand", new, where))


def _rows(batch: Batch, node_ids: list[str] | None, items: ItemSelector | None, faults: Faults) -> Flags:
    """Return which rows of stock are of some nodes and items (None: all); that there are none is a fault."""
    stock = batch["stock"]
    where = np.ones(stock.num_rows, np.bool_) if node_ids is None else rows_where(stock, "node_id", node_ids)
    if items is not None:
        skus = batch["items"].column("sku").filter(pa.array(selected_items(batch, items, faults)))
        where &= flags(pc.is_in(stock.column("sku"), value_set=skus.combine_chunks()))
        if items.skus is not None and where.any():
            there = stock.column("sku").filter(pa.array(where))
            faults.unknown("items.skus", items.skus, there, "a sku that has stock there")
    if not where.any():
        faults.add("items" if items is not None else None, "no stock row", "stock of these items at these nodes")
    return where
