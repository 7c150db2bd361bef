"""Integer programs under a time limit, in HiGHS and in CP-SAT: rivals look at the clock, our solver does not.

That is why none of this is shared with `solver.mip_highs` and `solver.mip_cpsat`, whose work is counted; what is done
before a program is built is theirs (`solver.mip_reduce`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from ortools.math_opt import callback_pb2, model_parameters_pb2, model_pb2, parameters_pb2, result_pb2
from ortools.math_opt.core.python import solver as math_opt
from ortools.sat.python import cp_model_helper as cp_sat

from solver.mip_reduce import cheapest_options, exact_cost, is_feasible, reduce
from solver.problem import IntArray, Problem, offsets

ProgramSolver = Literal["highs", "cpsat"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a program may take.

    Parameters
    ----------
    time_limit_seconds : float
        Wall clock, of the search alone.
    n_threads : int
        Of CP-SAT; HiGHS searches on one.
    """

    time_limit_seconds: float
    n_threads: int = 1


def solve_within(problem: Problem, hint: IntArray, limits: Limits, by: ProgramSolver) -> tuple[IntArray, bool]:
    """Improve on a choice by one integer program.

    Parameters
    ----------
    problem : Problem
        Any problem.
    hint : int64[n_groups]
        A feasible choice to start from; the result is never worse.
    limits : Limits
        When to stop.
    by : {"highs", "cpsat"}
        Which solver.

    Returns
    -------
    choice, finished
        The option of each group, and whether the solver came to its end within the limit.
    """
    reduced = reduce(problem)
    if reduced is None:
        raise ValueError("the hint is not feasible: a group has no option that fits")
    small = reduced.problem
    cheapest = cheapest_options(small)
    if is_feasible(small, cheapest):
        return reduced.option[cheapest], True
    extra = small.cost - np.repeat(small.cost[cheapest], np.diff(small.first))
    start = np.zeros(small.n_options, np.int64)
    start[reduced.place[hint]] = 1
    value, finished = (_highs if by == "highs" else _cpsat)(small, extra, start, limits)
    taken = np.flatnonzero(value > 0.5)
    if taken.size == small.n_groups:
        found = reduced.option[taken]
        if is_feasible(problem, found) and exact_cost(problem, found) < exact_cost(problem, hint):
            return found, finished
    return hint, finished


def _highs(problem: Problem, cost: IntArray, start: IntArray, limits: Limits) -> tuple[IntArray, bool]:
    parameters = parameters_pb2.SolveParametersProto(random_seed=0, relative_gap_tolerance=0.0)
    parameters.time_limit.FromMilliseconds(round(1000 * limits.time_limit_seconds))
    parameters.highs.string_options["parallel"] = "off"
    hinted = model_parameters_pb2.ModelSolveParametersProto()
    values = hinted.solution_hints.add().variable_values
    values.ids.extend(range(start.size))
    values.values.extend(start.astype(np.float64).tolist())
    result = math_opt.solve(
        _highs_model(problem, cost),
        parameters_pb2.SOLVER_TYPE_HIGHS,
        parameters_pb2.SolverInitializerProto(),
        parameters,
        hinted,
        None,
        callback_pb2.CallbackRegistrationProto(),
        None,
        None,
    )
    found = np.zeros(problem.n_options)
    if result.solutions:
        values = result.solutions[0].primal_solution.variable_values
        found[np.array(values.ids, dtype=np.int64)] = np.array(values.values)
    return np.rint(found).astype(np.int64), result.termination.reason == result_pb2.TERMINATION_REASON_OPTIMAL


def _highs_model(problem: Problem, cost: IntArray) -> model_pb2.ModelProto:
    """A row for each group, then one for each resource; a column for each option."""
    n_options, n_groups, n_resources = problem.n_options, problem.n_groups, problem.n_resources
    model = model_pb2.ModelProto()
    model.variables.ids.extend(range(n_options))
    model.variables.lower_bounds.extend([0.0] * n_options)
    model.variables.upper_bounds.extend([1.0] * n_options)
    model.variables.integers.extend([True] * n_options)
    priced = np.flatnonzero(cost)
    model.objective.linear_coefficients.ids.extend(priced.tolist())
    model.objective.linear_coefficients.values.extend(cost[priced].astype(np.float64).tolist())
    rows = model.linear_constraints
    rows.ids.extend(range(n_groups + n_resources))
    rows.lower_bounds.extend([1.0] * n_groups + [-math.inf] * n_resources)
    rows.upper_bounds.extend([1.0] * n_groups + problem.supply.astype(np.float64).tolist())
    owner, resource, amount = _by_resource(problem)
    matrix = model.linear_constraint_matrix
    matrix.row_ids.extend(problem.group_of_option().tolist())
    matrix.row_ids.extend((resource + n_groups).tolist())
    matrix.column_ids.extend(range(n_options))
    matrix.column_ids.extend(owner.tolist())
    matrix.coefficients.extend([1.0] * n_options)
    matrix.coefficients.extend(amount.astype(np.float64).tolist())
    return model


def _cpsat(problem: Problem, cost: IntArray, start: IntArray, limits: Limits) -> tuple[IntArray, bool]:
    parameters = cp_sat.SatParameters()
    parameters.max_time_in_seconds = limits.time_limit_seconds
    parameters.num_workers = limits.n_threads
    parameters.random_seed = 0
    solver: Any = cp_sat.SolveWrapper()
    solver.set_parameters(parameters)
    response = solver.solve(_cpsat_model(problem, cost, start))
    found = np.zeros(problem.n_options, np.int64)
    if response.status in (cp_sat.OPTIMAL, cp_sat.FEASIBLE):
        found[:] = response.solution
    return found, response.status == cp_sat.OPTIMAL


def _cpsat_model(problem: Problem, cost: IntArray, start: IntArray) -> cp_sat.CpModelProto:
    model = cp_sat.CpModelProto()
    for _ in range(problem.n_options):
        model.variables.add().domain.extend((0, 1))
    for begin, end in pairwise(problem.first.tolist()):
        model.constraints.add().exactly_one.literals.extend(range(begin, end))
    owner, resource, amount = (column.tolist() for column in _by_resource(problem))
    row = offsets(np.bincount(resource, minlength=problem.n_resources).astype(np.int64)).tolist()
    for (begin, end), supply in zip(pairwise(row), problem.supply.tolist()):
        linear = model.constraints.add().linear
        linear.vars.extend(owner[begin:end])
        linear.coeffs.extend(amount[begin:end])
        linear.domain.extend((0, supply))
    priced = np.flatnonzero(cost)
    model.objective.vars.extend(priced.tolist())
    model.objective.coeffs.extend(cost[priced].tolist())
    model.solution_hint.vars.extend(range(start.size))
    model.solution_hint.values.extend(start.tolist())
    return model


def _by_resource(problem: Problem) -> tuple[IntArray, IntArray, IntArray]:
    """Option, resource and amount of each entry, in order of resource, then option."""
    order = np.argsort(problem.usage_resource, kind="stable")
    owner = np.repeat(np.arange(problem.n_options), np.diff(problem.usage_start))
    return owner[order], problem.usage_resource[order], problem.usage_amount[order]
