"""Writes the page from the records: what was asked and measured, by what machine and code, and every run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.cases import CASES
from benchmarks.kinds import FIGURES, Bar, Case, Unit
from benchmarks.literature_bench import WITHIN
from benchmarks.machine import Origin
from benchmarks.records import Record, Run

OPENING = """Written by `make bench` from the records in `results/`, one for each case. A bar is met when the figure, \
unrounded, is on its right side; *must* is what has to hold, *aim* what is wished for. With several runs the worst \
figure counts. Times are of whole processes, seen from outside, reading and writing Parquet included."""

ABOUT_RUNS = """Objective in currency units. *Fill*: units shipped of those ordered; *split*: orders of several \
shipments among those shipped. *Load before*: load average of the machine in the minute before, in which the run \
before may still count. *Compiled*: functions compiled during the run, whose time is then part of it."""

PLOT_TITLES: Mapping[str, str] = {
    "gap": "Proven gap against time",
    "rivals": "Cost against the rivals",
    "sizes": "Time against size",
    "workers": "Speed-up against workers",
}


def page(records: Sequence[Record], plots: Mapping[str, str]) -> str:
    """The whole page.

    Parameters
    ----------
    records : sequence of Record
        All there are.
    plots : mapping of str to str
        File by name of a plot, as `benchmarks.plots.draw` returns it.
    """
    known = {case.name: case for case in CASES}
    by_case = {record.case: record for record in records if record.case in known}
    letters = _letters([by_case[name] for name in known if name in by_case])
    parts = [
        "# Measurements",
        OPENING,
        _counted(by_case),
        _origins(letters, by_case),
        _bars(by_case, letters),
        *(f"## {PLOT_TITLES[name]}\n\n![{PLOT_TITLES[name]}]({file})" for name, file in plots.items()),
        "## Runs",
        ABOUT_RUNS,
        *(_case(case, by_case[case.name], letters) for case in CASES if case.name in by_case),
        _missing(by_case),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def verdict(bar: Bar, limit: float | None, record: Record | None) -> str:
    """What a record says of one side of a bar."""
    if limit is None:
        return ""
    values = [] if record is None else record.figures.get(bar.figure, [])
    if record is None or not values:
        return "not measured"
    met = bar.met(bar.worst(values), limit)
    if record.scale != 1.0 and bar.figure != "n_faults":
        return f"no bar at scale {record.scale:g}"
    if not met and record.seconds is not None and bar.figure != "n_faults":
        return f"not met in {record.seconds:g} s"
    return "met" if met else "not met"


def shown(value: float, unit: Unit) -> str:
    """A figure as people read it, with enough digits to see which side of its bar it is on."""
    if unit == "seconds":
        return f"{value:.1f} s"
    if unit == "share":
        return f"{100 * value:.3f}%"
    if unit == "gigabytes":
        return f"{value:.2f} GB"
    if unit == "times":
        return f"{value:.2f} x"
    if unit == "cents":
        return f"{value / 100:,.2f}"
    return f"{value:g}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars within cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _letters(records: Sequence[Record]) -> list[tuple[str, Origin]]:
    """A letter for each combination of machine, versions and code."""
    origins: list[Origin] = []
    for record in records:
        if record.origin not in origins:
            origins.append(record.origin)
    return [(_letter(number), each) for number, each in enumerate(origins)]


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else f"A{number}"


def _letter_of(record: Record, letters: list[tuple[str, Origin]]) -> str:
    return next(letter for letter, each in letters if each == record.origin)


def _counted(by_case: Mapping[str, Record]) -> str:
    counts = []
    for side in ("must", "aim"):
        verdicts = [
            verdict(bar, limit, by_case.get(case.name))
            for case in CASES
            for bar in case.bars
            if (limit := getattr(bar, side)) is not None
        ]
        counts.append(f"{verdicts.count('met')} of {len(verdicts)} {side} bars met")
        if missing := verdicts.count("not measured"):
            counts[-1] += f" ({missing} not measured)"
    return f"**{', '.join(counts)}.**"


def _origins(letters: list[tuple[str, Origin]], by_case: Mapping[str, Record]) -> str:
    if not letters:
        return ""
    rows = []
    for letter, each in letters:
        dates = sorted(record.date[:10] for record in by_case.values() if record.origin == each)
        days = dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
        machine = f"{each.processor}, {each.n_processors} processors used, {each.memory_gb:g} GB, {each.system}"
        versions = ", ".join(f"{name} {number}" for name, number in each.versions.items())
        rows.append((letter, days, machine, versions, f"`{each.code}`"))
    text = "## Machine\n\n"
    if len(letters) > 1:
        text += (
            f"**The records come from {len(letters)} combinations of machine, versions and code**: figures with "
            "different letters do not compare.\n\n"
        )
    return text + table(("", "measured", "machine", "versions", "code"), rows)


def _bars(by_case: Mapping[str, Record], letters: list[tuple[str, Origin]]) -> str:
    rows = []
    for case in CASES:
        record = by_case.get(case.name)
        for bar in case.bars:
            unit = FIGURES[bar.figure].unit
            values = [] if record is None else record.figures.get(bar.figure, [])
            measured = shown(bar.worst(values), unit) if values else ""
            rows.append(
                (
                    case.name,
                    FIGURES[bar.figure].label,
                    measured,
                    _limit(bar, bar.must),
                    verdict(bar, bar.must, record),
                    _limit(bar, bar.aim),
                    verdict(bar, bar.aim, record),
                    "" if record is None else _letter_of(record, letters),
                )
            )
    return "## Bars\n\n" + table(("case", "figure", "measured", "must", "", "aim", "", "machine"), rows)


def _limit(bar: Bar, limit: float | None) -> str:
    if limit is None:
        return ""
    unit = FIGURES[bar.figure].unit
    text = {
        "seconds": f"{limit:g} s",
        "share": f"{100 * limit:g}%",
        "gigabytes": f"{limit:g} GB",
        "times": f"{limit:g} x",
        "cents": f"{limit / 100:g}",
    }.get(unit, f"{limit:g}")
    return f"{'at least' if bar.at_least else 'at most'} {text}"


def _case(case: Case, record: Record, letters: list[tuple[str, Origin]]) -> str:
    cut = "" if record.seconds is None else f" Searches were cut to {record.seconds:g} s."
    scale = "" if record.scale == 1.0 else f" At scale {record.scale:g}."
    parts = [
        f"### {case.name}",
        f"{case.about}{cut}{scale} Measured {record.date} ({_letter_of(record, letters)}).",
        f"**Failed**: {record.failed}." if record.failed else "",
        _runs(record.runs),
        _files(record),
        _loops(record),
    ]
    return "\n\n".join(part for part in parts if part)


def _runs(runs: Sequence[Run]) -> str:
    if not runs:
        return ""
    head = (
        *("run", "workers", "wall s", "cpu s", "peak GB", "objective", "gap", "savings gap", "fill", "split"),
        *("ended by", "check s", "faults", "load before", "compiled"),
    )
    days = {run.day for run in runs}
    rows = [
        (
            run.what if len(days) == 1 else f"{run.what}: {run.day}",
            run.workers,
            f"{run.wall_seconds:.2f}",
            f"{run.cpu_seconds:.2f}",
            f"{run.peak_gigabytes:.2f}",
            f"{run.objective_cents / 100:,.2f}",
            shown(run.gap, "share"),
            shown(run.savings_gap, "share"),
            f"{100 * run.fill_rate:.1f}%",
            f"{100 * run.split_rate:.1f}%",
            run.termination,
            f"{run.check_seconds:.1f}",
            str(run.n_faults),
            f"{run.load_before:.2f}",
            str(run.n_compiled),
        )
        for run in runs
    ]
    phases = [
        f"- `{run.command}`: " + ", ".join(f"{phase} {seconds:.2f}" for phase, seconds in run.phases.items())
        for run in runs
    ]
    note = ""
    if any(run.what != "nodewise" for run in runs):
        note = "Rivals prove no bound of their own: their gaps are against ours.\n\n"
    return f"{note}{table(head, rows)}\n\nCommands, and seconds by phase as each reports them:\n\n" + "\n".join(phases)


def _files(record: Record) -> str:
    if not record.files:
        return ""
    rows = [
        (
            each.file,
            f"{each.listed:.10g} ({each.status})",
            "none" if each.objective is None else f"{each.objective:.10g}",
            "" if each.beyond is None else f"{round(100 * each.beyond, 3) + 0.0:+.3f}%",
            "none" if each.bound is None else f"{each.bound:.10g}",
            f"{each.seconds:.2f}",
            each.termination,
            _reached(each.honest, each.reached(WITHIN)),
        )
        for each in record.files
    ]
    text = (
        "`solver.solve` with `gap=0`. Costs are minimised (gap), values maximised (mmkp); *from listed* above zero is "
        f"worse. Series gap1 to gap6 and the knapsacks must be as listed, the others within {100 * WITHIN:g}%."
    )
    head = ("file", "listed", "objective", "from listed", "bound", "seconds", "ended by", "")
    return f"{text}\n\n" + table(head, rows)


def _reached(honest: bool, reached: bool) -> str:
    if not honest:
        return "wrong bound"
    return "reached" if reached else "short"


def _loops(record: Record) -> str:
    if not record.loops:
        return ""
    rows = [
        (loop.name, f"{1e3 * loop.median_seconds:.2f}", f"{1e3 * loop.min_seconds:.2f}", str(loop.rounds))
        for loop in record.loops
    ]
    return table(("loop", "median ms", "least ms", "rounds"), rows)


def _missing(by_case: Mapping[str, Record]) -> str:
    missing = [f"- {case.name}: {case.about}" for case in CASES if case.name not in by_case]
    return "## Not measured\n\n" + "\n".join(missing) if missing else ""
