"""A study: strategies on the same streams with the same draws, and what the differences between them are worth."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import stats

from engine.allocate import VERSIONED
from engine.errors import Fault, InputError
from engine.replay.clairvoyant import with_hindsight
from engine.replay.documents import Stream
from engine.replay.draws import draws_of
from engine.replay.play import longest_wait_minutes, play
from engine.replay.results import TERMS, Outcome, outcome_of
from engine.replay.strategies import RIVALS
from engine.replay.turns import Strategy
from engine.replay.world import MINUTE, World, build_world

CONFIDENCE = 0.95
FEW_SEEDS = 10
"""With fewer a bootstrap interval is given besides that of the t distribution."""
N_RESAMPLES = 9999


@dataclass(frozen=True, kw_only=True)
class StudyParams:
    """Parameters of :func:`study`.

    Parameters
    ----------
    reject_bp : int
        How often nodes say no for which the stream has no figure, in basis points.
    bound : bool
        Whether to bound what any of the strategies could have come to.
    bound_gap : float
        How well the stream is solved for it.
    """

    reject_bp: int = 0
    bound: bool = True
    bound_gap: float = 0.01


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What hindsight could have done with one seed; see :class:`engine.replay.clairvoyant.Hindsight`."""

    seed: int
    bound_cents: int
    objective_cents: int
    wait_minutes: float


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What a strategy costs more (or less, below 0) than another, an order, over seeds.

    Parameters
    ----------
    strategy, against : str
        Their names.
    n_seeds : int
        How many pairs there are.
    mean_cents, low_cents, high_cents : float or None
        Mean of the paired differences, and its 95% interval by Student's t; no interval from one seed.
    bootstrap_low_cents, bootstrap_high_cents : float or None
        The same by the percentile bootstrap, where seeds are few.
    verdict : str
        ``cheaper`` or ``dearer`` where the interval is on one side of zero, else ``no difference shown``; ``same``
        where all differences are zero, ``one seed`` where there is no interval.
    """

    strategy: str
    against: str
    n_seeds: int
    mean_cents: float
    low_cents: float | None
    high_cents: float | None
    bootstrap_low_cents: float | None
    bootstrap_high_cents: float | None
    verdict: str


@dataclass(frozen=True, kw_only=True)
class Study:
    """All outcomes, differences and bounds.

    Parameters
    ----------
    outcomes : tuple of Outcome
        By seed, then in the order of the strategies.
    best_rival : str or None
        The rival that is cheapest on average over these very seeds: differences are against it. None: no rival played.
    differences : tuple of Difference
        One for each other strategy.
    bounds : tuple of Bound
        By seed.
    digests : tuple of str
        SHA-256 of each seed's stream.
    """

    outcomes: tuple[Outcome, ...]
    best_rival: str | None
    differences: tuple[Difference, ...]
    bounds: tuple[Bound, ...]
    digests: tuple[str, ...]

    def of(self, strategy: str) -> list[Outcome]:
        """A strategy's outcomes, by seed."""
        return [each for each in self.outcomes if each.strategy == strategy]


