"""Tests bounds, cuts, greedy, annealing and exact closing on small problems against brute force."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

from solver import Problem, SolveParams, solve
from solver.bound import exact_sum, group_minimum, reduced, whole_cents
from solver.check import verify
from solver.cuts import Cuts
from solver.ejection import Annealer
from solver.exact import components, solve_exact
from solver.gather import Lane, gather
from solver.greedy import arrival_greedy, greedy, improve
from solver.mip import MipLimits
from solver.pool import merged_usage
from solver.prices import Ascent, eased
from solver.primal import first_choice
from solver.problem import FloatArray, IntArray, offsets
from solver.separation import separate
from solver.source import MILLI, price_of
from tests.solver.random_problems import brute_force, cost_if_feasible, random_problem, scipy_optimum
from tests.stopping import Polls, Ticks, as_if_large


def problems(seed: int, n: int, **shape: Any) -> Iterator[tuple[np.random.Generator, Problem]]:
    """Random problems, each with the generator that drew it."""
    rng = np.random.default_rng(seed)
    for _ in range(n):
        yield rng, random_problem(rng, n_groups=int(rng.integers(1, 6)), **shape)


def bound_at(problem: Problem, price: IntArray) -> int:
    """What whole prices (thousandths of a cent) prove, in cents."""
    value = group_minimum(problem, reduced(problem, price))
    paid = sum(int(supply) * int(cents) for supply, cents in zip(problem.supply, price))
    return whole_cents(exact_sum(value) - paid)


def feasible_choices(problem: Problem) -> Iterator[IntArray]:
    """Every choice within the supply."""
    groups = [range(int(a), int(b)) for a, b in zip(problem.first[:-1], problem.first[1:])]
    for choice in product(*groups):
        if cost_if_feasible(problem, choice) is not None:
            yield np.array(choice, np.int64)


def test_any_prices_prove_a_bound() -> None:
    """Tests random prices from zero to absurd: the bound never exceeds the optimum."""
    n_tight = 0
    for rng, problem in problems(21, 300):
        best = brute_force(problem)
        for scale in (0, 1, 30, 1000, 10**9):
            price = rng.integers(0, scale * MILLI + 1, problem.n_resources)
            bound = bound_at(problem, price)
            assert best is None or bound <= best
            n_tight += bound == best
    assert n_tight > 50


@pytest.mark.parametrize("temperature", [0.01, 1.0, 50.0])
def test_ascent_ends_with_a_bound_no_worse_than_it_began(temperature: float) -> None:
    """Tests prices of the ascent: never negative, a valid bound and no worse, shares add up to one."""
    for rng, problem in problems(22, 60):
        best = brute_force(problem)
        start = rng.random(problem.n_resources) * rng.choice([0.0, 20.0])
        ascent = Ascent(problem.n_resources)
        ascent.price = start
        everyone = np.ones(problem.n_groups, np.bool_)
        smooth = gather(problem, Cuts.none(), everyone, problem.supply.astype(np.float64), start)
        share = ascent.climb(smooth, temperature=temperature, step_cents=temperature, n_steps=40)
        assert (ascent.best >= 0.0).all() and np.isfinite(ascent.best).all()
        price = np.rint(ascent.best * MILLI).astype(np.int64)
        assert best is None or bound_at(problem, price) <= best
        contested = np.isin(np.arange(problem.n_resources), smooth.rows)
        assert exact_bound(problem, ascent.best) >= exact_bound(problem, np.where(contested, start, 0.0)) - 1e-3
        assert np.allclose(np.add.reduceat(share, problem.first[:-1]), 1.0)


def test_eased_prices_prove_no_less() -> None:
    """Tests that easing lowers prices only, no group's least reduced cost, and so never the bound."""
    n_lower = 0
    for rng, problem in problems(25, 200):
        price = rng.random(problem.n_resources) * rng.choice([1.0, 20.0])
        lower = eased(problem, price)
        assert (lower >= 0.0).all() and (lower <= price + 1e-9).all()
        assert exact_bound(problem, lower) >= exact_bound(problem, price) - 1e-6
        n_lower += bool((lower < price - 1e-6).any())
    assert n_lower > 50


