"""CP-SAT on a reduced problem. All its arithmetic is on integers, so its bound is exact."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from ortools.sat.python import cp_model_helper as cp_sat

from solver.mip_types import MipLimits, RawResult
from solver.problem import IntArray, Problem, offsets

_MAX_SUM = 2.0**60
"""CP-SAT refuses sums that come near 2**63; checked on float sums, so with room to spare."""


def fits_cpsat(problem: Problem, floor_cost: IntArray) -> bool:
    """Whether all sums in the model stay far below 2**63."""
    extra = problem.cost - np.repeat(floor_cost, np.diff(problem.first))
    if float(extra.astype(np.float64).sum()) > _MAX_SUM:
        return False
    used = np.bincount(problem.usage_resource, weights=problem.usage_amount)
    return float(used.max(initial=0.0)) <= _MAX_SUM


def solve_cpsat(problem: Problem, floor_cost: IntArray, hint: IntArray | None, limits: MipLimits) -> RawResult:
    """Solve a reduced problem with CP-SAT on one thread.

    Parameters
    ----------
    problem : Problem
        As :func:`solver.mip_reduce.reduce` leaves it, and :func:`fits_cpsat`.
    floor_cost : int64[n_groups]
        Cost of each group's cheapest option; the model has the cost above it.
    hint : int64[n_groups], optional
        A choice to start from.
    limits : MipLimits
        ``max_deterministic_seconds``, ``gap_cents`` and ``seed`` apply.

    Returns
    -------
    RawResult
        Its bound is above the floor costs.
    """
    extra = problem.cost - np.repeat(floor_cost, np.diff(problem.first))
    parameters = cp_sat.SatParameters()
    parameters.num_workers = 1
    parameters.random_seed = limits.seed
    parameters.max_deterministic_time = limits.max_deterministic_seconds
    parameters.absolute_gap_limit = float(limits.gap_cents)
    parameters.relative_gap_limit = 0.0
    # The whole model in the LP: many times faster than the default where a unit is wanted by several.
    parameters.linearization_level = 2
    solver: Any = cp_sat.SolveWrapper()
    solver.set_parameters(parameters)
    response = solver.solve(_model(problem, extra, hint))
    if response.status == cp_sat.MODEL_INVALID:
        return RawResult(choice=None, bound=None, infeasible=False)
    if response.status == cp_sat.INFEASIBLE:
        return RawResult(choice=None, bound=None, infeasible=True)
    choice = None
    if response.status in (cp_sat.OPTIMAL, cp_sat.FEASIBLE):
        taken = np.flatnonzero(np.array(response.solution, dtype=np.int64))
        choice = taken if taken.size == problem.n_groups else None
    return RawResult(choice=choice, bound=_bound(response), infeasible=False)


def _bound(response: cp_sat.CpSolverResponse) -> int:
    """The proved integer bound.

    `best_objective_bound` is a double; `inner_objective_lower_bound` is the int64 behind it, in cents as the
    model has no scaling and no offset.
    """
    return int(response.inner_objective_lower_bound)


def _model(problem: Problem, extra: IntArray, hint: IntArray | None) -> cp_sat.CpModelProto:
    model = cp_sat.CpModelProto()
    for _ in range(problem.n_options):
        model.variables.add().domain.extend((0, 1))
    first = problem.first.tolist()
    for start, stop in pairwise(first):
        model.constraints.add().exactly_one.literals.extend(range(start, stop))
    order = np.argsort(problem.usage_resource, kind="stable")
    owner = np.repeat(np.arange(problem.n_options), np.diff(problem.usage_start))[order].tolist()
    amount = problem.usage_amount[order].tolist()
    row = offsets(np.bincount(problem.usage_resource, minlength=problem.n_resources).astype(np.int64)).tolist()
    for resource, supply in enumerate(problem.supply.tolist()):
        linear = model.constraints.add().linear
        linear.vars.extend(owner[row[resource] : row[resource + 1]])
        linear.coeffs.extend(amount[row[resource] : row[resource + 1]])
        linear.domain.extend((0, supply))
    priced = np.flatnonzero(extra)
    model.objective.vars.extend(priced.tolist())
    model.objective.coeffs.extend(extra[priced].tolist())
    if hint is not None:
        value = np.zeros(problem.n_options, np.int64)
        value[hint] = 1
        model.solution_hint.vars.extend(range(problem.n_options))
        model.solution_hint.values.extend(value.tolist())
    return model
