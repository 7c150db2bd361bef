"""The figures of one result as a document: what the page shows first, and what the report holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from engine.batch import Allocation, Batch
from engine.figures import by_node, flows, kpis, price_highlights
from engine.order_rows import shipment_cents

CELL_DEGREES = 2.0
MAX_FLOWS = 600
TOP_PRICES = 15


def figures_document(
    batch: Batch,
    allocation: Allocation,
    *,
    operation_id: str,
    about: Mapping[str, Any],
    trace: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return everything that is shown of a result without asking further, as JSON-like data.

    Parameters
    ----------
    batch : Batch
        What was asked for.
    allocation : Allocation
        A right allocation of it.
    operation_id : str
        Where it came from.
    about : mapping
        Its name, and what else is known of it.
    trace : sequence of mappings
        Objective and bound over time; where it is empty, the steps of the summary are taken, without times.

    Returns
    -------
    dict
        ``kpis``, ``nodes``, ``flows`` (the heaviest `MAX_FLOWS`, with ``flow_totals`` of all), ``prices``,
        ``services``, ``reasons`` (units left by reason), ``trace``, and a short ``summary``.
    """
    heavy, totals = _heaviest(flows(batch, allocation, cell_degrees=CELL_DEGREES))
    summary = allocation.summary
    return {
        "operation_id": operation_id,
        "name": about.get("name") or operation_id,
        "about": dict(about),
        "as_of": batch.policy.as_of.isoformat(),
        "summary": {name: summary.get(name) for name in ("termination", "seed", "seconds", "versions")},
        "kpis": kpis(batch, allocation),
        "nodes": rows(by_node(batch, allocation)),
        "flows": rows(heavy),
        "flow_totals": totals,
        "prices": rows(price_highlights(batch, allocation, TOP_PRICES)),
        "services": rows(_by_service(allocation)),
        "reasons": rows(_by_reason(allocation)),
        "trace": list(trace) or _steps(summary.get("trace") or []),
    }


def rows(table: pa.Table) -> list[dict[str, Any]]:
    """Return a table as a list of objects; dates are ISO text."""
    for at, field in enumerate(table.schema):
        if pa.types.is_date(field.type):
            table = table.set_column(at, field.name, table.column(at).cast(pa.string()))
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def _heaviest(table: pa.Table) -> tuple[pa.Table, dict[str, int]]:
    by = [("shipments", "descending"), ("node_id", "ascending"), ("cell_lat", "ascending"), ("cell_lon", "ascending")]
    shown = table.sort_by(by).slice(0, MAX_FLOWS)
    totals = {
        "flows": table.num_rows,
        "shipments": pc.sum(table["shipments"]).as_py() or 0,
        "flows_shown": shown.num_rows,
        "shipments_shown": pc.sum(shown["shipments"]).as_py() or 0,
    }
    return shown, totals


def _by_service(allocation: Allocation) -> pa.Table:
    shipments = allocation["shipments"]
    costed = shipments.append_column("cents", shipment_cents(shipments))
    found = costed.group_by("service_id", use_threads=False).aggregate([("cents", "count"), ("cents", "sum")])
    return found.rename_columns(["service_id", "shipments", "cost_cents"]).sort_by([("shipments", "descending")])


def _by_reason(allocation: Allocation) -> pa.Table:
    grouped = allocation["unallocated"].group_by("reason", use_threads=False)
    found = grouped.aggregate([("quantity", "sum"), ("quantity", "count"), ("unallocated_cents", "sum")])
    return found.rename_columns(["reason", "units", "lines", "cost_cents"]).sort_by([("units", "descending")])


def _steps(trace: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"seconds": None, **point} for point in trace]
