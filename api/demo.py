"""The demo: a peak day generated, allocated, checked, and compared with routing one order at a time."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from api.commands import RunOptions, assert_right, compile_kernels, contents, run
from api.failures import DONE
from api.interrupts import Interrupts
from api.money import dollars, percent, share
from api.progress import Step, on_terminal, start_progress
from api.report_commands import write_report
from api.sources import refusal, refuse_target, refuse_unwritable
from api.summary_table import TERMS, fill_rate, plain_table, print_table, split_rate, summary_table

if TYPE_CHECKING:
    from rich.table import Table

    from engine.documents import Allocation, Batch

BATCH, ALLOCATION, ROUTED, REPORT = "batch", "allocation", "one-at-a-time", "report.html"
Summary = Mapping[str, Any]


def demo_command(target: str, n_orders: int, n_nodes: int, n_skus: int, options: RunOptions) -> int:
    """Run the demo and leave its files.

    Parameters
    ----------
    target : str
        The folder for the batch and the two allocations.
    n_orders, n_nodes, n_skus : int
        Sizes of the batch.
    options : RunOptions
        How to search; its seed is the batch's too.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    InputError
        When the folder holds anything but an earlier demo.
    """
    folder = Path(target)
    _refuse(folder)
    compile_kernels()
    started = time.monotonic()
    from engine import route_in_order
    from engine.generate import GenerateParams, generate

    batch = generate(GenerateParams(load="peak", n_orders=n_orders, n_nodes=n_nodes, n_skus=n_skus, seed=options.seed))
    print(f"A peak day: {contents(batch)}.", flush=True)
    interrupts = Interrupts(say=not on_terminal())
    with interrupts, start_progress(interrupts, started) as progress:
        progress(Step(phase="route", n_orders=n_orders))
        routed = route_in_order(batch, n_workers=options.workers)
        allocation = run(batch, options, progress, interrupts)
        progress(Step(phase="check", n_orders=n_orders))
        assert_right(batch, allocation)
        assert_right(batch, routed)
        _write(folder, batch, allocation, routed)

    print_table(summary_table(allocation.summary, {}), sys.stdout)
    print_table(comparison_table(routed.summary, allocation.summary), sys.stdout)
    print(saved_line(routed.summary, allocation.summary))
    print(f"Both plans were checked. The files are in {folder}: {BATCH}, {ALLOCATION} and {ROUTED}.")
    print(f"The same on a map, with charts: {folder / REPORT}")
    print(f"Look again with: nodewise check {folder / BATCH} {folder / ALLOCATION}")
    return DONE


def _refuse(folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier demo."""
    if folder.exists():
        entries = sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else [folder.name]
        foreign = [name for name in entries if name not in (BATCH, ALLOCATION, ROUTED, REPORT)]
        if foreign:
            value = f"{folder} holds {foreign[0]}" if folder.is_dir() else f"{folder} is no folder"
            raise refusal("demo", value, "no folder, an empty one or an earlier demo")
    refuse_target(str(folder / BATCH), "parquet", what="batch")
    for name in (ALLOCATION, ROUTED):
        refuse_target(str(folder / name), "parquet", what="allocation")
    refuse_unwritable(folder, "demo")


def _write(folder: Path, batch: Batch, allocation: Allocation, routed: Allocation) -> None:
    from engine.documents import write_allocation, write_batch

    write_batch(batch, folder / BATCH, "parquet")
    write_allocation(routed, folder / ROUTED, "parquet")
    write_allocation(allocation, folder / ALLOCATION, "parquet")
    write_report(folder / REPORT, "Demo: a peak day", batch, allocation, ("one order at a time", batch, routed))


def comparison_table(routed: Summary, allocated: Summary) -> Table:
    """Return the two plans side by side.

    Parameters
    ----------
    routed : mapping
        Summary of routing one order at a time.
    allocated : mapping
        Summary of allocating the batch as a whole.
    """
    table = plain_table("", "one order at a time", "as a whole", "difference")
    for name, label in TERMS.items():
        _add_money(table, label, routed["terms"][name], allocated["terms"][name])
    _add_money(table, "objective", routed["objective_cents"], allocated["objective_cents"])
    table.add_section()
    for label, rate in (("fill rate", fill_rate), ("split rate", split_rate)):
        before, after = rate(routed), rate(allocated)
        points = "" if before is None or after is None else f"{100 * (after - before):+.2f} points"
        table.add_row(label, percent(before), percent(after), points)
    for label, name in (("shipments", "shipments"), ("late shipments", "late_shipments")):
        was, now = routed["counts"][name], allocated["counts"][name]
        table.add_row(label, f"{was:,}", f"{now:,}", f"{now - was:+,}")
    return table


def _add_money(table: Table, label: str, before: int, after: int) -> None:
    table.add_row(label, dollars(before), dollars(after), dollars(after - before))


def saved_line(routed: Summary, allocated: Summary) -> str:
    """Return what allocating as a whole saves, in one sentence."""
    before, after = routed["objective_cents"], allocated["objective_cents"]
    rate = share(before - after, abs(before))
    return (
        f"Allocating as a whole saves {dollars(before - after)} ({percent(rate, 1)}) of {dollars(before)}, "
        f"and at most {percent(allocated['gap'])} of its cost could still be saved."
    )
