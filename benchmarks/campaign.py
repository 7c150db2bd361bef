"""Measures one case of the registry, whatever its kind."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import measure
from benchmarks.kinds import (
    AllocationCase,
    Case,
    CompileCase,
    Day,
    DayCase,
    FilesCase,
    LoopsCase,
    ProgramCase,
    RayCase,
    RulesCase,
    SizesCase,
    WorkersCase,
)
from benchmarks.literature_bench import WITHIN, listed_files, solve_all
from benchmarks.measure import Search
from benchmarks.processes import ROOT, MeasurementError, python_module, succeed
from benchmarks.records import Loop, Record, Run, SolvedFile

RULES = (
    *("nearest_node", "priority_order", "most_stock_first", "fewest_splits_then_nearest"),
    *("single_node_else_multi_by_distance", "cheapest_feasible", "two_pass_batches"),
)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Where and how to measure.

    Parameters
    ----------
    folder : Path
        For batches and allocations; removed by who made it.
    n_workers : int
        Processors that the measured processes use.
    n_runs : int
        Runs of each case; the worst counts.
    scale : float
        Sizes of days, and seconds of literature, times this.
    most_seconds : float or None
        Searches are cut to so many seconds.
    say : callable
        Told how it goes.
    """

    folder: Path
    n_workers: int
    n_runs: int = 1
    scale: float = 1.0
    most_seconds: float | None = None
    say: Callable[[str], None] = print

    @contextmanager
    def day(self, day: Day) -> Iterator[tuple[Path, str]]:
        """A generated day in a folder of its own, removed afterwards: a million orders take much space."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            self.say(f"generating {day.label}")
            yield Path(folder), measure.generate(day, Path(folder))

    def search(self, case: DayCase, workers: str | None = None) -> Search:
        """How a case calls the command."""
        workers = str(self.n_workers) if workers is None else workers
        return Search(gap=case.gap, time_limit_seconds=case.time_limit_seconds, workers=workers)

    def allocate(self, day: Day, batch: str, folder: Path, search: Search) -> Run:
        """Allocate and tell."""
        self.say(f"allocating on {search.workers} workers, at most {search.time_limit_seconds:g} s")
        return self.told(measure.allocate(day, batch, folder, search))

    def told(self, run: Run) -> Run:
        """Tell a run."""
        self.say(
            f"{run.what}: {run.wall_seconds:.1f} s, {run.peak_gigabytes:.2f} GB, objective "
            f"{run.objective_cents / 100:,.2f}, gap {100 * run.gap:.3f}%, savings gap {100 * run.savings_gap:.3f}%, "
            f"{run.termination}, {run.n_faults} faults, checked in {run.check_seconds:.1f} s, "
            f"{run.n_compiled} functions compiled within"
        )
        return run


def measure_case(case: Case, bench: Bench, record: Record) -> Record:
    """Measure a case.

    Parameters
    ----------
    record : Record
        Says where, when and of what; it is filled in.

    Raises
    ------
    MeasurementError
        If nothing could be measured. What failed in part is in the record.
    """
    if isinstance(case, FilesCase):
        return _files(case, bench, record)
    if isinstance(case, LoopsCase):
        return replace(record, loops=tuple(_loops(bench.folder)))
    if isinstance(case, CompileCase):
        return _compile(bench, record)
    assert isinstance(case, DayCase)
    case = case.scaled(bench.scale, bench.most_seconds)
    for kind, measured in _KINDS.items():
        if isinstance(case, kind):
            return measured(case, bench, record)
    raise TypeError(f"case {case.name} is a {type(case).__name__}, expected one that can be measured")


def _allocation(case: DayCase, bench: Bench, record: Record) -> Record:
    with bench.day(case.days[0]) as (folder, batch):
        runs = [bench.allocate(case.days[0], batch, folder, bench.search(case)) for _ in range(bench.n_runs)]
    return replace(record, runs=tuple(runs), figures=_figures(runs))


def _sizes(case: DayCase, bench: Bench, record: Record) -> Record:
    runs = []
    for day in case.days:
        with bench.day(day) as (folder, batch):
            runs += [bench.allocate(day, batch, folder, bench.search(case)) for _ in range(bench.n_runs)]
    return replace(record, runs=tuple(runs), figures=_faults(runs))


def _rules(case: DayCase, bench: Bench, record: Record) -> Record:
    day = case.days[0]
    with bench.day(day) as (folder, batch):
        runs = [bench.allocate(day, batch, folder, bench.search(case))]
        for name in RULES:
            bench.say(f"routing by {name}")
            runs.append(bench.told(measure.route(name, day, batch, folder).against(runs[0].bound_cents)))
    best = min(run.objective_cents for run in runs[1:])
    under = (best - runs[0].objective_cents) / max(1, abs(best))
    return replace(record, runs=tuple(runs), figures={"under_best_rule": [under], **_faults(runs)})


def _program(case: DayCase, bench: Bench, record: Record) -> Record:
    assert isinstance(case, ProgramCase)
    day = case.days[0]
    with bench.day(day) as (folder, batch):
        ours = bench.allocate(day, batch, folder, bench.search(case))
        seconds = case.times * ours.wall_seconds
        bench.say(f"{case.rival}: searching for {seconds:.0f} s")
        theirs = measure.route(case.rival, day, batch, folder, seconds=seconds, threads=bench.n_workers)
    runs = (ours, bench.told(theirs.against(ours.bound_cents)))
    under = float(theirs.objective_cents - ours.objective_cents)
    return replace(record, runs=runs, figures={"under_program_cents": [under], **_faults(runs)})


def _workers(case: DayCase, bench: Bench, record: Record) -> Record:
    if bench.n_workers < 2:
        raise MeasurementError("there is one processor: two workers cannot be compared with one")
    pairs = _pairs(case, bench, ("1", "2"))
    return _of_pairs(record, pairs, "speed_up", [pair["1"].wall_seconds / pair["2"].wall_seconds for pair in pairs])


def _ray(case: DayCase, bench: Bench, record: Record) -> Record:
    if not measure.goes_through_ray(bench.folder):
        raise MeasurementError("this version of the command has no --workers ray")
    threads = str(bench.n_workers)
    pairs = _pairs(case, bench, (threads, "ray"))
    ratios = [pair["ray"].wall_seconds / pair[threads].wall_seconds for pair in pairs]
    return _of_pairs(record, pairs, "ray_over_threads", ratios)


def _pairs(case: DayCase, bench: Bench, ways: tuple[str, str]) -> list[dict[str, Run]]:
    """Runs in both ways on the same day, one right after the other, the next pair the other way round."""
    pairs = []
    with bench.day(case.days[0]) as (folder, batch):
        for number in range(bench.n_runs):
            in_turn = ways if number % 2 == 0 else ways[::-1]
            runs = {way: bench.allocate(case.days[0], batch, folder, bench.search(case, way)) for way in in_turn}
            pairs.append({way: runs[way] for way in ways})
    return pairs


def _of_pairs(record: Record, pairs: list[dict[str, Run]], figure: str, ratios: list[float]) -> Record:
    """The record of pairs, whose ratio is a figure only if both did the same work."""
    runs = tuple(run for pair in pairs for run in pair.values())
    failed = next(filter(None, (why_not_comparable(*pair.values()) for pair in pairs)), None)
    figures = {} if failed else {figure: ratios}
    return replace(record, runs=runs, figures={**figures, **_faults(runs)}, failed=failed)


def why_not_comparable(first: Run, second: Run) -> str | None:
    """Why the times of two runs of the same batch say nothing about each other, if so."""
    for run in (first, second):
        if run.termination == "time_limit":
            return f"time ended the run on {run.workers} workers: it did not come to the same gap"
    if first.objective_cents != second.objective_cents:
        return f"the runs on {first.workers} and {second.workers} workers gave different objectives"
    return None


def _figures(runs: list[Run]) -> dict[str, list[float]]:
    names = ("wall_seconds", "gap", "savings_gap", "peak_gigabytes", "check_seconds")
    return {**{name: [float(getattr(run, name)) for run in runs] for name in names}, **_faults(runs)}


def _faults(runs: list[Run] | tuple[Run, ...]) -> dict[str, list[float]]:
    return {"n_faults": [float(run.n_faults) for run in runs]}


def _files(case: FilesCase, bench: Bench, record: Record) -> Record:
    files = [each for each in listed_files() if each.family == case.family and each.file.startswith(case.starts)]
    if not files:
        raise MeasurementError("its files are not at hand")
    seconds = case.seconds * min(1.0, bench.scale)
    seconds = seconds if bench.most_seconds is None else min(seconds, bench.most_seconds)
    solved: list[SolvedFile] = []
    failed: list[str] = []
    for each in solve_all(files, time_limit_seconds=seconds, n_workers=bench.n_workers):
        if isinstance(each, MeasurementError):
            failed.append(str(each))
            continue
        solved.append(each)
        bench.say(
            f"{each.file}: objective {each.objective}, listed {each.listed:g}, bound {each.bound}, "
            f"{each.seconds:.1f} s, {each.termination}"
        )
    short = sum(not each.reached(WITHIN) for each in solved) + len(failed)
    not_proved = sum(each.termination != "optimal" for each in solved) + len(failed)
    figures = {"short_of_listed": [float(short)], "not_proved": [float(not_proved)]}
    return replace(record, files=tuple(solved), figures=figures, failed="; ".join(failed) or None)


def _loops(folder: Path) -> Iterator[Loop]:
    report = folder / "loops.json"
    flags = ["-q", "--benchmark-enable", "--benchmark-disable-gc", f"--benchmark-json={report}"]
    succeed(python_module("pytest", str(ROOT / "benchmarks"), "--rootdir", str(ROOT), *flags), folder)
    for row in json.loads(report.read_text(encoding="utf-8"))["benchmarks"]:
        stats = row["stats"]
        yield Loop(
            name=row["name"].removeprefix("test_").replace("_", " "),
            median_seconds=stats["median"],
            min_seconds=stats["min"],
            rounds=stats["rounds"],
        )


def _compile(bench: Bench, record: Record) -> Record:
    """An empty cache of compiled functions: the first run compiles, and the next does not."""
    before = os.environ.get("NUMBA_CACHE_DIR")
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        os.environ["NUMBA_CACHE_DIR"] = str(Path(folder) / "compiled")
        try:
            runs = measure.warm_up(Path(folder), str(bench.n_workers))
        finally:
            del os.environ["NUMBA_CACHE_DIR"]
            if before is not None:
                os.environ["NUMBA_CACHE_DIR"] = before
    for run in runs:
        bench.told(run)
    return replace(record, runs=tuple(runs), figures=_faults(runs))


_KINDS: dict[type[DayCase], Callable[[DayCase, Bench, Record], Record]] = {
    AllocationCase: _allocation,
    SizesCase: _sizes,
    RulesCase: _rules,
    ProgramCase: _program,
    WorkersCase: _workers,
    RayCase: _ray,
}


def say(text: str) -> None:
    """Tell on standard error, with the time of day."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)
