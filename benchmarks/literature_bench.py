"""The solver on problems from the literature, where they are at hand, beside the listed values."""

from __future__ import annotations

import csv
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.processes import MeasurementError
from benchmarks.records import SolvedFile

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
WITHIN = 0.003

Family = Literal["gap", "mmkp"]


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A file and what its list says of it.

    Parameters
    ----------
    value : float
        The listed value: a cost to minimise (gap) or a value to maximise (mmkp).
    status : str
        ``optimal`` where the listed value is proved, else what the list says.
    exact : bool
        Whether the listed value must be reached; else 0.3% more is allowed.
    """

    family: Family
    file: str
    value: float
    status: str
    exact: bool


def listed_files(data: Path = DATA) -> list[Listed]:
    """Every file with a listed value; empty where the files are not at hand."""
    found: list[Listed] = []
    for family, column in (("gap", "best_value"), ("mmkp", "best_value_max")):
        path = data / family / "known.csv"
        if not path.exists():
            continue
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                small = family == "mmkp" or "__gap" in row["file"]
                found.append(
                    Listed(
                        family="gap" if family == "gap" else "mmkp",
                        file=row["file"],
                        value=float(row[column]),
                        status=row["status"],
                        exact=small,
                    )
                )
    return found


def solve_all(
    files: list[Listed], *, time_limit_seconds: float, n_workers: int = 1, data: Path = DATA
) -> Iterator[SolvedFile | MeasurementError]:
    """Solve files one after another, in one other process whose code is loaded beforehand."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        executor.submit(solve_file, files[0], min(1.0, time_limit_seconds), n_workers, data).exception()
        for listed in files:
            done = executor.submit(solve_file, listed, time_limit_seconds, n_workers, data)
            wrong = done.exception()
            if wrong is None:
                yield done.result()
            else:
                yield MeasurementError(f"{listed.file}: {type(wrong).__name__}: {wrong}")


def solve_file(listed: Listed, time_limit_seconds: float, n_workers: int, data: Path) -> SolvedFile:
    """Solve one file with all of its time; only a proof ends it sooner.

    Raises
    ------
    ValueError
        If the file is not what its folder says.
    AssertionError
        If the choice is not what the solver says it is.
    """
    from benchmarks.literature import read_gap, read_mmkp
    from engine.workers import workers
    from solver import SolveParams, solve
    from solver.check import verify

    path = data / listed.family / listed.file
    problem, scale = (read_gap(path), 1) if listed.family == "gap" else read_mmkp(path)
    unit = scale if listed.family == "gap" else -scale
    params = SolveParams(gap=0.0, time_limit_seconds=time_limit_seconds)
    with workers(n_workers) as executor:
        started = time.perf_counter()
        result = solve(problem, params, executor=executor)
        seconds = time.perf_counter() - started
    if result.choice is not None and verify(problem, result.choice) != result.objective:
        raise AssertionError("the choice does not cost what the solver says")
    return SolvedFile(
        file=listed.file,
        sign=1 if listed.family == "gap" else -1,
        listed=listed.value,
        status=listed.status,
        exact=listed.exact,
        objective=None if result.objective is None else result.objective / unit,
        bound=None if result.bound is None else result.bound / unit,
        seconds=seconds,
        termination=result.termination,
    )
