"""What the commands over time do; `api.cli_replay` says how they are called."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from api.commands import compile_kernels, contents
from api.failures import DONE
from api.money import counted, dollars, percent
from api.progress import on_terminal
from api.sources import refuse_unwritable
from api.summary_table import plain_table, print_table

if TYPE_CHECKING:
    from engine.generate.loads import LoadName
    from engine.output import Format
    from engine.replay.documents import Stream
    from engine.replay.results import Outcome
    from engine.replay.study import Study


class Sizes(NamedTuple):
    """A stream to generate; see :class:`engine.replay.generating.StreamParams`."""

    load: LoadName
    days: int
    n_orders: int
    n_nodes: int
    n_skus: int
    horizon_days: int
    restock_days: int


@dataclass(frozen=True, kw_only=True)
class ReplayOptions:
    """What to play; see :func:`engine.replay.strategies.strategy_of` and :class:`engine.replay.study.StudyParams`.

    Parameters
    ----------
    strategies : tuple of str
        Names; none: the usual ones.
    seeds : range
        Of the draws.
    """

    strategies: tuple[str, ...]
    seeds: range
    reject_bp: int
    answer_minutes: int
    release_minutes: int
    change_cents: int
    gap: float
    bound: bool


def generate_stream_command(sizes: Sizes, seed: int, target: str, format: Format | None) -> int:
    """Generate a stream, write it, and say what was written; returns the exit code."""
    from engine.replay.documents import write_stream

    refuse_unwritable(Path(target), "stream")
    stream = _generated(sizes, seed)
    write_stream(stream, target, format)
    print(f"{sizes.load} stream of {counted(sizes.days, 'day')}: {contents(stream.batch)}, written to {target}")
    return DONE


def replay_command(source: str | None, sizes: Sizes, options: ReplayOptions, target: str | None, format: Format) -> int:
    """Play strategies, print what they come to, and write it.

    Parameters
    ----------
    source : str or None
        A stream; None: one is generated for each seed.
    sizes : Sizes
        What to generate.
    options : ReplayOptions
        What to play.
    target : str or None
        The folder for the result, if any.
    format : str
        Of its tables.

    Returns
    -------
    int
        The exit code.
    """
    from engine.output import write_documents
    from engine.replay.strategies import DEFAULT, strategy_of
    from engine.replay.study import StudyParams, study, study_documents

    names = options.strategies or DEFAULT
    strategies = [
        strategy_of(
            name,
            answer_minutes=options.answer_minutes,
            release_minutes=options.release_minutes,
            change_cents=options.change_cents,
            gap=options.gap,
        )
        for name in names
    ]
    if target is not None:
        refuse_unwritable(Path(target), "replay")
    compile_kernels()
    started = time.monotonic()
    found = study(
        _streams(source, sizes, options.seeds),
        strategies,
        StudyParams(reject_bp=options.reject_bp, bound=options.bound),
        on_outcome=_tell if on_terminal() else None,
    )
    _print(found, names)
    print(f"played in {time.monotonic() - started:.1f} s")
    if target is not None:
        about: dict[str, Any] = {
            **asdict(options),
            "strategies": list(names),
            "seeds": list(options.seeds),
            "generated": sizes._asdict() if source is None else None,
        }
        tables, result = study_documents(found, about)
        write_documents(tables, "result", result, Path(target), format, "replay")
        print(f"result written to {target}")
    return DONE


def _generated(sizes: Sizes, seed: int) -> Stream:
    from engine.replay.generating import StreamParams, generate_stream

    return generate_stream(StreamParams(**sizes._asdict(), seed=seed))


def _streams(source: str | None, sizes: Sizes, seeds: range) -> Iterator[tuple[int, Stream]]:
    from engine.replay.documents import read_stream

    given = None if source is None else read_stream(source)
    for seed in seeds:
        yield seed, _generated(sizes, seed) if given is None else given


def _tell(outcome: Outcome) -> None:
    print(f"seed {outcome.seed}: {outcome.strategy}, {dollars(outcome.total_cents)}", file=sys.stderr, flush=True)


def _print(found: Study, names: tuple[str, ...]) -> None:
    """Cost against delay, then the differences from the best rival, then what hindsight could have done."""
    n_seeds = len(found.digests)
    best = found.best_rival
    table = plain_table("strategy", "cents/order", "delay min", "p95", "fill", "split", "late", "refused", "changed")
    for name in names:
        runs = found.of(name)
        n_orders = max(1, sum(run.counts["orders"] for run in runs))
        table.add_row(
            name + (" *" if name == best else ""),
            f"{sum(run.total_cents for run in runs) / n_orders:,.1f}",
            f"{_mean([run.delay_minutes_mean for run in runs]):,.1f}",
            f"{_mean([run.delay_minutes_p95 for run in runs]):,.0f}",
            percent(_mean([run.fill for run in runs])),
            percent(_mean([run.split_share for run in runs])),
            percent(_mean([run.late_share for run in runs])),
            f"{sum(run.counts['refused'] for run in runs):,}",
            f"{sum(run.counts['changed'] for run in runs):,}",
        )
    if found.bounds:
        n_orders = max(1, sum(run.counts["orders"] for run in found.of(names[0])))
        table.add_section()
        planned = sum(each.objective_cents for each in found.bounds) / n_orders
        table.add_row("hindsight, planned", f"{planned:,.1f}", *[""] * 7)
        table.add_row(
            "hindsight, bound", f"{sum(each.bound_cents for each in found.bounds) / n_orders:,.1f}", *[""] * 7
        )
    print_table(table, sys.stdout)
    if best is None:
        print("no rival rule played: no differences")
        return
    print(f"* the best rival rule over {counted(n_seeds, 'seed')}; differences are paired, in cents an order, 95%")
    table = plain_table("against " + best, "mean", "t interval", "bootstrap", "", notes=True)
    for each in found.differences:
        table.add_row(
            each.strategy,
            f"{each.mean_cents:+,.1f}",
            _interval(each.low_cents, each.high_cents),
            _interval(each.bootstrap_low_cents, each.bootstrap_high_cents),
            each.verdict,
        )
    print_table(table, sys.stdout)


def _mean(values: list[float]) -> float:
    return sum(values) / max(1, len(values))


def _interval(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"{low:+,.1f} to {high:+,.1f}"