def exact_bound(problem: Problem, price: FloatArray) -> float:
    """The bound at float prices, in cents."""
    entry = problem.usage_amount * price[problem.usage_resource]
    option = np.repeat(np.arange(problem.n_options), np.diff(problem.usage_start))
    value = problem.cost + np.bincount(option, weights=entry, minlength=problem.n_options)
    return float(np.minimum.reduceat(value, problem.first[:-1]).sum() - problem.supply @ price)


def test_every_choice_respects_every_cut() -> None:
    """Tests cuts separated at random shares, and every fraction with random shifts, on all feasible choices."""
    n_cuts = n_separated = n_shifted = n_binding = 0
    for rng, problem in problems(23, 150, max_supply=9, max_amount=5):
        problem = merged_usage(problem)
        found = [separate(problem, random_share(rng, problem)) for _ in range(4)]
        n_separated += sum(cuts.n_cuts for cuts in found)
        n_shifted += sum(int((np.diff(cuts.shift_first) > 0).sum()) for cuts in found)
        every = [(r, t, k) for r in range(problem.n_resources) for k in range(2, 11) for t in range(1, k)]
        plain = Cuts.plain(*np.array(every).T)
        found += [plain, shifted(rng, plain, problem.n_groups)]
        for choice in feasible_choices(problem):
            for cuts in found:
                extended = cuts.extended(problem)
                left = extended.supply - extended.usage_of(choice)
                assert (left >= 0).all()
                n_cuts += cuts.n_cuts
                n_binding += int((left == 0).sum())
    assert n_separated > 50 and n_shifted > 50 and n_cuts > 10_000 and n_binding > 1000


def shifted(rng: np.random.Generator, cuts: Cuts, n_groups: int) -> Cuts:
    """The same fractions with random shifts of random groups."""
    takes_part = rng.random((cuts.n_cuts, n_groups)) < rng.random((cuts.n_cuts, 1))
    cut, group = np.nonzero(takes_part)
    return Cuts(
        resource=cuts.resource,
        numerator=cuts.numerator,
        denominator=cuts.denominator,
        shift_first=offsets(takes_part.sum(axis=1)),
        shift_group=group,
        shift=rng.integers(1, cuts.denominator[cut]),
    )


def random_share(rng: np.random.Generator, problem: Problem) -> FloatArray:
    """Shares of options that add up to one in each group."""
    share = rng.random(problem.n_options) ** 4
    return share / np.repeat(np.add.reduceat(share, problem.first[:-1]), np.diff(problem.first))


def test_separated_cuts_are_violated() -> None:
    """Tests that a cut is returned only where the shares break it."""
    for rng, problem in problems(24, 200, max_supply=9, max_amount=5):
        problem = merged_usage(problem)
        share = random_share(rng, problem)
        cuts = separate(problem, share)
        extended = cuts.extended(problem)
        weight = np.repeat(share, np.diff(extended.usage_start)) * extended.usage_amount
        usage = np.bincount(extended.usage_resource, weights=weight, minlength=extended.n_resources)
        assert (usage > extended.supply)[problem.n_resources :].all()


def test_price_tables_say_what_extended_rows_say() -> None:
    """Tests that pricing by table gives the reduced costs with cuts as rows, or less where they shift."""
    for rng, problem in problems(25, 150, max_supply=9, max_amount=5):
        problem = merged_usage(problem)
        rows = np.flatnonzero(problem.supply >= 1)
        if rows.size == 0:
            continue
        rows = np.repeat(rows, 2)
        denominator = rng.integers(2, 12, rows.size)
        cuts = Cuts.plain(rows, rng.integers(1, denominator), denominator)
        some = shifted(rng, cuts, problem.n_groups)
        extended = cuts.extended(problem)
        price = rng.integers(0, 30 * MILLI, extended.n_resources) * rng.integers(0, 2, extended.n_resources)
        prices = cuts.prices(price, problem.supply)
        value, dearer = reduced(extended, price), reduced(some.extended(problem), price)
        assert (reduced(problem, price, cuts) == value).all() and (reduced(problem, price, some) == dearer).all()
        for option in range(problem.n_options):
            at = range(int(problem.usage_start[option]), int(problem.usage_start[option + 1]))
            entries = [(int(problem.usage_resource[i]), int(problem.usage_amount[i])) for i in at]
            total = int(problem.cost[option]) * MILLI + sum(price_of(*prices, *entry) for entry in entries)
            assert total <= dearer[option]
            if all(amount <= problem.supply[resource] for resource, amount in entries):
                assert total == value[option]
            else:
                assert total <= value[option]
        best = brute_force(problem)
        assert best is None or max(bound_at(extended, price), bound_at(some.extended(problem), price)) <= best


