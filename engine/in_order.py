"""The plan to compare with: one order at a time, in order of arrival, each to its cheapest feasible option."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from engine.allocate import document
from engine.compile import Compiled, compile_batch
from engine.documents import Allocation, Batch
from engine.network import IntArray
from engine.workers import workers
from solver.bound import exact_sum, whole_cents
from solver.core import part_of
from solver.greedy import arrival_greedy
from solver.pool import Pool
from solver.problem import ranges
from solver.source import MILLI, NO_FLOOR, Prices

N_RUNS = 200
SMALLEST_RUN = 50
"""Within a run an order sees only what was left before it: runs of 1,000 left a peak day 3% dearer than runs of 50."""
OPTIONS_AN_ORDER = 48
OUT_OF_REACH_MILLI = 2**40


def route_in_order(batch: Batch, *, n_workers: int = 1, clock: Callable[[], float] = time.monotonic) -> Allocation:
    """Route each order, in order of arrival, to its cheapest option that still fits.

    Orders are taken in runs; before each run the cheapest options are listed with exhausted resources priced out of
    reach.

    Returns
    -------
    Allocation
        Its bound gives every order the network to itself; its termination is ``stalled``.
    """
    start = clock()
    with workers(n_workers) as executor:
        compiled = compile_batch(batch, parallel=map if executor is None else executor.map)
        problem = compiled.problem
        groups = np.arange(problem.n_groups)
        alone = compiled.options.more(groups, Prices.zero(problem.n_resources), slack=0, limit=1)
        least = np.minimum(problem.cost * MILLI, alone.floor)
        np.minimum.at(least, alone.group, alone.cost * MILLI)
        listed, _ = Pool.complete(problem).merged(groups, alone, problem.first[:-1])
        tags = _route(compiled, listed)
        allocation = document(
            batch,
            compiled,
            tags,
            bound_cents=whole_cents(exact_sum(least)),
            price=np.zeros(problem.n_resources),
            termination="stalled",
            seed=0,
        )
    allocation.summary["seconds"] = {"total": clock() - start}
    return allocation


def _route(compiled: Compiled, known: Pool) -> IntArray:
    """Tags of the options taken; ``known`` holds those that the source has listed already."""
    problem = compiled.problem
    tags = np.arange(problem.n_groups)
    left = compiled.network.supply.copy()
    size = max(SMALLEST_RUN, -(-problem.n_groups // N_RUNS))
    for begin in range(0, problem.n_groups, size):
        run = np.arange(begin, min(begin + size, problem.n_groups))
        prices = Prices.zero(problem.n_resources)
        prices.unit[left == 0] = OUT_OF_REACH_MILLI
        more = compiled.options.more(run, prices, slack=NO_FLOOR, limit=OPTIONS_AN_ORDER)
        pool, _ = known.merged(run, more, known.problem.first[:-1])
        listed = pool.problem
        part = part_of(listed, ranges(listed.first[run], listed.first[run + 1]), left)
        choice = part.option[arrival_greedy(part.problem)]
        tags[run] = pool.tag[choice]
        left -= listed.usage_of(choice)
    return tags
