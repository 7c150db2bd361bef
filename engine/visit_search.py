"""The search for good options of a packed order: its pieces, one after another, over a few of its visits at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.combinations import Loads
from engine.network import IntArray, Network
from engine.pairing import UNABLE
from engine.shipments import Shipments
from engine.visit_freight import Stairs, fill_stairs, freight_at, kind_of, two_services
from engine.visit_sets import FAR, NONE, Lines, VisitSets
from engine.worths import Worths
from solver.kernels import kernel
from solver.source import Prices, price_of

MOST_VISITS = 3


class Kept(NamedTuple):
    """The best options so far, best first; as many as ``gain`` is long, of which the first few are filled."""

    gain: IntArray
    visit: NDArray[np.int64]  # [n, 3]
    mask: NDArray[np.int64]  # [n, 3]


class Search(NamedTuple):
    """Where the search of an order stands: options kept, the best saving, steps left, the best that was passed over."""

    n_kept: int
    best: int
    steps_left: int
    missed: int


@kernel
def _same(a: IntArray, b: IntArray) -> bool:
    """Whether two sets of visits are the same."""
    n_found = 0
    for one in a:
        for other in b:
            if one == other:
                n_found += 1
                break
    for other in b:
        for one in a:
            if one == other:
                n_found += 1
                break
    return n_found == a.size + b.size


@kernel
def wanted_gain(gain: IntArray, n_kept: int, best: int, slack: int) -> int:
    """What an option has to save now to be kept."""
    if n_kept == gain.size:
        return max(best - slack, gain[n_kept - 1] + 1)
    return best - slack


@kernel
def search_sets(
    network: Network,
    shipments: Shipments,
    first_visit: int,
    prices: Prices,
    steps: Loads,
    worths: Worths,
    lines: Lines,
    stairs: Stairs,
    sets: VisitSets,
    most_sets: int,
    known: IntArray,
    slack: int,
    rising: bool,
    kept: Kept,
    search: Search,
) -> Search:
    """Keep the options in which each visit of one of the sets ships something, as far as they are wanted.

    The set ``known`` is left out. Tuples are taken apart first: passing one on costs more than a step of the search.
    """
    rate_first, rate_max_g, rate_cents = network.rate_first, network.rate_max_g, network.rate_cents
    fuel_bp, carbon_g, can_carry = network.service_fuel_bp, network.service_carbon_g, network.service_capabilities
    carbon_price, supply, slot_service = network.carbon_cents_per_kg, network.supply, network.slot_service_resource
    unit, table_first, table = prices.unit, prices.table_first, prices.table
    wide_row, wide_metres, visit_slot = shipments.wide_row, shipments.wide_metres, shipments.visit_slot
    wide_rate, wide_late = shipments.wide_rate, shipments.wide_late_cents
    start, own, least = lines.start, lines.own, lines.least
    value_of, has, base, units_left = worths.value, worths.has, worths.base, worths.units_left
    capacity_price, surcharge, units_resource = worths.capacity_price, worths.surcharge_cents, worths.units_resource
    shared_first, shared_piece = worths.shared_first, worths.shared_piece
    shared_amount, shared_resource = worths.shared_amount, worths.shared_resource
    billable, actual, step_units, requires = steps.billable, steps.actual, steps.units, steps.requires
    asks, stairs_n, stairs_ends, stairs_milli = stairs
    gain, kept_visit, kept_mask = kept.gain, kept.visit, kept.mask
    n_kept, best, steps_left, missed = search
    limit = gain.size
    n_all = own.shape[2]
    choosy = asks.sum()
    heaviest_g = billable[:n_all].sum()
    pieces, turns = np.empty(n_all, np.int64), np.empty((n_all, MOST_VISITS + 1), np.int64)
    upper = np.zeros((n_all + 1, 1 << MOST_VISITS), np.int64)
    total = np.zeros((n_all + 1, 1 << MOST_VISITS), np.int64)
    plain, saved, turn = np.zeros(n_all + 1, np.int64), np.zeros(n_all + 1, np.int64), np.zeros(n_all + 1, np.int64)
    weight = np.zeros((n_all + 1, MOST_VISITS), np.int64)
    units = np.zeros((n_all + 1, MOST_VISITS), np.int64)
    mask = np.zeros((n_all + 1, MOST_VISITS), np.int64)
    needs = np.zeros((1, requires.shape[1]), np.uint64)
    wanted = wanted_gain(gain, n_kept, best, slack)
    for s in range(sets.bound.size):
        if sets.bound[s] < wanted:
            break
        if steps_left <= 0 or s >= most_sets:
            missed = max(missed, sets.bound[s])
            steps_left = np.int64(0)
            break
        visit = sets.visit[s]
        if _same(visit, known):
            continue
        k = 0
        while k < MOST_VISITS and visit[k] != NONE:
            k += 1
        n_bounds = 1 << k
        n = _by_regret(own, visit[:k], choosy, pieces, turns)
        if least < 0 and n < n_all:
            continue
        for t in range(k):
            v, row = visit[t], wide_row[first_visit + visit[t]]
            for kind in range(stairs_n.shape[0] if stairs_n[0, v] == 0 else 0):
                stairs_n[kind, v] = fill_stairs(
                    rate_first,
                    rate_max_g,
                    rate_cents,
                    wide_rate[row],
                    wide_late[row],
                    fuel_bp,
                    surcharge,
                    capacity_price[v],
                    can_carry,
                    requires[:n_all],
                    asks,
                    kind,
                    heaviest_g,
                    rising,
                    stairs_ends[kind, v],
                    stairs_milli[kind, v],
                )
        plain[n] = saved[0] = 0
        upper[n, :n_bounds] = 0
        total[0, :n_bounds] = 0
        for i in range(n - 1, -1, -1):
            piece = pieces[i]
            its = least
            for t in range(k):
                if (has[visit[t]] >> piece) & 1:
                    its = max(its, value_of[visit[t], piece])
            plain[i] = plain[i + 1] + its
            for c in range(n_bounds):
                its = least
                for t in range(k):
                    its = max(its, own[(c >> t) & 1, visit[t], piece])
                upper[i, c] = upper[i + 1, c] + its
        for t in range(k):
            saved[0] -= base[visit[t]]
            weight[0, t] = units[0, t] = mask[0, t] = 0
            for c in range(n_bounds):
                total[0, c] += start[(c >> t) & 1, visit[t]]
        root = np.int64(FAR)
        for c in range(n_bounds):
            root = min(root, total[0, c] + upper[0, c])
        depth = 0
        turn[0] = 0
        while depth >= 0:
            if depth == n:
                depth -= 1
                value = saved[n]
                beyond = np.int64(FAR)  # what the next best service of a shipment asks more
                for t in range(k):
                    v, its_mask = visit[t], mask[n, t]
                    if its_mask == 0:
                        value = np.int64(UNABLE)
                        break
                    its_actual, apart = np.int64(0), np.int64(0)
                    needs[:] = 0
                    for piece in range(n_all):
                        if (its_mask >> piece) & 1:
                            its_actual += actual[piece]
                            for word in range(needs.shape[1]):
                                needs[0, word] |= requires[piece, word]
                            if units_resource[v] >= 0:
                                apart += price_of(unit, table_first, table, units_resource[v], step_units[piece])
                    row = wide_row[first_visit + v]
                    service, milli, other = two_services(
                        rate_first,
                        rate_max_g,
                        rate_cents,
                        wide_rate[row],
                        wide_late[row],
                        fuel_bp,
                        surcharge,
                        carbon_price,
                        carbon_g,
                        wide_metres[row],
                        capacity_price[v],
                        slot_service[visit_slot[first_visit + v]],
                        can_carry,
                        needs,
                        weight[n, t],
                        its_actual,
                    )
                    if service < 0:
                        value = np.int64(UNABLE)
                        break
                    value -= milli
                    if units_resource[v] >= 0:
                        value -= price_of(unit, table_first, table, units_resource[v], units[n, t]) - apart
                    beyond = min(beyond, other)
                if value < wanted or value <= UNABLE:
                    continue
                missed = max(missed, value - beyond)
                at = min(n_kept, limit - 1)
                while at > 0 and gain[at - 1] < value:
                    gain[at], kept_visit[at], kept_mask[at] = gain[at - 1], kept_visit[at - 1], kept_mask[at - 1]
                    at -= 1
                gain[at], kept_visit[at], kept_mask[at] = value, visit, 0
                kept_mask[at, :k] = mask[n, :k]
                n_kept = min(limit, n_kept + 1)
                best = max(best, value)
                while n_kept and gain[n_kept - 1] < best - slack:
                    n_kept -= 1
                wanted = wanted_gain(gain, n_kept, best, slack)
                continue
            if turn[depth] > k:
                depth -= 1
                continue
            piece = pieces[depth]
            t = turns[depth, turn[depth]]
            turn[depth] += 1
            next_one = depth + 1
            saved[next_one] = saved[depth]
            for t_of in range(k):
                weight[next_one, t_of] = weight[depth, t_of]
                units[next_one, t_of] = units[depth, t_of]
                mask[next_one, t_of] = mask[depth, t_of]
            if t == k:
                if least < 0:
                    continue
            else:
                v = visit[t]
                if not (has[v] >> piece) & 1 or units[depth, t] + step_units[piece] > units_left[v]:
                    continue
                saved[next_one] += value_of[v, piece]
                weight[next_one, t] += billable[piece]
                units[next_one, t] += step_units[piece]
                mask[next_one, t] |= np.int64(1) << piece
                shared = slice(shared_first[v], shared_first[v + 1])
                if shared_first[v + 1] > shared_first[v] and not _in_stock(
                    supply, shared_piece[shared], shared_amount[shared], shared_resource[shared], mask[next_one, t]
                ):
                    continue
            reach = saved[next_one] + plain[next_one]
            for t_of in range(k):
                kind = kind_of(asks, mask[next_one, t_of])
                v = visit[t_of]
                reach -= freight_at(stairs_ends, stairs_milli, stairs_n[kind, v], kind, v, weight[next_one, t_of])
            for c in range(n_bounds):
                its = total[depth, c] + (own[(c >> t) & 1, visit[t], piece] if t < k else np.int64(0))
                total[next_one, c] = its
                reach = min(reach, its + upper[next_one, c])
            steps_left -= 1
            if reach < wanted:
                continue
            if steps_left <= 0:
                missed = max(missed, root)
                break
            depth = next_one
            turn[depth] = 0
    return Search(n_kept, best, steps_left, missed)


@kernel
def _in_stock(supply: IntArray, piece: IntArray, amount: IntArray, resource: IntArray, mask: int) -> bool:
    """Whether lines of one sku find enough stock together in a shipment."""
    for a in range(piece.size):
        needed = np.int64(0)
        for b in range(piece.size):
            if resource[b] == resource[a] and (mask >> piece[b]) & 1:
                needed += amount[b]
        if needed > supply[resource[a]]:
            return False
    return True


@kernel
def _by_regret(own: NDArray[np.int64], visit: IntArray, choosy: int, pieces: IntArray, turns: NDArray[np.int64]) -> int:
    """Fill in the pieces that some visits can serve, and for each the visits (and last nobody) in the order to try.

    Pieces that ask for something come first, then those with most to lose. Returns how many there are.
    """
    n_pieces = own.shape[2]
    k = visit.size
    regret = np.empty(n_pieces, np.int64)
    n = 0
    for piece in range(n_pieces):
        first, second = np.int64(-FAR), np.int64(0)
        for t in range(k):
            its = own[0, visit[t], piece]
            if its > first:
                first, second = its, max(second, first)
            else:
                second = max(second, its)
        if first == -FAR:
            continue
        its = np.int64(FAR) if (choosy >> piece) & 1 else first - second
        at = n
        while at > 0 and regret[at - 1] < its:
            regret[at], pieces[at] = regret[at - 1], pieces[at - 1]
            at -= 1
        regret[at], pieces[at] = its, piece
        n += 1
    for i in range(n):
        for t in range(k):
            at = t
            while at > 0 and own[0, visit[turns[i, at - 1]], pieces[i]] < own[0, visit[t], pieces[i]]:
                turns[i, at] = turns[i, at - 1]
                at -= 1
            turns[i, at] = t
        turns[i, k] = k
    return n
