"""The primal side of a run: a first choice that follows the prices, then annealing."""

from __future__ import annotations

import numpy as np

from solver.bound import group_minimum
from solver.core import cheapest_options
from solver.ejection import Annealer
from solver.greedy import arrival_greedy, greedy, improve
from solver.problem import IntArray, Problem
from solver.source import MILLI


def first_choice(problem: Problem, value_milli: IntArray) -> IntArray | None:
    """The best of several greedy choices, or None if each of them leaves some group without an option.

    Parameters
    ----------
    problem : Problem
        Any problem.
    value_milli : int64[n_options]
        Reduced costs in thousandths of a cent.
    """
    least = group_minimum(problem, value_milli)
    second = value_milli.copy()
    second[cheapest_options(problem, value_milli)] = np.iinfo(np.int64).max
    regret = group_minimum(problem, second)
    single = np.diff(problem.first) == 1
    regret[~single] -= least[~single]
    dear = np.maximum.reduceat(value_milli, problem.first[:-1]) - least
    half = value_milli // 2 + problem.cost * (MILLI // 2)
    found: list[IntArray] = []
    for order in (np.argsort(-dear, kind="stable"), np.argsort(-regret, kind="stable")):
        choice = greedy(problem, order, value_milli)
        if (choice >= 0).all():
            found.append(improve(problem, improve(problem, choice, order, half), order, problem.cost))
    choice = arrival_greedy(problem)
    if (choice >= 0).all():
        found.append(choice)
    if not found:
        return None
    return min(found, key=lambda one: int(problem.cost[one].sum()))


class Annealing:
    """A descent of annealing from hot to cold, in steps short enough to look at the clock between them."""

    HOT = 100.0
    COLD = 3.0
    MOVES_A_GROUP = 300
    LEAST_STEPS = 10
    MOST_MOVES_A_STEP = 300_000

    def __init__(self, problem: Problem, value_milli: IntArray, choice: IntArray, seed: int) -> None:
        self._annealer = Annealer(problem, value_milli / MILLI, choice, seed)
        n_moves = self.MOVES_A_GROUP * problem.n_groups
        self.n_steps = max(self.LEAST_STEPS, -(-n_moves // self.MOST_MOVES_A_STEP))
        self._moves_a_step = -(-n_moves // self.n_steps)

    @property
    def choice(self) -> IntArray:
        """The best choice so far."""
        return self._annealer.best

    def descend(self, step: int) -> int:
        """Take step ``step`` of ``n_steps``; return the best cost so far."""
        ratio = self.COLD / self.HOT
        hot = self.HOT * ratio ** (step / self.n_steps)
        cold = self.HOT * ratio ** ((step + 1) / self.n_steps)
        return self._annealer.run(n_moves=self._moves_a_step, hot=hot, cold=cold)
