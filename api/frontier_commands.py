"""What the command frontier does: a curve of cost against a quantity, as a table, a chart and a file."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from api.commands import compile_kernels
from api.failures import DONE, say
from api.interrupts import Interrupts
from api.money import dollars
from api.sources import read_batch_from, refusal, refuse_unwritable
from api.summary_table import plain_table, print_table

if TYPE_CHECKING:
    from engine.frontier import Frontier, Over, Point

FORMS = (".csv", ".parquet", ".json")
CHART_WIDTH, CHART_HEIGHT = 64, 14


@dataclass(frozen=True, kw_only=True)
class FrontierOptions:
    """How to trace the curve; see :class:`engine.frontier.FrontierParams` and `engine.AllocateParams`."""

    over: Over
    n_points: int
    most_cents: int | None
    gap: float
    time_limit_seconds: float
    seed: int
    n_workers: int
    as_json: bool


def frontier_command(source: str, target: str | None, options: FrontierOptions) -> int:
    """Trace the curve, print it, and write its points.

    Parameters
    ----------
    source : str
        The batch: a folder, a JSON file or ``-``.
    target : str or None
        A file whose ending says the form.
    options : FrontierOptions

    Returns
    -------
    int
        The exit code.
    """
    if target is not None:
        refuse_file(target)
    batch = read_batch_from(source)
    compile_kernels()
    from engine import AllocateParams
    from engine.frontier import FrontierParams, frontier

    params = FrontierParams(
        over=options.over,
        n_points=options.n_points,
        most_cents=options.most_cents,
        run=AllocateParams(
            gap=options.gap,
            time_limit_seconds=options.time_limit_seconds,
            seed=options.seed,
            workers=options.n_workers,
        ),
    )

    def tell(n: int, point: Point) -> None:
        say(
            f"{n} of {options.n_points}: weight {dollars(point.weight_cents)}, quantity {point.quantity:,.2f}, "
            f"other costs {dollars(point.other_cents)}, {point.termination}"
        )

    with Interrupts() as interrupts:
        interrupts.message = "stopping: the points found so far will be shown (again to abort)"
        found = frontier(batch, params, on_point=tell, interrupt=interrupts)
    if target is not None:
        write_points(found, Path(target))
    if options.as_json:
        sys.stdout.buffer.write(orjson.dumps(found.to_document(), option=orjson.OPT_INDENT_2) + b"\n")
        return DONE
    print_frontier(found)
    if target is not None:
        print(f"{len(found.points)} points written to {target}")
    return DONE


def refuse_file(target: str) -> None:
    """Refuse a file that points cannot be written to.

    Raises
    ------
    InputError
        When its ending says no form, it is a folder, or cannot be written.
    """
    path = Path(target)
    if path.suffix not in FORMS or path.is_dir():
        raise refusal("frontier", target, f"a file that ends in {', '.join(FORMS)}")
    refuse_unwritable(path, "frontier")


def write_points(found: Frontier, path: Path) -> None:
    """Write the points of a curve, whole or not at all."""
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new-{os.getpid()}")
    try:
        if path.suffix == ".json":
            beside.write_bytes(orjson.dumps(found.to_document(), option=orjson.OPT_INDENT_2) + b"\n")
        elif path.suffix == ".csv":
            pa_csv.write_csv(found.table(), beside)
        else:
            pq.write_table(found.table(), beside, compression="zstd")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def print_frontier(found: Frontier) -> None:
    """Print a curve as a table and a chart."""
    from engine.frontier import UNIT

    print(f"\ncost against {UNIT[found.over]}")
    table = plain_table("", "weight", "quantity", "other costs", "no less than", "within")
    for number, point in enumerate(found.points, 1):
        table.add_row(
            str(number),
            dollars(point.weight_cents),
            f"{point.quantity:,.2f}",
            dollars(point.other_cents),
            dollars(point.envelope_cents),
            dollars(point.within_cents),
        )
    print_table(table, sys.stdout)
    for line in chart(found):
        print(line.rstrip())
    if found.n_dropped:
        print(f"{found.n_dropped} more found were no better in either and are left out")


def chart(found: Frontier, width: int = CHART_WIDTH, height: int = CHART_HEIGHT) -> list[str]:
    """The curve as lines of text: points by number, and dots for the envelope below which no allocation is."""
    quantities = [point.quantity for point in found.points]
    low_q, high_q = min(quantities), max(quantities)
    columns = [low_q + (high_q - low_q) * at / (width - 1) for at in range(width)]
    envelope = [found.envelope(quantity) for quantity in columns]
    costs = [float(point.other_cents) for point in found.points]
    low, high = min(*envelope, *costs), max(*envelope, *costs)
    rows = [[" "] * width for _ in range(height)]

    def row_of(cents: float) -> int:
        return round((high - cents) / (high - low) * (height - 1)) if high > low else height - 1

    for column, cents in enumerate(envelope):
        rows[row_of(cents)][column] = "."
    for number, point in enumerate(found.points, 1):
        column = round((point.quantity - low_q) / (high_q - low_q) * (width - 1)) if high_q > low_q else 0
        rows[row_of(point.other_cents)][column] = str(number)[-1]
    labels = {0: dollars(high), height - 1: dollars(low)}
    margin = max(len(text) for text in labels.values())
    out = [f"{labels.get(at, ''):>{margin}} |{''.join(row)}" for at, row in enumerate(rows)]
    left, right = f"{low_q:,.2f}", f"{high_q:,.2f}"
    return [*out, f"{'':>{margin}} +{'-' * width}", f"{'':>{margin}}  {left}{right:>{width - len(left)}}"]
