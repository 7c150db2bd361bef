"""Tests what a study says about differences: paired, against the best rival, with intervals that mean it."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import InputError
from engine.replay.generating import StreamParams, generate_stream
from engine.replay.results import TERMS, Outcome
from engine.replay.strategies import strategy_of
from engine.replay.study import StudyParams, best_rival, difference, study, study_documents

SMALL = StreamParams(load="calm", days=2, n_orders=40, n_nodes=8, n_skus=20)


def outcome(strategy: str, seed: int, total_cents: int) -> Outcome:
    """An outcome of ten orders."""
    return Outcome(
        strategy=strategy,
        seed=seed,
        terms=dict.fromkeys(TERMS, 0),
        total_cents=total_cents,
        counts={"orders": 10},
        delay_minutes_mean=0.0,
        delay_minutes_p95=0.0,
        settled_minutes_mean=0.0,
        longest_wait_micros=0,
    )


def outcomes(**totals: list[int]) -> list[Outcome]:
    """Outcomes of some strategies, seed by seed."""
    return [outcome(name, seed, cents) for name, listed in totals.items() for seed, cents in enumerate(listed)]


def test_savings_are_against_the_best_rival() -> None:
    """Tests that the best rival is the cheapest over all seeds together, and that only rivals count."""
    found = outcomes(nearest=[100, 300], cheapest=[250, 100], priority=[200, 200], guided=[1, 1])
    assert best_rival(found) == "cheapest"
    assert best_rival(outcomes(guided=[1])) is None


def test_intervals_are_of_paired_differences() -> None:
    """Tests the t interval by a figure worked out by hand: differences 1, 2, 3 have mean 2 and deviation 1."""
    found = difference(outcomes(guided=[110, 220, 330], cheapest=[100, 200, 300]), "guided", "cheapest")
    reach = 4.302652729911275 / np.sqrt(3)  # t of 97.5% with two degrees of freedom
    assert found.mean_cents == pytest.approx(2.0)
    assert found.low_cents == pytest.approx(2.0 - reach) and found.high_cents == pytest.approx(2.0 + reach)
    assert found.verdict == "no difference shown"
    assert found.bootstrap_low_cents == pytest.approx(1.0) and found.bootstrap_high_cents == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("theirs", "verdict"),
    [([90, 191, 289], "cheaper"), ([110, 211, 309], "dearer"), ([100, 200, 300], "same"), ([90], "one seed")],
)
def test_verdicts_follow_the_interval(theirs: list[int], verdict: str) -> None:
    """Tests that a saving is only called one where its interval says so."""
    found = difference(outcomes(guided=theirs, cheapest=[100, 200, 300][: len(theirs)]), "guided", "cheapest")
    assert found.verdict == verdict


def test_a_study_is_the_same_again() -> None:
    """Tests that all tables and the object come out the same, and hold a row for each pass, difference and bound."""
    names = ("nearest", "cheapest", "windows:240")

    def played() -> tuple[object, object]:
        streams = ((seed, generate_stream(SMALL)) for seed in (0, 1))
        found = study(streams, [strategy_of(name) for name in names], StudyParams(reject_bp=300))
        return study_documents(found, {"strategies": list(names)})

    (tables, result), again = played(), played()
    assert (tables, result) == again
    assert [tables[name].num_rows for name in ("runs", "differences", "bounds")] == [6, 2, 2]  # type: ignore[index]
    assert len(set(result["streams_sha256"])) == 1 and result["best_rival"] in names  # type: ignore[index]


def test_draws_come_with_the_seed() -> None:
    """Tests that another seed brings other refusals on the same stream, and the same seed the same for all."""
    stream = generate_stream(SMALL)
    found = study(
        [(seed, stream) for seed in (0, 1, 0)], [strategy_of("nearest")], StudyParams(reject_bp=3000, bound=False)
    )
    first, other, again = found.outcomes
    assert first == again and first.total_cents != other.total_cents


def test_strategies_are_played_once() -> None:
    """Tests that the same name twice is refused: its runs could not be told apart."""
    with pytest.raises(InputError, match="nearest, twice"):
        study([], [strategy_of("nearest"), strategy_of("nearest")])
