"""The core: groups whose cheapest option touches a contested resource. All others just take their cheapest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.kernels import kernel
from solver.problem import IntArray, Problem


def cheapest_options(problem: Problem, value: IntArray | None = None) -> IntArray:
    """The option of least cost (or value) of each group, the first among equals, int64[n_groups]."""
    return np.asarray(_cheapest(problem.first, problem.cost if value is None else value))


@kernel
def _cheapest(first: IntArray, value: IntArray) -> IntArray:
    out = np.empty(first.size - 1, np.int64)
    for group in range(first.size - 1):
        best = first[group]
        for option in range(first[group] + 1, first[group + 1]):
            if value[option] < value[best]:
                best = option
        out[group] = best
    return out


def touching(problem: Problem, options: IntArray, resources: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of some options use any of some resources."""
    return np.asarray(_touching(options, problem.usage_start, problem.usage_resource, resources))


@kernel
def _touching(
    options: IntArray, usage_start: IntArray, usage_resource: IntArray, resources: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    out = np.zeros(options.size, np.bool_)
    for i in range(options.size):
        for entry in range(usage_start[options[i]], usage_start[options[i] + 1]):
            out[i] = out[i] or resources[usage_resource[entry]]
    return out


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
    group, first, start, resource, entry_resource, amount = _kept(
        options, problem.first, problem.usage_start, problem.usage_resource, problem.usage_amount, problem.n_resources
    )
    return Part(
        problem=Problem(
            cost=problem.cost[options],
            first=first,
            usage_start=start,
            usage_resource=entry_resource,
            usage_amount=amount,
            supply=(problem.supply if supply is None else supply)[resource],
        ),
        group=group,
        option=options,
        resource=resource,
    )


@kernel
def _kept(
    options: IntArray,
    first: IntArray,
    usage_start: IntArray,
    usage_resource: IntArray,
    usage_amount: IntArray,
    n_resources: int,
) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray, IntArray]:
    """The arrays of :class:`Part` for rising options: groups, offsets of both kinds, resources, and usage anew."""
    compact = np.full(n_resources, -1, np.int64)
    n_entries = np.int64(0)
    n_groups = 0
    last = np.int64(-1)
    group = np.int64(0)
    for option in options:
        while first[group + 1] <= option:
            group += 1
        if group != last:
            n_groups += 1
            last = group
        n_entries += usage_start[option + 1] - usage_start[option]
        for entry in range(usage_start[option], usage_start[option + 1]):
            compact[usage_resource[entry]] = 0
    n_used = 0
    for resource in range(n_resources):
        if compact[resource] == 0:
            compact[resource] = n_used
            n_used += 1
    resources = np.empty(n_used, np.int64)
    for resource in range(n_resources):
        if compact[resource] >= 0:
            resources[compact[resource]] = resource
    groups = np.empty(n_groups, np.int64)
    new_first = np.zeros(n_groups + 1, np.int64)
    new_start = np.zeros(options.size + 1, np.int64)
    new_resource = np.empty(n_entries, np.int64)
    new_amount = np.empty(n_entries, np.int64)
    n_groups = 0
    n_entries = np.int64(0)
    last = np.int64(-1)
    group = np.int64(0)
    for i in range(options.size):
        option = options[i]
        while first[group + 1] <= option:
            group += 1
        if group != last:
            groups[n_groups] = group
            n_groups += 1
            last = group
        new_first[n_groups] = i + 1
        for entry in range(usage_start[option], usage_start[option + 1]):
            new_resource[n_entries] = compact[usage_resource[entry]]
            new_amount[n_entries] = usage_amount[entry]
            n_entries += 1
        new_start[i + 1] = n_entries
    return groups, new_first, new_start, resources, new_resource, new_amount


def options_of(problem: Problem, groups: NDArray[np.bool_]) -> IntArray:
    """All options of some groups, rising."""
    return np.flatnonzero(np.repeat(groups, np.diff(problem.first)))
