"""The packing of an order: disjoint sets of pieces that save most together, as a linear program over known sets.

    maximise    sum of gain[j] x[j]
    subject to  each piece in at most one set (or exactly one, where the order must be complete), at most ``most`` sets

The dual gives each piece a value and each shipment one. They are a ceiling on what *any* sets can save, known or not,
once the shipment's value is raised by the most that some set exceeds them (linear programming duality; column
generation as of Gilmore and Gomory, Operations Research 9, 1961).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.network import IntArray
from solver.kernels import kernel

INCOMPLETE = 1e12
"""Thousandths of a cent that a piece of a complete order costs if it is left: more than any allocation is worth."""
MAX_PIVOTS = 400
BLAND_AFTER = 150
TOLERANCE = 0.5
SMALL = 1e-9


class Basis(NamedTuple):
    """Where the simplex method stands: one row a piece and last that of the shipments."""

    inverse: NDArray[np.float64]
    cost: NDArray[np.float64]  # gain of what fills each row
    level: NDArray[np.float64]  # how much of it


@kernel
def idle_basis(n_pieces: int, most: int, complete: bool) -> Basis:
    """Start with every piece left and no shipment made."""
    cost = np.full(n_pieces + 1, -INCOMPLETE if complete else 0.0)
    cost[n_pieces] = 0.0
    level = np.ones(n_pieces + 1)
    level[n_pieces] = most
    return Basis(np.eye(n_pieces + 1), cost, level)


@kernel
def dual_values(basis: Basis, mask: IntArray, gain: IntArray, n_sets: int, complete: bool) -> NDArray[np.float64]:
    """Solve the program by the primal simplex method with an explicit inverse of the basis, from where it stands.

    Parameters
    ----------
    basis : Basis
        Moved to the optimum. Sets may have been added since the last call, none taken away.
    mask, gain : int64[at least n_sets]
        Bit set of the pieces of each set, and what it saves (thousandths of a cent).

    Returns
    -------
    float64[n_pieces + 1]
        The value of each piece and last that of a shipment. Cut off after many pivots, values are merely not the best.
    """
    inverse, cost, level = basis.inverse, basis.cost, basis.level
    n_rows = cost.size
    n_pieces = n_rows - 1
    idle = -INCOMPLETE if complete else 0.0
    value = np.zeros(n_rows)
    column = np.zeros(n_rows)
    for pivot in range(MAX_PIVOTS):
        for row in range(n_rows):
            value[row] = 0.0
        for i in range(n_rows):
            if cost[i] != 0.0:
                for row in range(n_rows):
                    value[row] += cost[i] * inverse[i, row]
        best, entering = TOLERANCE, n_sets + n_rows
        for j in range(n_sets):
            excess = gain[j] - value[n_pieces]
            bits = mask[j]
            for piece in range(n_pieces):
                if (bits >> piece) & 1:
                    excess -= value[piece]
            if excess > best:
                best, entering = excess, j
                if pivot > BLAND_AFTER:
                    break
        if entering == n_sets + n_rows:
            for row in range(n_rows):
                excess = (idle if row < n_pieces else 0.0) - value[row]
                if excess > best:
                    best, entering = excess, n_sets + row
        if entering == n_sets + n_rows:
            break
        for i in range(n_rows):
            if entering >= n_sets:
                column[i] = inverse[i, entering - n_sets]
            else:
                column[i] = inverse[i, n_pieces]
                for piece in range(n_pieces):
                    if (mask[entering] >> piece) & 1:
                        column[i] += inverse[i, piece]
        leaving = -1
        step = np.inf
        for i in range(n_rows):
            if column[i] > SMALL:
                ratio = level[i] / column[i]
                if ratio < step - SMALL or (ratio < step + SMALL and column[i] > column[leaving]):
                    step, leaving = min(step, ratio), i
        if leaving < 0:
            break
        scale = column[leaving]
        for row in range(n_rows):
            inverse[leaving, row] /= scale
        level[leaving] /= scale
        for i in range(n_rows):
            if i != leaving and column[i] != 0.0:
                for row in range(n_rows):
                    inverse[i, row] -= column[i] * inverse[leaving, row]
                level[i] = max(0.0, level[i] - column[i] * level[leaving])
        if entering < n_sets:
            cost[leaving] = gain[entering]
        else:
            cost[leaving] = idle if entering - n_sets < n_pieces else 0.0
    return value


@kernel
def combine_sets(
    mask: IntArray,
    gain: IntArray,
    place: IntArray,
    n_sets: int,
    value: IntArray,
    n_pieces: int,
    most: int,
    complete: bool,
    reach: int,
    allowance: int,
    limit: int,
    max_steps: int,
) -> tuple[IntArray, IntArray, NDArray[np.int64], bool]:
    """Find combinations of known sets that lose little against the ceiling of the dual values.

    Every combination is counted by what it loses: a set, what its gain falls short of the values of its pieces and of
    a shipment; a piece that is left, its value; a shipment not made, its value. Depth-first: the lowest piece that is
    not decided is left, or goes with a set that has no lower piece.

    Parameters
    ----------
    place : int64[n_sets]
        No two sets of one combination share a place.
    value : int64[n_pieces + 1]
        Dual values; no known set exceeds them.
    reach : int
        Only combinations that lose at most this are wanted.
    allowance : int
        Combinations within this of the best one are wanted ...
    limit : int
        ... the best so many of them.

    Returns
    -------
    loss, size : int64[n]
        What each loses, rising, and how many sets it has.
    chosen : int64[n, most]
        Its sets.
    finished : bool
        Whether the first is the best combination of the known sets for sure (none: there is none within reach).
    """
    lowest = np.zeros(n_sets, np.int64)
    short = np.zeros(n_sets, np.int64)
    for j in range(n_sets):
        total = value[n_pieces] - gain[j]
        bits = mask[j]
        lowest[j] = -1
        for piece in range(n_pieces):
            if (bits >> piece) & 1:
                total += value[piece]
                if lowest[j] < 0:
                    lowest[j] = piece
        short[j] = max(np.int64(0), total)
    by_short = np.argsort(short, kind="mergesort")
    first = np.zeros(n_pieces + 2, np.int64)
    for j in range(n_sets):
        first[lowest[j] + 1] += 1
    for piece in range(n_pieces + 1):
        first[piece + 1] += first[piece]
    sets = np.zeros(n_sets, np.int64)
    fill = first.copy()
    for j in by_short:
        sets[fill[lowest[j]]] = j
        fill[lowest[j]] += 1

    room = limit + 1
    out_loss = np.empty(room, np.int64)
    out_size = np.empty(room, np.int64)
    out_chosen = np.zeros((room, most), np.int64)
    n_out = 0
    everything = (np.int64(1) << n_pieces) - 1
    # one entry a decided piece
    piece_at = np.zeros(n_pieces + 1, np.int64)
    at = np.zeros(n_pieces + 1, np.int64)
    done = np.zeros(n_pieces + 2, np.int64)
    lost = np.zeros(n_pieces + 2, np.int64)
    n_made = np.zeros(n_pieces + 2, np.int64)
    chosen = np.zeros(most + 1, np.int64)
    best = np.int64(2**62)
    target = np.int64(reach)
    steps = 0
    depth = 0
    piece_at[0], at[0] = 0, first[0]
    while depth >= 0 and steps < max_steps:
        steps += 1
        if done[depth] == everything:
            total = lost[depth] + (most - n_made[depth]) * max(np.int64(0), value[n_pieces])
            if total <= target and n_made[depth] > 0:
                if total < best:
                    best = total
                    target = min(target, best + allowance)
                spot = min(n_out, room - 1)
                while spot > 0 and out_loss[spot - 1] > total:
                    out_loss[spot], out_size[spot] = out_loss[spot - 1], out_size[spot - 1]
                    out_chosen[spot] = out_chosen[spot - 1]
                    spot -= 1
                out_loss[spot], out_size[spot] = total, n_made[depth]
                for i in range(n_made[depth]):
                    out_chosen[spot, i] = chosen[i]
                n_out = min(n_out + 1, room)
                if n_out > limit:
                    n_out = limit
                    target = min(target, out_loss[limit - 1])
            depth -= 1
            continue
        piece = piece_at[depth]
        bit = np.int64(1) << piece
        if at[depth] < first[piece + 1]:
            j = sets[at[depth]]
            at[depth] += 1
            if n_made[depth] == most or lost[depth] + short[j] > target:
                at[depth] = first[piece + 1]  # the rest of them lose as much or more
                continue
            if mask[j] & done[depth]:
                continue
            clash = False
            for i in range(n_made[depth]):
                clash = clash or place[chosen[i]] == place[j]
            if clash:
                continue
            chosen[n_made[depth]] = j
            n_made[depth + 1] = n_made[depth] + 1
            lost[depth + 1] = lost[depth] + short[j]
            done[depth + 1] = done[depth] | mask[j]
        elif at[depth] == first[piece + 1] and not complete:
            at[depth] += 1
            if lost[depth] + value[piece] > target:
                continue
            n_made[depth + 1] = n_made[depth]
            lost[depth + 1] = lost[depth] + value[piece]
            done[depth + 1] = done[depth] | bit
        else:
            depth -= 1
            continue
        depth += 1
        if done[depth] != everything:
            next_piece = piece
            while (done[depth] >> next_piece) & 1:
                next_piece += 1
            piece_at[depth], at[depth] = next_piece, first[next_piece]
    within = 0
    while within < n_out and out_loss[within] - best <= allowance:
        within += 1
    return out_loss[:within].copy(), out_size[:within].copy(), out_chosen[:within].copy(), depth < 0
