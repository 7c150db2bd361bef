"""Tests the sweeps, what they are mended into, and the options they look at, on small problems."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from solver import Problem
from solver.balance import Schedule, balance, typical_regret
from solver.check import verify
from solver.core import part_of
from solver.dive import NEAR, SCHEDULES, dives, mend, near_options
from solver.mip import MipLimits
from solver.neighbourhood import NeighbourhoodSearch
from solver.pool import merged_usage
from solver.primal import Annealing, first_choice
from solver.source import MILLI
from tests.solver.random_problems import brute_force, random_problem, scipy_optimum


def problems(
    seed: int, n: int, *, n_groups: int = 6, free: bool = True
) -> Iterator[tuple[np.random.Generator, Problem]]:
    """Small random problems, each with the generator that drew it; no option names a resource twice."""
    for i in range(n):
        rng = np.random.default_rng([seed, i])
        yield rng, merged_usage(random_problem(rng, n_groups=n_groups, always_free=free))


def free_start(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Reduced costs and prices where all prices are zero."""
    return problem.cost * MILLI, np.zeros(problem.n_resources)


def test_sweeps_over_use_little() -> None:
    """Tests that sweeps end with options of their own, mostly within the supply, and prices that are not negative."""
    n_over = 0
    for _, problem in problems(1, 200):
        problem = part_of(problem, near_options(problem, problem.cost * MILLI, 99)).problem
        value, price = free_start(problem)
        choice, level, asked = balance(problem, value, price, Schedule(), seed=3)
        assert ((choice >= problem.first[:-1]) & (choice < problem.first[1:])).all()
        assert (level >= 0.0).all() and (asked >= 0.0).all()
        n_over += int((problem.usage_of(choice) > problem.supply).any())
    assert n_over <= 20


def test_sweeps_repeat_themselves() -> None:
    """Tests that a seed gives the same choice and prices again, and that seeds differ."""
    differ = 0
    for _, problem in problems(2, 20, n_groups=40):
        value, price = free_start(problem)
        one, two, other = (balance(problem, value, price, Schedule(n_sweeps=5), seed) for seed in (1, 1, 2))
        assert (one[0] == two[0]).all() and (one[1] == two[1]).all()
        differ += bool((one[0] != other[0]).any())
    assert differ > 10


def test_dives_are_feasible_and_close() -> None:
    """Tests that a dive always finds a choice where one option uses nothing, and that it is mostly the optimum."""
    n_best = 0
    for _, problem in problems(3, 200):
        (choice,) = dives(problem, *free_start(problem), seeds=[1], n_sweeps=100)
        best = brute_force(problem)
        assert best is not None
        cost = verify(problem, choice)
        assert cost >= best
        n_best += cost == best
    assert n_best >= 120


def test_dives_side_by_side_are_the_dives_one_by_one() -> None:
    """Tests that several seeds give the same choices in the same order on threads, and differ from each other."""
    differ = 0
    with ThreadPoolExecutor(2) as executor:
        for _, problem in problems(9, 20, n_groups=40):
            start = free_start(problem)
            alone = dives(problem, *start, seeds=[1, 2, 3, 4], n_sweeps=3)
            together = dives(problem, *start, seeds=[1, 2, 3, 4], n_sweeps=3, executor=executor)
            assert len(alone) == len(together) == 4
            assert all((one == other).all() for one, other in zip(alone, together))
            differ += any((together[0] != other).any() for other in together[1:])
    assert differ > 5


