"""Tests that the exact solvers return the true optimum, prove it, and do so again on each run."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from benchmarks.literature import read_gap, read_mmkp
from solver.mip import MipLimits, MipMethod, MipResult, solve_mip
from solver.mip_reduce import reduce
from solver.problem import MAX_CENTS, Problem

from .random_problems import brute_force, cost_if_feasible, random_problem, scipy_optimum

METHODS: tuple[MipMethod, ...] = ("highs", "cpsat")
DATA = Path(__file__).parents[3] / "shared" / "data"


def assert_optimal(problem: Problem, result: MipResult, optimum: int | None) -> None:
    if optimum is None:
        assert result.status == "infeasible"
        assert (result.choice, result.objective, result.bound) == (None, None, None)
        return
    assert result.status == "optimal"
    assert (result.objective, result.bound) == (optimum, optimum)
    assert result.choice is not None
    assert cost_if_feasible(problem, tuple(result.choice.tolist())) == optimum
    assert np.all((problem.first[:-1] <= result.choice) & (result.choice < problem.first[1:]))


@pytest.mark.parametrize("method", METHODS)
def test_small_problems_match_brute_force(method: MipMethod) -> None:
    """Tests random small problems, many of them infeasible, against the product of all options."""
    rng = np.random.default_rng(1)
    n_infeasible = 0
    for number in range(200):
        problem = random_problem(rng, n_groups=int(rng.integers(1, 7)), always_free=number % 2 == 1)
        optimum = brute_force(problem)
        n_infeasible += optimum is None
        assert_optimal(problem, solve_mip(problem, method=method), optimum)
    assert 20 < n_infeasible < 90


def test_middling_problems_match_scipy() -> None:
    """Tests random problems too large for brute force against SciPy's solver on the unreduced problem."""
    rng = np.random.default_rng(2)
    for _ in range(10):
        problem = random_problem(rng, n_groups=30, n_resources=20, max_options=6, max_supply=20, max_cost=5000)
        optimum = scipy_optimum(problem)
        for method in METHODS:
            assert_optimal(problem, solve_mip(problem, method=method), optimum)


@pytest.mark.parametrize("method", METHODS)
def test_no_groups(method: MipMethod) -> None:
    """Tests that a problem without groups costs nothing."""
    problem = Problem.from_arrays(cost=[], first=[0], usage_start=[0], usage_resource=[], usage_amount=[], supply=[3])
    result = solve_mip(problem, method=method)
    assert (result.objective, result.bound, result.status) == (0, 0, "optimal")
    assert result.choice is not None and result.choice.size == 0


def contest(*, cost: int, amount: int, supply: int, n_groups: int = 3) -> Problem:
    """Build groups that each take nothing, or `amount` of the one resource and save `cost` and a bit."""
    costs = [c for group in range(n_groups) for c in (0, -cost - group)]
    return Problem.from_arrays(
        cost=costs,
        first=np.arange(n_groups + 1) * 2,
        usage_start=np.arange(2 * n_groups + 1) // 2,
        usage_resource=np.zeros(n_groups, np.int64),
        usage_amount=np.full(n_groups, amount),
        supply=[supply],
    )


@pytest.mark.parametrize("method", METHODS)
def test_repeated_entries_add(method: MipMethod) -> None:
    """Tests that the amounts of a resource named twice in an option add."""
    problem = Problem.from_arrays(
        cost=[0, -10, 0, -11],
        first=[0, 2, 4],
        usage_start=[0, 0, 2, 2, 4],
        usage_resource=[0, 0, 0, 0],
        usage_amount=[1, 1, 1, 1],
        supply=[3],
    )
    assert_optimal(problem, solve_mip(problem, method=method), -11)


