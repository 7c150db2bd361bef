"""How the commands of planning are called: simulate and compare. What is heavy is imported later."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from api.options import Debug, number_from


def simulate(
    base: Annotated[
        str,
        typer.Argument(metavar="BASE", show_default=False, help="The batch: a folder, a .json document, or -."),
    ],
    scenarios: Annotated[
        list[str],
        typer.Argument(metavar="SCENARIO...", show_default=False, help="Files NAME.toml or NAME.json."),
    ],
    out: Annotated[str, typer.Option("-o", "--out", metavar="OUT", help="A folder for the results.")],
    gap: Annotated[
        float, typer.Option(callback=number_from(0), help="Stop each at this proven gap; 0.005 is half a percent.")
    ] = 0.005,
    time_limit: Annotated[
        float, typer.Option(callback=number_from(0, above=True), help="Stop each after so many seconds.")
    ] = 60.0,
    seed: Annotated[int, typer.Option(callback=number_from(0), help="The same seed gives the same result.")] = 0,
    workers: Annotated[
        int | None,
        typer.Option(
            callback=number_from(1), show_default="all processors", help="Plans solved at a time, or threads of one."
        ),
    ] = None,
    keep_batches: Annotated[
        bool, typer.Option("--keep-batches", help="Write the batch of each plan too: OUT/NAME/batch.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Solve a batch and what scenarios make of it, and compare.

    A scenario is a short list of edits: a node closed or added, stock moved, capacity or rates changed, transit
    days added, demand scaled, nodes forced or forbidden, the policy changed. docs/planning.md lists them all.
    Base and scenarios are solved side by side, each is checked, and OUT gets an allocation for each, and the
    comparison as Parquet, CSV and XLSX: whole, or not at all.

    \b
    Example:
      nodewise simulate day strike.toml close-dc07.toml -o what-if --gap 0.002
    """
    from api.commands import RunOptions
    from api.simulate_commands import simulate_command

    options = RunOptions(gap=gap, time_limit_seconds=time_limit, seed=seed, workers=workers or _processors())
    raise typer.Exit(simulate_command(base, scenarios, out, options, keep_batches=keep_batches))


def compare(
    plans: Annotated[
        list[str],
        typer.Argument(
            metavar="PLAN...",
            show_default=False,
            help="A simulation (all its plans), OUT/NAME of one, or, with --base, an allocation.",
        ),
    ],
    base: Annotated[
        str | None,
        typer.Option(metavar="BATCH", show_default="as simulated", help="The batch that the plans start from."),
    ] = None,
    out: Annotated[
        str | None, typer.Option("-o", "--out", metavar="DIR", show_default="nowhere", help="A new or an empty folder.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Compare allocations with the first of them.

    Prints each cost term, how well orders are served, nodes, units moved between nodes and the orders that
    changed, and how certain the difference is: two gaps leave an interval for what the best plans would differ by.
    -o writes all of it as Parquet, CSV (NAME.spreadsheet.csv for spreadsheets) and XLSX.

    \b
    Examples:
      nodewise compare what-if
      nodewise compare what-if/base what-if/strike -o strike-compared
      nodewise compare --base day day-allocation other-allocation
    """
    from api.simulate_commands import compare_command

    raise typer.Exit(compare_command(plans, base, out))


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
