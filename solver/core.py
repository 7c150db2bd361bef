"""The core: groups whose cheapest option touches a contested resource. All others just take their cheapest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.problem import IntArray, Problem, offsets, ranges


def cheapest_options(problem: Problem, value: IntArray | None = None) -> IntArray:
    """The option of least cost (or value) of each group, the first among equals, int64[n_groups]."""
    value = problem.cost if value is None else value
    least = np.minimum.reduceat(value, problem.first[:-1])
    hits = np.flatnonzero(value == np.repeat(least, np.diff(problem.first)))
    group = problem.group_of_option()[hits]
    _, at = np.unique(group, return_index=True)
    return np.asarray(hits[at], dtype=np.int64)


def touching(problem: Problem, options: IntArray, resources: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of some options use any of some resources."""
    if options.size == 0:
        return np.zeros(0, np.bool_)
    start, stop = problem.usage_start[options], problem.usage_start[options + 1]
    hits = resources[problem.usage_resource[ranges(start, stop)]].astype(np.int64)
    running = offsets(hits)
    ends = np.cumsum(stop - start)
    return np.asarray(running[ends] > running[ends - (stop - start)])


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Some options of a problem as a problem of its own, and where its pieces come from.

    Parameters
    ----------
    problem : Problem
        Groups, options and resources numbered anew, in the same order.
    group, option, resource : int64
        Their numbers in the whole.
    """

    problem: Problem
    group: IntArray
    option: IntArray
    resource: IntArray


def part_of(problem: Problem, options: IntArray, supply: IntArray | None = None) -> Part:
    """Keep only some options (rising), their groups and the resources they use, with a given supply."""
    counts = np.bincount(problem.group_of_option()[options], minlength=problem.n_groups)
    start, stop = problem.usage_start[options], problem.usage_start[options + 1]
    entries = ranges(start, stop)
    used = np.zeros(problem.n_resources, np.bool_)
    used[problem.usage_resource[entries]] = True
    resource = np.flatnonzero(used)
    compact = np.cumsum(used) - 1
    group = np.flatnonzero(counts)
    return Part(
        problem=Problem(
            cost=problem.cost[options],
            first=offsets(counts[group].astype(np.int64)),
            usage_start=offsets(stop - start),
            usage_resource=compact[problem.usage_resource[entries]].astype(np.int64),
            usage_amount=problem.usage_amount[entries],
            supply=(problem.supply if supply is None else supply)[resource],
        ),
        group=group,
        option=options,
        resource=resource,
    )


def options_of(problem: Problem, groups: NDArray[np.bool_]) -> IntArray:
    """All options of some groups, rising."""
    return np.flatnonzero(np.repeat(groups, np.diff(problem.first)))
