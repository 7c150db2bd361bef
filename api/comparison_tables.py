"""A comparison as people read it: money, service, certainty, nodes, moves, and the orders that changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from api.money import counted, dollars, percent
from api.summary_table import TERMS, plain_table, print_table

if TYPE_CHECKING:
    from rich.table import Table

    from engine.comparison import Comparison

LISTED = 8  # nodes and moves of each plan; the files have them all
PLANS_A_TABLE = 2  # what 100 columns hold
_RATES = {
    "fill_rate": "fill rate (units)",
    "split_rate": "split rate (orders)",
    "on_time_rate": "on time (shipments)",
    "on_time_in_full_rate": "on time in full (orders)",
}
_COUNTS = {"orders": "orders", "units": "units asked for", "units_shipped": "units shipped", "shipments": "shipments"}


def print_comparison(comparison: Comparison, stream: TextIO) -> None:
    """Print a comparison.

    Parameters
    ----------
    comparison : Comparison
        What to print.
    stream : TextIO
        Where; in full width where it is not a terminal.
    """
    base, *others = comparison.summary["plans"]
    for first in range(0, len(others), PLANS_A_TABLE):
        print_table(overview(base, others[first : first + PLANS_A_TABLE]), stream)
    for plan in others:
        print(f"{plan['name']}: {certainty_line(base, plan)}", file=stream)
    for plan in others:
        _print_details(comparison, plan["name"], stream)


def overview(base: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> Table:
    """Return the plans side by side: values, and behind each its difference from the baseline."""
    headings = [heading for plan in others for heading in (plan["name"], "difference")]
    table = plain_table("", base["name"], *headings)
    kpis = [plan["kpis"] for plan in (base, *others)]

    def add(label: str, name: str, show: Any, differ: Any) -> None:
        before = kpis[0][name]
        cells = [show(before)]
        for found in kpis[1:]:
            now = found[name]
            cells += [show(now), "-" if now is None or before is None else differ(now - before)]
        table.add_row(label, *cells)

    for name, label in {**TERMS, "objective_cents": "objective", "bound_cents": "bound"}.items():
        add(label, name, dollars, _signed_dollars)
    add("cost per order", "cost_per_order_cents", dollars, _signed_dollars)
    table.add_section()
    for name, label in _RATES.items():
        add(label, name, percent, lambda part: f"{100 * part:+.2f} points")
    for name, label in _COUNTS.items():
        add(label, name, lambda n: f"{n:,}", lambda n: f"{n:+,}")
    add("distance", "shipment_km", lambda km: f"{km:,.0f} km", lambda km: f"{km:+,.0f} km")
    add("carbon", "carbon_g", lambda g: f"{g / 1000:,.1f} kg", lambda g: f"{g / 1000:+,.1f} kg")
    table.add_section()
    add("gap", "gap", lambda part: percent(part, 3), lambda part: f"{100 * part:+.3f} points")
    ends = [cell for found in kpis[1:] for cell in (found["termination"], "")]
    table.add_row("termination", kpis[0]["termination"], *ends)
    return table


def _signed_dollars(cents: float) -> str:
    return ("+" if round(cents) > 0 else "") + dollars(cents)


def certainty_line(base: Mapping[str, Any], plan: Mapping[str, Any]) -> str:
    """Return what is certain about the difference, as a sentence.

    Parameters
    ----------
    base, plan : mapping
        Plans of the summary of a comparison.
    """
    found = plan["certainty"]
    difference, low, high = found["difference_cents"], found["low_cents"], found["high_cents"]
    name = base["name"]
    what = f"{_signed_dollars(difference)} against {name}"
    if low == high:
        return f"{what}, exactly: both are proved optimal."
    between = f"between {_signed_dollars(low)} and {_signed_dollars(high)}"
    if low > 0 or high < 0:
        word = "dearer" if low > 0 else "cheaper"
        return f"{what}. The best plans differ by {between}: {word} for certain."
    return f"{what}. The best plans differ by {between}: which is cheaper is not proved; a smaller --gap narrows it."


def _print_details(comparison: Comparison, name: str, stream: TextIO) -> None:
    nodes = [row for row in _rows(comparison, "nodes", name) if _is_other(row)]
    moved, changed = _rows(comparison, "moved", name), _rows(comparison, "orders", name)
    print(f"\n{name}: {_changes_line(changed)}", file=stream)
    if nodes:
        nodes.sort(key=lambda row: (-abs(row["cost_cents_difference"]), row["node_id"]))
        print_table(_nodes_table(nodes), stream)
    if moved:
        moved.sort(key=lambda row: (-row["units"], row["from_node_id"], row["to_node_id"]))
        print_table(_moves_table(moved), stream)


def _rows(comparison: Comparison, table: str, name: str) -> list[dict[str, Any]]:
    import pyarrow.compute as pc

    found = comparison[table]
    columns = {"orders": ["changes", "why"]}.get(table, found.column_names)
    rows: list[dict[str, Any]] = found.filter(pc.equal(found.column("plan"), name)).select(columns).to_pylist()
    return rows


def _is_other(row: Mapping[str, Any]) -> bool:
    return any(row[name] for name in ("shipments_difference", "units_difference", "cost_cents_difference"))


def _changes_line(changed: Sequence[Mapping[str, Any]]) -> str:
    if not changed:
        return "every order is served as before."
    kinds = Counter(word for row in changed for word in row["changes"].split())
    causes = Counter(word for row in changed for word in row["why"].split())
    line = f"{counted(len(changed), 'order')} changed (" + ", ".join(f"{word} {n:,}" for word, n in kinds.items()) + ")"
    if causes:
        line += "; why: " + ", ".join(f"{word} {n:,}" for word, n in causes.most_common())
    return line + "."


def _nodes_table(nodes: Sequence[Mapping[str, Any]]) -> Table:
    table = plain_table("node", "shipments", "", "units", "", "of its day", "cost", "")
    for row in nodes[:LISTED]:
        most = max((value for value in (row["shipments_bp"], row["units_bp"]) if value is not None), default=None)
        table.add_row(
            row["node_id"],
            f"{row['shipments']:,}",
            f"{row['shipments_difference']:+,}",
            f"{row['units']:,}",
            f"{row['units_difference']:+,}",
            percent(None if most is None else most / 10_000, 1),
            dollars(row["cost_cents"]),
            _signed_dollars(row["cost_cents_difference"]),
        )
    _add_rest(table, len(nodes), 8)
    return table


def _moves_table(moved: Sequence[Mapping[str, Any]]) -> Table:
    table = plain_table("from", "to", "units", "value", "orders")
    for row in moved[:LISTED]:
        table.add_row(
            row["from_node_id"],
            row["to_node_id"],
            f"{row['units']:,}",
            dollars(row["value_cents"]),
            f"{row['orders']:,}",
        )
    _add_rest(table, len(moved), 5)
    return table


def _add_rest(table: Table, n_rows: int, n_columns: int) -> None:
    if n_rows > LISTED:
        table.add_row(f"and {n_rows - LISTED:,} more", *[""] * (n_columns - 1))
