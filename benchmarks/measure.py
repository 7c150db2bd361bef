"""Measures allocations: ours as users run the command, the rivals' in the same way, both judged by the checker."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.cases import WARM_UP
from benchmarks.kinds import Day
from benchmarks.processes import (
    ROOT,
    MeasurementError,
    Usage,
    failure,
    nodewise,
    python_module,
    run_process,
    shown_command,
    succeed,
)
from benchmarks.records import Run, TracePoint

FAULTS_FOUND = 3
WARM_UP_RUNS = 4
WARM_UP_SECONDS = 15.0
OURS = "nodewise"


@dataclass(frozen=True, kw_only=True)
class Search:
    """How the command is called: ``--gap``, ``--time-limit`` and ``--workers``."""

    gap: float
    time_limit_seconds: float
    workers: str


def generate(day: Day, folder: Path, name: str = "day") -> str:
    """Generate a day, as Parquet, in a folder.

    Returns
    -------
    str
        The name of the batch there.

    Raises
    ------
    MeasurementError
        If the command fails.
    """
    sizes = ["--orders", str(day.n_orders), "--nodes", str(day.n_nodes)]
    items = [] if day.n_skus is None else ["--skus", str(day.n_skus)]
    arguments = ["generate", "--load", day.load, *sizes, *items, "--seed", str(day.seed), "-o", name]
    succeed(nodewise(*arguments), folder)
    return name


def allocate(day: Day, batch: str, folder: Path, search: Search) -> Run:
    """Allocate a generated day in a fresh process, then check the result in another.

    Raises
    ------
    MeasurementError
        If a command fails; faults found by the checker are a result.
    """
    limits = ["--gap", f"{search.gap:g}", "--time-limit", f"{search.time_limit_seconds:g}"]
    arguments = nodewise("allocate", batch, "-o", f"{batch}-plan", *limits, "--workers", search.workers)
    return _measured(OURS, day, batch, f"{batch}-plan", folder, arguments, search.workers)


def route(name: str, day: Day, batch: str, folder: Path, *, seconds: float | None = None, threads: int = 1) -> Run:
    """Route a generated day as a rival does, in a fresh process, then check the result as ours.

    Parameters
    ----------
    name : str
        A name in `benchmarks.rivals.RIVALS`.
    seconds : float, optional
        Time limit of its search, where it searches.
    threads : int
        Threads of its search, where it can use several.

    Raises
    ------
    MeasurementError
        If a command fails; faults found by the checker are a result.
    """
    plan = f"{batch}-{name}"
    limits = [] if seconds is None else ["--time-limit", f"{seconds:.1f}", "--workers", str(threads)]
    arguments = python_module("benchmarks.rivals", name, batch, "-o", plan, *limits)
    return _measured(name, day, batch, plan, folder, arguments, str(threads))


def _measured(what: str, day: Day, batch: str, plan: str, folder: Path, arguments: list[str], workers: str) -> Run:
    load_before = os.getloadavg()[0]
    compiled_before = n_compiled()
    usage = succeed(arguments, folder)
    compiled = n_compiled() - compiled_before
    summary: dict[str, Any] = json.loads((folder / plan / "summary.json").read_text(encoding="utf-8"))
    checking = nodewise("check", batch, plan)
    checked = run_process(checking, folder)
    if checked.exit_code not in (0, FAULTS_FOUND):
        raise MeasurementError(failure(checking, checked))
    counts = summary["counts"]
    return Run(
        what=what,
        day=day.label,
        n_orders=day.n_orders,
        workers=workers,
        command=shown_command(arguments),
        wall_seconds=usage.wall_seconds,
        cpu_seconds=usage.cpu_seconds,
        peak_gigabytes=usage.peak_bytes / 1e9,
        objective_cents=summary["objective_cents"],
        bound_cents=summary["bound_cents"],
        nothing_cents=summary["nothing_cents"],
        gap=summary["gap"],
        savings_gap=summary["savings_gap"],
        fill_rate=counts["units_allocated"] / max(1, counts["units"]),
        split_rate=counts["orders_split"] / max(1, counts["orders_allocated"]),
        termination=summary["termination"],
        phases=summary["seconds"],
        trace=_trace(summary),
        check_seconds=checked.wall_seconds,
        n_faults=_n_faults(checked),
        load_before=load_before,
        n_compiled=compiled,
    )


def _trace(summary: dict[str, Any]) -> tuple[TracePoint, ...]:
    """Points that say when they were; a version of the command that does not tell gives none."""
    return tuple(
        TracePoint(
            phase=point["phase"],
            seconds=point["seconds"],
            objective_cents=point["objective_cents"],
            bound_cents=point["bound_cents"],
        )
        for point in summary.get("trace", ())
        if "seconds" in point
    )


def warm_up(folder: Path, workers: str) -> list[Run]:
    """Allocate a small batch until nothing is left to compile, a few times at most; all runs."""
    batch = generate(WARM_UP, folder, "warm-up")
    runs: list[Run] = []
    while len(runs) < WARM_UP_RUNS and (not runs or runs[-1].n_compiled):
        search = Search(gap=0.0, time_limit_seconds=WARM_UP_SECONDS, workers=workers)
        runs.append(allocate(WARM_UP, batch, folder, search))
    return runs


def n_compiled() -> int:
    """How many compiled functions the cache holds: the folder ``NUMBA_CACHE_DIR`` names, else beside the code."""
    cache = os.environ.get("NUMBA_CACHE_DIR")
    folders = [Path(cache)] if cache else [ROOT / room for room in ("benchmarks", "engine", "solver")]
    return sum(1 for folder in folders for _ in folder.rglob("*.nbc"))


def goes_through_ray(folder: Path) -> bool:
    """Whether the command of this checkout can spread a run over Ray."""
    told = succeed(nodewise("allocate", "--help"), folder).stdout
    return re.search(r"\bray\b", told, re.IGNORECASE) is not None


def _n_faults(checked: Usage) -> int:
    """Read the last line of the checker: ``3 faults found``."""
    if checked.exit_code == 0:
        return 0
    last = (checked.stdout.splitlines() or [""])[-1].split(" ")[0].replace(",", "")
    return int(last) if last.isdigit() else 1
