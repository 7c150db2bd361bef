"""Times the inner loops: a pricing pass, a round of the price ascent, moves of the annealing.

They run where asked for (``python -m pytest benchmarks --benchmark-enable``), once each where not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from engine.compile import Compiled, compile_batch
from engine.documents import Batch
from engine.generate import GenerateParams, generate
from engine.options import OrderOptions
from solver.cuts import Cuts
from solver.ejection import Annealer
from solver.gather import Smooth, gather
from solver.greedy import arrival_greedy
from solver.pool import Pool
from solver.prices import Ascent
from solver.problem import FloatArray, Problem
from solver.source import MILLI, Prices

SLACK = 300 * MILLI
LIMIT = 16
N_STEPS = 40
N_MOVES = 10_000
ROUNDS = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class Prepared:
    """A small peak batch, some of its options listed, and prices for its resources."""

    compiled: Compiled
    problem: Problem
    smooth: Smooth
    price: FloatArray


@pytest.fixture(scope="module")
def batch() -> Batch:
    """A small peak day."""
    return generate(GenerateParams(load="peak", n_orders=1000, n_nodes=60, n_skus=300, seed=1))


@pytest.fixture(scope="module")
def prepared(batch: Batch) -> Prepared:
    """The batch after a first ascent."""
    compiled = compile_batch(batch)
    nothing = compiled.problem
    groups = np.arange(nothing.n_groups)
    more = compiled.options.more(groups, Prices.zero(nothing.n_resources), slack=SLACK, limit=LIMIT)
    pool, _ = Pool.complete(nothing).merged(groups, more, nothing.first[:-1])
    problem = pool.problem
    everyone = np.ones(problem.n_groups, np.bool_)
    smooth = gather(problem, Cuts.none(), everyone, problem.supply.astype(np.float64), np.zeros(problem.n_resources))
    ascent = Ascent(problem.n_resources)
    climb(ascent, smooth, N_STEPS)
    return Prepared(compiled=compiled, problem=problem, smooth=smooth, price=ascent.price)


def climb(ascent: Ascent, smooth: Smooth, n_steps: int) -> FloatArray:
    """Climb at a temperature from the middle of a run."""
    return ascent.climb(smooth, temperature=75.0, step_cents=90.0, n_steps=n_steps)


def timed(benchmark: BenchmarkFixture, setup: Callable[[], Any], run: Callable[[Any], Any]) -> Any:
    """Time a function on what a setup makes for each round, after a round that is not counted."""
    pedantic: Callable[..., Any] = benchmark.pedantic
    return pedantic(run, setup=lambda: ((setup(),), {}), rounds=ROUNDS, warmup_rounds=1)


def test_pricing_pass(benchmark: BenchmarkFixture, prepared: Prepared) -> None:
    """Tests how long it takes to list the good options of 1,000 orders at given prices."""
    compiled, problem = prepared.compiled, prepared.problem
    unit = np.rint(prepared.price * MILLI).astype(np.int64)
    prices = Prices.zero(problem.n_resources)._replace(unit=unit)
    groups = np.arange(problem.n_groups)

    def fresh() -> OrderOptions:
        # what was listed once is not listed again: each round starts anew
        return OrderOptions(compiled.network, compiled.orders)

    def run(options: OrderOptions) -> int:
        return int(options.more(groups, prices, slack=SLACK, limit=LIMIT).cost.size)

    assert timed(benchmark, fresh, run) > 0


def test_ascent_round(benchmark: BenchmarkFixture, prepared: Prepared) -> None:
    """Tests how long 40 rounds of the ascent take over the listed options."""

    def fresh() -> Ascent:
        return Ascent(prepared.problem.n_resources)

    def run(ascent: Ascent) -> float:
        return float(climb(ascent, prepared.smooth, N_STEPS).sum())

    shares = timed(benchmark, fresh, run)
    assert shares == pytest.approx(prepared.problem.n_groups)


def test_annealing_moves(benchmark: BenchmarkFixture, prepared: Prepared) -> None:
    """Tests how long 10,000 moves of the annealing take from a greedy choice."""
    problem = prepared.problem
    option = np.repeat(np.arange(problem.n_options), np.diff(problem.usage_start))
    paid = problem.usage_amount * prepared.price[problem.usage_resource]
    price = np.bincount(option, weights=paid, minlength=problem.n_options)
    value = problem.cost.astype(np.float64) + price.astype(np.float64)
    choice = arrival_greedy(problem)
    before = int(problem.cost[choice].sum())

    def fresh() -> Annealer:
        return Annealer(problem, value, choice, seed=1)

    def run(annealer: Annealer) -> int:
        return annealer.run(n_moves=N_MOVES, hot=100.0, cold=3.0)

    assert timed(benchmark, fresh, run) <= before