@pytest.mark.parametrize("method", METHODS)
def test_zero_supply(method: MipMethod) -> None:
    """Tests that options of a resource with no supply are out, and infeasible where a group has no other."""
    assert_optimal(contest(cost=5, amount=1, supply=0), solve_mip(contest(cost=5, amount=1, supply=0)), 0)
    forced = Problem.from_arrays(
        cost=[1], first=[0, 1], usage_start=[0, 1], usage_resource=[0], usage_amount=[1], supply=[0]
    )
    assert_optimal(forced, solve_mip(forced, method=method), None)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("cost", "amount"), [(2**50, 1), (100, 2**50), (MAX_CENTS - 9, MAX_CENTS // 2)])
def test_large_numbers(method: MipMethod, cost: int, amount: int) -> None:
    """Tests that costs and amounts near 2**53 are never wrong: exact from CP-SAT, valid from HiGHS."""
    problem = contest(cost=cost, amount=amount, supply=amount * 2)
    result = solve_mip(problem, method=method)
    optimum = -2 * cost - 3
    if method == "cpsat":
        assert_optimal(problem, result, optimum)
    else:
        assert result.bound is not None and result.bound <= optimum
        assert result.objective is None or result.objective >= optimum


def test_sums_that_would_overflow() -> None:
    """Tests 3,000 groups whose amounts and costs add up to more than 2**63 each."""
    problem = contest(cost=MAX_CENTS - 5000, amount=MAX_CENTS, supply=MAX_CENTS, n_groups=3000)
    for method in METHODS:
        result = solve_mip(problem, method=method, limits=MipLimits(max_nodes=1))
        best = -(MAX_CENTS - 5000) - 2999
        assert result.bound is not None and result.bound <= best
        if result.choice is not None:
            assert cost_if_feasible(problem, tuple(result.choice.tolist())) == result.objective
    free = contest(cost=MAX_CENTS - 5000, amount=0, supply=0, n_groups=3000)
    assert solve_mip(free).objective == -3000 * (MAX_CENTS - 5000) - sum(range(3000))


@pytest.mark.parametrize("method", METHODS)
def test_same_result_on_each_run(method: MipMethod) -> None:
    """Tests that two runs stopped by a limit return the same choice and bound."""
    problem = random_problem(
        np.random.default_rng(5), n_groups=60, n_resources=40, max_options=8, max_supply=9, max_cost=900
    )
    limits = MipLimits(max_nodes=1, max_deterministic_seconds=0.01)
    one, two = (solve_mip(problem, method=method, limits=limits) for _ in range(2))
    assert (one.objective, one.bound, one.status) == (two.objective, two.bound, two.status)
    assert np.array_equal(one.choice, two.choice)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", METHODS)
def test_hint_is_never_made_worse(method: MipMethod) -> None:
    """Tests that a feasible hint bounds the result under the smallest limits, and a broken one is ignored."""
    rng = np.random.default_rng(6)
    tried = 0
    while tried < 10:
        problem = random_problem(rng, n_groups=12, n_resources=8, max_options=6, max_supply=9)
        best = solve_mip(problem)
        if best.choice is None:
            continue
        tried += 1
        limits = MipLimits(max_nodes=1, max_deterministic_seconds=1e-6)
        hinted = solve_mip(problem, hint=best.choice, limits=limits, method=method)
        assert hinted.objective == best.objective
        assert hinted.bound is not None and best.objective is not None and hinted.bound <= best.objective
        dearest = problem.first[1:] - 1
        for broken in (dearest, np.full(problem.n_groups, -1), dearest[1:]):
            assert_optimal(problem, solve_mip(problem, hint=broken, method=method), best.objective)


def test_gap_stops_early_with_a_valid_bound() -> None:
    """Tests that with a gap allowed, objective and bound enclose the optimum and lie within the gap."""
    rng = np.random.default_rng(7)
    for _ in range(5):
        problem = random_problem(rng, n_groups=30, n_resources=20, max_options=6, max_supply=20, max_cost=5000)
        best = solve_mip(problem)
        if best.objective is None:
            continue
        for method in METHODS:
            result = solve_mip(problem, method=method, limits=MipLimits(gap_cents=3000))
            assert result.objective is not None and result.bound is not None
            assert result.bound <= best.objective <= result.objective <= result.bound + 3001


def test_unknown_method() -> None:
    """Tests that an unknown method is named in the error."""
    with pytest.raises(ValueError, match="'simplex', expected highs, cpsat or auto"):
        solve_mip(contest(cost=1, amount=1, supply=1), method="simplex")  # type: ignore[arg-type]


def test_reduction_keeps_the_optimum() -> None:
    """Tests on problems with many beaten options that the reduced problem has the same optimum."""
    rng = np.random.default_rng(8)
    n_dropped = 0
    for _ in range(150):
        problem = random_problem(rng, n_groups=4, n_resources=3, max_options=8, max_entries=2, max_cost=5)
        reduced = reduce(problem)
        optimum = brute_force(problem)
        if reduced is None:
            assert optimum is None
            continue
        n_dropped += problem.n_options - reduced.problem.n_options
        assert brute_force(reduced.problem) == optimum
        assert np.array_equal(reduced.problem.cost, problem.cost[reduced.option])
        assert np.array_equal(reduced.place[reduced.option], np.arange(reduced.problem.n_options))
        stays = np.flatnonzero(reduced.place >= 0)
        stand_in = reduced.option[reduced.place[stays]]
        assert np.all(problem.cost[stand_in] <= problem.cost[stays])
        assert np.array_equal(problem.group_of_option()[stand_in], problem.group_of_option()[stays])
    assert n_dropped > 150


def known(folder: str, column: str) -> dict[str, float]:
    """Best known values by file, empty without the data."""
    path = DATA / folder / "known.csv"
    if not path.exists():
        return {}
    with path.open(newline="") as lines:
        return {row["file"]: float(row[column]) for row in csv.DictReader(lines)}


@pytest.mark.skipif(not DATA.exists(), reason="benchmark files are not here")
@pytest.mark.parametrize("series", range(1, 7))
def test_gap_series(series: int) -> None:
    """Tests the small generalised assignment problems from the literature against their known optima."""
    values = {name: value for name, value in known("gap", "best_value").items() if f"gap{series}-" in name}
    assert len(values) == 5
    for name in sorted(values)[:3]:
        result = solve_mip(read_gap(DATA / "gap" / name))
        assert (result.status, result.objective) == ("optimal", values[name])


@pytest.mark.skipif(not DATA.exists(), reason="benchmark files are not here")
@pytest.mark.parametrize("name", ["I01.txt", "I02.txt", "I05.txt", "I06.txt"])
def test_mmkp(name: str) -> None:
    """Tests the small multiple-choice knapsacks from the literature against their known optima."""
    problem, scale = read_mmkp(DATA / "mmkp" / name)
    result = solve_mip(problem)
    assert result.status == "optimal" and result.objective is not None
    assert -result.objective == round(known("mmkp", "best_value_max")[name] * scale)


def test_readers(tmp_path: Path) -> None:
    """Tests both readers on files written here: orientation, decimals, text after the end, broken files."""
    gap = tmp_path / "gap"
    gap.write_text("2 3\n1 2 3\n4 5 6\n7 8 9\n10 11 12\n20 21\n")
    problem = read_gap(gap)
    assert problem.cost.tolist() == [1, 4, 2, 5, 3, 6]
    assert problem.usage_amount.tolist() == [7, 10, 8, 11, 9, 12]
    assert problem.usage_resource.tolist() == [0, 1, 0, 1, 0, 1]
    assert problem.supply.tolist() == [20, 21]
    gap.write_text("2 3\n1 2 3\n")
    with pytest.raises(ValueError, match="expected 16"):
        read_gap(gap)
    mmkp = tmp_path / "mmkp"
    mmkp.write_text("2 2 1\n5\n1\n3.50 2\n4.00 3\n2\n1.00 1\n9.00 4\n Upper bound\n 13.0\n")
    problem, scale = read_mmkp(mmkp)
    assert (scale, problem.cost.tolist()) == (10, [-35, -40, -10, -90])
    assert (problem.usage_amount.tolist(), problem.supply.tolist()) == ([2, 3, 1, 4], [5])
    mmkp.write_text("2 2 1\n5\n2\n3.50 2\n4.00 3\n1\n1.00 1\n9.00 4\n")
    with pytest.raises(ValueError, match="does not number"):
        read_mmkp(mmkp)
