"""Pricing of large orders that may have up to three shipments: every set of visits that could be good is searched.

Few sets come near the best (see engine/visit_sets.py), and in those few pieces are stocked by several of the visits, so
a depth-first search over the pieces ends soon.
"""

from __future__ import annotations

import numpy as np

from engine.combinations import Loads
from engine.large_orders import Packed, described, saving_at_most
from engine.network import Network
from engine.orders import Orders
from engine.shipments import Shipments
from engine.visit_freight import no_stairs
from engine.visit_search import MOST_VISITS, Kept, Search, search_sets, wanted_gain
from engine.visit_sets import FAR, NONE, VisitSets, first_set, good_visit_sets, lines_of, useful_visits
from engine.worths import Sets, promising, worths_of
from solver.kernels import kernel
from solver.source import MILLI, Prices

QUICK_STEPS, QUICK_SETS, QUICK_VISITS = 10_000, 32, 32
EXACT_STEPS, EXACT_SETS = 200_000, 100_000


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
    stairs = no_stairs(shipments, visits[0], worths, steps, network.rate_first)
    search = Search(0, -split, np.int64(EXACT_STEPS if exact else QUICK_STEPS), -np.int64(FAR))
    first = first_set(lines, most)
    alone = VisitSets(np.full(1, np.int64(FAR)), first.reshape((1, MOST_VISITS)))
    known = np.full(MOST_VISITS, NONE)
    search = search_sets(
        network,
        shipments,
        visits[0],
        prices,
        steps,
        worths,
        lines,
        stairs,
        alone,
        1,
        known,
        slack,
        rising,
        kept,
        search,
    )
    among = useful_visits(lines, slack + split)
    cut_off = not exact and most > 2 and among.size > QUICK_VISITS
    if cut_off:
        among = promising(shipments, visits[0], worths, steps, QUICK_VISITS, 1)
    sets = good_visit_sets(lines, among, most, wanted_gain(kept.gain, search.n_kept, search.best, slack))
    n_sets = EXACT_SETS if exact else QUICK_SETS
    search = search_sets(
        network,
        shipments,
        visits[0],
        prices,
        steps,
        worths,
        lines,
        stairs,
        sets,
        n_sets,
        first,
        slack,
        rising,
        kept,
        search,
    )
    n = search.n_kept
    if cut_off:
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
    return described(network, shipments, visits[0], steps, worths, found, size, chosen, floor)
