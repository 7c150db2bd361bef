"""Independent recomputation of a choice: feasibility and cost, from the problem alone."""

from __future__ import annotations

from solver.bound import exact_sum
from solver.problem import IntArray, Problem


def verify(problem: Problem, choice: IntArray) -> int:
    """Cost of a choice in cents, after making sure that it is one.

    Raises
    ------
    AssertionError
        If a group has no option of its own, or a resource is over-used: a bug, not bad input.
    """
    if choice.shape != (problem.n_groups,):
        raise AssertionError(f"the choice has shape {choice.shape}, expected ({problem.n_groups},)")
    if (choice < problem.first[:-1]).any() or (choice >= problem.first[1:]).any():
        raise AssertionError("a group has an option that is not its own")
    over = problem.usage_of(choice) - problem.supply
    if (over > 0).any():
        worst = int(over.argmax())
        raise AssertionError(f"resource {worst} is over-used by {over[worst]}")
    return exact_sum(problem.cost[choice])
