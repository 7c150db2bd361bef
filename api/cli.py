"""The command `nodewise`: how its commands are called, and their help. What is heavy is imported later."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from typing import Annotated

import typer

from api import cli_planning, cli_replay, cli_report, cli_service, cli_why
from api.failures import ABORTED, CommandGroup
from api.options import Debug, number_from, workers_or_ray

app = typer.Typer(
    cls=CommandGroup,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


class Format(StrEnum):
    """The forms in which documents are written."""

    parquet = "parquet"
    csv = "csv"
    json = "json"


class Load(StrEnum):
    """The days that batches can be generated for."""

    calm = "calm"
    peak = "peak"
    flash = "flash"
    basket = "basket"


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        app(prog_name="nodewise")
    except SystemExit as ended:
        if ended.code in (ABORTED, 143):  # do not wait for threads that were told to stop, but have not
            sys.stderr.flush()
            os._exit(int(ended.code))
        raise


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"nodewise {version('nodewise')}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
]
Gap = Annotated[float, typer.Option(callback=number_from(0), help="Stop at this proven gap; 0.005 is half a percent.")]
TimeLimit = Annotated[float, typer.Option(callback=number_from(0, above=True), help="Stop after so many seconds.")]
Seed = Annotated[int, typer.Option(callback=number_from(0), help="The same seed gives the same result.")]
Workers = Annotated[
    int | None,
    typer.Option(
        callback=number_from(1),
        show_default="all processors",
        help="Processors to use. The result does not depend on it.",
    ),
]
WorkersOrRay = Annotated[
    str | None,
    typer.Option(
        metavar="N|ray",
        callback=workers_or_ray,
        show_default="all processors",
        help="Processors to use, or ray to spread a large batch over a Ray of its own on this machine. The result "
        "does not depend on it.",
    ),
]
RayAddress = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", show_default=False, help="A Ray cluster to spread a large batch over."),
]
StartPrices = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        show_default=False,
        help="Start from the prices of an earlier batch: its allocation, or its table prices.",
    ),
]
OutFormat = Annotated[
    Format | None,
    typer.Option("--format", show_default="json for a file NAME.json, else parquet", help="What to write."),
]


@app.callback(
    epilog="Exit codes: 0 done, 1 a bug or an outage, 2 bad input, 3 check found faults, 130 aborted.",
)
def nodewise(version: Version = False, debug: Debug = False) -> None:
    """Decide which node ships which line of which order, as one optimisation over the whole batch, with a
    proof of how far from the best possible plan the result can be.

    \b
    Example, a whole day from nothing:
      nodewise generate --load peak --orders 2000 -o day
      nodewise allocate day
      nodewise check day day-allocation
    """


@app.command()
def allocate(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            show_default=False,
            help="A folder of Parquet or CSV tables, a .json document, or - for one on standard input.",
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="OUT",
            show_default="INPUT-allocation beside INPUT; - for standard input",
            help="A folder, a .json file, or - for a JSON document on standard output.",
        ),
    ] = None,
    gap: Gap = 0.005,
    time_limit: TimeLimit = 60.0,
    seed: Seed = 0,
    workers: WorkersOrRay = None,
    ray_address: RayAddress = None,
    prices: StartPrices = None,
    format: OutFormat = None,
    debug: Debug = False,
) -> None:
    """Allocate a batch of orders to nodes.

    Finds the plan of the lowest total cost, or one that is proved to be near it. Writes shipments,
    allocations, unallocated, prices and a summary: whole, or not at all. An earlier allocation in the same
    place is replaced, anything else is not.

    Ctrl-C (or SIGTERM) stops the search: the best allocation found so far is checked, marked `interrupted`
    and written, and the exit code is 0, since it is a right allocation. A second one aborts with 130 (143)
    and writes nothing.

    \b
    Examples:
      nodewise allocate day --gap 0.002 --time-limit 30
      nodewise allocate day.json -o plan --format csv
      nodewise allocate - < day.json > plan.json
      nodewise allocate today --prices yesterday-allocation
    """
    from api.commands import RunOptions, allocate_command

    on_ray = workers == "ray"
    options = RunOptions(
        gap=gap,
        time_limit_seconds=time_limit,
        seed=seed,
        workers=_processors() if workers is None or on_ray else int(workers),
        ray_address=ray_address or ("local" if on_ray else None),
        prices=prices,
    )
    raise typer.Exit(allocate_command(source, out, format and format.value, options))


@app.command()
def check(
    source: Annotated[
        str,
        typer.Argument(metavar="INPUT", show_default=False, help="The batch: a folder, a .json document, or -."),
    ],
    claimed: Annotated[
        str,
        typer.Argument(metavar="OUT", show_default=False, help="The allocation: a folder, a .json document, or -."),
    ],
    debug: Debug = False,
) -> None:
    """Check an allocation against its batch.

    Recomputes every cost, resource and rule from the documents and prints a line for each fault: the first
    100, then how many there are. Exits with 0 only when all is right, with 3 when anything is wrong, with 2
    when the documents cannot be read.

    \b
    Examples:
      nodewise check day day-allocation
      nodewise allocate - < day.json | nodewise check day.json -
    """
    from api.commands import check_command

    raise typer.Exit(check_command(source, claimed))


@app.command()
def generate(
    out: Annotated[
        str,
        typer.Option(
            "-o",
            "--out",
            metavar="DIR",
            help="A folder, a .json file, or - for a JSON document on standard output.",
        ),
    ],
    load: Annotated[Load, typer.Option(help="The kind of day.")] = Load.peak,
    orders: Annotated[int | None, typer.Option(callback=number_from(1), show_default="by load", help="Orders.")] = None,
    nodes: Annotated[int | None, typer.Option(callback=number_from(1), show_default="300", help="Nodes.")] = None,
    skus: Annotated[int | None, typer.Option(callback=number_from(1), show_default="by load", help="Items.")] = None,
    seed: Seed = 0,
    format: OutFormat = None,
    debug: Debug = False,
) -> None:
    """Generate a realistic batch.

    US geography and parcel tariffs, orders as people place them. calm: stock and capacity ample. peak: half
    of the assortment short somewhere, docks full. flash: a few items that everybody wants. basket: grocery
    orders of several lines, up to three shipments each.

    \b
    Example:
      nodewise generate --load peak --orders 10000 --nodes 300 --seed 1 -o day
    """
    from api.commands import generate_command

    chosen = format and format.value
    raise typer.Exit(generate_command(load.value, orders, nodes, skus, seed, out, chosen))


@app.command()
def demo(
    out: Annotated[str, typer.Option("-o", "--out", metavar="DIR", help="Where to leave the files.")] = "nodewise-demo",
    orders: Annotated[int, typer.Option(callback=number_from(1), help="Orders.")] = 3000,
    nodes: Annotated[int, typer.Option(callback=number_from(1), help="Nodes.")] = 100,
    skus: Annotated[int, typer.Option(callback=number_from(1), help="Items.")] = 600,
    gap: Gap = 0.005,
    time_limit: TimeLimit = 15.0,
    seed: Seed = 0,
    workers: Workers = None,
    debug: Debug = False,
) -> None:
    """See what allocating as a whole saves.

    Generates a peak day, allocates it, checks the result, and compares it with routing one order at a time to
    its cheapest feasible node. Leaves the batch and both allocations in DIR, where it
    replaces an earlier demo only.

    \b
    Example:
      nodewise demo --orders 5000 -o /tmp/demo
    """
    from api.commands import RunOptions
    from api.demo import demo_command

    options = RunOptions(gap=gap, time_limit_seconds=time_limit, seed=seed, workers=workers or _processors())
    raise typer.Exit(demo_command(out, orders, nodes, skus, options))


app.command()(cli_planning.simulate)
app.command()(cli_planning.compare)
app.command()(cli_report.report)
app.command()(cli_why.explain)
app.command()(cli_why.frontier)
app.command("generate-stream")(cli_replay.generate_stream)
app.command()(cli_replay.replay)
app.command()(cli_service.serve)
app.add_typer(cli_service.keys, name="key")
app.add_typer(cli_service.ledger, name="ledger")


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


if __name__ == "__main__":
    main()
