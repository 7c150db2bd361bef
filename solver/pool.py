"""The options listed so far: a problem that grows, and what is known of the options it does not list."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from solver.problem import IntArray, Problem, offsets, ranges
from solver.source import NO_FLOOR, More


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool:
    """A problem with the source's number (tag) of each option.

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
        return cls(problem=problem, tag=np.arange(problem.n_options), closed=closed)

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
        return cls(problem=problem, tag=more.tag, closed=np.zeros(n_groups, np.bool_))

    def merged(self, asked: IntArray, more: More, choice: IntArray) -> tuple[Pool, IntArray]:
        """Add new options; also return the choice (one option a group) in the numbers of the new pool."""
        closed = self.closed.copy()
        closed[asked] |= more.floor == NO_FLOOR
        if more.group.size == 0:
            return replace(self, closed=closed), choice
        old = self.problem
        counts = np.diff(old.first) + np.bincount(more.group, minlength=old.n_groups)
        first = offsets(counts)
        old_group = old.group_of_option()
        old_at = first[old_group] + np.arange(old.n_options) - old.first[old_group]
        new_rank = np.arange(more.group.size) - np.searchsorted(more.group, more.group)
        new_at = first[more.group] + np.diff(old.first)[more.group] + new_rank
        n_options = old.n_options + more.group.size
        cost = np.empty(n_options, np.int64)
        tag = np.empty(n_options, np.int64)
        length = np.empty(n_options, np.int64)
        source = np.empty(n_options, np.int64)
        for at, its_cost, its_tag, start, shift in (
            (old_at, old.cost, self.tag, old.usage_start, 0),
            (new_at, more.cost, more.tag, more.usage_start, old.usage_resource.size),
        ):
            cost[at], tag[at], length[at], source[at] = its_cost, its_tag, np.diff(start), start[:-1] + shift
        entries = ranges(source, source + length)
        problem = Problem(
            cost=cost,
            first=first,
            usage_start=offsets(length),
            usage_resource=np.concatenate((old.usage_resource, more.usage_resource))[entries],
            usage_amount=np.concatenate((old.usage_amount, more.usage_amount))[entries],
            supply=old.supply,
        )
        return Pool(problem=problem, tag=tag, closed=closed), old_at[choice]


def merged_usage(problem: Problem) -> Problem:
    """The same problem with each option naming a resource at most once, amounts added."""
    option = np.repeat(np.arange(problem.n_options), np.diff(problem.usage_start))
    order = np.lexsort((problem.usage_resource, option))
    option, resource = option[order], problem.usage_resource[order]
    head = np.ones(order.size, np.bool_)
    head[1:] = (option[1:] != option[:-1]) | (resource[1:] != resource[:-1])
    if head.all():
        return problem
    starts = np.flatnonzero(head)
    counts = np.bincount(option[head], minlength=problem.n_options).astype(np.int64)
    return replace(
        problem,
        usage_start=offsets(counts),
        usage_resource=resource[head],
        usage_amount=np.add.reduceat(problem.usage_amount[order], starts),
    )