def test_cuts_where_they_stand_are_rows() -> None:
    """Tests that usage, the ascent's lanes and eased prices know shifted cuts as they know rows of the problem."""
    n_cuts = 0
    for rng, problem in problems(31, 150, max_supply=9, max_amount=5):
        problem = merged_usage(problem)
        rows = np.flatnonzero(problem.supply >= 1)
        if rows.size == 0:
            continue
        rows = np.repeat(rows, 2)
        denominator = rng.integers(2, 6, rows.size)
        cuts = shifted(rng, Cuts.plain(rows, rng.integers(1, denominator), denominator), problem.n_groups)
        n_cuts += cuts.n_cuts
        extended = cuts.extended(problem)
        options = np.sort(rng.choice(problem.n_options, problem.n_options // 2 + 1, replace=False))
        assert (cuts.usage_of(problem, options) == extended.usage_of(options)).all()
        price = rng.random(extended.n_resources) * rng.choice([1.0, 20.0])
        assert np.allclose(eased(problem, price, cuts), eased(extended, price))
        everyone, rest = np.ones(problem.n_groups, np.bool_), extended.supply.astype(np.float64)
        here = gather(problem, cuts, everyone, rest, price)
        there = gather(extended, Cuts.none(), everyone, rest, price)
        assert (here.rows == there.rows).all() and (here.option == there.option).all()
        for mine, its in zip(here.lanes, there.lanes):
            value, same = ascent_values(mine, price[here.rows]), ascent_values(its, price[here.rows])
            assert np.allclose(value, same)
    assert n_cuts > 500


def ascent_values(lane: Lane, price: FloatArray) -> FloatArray:
    """Cost of each option of a lane with what its resources ask."""
    asked = lane.usage_amount * price[lane.usage_row]
    option = np.repeat(np.arange(lane.cost.size), np.diff(lane.usage_start))
    return lane.cost + np.bincount(option, weights=asked, minlength=lane.cost.size)


def test_a_cover_is_found_and_closes_the_gap() -> None:
    """Tests two units for three orders of one, one and two: prices alone stop short, a shifted cut does not."""
    problem = Problem.from_arrays(
        cost=np.array([0, 30, 0, 20, 0, 55]),
        first=np.array([0, 2, 4, 6]),
        usage_start=np.array([0, 1, 1, 2, 2, 3, 3]),
        usage_resource=np.array([0, 0, 0]),
        usage_amount=np.array([1, 1, 2]),
        supply=np.array([2]),
    )
    share = np.array([1.0, 0.0, 0.0, 1.0, 0.5, 0.5])  # where prices alone end
    cuts = separate(problem, share)
    assert cuts.n_cuts == 1 and cuts.shift_group.tolist() == [0]
    extended = cuts.extended(problem)
    assert brute_force(problem) == 50
    plain = max(bound_at(problem, np.array([unit * MILLI])) for unit in range(40))
    most = max(bound_at(extended, np.array([unit, cut]) * MILLI) for unit, cut in product(range(40), range(40)))
    assert plain == 47 and most == 50  # 47.5 at half a cent


def test_greedy_choices_fit() -> None:
    """Tests that greedy never over-uses, and that passing over a choice again never makes it dearer."""
    n_whole = 0
    for rng, problem in problems(26, 300):
        problem = merged_usage(problem)
        order = rng.permutation(problem.n_groups)
        for choice in (arrival_greedy(problem), greedy(problem, order, problem.cost)):
            taken = choice[choice >= 0]
            assert (problem.usage_of(taken) <= problem.supply).all()
            if taken.size == problem.n_groups:
                n_whole += 1
                better = improve(problem, choice, order, problem.cost)
                assert verify(problem, better) <= verify(problem, choice)
                assert verify(problem, better) >= (brute_force(problem) or -(10**9))
    assert n_whole > 100


def test_annealing_stays_feasible_and_counts_exactly() -> None:
    """Tests costs and supply after rounds of annealing, and that it mostly ends at the optimum."""
    n_runs = n_best = 0
    for rng, problem in problems(27, 150, always_free=True, max_supply=8):
        problem = merged_usage(problem)
        value = reduced(problem, rng.integers(0, 20 * MILLI, problem.n_resources))
        choice = first_choice(problem, value, np.zeros(problem.n_resources))
        assert choice is not None
        annealer = Annealer(problem, value / MILLI, choice, n_runs)
        for hot, cold in ((100.0, 10.0), (10.0, 0.5), (0.5, 0.1)):
            best = annealer.run(n_moves=60 * problem.n_groups, hot=hot, cold=cold)
            assert verify(problem, annealer.best) == best == annealer.best_cost
            assert verify(problem, annealer.choice) == annealer.cost
            assert best <= verify(problem, choice)
        n_best += best == brute_force(problem)
        n_runs += 1
    assert n_best >= 0.9 * n_runs


def test_components_are_solved_exactly() -> None:
    """Tests the sum over components against brute force, and that no contested resource ties two of them."""
    n_components = 0
    for _, problem in problems(28, 150, n_resources=6, max_entries=2):
        problem = merged_usage(problem)
        n, component = components(problem)
        n_components += n
        assert sorted(set(component.tolist())) == list(range(n))
        exact = solve_exact(problem, None, MipLimits())
        best = brute_force(problem)
        assert exact.bound == best
        assert (exact.choice is None) == (best is None)
        assert exact.choice is None or verify(problem, exact.choice) == best
    assert n_components > 200


@pytest.mark.parametrize("large", [False, True])
def test_problems_without_a_source_are_solved_to_the_end(large: bool) -> None:
    """Tests bare problems, many infeasible, against brute force, as they are and as if they were large."""
    n_infeasible = 0
    for _, problem in problems(29, 120, max_options=3):
        best = brute_force(problem)
        if large:
            with as_if_large():
                result = solve(problem, SolveParams(gap=0.0))
        else:
            result = solve(problem)
        if best is None:
            n_infeasible += 1
            assert (result.termination, result.choice, result.objective) == ("infeasible", None, None)
            assert result.gap is None
            continue
        assert result.termination == "optimal"
        assert result.choice is not None and verify(problem, result.choice) == best
        assert result.objective == result.bound == best and result.gap == 0.0
        assert (result.price >= 0.0).all()
    assert 10 < n_infeasible < 100


def test_bare_problems_stopped_early_are_honest() -> None:
    """Tests bounds and objectives of problems stopped by a clock or a caller after any number of steps."""
    ends = set()
    for rng, problem in problems(30, 120, always_free=True):
        best = brute_force(problem)
        n = int(rng.integers(1, 30))
        with as_if_large():
            by_time = solve(problem, SolveParams(gap=0.0, time_limit_seconds=float(n)), clock=Ticks(1.0))
            by_caller = solve(problem, SolveParams(gap=0.0), interrupt=Polls(n // 4))
        for result in (by_time, by_caller):
            ends.add(result.termination)
            assert best is not None and result.bound is not None
            assert result.bound <= best
            assert result.objective is None or best <= result.objective
            assert (result.termination == "optimal") == (result.objective == result.bound)
    assert ends == {"optimal", "time_limit", "interrupted"}


def test_fine_stages_that_would_not_end_in_time_are_left_out() -> None:
    """Tests that what time is left after a first choice goes to improving it, where prices would take all of it."""
    rng = np.random.default_rng(40)
    problem = random_problem(rng, n_groups=60, n_resources=12, max_options=6, max_supply=40, always_free=True)
    with as_if_large():
        whole = solve(problem, SolveParams(gap=0.0), clock=Ticks(0.01))
        reached = next(point.elapsed_seconds for point in whole.trace if point.phase == "greedy")
        prices = next(point.elapsed_seconds for point in whole.trace if point.phase == "prices")
        limit = reached + 0.25 * prices
        short = solve(problem, SolveParams(gap=0.0, time_limit_seconds=limit), clock=Ticks(0.01))
    phases = [[point.phase for point in result.trace] for result in (whole, short)]
    assert phases[0].index("anneal") > phases[0].index("prices", phases[0].index("greedy"))
    assert phases[1].count("prices") == 1 and "anneal" in phases[1]


def test_larger_bare_problems_against_scipy() -> None:
    """Tests problems of 60 groups as if they were large against SciPy's solver."""
    rng = np.random.default_rng(31)
    n_optimal = 0
    for _ in range(8):
        problem = random_problem(rng, n_groups=60, n_resources=12, max_options=6, max_supply=40, always_free=True)
        best = scipy_optimum(problem)
        with as_if_large():
            result = solve(problem, SolveParams(gap=0.0, time_limit_seconds=20.0))
        assert best is not None and result.objective is not None and result.bound is not None
        assert result.bound <= best <= result.objective
        n_optimal += result.termination == "optimal"
    assert n_optimal >= 6


GOOD: dict[str, Any] = {
    "cost": [3, 4],
    "first": [0, 2],
    "usage_start": [0, 1, 1],
    "usage_resource": [0],
    "usage_amount": [2],
    "supply": [5],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cost": [[3, 4]]}, "cost has 2 dimensions, expected 1"),
        ({"cost": [3.5, 4.0]}, "cost is of type float64, expected integers"),
        ({"supply": [True]}, "supply is of type bool, expected integers"),
        (
            {"cost": np.array([2**63, 0], np.uint64)},
            "cost has 9223372036854775808, expected at most 9007199254740992",
        ),
        ({"first": [0, 1]}, "first must rise from 0 to 2"),
        ({"first": [1, 2]}, "first must rise from 0 to 2"),
        ({"first": [0, 3, 2]}, "first must rise from 0 to 2"),
        ({"first": []}, "first must rise from 0 to 2"),
        ({"usage_start": [0, 2, 1]}, "usage_start must rise from 0 to 1"),
        ({"usage_start": [0, 1]}, "usage_start has 2 entries, expected 3"),
        ({"usage_amount": [2, 2]}, "usage_amount has 2 entries, expected 1"),
        ({"first": [0, 0, 2]}, "group 0 has no option, expected at least one"),
        ({"cost": [3, 2**53 + 1]}, f"cost[1] is {2**53 + 1}, expected {-(2**53)} to {2**53}"),
        ({"usage_amount": [-1]}, f"usage_amount[0] is -1, expected 0 to {2**53}"),
        ({"supply": [-1]}, f"supply[0] is -1, expected 0 to {2**53}"),
        ({"usage_resource": [1]}, "usage_resource[0] is 1, expected 0 to 0"),
        ({"usage_resource": [-1]}, "usage_resource[0] is -1, expected 0 to 0"),
    ],
)
def test_broken_problems_are_refused(change: dict[str, Any], message: str) -> None:
    """Tests the exact message of each way in which arrays can be wrong."""
    with pytest.raises(ValueError) as caught:
        Problem.from_arrays(**(GOOD | change))
    assert str(caught.value) == message


def test_good_arrays_make_a_problem() -> None:
    """Tests that the arrays behind the broken ones are right, and a problem of nothing at all."""
    problem = Problem.from_arrays(**GOOD)
    assert (problem.n_groups, problem.n_options, problem.n_resources) == (1, 2, 1)
    nothing = Problem.from_arrays(cost=[], first=[0], usage_start=[0], usage_resource=[], usage_amount=[], supply=[])
    result = solve(nothing)
    assert (result.termination, result.objective, result.bound) == ("optimal", 0, 0)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"gap": -0.1}, "gap is -0.1, expected a number from 0"),
        ({"gap": float("nan")}, "gap is nan, expected a number from 0"),
        ({"time_limit_seconds": 0.0}, "time_limit_seconds is 0.0, expected a number above 0"),
        ({"seed": -1}, "seed is -1, expected an integer from 0 to 2147483647"),
        ({"seed": 2**31}, "seed is 2147483648, expected an integer from 0 to 2147483647"),
    ],
)
def test_broken_parameters_are_refused(params: dict[str, Any], message: str) -> None:
    """Tests the exact message of each parameter out of range."""
    with pytest.raises(ValueError) as caught:
        SolveParams(**params)
    assert str(caught.value) == message
