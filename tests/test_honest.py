"""Tests that bound <= optimum <= objective, whatever cuts a run short: lists, time, callers, size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import AllocateParams, Allocation, Batch, allocate, parse_batch
from engine.check import check
from engine.generate import GenerateParams, generate
from engine.generate.loads import LoadName
from solver import SolveParams
from tests.campaign import EXACT, Judgement, allocate_short, judge
from tests.drawing import Document, batches
from tests.merging import merged_batch, optimum_by_scipy, without_large_orders
from tests.stopping import Polls, Ticks, as_if_large

HASTY = AllocateParams(gap=0.0, time_limit_seconds=1.0)


def judged(n_examples: int, run: Callable[[Batch, int], Allocation], size: str = "small") -> list[Judgement]:
    """Judge what a run makes of drawn batches; it gets a batch and a number to vary with."""
    judgements: list[Judgement] = []

    @settings(max_examples=n_examples, deadline=None, derandomize=True, database=None)
    @given(batches(size), st.integers(min_value=0, max_value=10_000))
    def honest(drawn: Document, number: int) -> None:
        judgement = judge(drawn, run(parse_batch(drawn), number), optimal=False)
        assert judgement.wrong == []
        judgements.append(judgement)

    honest()
    return judgements


def terminations(judgements: list[Judgement]) -> Counter[str]:
    """How often the runs ended in which way."""
    return Counter(judgement.termination for judgement in judgements)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_short_option_lists(most: int) -> None:
    """Tests lists of a few options an order, on both roads: most runs still end at the optimum."""
    exact = SolveParams(gap=0.0, time_limit_seconds=600.0)

    def run(batch: Batch, number: int) -> Allocation:
        if number % 2:
            return allocate_short(batch, most, exact)
        with as_if_large():
            return allocate_short(batch, most, exact)

    judgements = judged(35, run)
    ends = terminations(judgements)
    assert set(ends) <= {"optimal", "stalled"}
    assert sum(judgement.is_optimal for judgement in judgements) >= 0.7 * len(judgements)


def test_small_batches_on_the_road_of_large_ones() -> None:
    """Tests ascent, annealing, closing by reduced costs and neighbourhoods where the truth is known."""

    def run(batch: Batch, number: int) -> Allocation:
        with as_if_large():
            return allocate(batch, EXACT)

    judgements = judged(150, run)
    assert terminations(judgements)["optimal"] >= 0.98 * len(judgements)
    assert sum("competition" in judgement.features for judgement in judgements) >= 0.3 * len(judgements)


def test_time_limits_by_a_counting_clock() -> None:
    """Tests limits after any number of looks at the clock, as large and as small."""

    def run(batch: Batch, number: int) -> Allocation:
        params = AllocateParams(gap=0.0, time_limit_seconds=2.0 + number % 20)
        if number % 4 == 0:
            return allocate(batch, params, clock=Ticks(1.0))
        with as_if_large():
            return allocate(batch, params, clock=Ticks(1.0))

    ends = terminations(judged(60, run))
    assert ends["time_limit"] >= 5 and ends["optimal"] >= 5


@pytest.mark.parametrize("time_limit_seconds", [1e-9, 1e-3, 2e-2])
def test_tiny_time_limits(time_limit_seconds: float) -> None:
    """Tests real clocks and limits that are over before anything has begun."""

    def run(batch: Batch, number: int) -> Allocation:
        with as_if_large():
            return allocate(batch, AllocateParams(gap=0.0, time_limit_seconds=time_limit_seconds))

    assert set(terminations(judged(12, run))) <= {"optimal", "stalled", "time_limit"}


def test_interrupts() -> None:
    """Tests callers that ask to stop from the n-th time on that they are asked."""
    polled = 0

    def run(batch: Batch, number: int) -> Allocation:
        nonlocal polled
        polls = Polls(number % 30)
        with as_if_large():
            allocation = allocate(batch, EXACT, interrupt=polls)
        stopped = polls.n_polls > polls.n_calm
        polled += stopped
        ends = {"interrupted", "optimal"} if stopped else {"optimal", "stalled"}
        assert allocation.summary["termination"] in ends
        return allocation

    ends = terminations(judged(50, run))
    assert polled >= ends["interrupted"] >= 5


def test_gap_reached_is_within_the_gap() -> None:
    """Tests that a run that ends by its gap has one at most that large."""

    def run(batch: Batch, number: int) -> Allocation:
        gap = [0.001, 0.01, 0.1, 1.0][number % 4]
        with as_if_large():
            allocation = allocate(batch, AllocateParams(gap=gap))
        if allocation.summary["termination"] == "gap_reached":
            assert 0.0 < allocation.summary["gap"] <= gap
        return allocation

    assert terminations(judged(100, run))["gap_reached"] >= 3


def is_enclosed(batch: Batch, allocation: Allocation) -> bool:
    """Check an allocation, and that its bounds enclose SciPy's optimum; tell whether that was proved."""
    assert check(batch, allocation).faults == ()
    truth = optimum_by_scipy(batch)
    if truth is None:
        return False
    assert allocation.summary["bound_cents"] <= truth.high + 0.5
    assert allocation.summary["objective_cents"] >= truth.low - 0.5
    return truth.high - truth.low < 0.5


@pytest.mark.parametrize("large", [False, True])
def test_merged_batches(large: bool) -> None:
    """Tests 20 to 60 orders on the network of a few against another solver over complete lists."""
    n_enclosed = n_optimal = 0
    seeds = [129, *range(200, 220)]
    for seed in seeds:
        batch = parse_batch(merged_batch(seed, 5 + seed % 8))
        if large:
            with as_if_large():
                allocation = allocate(batch, EXACT)
        else:
            allocation = allocate(batch, EXACT)
        n_enclosed += is_enclosed(batch, allocation)
        n_optimal += allocation.summary["termination"] == "optimal"
    assert n_enclosed >= 0.8 * len(seeds)
    assert n_optimal >= 0.8 * len(seeds)


@pytest.mark.parametrize("load", ["peak", "calm", "flash", "basket"])
def test_generated_batches(load: LoadName) -> None:
    """Tests generated orders against another solver over complete lists, with short lists too."""
    n_enclosed = 0
    for seed in range(2):
        batch = generate(GenerateParams(load=load, n_orders=50, n_nodes=6, n_skus=25, seed=seed))
        for few in (without_large_orders(batch, 4), without_large_orders(batch, 9 - 3 * seed)):
            n_enclosed += is_enclosed(few, allocate(few, HASTY))
            with as_if_large():
                is_enclosed(few, allocate(few, HASTY))
                is_enclosed(few, allocate_short(few, 2, SolveParams(gap=0.0, time_limit_seconds=1.0)))
    assert n_enclosed >= 2
