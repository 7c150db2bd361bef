"""Good ways to serve a large order from two visits: pieces go where they save more, then one at a time is moved."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.best_set import cheapest_service
from engine.combinations import Loads
from engine.network import IntArray, Network
from engine.shipments import Shipments
from engine.worths import Sets, Worths, is_known
from solver.kernels import kernel
from solver.source import MILLI, Prices, price_of

N_AMONG = 14
"""Visits that are paired with each other, the most promising."""
N_KEPT = 6
"""Pairs that are improved and kept."""
MAX_PASSES = 3
UNABLE = -(2**60)


@kernel
def carry(
    network: Network,
    shipments: Shipments,
    first_visit: int,
    prices: Prices,
    steps: Loads,
    worths: Worths,
    v: int,
    mask: int,
) -> tuple[int, int, int]:
    """Best service for a set at a visit (-1: it cannot go), its cents, and milli with prices not yet in the worths."""
    unit, table_first, table = prices.unit, prices.table_first, prices.table
    n_words = steps.requires.shape[1]
    requires = np.zeros((1, n_words), np.uint64)
    billable = actual = units = apart = np.int64(0)
    units_resource = worths.units_resource[v]
    for piece in range(worths.value.shape[1]):
        if (mask >> piece) & 1:
            billable += steps.billable[piece]
            actual += steps.actual[piece]
            units += steps.units[piece]
            if units_resource >= 0:
                apart += price_of(unit, table_first, table, units_resource, steps.units[piece])
            for word in range(n_words):
                requires[0, word] |= steps.requires[piece, word]
    shared = range(worths.shared_first[v], worths.shared_first[v + 1])
    for a in shared:
        needed = np.int64(0)
        for b in shared:
            same = worths.shared_resource[b] == worths.shared_resource[a]
            if same and (mask >> worths.shared_piece[b]) & 1:
                needed += worths.shared_amount[b]
        if needed > network.supply[worths.shared_resource[a]]:
            return np.int64(-1), np.int64(0), np.int64(0)
    if units > worths.units_left[v]:
        return np.int64(-1), np.int64(0), np.int64(0)
    row = shipments.wide_row[first_visit + v]
    service, cents, milli = cheapest_service(
        network.rate_first,
        network.rate_max_g,
        network.rate_cents,
        shipments.wide_rate[row],
        shipments.wide_late_cents[row],
        network.service_fuel_bp,
        worths.surcharge_cents,
        network.carbon_cents_per_kg,
        network.service_carbon_g,
        shipments.wide_metres[row],
        worths.capacity_price[v],
        network.service_capabilities,
        requires,
        billable,
        actual,
    )
    if units_resource >= 0:
        milli += price_of(unit, table_first, table, units_resource, units) - apart
    return np.int64(service), cents, milli


@kernel
def gain_of(
    network: Network,
    shipments: Shipments,
    first_visit: int,
    prices: Prices,
    steps: Loads,
    worths: Worths,
    v: int,
    mask: int,
) -> int:
    """What a set saves at a visit; 0 for no set, ``UNABLE`` where it cannot go."""
    if mask == 0:
        return np.int64(0)
    service, _, milli = carry(network, shipments, first_visit, prices, steps, worths, v, mask)
    if service < 0:
        return np.int64(UNABLE)
    gain = -milli - worths.base[v]
    for piece in range(worths.value.shape[1]):
        if (mask >> piece) & 1:
            gain += worths.value[v, piece]
    return gain


@kernel
def add_pairs(
    network: Network,
    shipments: Shipments,
    first_visit: int,
    prices: Prices,
    steps: Loads,
    worths: Worths,
    among: IntArray,
    sets: Sets,
    n_sets: int,
) -> int:
    """Add the sets of a few good pairs of visits; return how many sets there are now."""
    n_pieces = worths.value.shape[1]
    wide_base, wide_gram = shipments.wide_base_cents, shipments.wide_gram_cents
    # freight by a line below it, so that each piece has a worth of its own
    own = np.full((among.size, n_pieces), -np.inf)
    start = np.empty(among.size)
    reach = np.empty(among.size)
    for i in range(among.size):
        v = among[i]
        row = shipments.wide_row[first_visit + v]
        start[i] = -float(worths.base[v]) - wide_base[row, 0] * MILLI
        reach[i] = start[i]
        for piece in range(n_pieces):
            if (worths.has[v] >> piece) & 1:
                own[i, piece] = worths.value[v, piece] - wide_gram[row, 0] * steps.billable[piece] * MILLI
                reach[i] += max(0.0, own[i, piece])
    order = np.argsort(-reach, kind="mergesort")[:N_AMONG]
    n = order.size
    total = np.full(n * n, -np.inf)
    for i in range(n):
        for j in range(i):
            value = start[order[i]] + start[order[j]]
            for piece in range(n_pieces):
                value += max(0.0, own[order[i], piece], own[order[j], piece])
            total[i * n + j] = value
    for pair in np.argsort(-total, kind="mergesort")[:N_KEPT]:
        if total[pair] == -np.inf:
            break
        a, b = order[pair // n], order[pair % n]
        masks = np.zeros(2, np.int64)
        for piece in range(n_pieces):
            if max(own[a, piece], own[b, piece]) > 0.0:
                masks[0 if own[a, piece] >= own[b, piece] else 1] |= np.int64(1) << piece
        gains = _improved(network, shipments, first_visit, prices, steps, worths, np.array([among[a], among[b]]), masks)
        for side in range(2):
            v = among[a] if side == 0 else among[b]
            usable = masks[side] != 0 and gains[side] > UNABLE
            if usable and n_sets < sets.mask.size and not is_known(sets, n_sets, v, masks[side]):
                sets.visit[n_sets], sets.mask[n_sets], sets.gain[n_sets] = v, masks[side], gains[side]
                n_sets += 1
    return n_sets


@kernel
def _improved(
    network: Network,
    shipments: Shipments,
    first_visit: int,
    prices: Prices,
    steps: Loads,
    worths: Worths,
    pair: IntArray,
    masks: IntArray,
) -> NDArray[np.int64]:
    """Move pieces between two visits, or leave them, one at a time while that saves; changes the masks."""
    gains = np.empty(2, np.int64)
    for side in range(2):
        gains[side] = gain_of(network, shipments, first_visit, prices, steps, worths, pair[side], masks[side])
    for _ in range(MAX_PASSES):
        moved = False
        for piece in range(worths.value.shape[1]):
            bit = np.int64(1) << piece
            for target in range(-1, 2):
                if target >= 0 and not worths.has[pair[target]] & bit:
                    continue
                first = masks[0] | bit if target == 0 else masks[0] & ~bit
                second = masks[1] | bit if target == 1 else masks[1] & ~bit
                if first == masks[0] and second == masks[1]:
                    continue
                one, two = gains[0], gains[1]
                if first != masks[0]:
                    one = gain_of(network, shipments, first_visit, prices, steps, worths, pair[0], first)
                if second != masks[1]:
                    two = gain_of(network, shipments, first_visit, prices, steps, worths, pair[1], second)
                if one + two > gains[0] + gains[1]:
                    masks[0], masks[1], gains[0], gains[1] = first, second, one, two
                    moved = True
        if not moved:
            break
    return gains
