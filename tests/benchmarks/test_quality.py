"""The quality gate: what it lets pass, what it stops, and that a worsened solver is stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.quality import RECORDED, TOLERANCE, TRIALS, Outcome, complaints, main, read_outcomes

TRIAL = next(trial for trial in TRIALS if trial.name == "flash-1000")
THEN = Outcome(
    objective_cents=1_000_000,
    bound_cents=999_000,
    nothing_cents=5_000_000,
    gap=0.001,
    savings_gap=0.00025,
    termination="stalled",
    n_faults=0,
    seconds=1.0,
)


def at(objective_cents: int, bound_cents: int = 999_000) -> Outcome:
    """An outcome of the same batch."""
    gap = (objective_cents - bound_cents) / objective_cents
    return replace(THEN, objective_cents=objective_cents, bound_cents=bound_cents, gap=gap)


def test_every_trial_is_recorded() -> None:
    """Tests that the record holds each trial, ended by a gap, a proof or exhaustion, within the gap asked for."""
    recorded = read_outcomes(RECORDED)
    assert list(recorded) == [trial.name for trial in TRIALS]
    for trial in TRIALS:
        outcome = recorded[trial.name]
        assert complaints(trial, outcome, outcome) == []
        assert outcome.termination in ("optimal", "gap_reached", "stalled")


def test_what_is_as_good_passes() -> None:
    """Tests that equal, better and barely worse outcomes pass, and that time does not count."""
    for found in (THEN, at(999_500), replace(THEN, seconds=1000.0), at(1_000_000 + int(0.9 * TOLERANCE * 1_000_000))):
        assert complaints(TRIAL, found, THEN) == []


def test_what_is_worse_is_stopped() -> None:
    """Tests that a dearer objective and a wider gap are told, each by its figures."""
    (dearer,) = complaints(TRIAL, at(1_000_600, 999_700), THEN)
    assert "objective is 1000600 cents, expected at most 1000500" in dearer
    (wider,) = complaints(TRIAL, at(1_000_000, 998_000), THEN)
    assert "gap is 0.2000%, expected at most 0.1500%" in wider


def test_the_gap_asked_for_is_enough() -> None:
    """Tests that a search which stops at the gap asked for is not held to what it once reached beyond it."""
    asked = replace(TRIAL, gap=0.004)
    assert complaints(asked, at(1_003_000, 999_500), THEN) == []
    assert len(complaints(asked, at(1_005_000, 999_500), THEN)) == 2


def test_wrong_results_are_stopped() -> None:
    """Tests that faults, contradicting bounds, another batch and an end by the clock are told."""
    for found, words in (
        (replace(THEN, n_faults=2), "2 faults"),
        (at(1_000_100, 1_000_001), "one of the bounds is wrong"),
        (at(998_999, 998_999), "one of the bounds is wrong"),
        (replace(THEN, nothing_cents=1), "the batch is not the recorded one"),
        (replace(THEN, termination="time_limit"), "ended by the clock"),
    ):
        (complaint,) = complaints(TRIAL, found, THEN)
        assert words in complaint
    assert complaints(TRIAL, THEN, None) == ["nothing is recorded: run with --record"]


def test_a_solver_that_got_worse_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests the whole gate: it records what comes out, and fails when the record says that more was found once."""
    only = ["--only", TRIAL.name]
    path = tmp_path / "quality.json"
    assert main([*only, "--against", str(path), "--record"]) == 0
    outcome = read_outcomes(path)[TRIAL.name]
    once = replace(
        outcome,
        objective_cents=round(0.998 * outcome.objective_cents),
        bound_cents=round(0.998 * outcome.bound_cents),
    )
    text = path.read_text(encoding="utf-8")
    for name in ("objective_cents", "bound_cents"):
        text = text.replace(f'"{name}": {getattr(outcome, name)}', f'"{name}": {getattr(once, name)}')
    path.write_text(text, encoding="utf-8")
    assert read_outcomes(path)[TRIAL.name] == once
    capsys.readouterr()
    assert main([*only, "--against", str(path)]) == 1
    assert f"{TRIAL.name}: objective is {outcome.objective_cents} cents" in capsys.readouterr().err


def test_records_that_cannot_be_read_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that a missing or a broken record ends with 2 and says which file."""
    missing = tmp_path / "none.json"
    assert main(["--against", str(missing)]) == 2
    assert f"{missing}: there is no such file" in capsys.readouterr().err
    broken = tmp_path / "broken.json"
    broken.write_text('{"flash-1000": {"gap": 0.1}}', encoding="utf-8")
    assert main(["--against", str(broken)]) == 2
    assert f"{broken}: flash-1000" in capsys.readouterr().err
