"""Tests that the minimum-cost flow returns the true optimum, and only where the problem is an assignment."""

from __future__ import annotations

import numpy as np

from solver.assignment import solve_flow
from solver.mip import solve_mip
from solver.problem import MAX_CENTS, Problem

from .random_problems import brute_force, cost_if_feasible, random_problem


def test_matches_brute_force() -> None:
    """Tests random assignments, some infeasible, against the product of all options."""
    rng = np.random.default_rng(11)
    n_infeasible = 0
    for _ in range(300):
        problem = random_problem(
            rng,
            n_groups=int(rng.integers(1, 6)),
            max_entries=1,
            amount=int(rng.integers(1, 3)),
            max_supply=3,
        )
        optimum = brute_force(problem)
        result = solve_flow(problem)
        assert result is not None
        if optimum is None:
            n_infeasible += 1
            assert (result.status, result.choice) == ("infeasible", None)
            continue
        assert (result.objective, result.bound, result.status) == (optimum, optimum, "optimal")
        assert result.choice is not None
        assert cost_if_feasible(problem, tuple(result.choice.tolist())) == optimum
    assert 20 < n_infeasible < 280


def test_agrees_with_the_mip_on_a_larger_assignment() -> None:
    """Tests 300 groups on 40 resources against CP-SAT."""
    problem = random_problem(
        np.random.default_rng(12),
        n_groups=300,
        n_resources=40,
        max_options=6,
        max_entries=1,
        amount=1,
        max_supply=12,
        max_cost=3000,
        always_free=True,
    )
    flow, mip = solve_flow(problem), solve_mip(problem, method="cpsat")
    assert flow is not None and mip.status == "optimal"
    assert (flow.objective, flow.status) == (mip.objective, "optimal")


def test_none_where_it_is_no_assignment() -> None:
    """Tests that two resources in an option, or two amounts of a resource, are left to others."""

    def problem(usage_start: list[int], resource: list[int], amount: list[int], supply: list[int]) -> Problem:
        return Problem.from_arrays(
            cost=[0, -3, 0, -4],
            first=[0, 2, 4],
            usage_start=usage_start,
            usage_resource=resource,
            usage_amount=amount,
            supply=supply,
        )

    assert solve_flow(problem([0, 0, 2, 2, 4], [0, 1, 0, 1], [1, 1, 1, 1], [1, 1])) is None
    assert solve_flow(problem([0, 0, 1, 1, 2], [0, 0], [1, 2], [2])) is None
    # The second resource cannot be over-used, so the first is all that counts.
    result = solve_flow(problem([0, 0, 2, 2, 4], [0, 1, 0, 1], [1, 5, 1, 5], [1, 10]))
    assert result is not None and result.objective == -4


def test_no_groups() -> None:
    """Tests that a problem without groups costs nothing."""
    empty = Problem.from_arrays(cost=[], first=[0], usage_start=[0], usage_resource=[], usage_amount=[], supply=[])
    result = solve_flow(empty)
    assert result is not None and (result.objective, result.status) == (0, "optimal")


def test_large_costs_are_exact_or_refused() -> None:
    """Tests that costs near 2**53 give the true optimum or None, never a wrong one."""
    n_groups = 600
    cost = np.zeros(2 * n_groups, np.int64)
    cost[1::2] = -MAX_CENTS + np.arange(n_groups)
    problem = Problem.from_arrays(
        cost=cost,
        first=np.arange(n_groups + 1) * 2,
        usage_start=np.arange(2 * n_groups + 1) // 2,
        usage_resource=np.zeros(n_groups, np.int64),
        usage_amount=np.ones(n_groups, np.int64),
        supply=[7],
    )
    result = solve_flow(problem)
    assert result is None or result.objective == -7 * MAX_CENTS + sum(range(7))
