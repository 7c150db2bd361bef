"""What `nodewise simulate` and `nodewise compare` do; `api.cli_planning` says how they are called."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from api.commands import RunOptions, compile_kernels
from api.comparison_tables import print_comparison
from api.failures import BAD_INPUT, DONE, say
from api.interrupts import Interrupts
from api.money import counted
from api.progress import SECONDS_BETWEEN_LINES, Step, progress_line
from api.sources import STREAM, read_batch_from, refusal, refuse_unwritable

if TYPE_CHECKING:
    from engine import Progress
    from engine.batch import Batch
    from engine.comparison import Comparison, Plan
    from engine.scenario import Scenario


class PlansProgress:
    """Prints a line for each phase of each plan, and else one of each now and then.

    Parameters
    ----------
    started : float
        When the command started, by the monotonic clock.
    """

    def __init__(self, started: float) -> None:
        self._started = started
        self._lock = threading.Lock()
        self._seen: set[tuple[str, str]] = set()
        self._printed_at: dict[str, float] = {}

    def __call__(self, name: str, report: Progress | Step) -> None:
        """Tell how a plan is going, from whichever thread solves it."""
        with self._lock:
            now = time.monotonic()
            is_new = (name, report.phase) not in self._seen
            if is_new or now - self._printed_at.get(name, 0.0) >= SECONDS_BETWEEN_LINES:
                self._seen.add((name, report.phase))
                self._printed_at[name] = now
                say(f"{name + ':':<12} {progress_line(report, now - self._started)}")


def simulate_command(
    source: str, scenario_files: Sequence[str], target: str, options: RunOptions, *, keep_batches: bool
) -> int:
    """Read, apply, solve, check, compare, write and print.

    Parameters
    ----------
    source : str
        The base: a folder, a JSON file or ``-``.
    scenario_files : sequence of str
        Files NAME.toml or NAME.json.
    target : str
        The folder for the results.
    options : RunOptions
        How to search, each plan.
    keep_batches : bool
        Whether the batches are written too.

    Returns
    -------
    int
        The exit code.
    """
    from engine import AllocateParams
    from engine.comparison import compare
    from engine.scenario import read_scenarios
    from engine.simulation import scenario_batches, solve_side_by_side
    from engine.simulation_files import refuse_target, write_simulation

    if target == STREAM:
        say("a simulation is a folder: give -o FOLDER")
        return BAD_INPUT
    refuse_target(Path(target))
    refuse_unwritable(Path(target), "simulation")
    started = time.monotonic()
    scenarios = read_scenarios(scenario_files)
    _refuse_names(scenarios)
    progress, interrupts = PlansProgress(started), Interrupts()
    progress("base", Step(phase="read"))
    base = read_batch_from(source)
    batches = scenario_batches(base, scenarios)
    compile_kernels()
    params = AllocateParams(
        gap=options.gap, time_limit_seconds=options.time_limit_seconds, seed=options.seed, workers=options.workers
    )
    with interrupts:
        plans = solve_side_by_side(batches, params, on_progress=progress, interrupt=interrupts)
        progress("plans", Step(phase="compare"))
        comparison = compare(plans)
        progress("plans", Step(phase="write"))
        write_simulation(
            Path(target),
            plans,
            scenarios,
            comparison,
            base_source=None if source == STREAM else Path(source),
            options={"gap": options.gap, "time_limit_seconds": options.time_limit_seconds, "seed": options.seed},
            keep_batches=keep_batches,
        )
    print_comparison(comparison, sys.stdout)
    stopped = [plan.name for plan in plans if plan.allocation.summary["termination"] == "interrupted"]
    if stopped:
        print(f"interrupted: {', '.join(stopped)} with the best allocation found until then, checked")
    print(f"{counted(len(plans), 'plan')} and their comparison written to {target}")
    return DONE


def _refuse_names(scenarios: Sequence[Scenario]) -> None:
    from engine.simulation_files import RESERVED

    for scenario in scenarios:
        if scenario.name.lower() in RESERVED:
            raise refusal(
                "scenario", f"the name {scenario.name}", f"another name than {' and '.join(sorted(RESERVED))}"
            )


def compare_command(sources: Sequence[str], base: str | None, target: str | None) -> int:
    """Compare plans, print the comparison, and write it where that is wanted.

    Parameters
    ----------
    sources : sequence of str
        Simulations, plans of simulations, or allocations.
    base : str or None
        The batch that they start from; None: as the simulations say.
    target : str or None
        A new or an empty folder; None: nothing is written.

    Returns
    -------
    int
        The exit code.
    """
    from engine.comparison import compare

    if target is not None:
        _refuse_target(Path(target))
    plans = _read_plans(sources, base)
    if len(plans) < 2:
        raise refusal("comparison", f"only {plans[0].name}", "two plans or more, the baseline first")
    comparison = compare(_named_apart(plans))
    if target is not None:
        _write(comparison, Path(target))
    print_comparison(comparison, sys.stdout)
    if target is not None:
        print(f"written to {target}")
    return DONE


def _read_plans(sources: Sequence[str], base: str | None) -> list[Plan]:
    from engine.comparison import Plan
    from engine.documents import read_allocation
    from engine.simulation_files import find_simulation, read_plans

    batch: Batch | None = None if base is None else read_batch_from(base)
    plans: list[Plan] = []
    for source in sources:
        path = Path(source)
        whole, part_of = find_simulation(path), find_simulation(path.resolve().parent)
        if whole is not None:
            plans += read_plans(whole, list(whole.input_sha256), batch)
        elif part_of is not None and path.resolve().name in part_of.input_sha256:
            plans += read_plans(part_of, [path.resolve().name], batch)
        elif batch is not None:
            plans.append(_checked(Plan(name=path.stem, batch=batch, allocation=read_allocation(path))))
        else:
            raise refusal("comparison", f"{source} is no simulation and no plan of one", "its batch too (--base BATCH)")
    return plans


def _checked(plan: Plan) -> Plan:
    """Return a plan whose allocation is right: one that is not of its batch has no comparison."""
    from engine.check import check

    report = check(plan.batch, plan.allocation)
    if not report.ok:
        what = f"{plan.name}: {report.faults[0].message}"
        raise refusal("comparison", what, "an allocation of the batch (nodewise check lists all faults)")
    return plan


def _named_apart(plans: Sequence[Plan]) -> list[Plan]:
    """Return plans with names that differ: a second one of a name gets a number."""
    from dataclasses import replace

    named: dict[str, Plan] = {}
    for plan in plans:
        name, number = plan.name, 2
        while name in named:
            name, number = f"{plan.name}-{number}", number + 1
        named[name] = replace(plan, name=name)
    return list(named.values())


def _refuse_target(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise refusal("comparison", f"{target} is there already", "a new or an empty folder")
    refuse_unwritable(target, "comparison")


def _write(comparison: Comparison, target: Path) -> None:
    """Write a comparison, whole or not at all."""
    from engine.comparison import write_comparison

    target = target.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    new = Path(mkdtemp(prefix=f".{target.name}.new-", dir=target.parent))
    try:
        new.chmod(0o755)
        write_comparison(comparison, new)
        os.replace(new, target)  # which an empty folder does not hinder
    finally:
        shutil.rmtree(new, ignore_errors=True)
