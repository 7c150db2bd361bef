"""A first choice that follows the prices closely: balance use against supply, then mend what is still over-used."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from solver.balance import Schedule, balance, typical_regret
from solver.bound import group_minimum
from solver.core import part_of
from solver.gather import largest_usage
from solver.greedy import NONE, improve
from solver.kernels import kernel
from solver.problem import FloatArray, IntArray, Problem

NEAR = 16
"""Options a group, on average, that the sweeps look at."""
SCHEDULES = (Schedule(), Schedule(hard=100.0))
"""Where prices answer softly to the end a dive ends cheaper and over-uses more; which of the two loses less in mending
depends on how much an over-used unit sets in motion."""


def near_options(problem: Problem, value_milli: IntArray, per_group: int, choice: IntArray | None = None) -> IntArray:
    """The options closest to their group's best by value, rising.

    So many that there are ``per_group`` to a group on average; besides, each group's cheapest option that uses nothing
    contested, and a given choice. Options that alone use more than there is are left out.
    """
    excess = value_milli - np.repeat(group_minimum(problem, value_milli), np.diff(problem.first))
    most = per_group * problem.n_groups
    hot = largest_usage(problem) > problem.supply
    is_idle, is_possible = _idle_and_possible(
        problem.usage_start, problem.usage_resource, problem.usage_amount, hot, problem.supply
    )
    if most < problem.n_options:
        keep = excess <= np.partition(excess, most)[most]
        idle = np.flatnonzero(is_idle)
        price = np.full(problem.n_options, np.iinfo(np.int64).max)
        price[idle] = problem.cost[idle]
        least = np.repeat(group_minimum(problem, price), np.diff(problem.first))
        keep[idle] |= price[idle] == least[idle]
    else:
        keep = np.ones(problem.n_options, np.bool_)
    keep &= is_possible
    # a group always keeps one
    lost = np.flatnonzero(~np.logical_or.reduceat(keep, problem.first[:-1]))
    keep[problem.first[lost]] = True
    if choice is not None:
        keep[choice] = True
    return np.flatnonzero(keep)


@kernel
def _idle_and_possible(
    usage_start: IntArray,
    usage_resource: IntArray,
    usage_amount: IntArray,
    hot: NDArray[np.bool_],
    supply: IntArray,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of each option: whether it names no resource that can be over-used, and whether by itself it fits."""
    n_options = usage_start.size - 1
    idle = np.ones(n_options, np.bool_)
    possible = np.ones(n_options, np.bool_)
    for option in range(n_options):
        for entry in range(usage_start[option], usage_start[option + 1]):
            resource = usage_resource[entry]
            idle[option] &= not hot[resource]
            possible[option] &= usage_amount[entry] <= supply[resource]
    return idle, possible


def dives(
    problem: Problem,
    value_milli: IntArray,
    price: FloatArray,
    seeds: Sequence[int],
    n_sweeps: int,
    executor: Executor | None = None,
) -> list[IntArray]:
    """Feasible choices close to the bound, one for each seed that leads to one.

    The first seeds try each schedule once, the others follow the one that ended cheapest. A dive takes time in
    proportion to options and sweeps; what it loses in mending is a matter of luck.

    Parameters
    ----------
    problem : Problem
        No option names a resource twice.
    value_milli : int64[n_options]
        Reduced costs in thousandths of a cent.
    price : float64[n_resources]
        Cents a unit, as they are in the reduced costs.
    seeds : sequence of int
        Seeds of the noise.
    n_sweeps : int
        Sweeps of each dive, from 1.
    executor : Executor, optional
        Threads to dive side by side.
    """
    options = near_options(problem, value_milli, NEAR)
    part = part_of(problem, options)
    regret = typical_regret(problem, value_milli)
    schedules = [replace(schedule, n_sweeps=n_sweeps) for schedule in SCHEDULES]
    run = executor.map if executor else map

    def dive(seed: int, schedule: Schedule) -> IntArray | None:
        rough, _, _ = balance(part.problem, value_milli[options], price[part.resource], schedule, seed, regret)
        return mend(problem, value_milli, options[rough])

    def cost(choice: IntArray | None) -> float:
        return np.inf if choice is None else float(problem.cost[choice].sum())

    found = list(run(dive, seeds, schedules))
    better = schedules[int(np.argmin([cost(choice) for choice in found]))] if found else schedules[0]
    found.extend(run(dive, seeds[len(found) :], repeat(better)))
    return [choice for choice in found if choice is not None]


def mend(problem: Problem, value_milli: IntArray, choice: IntArray) -> IntArray | None:
    """Make a choice feasible: groups leave over-used resources, dearest to move last, and return where they fit."""
    choice = choice.copy()
    left = problem.supply - problem.usage_of(choice)
    if (left < 0).any():
        other = value_milli.copy()
        other[choice] = np.iinfo(np.int64).max
        loss = group_minimum(problem, other)
        single = np.diff(problem.first) == 1
        loss[~single] -= value_milli[choice][~single]
        order = np.argsort(loss, kind="stable")
        _leave(problem.usage_start, problem.usage_resource, problem.usage_amount, order, choice, left)
        order = order[::-1][choice[order[::-1]] == NONE]
        choice = improve(problem, choice, order, value_milli)
        if (choice == NONE).any():
            return None
    return improve(problem, choice, np.arange(problem.n_groups), problem.cost)


@kernel
def _leave(
    usage_start: IntArray,
    usage_resource: IntArray,
    usage_amount: IntArray,
    order: IntArray,
    choice: IntArray,
    left: IntArray,
) -> None:
    for group in order:
        option = choice[group]
        over = False
        for entry in range(usage_start[option], usage_start[option + 1]):
            over = over or (left[usage_resource[entry]] < 0 and usage_amount[entry] > 0)
        if over:
            for entry in range(usage_start[option], usage_start[option + 1]):
                left[usage_resource[entry]] += usage_amount[entry]
            choice[group] = NONE
