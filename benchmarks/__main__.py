"""``python -m benchmarks``: measures, and writes RESULTS.md."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import measure
from benchmarks.cases import CASES, WARM_UP, Case
from benchmarks.literature_bench import SECONDS, listed_files, solve_all
from benchmarks.measure import MeasurementError
from benchmarks.results import Kernel, Results, page, shown, write_page

LITERATURE, KERNELS = "literature", "kernels"
NAMES = (*(case.name for case in CASES), LITERATURE, KERNELS)
PAGE = Path(__file__).with_name("RESULTS.md")
ROOT = Path(__file__).parents[1]


def main(arguments: list[str] | None = None) -> int:
    """Measure what is asked for.

    Returns
    -------
    int
        0 when everything could be measured and no result was wrong, whether or not bars were met; else 1.
    """
    options = _parsed(arguments)
    chosen = options.only or NAMES
    target: Path | None = options.output
    whole = set(chosen) == set(NAMES) and options.scale == 1.0
    if target is None and whole:
        target = PAGE
    if target is not None and not target.parent.is_dir():
        print(f"there is no folder {target.parent} for the results", file=sys.stderr)
        return 2
    results = Results(
        scale=options.scale,
        seed=options.seed,
        n_processors=_confine(options.processors),
        date=options.date,
        skipped={name: "not asked for" for name in NAMES if name not in chosen},
    )
    try:
        measure.nodewise_command()
        with tempfile.TemporaryDirectory(prefix="nodewise-bench-") as folder:
            # an empty cache of compiled functions: so the first run compiles, and the others do not
            os.environ["NUMBA_CACHE_DIR"] = str(Path(folder) / "compiled")
            _measure(results, chosen, options.runs, Path(folder))
    except MeasurementError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: no results were written", file=sys.stderr)
        return 130
    if target is None:
        print(page(results), end="")
    else:
        write_page(results, target)
    met, n_bars = results.counts()
    where = "standard output" if target is None else str(target)
    _say(f"{met} of {n_bars} bars met; results are in {where}")
    for name, reason in results.failed.items():
        _say(f"{name} failed: {reason}")
    wrong = [run for runs in results.runs.values() for run in runs if run.n_faults]
    dishonest = [solved for solved in results.literature if not solved.honest]
    return 1 if results.failed or wrong or dishonest else 0


def _parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures whole runs of nodewise, problems from the literature and inner loops.",
    )
    parser.add_argument("--only", nargs="+", choices=NAMES, metavar="NAME", help=f"some of: {', '.join(NAMES)}")
    parser.add_argument(
        "--scale", type=float, default=1.0, help="orders and nodes, and seconds for literature, times this"
    )
    parser.add_argument("--runs", type=int, default=1, help="runs of each case; the worst counts")
    parser.add_argument(
        "--output", type=Path, help=f"default: {PAGE.name} here for all at scale 1, else standard output"
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the batches")
    parser.add_argument("--processors", type=int, default=2, help="processors to use (bars: 2)")
    parser.add_argument("--date", help="a date to write into the results")
    options = parser.parse_args(arguments)
    if not 0.0 < options.scale <= 100.0:
        parser.error(f"--scale is {options.scale:g}, expected a number above 0, up to 100")
    for name, least in (("runs", 1), ("seed", 0), ("processors", 1)):
        if getattr(options, name) < least:
            parser.error(f"--{name} is {getattr(options, name)}, expected an integer from {least}")
    return options


def _measure(results: Results, chosen: tuple[str, ...] | list[str], n_runs: int, folder: Path) -> None:
    n_workers = results.n_processors
    if set(chosen) - {KERNELS}:
        _say("warming up: compiling everything once")
        results.warm_up = measure.warm_up(WARM_UP, folder, n_workers, results.seed)
        first, last, left = results.warm_up
        _say(f"warmed up: {first:.1f} s with compilation, {last:.1f} s without, {left} functions left")
    for case in CASES:
        if case.name in chosen:
            sized = case.scaled(results.scale)
            results.cases[case.name] = sized
            try:
                _measure_case(results, sized, n_runs, folder)
            except MeasurementError as error:
                results.failed[case.name] = str(error)
                _say(f"{case.name}: {error}")
    if LITERATURE in chosen:
        _measure_literature(results)
    if KERNELS in chosen:
        _measure_kernels(results, folder)


def _measure_case(results: Results, case: Case, n_runs: int, folder: Path) -> None:
    _say(f"{case.name}: generating {case.n_orders:,} orders x {case.n_nodes} nodes")
    measure.generate(case, folder, results.seed)
    runs = results.runs[case.name] = []
    in_order: int | None = None
    if case.compared:
        _say(f"{case.name}: routing one order at a time")
        try:
            in_order = measure.in_fresh_process(measure.in_order_cents, folder / case.name, results.n_processors)
        except Exception as error:
            results.failed[f"{case.name}, one order at a time"] = f"{type(error).__name__}: {error}"
    for number in range(1, n_runs + 1):
        _say(f"{case.name}: allocating, run {number} of {n_runs}")
        run = measure.allocate(case, folder, results.n_processors, in_order)
        runs.append(run)
        under = "" if run.under_in_order is None else f", {shown(run.under_in_order, 'share')} under one at a time"
        _say(
            f"{case.name}: {run.wall_seconds:.2f} s, gap {shown(run.gap, 'share')}, savings gap "
            f"{shown(run.savings_gap, 'share')}, {shown(run.peak_gigabytes, 'gigabytes')}, {run.termination}"
            f"{under}, {run.n_faults} faults, {run.n_compiled} functions compiled within"
        )


def _measure_literature(results: Results) -> None:
    files = listed_files()
    if not files:
        results.skipped[LITERATURE] = "its files are not at hand"
        _say("literature: its files are not at hand")
        return
    results.literature_seconds = SECONDS * min(1.0, results.scale)
    results.literature_comparable = results.scale >= 1.0
    solved_files = solve_all(files, time_limit_seconds=results.literature_seconds, n_workers=results.n_processors)
    for number, (listed, solved) in enumerate(zip(files, solved_files), start=1):
        if isinstance(solved, MeasurementError):
            results.failed[f"{LITERATURE}, {listed.file}"] = str(solved)
            _say(f"literature: {solved}")
            continue
        results.literature.append(solved)
        _say(
            f"literature: {number} of {len(files)}: {listed.file}: objective {solved.objective}, listed "
            f"{listed.value:g}, bound {solved.bound}, {solved.seconds:.1f} s"
        )


def _measure_kernels(results: Results, folder: Path) -> None:
    _say("kernels: timing inner loops")
    report = folder / "kernels.json"
    flags = ["-q", "--benchmark-enable", "--benchmark-disable-gc", f"--benchmark-json={report}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "benchmarks", *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stdout.strip() or done.stderr.strip()).splitlines()[-measure.LAST_LINES :]
        results.failed[KERNELS] = f"pytest ended with {done.returncode}: {' / '.join(last)}"
        _say(f"kernels: {results.failed[KERNELS]}")
        return
    for row in json.loads(report.read_text(encoding="utf-8"))["benchmarks"]:
        stats = row["stats"]
        results.kernels.append(
            Kernel(
                name=row["name"].removeprefix("test_").replace("_", " "),
                median_seconds=stats["median"],
                min_seconds=stats["min"],
                rounds=stats["rounds"],
            )
        )


def _confine(n_processors: int) -> int:
    """Keep this process and all it starts to so many processors, where the system can; return how many."""
    if not hasattr(os, "sched_getaffinity"):
        return min(n_processors, os.cpu_count() or 1)
    mine = sorted(os.sched_getaffinity(0))[:n_processors]
    os.sched_setaffinity(0, mine)
    return len(mine)


def _say(text: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
