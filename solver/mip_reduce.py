"""Exact preprocessing for the exact solvers: what can never bind or never pay is left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.problem import IntArray, Problem, offsets, ranges

BoolArray = NDArray[np.bool_]

_MAX_ROUNDS = 3
_SURELY_OVER = 2.0**60
"""A float sum above this is far above any supply (at most 2**53); up to it the int64 sum did not wrap."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reduced:
    """A smaller problem with the same optimum.

    Parameters
    ----------
    problem : Problem
        The same groups with fewer options and only resources that can be over-used. An option's entries are
        in order of resource, none repeated, none 0.
    option : int64[problem.n_options]
        The original option behind each option that is left.
    place : int64[n_original_options]
        The option left for each original one: itself or one that beats it; -1 if it does not fit alone.
    """

    problem: Problem
    option: IntArray
    place: IntArray


def reduce(problem: Problem) -> Reduced | None:
    """Leave out what cannot matter; None if a group has no option that fits by itself.

    Dropped are options that alone exceed a supply, resources that the largest uses of all groups together do
    not exceed, and (by cheap tests only) options that another of the group beats in cost and every use.
    """
    owner, resource, amount, alive = _summed_usage(problem)
    group_of = problem.group_of_option()
    contested = np.zeros(problem.n_resources, bool)
    stand_in = np.arange(problem.n_options)
    for _ in range(_MAX_ROUNDS):
        if np.any(np.bincount(group_of[alive], minlength=problem.n_groups) == 0):
            return None
        contested = _contested(problem, group_of[owner], resource, amount)
        keep = contested[resource]
        owner, resource, amount = owner[keep], resource[keep], amount[keep]
        winner = _winners(problem.cost, group_of, alive, owner, resource, amount)
        beaten = np.flatnonzero(winner >= 0)
        if beaten.size == 0:
            break
        stand_in[beaten] = winner[beaten]
        alive[beaten] = False
        keep = alive[owner]
        owner, resource, amount = owner[keep], resource[keep], amount[keep]
    option = np.flatnonzero(alive)
    while not np.array_equal(stand_in, stand_in[stand_in]):
        stand_in = stand_in[stand_in]
    return Reduced(
        problem=Problem(
            cost=problem.cost[option],
            first=offsets(np.bincount(group_of[option], minlength=problem.n_groups).astype(np.int64)),
            usage_start=offsets(np.bincount(owner, minlength=problem.n_options)[option].astype(np.int64)),
            usage_resource=(np.cumsum(contested) - 1)[resource],
            usage_amount=amount,
            supply=problem.supply[contested],
        ),
        option=option,
        place=np.where(alive, np.cumsum(alive) - 1, -1)[stand_in],
    )


def cheapest_options(problem: Problem) -> IntArray:
    """The first of the cheapest options of each group."""
    group_of = problem.group_of_option()
    order = np.lexsort((problem.cost, group_of))
    return np.asarray(order[problem.first[:-1]], dtype=np.int64)


def exact_cost(problem: Problem, choice: IntArray) -> int:
    """Total cost of the chosen options, in Python integers: int64 could wrap."""
    return sum(problem.cost[choice].tolist())


def is_feasible(problem: Problem, choice: IntArray) -> bool:
    """Whether a choice takes one option of each group and stays within every supply, in exact integers."""
    if choice.shape != (problem.n_groups,):
        return False
    if np.any((choice < problem.first[:-1]) | (choice >= problem.first[1:])):
        return False
    entries = ranges(problem.usage_start[choice], problem.usage_start[choice + 1])
    resource, amount = problem.usage_resource[entries], problem.usage_amount[entries]
    return not np.any(_over_used(resource, amount, problem.supply))


def _over_used(resource: IntArray, amount: IntArray, supply: IntArray) -> BoolArray:
    """Which resources the amounts together exceed; the float sum catches what wraps in int64."""
    rough = np.bincount(resource, weights=amount, minlength=supply.size)
    exact = np.zeros(supply.size, np.int64)
    np.add.at(exact, resource, amount)
    return np.asarray((rough > _SURELY_OVER) | (exact > supply), dtype=np.bool_)


