"""How the commands over time are called: generate-stream and replay. What is heavy is imported later."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from api.options import Debug, number_from


class Form(StrEnum):
    """The forms in which tables are written."""

    parquet = "parquet"
    csv = "csv"


class Kind(StrEnum):
    """The kinds of days that streams can be generated for."""

    calm = "calm"
    peak = "peak"
    flash = "flash"
    basket = "basket"


FromOne = number_from(1)
Load = Annotated[Kind, typer.Option(help="The kind of days.")]
Days = Annotated[int, typer.Option(callback=FromOne, help="Days.")]
Orders = Annotated[int, typer.Option(callback=FromOne, help="Orders, over all days.")]
Nodes = Annotated[int, typer.Option(callback=FromOne, help="Nodes.")]
Skus = Annotated[int, typer.Option(callback=FromOne, help="Items.")]
Horizon = Annotated[int, typer.Option(callback=FromOne, help="Ship dates that a decision may choose from.")]
Restock = Annotated[int, typer.Option(callback=FromOne, help="Days between deliveries to a node.")]


def generate_stream(
    out: Annotated[str, typer.Option("-o", "--out", metavar="DIR", help="A folder, or a .json file.")],
    load: Load = Kind.calm,
    days: Days = 7,
    orders: Orders = 7000,
    nodes: Nodes = 60,
    skus: Skus = 800,
    horizon_days: Horizon = 2,
    restock_days: Restock = 3,
    seed: Annotated[int, typer.Option(callback=number_from(0), help="The same seed gives the same stream.")] = 0,
    format: Annotated[
        Form | None, typer.Option("--format", show_default="json for a file NAME.json, else parquet", help="Form.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Generate a stream of orders over days, to replay.

    A batch with a table of when each order was placed, and how often each node says no. Orders come by
    weekday and hour, stock arrives in parts, capacity is new every day.

    \b
    Example:
      nodewise generate-stream --load peak --days 7 --orders 10000 --seed 1 -o week
    """
    from api.replay_commands import Sizes, generate_stream_command

    sizes = Sizes(load.value, days, orders, nodes, skus, horizon_days, restock_days)
    raise typer.Exit(generate_stream_command(sizes, seed, out, format.value if format else None))


def replay(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="[STREAM]",
            show_default="one generated for each seed",
            help="A batch with a table stream (order_id, placed_at), and perhaps rejects (node_id, reject_bp).",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("-o", "--out", metavar="DIR", help="A folder for result.json and its tables."),
    ] = None,
    strategies: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            show_default="all rivals, guided, three windows, one of each other kind",
            help="With commas: nearest, priority, most_stock, fewest_splits, single_else_split, cheapest, guided, "
            "windows:MINUTES, guided_windows:MINUTES, reopt:MINUTES.",
        ),
    ] = "",
    seeds: Annotated[int, typer.Option(callback=FromOne, help="Draws (and streams, if generated).")] = 3,
    first_seed: Annotated[int, typer.Option(callback=number_from(0), help="The first of them.")] = 0,
    reject_bp: Annotated[
        int, typer.Option(min=0, max=10_000, help="How often nodes say no that the stream has no figure for.")
    ] = 0,
    answer_minutes: Annotated[int, typer.Option(callback=FromOne, help="How long nodes take to say no.")] = 30,
    release_minutes: Annotated[int, typer.Option(callback=FromOne, help="How long reopt may change a decision.")] = 240,
    change_cents: Annotated[
        int, typer.Option(callback=number_from(0), help="What a change has to save at least.")
    ] = 50,
    gap: Annotated[float, typer.Option(callback=number_from(0), help="How well windows are solved.")] = 0.005,
    bound: Annotated[bool, typer.Option(help="Whether to bound what could have been had with hindsight.")] = True,
    load: Load = Kind.calm,
    days: Days = 7,
    orders: Orders = 7000,
    nodes: Nodes = 60,
    skus: Skus = 800,
    horizon_days: Horizon = 2,
    restock_days: Restock = 3,
    format: Annotated[Form, typer.Option("--format", help="Form of the tables.")] = Form.parquet,
    debug: Debug = False,
) -> None:
    """Play strategies on a stream of orders: what does it cost to decide at once, what does it save to wait?

    All strategies see the same orders, stock, capacity and luck. Differences are paired, against the best of
    the rules that order management systems use today. The same input gives the same result, to the byte.

    \b
    Examples:
      nodewise replay week -o week-replay
      nodewise replay --load peak --days 5 --orders 4000 --seeds 5 --strategies cheapest,windows:30,windows:240
    """
    from api.replay_commands import ReplayOptions, Sizes, replay_command

    options = ReplayOptions(
        strategies=tuple(name.strip() for name in strategies.split(",") if name.strip()),
        seeds=range(first_seed, first_seed + seeds),
        reject_bp=reject_bp,
        answer_minutes=answer_minutes,
        release_minutes=release_minutes,
        change_cents=change_cents,
        gap=gap,
        bound=bound,
    )
    sizes = Sizes(load.value, days, orders, nodes, skus, horizon_days, restock_days)
    raise typer.Exit(replay_command(source, sizes, options, out, format.value))
