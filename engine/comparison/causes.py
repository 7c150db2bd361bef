"""Why units left a node: what the second plan's batch says of the node, the stock, the services and the order."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.batch import Allocation, Batch
from engine.comparison.moves import Moves
from engine.keys import key_text
from engine.network import IntArray, codes, ints

CAUSES = ("closed", "barred", "stock", "capacity", "service", "policy", "knock_on")
Flags = NDArray[np.bool_]
_WORKING = ("offline", "working_days", "cutoff", "ready_minutes")
_BARRING = ("only_nodes", "not_nodes", "held")


def causes_of(base: Batch, other: Batch, before: Allocation, moves: Moves, stayed: Flags) -> dict[str, Flags]:
    """Return, by cause, which orders it applies to, of those with units that left a node and those that stayed.

    Parameters
    ----------
    base, other : Batch
        The batches of the baseline and of the plan.
    before : Allocation
        The baseline's.
    moves : Moves
        Which units moved.
    stayed : array of bool
        Which of the moves' orders are served from where they were, but otherwise.

    Returns
    -------
    dict of str to array of bool
        For each of `CAUSES`, a flag for each of the moves' orders. closed: the node is offline, or has other
        working days or closures than before. barred: the order names other nodes in ``only_nodes`` or ``not_nodes``,
        or is held otherwise. stock: less of the item can be sold there than before. capacity: the node, or a
        service there, can do less than before. service: a service that the order had charges, takes or delivers
        otherwise. policy: the policy is another. knock_on: none of these: the order makes room for others, or
        takes room that others left.
    """
    n = len(moves.order_ids)
    left = np.flatnonzero(moves.source < moves.n_nodes)
    nodes = moves.places.slice(0, moves.n_nodes)
    shipments = before["shipments"]
    had = codes(shipments.column("order_id"), moves.order_ids)
    stays = stayed[had]
    order = np.concatenate((moves.order[left], had[stays]))
    node = np.concatenate((moves.source[left], codes(shipments.column("node_id"), nodes)[stays]))
    found = {cause: np.zeros(n, np.bool_) for cause in CAUSES}

    shut = _differs(base["nodes"], other["nodes"], "node_id", _WORKING, nodes)
    shut |= _groups_differ(base["closures"], other["closures"], "node_id", nodes)
    found["closed"][order[shut[node]]] = True
    barred = _differs(base["orders"], other["orders"], "order_id", _BARRING, moves.order_ids)
    found["barred"][order[barred[order]]] = True
    keys = moves.source[left] * len(moves.skus) + moves.sku[left]
    sellable = [_sellable(batch, nodes, moves.skus, keys) for batch in (base, other)]
    found["stock"][moves.order[left][sellable[1] < sellable[0]]] = True
    found["capacity"][order[_tighter(base, other, nodes)[node]]] = True
    service = _services_of(base, other, before, moves.order_ids)
    found["service"][order[service[order]]] = True
    if base.policy != other.policy:
        found["policy"][order] = True
    found["knock_on"][order] = True
    found["knock_on"] &= ~np.any([found[cause] for cause in CAUSES[:-1]], axis=0)
    return found


def _differs(base: pa.Table, other: pa.Table, key: str, columns: tuple[str, ...], names: pa.Array) -> Flags:
    """Return for each name whether these columns of its row differ; rows that one lacks do not."""
    at = [pc.index_in(names, value_set=table.column(key).combine_chunks()) for table in (base, other)]
    there = pc.and_(at[0].is_valid(), at[1].is_valid())
    differ = np.zeros(len(names), np.bool_)
    for column in columns:
        values = [table.column(column).take(row) for table, row in zip((base, other), at)]
        is_other = pc.and_(pc.fill_null(pc.not_equal(*values), False), there)
        differ |= np.asarray(is_other.to_numpy(), np.bool_)
    return differ


def _groups_differ(base: pa.Table, other: pa.Table, column: str, names: pa.Array) -> Flags:
    """Return for each name whether the rows that name it in a column differ, in whatever order they are."""
    differ = np.zeros(len(names), np.bool_)
    if base is other:
        return differ
    everything = base.column_names
    rows = [key_text(table, everything) for table in (base, other)]
    for table, mine, others in zip((base, other), rows, reversed(rows)):
        alone = table.column(column).filter(pc.invert(pc.is_in(mine, value_set=others)))
        at = codes(alone, names)
        differ[at[at >= 0]] = True
    return differ


def _sellable(batch: Batch, nodes: pa.Array, skus: pa.Array, keys: IntArray) -> IntArray:
    """Return what can be sold in all of the (node, sku) that the keys stand for, inbound supply included."""
    stock = batch["stock"]
    key = codes(stock.column("node_id"), nodes) * len(skus) + codes(stock.column("sku"), skus)
    distinct, at = np.unique(key, return_inverse=True)
    units = np.zeros(len(distinct) + 1, np.int64)
    np.add.at(units, at, ints(stock, "on_hand") - ints(stock, "reserved") - ints(stock, "safety_stock"))
    place = np.minimum(np.searchsorted(distinct, keys), max(0, len(distinct) - 1))
    there = distinct[place] == keys if len(distinct) else np.zeros(len(keys), np.bool_)
    return np.where(there, np.maximum(units[place], 0), 0)


def _tighter(base: Batch, other: Batch, nodes: pa.Array) -> Flags:
    """Return for each node whether it, or a service there, can do less than before."""
    tighter = np.zeros(len(nodes), np.bool_)
    at = [pc.index_in(nodes, value_set=batch["nodes"].column("node_id").combine_chunks()) for batch in (base, other)]
    for column in ("shipments_per_day", "units_per_day"):
        limits = [pc.fill_null(batch["nodes"].column(column).take(row), 2**31) for batch, row in zip((base, other), at)]
        tighter |= np.asarray(pc.less(limits[1], limits[0]).to_numpy(), np.bool_)
    key = ("node_id", "service_id")
    tables = [batch["service_capacity"] for batch in (base, other)]
    row = codes(pa.chunked_array([key_text(tables[1], key)]), key_text(tables[0], key))
    limit = np.append(ints(tables[0], "shipments_per_day"), 2**31)[row]
    less = tables[1].column("node_id").filter(pa.array(ints(tables[1], "shipments_per_day") < limit))
    tighter[codes(less, nodes)] = True
    return tighter


def _services_of(base: Batch, other: Batch, before: Allocation, order_ids: pa.Array) -> Flags:
    """Return for each order whether a service that it had in the baseline is not what it was."""
    names = base["services"].column("service_id").combine_chunks()
    columns = tuple(name for name in base["services"].column_names if name != "service_id")
    changed = _differs(base["services"], other["services"], "service_id", columns, names)
    for table in ("rates", "bands", "lanes", "closures"):
        changed |= _groups_differ(base[table], other[table], "service_id", names)
    shipments = before["shipments"]
    concerned = changed[codes(shipments.column("service_id"), names)]
    found = np.zeros(len(order_ids), np.bool_)
    found[codes(shipments.column("order_id"), order_ids)[concerned]] = True
    return found
