"""Orders and lines as arrays. Lines are sorted by order; pieces are what moves as one within an order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.documents import Batch
from engine.network import IntArray, Names, codes, days, ints, owned

NEVER_LATE = 2**62


class Orders(NamedTuple):
    """Arrays by order and by line.

    A piece is a line, or all lines of an order with one ship_together word. A piece has ``levels`` units of movement: 1
    where it goes whole or not at all, the line's quantity where the policy allows it to be split. ``line_step`` is the
    quantity of a line that one level moves.
    """

    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    region: IntArray  # -1: none, or not named by any lane
    residential: NDArray[np.bool_]
    deliver_by: IntArray
    hard_promise: NDArray[np.bool_]
    late_cents_per_day: IntArray
    priority_pct: IntArray
    ship_complete: NDArray[np.bool_]
    max_shipments: IntArray
    held: NDArray[np.bool_]
    only_first: IntArray
    only_node: IntArray
    not_first: IntArray
    not_node: IntArray
    line_first: IntArray  # [n_orders + 1]
    line_row: IntArray  # row in the lines table
    line_sku: IntArray
    line_quantity: IntArray
    line_step: IntArray
    line_unallocated_cents: IntArray  # per unit
    line_piece: IntArray  # piece within its order
    piece_first: IntArray  # [n_orders + 1]
    piece_levels: IntArray
    folded: NDArray[np.bool_]  # [n_orders]: pieces were put together, see engine/folding.py


def build_orders(batch: Batch, names: Names) -> Orders:
    """Turn the order and line tables of a batch into arrays."""
    table, lines, policy = batch["orders"], batch["lines"], batch.policy
    n_orders = table.num_rows
    node_ids = pa.array(names.node_id, pa.string())
    only_first, only_node = _node_words(table.column("only_nodes"), node_ids)
    not_first, not_node = _node_words(table.column("not_nodes"), node_ids)

    order_of_line = codes(lines.column("order_id"), table.column("order_id").combine_chunks())
    by_order = np.argsort(order_of_line, kind="stable")
    order_of_line = order_of_line[by_order]
    sku = codes(lines.column("sku"), names.sku)[by_order]
    quantity = ints(lines, "quantity")[by_order]
    value = ints(batch["items"], "value_cents")
    lost = policy.unallocated_cents + (value * policy.unallocated_value_bp + 5000) // 10000
    given = lines.column("unallocated_cents")
    unallocated = np.where(given.is_null().to_numpy(), -1, pc.fill_null(given, 0).to_numpy())[by_order]
    piece, piece_first, alone = _pieces(lines, by_order, order_of_line, n_orders)
    free = alone & policy.allow_line_split
    levels = np.ones(piece_first[-1], np.int64)
    levels[(piece_first[order_of_line] + piece)[free]] = quantity[free]

    late = table.column("late_cents_per_day")
    most = table.column("max_shipments")
    found = Orders(
        lat=table.column("lat").to_numpy(),
        lon=table.column("lon").to_numpy(),
        region=codes(table.column("region"), names.region),
        residential=table.column("residential").to_numpy(),
        deliver_by=days(table, "deliver_by", NEVER_LATE),
        hard_promise=table.column("hard_promise").to_numpy(),
        late_cents_per_day=pc.fill_null(late, policy.late_cents_per_day).to_numpy(),
        priority_pct=ints(table, "priority_pct"),
        ship_complete=table.column("ship_complete").to_numpy(),
        max_shipments=pc.fill_null(most, policy.max_shipments).to_numpy(),
        held=table.column("held").to_numpy(),
        only_first=only_first,
        only_node=only_node,
        not_first=not_first,
        not_node=not_node,
        line_first=np.searchsorted(order_of_line, np.arange(n_orders + 1)),
        line_row=by_order,
        line_sku=sku,
        line_quantity=quantity,
        line_step=np.where(free, 1, quantity),
        line_unallocated_cents=np.where(unallocated < 0, lost[sku], unallocated),
        line_piece=piece,
        piece_first=piece_first,
        piece_levels=levels,
        folded=np.zeros(n_orders, np.bool_),
    )
    return owned(found)


def nothing_cents(orders: Orders) -> IntArray:
    """What leaving each order wholly unallocated costs, int64[n_orders]."""
    order_of_line = np.repeat(np.arange(orders.lat.size), np.diff(orders.line_first))
    lost = orders.line_unallocated_cents * orders.line_quantity
    cents = (lost * orders.priority_pct[order_of_line] + 50) // 100
    total = np.zeros(orders.lat.size, np.int64)
    np.add.at(total, order_of_line, np.where(orders.held[order_of_line], 0, cents))
    return total


def _node_words(words: pa.ChunkedArray, node_ids: pa.Array) -> tuple[IntArray, IntArray]:
    """Offsets and node numbers of the node names in each cell."""
    lists = pc.utf8_split_whitespace(pc.utf8_trim_whitespace(words)).combine_chunks()
    flat = lists.flatten()
    number = codes(flat, node_ids)
    cell = pc.list_parent_indices(lists).to_numpy()
    real = number >= 0
    counts = np.bincount(cell[real], minlength=len(lists)).astype(np.int64)
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts))), number[real]


def _pieces(
    lines: pa.Table, by_order: IntArray, order_of_line: IntArray, n_orders: int
) -> tuple[IntArray, IntArray, NDArray[np.bool_]]:
    """Piece of each line within its order, offsets of pieces by order, and whether a line is a piece of its own."""
    together = lines.column("ship_together")
    alone = together.is_null().to_numpy()[by_order]
    word = codes(together, pc.unique(together))[by_order]
    n_lines = by_order.size
    position = np.arange(n_lines)
    key = np.where(alone, n_lines + position, word)
    by_key = np.lexsort((position, key, order_of_line))
    sorted_key, sorted_order = key[by_key], order_of_line[by_key]
    new = np.ones(n_lines, np.bool_)
    new[1:] = (sorted_key[1:] != sorted_key[:-1]) | (sorted_order[1:] != sorted_order[:-1])
    number = np.cumsum(new) - 1
    piece_order = sorted_order[new]
    piece_first = np.searchsorted(piece_order, np.arange(n_orders + 1)).astype(np.int64)
    piece = np.empty(n_lines, np.int64)
    piece[by_key] = number - piece_first[sorted_order]
    return piece, piece_first, alone
