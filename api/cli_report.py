"""How the command `nodewise report` is called. What is heavy is imported later."""

from __future__ import annotations

from typing import Annotated

import typer

from api.options import Debug


def report(
    allocation: Annotated[
        str, typer.Argument(metavar="OUT", show_default=False, help="The allocation: a folder or a .json file.")
    ],
    batch: Annotated[
        str | None,
        typer.Option("--input", metavar="BATCH", show_default="day beside day-allocation", help="Its batch."),
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(metavar="OUT", show_default="none", help="The allocation that differences are against."),
    ] = None,
    baseline_batch: Annotated[
        str | None,
        typer.Option("--baseline-input", metavar="BATCH", show_default="the same", help="The baseline's batch."),
    ] = None,
    out: Annotated[
        str | None, typer.Option("-o", "--out", metavar="FILE", show_default="OUT.html", help="Where to write it.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Write the figures of an allocation as one HTML file.

    Key figures (with differences, where there is a baseline), the network on a map, nodes, cost by term, prices
    and the search. The file needs nothing from elsewhere: it can be mailed, and opened without a network.

    \b
    Examples:
      nodewise report day-allocation
      nodewise report demo/allocation --input demo/batch --baseline demo/one-at-a-time -o demo.html
    """
    from api.report_commands import report_command

    raise typer.Exit(report_command(allocation, batch, baseline, baseline_batch, out))
