"""Pricing of large orders that may have up to three shipments: every set of visits that could be good is searched.

Few sets come near the best (see engine/visit_sets.py), and in those few pieces are stocked by several of the visits, so
a depth-first search over the pieces ends soon.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.combinations import Loads
from engine.large_orders import Packed, described, saving_at_most
from engine.network import IntArray, Network
from engine.orders import Orders
from engine.pairing import UNABLE, gain_of
from engine.shipments import Shipments
from engine.visit_freight import Stairs, add_stairs, choosy_freight, freight_at, no_stairs, other_service
from engine.visit_sets import FAR, NONE, Lines, first_set, good_visit_sets, lines_of
from engine.worths import Sets, Worths, promising, worths_of
from solver.kernels import kernel
from solver.source import MILLI, Prices

MOST_VISITS = 3
QUICK_STEPS, QUICK_SETS, QUICK_VISITS = 10_000, 32, 32
EXACT_STEPS, EXACT_SETS = 200_000, 100_000


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
    stairs = no_stairs(shipments, visits[0], worths.has.size, network.rate_first)
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
    n_words = requires.shape[1]
    pieces, turns = _by_regret(own, visit[:k], requires)
    n = pieces.size
    if least < 0 and n < own.shape[2]:
        return search
    for t in range(k):
        if stairs.n[visit[t]] == 0:
            row = shipments.wide_row[first_visit + visit[t]]
            add_stairs(network, shipments, row, worths, visit[t], billable[: own.shape[2]].sum(), rising, stairs)
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
                other = other_service(
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
        for t_of in range(k):
            weight[next_one, t_of] = weight[depth, t_of]
            units[next_one, t_of] = units[depth, t_of]
            mask[next_one, t_of] = mask[depth, t_of]
            choosy[next_one, t_of] = choosy[depth, t_of]
            for word in range(n_words):
                needs[next_one, t_of, word] = needs[depth, t_of, word]
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
            for word in range(n_words):
                if requires[piece, word]:
                    needs[next_one, t, word] |= requires[piece, word]
                    choosy[next_one, t] = True
        reach = saved[next_one] + plain[next_one]
        for t_of in range(k):
            if choosy[next_one, t_of]:
                its_needs = needs[next_one, t_of : t_of + 1]
                reach -= choosy_freight(
                    network, shipments, first_visit, worths, visit[t_of], its_needs, weight[next_one, t_of], rising
                )
            else:
                reach -= freight_at(stairs, visit[t_of], weight[next_one, t_of])
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
