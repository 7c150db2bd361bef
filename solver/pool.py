"""The options listed so far: a problem that grows, and what is known of the options it does not list."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from solver.kernels import kernel
from solver.problem import IntArray, Problem
from solver.source import NO_FLOOR, More
from solver.spread import option_bounds, spread


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool:
    """A problem with the source's number (tag) of each option; no option names a resource twice.

    Parameters
    ----------
    problem : Problem
        The listed options.
    tag : int64[n_options]
        The source's number of each option.
    closed : bool[n_groups]
        Whether all options of a group are listed.
    """

    problem: Problem
    tag: IntArray
    closed: NDArray[np.bool_]

    @classmethod
    def complete(cls, problem: Problem) -> Pool:
        """A pool that lists everything there is."""
        closed = np.ones(problem.n_groups, np.bool_)
        return cls(problem=merged_usage(problem), tag=np.arange(problem.n_options), closed=closed)

    @classmethod
    def start(cls, more: More, n_groups: int, supply: IntArray) -> Pool:
        """A pool whose first options come from a source (at least one a group, sorted by group)."""
        problem = Problem.from_arrays(
            cost=more.cost,
            first=np.searchsorted(more.group, np.arange(n_groups + 1)),
            usage_start=more.usage_start,
            usage_resource=more.usage_resource,
            usage_amount=more.usage_amount,
            supply=supply,
        )
        return cls(problem=merged_usage(problem), tag=more.tag, closed=np.zeros(n_groups, np.bool_))

    def merged(
        self, asked: IntArray, more: More, choice: IntArray, executor: Executor | None = None
    ) -> tuple[Pool, IntArray]:
        """Add new options; also return the choice (one option a group) in the numbers of the new pool."""
        closed = self.closed.copy()
        closed[asked] |= more.floor == NO_FLOOR
        if more.group.size == 0:
            return replace(self, closed=closed), choice
        old = self.problem
        start, resource, amount = _distinct(more.usage_start, more.usage_resource, more.usage_amount)
        new_first = np.searchsorted(more.group, np.arange(old.n_groups + 1))
        first = old.first + new_first
        entry_first = old.usage_start[old.first] + start[new_first]
        n_options, n_entries = int(first[-1]), int(entry_first[-1])
        cost, tag = np.empty(n_options, np.int64), np.empty(n_options, np.int64)
        usage_start = np.zeros(n_options + 1, np.int64)
        usage_resource, usage_amount = np.empty(n_entries, np.int64), np.empty(n_entries, np.int64)

        after_old = first[:-1] + np.diff(old.first)
        entry_after_old = entry_first[:-1] + np.diff(old.usage_start[old.first])

        def fill(begin: int, end: int) -> None:
            out = (cost, tag, usage_start, usage_resource, usage_amount)
            place = (first[:-1], entry_first[:-1])
            usage = (old.usage_start, old.usage_resource, old.usage_amount)
            _copy(begin, end, old.first, old.cost, self.tag, *usage, *place, *out)
            usage = (start, resource, amount)
            _copy(begin, end, new_first, more.cost, more.tag, *usage, after_old, entry_after_old, *out)

        spread(executor, option_bounds(first), fill)
        problem = Problem(
            cost=cost,
            first=first,
            usage_start=usage_start,
            usage_resource=usage_resource,
            usage_amount=usage_amount,
            supply=old.supply,
        )
        return Pool(problem=problem, tag=tag, closed=closed), choice + new_first[:-1]


@kernel
def _copy(
    begin: int,
    end: int,
    from_first: IntArray,
    from_cost: IntArray,
    from_tag: IntArray,
    from_start: IntArray,
    from_resource: IntArray,
    from_amount: IntArray,
    option_at: IntArray,
    entry_at: IntArray,
    cost: IntArray,
    tag: IntArray,
    start: IntArray,
    resource: IntArray,
    amount: IntArray,
) -> None:
    """Copy the options of groups ``begin .. end - 1`` to where each group's begin, those of its usage likewise."""
    for group in range(begin, end):
        at, entry = option_at[group], entry_at[group]
        for option in range(from_first[group], from_first[group + 1]):
            cost[at], tag[at] = from_cost[option], from_tag[option]
            for i in range(from_start[option], from_start[option + 1]):
                resource[entry], amount[entry] = from_resource[i], from_amount[i]
                entry += 1
            at += 1
            start[at] = entry


def merged_usage(problem: Problem) -> Problem:
    """The same problem with each option naming a resource at most once, amounts added."""
    start, resource, amount = _distinct(problem.usage_start, problem.usage_resource, problem.usage_amount)
    if resource.size == problem.usage_resource.size:
        return problem
    return replace(problem, usage_start=start, usage_resource=resource, usage_amount=amount)


@kernel
def _distinct(
    usage_start: IntArray, usage_resource: IntArray, usage_amount: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """Usage with amounts of one resource within an option added up."""
    start = np.zeros(usage_start.size, np.int64)
    resource = np.empty(usage_resource.size, np.int64)
    amount = np.empty(usage_resource.size, np.int64)
    n = 0
    for option in range(usage_start.size - 1):
        for entry in range(usage_start[option], usage_start[option + 1]):
            at = start[option]
            while at < n and resource[at] != usage_resource[entry]:
                at += 1
            if at == n:
                resource[n], amount[n] = usage_resource[entry], 0
                n += 1
            amount[at] += usage_amount[entry]
        start[option + 1] = n
    return start, resource[:n].copy(), amount[:n].copy()
