"""What the commands do, one function each; `api.cli` says how they are called."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from api.failures import BAD_INPUT, DONE, FAULTS_FOUND, say
from api.interrupts import Interrupts
from api.money import counted, dollars, percent
from api.progress import Progressing, Step, on_terminal, start_progress
from api.sources import (
    STREAM,
    default_target,
    read_allocation_from,
    read_batch_from,
    refuse_target,
    write_allocation_to,
    write_batch_to,
)

if TYPE_CHECKING:
    from engine.check import CheckReport
    from engine.documents import Allocation, Batch
    from engine.generate.loads import LoadName

MAX_LISTED = 100


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How to search: the same for every command that allocates.

    Parameters
    ----------
    gap : float
        Stop as soon as the gap is this small.
    time_limit_seconds : float
        Stop after this time.
    seed : int
        Seed of the search.
    workers : int
        Processors to use; the result does not depend on it.
    ray_address : str or None
        A Ray cluster to spread large batches over, or ``local``.
    prices : str or None
        An earlier allocation, or its table prices, to start from.
    """

    gap: float
    time_limit_seconds: float
    seed: int
    workers: int
    ray_address: str | None = None
    prices: str | None = None


def allocate_command(source: str, target: str | None, format: str | None, options: RunOptions) -> int:
    """Read, allocate, write, and print the summary.

    Parameters
    ----------
    source : str
        A folder, a JSON file or ``-``.
    target : str or None
        A folder, a JSON file or ``-``; None: chosen by `api.sources.default_target`.
    format : str or None
        ``parquet``, ``csv`` or ``json``; None: JSON for a file of that name, else Parquet.
    options : RunOptions
        How to search.

    Returns
    -------
    int
        The exit code.
    """
    target = default_target(source, format) if target is None else target
    if target == STREAM and format not in (None, "json"):
        say(f"standard output takes a JSON document only, not {format}: give -o FOLDER")
        return BAD_INPUT
    refuse_target(target, format, what="allocation")
    interrupts = Interrupts(say=not on_terminal())
    around: dict[str, float] = {}
    compile_kernels()
    started = time.monotonic()
    with start_progress(interrupts, started) as progress:
        progress(Step(phase="read"))
        batch = read_batch_from(source)
    around["read"] = time.monotonic() - started
    with interrupts, start_progress(interrupts, started) as progress:
        allocation = run(batch, options, progress, interrupts)
        if allocation.summary["termination"] == "interrupted":
            progress(Step(phase="check"))
            around["check"] = _seconds(lambda: assert_right(batch, allocation))
        progress(Step(phase="write"))
        around["write"] = _seconds(lambda: write_allocation_to(allocation, target, format))
    _report(allocation, around, target)
    return DONE


def _seconds(step: Callable[[], None]) -> float:
    started = time.monotonic()
    step()
    return time.monotonic() - started


def compile_kernels() -> None:
    """Compile what no run on this machine has compiled yet, before the time of a run counts, and say so."""
    from engine.warm import is_cold, warm_up

    if is_cold():
        say("compiling the kernels: about two minutes, the first time on this machine only")
        say(f"compiled in {_seconds(warm_up):.0f} s")


def run(batch: Batch, options: RunOptions, progress: Progressing, interrupts: Interrupts) -> Allocation:
    """Allocate a batch, showing how it goes, until it is done or a signal asks to stop."""
    from engine import AllocateParams, allocate
    from engine.documents import read_prices

    params = AllocateParams(
        gap=options.gap,
        time_limit_seconds=options.time_limit_seconds,
        seed=options.seed,
        workers=options.workers,
        ray_address=options.ray_address,
    )
    prices = None if options.prices is None else read_prices(options.prices)
    return allocate(batch, params, prices=prices, on_progress=progress, interrupt=interrupts)


def assert_right(batch: Batch, allocation: Allocation) -> None:
    """Check an allocation of ours, which must not have faults.

    Raises
    ------
    RuntimeError
        When it has: names the first.
    """
    from engine.check import check

    report = check(batch, allocation)
    if not report.ok:
        raise RuntimeError(f"the allocation is wrong, nothing was written: {report.faults[0].message}")