def study(
    streams: Iterable[tuple[int, Stream]],
    strategies: Sequence[Strategy],
    params: StudyParams | None = None,
    *,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> Study:
    """Play strategies on streams.

    Parameters
    ----------
    streams : iterable of (int, Stream)
        Seeds of the draws, and the stream of each; the same stream may come again with another seed.
    strategies : sequence of Strategy
        With names of their own.
    params : StudyParams, optional
        Rejections, and the bound.
    on_outcome : callable, optional
        Called after each pass.

    Returns
    -------
    Study
        The same for the same input, always.

    Raises
    ------
    InputError
        If a strategy comes twice, or figures are so large that costs would not be exact.
    AssertionError
        If a strategy ends below the bound: there is a bug.
    """
    params = params or StudyParams()
    names = [strategy.name for strategy in strategies]
    for name in sorted({name for name in names if names.count(name) > 1}):
        raise InputError(
            [Fault(table="replay", row=None, column="strategy", value=f"{name}, twice", expected="each once")]
        )
    outcomes: list[Outcome] = []
    bounds: list[Bound] = []
    digests = []
    worlds: dict[int, tuple[World, str]] = {}
    for seed, stream in streams:
        if id(stream) not in worlds:
            wait = max((longest_wait_minutes(strategy) for strategy in strategies), default=1)
            worlds = {id(stream): (build_world(stream, longest_wait_minutes=wait), stream.digest())}
        world, digest = worlds[id(stream)]
        digests.append(digest)
        draws = draws_of(world, seed=seed, reject_bp=params.reject_bp)
        ours = []
        for strategy in strategies:
            ours.append(outcome_of(world, strategy, seed, play(world, strategy, draws)))
            if on_outcome is not None:
                on_outcome(ours[-1])
        outcomes += ours
        if params.bound and ours:
            wait_micros = max(each.longest_wait_micros for each in ours)
            found = with_hindsight(world, draws, wait_micros=wait_micros, gap=params.bound_gap)
            below = [each.strategy for each in ours if each.total_cents < found.bound_cents]
            if below:
                raise AssertionError(f"{below[0]} ended below the bound")
            bounds.append(
                Bound(
                    seed=seed,
                    bound_cents=found.bound_cents,
                    objective_cents=found.objective_cents,
                    wait_minutes=wait_micros / MINUTE,
                )
            )
    best = best_rival(outcomes)
    return Study(
        outcomes=tuple(outcomes),
        best_rival=best,
        differences=tuple(difference(outcomes, name, best) for name in names if best is not None and name != best),
        bounds=tuple(bounds),
        digests=tuple(digests),
    )


def best_rival(outcomes: Sequence[Outcome]) -> str | None:
    """The rival of least total cost over all seeds, the first among equals."""
    totals = {
        name: sum(each.total_cents for each in outcomes if each.strategy == name)
        for name in RIVALS
        if any(each.strategy == name for each in outcomes)
    }
    return min(totals, key=lambda name: totals[name], default=None)


def difference(outcomes: Sequence[Outcome], strategy: str, against: str) -> Difference:
    """The paired difference of two strategies' cost an order."""
    cents = {
        name: np.array([o.total_cents / max(1, o.counts["orders"]) for o in outcomes if o.strategy == name])
        for name in (strategy, against)
    }
    pairs: NDArray[np.float64] = cents[strategy] - cents[against]
    low = high = boot_low = boot_high = None
    verdict = "one seed"
    if not pairs.any():
        verdict = "same"
    elif pairs.size > 1:
        spread = float(pairs.std(ddof=1)) / np.sqrt(pairs.size)
        reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2, pairs.size - 1)) * spread
        low, high = float(pairs.mean() - reach), float(pairs.mean() + reach)
        verdict = "cheaper" if high < 0 else "dearer" if low > 0 else "no difference shown"
        if pairs.size < FEW_SEEDS:
            boot_low, boot_high = _bootstrap(pairs)
    return Difference(
        strategy=strategy,
        against=against,
        n_seeds=pairs.size,
        mean_cents=float(pairs.mean()),
        low_cents=low,
        high_cents=high,
        bootstrap_low_cents=boot_low,
        bootstrap_high_cents=boot_high,
        verdict=verdict,
    )


def _bootstrap(pairs: NDArray[np.float64]) -> tuple[float, float]:
    found = stats.bootstrap(
        (pairs,),
        np.mean,
        confidence_level=CONFIDENCE,
        n_resamples=N_RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)


def study_documents(found: Study, about: dict[str, Any]) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """A study as tables and a JSON object, to be written.

    Parameters
    ----------
    about : dict
        What was asked for; becomes a part of the object.
    """
    runs = pa.Table.from_pylist([_row(each) for each in found.outcomes])
    differences = pa.Table.from_pylist([vars(each) for each in found.differences], schema=_DIFFERENCES)
    bounds = pa.Table.from_pylist([vars(each) for each in found.bounds], schema=_BOUNDS)
    result = {
        "asked": about,
        "streams_sha256": list(found.digests),
        "best_rival": found.best_rival,
        "bound_cents": [each.bound_cents for each in found.bounds],
        "versions": {"python": platform.python_version(), **{name: version(name) for name in VERSIONED}},
    }
    return {"runs": runs, "differences": differences, "bounds": bounds}, result


def _row(each: Outcome) -> dict[str, Any]:
    return {
        "seed": each.seed,
        "strategy": each.strategy,
        "total_cents": each.total_cents,
        **{name: each.terms[name] for name in TERMS},
        **each.counts,
        "fill": each.fill,
        "split_share": each.split_share,
        "late_share": each.late_share,
        "delay_minutes_mean": each.delay_minutes_mean,
        "delay_minutes_p95": each.delay_minutes_p95,
        "settled_minutes_mean": each.settled_minutes_mean,
        "longest_wait_micros": each.longest_wait_micros,
    }


_DIFFERENCES = pa.schema(
    [
        ("strategy", pa.string()),
        ("against", pa.string()),
        ("n_seeds", pa.int64()),
        ("mean_cents", pa.float64()),
        ("low_cents", pa.float64()),
        ("high_cents", pa.float64()),
        ("bootstrap_low_cents", pa.float64()),
        ("bootstrap_high_cents", pa.float64()),
        ("verdict", pa.string()),
    ]
)
_BOUNDS = pa.schema(
    [
        ("seed", pa.int64()),
        ("bound_cents", pa.int64()),
        ("objective_cents", pa.int64()),
        ("wait_minutes", pa.float64()),
    ]
)