def _summed_usage(problem: Problem) -> tuple[IntArray, IntArray, IntArray, BoolArray]:
    """Entries (option, resource, amount), repeats added and zeros left out, and the options that fit alone.

    Only entries of options that fit are kept.
    """
    owner = np.repeat(np.arange(problem.n_options), np.diff(problem.usage_start))
    used = problem.usage_amount > 0
    owner, resource = owner[used], problem.usage_resource[used]
    amount = problem.usage_amount[used]
    order = np.lexsort((resource, owner))
    owner, resource, amount = owner[order], resource[order], amount[order]
    heads = _heads(owner, resource)
    if heads.size:
        rough = np.add.reduceat(amount.astype(np.float64), heads)
        amount = np.add.reduceat(amount, heads)
        owner, resource = owner[heads], resource[heads]
        over = (rough > _SURELY_OVER) | (amount > problem.supply[resource])
    else:
        over = np.zeros(0, bool)
    alive = np.ones(problem.n_options, bool)
    alive[owner[over]] = False
    keep = alive[owner]
    return owner[keep], resource[keep], amount[keep], alive


def _contested(problem: Problem, group: IntArray, resource: IntArray, amount: IntArray) -> BoolArray:
    """Which resources can be over-used at all: the largest uses of all groups together exceed the supply."""
    order = np.lexsort((resource, group))
    group, resource, amount = group[order], resource[order], amount[order]
    heads = _heads(group, resource)
    if heads.size == 0:
        return np.zeros(problem.n_resources, bool)
    return _over_used(resource[heads], np.maximum.reduceat(amount, heads), problem.supply)


def _winners(
    cost: IntArray,
    group_of: IntArray,
    alive: BoolArray,
    owner: IntArray,
    resource: IntArray,
    amount: IntArray,
) -> IntArray:
    """For each option one of its group that beats it, or -1: one that uses nothing, or the same resources.

    Of options that use the same resources only neighbours in order of cost are compared. Each beaten option
    has a better one that is kept, because the order (cost, then amount, then number) has no circles.
    """
    n_entries = np.bincount(owner, minlength=cost.size)
    start = offsets(n_entries.astype(np.int64))
    winner = np.full(cost.size, -1)

    free = np.flatnonzero(alive & (n_entries == 0))
    free = free[np.lexsort((cost[free], group_of[free]))]
    free = free[_heads(group_of[free])]
    best_free = np.full(int(group_of.max(initial=-1)) + 1, -1)
    best_free[group_of[free]] = free
    rival = best_free[group_of]
    has_rival = alive & (rival >= 0) & (rival != np.arange(cost.size))
    beaten = np.flatnonzero(has_rival & (cost >= cost[rival]))
    winner[beaten] = rival[beaten]

    using = np.flatnonzero(alive & (n_entries > 0) & (winner < 0))
    mixed = (resource.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    support = np.zeros(cost.size, np.uint64)
    np.add.at(support, owner, mixed)
    weight = np.bincount(owner, weights=amount, minlength=cost.size)
    using = using[np.lexsort((weight[using], cost[using], support[using], group_of[using]))]
    better, worse = using[:-1], using[1:]
    alike = (
        (group_of[better] == group_of[worse])
        & (support[better] == support[worse])
        & (n_entries[better] == n_entries[worse])
    )
    better, worse = better[alike], worse[alike]
    if better.size:
        left = ranges(start[better], start[better + 1])
        right = ranges(start[worse], start[worse + 1])
        covers = (resource[left] == resource[right]) & (amount[left] <= amount[right])
        pair_start = offsets(n_entries[better].astype(np.int64))[:-1]
        covered = np.logical_and.reduceat(covers, pair_start)
        winner[worse[covered]] = better[covered]
    return winner


def _heads(*keys: IntArray) -> IntArray:
    """Where a new run of equal keys begins in sorted keys."""
    if keys[0].size == 0:
        return np.zeros(0, np.int64)
    new = np.ones(keys[0].size, bool)
    new[1:] = False
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    return np.asarray(np.flatnonzero(new), dtype=np.int64)
