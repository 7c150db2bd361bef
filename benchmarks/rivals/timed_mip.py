"""HiGHS under a time limit: rivals may look at the clock, the solver of this project does not."""

from __future__ import annotations

import math

import numpy as np
from ortools.math_opt import callback_pb2, model_parameters_pb2, model_pb2, parameters_pb2, result_pb2
from ortools.math_opt.core.python import solver as math_opt

from solver.mip_reduce import cheapest_options, exact_cost, is_feasible, reduce
from solver.problem import IntArray, Problem


def solve_within(problem: Problem, hint: IntArray, *, time_limit_seconds: float) -> tuple[IntArray, bool]:
    """Improve on a choice by one mixed integer program.

    Parameters
    ----------
    problem : Problem
        Any problem.
    hint : int64[n_groups]
        A feasible choice to start from; the result is never worse.
    time_limit_seconds : float
        Wall clock, of the search alone.

    Returns
    -------
    choice, finished
        The option of each group, and whether HiGHS came to its end within the limit.
    """
    reduced = reduce(problem)
    if reduced is None:
        raise ValueError("the hint is not feasible: a group has no option that fits")
    cheapest = cheapest_options(reduced.problem)
    if is_feasible(reduced.problem, cheapest):
        return reduced.option[cheapest], True
    floor_cost = reduced.problem.cost[cheapest]
    parameters = parameters_pb2.SolveParametersProto(random_seed=0, relative_gap_tolerance=0.0)
    parameters.time_limit.FromMilliseconds(round(1000 * time_limit_seconds))
    parameters.highs.string_options["parallel"] = "off"
    start = model_parameters_pb2.ModelSolveParametersProto()
    value = np.zeros(reduced.problem.n_options)
    value[reduced.place[hint]] = 1.0
    solution = start.solution_hints.add().variable_values
    solution.ids.extend(range(value.size))
    solution.values.extend(value.tolist())
    result = math_opt.solve(
        _model(reduced.problem, reduced.problem.cost - np.repeat(floor_cost, np.diff(reduced.problem.first))),
        parameters_pb2.SOLVER_TYPE_HIGHS,
        parameters_pb2.SolverInitializerProto(),
        parameters,
        start,
        None,
        callback_pb2.CallbackRegistrationProto(),
        None,
        None,
    )
    finished = result.termination.reason == result_pb2.TERMINATION_REASON_OPTIMAL
    taken = _taken(reduced.problem, result)
    if taken is not None:
        found = reduced.option[taken]
        if is_feasible(problem, found) and exact_cost(problem, found) < exact_cost(problem, hint):
            return found, finished
    return hint, finished


def _model(problem: Problem, cost: IntArray) -> model_pb2.ModelProto:
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
    order = np.argsort(problem.usage_resource, kind="stable")
    owner = np.repeat(np.arange(n_options), np.diff(problem.usage_start))
    matrix = model.linear_constraint_matrix
    matrix.row_ids.extend(problem.group_of_option().tolist())
    matrix.row_ids.extend((problem.usage_resource[order] + n_groups).tolist())
    matrix.column_ids.extend(range(n_options))
    matrix.column_ids.extend(owner[order].tolist())
    matrix.coefficients.extend([1.0] * n_options)
    matrix.coefficients.extend(problem.usage_amount[order].astype(np.float64).tolist())
    return model


def _taken(problem: Problem, result: result_pb2.SolveResultProto) -> IntArray | None:
    if not result.solutions:
        return None
    values = result.solutions[0].primal_solution.variable_values
    value = np.zeros(problem.n_options)
    value[np.array(values.ids, dtype=np.int64)] = np.array(values.values)
    taken = np.flatnonzero(value > 0.5)
    return taken if taken.size == problem.n_groups else None
