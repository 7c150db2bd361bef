"""One row for each order of a batch: what was asked for, how it is served, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from engine.batch import Allocation, Batch

COSTS = ("freight_cents", "handling_cents", "preference_cents", "split_cents", "late_cents", "carbon_cents")
_DAY_MS = 86_400_000


def order_rows(batch: Batch, allocation: Allocation) -> pa.Table:
    """Return a row for each order, in the order of the batch.

    Parameters
    ----------
    batch : Batch
        What was asked for.
    allocation : Allocation
        Of that batch.

    Returns
    -------
    Table
        order_id, region, lat, lon, deliver_by, state (``complete``, ``partial``, ``unallocated`` or ``held``), nodes
        and services (words, by shipment), lines, units, units_left, shipments, first ship_date, last deliver_date,
        days_late (null without a date to keep or a shipment), greatest distance_km, cost_cents (all terms), and the
        reason of the first line that is short.
    """
    orders = batch["orders"]
    ids = orders["order_id"]
    shipments = _shipments(allocation["shipments"], ids)
    lines = _grouped(batch["lines"], ids, [("quantity", "sum"), ("quantity", "count")])
    left = _grouped(
        allocation["unallocated"], ids, [("quantity", "sum"), ("unallocated_cents", "sum"), ("reason", "first")]
    )
    units, units_left = _or_zero(lines["quantity_sum"]), _or_zero(left["quantity_sum"])
    state = pc.if_else(
        orders["held"],
        "held",
        pc.if_else(
            pc.equal(units_left, 0), "complete", pc.if_else(pc.less(units_left, units), "partial", "unallocated")
        ),
    )
    late = pc.days_between(orders["deliver_by"], shipments["deliver_date_max"])
    return pa.table(
        {
            "order_id": ids,
            "region": orders["region"],
            "lat": orders["lat"],
            "lon": orders["lon"],
            "deliver_by": orders["deliver_by"],
            "state": state,
            "nodes": shipments["node_id_list"],
            "services": shipments["service_id_list"],
            "lines": _or_zero(lines["quantity_count"]),
            "units": units,
            "units_left": units_left,
            "shipments": _or_zero(shipments["cents_count"]),
            "ship_date": shipments["ship_date_min"],
            "deliver_date": shipments["deliver_date_max"],
            "days_late": pc.max_element_wise(late, pa.scalar(0, pa.int64()), skip_nulls=False),
            "distance_km": shipments["distance_km_max"],
            "cost_cents": pc.add(_or_zero(shipments["cents_sum"]), _or_zero(left["unallocated_cents_sum"])),
            "reason": left["reason_first"],
        }
    ).combine_chunks()


def shipment_cents(shipments: pa.Table) -> pa.ChunkedArray:
    """Return what each shipment costs, all terms together."""
    total = shipments[COSTS[0]]
    for name in COSTS[1:]:
        total = pc.add(total, shipments[name])
    return total


def _shipments(shipments: pa.Table, ids: pa.ChunkedArray) -> pa.Table:
    named = shipments.append_column("cents", shipment_cents(shipments))
    found = _grouped(
        named,
        ids,
        [
            ("node_id", "list"),
            ("service_id", "list"),
            ("ship_date", "min"),
            ("deliver_date", "max"),
            ("distance_km", "max"),
            ("cents", "sum"),
            ("cents", "count"),
        ],
    )
    for name in ("node_id_list", "service_id_list"):
        at = found.column_names.index(name)
        words = pc.fill_null(pc.binary_join(found[name], " "), "")
        found = found.set_column(at, name, words)
    return found


def _grouped(table: pa.Table, ids: pa.ChunkedArray, totals: Sequence[tuple[str, str]]) -> pa.Table:
    """Aggregate the rows of each order; nulls for an order without rows."""
    found = table.group_by("order_id", use_threads=False).aggregate(list(totals)).combine_chunks()
    return found.take(pc.index_in(ids, value_set=found["order_id"]).combine_chunks())


def _or_zero(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(pc.cast(column, pa.int64()), 0)
