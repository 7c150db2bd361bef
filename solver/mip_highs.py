"""HiGHS on a reduced problem, called through the protocol buffers of OR-Tools' MathOpt.

Of the two routes to HiGHS in OR-Tools 9.15 this is the usable one. The other, ``ModelSolverHelper("highs")``,
reports the objective as its bound even when a limit stops the search, and a hint makes it write outside an
array.
"""

from __future__ import annotations

import math

import numpy as np
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    model_pb2,
    parameters_pb2,
    result_pb2,
)
from ortools.math_opt.core.python import solver as math_opt
from pybind11_abseil.status import StatusNotOk  # type: ignore[import-untyped]

from solver.mip_types import MipLimits, RawResult
from solver.problem import IntArray, Problem

_TOLERANCE = 1e-7
"""Feasibility tolerance of rows and reduced costs; the default is 1e-6. From 1e-9 HiGHS often has to repair a
solution it found, and its repair prints a line to the standard output that no option turns off."""
_MAX_AMOUNT = 2**30
"""Above this amount a double cannot hold row sums to the tolerance, and what HiGHS proves is not believed."""


def solve_highs(problem: Problem, floor_cost: IntArray, hint: IntArray | None, limits: MipLimits) -> RawResult:
    """Solve a reduced problem with HiGHS.

    Parameters
    ----------
    problem : Problem
        As :func:`solver.mip_reduce.reduce` leaves it.
    floor_cost : int64[n_groups]
        Cost of each group's cheapest option; the model has the cost above it.
    hint : int64[n_groups], optional
        A choice to start from.
    limits : MipLimits
        ``max_nodes``, ``gap_cents`` and ``seed`` apply.

    Returns
    -------
    RawResult
        Its bound is above the floor costs; None where it cannot be believed.
    """
    extra = problem.cost - np.repeat(floor_cost, np.diff(problem.first))
    parameters = parameters_pb2.SolveParametersProto(
        # With 0 HiGHS would not even solve the root.
        node_limit=max(limits.max_nodes, 1),
        random_seed=limits.seed,
        # HiGHS's own default is a relative gap of 1e-4.
        relative_gap_tolerance=0.0,
        absolute_gap_tolerance=float(limits.gap_cents),
    )
    # MathOpt refuses its common `threads` for HiGHS; a MIP run here is sequential.
    parameters.highs.string_options["parallel"] = "off"
    parameters.highs.double_options["mip_feasibility_tolerance"] = _TOLERANCE
    start = model_parameters_pb2.ModelSolveParametersProto()
    if hint is not None:
        value = np.zeros(problem.n_options)
        value[hint] = 1.0
        # Only a complete hint is taken.
        solution = start.solution_hints.add().variable_values
        solution.ids.extend(range(problem.n_options))
        solution.values.extend(value.tolist())
    try:
        result = math_opt.solve(
            _model(problem, extra),
            parameters_pb2.SOLVER_TYPE_HIGHS,
            parameters_pb2.SolverInitializerProto(),
            parameters,
            start,
            None,
            callback_pb2.CallbackRegistrationProto(),
            None,
            None,
        )
    except StatusNotOk:
        # HiGHS gave up (numerical trouble): nothing is known.
        return RawResult(choice=None, bound=None, infeasible=False)
    believed = max(problem.usage_amount.max(initial=0), problem.supply.max(initial=0)) <= _MAX_AMOUNT
    if result.termination.reason == result_pb2.TERMINATION_REASON_INFEASIBLE:
        return RawResult(choice=None, bound=None, infeasible=bool(believed))
    bound = None
    if believed:
        spread = float(np.maximum.reduceat(extra, problem.first[:-1]).astype(np.float64).sum())
        bound = _whole_bound(result.termination.objective_bounds.dual_bound, spread)
    return RawResult(choice=_choice(problem, result), bound=bound, infeasible=False)


def _whole_bound(bound: float, spread: float) -> int | None:
    """Whole cents that a float bound proves.

    The bound of a node is the objective of its LP. What the LP's tolerance can add to it is about the
    tolerance times the sum of all prices, for which the spread stands (sum over groups of dearest minus
    cheapest option): with ten thousand dollars of spread a tenth of a cent. A quarter of a cent on top covers
    rounding in sums and cuts. Costs are whole cents, so what is left may be rounded up; with a margin below
    one it can still reach the optimum.
    """
    if not math.isfinite(bound):
        return None
    return math.ceil(bound - 0.25 - _TOLERANCE * spread)


def _model(problem: Problem, extra: IntArray) -> model_pb2.ModelProto:
    n_options, n_groups, n_resources = problem.n_options, problem.n_groups, problem.n_resources
    model = model_pb2.ModelProto()
    model.variables.ids.extend(range(n_options))
    model.variables.lower_bounds.extend([0.0] * n_options)
    model.variables.upper_bounds.extend([1.0] * n_options)
    model.variables.integers.extend([True] * n_options)
    priced = np.flatnonzero(extra)
    model.objective.linear_coefficients.ids.extend(priced.tolist())
    model.objective.linear_coefficients.values.extend(extra[priced].astype(np.float64).tolist())
    rows = model.linear_constraints
    rows.ids.extend(range(n_groups + n_resources))
    rows.lower_bounds.extend([1.0] * n_groups + [-math.inf] * n_resources)
    rows.upper_bounds.extend([1.0] * n_groups + problem.supply.astype(np.float64).tolist())
    # Group rows come first, then resource rows: entries must be in order of row, then column.
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


def _choice(problem: Problem, result: result_pb2.SolveResultProto) -> IntArray | None:
    """The option of each group in the best solution, None without a solution that takes one of each."""
    if not result.solutions:
        return None
    values = result.solutions[0].primal_solution.variable_values
    value = np.zeros(problem.n_options)
    value[np.array(values.ids, dtype=np.int64)] = np.array(values.values)
    taken = np.flatnonzero(value > 0.5)
    return taken if taken.size == problem.n_groups else None
