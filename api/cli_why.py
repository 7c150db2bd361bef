"""How the commands that explain and trade off are called: explain and frontier. What is heavy is imported later."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from api.options import Debug, number_from


class Over(StrEnum):
    """Quantities that cost is set against."""

    carbon = "carbon"
    splits = "split"
    late = "late"
    unallocated = "unallocated"


Input = Annotated[
    str | None,
    typer.Option("--input", metavar="BATCH", show_default="X where OUT is X-allocation", help="The batch of OUT."),
]
Json = Annotated[bool, typer.Option("--json", help="Print a JSON document.")]


def explain(
    out: Annotated[
        str, typer.Argument(metavar="OUT", show_default=False, help="The allocation: a folder, or a .json document.")
    ],
    order_id: Annotated[
        str | None, typer.Argument(metavar="ORDER_ID", show_default="the whole batch", help="The order to explain.")
    ] = None,
    input: Input = None,
    rivals: Annotated[int, typer.Option(callback=number_from(1), help="Rival nodes to study, those nearest.")] = 4,
    neighbours: Annotated[
        int, typer.Option(callback=number_from(0), max=100, help="Other orders that may be decided anew with it.")
    ] = 24,
    top: Annotated[int, typer.Option(callback=number_from(1), help="Of the whole batch: resources to name.")] = 10,
    verify: Annotated[
        bool, typer.Option("--verify", help="Of the whole batch: solve it anew with one unit more of each.")
    ] = False,
    time_limit: Annotated[
        float, typer.Option(callback=number_from(0, above=True), help="With --verify: seconds for each.")
    ] = 60.0,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Explain why an order is served as it is, or what is scarce in the whole batch.

    Of an order: what it costs, term by term; every rival node with its best option, or why it has none; who
    holds what the rival lacks, and what giving it up would cost them; and the smallest change that would flip
    the decision: cents off the rate, a unit of stock, a slot. Without an order: the resources of which one more
    unit would save most.

    Each figure is an optimum, proved: the order and those around it are decided anew, all others stay as they
    are.

    \b
    Examples:
      nodewise explain day-allocation o0017
      nodewise explain plan --input day --json
    """
    from api.explain_commands import ExplainOptions, explain_command

    options = ExplainOptions(
        n_studied=rivals,
        n_neighbours=neighbours,
        n_resources=top,
        verify=verify,
        time_limit_seconds=time_limit,
        as_json=json,
    )
    raise typer.Exit(explain_command(out, order_id, input, options))


def frontier(
    source: Annotated[
        str,
        typer.Argument(metavar="BASE", show_default=False, help="The batch: a folder, a .json document, or -."),
    ],
    over: Annotated[Over, typer.Option(help="What to set cost against.")],
    points: Annotated[int, typer.Option(callback=number_from(2), help="Allocations to find.")] = 7,
    most: Annotated[
        int | None,
        typer.Option(
            callback=number_from(1),
            show_default="by quantity",
            help="The highest weight, in cents a kg, split, day or unit.",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            "-o", "--out", metavar="FILE", show_default="none", help="The points: a .csv, .parquet or .json file."
        ),
    ] = None,
    gap: Annotated[float, typer.Option(callback=number_from(0), help="Stop each at this proven gap.")] = 0.005,
    time_limit: Annotated[
        float, typer.Option(callback=number_from(0, above=True), help="Stop each after so many seconds.")
    ] = 60.0,
    seed: Annotated[int, typer.Option(callback=number_from(0), help="The same seed gives the same result.")] = 0,
    workers: Annotated[
        int, typer.Option(callback=number_from(1), help="Processors to use. The result does not depend on it.")
    ] = 1,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Set cost against carbon, splits, lateness or units left out: a curve of allocations, each with its proof.

    Finds allocations at several weights of the quantity, next where least is known of the curve. Each comes
    with what any allocation of no more of the quantity costs at least, besides: so far is it from the best
    possible trade-off, and no farther.

    \b
    Examples:
      nodewise frontier day --over carbon -o carbon.csv
      nodewise frontier day --over split --points 5 --gap 0.002
    """
    from api.frontier_commands import FrontierOptions, frontier_command

    options = FrontierOptions(
        over=over.value,
        n_points=points,
        most_cents=most,
        gap=gap,
        time_limit_seconds=time_limit,
        seed=seed,
        n_workers=workers,
        as_json=json,
    )
    raise typer.Exit(frontier_command(source, out, options))