def test_later_dives_follow_the_better_schedule() -> None:
    """Tests that each schedule is tried once, and that all other seeds take the one that ended cheaper."""
    n_soft = n_hard = 0
    for _, problem in problems(10, 40, n_groups=40):
        start = free_start(problem)
        found = [verify(problem, choice) for choice in dives(problem, *start, seeds=[1, 2, 3], n_sweeps=20)]
        options = near_options(problem, start[0], NEAR)
        part = part_of(problem, options)
        regret = typical_regret(problem, start[0])
        ends = []
        for schedule in SCHEDULES:
            its = replace(schedule, n_sweeps=20)
            rough, _, _ = balance(part.problem, start[0][options], start[1][part.resource], its, 3, regret)
            mended = mend(problem, start[0], options[rough])
            assert mended is not None
            ends.append(verify(problem, mended))
        better = 0 if found[0] <= found[1] else 1
        assert found[2] == ends[better]
        n_soft += better == 0 and ends[0] != ends[1]
        n_hard += better == 1 and ends[0] != ends[1]
    assert n_soft > 0 and n_hard > 0


def test_mending_takes_nothing_from_feasible_choices() -> None:
    """Tests that any choice is mended into a feasible one or none, and a feasible one never gets dearer."""
    n_none = n_mended = 0
    for rng, problem in problems(4, 300, free=False):
        choice = problem.first[:-1] + rng.integers(0, np.diff(problem.first))
        fits = bool((problem.usage_of(choice) <= problem.supply).all())
        mended = mend(problem, problem.cost * MILLI, choice)
        if mended is None:
            n_none += 1
            assert not fits
            continue
        n_mended += not fits
        cost = verify(problem, mended)
        assert not fits or cost <= verify(problem, choice)
    assert n_none > 20 and n_mended > 20


def test_near_options_hold_what_must_be_held() -> None:
    """Tests that each group keeps its best option that fits alone, one that uses nothing, and a given one."""
    for rng, problem in problems(5, 200, n_groups=20):
        value = problem.cost * MILLI
        given = problem.first[:-1] + rng.integers(0, np.diff(problem.first))
        options = near_options(problem, value, 2, given)
        assert (np.diff(options) > 0).all()
        assert np.isin(given, options).all()
        idle = np.array([not problem.usage_of(np.array([o])).any() for o in options])
        assert np.unique(problem.group_of_option()[options[idle]]).size == problem.n_groups
        alone = np.array([(problem.usage_of(np.array([o])) <= problem.supply).all() for o in range(problem.n_options)])
        least = np.minimum.reduceat(np.where(alone, problem.cost, 10**9), problem.first[:-1])
        kept = np.full(problem.n_options, 10**9)
        kept[options] = np.where(alone, problem.cost, 10**9)[options]
        cheap = least <= np.minimum.reduceat(problem.cost, problem.first[:-1])
        assert (np.minimum.reduceat(kept, problem.first[:-1])[cheap] == least[cheap]).all()


def test_regret_is_the_loss_in_the_second_best() -> None:
    """Tests the median regret over groups with a choice against the obvious computation; it is never zero."""
    for _, problem in problems(6, 100, free=False):
        losses = []
        for a, b in zip(problem.first[:-1], problem.first[1:]):
            cost = np.sort(problem.cost[a:b])
            if cost.size > 1 and cost[1] > cost[0]:
                losses.append(cost[1] - cost[0])
        expected = float(np.median(losses)) if losses else 1.0
        assert typical_regret(problem, problem.cost * MILLI) == expected


def test_small_problems_end_at_the_optimum() -> None:
    """Tests dives, annealing and neighbourhoods one after another against an independent solver."""
    n_best = n_runs = 0
    for _, problem in problems(7, 25, n_groups=30):
        value, price = free_start(problem)
        choice = first_choice(problem, value, price)
        assert choice is not None
        annealing = Annealing(problem, value, choice, seed=1)
        before = verify(problem, choice)
        for step in range(annealing.n_steps):
            now = annealing.descend(step)
            assert now == verify(problem, annealing.choice) <= before
            before = now
        search = NeighbourhoodSearch(problem, np.ones(problem.n_resources, np.int64), value, seed=1)
        choice, saved = search.round(annealing.choice, MipLimits(), None)
        assert verify(problem, choice) == before - saved and saved >= 0
        best = scipy_optimum(problem)
        assert best is not None and best <= before - saved
        n_best += best == before - saved
        n_runs += 1
    assert n_best >= 0.9 * n_runs
