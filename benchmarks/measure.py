"""Whole-process measurements: the command as users run it, in a process of its own, timed from outside."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.cases import Case

PATIENCE_SECONDS = 900.0
FAULTS_FOUND = 3
WARM_UP_RUNS = 4
LAST_LINES = 5

T = TypeVar("T")


class MeasurementError(Exception):
    """A measurement that could not be taken; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a finished process took.

    Parameters
    ----------
    wall_seconds, cpu_seconds : float
        From start to end as seen from outside; user and system time of all its threads.
    peak_bytes : int
        Largest resident set.
    """

    exit_code: int
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    stdout: str
    stderr: str


@dataclass(frozen=True, kw_only=True)
class Run:
    """One allocation, measured and checked.

    Parameters
    ----------
    load_before : float
        Load average of the machine over the minute before: above 0, somebody else was at work.
    n_compiled : int
        Functions compiled within the run; above 0, its time includes compilation.
    under_in_order : float or None
        How far its objective is under routing one order at a time, as a share; None where not compared.
    n_faults : int
        Faults that `nodewise check` counted.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_gigabytes: float
    objective_cents: int
    bound_cents: int
    gap: float
    savings_gap: float
    termination: str
    phases: dict[str, float]
    versions: dict[str, str]
    load_before: float
    n_compiled: int
    n_faults: int
    under_in_order: float | None


def nodewise_command() -> Path:
    """Find the command beside the Python that runs this.

    Raises
    ------
    MeasurementError
        If it is not installed there, or this system cannot tell the memory of a process.
    """
    command = Path(sys.executable).with_name("nodewise")
    if not command.exists():
        raise MeasurementError("there is no command nodewise beside this Python: run `make install` first")
    if not hasattr(os, "wait4"):
        raise MeasurementError("this system cannot tell what a process took: benchmarks need Linux or macOS")
    return command


