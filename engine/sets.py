"""Tables over sets of pieces: ceilings on what shipments that share an order's pieces can save together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.network import IntArray
from solver.kernels import kernel

UNREACHABLE = -(2**58)


@kernel
def compact(code: int, n_pieces: int) -> int:
    """One bit a piece from a code whose pieces all go whole or not at all (two bits each)."""
    mask = 0
    for piece in range(n_pieces):
        mask |= ((code >> (2 * piece)) & 1) << piece
    return mask


@kernel
def expanded(mask: int, n_pieces: int) -> int:
    """The code, two bits a piece, of a set of pieces that go whole or not at all."""
    code = np.int64(0)
    for piece in range(n_pieces):
        code |= ((mask >> piece) & 1) << (2 * piece)
    return code


@kernel
def pairs(one: IntArray, two: IntArray, n_sets: int) -> None:
    """Best gain of at most two disjoint sets that make up exactly each set."""
    for s in range(n_sets):
        best = one[s]
        part = (s - 1) & s
        while part > (s ^ part):
            best = max(best, one[part] + one[s ^ part])
            part = (part - 1) & s
        two[s] = best


@kernel
def best_inside(table: IntArray, n_pieces: int) -> None:
    """Turn the best of each exact set into the best of all sets inside it."""
    for piece in range(n_pieces):
        bit = 1 << piece
        for s in range(1 << n_pieces):
            if s & bit:
                table[s] = max(table[s], table[s ^ bit])


@kernel
def best_two(table_one: IntArray, room: int) -> tuple[int, int]:
    """The most that two disjoint sets inside a room save, from the best inside each set; and one of the two."""
    best, chosen = table_one[room], room
    part = (room - 1) & room
    while part > (room ^ part):
        value = table_one[part] + table_one[room ^ part]
        if value > best:
            best, chosen = value, part
        part = (part - 1) & room
    return best, chosen


@kernel
def best_triples(
    gain: IntArray,
    fill: IntArray,
    n_offers: int,
    n_pieces: int,
    everything: int,
    table_one: IntArray,
    triples: NDArray[np.int64],
) -> tuple[int, int]:
    """The most that up to three disjoint sets of pieces save, slots ignored, and good triples on the way.

    Only sets count that save more than any set inside them; with the first the best of the three, the others share
    what it leaves. Fills ``triples`` (first offer, second and third set) round and round, and returns their number.
    """
    kept = np.empty(n_offers, np.int64)
    n = 0
    for i in range(n_offers):
        s = fill[i]
        keep = gain[i] > 0 and gain[i] == table_one[s]
        for piece in range(n_pieces):
            bit = 1 << piece
            keep = keep and not (s & bit and table_one[s ^ bit] >= gain[i])
        if keep:
            kept[n] = i
            n += 1
    order = kept[:n][np.argsort(-gain[kept[:n]], kind="mergesort")]
    best = table_one[everything]
    n_triples = 0
    for a in range(n):
        first = gain[order[a]]
        if 3 * first <= best:
            break
        room = everything & ~fill[order[a]]
        if first + 2 * table_one[room] <= best:
            continue
        two, part = best_two(table_one, room)
        if first + two > best or n_triples == 0:
            best = max(best, first + two)
            at = n_triples % triples.shape[0]
            triples[at, 0], triples[at, 1], triples[at, 2] = order[a], part, room ^ part
            n_triples += 1
    return best, min(n_triples, triples.shape[0])


@kernel
def offer_inside(gain: IntArray, fill: IntArray, slot_of: IntArray, n_offers: int, room: int, a: int, b: int) -> int:
    """The best offer inside a set whose slot differs from those of two other offers (-1: none); -1 if none pays."""
    best = -1
    for i in range(n_offers):
        if fill[i] & ~room or gain[i] <= 0 or (best >= 0 and gain[i] <= gain[best]):
            continue
        if (a >= 0 and slot_of[i] == slot_of[a]) or (b >= 0 and slot_of[i] == slot_of[b]):
            continue
        best = i
    return best


@kernel
def ceiling_of(
    gain: int,
    rest: int,
    most: int,
    table_one: IntArray,
    table_two: IntArray,
    with_pairs: bool,
) -> int:
    """The most that an option with an offer of this gain can save."""
    if rest == 0 or most == 1:
        return gain
    if most == 2:
        return gain + table_one[rest]
    if most == 3 and with_pairs:
        return gain + table_two[rest]
    return gain + (most - 1) * table_one[rest]


@kernel
def useful_offers(
    gain: IntArray,
    slot_of: IntArray,
    fill: IntArray,
    n_offers: int,
    everything: int,
    most: int,
    whole_only: bool,
    table_one: IntArray,
    table_two: IntArray,
    with_pairs: bool,
    split: int,
    slack: int,
    useful: IntArray,
) -> tuple[int, int]:
    """Fill ``useful`` with the offers that some option within slack of the best may hold.

    Returns how many, and the highest ceiling: no option saves more.

    An offer's ceiling is its gain and the best that the tables know of for the pieces it leaves. The floor to reach
    comes from the offer with the highest ceiling and partners taken one by one.
    """
    best_ceiling = np.int64(UNREACHABLE)
    leader = -1
    reach = -split  # serving nothing: every gain has one split taken off
    for i in range(n_offers):
        ceiling = ceiling_of(gain[i], everything & ~fill[i], most, table_one, table_two, with_pairs)
        if ceiling > best_ceiling:
            best_ceiling, leader = ceiling, i
        if fill[i] == everything or not whole_only:
            reach = max(reach, gain[i])
    if leader >= 0:
        chosen = np.empty(most, np.int64)
        chosen[0] = leader
        n = 1
        room = everything & ~fill[leader]
        total = gain[leader]
        while n < most and room:
            partner = -1
            for i in range(n_offers):
                if fill[i] & ~room or (partner >= 0 and gain[i] <= gain[partner]):
                    continue
                clash = False
                for d in range(n):
                    clash = clash or slot_of[chosen[d]] == slot_of[i]
                if not clash and (not whole_only or n + 1 < most or fill[i] == room):
                    partner = i
            if partner < 0 or (gain[partner] <= 0 and not whole_only):
                break
            chosen[n] = partner
            n += 1
            room &= ~fill[partner]
            total += gain[partner]
        if room == 0 or not whole_only:
            reach = max(reach, total)
    n = 0
    for i in range(n_offers):
        ceiling = ceiling_of(gain[i], everything & ~fill[i], most, table_one, table_two, with_pairs)
        if ceiling >= reach - slack:
            useful[n] = i
            n += 1
    return n, best_ceiling
