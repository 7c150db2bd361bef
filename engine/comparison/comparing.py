"""The comparison: plans in, tables of differences from the first of them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from engine.batch import Allocation, Batch
from engine.comparison.changed import changed_orders
from engine.comparison.moves import find_moves, moved_units
from engine.figures import TERMS, by_node, kpis
from engine.fingerprint import fingerprint

MONEY = ("objective_cents", *TERMS, "cost_per_order_cents", "shipping_per_order_cents")
_NODE_DIFFERENCES = ("shipments", "units", "cost_cents")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A batch with an allocation of it.

    Parameters
    ----------
    name : str
        How the comparison calls it.
    batch : Batch
        What was asked for.
    allocation : Allocation
        A right allocation of it (`engine.check` says so).
    """

    name: str
    batch: Batch
    allocation: Allocation


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Plans compared with the first of them, the baseline.

    Parameters
    ----------
    summary : dict
        ``baseline``, and ``plans``: for each its ``name``, ``input_sha256``, ``certainty`` (the row of that
        table) and ``kpis`` (`engine.figures.kpis`).
    tables : mapping of str to Table
        ``costs`` (plan, term, cents, difference_cents), ``figures`` (plan, figure, value, difference), ``certainty``
        (plan, objective_cents, bound_cents, gap, termination, difference_cents, low_cents, high_cents: the difference
        found, and the interval in which the difference of the two optima is for certain), ``nodes``
        (plan, the columns of `engine.figures.by_node`, differences), ``moved`` (plan, from_node_id, to_node_id, units,
        value_cents, orders; beside nodes ``(unallocated)`` and ``(not asked)``), ``orders`` (see `changed_orders`).
    """

    summary: dict[str, Any]
    tables: Mapping[str, pa.Table]

    def __getitem__(self, table: str) -> pa.Table:
        return self.tables[table]


def compare(plans: Sequence[Plan]) -> Comparison:
    """Compare plans with the first of them.

    Parameters
    ----------
    plans : sequence of Plan
        The baseline, then at least one other. Orders are matched by order_id, lines by line_id.

    Returns
    -------
    Comparison
        Summary and tables; every difference is the plan less the baseline.

    Raises
    ------
    ValueError
        With fewer than two plans, or two of one name.
    """
    names = [plan.name for plan in plans]
    if len(plans) < 2:
        raise ValueError(f"there are {len(plans)} plans to compare, expected two or more")
    if len(set(names)) < len(names):
        raise ValueError(f"plans are named {', '.join(names)}, expected different names")
    base, *others = plans
    figures = {plan.name: kpis(plan.batch, plan.allocation) for plan in plans}
    nodes = {plan.name: by_node(plan.batch, plan.allocation) for plan in plans}
    moves = [(plan, find_moves(base.batch, base.allocation, plan.batch, plan.allocation)) for plan in others]
    tables = {
        "costs": _costs(figures, base.name),
        "figures": _figures(figures, base.name),
        "certainty": _certainty(figures, base.name),
        "nodes": pa.concat_tables([_nodes(name, table, nodes[base.name]) for name, table in nodes.items()]),
        "moved": _stacked([(plan.name, moved_units(found)) for plan, found in moves]),
        "orders": _stacked([(plan.name, changed_orders(base, plan, found)) for plan, found in moves]),
    }
    certainty = {row["plan"]: row for row in tables["certainty"].to_pylist()}
    summary = {
        "baseline": base.name,
        "plans": [
            {
                "name": plan.name,
                "input_sha256": fingerprint(plan.batch),
                "certainty": {name: value for name, value in certainty[plan.name].items() if name != "plan"},
                "kpis": figures[plan.name],
            }
            for plan in plans
        ],
    }
    return Comparison(summary=summary, tables=tables)


def _stacked(parts: Sequence[tuple[str, pa.Table]]) -> pa.Table:
    """Return tables one below the other, the name of the plan in front."""
    named = [table.add_column(0, "plan", pa.array([name] * table.num_rows, pa.string())) for name, table in parts]
    return pa.concat_tables(named)


def _costs(figures: Mapping[str, Mapping[str, Any]], base: str) -> pa.Table:
    terms = ("objective_cents", *TERMS)
    rows = [
        (name, term, found[term], found[term] - figures[base][term])
        for name, found in figures.items()
        for term in terms
    ]
    columns = list(zip(*rows))
    return pa.table(
        {
            "plan": pa.array(columns[0], pa.string()),
            "term": pa.array([term.removesuffix("_cents") for term in columns[1]], pa.string()),
            "cents": pa.array(columns[2], pa.int64()),
            "difference_cents": pa.array(columns[3], pa.int64()),
        }
    )


def _figures(figures: Mapping[str, Mapping[str, Any]], base: str) -> pa.Table:
    shown = [
        name
        for name, value in figures[base].items()
        if name not in ("objective_cents", "bound_cents", "gap", *TERMS) and not isinstance(value, str)
    ]
    rows = [(name, figure, found[figure], figures[base][figure]) for name, found in figures.items() for figure in shown]
    return pa.table(
        {
            "plan": pa.array([row[0] for row in rows], pa.string()),
            "figure": pa.array([row[1] for row in rows], pa.string()),
            "value": pa.array([row[2] for row in rows], pa.float64()),
            "difference": pa.array([None if None in row[2:] else row[2] - row[3] for row in rows], pa.float64()),
        }
    )


def _certainty(figures: Mapping[str, Mapping[str, Any]], base: str) -> pa.Table:
    """An optimum lies between its bound and its objective: so the difference of two lies in [low, high]."""
    baseline = figures[base]
    rows = []
    for name, found in figures.items():
        is_base = name == base
        rows.append(
            {
                "plan": name,
                "objective_cents": found["objective_cents"],
                "bound_cents": found["bound_cents"],
                "gap": found["gap"],
                "termination": found["termination"],
                "difference_cents": found["objective_cents"] - baseline["objective_cents"],
                "low_cents": 0 if is_base else found["bound_cents"] - baseline["objective_cents"],
                "high_cents": 0 if is_base else found["objective_cents"] - baseline["bound_cents"],
            }
        )
    types = {"plan": pa.string(), "termination": pa.string(), "gap": pa.float64()}
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, types.get(name, pa.int64())) for name in rows[0]]))


def _nodes(name: str, nodes: pa.Table, base: pa.Table) -> pa.Table:
    """Return a plan's nodes with their differences from the baseline's; a node that it lacks did nothing there."""
    row = pc.index_in(nodes.column("node_id"), value_set=base.column("node_id").combine_chunks())
    for figure in _NODE_DIFFERENCES:
        before = pc.fill_null(base.column(figure).take(row), 0)
        nodes = nodes.append_column(f"{figure}_difference", pc.subtract(nodes.column(figure), before))
    return _stacked([(name, nodes)])
