"""Writes what was measured as a Markdown page: machine, versions, bars, every run."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.cases import FIGURES, Bar, Case, Unit
from benchmarks.literature_bench import WITHIN, Listed, Solved
from benchmarks.measure import Run, allocate_arguments, generate_arguments


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """An inner loop, timed: median and least seconds of some rounds."""

    name: str
    median_seconds: float
    min_seconds: float
    rounds: int


@dataclass(kw_only=True)
class Results:
    """Everything measured so far.

    Parameters
    ----------
    scale : float
        1 where the cases have the size that their bars are about.
    warm_up : tuple or None
        Seconds of the first and of the last warm-up run, and functions left to compile after it.
    failed : dict of str to str
        What could not be measured, and why.
    """

    scale: float
    seed: int
    n_processors: int
    date: str | None = None
    warm_up: tuple[float, float, int] | None = None
    runs: dict[str, list[Run]] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    literature_seconds: float = 0.0
    literature: list[Solved] = field(default_factory=list)
    literature_comparable: bool = True
    kernels: list[Kernel] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def verdicts(self) -> list[tuple[Case, Bar, float | None, str]]:
        """Each bar with the worst figure of all runs and what that means."""
        return [
            (case, bar, *self._verdict(bar, self.runs.get(name, [])))
            for name, case in self.cases.items()
            for bar in case.bars
        ]

    def _verdict(self, bar: Bar, runs: Sequence[Run]) -> tuple[float | None, str]:
        values = [float(value) for run in runs if (value := getattr(run, bar.figure)) is not None]
        if not values:
            return None, "not measured"
        worst = bar.worst(values)
        if self.scale != 1.0 and bar.figure != "n_faults":
            return worst, f"no bar at scale {self.scale:g}"
        return worst, "met" if bar.met(worst) else "not met"

    def literature_verdict(self, solved: Solved) -> str:
        """What a solved file shows; a dishonest bound is one at any time limit."""
        if not solved.honest:
            return "not met: wrong bound"
        if not self.literature_comparable:
            return f"no bar at {self.literature_seconds:g} s"
        return "met" if solved.met else "not met"

    def counts(self) -> tuple[int, int]:
        """How many bars were met, of how many; bars that do not count at this scale are left out."""
        all_verdicts = [verdict for *_, verdict in self.verdicts()]
        all_verdicts += [self.literature_verdict(solved) for solved in self.literature]
        counted = [verdict for verdict in all_verdicts if not verdict.startswith("no bar")]
        return counted.count("met"), len(counted)


def shown(value: float, unit: Unit) -> str:
    """A figure as people read it, with enough digits to see which side of its bar it is on."""
    if unit == "seconds":
        return f"{value:.2f} s"
    if unit == "share":
        return f"{100 * value:.3f}%"
    if unit == "gigabytes":
        return f"{value:.3f} GB"
    return f"{value:g}"


def page(results: Results) -> str:
    """The whole page."""
    parts = [
        "# Measurements",
        _opening(results),
        _machine(results),
        _bars(results),
        _runs(results),
        _literature(results),
        _kernels(results),
        _not_measured(results),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def write_page(results: Results, target: Path) -> None:
    """Write the page, whole or not at all."""
    draft = target.with_name(target.name + ".part")
    draft.write_text(page(results), encoding="utf-8")
    draft.replace(target)


def _opening(results: Results) -> str:
    met, n_bars = results.counts()
    lines = ["Written by `make bench`. A bar is met when the figure, unrounded, is on its right side."]
    if results.scale != 1.0:
        lines.append(f"**Scale {results.scale:g}**: the batches are not those that the bars are about.")
    lines.append(f"**{met} of {n_bars} bars met.**" if n_bars else "No bar was measured.")
    if results.failed:
        lines.append(f"**{len(results.failed)} could not be measured**, see the end.")
    if results.date:
        lines.append(f"Measured on {results.date}.")
    return " ".join(lines)


def _machine(results: Results) -> str:
    versions = next((run.versions for runs in results.runs.values() for run in runs), {})
    named = ", ".join(f"{name} {version}" for name, version in versions.items())
    rows = [
        ("processor", processor_name()),
        ("processors", f"{results.n_processors} used of {os.cpu_count() or '?'}"),
        ("memory", _memory()),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("versions", named or f"python {platform.python_version()}"),
        ("seed of the batches", str(results.seed)),
    ]
    if results.warm_up:
        first, last, left = results.warm_up
        rows.append(("first run of a small batch, nothing compiled yet", f"{first:.1f} s"))
        rows.append(("the same when everything is compiled", f"{last:.1f} s"))
        if left:
            rows.append(("functions that even the last warm-up run compiled", str(left)))
    return "## Machine\n\n" + table(("", ""), rows)


def _bars(results: Results) -> str:
    verdicts = results.verdicts()
    if not verdicts:
        return ""
    rows = []
    for case, bar, value, verdict in verdicts:
        figure = FIGURES[bar.figure]
        measured = "" if value is None else shown(value, figure.unit)
        limit = f"{'at least' if bar.at_least else 'at most'} {_limit(bar.limit, figure.unit)}"
        sizes = f"{case.name}, {case.n_orders:,} orders x {case.n_nodes} nodes"
        rows.append((sizes, figure.label, limit, measured, verdict))
    text = (
        "## Bars\n\nWhole process of `nodewise allocate`, reading and writing Parquet included. "
        "With several runs, the worst figure of all counts."
    )
    return f"{text}\n\n" + table(("case", "figure", "bar", "measured", ""), rows)


def _limit(limit: float, unit: Unit) -> str:
    return {"seconds": f"{limit:g} s", "share": f"{100 * limit:g}%", "gigabytes": f"{limit:g} GB"}.get(
        unit, f"{limit:g}"
    )


def _runs(results: Results) -> str:
    if not results.runs:
        return ""
    rows = [
        (
            f"{name} {number}",
            f"{run.wall_seconds:.2f}",
            f"{run.cpu_seconds:.2f}",
            f"{run.peak_gigabytes:.3f}",
            f"{run.objective_cents / 100:,.2f}",
            f"{run.bound_cents / 100:,.2f}",
            shown(run.gap, "share"),
            shown(run.savings_gap, "share"),
            run.termination,
            str(run.n_compiled),
            f"{run.load_before:.2f}",
        )
        for name, runs in results.runs.items()
        for number, run in enumerate(runs, start=1)
    ]
    head = (
        *(
            "run",
            "wall s",
            "user + system s",
            "peak GB",
            "objective",
            "bound",
            "gap",
            "savings gap",
            "ended by",
        ),
        *("compiled within", "load before"),
    )
    notes = (
        "Objective and bound in currency units. *Compiled within*: functions compiled during the run, whose "
        "time is then part of it. *Load before*: load average of the machine in the minute before."
    )
    phases = [
        f"- {name} {number}: " + ", ".join(f"{phase} {seconds:.2f}" for phase, seconds in run.phases.items())
        for name, runs in results.runs.items()
        for number, run in enumerate(runs, start=1)
    ]
    commands = [
        f"    nodewise {' '.join(arguments)}"
        for case in results.cases.values()
        for arguments in (
            generate_arguments(case, results.seed),
            allocate_arguments(case, results.n_processors),
        )
    ]
    return "\n\n".join(
        (
            "## Runs",
            notes,
            table(head, rows),
            "Seconds by phase, as the command reports them:",
            "\n".join(phases),
            "Commands:",
            "\n".join(commands),
        )
    )


def _literature(results: Results) -> str:
    if not results.literature:
        return ""
    rows = []
    for solved in results.literature:
        listed = solved.listed
        rows.append(
            (
                f"{listed.family}: {listed.file}",
                f"{listed.value:.10g} ({listed.status})",
                _need(listed),
                "none" if solved.objective is None else f"{solved.objective:.10g}",
                "" if solved.beyond is None else f"{round(100 * solved.beyond, 3) + 0.0:+.3f}%",
                "none" if solved.bound is None else f"{solved.bound:.10g}",
                f"{solved.seconds:.2f}",
                solved.termination,
                results.literature_verdict(solved),
            )
        )
    head = ("file", "listed", "bar", "objective", "from listed", "bound", "seconds", "ended by", "")
    text = (
        f"## Literature\n\n`solver.solve` with `gap=0` and {results.literature_seconds:g} s for each file. "
        "Costs are minimised (gap), values maximised (mmkp); *from listed* above zero is worse. A bound on "
        "the wrong side of the listed value counts as not met."
    )
    return f"{text}\n\n" + table(head, rows)


def _need(listed: Listed) -> str:
    return "as listed" if listed.exact else f"within {100 * WITHIN:g}%"


def _kernels(results: Results) -> str:
    if not results.kernels:
        return ""
    rows = [
        (
            kernel.name,
            f"{1e3 * kernel.median_seconds:.2f}",
            f"{1e3 * kernel.min_seconds:.2f}",
            str(kernel.rounds),
        )
        for kernel in results.kernels
    ]
    text = "## Inner loops\n\nOn a peak day of 1,000 orders and 60 nodes; they have no bar."
    return f"{text}\n\n" + table(("loop", "median ms", "least ms", "rounds"), rows)


def _not_measured(results: Results) -> str:
    lines = _listed("failed", results.failed) + _listed("left out", results.skipped)
    return "## Not measured\n\n" + "\n".join(lines) if lines else ""


def _listed(what: str, reasons: Mapping[str, str]) -> list[str]:
    return [f"- {name}: {what}: {reason}" for name, reason in reasons.items()]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars within cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def processor_name() -> str:
    """The model of the processor, as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.1f} GB"
