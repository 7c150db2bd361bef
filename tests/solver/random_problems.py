"""Random small problems and slow, obvious solvers to compare with."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from solver.problem import Problem


def random_problem(
    rng: np.random.Generator,
    *,
    n_groups: int,
    n_resources: int = 4,
    max_options: int = 4,
    max_entries: int = 3,
    max_amount: int = 4,
    max_supply: int = 6,
    max_cost: int = 50,
    amount: int | None = None,
    always_free: bool = False,
) -> Problem:
    """Draw a problem: costs of both signs, repeated and zero entries, zero supplies, sometimes infeasible.

    With always_free each group has one more, dear option that uses nothing.
    """
    cost: list[int] = []
    first, start = [0], [0]
    resource: list[int] = []
    amounts: list[int] = []
    for _ in range(n_groups):
        for _ in range(int(rng.integers(1, max_options + 1))):
            cost.append(int(rng.integers(-max_cost, max_cost + 1)))
            for _ in range(int(rng.integers(0, max_entries + 1))):
                resource.append(int(rng.integers(n_resources)))
                amounts.append(int(rng.integers(0, max_amount + 1)) if amount is None else amount)
            start.append(len(resource))
        if always_free:
            cost.append(max_cost + 1)
            start.append(len(resource))
        first.append(len(cost))
    return Problem.from_arrays(
        cost=cost,
        first=first,
        usage_start=start,
        usage_resource=resource,
        usage_amount=amounts,
        supply=rng.integers(0, max_supply + 1, n_resources),
    )


def uses(problem: Problem, option: int) -> dict[int, int]:
    """Total use of each resource by an option, in Python integers."""
    total: dict[int, int] = {}
    for entry in range(int(problem.usage_start[option]), int(problem.usage_start[option + 1])):
        resource = int(problem.usage_resource[entry])
        total[resource] = total.get(resource, 0) + int(problem.usage_amount[entry])
    return total


def cost_if_feasible(problem: Problem, choice: tuple[int, ...]) -> int | None:
    """Cost of a choice in Python integers, None if it breaks a supply."""
    total: dict[int, int] = {}
    for option in choice:
        for resource, amount in uses(problem, option).items():
            total[resource] = total.get(resource, 0) + amount
    if any(amount > int(problem.supply[resource]) for resource, amount in total.items()):
        return None
    return sum(int(problem.cost[option]) for option in choice)


def brute_force(problem: Problem) -> int | None:
    """Least cost over the product of all options, None if none is feasible."""
    groups = [range(int(a), int(b)) for a, b in zip(problem.first[:-1], problem.first[1:])]
    costs = [cost_if_feasible(problem, choice) for choice in product(*groups)]
    return min((cost for cost in costs if cost is not None), default=None)


def scipy_optimum(problem: Problem) -> int | None:
    """Least cost by SciPy's own HiGHS, on the problem as it stands; None if infeasible."""
    rows = np.zeros((problem.n_groups + problem.n_resources, problem.n_options))
    rows[problem.group_of_option(), np.arange(problem.n_options)] = 1.0
    for option in range(problem.n_options):
        for resource, amount in uses(problem, option).items():
            rows[problem.n_groups + resource, option] = amount
    low = np.concatenate((np.ones(problem.n_groups), np.full(problem.n_resources, -np.inf)))
    high = np.concatenate((np.ones(problem.n_groups), problem.supply.astype(np.float64)))
    result: Any = milp(
        problem.cost.astype(np.float64),
        integrality=np.ones(problem.n_options),
        bounds=Bounds(0.0, 1.0),
        constraints=LinearConstraint(rows, low, high),
        options={"mip_rel_gap": 0.0},
    )
    assert result.status in (0, 2), result.message
    return None if result.status == 2 else round(result.fun)
