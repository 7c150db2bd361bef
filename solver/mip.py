"""Exact solution of small and middling problems by mixed integer programming, HiGHS or CP-SAT."""

from __future__ import annotations

from typing import Literal

from solver.mip_cpsat import fits_cpsat, solve_cpsat
from solver.mip_highs import solve_highs
from solver.mip_reduce import cheapest_options, exact_cost, is_feasible, reduce
from solver.mip_types import MipLimits, MipResult, MipStatus, RawResult
from solver.problem import IntArray, Problem

__all__ = ["MipLimits", "MipResult", "MipStatus", "solve_mip"]

MipMethod = Literal["highs", "cpsat", "auto"]

_SMALL_OPTIONS = 1000
_CPSAT_OPTIONS = 12_000
_CPSAT_ROW = 100
"""`auto` takes CP-SAT up to the first number of options (after reduction), and up to the second where few
options use a resource (on average): there it is several times faster. The rest goes to HiGHS."""


def solve_mip(
    problem: Problem,
    *,
    hint: IntArray | None = None,
    limits: MipLimits | None = None,
    method: MipMethod = "auto",
) -> MipResult:
    """Solve a problem, exactly if the limits allow it.

    The same input gives the same result. The GIL is free while the solver runs.

    Parameters
    ----------
    problem : Problem
        Any problem; it is reduced first.
    hint : int64[n_groups], optional
        A choice to start from. If it is feasible, the result is never worse.
    limits : MipLimits, optional
        How much work to do.
    method : {"highs", "cpsat", "auto"}
        The solver. CP-SAT is replaced by HiGHS where its integers could overflow.

    Returns
    -------
    MipResult
        A verified choice and a proved bound.

    Raises
    ------
    ValueError
        If the method is unknown.
    """
    limits = limits or MipLimits()
    if method not in ("highs", "cpsat", "auto"):
        raise ValueError(f"method is {method!r}, expected highs, cpsat or auto")
    reduced = reduce(problem)
    if reduced is None:
        return _INFEASIBLE
    cheapest = cheapest_options(reduced.problem)
    floor_cost = reduced.problem.cost[cheapest]
    floor = sum(floor_cost.tolist())
    if is_feasible(reduced.problem, cheapest):
        return MipResult(choice=reduced.option[cheapest], objective=floor, bound=floor, status="optimal")
    if hint is not None and not is_feasible(problem, hint):
        hint = None
    start = None if hint is None else reduced.place[hint]
    if method == "auto":
        method = "cpsat" if _suits_cpsat(reduced.problem) else "highs"
    if method == "cpsat" and fits_cpsat(reduced.problem, floor_cost):
        raw = solve_cpsat(reduced.problem, floor_cost, start, limits)
    else:
        raw = solve_highs(reduced.problem, floor_cost, start, limits)
    return _verified(problem, reduced.option, raw, hint, floor)


_INFEASIBLE = MipResult(choice=None, objective=None, bound=None, status="infeasible")


def _suits_cpsat(problem: Problem) -> bool:
    if problem.n_options <= _SMALL_OPTIONS:
        return True
    short_rows = problem.usage_resource.size <= _CPSAT_ROW * problem.n_resources
    return short_rows and problem.n_options <= _CPSAT_OPTIONS


def _verified(problem: Problem, option: IntArray, raw: RawResult, hint: IntArray | None, floor: int) -> MipResult:
    """Keep of a solver's answer what exact integers confirm; the floor is a bound in any case."""
    choice, objective = None, None
    if hint is not None:
        choice, objective = hint.copy(), exact_cost(problem, hint)
    if raw.choice is not None:
        found = option[raw.choice]
        if is_feasible(problem, found):
            cost = exact_cost(problem, found)
            if objective is None or cost < objective:
                choice, objective = found, cost
    if choice is None or objective is None:
        if raw.infeasible:
            return _INFEASIBLE
        return MipResult(choice=None, objective=None, bound=floor + max(raw.bound or 0, 0), status="unknown")
    bound = floor + max(raw.bound or 0, 0)
    if bound > objective or raw.infeasible:
        # A verified choice contradicts the solver: nothing it proved is kept.
        bound = floor
    return MipResult(
        choice=choice,
        objective=objective,
        bound=bound,
        status="optimal" if bound == objective else "feasible",
    )
