"""``python -m benchmarks.quality``: whether the solver still finds and proves as much as it once did.

Small batches of each load are allocated until the gap asked for, a proof or exhaustion ends the search, never the
clock: so what comes out depends on the code alone. It must not be worse than what ``quality.json`` holds. Seconds are
shown, and judge nothing.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError

from benchmarks.kinds import Day
from engine import AllocateParams, allocate
from engine.check import check
from engine.generate import GenerateParams, generate

RECORDED = Path(__file__).with_name("quality.json")
TOLERANCE = 0.0005
"""How much more than recorded a gap, or an objective relative to the recorded one, may be."""
PATIENCE_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A batch and the gap to ask for; 0: everything that can be found and proved."""

    name: str
    day: Day
    gap: float


TRIALS = (
    Trial(name="peak-600", day=Day(load="peak", n_orders=600, n_nodes=40, n_skus=200), gap=0.0025),
    Trial(name="peak-2000", day=Day(load="peak", n_orders=2000, n_nodes=60, n_skus=500), gap=0.0035),
    Trial(name="calm-2000", day=Day(load="calm", n_orders=2000, n_nodes=60, n_skus=1000), gap=0.0),
    Trial(name="flash-1000", day=Day(load="flash", n_orders=1000, n_nodes=40, n_skus=20), gap=0.0),
    Trial(name="basket-120", day=Day(load="basket", n_orders=120, n_nodes=16, n_skus=100), gap=0.0),
    Trial(name="basket-2000", day=Day(load="basket", n_orders=2000, n_nodes=40, n_skus=600), gap=0.002),
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came out of a trial.

    Parameters
    ----------
    nothing_cents : int
        What shipping nothing costs: tells one batch from another.
    seconds : float
        Of allocating; not judged.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    objective_cents: int
    bound_cents: int
    nothing_cents: int
    gap: float
    savings_gap: float
    termination: str
    n_faults: int
    seconds: float


_OUTCOMES: TypeAdapter[dict[str, Outcome]] = TypeAdapter(dict[str, Outcome])


def run(trial: Trial) -> Outcome:
    """Generate, allocate and check the batch of a trial."""
    day = trial.day
    batch = generate(
        GenerateParams(load=day.load, n_orders=day.n_orders, n_nodes=day.n_nodes, n_skus=day.n_skus, seed=day.seed)
    )
    params = AllocateParams(gap=trial.gap, time_limit_seconds=PATIENCE_SECONDS, workers=os.cpu_count() or 1)
    started = time.perf_counter()
    allocation = allocate(batch, params)
    seconds = time.perf_counter() - started
    summary = allocation.summary
    return Outcome(
        objective_cents=summary["objective_cents"],
        bound_cents=summary["bound_cents"],
        nothing_cents=summary["nothing_cents"],
        gap=summary["gap"],
        savings_gap=summary["savings_gap"],
        termination=summary["termination"],
        n_faults=check(batch, allocation).n_faults,
        seconds=round(seconds, 1),
    )


def complaints(trial: Trial, found: Outcome, recorded: Outcome | None) -> list[str]:
    """What is wrong with an outcome, or worse than recorded.

    A gap up to what was asked for is as good as any: a search that gets there sooner ends sooner.

    Parameters
    ----------
    trial : Trial
        Of which both are.
    found, recorded : Outcome
        Now, and then; None where nothing is recorded.
    """
    wrong = [f"{found.n_faults} faults"] if found.n_faults else []
    if found.termination == "time_limit":
        wrong.append(f"ended by the clock after {PATIENCE_SECONDS:g} s, expected an end by gap, proof or exhaustion")
    if recorded is None:
        return [*wrong, "nothing is recorded: run with --record"]
    if found.nothing_cents != recorded.nothing_cents:
        return [*wrong, "the batch is not the recorded one: the generator has changed, run with --record"]
    if found.bound_cents > recorded.objective_cents or found.objective_cents < recorded.bound_cents:
        wrong.append(
            f"objective {found.objective_cents}, bound {found.bound_cents} contradict the recorded objective "
            f"{recorded.objective_cents}, bound {recorded.bound_cents}: one of the bounds is wrong"
        )
    most_gap = max(trial.gap, recorded.gap + TOLERANCE)
    if found.gap > most_gap:
        wrong.append(f"gap is {100 * found.gap:.4f}%, expected at most {100 * most_gap:.4f}%")
    most_cents = recorded.objective_cents + max(trial.gap, TOLERANCE) * abs(recorded.objective_cents)
    if found.objective_cents > most_cents:
        wrong.append(f"objective is {found.objective_cents} cents, expected at most {most_cents:.0f}")
    return wrong


def read_outcomes(path: Path) -> dict[str, Outcome]:
    """Read recorded outcomes by name of the trial.

    Raises
    ------
    ValueError
        If the file is not there or not such a record; names the file and what is wrong.
    """
    try:
        return _OUTCOMES.validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise ValueError(f"{path}: there is no such file, expected recorded outcomes: run with --record") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def main(arguments: list[str] | None = None) -> int:
    """Run the trials.

    Returns
    -------
    int
        0; 1 when an outcome is wrong or worse than recorded, 2 when the record cannot be read.
    """
    names = [trial.name for trial in TRIALS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=f"some of: {', '.join(names)}")
    parser.add_argument("--record", action="store_true", help="keep what comes out now as what must not get worse")
    parser.add_argument("--against", type=Path, default=RECORDED, help=f"default: {RECORDED.name} here")
    options = parser.parse_args(arguments)
    try:
        outcomes = {} if options.record and not options.against.exists() else read_outcomes(options.against)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    worse = False
    for trial in TRIALS:
        if options.only and trial.name not in options.only:
            continue
        found = run(trial)
        before = found if options.record else outcomes.get(trial.name)
        wrong = complaints(trial, found, before)
        print(
            f"{trial.name:12} gap {100 * found.gap:.4f}%  objective {found.objective_cents / 100:>12,.2f}  "
            f"{found.termination:11}  {found.seconds:5.1f} s",
            "" if before is None or options.record else f"(recorded: gap {100 * before.gap:.4f}%)",
            flush=True,
        )
        for text in wrong:
            print(f"{trial.name}: {text}", file=sys.stderr)
        worse = worse or bool(wrong)
        outcomes[trial.name] = found
    if options.record and not worse:
        kept = {name: outcomes[name] for name in names if name in outcomes}
        options.against.write_bytes(_OUTCOMES.dump_json(kept, indent=1) + b"\n")
        print(f"recorded in {options.against}")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
