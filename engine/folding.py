"""Orders with more pieces than a code can hold: pieces that one slot can serve together are folded into one.

A folded order is served in coarser parts; its floor still counts every line by itself, so the bound stays true.
"""

from __future__ import annotations

import numpy as np

from engine.combinations import MAX_CODE_BITS, piece_shifts
from engine.network import IntArray, Network
from engine.orders import Orders
from engine.visits import reach, visits_of

MAX_FOLDED_PIECES = 20


def fold_large_orders(network: Network, orders: Orders) -> Orders:
    """Fold the pieces of orders that are too large for a code; all other orders stay as they are."""
    suspects = np.flatnonzero(_least_bits(orders) > MAX_CODE_BITS)
    large = [
        o for o in suspects.tolist() if piece_shifts(orders.piece_first, orders.piece_levels, o)[-1] > MAX_CODE_BITS
    ]
    if not large:
        return orders
    line_piece = orders.line_piece.copy()
    line_step = orders.line_step.copy()
    n_pieces = np.diff(orders.piece_first)
    folded = np.zeros(n_pieces.size, np.bool_)
    for order in large:
        lines = slice(int(orders.line_first[order]), int(orders.line_first[order + 1]))
        fold = _fold(network, orders, order, int(n_pieces[order]))
        line_piece[lines] = fold[line_piece[lines]]
        line_step[lines] = orders.line_quantity[lines]
        n_pieces[order] = fold.max() + 1
        folded[order] = True
    piece_first = np.concatenate((np.zeros(1, np.int64), np.cumsum(n_pieces)))
    levels = np.ones(int(piece_first[-1]), np.int64)
    kept_new = np.repeat(~folded, n_pieces)
    kept_old = np.repeat(~folded, np.diff(orders.piece_first))
    levels[kept_new] = orders.piece_levels[kept_old]
    return orders._replace(
        line_piece=line_piece,
        line_step=line_step,
        piece_first=piece_first,
        piece_levels=levels,
        folded=folded,
    )


def _least_bits(orders: Orders) -> IntArray:
    """Bits that the code of each order takes: a guard and the levels of each piece."""
    bits = np.ceil(np.log2(orders.piece_levels + 1.0)).astype(np.int64) + 1
    running = np.concatenate((np.zeros(1, np.int64), np.cumsum(bits)))
    return np.asarray(running[orders.piece_first[1:]] - running[orders.piece_first[:-1]], dtype=np.int64)


def _fold(network: Network, orders: Orders, order: int, n_pieces: int) -> IntArray:
    """New piece of each old piece: again and again, what the slot with most of the rest has in stock."""
    lines = np.arange(orders.line_first[order], orders.line_first[order + 1])
    whole = orders._replace(line_step=orders.line_quantity)
    visits = visits_of(network, whole, order, order + 1, reach(network, whole, order, order + 1))
    size = np.bincount(orders.line_piece[lines], minlength=n_pieces)
    visit = np.repeat(np.arange(visits.slot.size), np.diff(visits.stop_first))
    stocked = np.zeros((visits.slot.size, n_pieces), np.int64)
    np.add.at(stocked, (visit, orders.line_piece[visits.stop_line]), 1)
    has = stocked == size
    fold = np.full(n_pieces, -1, np.int64)
    number = 0
    while number < MAX_FOLDED_PIECES - 1 and has.shape[0] and (fold < 0).any():
        best = int(np.argmax((has & (fold < 0)).sum(axis=1)))
        new = has[best] & (fold < 0)
        if not new.any():
            break
        fold[new] = number
        number += 1
    fold[fold < 0] = number
    return fold
