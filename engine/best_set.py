"""The best shipments of one visit at given values of pieces: branch and bound over its pieces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.network import IntArray
from engine.rates import carbon_cents, covers, freight_cents
from solver.kernels import kernel
from solver.source import MILLI, price_of

NONE = -1


@kernel
def cheapest_service(
    rate_first: IntArray,
    rate_max_g: IntArray,
    rate_cents: IntArray,
    rate: IntArray,
    late: IntArray,
    fuel_bp: IntArray,
    surcharge: IntArray,
    carbon_price: int,
    carbon_g: IntArray,
    metres: int,
    capacity_price: IntArray,
    can_carry: NDArray[np.uint64],
    requires: NDArray[np.uint64],
    billable_g: int,
    actual_g: int,
) -> tuple[int, int, int]:
    """Service of least cost with the price of its capacity: the service (-1: none), its cents, and milli in all."""
    best, best_cents, best_milli = NONE, np.int64(0), np.int64(2**60)
    for service in range(rate.size):
        if rate[service] < 0 or not covers(can_carry, service, requires, 0):
            continue
        cents = late[service] + freight_cents(
            rate_first, rate_max_g, rate_cents, rate[service], billable_g, fuel_bp[service], surcharge[service]
        )
        if carbon_price:
            cents += carbon_cents(carbon_price, carbon_g[service], actual_g, metres)
        milli = cents * MILLI + capacity_price[service]
        if milli < best_milli:
            best, best_cents, best_milli = service, cents, milli
    return best, best_cents, best_milli


@kernel
def good_sets(
    pieces: IntArray,
    value: IntArray,
    step_billable: IntArray,
    step_actual: IntArray,
    step_units: IntArray,
    step_requires: NDArray[np.uint64],
    base_milli: int,
    line_base: NDArray[np.float64],
    line_gram: NDArray[np.float64],
    rate_first: IntArray,
    rate_max_g: IntArray,
    rate_cents: IntArray,
    rate: IntArray,
    late: IntArray,
    fuel_bp: IntArray,
    surcharge: IntArray,
    carbon_price: int,
    carbon_g: IntArray,
    metres: int,
    capacity_price: IntArray,
    can_carry: NDArray[np.uint64],
    units_left: int,
    unit: IntArray,
    table_first: IntArray,
    table: IntArray,
    units_resource: int,
    line_piece: IntArray,
    line_amount: IntArray,
    line_resource: IntArray,
    supply: IntArray,
    floor: int,
    max_steps: int,
    rising: bool,
    out_mask: IntArray,
    out_excess: IntArray,
) -> tuple[int, int]:
    """Find the set of pieces whose values exceed the cost of one shipment by most, or all that do by enough.

    Parameters
    ----------
    pieces : int64[n]
        Candidates, the most valuable first.
    value : int64[n]
        Of each candidate, handling and prices of stock and units taken off (thousandths of a cent).
    base_milli : int
        What any shipment of the visit costs before freight.
    line_base, line_gram : float64[2]
        Freight and lateness cost at least ``line_base[i] + line_gram[i] * grams`` cents.
    line_piece, line_amount, line_resource : int64
        Lines that share stock with another line of the order (else empty), to be checked together.
    floor : int
        Only a set that exceeds its cost by more than this is wanted.
    rising : bool
        Freight never falls with weight: what a set costs, its supersets cost too.

    out_mask, out_excess : int64
        Filled with the pieces of the sets found and what each exceeds its cost by: the best set, where there is room
        for one; else all that are wanted, as far as there is room.

    Returns
    -------
    n : int
        How many were found.
    ceiling : int
        No set that was not found exceeds its cost by more (with room for one: no set at all does); at least ``floor``,
        and more where the search was cut off.
    """
    n = pieces.size
    suffix = np.zeros((line_base.size, n + 1))
    plain = np.zeros(n + 1, np.int64)
    cost = np.zeros(n + 1, np.int64)  # freight of what is taken, by number of pieces
    for i in range(n - 1, -1, -1):
        plain[i] = plain[i + 1] + max(np.int64(0), value[i])
        for side in range(line_base.size):
            rest = value[i] - line_gram[side] * step_billable[pieces[i]] * MILLI
            suffix[side, i] = suffix[side, i + 1] + max(0.0, rest)
    taken = np.zeros(n + 1, np.bool_)
    requires = np.zeros((n + 1, step_requires.shape[1]), np.uint64)
    tabled = units_resource >= 0 and table_first[units_resource] != table_first[units_resource + 1]
    total = billable = actual = units = apart = np.int64(0)
    mask = np.int64(0)
    n_found, best = 0, np.int64(floor)
    room = out_mask.size
    root = np.inf
    steps = 0
    i = 0
    n_taken = 0
    while True:
        goes_on = i < n and (not rising or total + plain[i] - base_milli - cost[n_taken] > best)
        if goes_on:
            for side in range(line_base.size):
                ceiling = total + suffix[side, i] - base_milli
                ceiling -= (line_base[side] + line_gram[side] * billable) * MILLI
                if steps == 0:
                    root = min(root, ceiling)
                goes_on = goes_on and ceiling > best
        if goes_on:
            steps += 1
            if steps > max_steps:
                return n_found, np.int64(np.ceil(root)) + 1
            piece = pieces[i]
            allowed = units + step_units[piece] <= units_left
            if allowed and line_piece.size:
                wider = mask | (np.int64(1) << piece)
                for a in range(line_piece.size):
                    needed = np.int64(0)
                    for b in range(line_piece.size):
                        if line_resource[b] == line_resource[a] and (wider >> line_piece[b]) & 1:
                            needed += line_amount[b]
                    allowed = allowed and needed <= supply[line_resource[a]]
            if allowed:
                for word in range(step_requires.shape[1]):
                    requires[n_taken + 1, word] = requires[n_taken, word] | step_requires[piece, word]
                service, _, milli = cheapest_service(
                    rate_first,
                    rate_max_g,
                    rate_cents,
                    rate,
                    late,
                    fuel_bp,
                    surcharge,
                    carbon_price,
                    carbon_g,
                    metres,
                    capacity_price,
                    can_carry,
                    requires[n_taken + 1 : n_taken + 2],
                    billable + step_billable[piece],
                    actual + step_actual[piece],
                )
                allowed = service >= 0
            if allowed:
                total += value[i]
                billable += step_billable[piece]
                actual += step_actual[piece]
                units += step_units[piece]
                mask |= np.int64(1) << piece
                taken[i] = True
                n_taken += 1
                cost[n_taken] = milli
                excess = total - base_milli - milli
                if tabled:
                    apart += price_of(unit, table_first, table, units_resource, step_units[piece])
                    excess += apart - price_of(unit, table_first, table, units_resource, units)
                if excess > best:
                    if n_found < room or room == 1:
                        n_found = min(n_found + 1, room)
                        out_mask[n_found - 1], out_excess[n_found - 1] = mask, excess
                    else:
                        return n_found, np.int64(np.ceil(root)) + 1
                    if room == 1:
                        best = excess
            else:
                taken[i] = False
            i += 1
            continue
        i -= 1
        while i >= 0 and not taken[i]:
            i -= 1
        if i < 0:
            break
        piece = pieces[i]
        total -= value[i]
        billable -= step_billable[piece]
        actual -= step_actual[piece]
        units -= step_units[piece]
        mask &= ~(np.int64(1) << piece)
        if tabled:
            apart -= price_of(unit, table_first, table, units_resource, step_units[piece])
        taken[i] = False
        n_taken -= 1
        i += 1
    return n_found, best
