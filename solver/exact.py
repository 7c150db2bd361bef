"""Exact closing: components that contested resources tie together, each solved to the optimum where limits allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from solver.assignment import solve_flow
from solver.core import part_of
from solver.gather import largest_usage
from solver.mip import MipLimits, MipResult, solve_mip
from solver.problem import IntArray, Problem


@dataclass(frozen=True, kw_only=True, eq=False)
class Exact:
    """What exact solution of all components found.

    Parameters
    ----------
    choice : int64[n_groups] or None
        A feasible choice, no worse than the hint.
    bound : int or None
        Cents that no choice among the listed options undercuts; None: there is no choice at all.
    """

    choice: IntArray | None
    bound: int | None


def components(problem: Problem) -> tuple[int, IntArray]:
    """Number of components and the component of each group; only resources that can be over-used tie groups."""
    contested = largest_usage(problem) > problem.supply
    group = np.repeat(problem.group_of_option(), np.diff(problem.usage_start))
    ties = contested[problem.usage_resource]
    n = problem.n_groups + problem.n_resources
    edges = coo_array(
        (np.ones(int(ties.sum()), np.int8), (group[ties], problem.n_groups + problem.usage_resource[ties])),
        shape=(n, n),
    )
    _, label = connected_components(edges, directed=False)
    names, component = np.unique(label[: problem.n_groups], return_inverse=True)
    return names.size, component.astype(np.int64)


def solve_exact(problem: Problem, hint: IntArray | None, limits: MipLimits) -> Exact:
    """Solve each component by flow where it is an assignment, else as an integer program."""
    n_components, component = components(problem)
    choice = np.full(problem.n_groups, -1, np.int64)
    bound = 0
    group_of_option = problem.group_of_option()
    by_component = np.argsort(component[group_of_option], kind="stable")
    first = np.searchsorted(component[group_of_option][by_component], np.arange(n_components + 1))
    for number in range(n_components):
        options = by_component[first[number] : first[number + 1]]
        part = part_of(problem, options)
        start = None if hint is None else np.searchsorted(options, hint[part.group])
        result = _solve(part.problem, start, limits)
        if result.bound is None:
            return Exact(choice=None, bound=None)
        bound += result.bound
        if result.choice is not None:
            choice[part.group] = options[result.choice]
    complete = bool((choice >= 0).all())
    return Exact(choice=choice if complete else None, bound=bound)


def _solve(problem: Problem, hint: IntArray | None, limits: MipLimits) -> MipResult:
    flow = solve_flow(problem)
    return solve_mip(problem, hint=hint, limits=limits) if flow is None else flow