def run_process(arguments: list[str], folder: Path) -> Usage:
    """Run a process to its end, its output going to files in a folder, and tell what it took.

    Raises
    ------
    MeasurementError
        If it is still running after `PATIENCE_SECONDS`; it is ended then.
    """
    outputs = [folder / "stdout.txt", folder / "stderr.txt"]
    with outputs[0].open("wb") as stdout, outputs[1].open("wb") as stderr:
        started = time.perf_counter()
        process = subprocess.Popen(arguments, cwd=folder, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        overdue = threading.Event()

        def end() -> None:
            overdue.set()
            os.kill(process.pid, 9)

        timer = threading.Timer(PATIENCE_SECONDS, end)
        timer.start()
        try:
            _, status, taken = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            timer.cancel()
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if overdue.is_set():
        raise MeasurementError(f"{_shown(arguments)} did not end within {PATIENCE_SECONDS:.0f} s")
    return Usage(
        exit_code=process.returncode,
        wall_seconds=wall,
        cpu_seconds=taken.ru_utime + taken.ru_stime,
        peak_bytes=taken.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        stdout=outputs[0].read_text(encoding="utf-8", errors="replace"),
        stderr=outputs[1].read_text(encoding="utf-8", errors="replace"),
    )


def generate_arguments(case: Case, seed: int) -> list[str]:
    """Arguments of the command that generates the batch of a case, as Parquet, into a folder of its name."""
    sizes = ["--orders", str(case.n_orders), "--nodes", str(case.n_nodes)]
    return ["generate", "--load", case.load, *sizes, "--seed", str(seed), "-o", case.name]


def allocate_arguments(case: Case, n_workers: int) -> list[str]:
    """Arguments of the command that is measured."""
    limits = ["--gap", f"{case.gap:g}", "--time-limit", f"{case.time_limit_seconds:g}"]
    return ["allocate", case.name, "-o", f"{case.name}-plan", *limits, "--workers", str(n_workers)]


def generate(case: Case, folder: Path, seed: int) -> None:
    """Generate the batch of a case in a folder.

    Raises
    ------
    MeasurementError
        If the command fails.
    """
    _succeed([str(nodewise_command()), *generate_arguments(case, seed)], folder)


def allocate(case: Case, folder: Path, n_workers: int, in_order_cents: int | None = None) -> Run:
    """Allocate the generated batch of a case in a fresh process, then check the result in another.

    Raises
    ------
    MeasurementError
        If a command fails; faults found by the checker are a result.
    """
    command = str(nodewise_command())
    load_before = os.getloadavg()[0]
    compiled_before = n_compiled()
    usage = _succeed([command, *allocate_arguments(case, n_workers)], folder)
    compiled = n_compiled() - compiled_before
    plan = f"{case.name}-plan"
    summary: dict[str, Any] = json.loads((folder / plan / "summary.json").read_text(encoding="utf-8"))
    checked = run_process([command, "check", case.name, plan], folder)
    if checked.exit_code not in (0, FAULTS_FOUND):
        raise MeasurementError(_failure(["nodewise", "check"], checked))
    objective = int(summary["objective_cents"])
    under = None if in_order_cents is None else (in_order_cents - objective) / max(1, abs(in_order_cents))
    return Run(
        wall_seconds=usage.wall_seconds,
        cpu_seconds=usage.cpu_seconds,
        peak_gigabytes=usage.peak_bytes / 1e9,
        objective_cents=objective,
        bound_cents=int(summary["bound_cents"]),
        gap=float(summary["gap"]),
        savings_gap=float(summary["savings_gap"]),
        termination=str(summary["termination"]),
        phases={name: float(seconds) for name, seconds in summary["seconds"].items()},
        versions=dict(summary["versions"]),
        load_before=load_before,
        n_compiled=compiled,
        n_faults=_n_faults(checked),
        under_in_order=under,
    )


def warm_up(case: Case, folder: Path, n_workers: int, seed: int) -> tuple[float, float, int]:
    """Allocate a small batch until nothing is left to compile.

    Returns
    -------
    first_seconds, last_seconds : float
        Wall time of the first run, which compiles, and of the last.
    n_left : int
        Functions that even the last run compiled: 0 unless the runs were too few.
    """
    generate(case, folder, seed)
    seconds: list[float] = []
    left = 1
    while left and len(seconds) < WARM_UP_RUNS:
        run = allocate(case, folder, n_workers)
        seconds.append(run.wall_seconds)
        left = run.n_compiled
    return seconds[0], seconds[-1], left


def n_compiled() -> int:
    """How many compiled functions the cache holds that ``NUMBA_CACHE_DIR`` names."""
    cache = os.environ.get("NUMBA_CACHE_DIR")
    return sum(1 for _ in Path(cache).rglob("*.nbc")) if cache else 0


def in_order_cents(batch: Path, n_workers: int) -> int:
    """Objective of routing the orders of a batch one at a time."""
    from engine import read_batch, route_in_order

    return int(route_in_order(read_batch(batch), n_workers=n_workers).summary["objective_cents"])


def in_fresh_process(function: Callable[..., T], *arguments: object) -> T:
    """Call a function in a process of its own.

    What this process has ever held counts as peak memory of the processes it starts, so it stays small.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        return executor.submit(function, *arguments).result()


def _succeed(arguments: list[str], folder: Path) -> Usage:
    usage = run_process(arguments, folder)
    if usage.exit_code != 0:
        raise MeasurementError(_failure(arguments, usage))
    return usage


def _n_faults(checked: Usage) -> int:
    """Read the last line of the checker: ``3 faults found``."""
    if checked.exit_code == 0:
        return 0
    last = (checked.stdout.splitlines() or [""])[-1].split(" ")[0].replace(",", "")
    return int(last) if last.isdigit() else 1


def _failure(arguments: list[str], usage: Usage) -> str:
    last = " / ".join((usage.stderr.strip() or usage.stdout.strip()).splitlines()[-LAST_LINES:])
    return f"{_shown(arguments)} ended with {usage.exit_code}: {last or 'it said nothing'}"


def _shown(arguments: list[str]) -> str:
    return " ".join([Path(arguments[0]).name, *arguments[1:]])
