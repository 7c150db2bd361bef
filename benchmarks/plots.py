"""Draws the records: gap against time, cost against rivals, time against size, speed-up against workers.

The same records give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmarks.cases import CASES
from benchmarks.kinds import RulesCase, SizesCase, WorkersCase
from benchmarks.measure import OURS
from benchmarks.records import Record, Run

# text stays text, ids do not depend on chance, and the metadata holds no date
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "nodewise",
    "font.size": 9.0,
    "axes.grid": True,
    "grid.alpha": 0.3,
}
KINDS = {case.name: type(case) for case in CASES}
OUR_COLOUR, RIVAL_COLOUR = "#1b6ca8", "#b0b7bf"


def draw(records: Sequence[Record], folder: Path) -> dict[str, str]:
    """Draw what there are records for.

    Parameters
    ----------
    records : sequence of Record
        In any order; cases that the registry does not know are passed over.
    folder : Path
        For the files; earlier ones of other plots are left.

    Returns
    -------
    dict of str to str
        File, relative to the folder above, by name of the plot.
    """
    known = [record for name in KINDS for record in records if record.case == name]
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, plot in PLOTS.items():
        with matplotlib.rc_context(STYLE):
            figure = plot(known)
            if figure is None:
                continue
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None}, bbox_inches="tight")
            plt.close(figure)
        files[name] = f"{folder.name}/{name}.svg"
    return files


def gap_against_time(records: Sequence[Record]) -> Figure | None:
    """A falling step for each allocated day: what was proved by when."""
    curves = []
    for record in records:
        ours = [run for run in record.runs if run.what == OURS and run.trace]
        if ours and "gap" in record.figures:
            points = [(p.seconds, 100 * gap) for p in ours[0].trace if (gap := p.gap) is not None and gap > 0.0]
            if points:
                curves.append((record.case, points))
    if not curves:
        return None
    figure, axes = plt.subplots(figsize=(7.5, 4.2))
    for name, points in curves:
        seconds, gaps = zip(*points)
        axes.plot(seconds, gaps, drawstyle="steps-post", marker=".", markersize=4, label=name)
    _log(axes, "seconds of the search", "gap, %")
    axes.legend(fontsize=8)
    return figure


def cost_against_rivals(records: Sequence[Record]) -> Figure | None:
    """A bar for us and each rule: objective, and savings gap beside it."""
    compared = [record for record in records if KINDS[record.case] is RulesCase and record.runs]
    if not compared:
        return None
    figure, grid = plt.subplots(
        len(compared), 2, figsize=(9.0, 0.4 + 2.7 * len(compared)), squeeze=False, sharey="row", layout="constrained"
    )
    for row, record in zip(grid, compared):
        runs = sorted(record.runs, key=lambda run: -run.objective_cents)
        _bars(
            row[0], runs, [run.objective_cents / 1e5 for run in runs], f"{record.case}: objective, thousands", "{:,.0f}"
        )
        _bars(row[1], runs, [100 * run.savings_gap for run in runs], "savings gap against our bound, %", "{:.2f}")
    return figure


def time_against_size(records: Sequence[Record]) -> Figure | None:
    """Wall time of the whole process by number of orders, a line for each kind of day."""
    series = [record for record in records if KINDS[record.case] is SizesCase and record.runs]
    if not series:
        return None
    figure, axes = plt.subplots(figsize=(6.5, 4.0))
    for record in series:
        sizes = sorted({run.n_orders for run in record.runs})
        slowest = [max(run.wall_seconds for run in record.runs if run.n_orders == size) for size in sizes]
        axes.plot(sizes, slowest, marker="o", label=record.case)
        for run in record.runs:
            if run.termination == "time_limit":
                axes.annotate("time limit", (run.n_orders, run.wall_seconds), fontsize=7)
    _log(axes, "orders", "seconds, whole process")
    axes.legend(fontsize=8)
    return figure


def speed_up_against_workers(records: Sequence[Record]) -> Figure | None:
    """How many times as fast as one worker, least of all pairs, beside what would be ideal."""
    paired = [record for record in records if KINDS[record.case] is WorkersCase and record.figures.get("speed_up")]
    if not paired:
        return None
    figure, axes = plt.subplots(figsize=(4.5, 3.2))
    axes.plot([1, 2], [1, 2], linestyle="--", color=RIVAL_COLOUR, label="ideal")
    for record in paired:
        least = min(record.figures["speed_up"])
        axes.plot([1, 2], [1.0, least], marker="o", color=OUR_COLOUR, label="whole process")
        axes.annotate(f"{least:.2f} x", (2, least), ha="right", va="top")
    axes.set_xticks([1, 2])
    axes.set_xlabel("workers")
    axes.set_ylabel("times as fast as one")
    axes.legend(fontsize=8)
    return figure


PLOTS: dict[str, Callable[[Sequence[Record]], Figure | None]] = {
    "gap": gap_against_time,
    "rivals": cost_against_rivals,
    "sizes": time_against_size,
    "workers": speed_up_against_workers,
}


def _bars(axes: Axes, runs: Sequence[Run], values: Sequence[float], label: str, form: str) -> None:
    names = [run.what.replace("_", " ") for run in runs]
    colours = [OUR_COLOUR if run.what == OURS else RIVAL_COLOUR for run in runs]
    bars = axes.barh(names, values, color=colours)
    axes.bar_label(bars, labels=[form.format(value) for value in values], fontsize=8, padding=2)
    axes.set_xlabel(label)
    axes.margins(x=0.15)
    axes.grid(visible=False, axis="y")


def _log(axes: Axes, x_label: str, y_label: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(_number))
        axis.set_minor_formatter(FuncFormatter(lambda value, _: _number(value) if _first_digit(value) in "25" else ""))
        axis.set_tick_params(which="minor", labelsize=7)


def _number(value: float, _: object = None) -> str:
    return f"{value:,.10g}"


def _first_digit(value: float) -> str:
    return f"{value:e}"[0]
