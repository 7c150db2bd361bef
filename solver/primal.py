"""The primal side of a run: a first choice that follows the prices, then annealing."""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np

from solver.balance import typical_regret
from solver.bound import group_minimum
from solver.core import cheapest_options, part_of
from solver.dive import dives, near_options
from solver.ejection import Annealer
from solver.greedy import arrival_greedy, greedy, improve
from solver.problem import FloatArray, IntArray, Problem
from solver.source import MILLI

MANY_GROUPS = 2_000
EFFORTS = ((MANY_GROUPS, 20, 300), (50_000, 6, 600), (2**62, 2, 200))
"""Below how many groups how many dives of how many sweeps are made."""
MOST_DIVES = 20
NEAR_MOVES = 32
"""Options a group, on average, that annealing may move to."""


def first_choice(
    problem: Problem, value_milli: IntArray, price: FloatArray, seed: int = 0, executor: Executor | None = None
) -> IntArray | None:
    """A choice close to the bound, or None if each attempt leaves some group without an option.

    Parameters
    ----------
    problem : Problem
        No option names a resource twice.
    value_milli : int64[n_options]
        Reduced costs in thousandths of a cent.
    price : float64[n_resources]
        Cents a unit, as they are in the reduced costs.
    seed : int
        Seed of the dives.
    executor : Executor, optional
        Threads to dive side by side.
    """
    n_dives, n_sweeps = next(effort for below, *effort in EFFORTS if problem.n_groups < below)
    seeds = [seed * MOST_DIVES + number for number in range(n_dives)]
    found = dives(problem, value_milli, price, seeds, n_sweeps, executor)
    if not found or problem.n_groups < MANY_GROUPS:
        found.extend(_greedy_choices(problem, value_milli))
    return min(found, key=lambda one: int(problem.cost[one].sum()), default=None)


def _greedy_choices(problem: Problem, value_milli: IntArray) -> list[IntArray]:
    """Choices of groups in order of what they have to lose, and in order of arrival."""
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
    arrival = arrival_greedy(problem)
    if (arrival >= 0).all():
        found.append(arrival)
    return found


class Annealing:
    """A descent of annealing from hot to cold, in steps short enough to look at the clock between them.

    The farther the choice is from each group's best option, on average and relative to the problem's regret, the hotter
    it starts and the more moves it makes: a good choice is not melted down. Later rounds start hotter and take longer.
    """

    HEAT = 12.0
    LEAST_HOT, MOST_HOT = 0.25, 8.0
    FALL = 20.0
    LEAST_MOVES_A_GROUP, MOVES_A_REGRET = 10, 240
    LEAST_MOVES = 200_000
    LEAST_STEPS = 10
    MOST_MOVES_A_STEP = 200_000

    def __init__(self, problem: Problem, value_milli: IntArray, choice: IntArray, seed: int, rounds: int = 0) -> None:
        regret = typical_regret(problem, value_milli)
        excess = float(np.mean((value_milli[choice] - group_minimum(problem, value_milli)) / MILLI))
        effort = 1 + rounds
        heat = self.HEAT * (effort * excess / regret) ** 2
        self._hot = regret * min(self.MOST_HOT, max(self.LEAST_HOT, heat))
        self._option = near_options(problem, value_milli, NEAR_MOVES, choice)
        part = part_of(problem, self._option)
        start = np.searchsorted(self._option, choice)
        self._annealer = Annealer(part.problem, value_milli[self._option] / MILLI, start, seed)
        a_group = self.LEAST_MOVES_A_GROUP + self.MOVES_A_REGRET * min(1.0, excess / regret)
        n_moves = max(self.LEAST_MOVES, int(a_group * problem.n_groups)) * effort
        self.n_steps = max(self.LEAST_STEPS, -(-n_moves // self.MOST_MOVES_A_STEP))
        self._moves_a_step = -(-n_moves // self.n_steps)

    @property
    def choice(self) -> IntArray:
        """The best choice so far."""
        return self._option[self._annealer.best]

    def descend(self, step: int) -> int:
        """Take step ``step`` of ``n_steps``; return the best cost so far."""
        hot = self._hot * self.FALL ** (-step / self.n_steps)
        cold = self._hot * self.FALL ** (-(step + 1) / self.n_steps)
        return self._annealer.run(n_moves=self._moves_a_step, hot=hot, cold=cold)
