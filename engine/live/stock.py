"""Stock rows as sorted columns, the intervals and the supply that come of them, and changes of both in place."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.network import IntArray
from engine.rates import pair_of
from solver.kernels import kernel


class StockRows(NamedTuple):
    """Every stock row, sorted by sku, node and day; a pair is a (node, sku) that has rows.

    ``held`` is what a row reserves and keeps for safety. ``supply`` is what can be sold (never below zero) and ``raw``
    the same before it is cut at zero; both begin with the stock intervals, and slots follow.
    """

    sku_first_pair: IntArray  # [n_items + 1]
    pair_node: IntArray
    pair_first_row: IntArray  # [n_pairs + 1]
    pair_first_resource: IntArray  # [n_pairs + 1]
    row_day: IntArray  # NOW: at once
    row_on_hand: IntArray
    row_held: IntArray
    stock_day: IntArray  # [n_stock_resources]
    raw: IntArray  # [n_resources]
    supply: IntArray  # [n_resources]


class StockChanges(NamedTuple):
    """Changes of stock rows, one entry each; ``held`` is not of a certain row where ``on_hand`` is zero."""

    sku: IntArray
    node: IntArray
    day: IntArray
    on_hand: IntArray
    held: IntArray


@kernel
def change_stock(rows: StockRows, changes: StockChanges) -> NDArray[np.bool_]:
    """Apply changes in place; tell which of them have no row to stand on.

    A missing row of a known pair counts at once where that is safe: what it holds back everywhere, what it brings in
    the intervals that open on its day or later.
    """
    sku_first_pair, pair_node = rows.sku_first_pair, rows.pair_node
    pair_first_row, pair_first_resource = rows.pair_first_row, rows.pair_first_resource
    row_day, row_on_hand, row_held = rows.row_day, rows.row_on_hand, rows.row_held
    stock_day, raw, supply = rows.stock_day, rows.raw, rows.supply
    missing = np.zeros(changes.sku.size, np.bool_)
    for i in range(changes.sku.size):
        pair = pair_of(sku_first_pair, pair_node, changes.sku[i], changes.node[i])
        if pair < 0:
            missing[i] = True
            continue
        day, on_hand, held = changes.day[i], changes.on_hand[i], changes.held[i]
        row = -1
        for candidate in range(pair_first_row[pair], pair_first_row[pair + 1]):
            if row_day[candidate] == day:
                row = candidate
        if row < 0 and on_hand == 0:
            row = int(pair_first_row[pair])
        if row < 0:
            missing[i] = True
        else:
            row_on_hand[row] += on_hand
            row_held[row] += held
        for resource in range(pair_first_resource[pair], pair_first_resource[pair + 1]):
            raw[resource] -= held
            if stock_day[resource] >= day:
                raw[resource] += on_hand
            supply[resource] = max(0, raw[resource])
    return missing


@kernel
def _count_intervals(
    pair_first_row: IntArray,
    row_day: IntArray,
    pair_node: IntArray,
    node_first_slot: IntArray,
    slot_day: IntArray,
    keep: NDArray[np.bool_],
) -> int:
    """Mark the rows that open an interval with a ship date of their node in it; return how many."""
    n = 0
    for pair in range(pair_node.size):
        node = pair_node[pair]
        first, last = pair_first_row[pair], pair_first_row[pair + 1]
        slot, end = node_first_slot[node], node_first_slot[node + 1]
        for row in range(first, last):
            while slot < end and slot_day[slot] < row_day[row]:
                slot += 1
            keep[row] = slot < end and (row + 1 == last or slot_day[slot] < row_day[row + 1])
            n += keep[row]
    return n


@kernel
def _fill_intervals(
    pair_first_row: IntArray,
    row_day: IntArray,
    row_on_hand: IntArray,
    row_held: IntArray,
    keep: NDArray[np.bool_],
    pair_first_resource: IntArray,
    stock_day: IntArray,
    raw: IntArray,
) -> None:
    n = 0
    for pair in range(pair_first_row.size - 1):
        running = np.int64(0)
        for row in range(pair_first_row[pair], pair_first_row[pair + 1]):
            running -= row_held[row]
        for row in range(pair_first_row[pair], pair_first_row[pair + 1]):
            running += row_on_hand[row]
            if keep[row]:
                stock_day[n] = row_day[row]
                raw[n] = running
                n += 1
        pair_first_resource[pair + 1] = n


def build_stock(
    changes: StockChanges, n_skus: int, n_nodes: int, node_first_slot: IntArray, slot_day: IntArray, slot_raw: IntArray
) -> StockRows:
    """Sort rows (those of one sku, node and day are put together) and compute their intervals.

    Parameters
    ----------
    changes : StockChanges
        The rows, in any order.
    node_first_slot, slot_day
        As in :class:`engine.network.Network`.
    slot_raw : int64
        What is left of the capacities that follow the stock among the resources; may be below zero.
    """
    pair = changes.sku * max(1, n_nodes) + changes.node
    day, on_hand, held = changes.day, changes.on_hand, changes.held
    if not bool(np.all((pair[1:] > pair[:-1]) | ((pair[1:] == pair[:-1]) & (day[1:] > day[:-1])))):
        order = np.lexsort((day, pair))
        pair, day, on_hand, held = pair[order], day[order], on_hand[order], held[order]
        head = np.ones(pair.size, np.bool_)
        head[1:] = (pair[1:] != pair[:-1]) | (day[1:] != day[:-1])
        if not head.all():
            first = np.flatnonzero(head)
            on_hand, held = np.add.reduceat(on_hand, first), np.add.reduceat(held, first)
            pair, day = pair[first], day[first]
    head = np.ones(pair.size, np.bool_)
    head[1:] = pair[1:] != pair[:-1]
    first_row = np.append(np.flatnonzero(head), pair.size).astype(np.int64)
    key = pair[first_row[:-1]]
    pair_node = key % max(1, n_nodes)
    keep = np.zeros(pair.size, np.bool_)
    n_stock = _count_intervals(first_row, day, pair_node, node_first_slot, slot_day, keep)
    raw = np.zeros(n_stock + slot_raw.size, np.int64)
    raw[n_stock:] = slot_raw
    stock_day = np.zeros(n_stock, np.int64)
    first_resource = np.zeros(first_row.size, np.int64)
    _fill_intervals(first_row, day, on_hand, held, keep, first_resource, stock_day, raw)
    return StockRows(
        sku_first_pair=np.searchsorted(key // max(1, n_nodes), np.arange(n_skus + 1)).astype(np.int64),
        pair_node=pair_node,
        pair_first_row=first_row,
        pair_first_resource=first_resource,
        row_day=day.copy(),
        row_on_hand=on_hand.copy(),
        row_held=held.copy(),
        stock_day=stock_day,
        raw=raw,
        supply=np.maximum(0, raw),
    )


def rows_of(rows: StockRows) -> StockChanges:
    """The rows as columns; those that change in place are copied."""
    pair_sku = np.repeat(np.arange(rows.sku_first_pair.size - 1), np.diff(rows.sku_first_pair))
    per_pair = np.diff(rows.pair_first_row)
    return StockChanges(
        sku=np.repeat(pair_sku, per_pair),
        node=np.repeat(rows.pair_node, per_pair),
        day=rows.row_day,
        on_hand=rows.row_on_hand.copy(),
        held=rows.row_held.copy(),
    )


NO_STOCK = StockChanges(*(np.zeros(0, np.int64) for _ in range(5)))


def joined(parts: list[StockChanges]) -> StockChanges:
    """Columns put one after the other."""
    return StockChanges(*(np.concatenate(columns) for columns in zip(NO_STOCK, *parts)))
