"""The table at the end of a run: what the plan costs, how well it serves, how good it is, what it took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TextIO

from api.money import dollars, percent, seconds, share

if TYPE_CHECKING:
    from rich.table import Table

TERMS = {
    "freight_cents": "freight",
    "handling_cents": "handling",
    "preference_cents": "preference",
    "split_cents": "split shipments",
    "late_cents": "late deliveries",
    "carbon_cents": "carbon",
    "unallocated_cents": "unallocated",
}
_TERMINATIONS = {
    "optimal": "proved to the cent",
    "gap_reached": "the gap asked for is reached",
    "time_limit": "the best found in the time given",
    "stalled": "no improvement found any more",
    "interrupted": "the best found until then",
}
Row = tuple[str, str, str]


def cost_rows(summary: Mapping[str, Any]) -> list[Row]:
    """Return name, amount and share of every cost term, then the objective."""
    objective = summary["objective_cents"]
    rows = [
        (TERMS.get(name, name), dollars(cents), f"{percent(share(cents, objective), 1):>6}")
        for name, cents in summary["terms"].items()
    ]
    return [*rows, ("objective", dollars(objective), "")]


def service_rows(summary: Mapping[str, Any]) -> list[Row]:
    """Return how many orders and units are served, split and late."""
    counts = summary["counts"]
    orders, units = counts["orders"], counts["units"]
    allocated, shipments = counts["orders_allocated"], counts["shipments"]
    held = f", {counts['held_orders']:,} held" if counts.get("held_orders") else ""
    return [
        ("orders shipped whole", f"{counts['orders_complete']:,}", f"of {orders:,}{held}"),
        ("fill rate (units)", percent(fill_rate(summary)), f"{counts['units_allocated']:,} of {units:,}"),
        ("split rate (orders)", percent(split_rate(summary)), f"{counts['orders_split']:,} of {allocated:,}"),
        ("late shipments", f"{counts['late_shipments']:,}", f"of {shipments:,}"),
    ]


def certificate_rows(summary: Mapping[str, Any]) -> list[Row]:
    """Return the bound, the gaps, and why the run ended."""
    ended = str(summary["termination"])
    return [
        ("bound", dollars(summary["bound_cents"]), "no allocation costs less"),
        ("gap", percent(summary["gap"], 3), "of the objective"),
        ("savings gap", percent(summary["savings_gap"], 3), "of what can be saved"),
        ("termination", ended, _TERMINATIONS.get(ended, "")),
    ]


def time_rows(summary: Mapping[str, Any], around: Mapping[str, float]) -> list[Row]:
    """Return the seconds of every phase, those around the run included, and their total.

    Parameters
    ----------
    summary : mapping
        The run's summary.
    around : mapping of str to float
        Seconds of the steps before and after the run, such as reading and writing.
    """
    phases = {name: taken for name, taken in summary["seconds"].items() if name != "total"}
    run = summary["seconds"].get("total", sum(phases.values()))
    before = {name: taken for name, taken in around.items() if name == "read"}
    after = {name: taken for name, taken in around.items() if name != "read"}
    rows = [(name, seconds(taken), "") for name, taken in {**before, **phases, **after}.items()]
    return [*rows, ("total", seconds(run + sum(around.values())), "")]


def fill_rate(summary: Mapping[str, Any]) -> float | None:
    """Return the share of all units that is shipped; None where there are none."""
    return share(summary["counts"]["units_allocated"], summary["counts"]["units"])


def split_rate(summary: Mapping[str, Any]) -> float | None:
    """Return the share of the orders shipped that takes two shipments or more."""
    return share(summary["counts"]["orders_split"], summary["counts"]["orders_allocated"])


def summary_table(summary: Mapping[str, Any], around: Mapping[str, float]) -> Table:
    """Return the table of a run.

    Parameters
    ----------
    summary : mapping
        The run's summary.
    around : mapping of str to float
        Seconds of the steps before and after the run.
    """
    sections = (
        cost_rows(summary),
        service_rows(summary),
        certificate_rows(summary),
        time_rows(summary, around),
    )
    table = plain_table("", "", "", notes=True)
    for rows in sections:
        for name, value, note in rows:
            table.add_row(name, value, note)
        table.add_section()
    return table


def plain_table(*headings: str, notes: bool = False) -> Table:
    """Return an empty table: names to the left, figures to the right; a last column of notes to the left."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, show_header=any(headings), pad_edge=False)
    for number, heading in enumerate(headings):
        is_text = number == 0 or (notes and number == len(headings) - 1)
        table.add_column(heading, justify="left" if is_text else "right", overflow="fold")
    return table


def print_table(table: Table, stream: TextIO) -> None:
    """Print a table, in full width where the stream is not a terminal; no line ends in blanks."""
    from rich.console import Console

    console = Console(file=stream, width=None if stream.isatty() else 100, highlight=False)
    with console.capture() as capture:
        console.print(table)
    stream.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))
