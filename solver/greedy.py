"""Greedy choices: groups one after another take their best option that still fits."""

from __future__ import annotations

import numpy as np

from solver.kernels import kernel
from solver.problem import IntArray, Problem

NONE = -1


def arrival_greedy(problem: Problem) -> IntArray:
    """Each group in turn takes its cheapest option that fits; -1 where none does, int64[n_groups]."""
    return greedy(problem, np.arange(problem.n_groups), problem.cost)


def greedy(problem: Problem, order: IntArray, value: IntArray) -> IntArray:
    """Groups in a given order take their option of least value that fits; -1 where none does, int64[n_groups]."""
    choice = np.full(problem.n_groups, NONE, np.int64)
    left = problem.supply.copy()
    _settle(
        problem.first,
        problem.usage_start,
        problem.usage_resource,
        problem.usage_amount,
        order,
        value,
        choice,
        left,
    )
    return choice


def improve(problem: Problem, choice: IntArray, order: IntArray, value: IntArray) -> IntArray:
    """Groups in a given order give up their option and take the one of least value that fits, int64[n_groups]."""
    better = choice.copy()
    left = problem.supply - problem.usage_of(choice[choice >= 0])
    _settle(
        problem.first,
        problem.usage_start,
        problem.usage_resource,
        problem.usage_amount,
        order,
        value,
        better,
        left,
    )
    return better


@kernel
def take(
    option: int,
    sign: int,
    usage_start: IntArray,
    usage_resource: IntArray,
    usage_amount: IntArray,
    left: IntArray,
) -> bool:
    """Take (sign 1) or give back (sign -1) what an option uses; tells whether nothing is over-used by it."""
    fits = True
    for entry in range(usage_start[option], usage_start[option + 1]):
        resource = usage_resource[entry]
        left[resource] -= sign * usage_amount[entry]
        fits = fits and left[resource] >= 0
    return fits


@kernel
def _settle(
    first: IntArray,
    usage_start: IntArray,
    usage_resource: IntArray,
    usage_amount: IntArray,
    order: IntArray,
    value: IntArray,
    choice: IntArray,
    left: IntArray,
) -> None:
    for group in order:
        old = choice[group]
        if old >= 0:
            take(old, -1, usage_start, usage_resource, usage_amount, left)
        best = old
        for option in range(first[group], first[group + 1]):
            if best >= 0 and value[option] >= value[best]:
                continue
            fits = take(option, 1, usage_start, usage_resource, usage_amount, left)
            take(option, -1, usage_start, usage_resource, usage_amount, left)
            if fits:
                best = option
        if best >= 0:
            take(best, 1, usage_start, usage_resource, usage_amount, left)
        choice[group] = best
