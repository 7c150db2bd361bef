"""Combinations of quantities: codes, and what each weighs, counts and saves.

Quantities are packed into one integer, the *code*: each piece of the order has a field wide enough for its levels and
one guard bit, so that whether one code fits into another is a subtraction and a mask.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.network import IntArray, Network
from engine.orders import Orders
from engine.rates import lost_cents
from solver.kernels import kernel

MAX_CODE_BITS = 62


class Loads(NamedTuple):
    """What combinations of quantities weigh and save; one entry a combination (or a level of a piece)."""

    billable: IntArray
    actual: IntArray
    units: IntArray
    lines: IntArray
    gain: IntArray
    code: IntArray
    requires: NDArray[np.uint64]


@kernel
def piece_shifts(piece_first: IntArray, piece_levels: IntArray, order: int) -> IntArray:
    """Bit offset of each piece's field in a code, and last the total width."""
    first, last = piece_first[order], piece_first[order + 1]
    shifts = np.zeros(last - first + 1, np.int64)
    for piece in range(last - first):
        width = 1
        levels = piece_levels[first + piece]
        while levels > 0:
            width += 1
            levels >>= 1
        shifts[piece + 1] = shifts[piece] + width
    return shifts


@kernel
def level_of(code: int, shifts: IntArray, piece: int) -> int:
    """The level that a code gives a piece."""
    width = shifts[piece + 1] - shifts[piece]
    return (code >> shifts[piece]) & ((np.int64(1) << width) - 1)


@kernel
def loads_of(size: int, n_words: int) -> Loads:
    """Room for so many combinations, of which the first is empty; the others are yet to be filled."""
    loads = Loads(
        np.empty(size, np.int64),
        np.empty(size, np.int64),
        np.empty(size, np.int64),
        np.empty(size, np.int64),
        np.empty(size, np.int64),
        np.empty(size, np.int64),
        np.empty((size, n_words), np.uint64),
    )
    loads.billable[0] = loads.actual[0] = loads.units[0] = 0
    loads.lines[0] = loads.gain[0] = loads.code[0] = 0
    loads.requires[0] = 0
    return loads


@kernel
def fill_steps(network: Network, orders: Orders, order: int, shifts: IntArray, steps: Loads) -> None:
    """What one level of each piece adds, entry ``piece`` of ``steps``; ``gain`` is that of all its levels."""
    n_pieces = shifts.size - 1
    steps.billable[:n_pieces] = 0
    steps.actual[:n_pieces] = 0
    steps.units[:n_pieces] = 0
    steps.lines[:n_pieces] = 0
    steps.gain[:n_pieces] = 0
    steps.requires[:n_pieces] = 0
    for piece in range(n_pieces):
        steps.code[piece] = np.int64(1) << shifts[piece]
    for line in range(orders.line_first[order], orders.line_first[order + 1]):
        piece = orders.line_piece[line]
        sku = orders.line_sku[line]
        amount = orders.line_step[line]
        steps.billable[piece] += amount * network.item_billable_g[sku]
        steps.actual[piece] += amount * network.item_weight_g[sku]
        steps.units[piece] += amount
        steps.lines[piece] += 1
        steps.gain[piece] += lost_cents(
            orders.line_unallocated_cents[line], orders.line_quantity[line], orders.priority_pct[order]
        )
        steps.requires[piece] |= network.item_requires[sku]


@kernel
def combine(
    pieces: IntArray,
    lows: IntArray,
    tops: IntArray,
    gains: NDArray[np.int64],
    steps: Loads,
    out: Loads,
) -> int:
    """Fill ``out`` with every combination of levels ``low .. top`` (or none) of some pieces; return how many.

    ``gains[i, level]`` is what a level of the i-th piece saves where it may go in parts.
    """
    billable, actual, units, lines = out.billable, out.actual, out.units, out.lines
    gain, code, requires = out.gain, out.code, out.requires
    n_words = requires.shape[1]
    size = 1
    for i in range(pieces.size):
        piece = pieces[i]
        made = size
        for level in range(lows[i], tops[i] + 1):
            saved = gains[i, level] if gains.shape[1] else steps.gain[piece]
            add_billable, add_actual = level * steps.billable[piece], level * steps.actual[piece]
            add_units, add_code = level * steps.units[piece], level * steps.code[piece]
            add_lines = steps.lines[piece]
            for j in range(size):
                billable[made] = billable[j] + add_billable
                actual[made] = actual[j] + add_actual
                units[made] = units[j] + add_units
                lines[made] = lines[j] + add_lines
                gain[made] = gain[j] + saved
                code[made] = code[j] + add_code
                for word in range(n_words):
                    requires[made, word] = requires[j, word] | steps.requires[piece, word]
                made += 1
        size = made
    return size