def _report(allocation: Allocation, around: dict[str, float], target: str) -> None:
    from api.summary_table import print_table, summary_table

    stream = stream_beside(target)
    print_table(summary_table(allocation.summary, around), stream)
    if allocation.summary["termination"] == "interrupted":
        print("interrupted: this is the best allocation found until then, checked", file=stream)
    if target != STREAM:
        print(f"allocation written to {target}", file=stream)


def stream_beside(target: str) -> TextIO:
    """Return where to print what is for people: standard output, unless a document goes there."""
    return sys.stderr if target == STREAM else sys.stdout


def check_command(source: str, claimed: str) -> int:
    """Check an allocation, and print what is wrong with it, a line for each fault.

    Parameters
    ----------
    source : str
        The batch: a folder, a JSON file or ``-``.
    claimed : str
        The allocation: the same. Only one of the two can be ``-``.

    Returns
    -------
    int
        The exit code: 0 only when nothing is wrong.
    """
    if source == claimed == STREAM:
        say("the batch and the allocation cannot both come from standard input")
        return BAD_INPUT
    # the stream first: what fills it may still be writing the other one
    found = read_allocation_from(claimed) if claimed == STREAM else None
    batch = read_batch_from(source)
    allocation = read_allocation_from(claimed) if found is None else found
    from engine.check import check

    return print_report(check(batch, allocation), allocation)


def print_report(report: CheckReport, allocation: Allocation) -> int:
    """Print what the checker found, and return the exit code."""
    if report.ok:
        print(f"all right: {_worth(allocation)}")
        return DONE
    for fault in report.faults[:MAX_LISTED]:
        print(fault.message)
    hidden = report.n_faults - min(MAX_LISTED, len(report.faults))
    if hidden:
        print(f"... and {hidden:,} more")
    print(f"{counted(report.n_faults, 'fault')} found")
    return FAULTS_FOUND


def _worth(allocation: Allocation) -> str:
    summary: dict[str, Any] = allocation.summary
    shipments = counted(allocation["shipments"].num_rows, "shipment")
    costs = f"objective {dollars(summary['objective_cents'])}, bound {dollars(summary['bound_cents'])}"
    return f"{shipments}, {costs}, gap {percent(summary['gap'], 3)}, {summary['termination']}"


def generate_command(
    load: LoadName,
    n_orders: int | None,
    n_nodes: int | None,
    n_skus: int | None,
    seed: int,
    target: str,
    format: str | None,
) -> int:
    """Generate a batch, write it, and say what was written.

    Parameters
    ----------
    load : str
        ``calm``, ``peak``, ``flash`` or ``basket``.
    n_orders, n_nodes, n_skus : int or None
        Sizes; None: what is usual for the load.
    seed : int
        Same parameters and seed: the same batch.
    target : str
        A folder, a JSON file or ``-``.
    format : str or None
        ``parquet``, ``csv`` or ``json``; None: JSON for a file of that name, else Parquet.

    Returns
    -------
    int
        The exit code.
    """
    if target == STREAM and format not in (None, "json"):
        say(f"standard output takes a JSON document only, not {format}: give -o FOLDER")
        return BAD_INPUT
    refuse_target(target, format, what="batch")
    from engine.generate import GenerateParams, generate

    params = GenerateParams(load=load, n_orders=n_orders, n_nodes=n_nodes, n_skus=n_skus, seed=seed)
    batch = generate(params)
    write_batch_to(batch, target, format)
    where = "standard output" if target == STREAM else target
    print(f"{load} batch: {contents(batch)}, written to {where}", file=stream_beside(target))
    return DONE


def contents(batch: Batch) -> str:
    """Return the sizes of a batch as people say them."""
    named = {"orders": "order", "lines": "line", "nodes": "node", "items": "item", "stock": "stock row"}
    return ", ".join(counted(batch[table].num_rows, noun) for table, noun in named.items())
