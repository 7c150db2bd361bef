"""Pricing of large orders that may have up to three shipments: every set of visits that could be good is searched.

Few sets come near the best (see engine/visit_sets.py), and in those few pieces are stocked by several of the visits, so
a depth-first search over the pieces ends soon.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.best_set import cheapest_service
from engine.combinations import Loads
from engine.large_orders import Packed, described, saving_at_most
from engine.network import IntArray, Network
from engine.orders import Orders
from engine.pairing import UNABLE, gain_of
from engine.rates import carbon_cents, covers, freight_cents
from engine.shipments import Shipments
from engine.visit_sets import FAR, NONE, Lines, first_set, good_visit_sets, lines_of
from engine.worths import Sets, Worths, promising, worths_of
from solver.kernels import kernel
from solver.source import MILLI, Prices

MOST_VISITS = 3
QUICK_STEPS, QUICK_SETS, QUICK_VISITS = 10_000, 32, 32
EXACT_STEPS, EXACT_SETS = 1_000_000, 100_000


class Kept(NamedTuple):
    """The best options so far, best first; as many as ``gain`` is long, of which the first few are filled."""

    gain: IntArray
    visit: NDArray[np.int64]  # [n, 3]
    mask: NDArray[np.int64]  # [n, 3]


class Stairs(NamedTuple):
    """Freight of visits by billable weight, at least; those of visit ``v`` are made when they are needed (``n[v]``)."""

    n: IntArray
    ends: NDArray[np.int64]  # [v, stair]: upper ends
    milli: NDArray[np.int64]


class Search(NamedTuple):
    """Where the search of an order stands: options kept, the best saving, steps left, the best that was passed over."""

    n_kept: int
    best: int
    steps_left: int
    missed: int


@kernel
def pack_few(
    network: Network,
    orders: Orders,
    order: int,
    shipments: Shipments,
    visits: tuple[int, int],
    prices: Prices,
    steps: Loads,
    most: int,
    nothing: int,
    slack: int,
    limit: int,
    exact: bool,
    rising: bool,
) -> Packed:
    """The best options of an order of few shipments; parameters as of :func:`engine.large_orders.pack_order`.

    The floor is above all options but those listed, unless the search is cut off by steps or another service of a
    listed shipment comes first.
    """
    slack = min(slack, np.int64(FAR))
    complete = orders.ship_complete[order]
    split = np.int64(network.split_cents) * MILLI
    worths = worths_of(network, orders, order, shipments, visits, prices, steps)
    lines = lines_of(network, shipments, visits[0], worths, steps, complete)
    kept = Kept(
        np.empty(limit, np.int64), np.zeros((limit, MOST_VISITS), np.int64), np.zeros((limit, MOST_VISITS), np.int64)
    )
    stairs = _no_stairs(shipments, visits[0], worths.has.size, network.rate_first)
    search = Search(0, -split, np.int64(EXACT_STEPS if exact else QUICK_STEPS), -np.int64(FAR))
    first = first_set(lines, most)
    search = _search(
        network, shipments, visits[0], prices, steps, worths, lines, stairs, first, slack, rising, kept, search
    )
    among = np.arange(worths.has.size)
    if not exact and most > 2:
        among = promising(shipments, visits[0], worths, steps, QUICK_VISITS, 1)
    sets = good_visit_sets(lines, among, most, _wanted(kept.gain, search.n_kept, search.best, slack))
    for i in range(sets.bound.size):
        if sets.bound[i] < _wanted(kept.gain, search.n_kept, search.best, slack):
            break
        if search.steps_left <= 0 or i >= (EXACT_SETS if exact else QUICK_SETS):
            search = Search(search.n_kept, search.best, 0, max(search.missed, sets.bound[i]))
            break
        its = sets.visit[i]
        if not _same(its, first):
            search = _search(
                network, shipments, visits[0], prices, steps, worths, lines, stairs, its, slack, rising, kept, search
            )
    n = search.n_kept
    if among.size < worths.has.size:
        search = Search(n, search.best, 0, saving_at_most(worths))
    beyond = max(search.missed, kept.gain[n - 1] if n == limit else search.best - slack)
    found = Sets(np.empty(n * MOST_VISITS, np.int64), np.empty(n * MOST_VISITS, np.int64), np.empty(0, np.int64))
    size = np.zeros(n, np.int64)
    chosen = np.zeros((n, MOST_VISITS), np.int64)
    for i in range(n):
        for k in range(MOST_VISITS):
            if kept.visit[i, k] != NONE:
                at = i * MOST_VISITS + k
                found.visit[at], found.mask[at] = kept.visit[i, k], kept.mask[i, k]
                chosen[i, size[i]] = at
                size[i] += 1
    floor = nothing - split - beyond
    return described(network, shipments, visits[0], prices, steps, worths, found, size, chosen, floor)


@kernel
def _same(a: IntArray, b: IntArray) -> bool:
    """Whether two sets of visits are the same."""
    for k in range(a.size):
        if not (b == a[k]).any() or not (a == b[k]).any():
            return False
    return True


@kernel
def _wanted(gain: IntArray, n_kept: int, best: int, slack: int) -> int:
    """What an option has to save now to be kept."""
    if n_kept == gain.size:
        return max(best - slack, gain[n_kept - 1] + 1)
    return best - slack


@kernel
def _search(
    network: Network,
    shipments: Shipments,
    first_visit: int,
    prices: Prices,
    steps: Loads,
    worths: Worths,
    lines: Lines,
    stairs: Stairs,
    visit: IntArray,
    slack: int,
    rising: bool,
    kept: Kept,
    search: Search,
) -> Search:
    """Keep the options in which each of some visits ships something, as far as they are wanted."""
    start, own, least = lines.start, lines.own, lines.least
    value_of, has, units_left = worths.value, worths.has, worths.units_left
    billable, step_units, requires = steps.billable, steps.units, steps.requires
    shared_first = worths.shared_first
    gain, kept_visit, kept_mask = kept.gain, kept.visit, kept.mask
    n_kept, best, steps_left, missed = search
    limit = gain.size
    k = 0
    while k < MOST_VISITS and visit[k] != NONE:
        k += 1
    n_bounds = 1 << k
    pieces, turns = _by_regret(own, visit[:k], requires)
    n = pieces.size
    if least < 0 and n < own.shape[2]:
        return search
    for t in range(k):
        if stairs.n[visit[t]] == 0:
            row = shipments.wide_row[first_visit + visit[t]]
            _add_stairs(network, shipments, row, worths, visit[t], billable[: own.shape[2]].sum(), rising, stairs)
    upper = np.zeros((n + 1, n_bounds), np.int64)
    plain = np.zeros(n + 1, np.int64)
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
    total = np.zeros((n + 1, n_bounds), np.int64)
    saved = np.zeros(n + 1, np.int64)
    for t in range(k):
        saved[0] -= worths.base[visit[t]]
        for c in range(n_bounds):
            total[0, c] += start[(c >> t) & 1, visit[t]]
    root = np.int64(FAR)
    for c in range(n_bounds):
        root = min(root, total[0, c] + upper[0, c])
    weight = np.zeros((n + 1, k), np.int64)
    units = np.zeros((n + 1, k), np.int64)
    mask = np.zeros((n + 1, k), np.int64)
    needs = np.zeros((n + 1, k, requires.shape[1]), np.uint64)
    choosy = np.zeros((n + 1, k), np.bool_)  # whether a piece so far asks the service for something
    turn = np.zeros(n + 1, np.int64)
    wanted = _wanted(gain, n_kept, best, slack)
    depth = 0
    while depth >= 0:
        if depth == n:
            depth -= 1
            value = np.int64(0)
            for t in range(k):
                its = gain_of(network, shipments, first_visit, prices, steps, worths, visit[t], mask[n, t])
                value = value + its if mask[n, t] and its > UNABLE and value > UNABLE else np.int64(UNABLE)
            if value < wanted or value <= UNABLE:
                continue
            for t in range(k):
                other = _other_service(
                    network, shipments, first_visit, steps, worths, visit[t], mask[n, t], needs[n, t : t + 1]
                )
                missed = max(missed, value - other)
            at = min(n_kept, limit - 1)
            while at > 0 and gain[at - 1] < value:
                gain[at], kept_visit[at], kept_mask[at] = gain[at - 1], kept_visit[at - 1], kept_mask[at - 1]
                at -= 1
            gain[at], kept_visit[at], kept_mask[at] = value, visit, 0
            kept_mask[at, :k] = mask[n]
            n_kept = min(limit, n_kept + 1)
            best = max(best, value)
            while n_kept and gain[n_kept - 1] < best - slack:
                n_kept -= 1
            wanted = _wanted(gain, n_kept, best, slack)
            continue
        if turn[depth] > k:
            depth -= 1
            continue
        piece = pieces[depth]
        t = turns[depth, turn[depth]]
        turn[depth] += 1
        next_one = depth + 1
        saved[next_one] = saved[depth]
        weight[next_one], units[next_one], mask[next_one] = weight[depth], units[depth], mask[depth]
        needs[next_one], choosy[next_one] = needs[depth], choosy[depth]
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
            if shared_first[v + 1] > shared_first[v] and not _in_stock(network, worths, v, mask[next_one, t]):
                continue
            for word in range(requires.shape[1]):
                if requires[piece, word]:
                    needs[next_one, t, word] |= requires[piece, word]
                    choosy[next_one, t] = True
        reach = saved[next_one] + plain[next_one]
        for t_of in range(k):
            if choosy[next_one, t_of]:
                its_needs = needs[next_one, t_of : t_of + 1]
                reach -= _choosy_freight(
                    network, shipments, first_visit, worths, visit[t_of], its_needs, weight[next_one, t_of]
                )
            else:
                reach -= _freight_at(stairs, visit[t_of], weight[next_one, t_of])
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
def _in_stock(network: Network, worths: Worths, v: int, mask: int) -> bool:
    """Whether lines of one sku find enough stock together in a shipment."""
    shared = range(worths.shared_first[v], worths.shared_first[v + 1])
    for a in shared:
        needed = np.int64(0)
        for b in shared:
            if worths.shared_resource[b] == worths.shared_resource[a] and (mask >> worths.shared_piece[b]) & 1:
                needed += worths.shared_amount[b]
        if needed > network.supply[worths.shared_resource[a]]:
            return False
    return True


@kernel
def _by_regret(
    own: NDArray[np.int64], visit: IntArray, requires: NDArray[np.uint64]
) -> tuple[IntArray, NDArray[np.int64]]:
    """Pieces that some visits can serve, and for each the visits (and last nobody) in the order to try.

    Pieces that ask for something come first, then those with most to lose.
    """
    n_pieces = own.shape[2]
    k = visit.size
    regret = np.empty(n_pieces, np.int64)
    pieces = np.empty(n_pieces, np.int64)
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
        its = np.int64(FAR) if np.any(requires[piece] != 0) else first - second
        at = n
        while at > 0 and regret[at - 1] < its:
            regret[at], pieces[at] = regret[at - 1], pieces[at - 1]
            at -= 1
        regret[at], pieces[at] = its, piece
        n += 1
    turns = np.empty((n, k + 1), np.int64)
    for i in range(n):
        for t in range(k):
            at = t
            while at > 0 and own[0, visit[turns[i, at - 1]], pieces[i]] < own[0, visit[t], pieces[i]]:
                turns[i, at] = turns[i, at - 1]
                at -= 1
            turns[i, at] = t
        turns[i, k] = k
    return pieces[:n], turns


@kernel
def _no_stairs(shipments: Shipments, first_visit: int, n_visits: int, rate_first: IntArray) -> Stairs:
    most = 0
    for v in range(n_visits):
        rate = shipments.wide_rate[shipments.wide_row[first_visit + v]]
        n = 0
        for service in range(rate.size):
            if rate[service] >= 0:
                n += rate_first[rate[service] + 1] - rate_first[rate[service]]
        most = max(most, n)
    return Stairs(
        np.zeros(n_visits, np.int64), np.empty((n_visits, most), np.int64), np.empty((n_visits, most), np.int64)
    )


@kernel
def _add_stairs(
    network: Network,
    shipments: Shipments,
    row: int,
    worths: Worths,
    v: int,
    heaviest_g: int,
    rising: bool,
    stairs: Stairs,
) -> None:
    """Fill in what freight of a visit costs at least, by billable weight."""
    rate_first, rate_max_g, rate_cents = network.rate_first, network.rate_max_g, network.rate_cents
    fuel_bp, surcharge, capacity_price = network.service_fuel_bp, worths.surcharge_cents, worths.capacity_price[v]
    rate, late = shipments.wide_rate[row], shipments.wide_late_cents[row]
    ends, milli = stairs.ends[v], stairs.milli[v]
    top_g = heaviest_g  # beyond it some service needs several parcels; they cost at least what one does
    for service in range(rate.size):
        if rate[service] >= 0:
            top_g = min(top_g, rate_max_g[rate_first[rate[service] + 1] - 1])
    n = 0
    for service in range(rate.size if rising else 0):
        if rate[service] < 0:
            continue
        for at in range(rate_first[rate[service]], rate_first[rate[service] + 1]):
            end = min(top_g, rate_max_g[at])
            place = n
            while place > 0 and ends[place - 1] > end:
                place -= 1
            if place == 0 or ends[place - 1] != end:
                for i in range(n, place, -1):
                    ends[i] = ends[i - 1]
                ends[place] = end
                n += 1
            if end == top_g:
                break
    for i in range(n):
        milli[i] = FAR
        for service in range(rate.size):
            if rate[service] >= 0:
                its = late[service] + freight_cents(
                    rate_first, rate_max_g, rate_cents, rate[service], ends[i], fuel_bp[service], surcharge[service]
                )
                milli[i] = min(milli[i], its * MILLI + capacity_price[service])
    if n == 0:
        milli[0], n = 0, 1
    stairs.n[v] = n


@kernel
def _freight_at(stairs: Stairs, v: int, weight_g: int) -> int:
    """Freight of a weight by the stairs; that of the last stair beyond it, nothing for nothing."""
    if weight_g == 0:
        return 0
    low, high = 0, stairs.n[v] - 1
    while low < high:
        middle = (low + high) >> 1
        if stairs.ends[v, middle] >= weight_g:
            high = middle
        else:
            low = middle + 1
    return stairs.milli[v, low]


@kernel
def _choosy_freight(
    network: Network,
    shipments: Shipments,
    first_visit: int,
    worths: Worths,
    v: int,
    needs: NDArray[np.uint64],
    weight_g: int,
) -> int:
    """What freight of a visit costs at least with a service that has some capabilities, milli; a lot if none has."""
    row = shipments.wide_row[first_visit + v]
    service, _, milli = cheapest_service(
        network.rate_first,
        network.rate_max_g,
        network.rate_cents,
        shipments.wide_rate[row],
        shipments.wide_late_cents[row],
        network.service_fuel_bp,
        worths.surcharge_cents,
        0,
        network.service_carbon_g,
        shipments.wide_metres[row],
        worths.capacity_price[v],
        network.service_capabilities,
        needs,
        weight_g,
        weight_g,
    )
    return milli if service >= 0 else np.int64(FAR)


@kernel
def _other_service(
    network: Network,
    shipments: Shipments,
    first_visit: int,
    steps: Loads,
    worths: Worths,
    v: int,
    mask: int,
    needs: NDArray[np.uint64],
) -> int:
    """What the next best service of a shipment asks more, milli, of those that the best does not beat in everything."""
    row = shipments.wide_row[first_visit + v]
    rate, late = shipments.wide_rate[row], shipments.wide_late_cents[row]
    capped = network.slot_service_resource[shipments.visit_slot[first_visit + v]]
    billable_g = actual_g = np.int64(0)
    for piece in range(worths.value.shape[1]):
        if (mask >> piece) & 1:
            billable_g += steps.billable[piece]
            actual_g += steps.actual[piece]
    best, best_cents, best_milli = NONE, np.int64(0), np.int64(FAR)
    least = np.int64(FAR)
    for look in range(2):
        for service in range(rate.size):
            if rate[service] < 0 or not covers(network.service_capabilities, service, needs, 0):
                continue
            cents = late[service] + freight_cents(
                network.rate_first,
                network.rate_max_g,
                network.rate_cents,
                rate[service],
                billable_g,
                network.service_fuel_bp[service],
                worths.surcharge_cents[service],
            )
            cents += carbon_cents(
                network.carbon_cents_per_kg, network.service_carbon_g[service], actual_g, shipments.wide_metres[row]
            )
            milli = cents * MILLI + worths.capacity_price[v, service]
            if look == 0 and milli < best_milli:
                best, best_cents, best_milli = service, cents, milli
            if look == 1 and service != best and not (capped[best] < 0 and best_cents <= cents):
                least = min(least, milli)
    return least - best_milli
