"""Exact solution by minimum-cost flow, where every option takes one unit of one resource."""

from __future__ import annotations

import numpy as np
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from solver.mip_reduce import Reduced, cheapest_options, exact_cost, is_feasible, reduce
from solver.mip_types import MipResult
from solver.problem import IntArray, Problem


def solve_flow(problem: Problem) -> MipResult | None:
    """Solve a problem as an assignment, if it is one.

    It is one if, apart from resources that cannot be over-used, every option uses at most one resource, and
    all options that use a resource use the same amount of it.

    Parameters
    ----------
    problem : Problem
        Any problem; it is reduced first.

    Returns
    -------
    MipResult or None
        The optimum, or the proof that there is no choice. None if the problem is no assignment or its costs
        are too large for the flow solver.
    """
    reduced = reduce(problem)
    if reduced is None:
        return MipResult(choice=None, objective=None, bound=None, status="infeasible")
    capacity = _capacity(reduced.problem)
    if capacity is None:
        return None
    return _solve(problem, reduced, capacity)


def _capacity(problem: Problem) -> IntArray | None:
    """How many options each resource can serve; None if that is not all there is to say."""
    if np.any(np.diff(problem.usage_start) > 1):
        return None
    amount = np.zeros(problem.n_resources, np.int64)
    amount[problem.usage_resource] = problem.usage_amount
    if np.any(amount[problem.usage_resource] != problem.usage_amount):
        return None
    return problem.supply // np.maximum(amount, 1)


def _solve(problem: Problem, reduced: Reduced, capacity: IntArray) -> MipResult | None:
    """Send one unit from each group through one of its options, past the resource it uses, to the sink."""
    small = reduced.problem
    n_groups, n_resources, n_options = small.n_groups, small.n_resources, small.n_options
    sink = n_groups + n_resources
    group_of = small.group_of_option()
    floor_cost = small.cost[cheapest_options(small)]
    head = np.full(n_options, sink)
    head[np.diff(small.usage_start) > 0] = n_groups + small.usage_resource
    resources = np.arange(n_resources)
    flow = SimpleMinCostFlow()
    arcs = flow.add_arcs_with_capacity_and_unit_cost(
        np.concatenate((group_of, n_groups + resources)),
        np.concatenate((head, np.full(n_resources, sink))),
        np.concatenate((np.ones(n_options, np.int64), np.minimum(capacity, n_groups))),
        np.concatenate((small.cost - floor_cost[group_of], np.zeros(n_resources, np.int64))),
    )
    flow.set_nodes_supplies(
        np.arange(sink + 1),
        np.concatenate((np.ones(n_groups, np.int64), np.zeros(n_resources, np.int64), [-n_groups])),
    )
    status = flow.solve()
    if status == SimpleMinCostFlow.INFEASIBLE:
        return MipResult(choice=None, objective=None, bound=None, status="infeasible")
    if status != SimpleMinCostFlow.OPTIMAL:
        return None
    choice = reduced.option[np.flatnonzero(flow.flows(arcs[:n_options]))]
    if not is_feasible(problem, choice):
        raise RuntimeError("the minimum-cost flow breaks the problem it was built from")
    objective = exact_cost(problem, choice)
    return MipResult(choice=choice, objective=objective, bound=objective, status="optimal")
