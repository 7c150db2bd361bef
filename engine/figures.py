"""Figures of one allocation, as small tables: what a comparison, a page and a report show."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.calendar import day_number, node_ship_days
from engine.documents import Allocation, Batch
from engine.network import IntArray, codes, days, ints

NO_DATE = -(2**31)
PRICE_KINDS = ("stock", "node_shipments", "node_units", "service_shipments")
SHIPMENT_TERMS = (
    "freight_cents",
    "handling_cents",
    "preference_cents",
    "split_cents",
    "late_cents",
    "carbon_cents",
)
TERMS = (*SHIPMENT_TERMS, "unallocated_cents")


def kpis(batch: Batch, allocation: Allocation) -> dict[str, Any]:
    """Return the figures that a planner reads first.

    Parameters
    ----------
    batch : Batch
        What was asked for.
    allocation : Allocation
        A right allocation of it (`engine.check` says so).

    Returns
    -------
    dict
        Integers: ``objective_cents``, ``bound_cents``, each cost term (`TERMS`), ``orders``,
        ``orders_held``, ``orders_shipped`` (at least a part), ``orders_complete``, ``orders_split``, ``lines``,
        ``units``, ``units_shipped``, ``shipments``, ``late_shipments``, ``shipment_metres`` (the sum of the
        shipments' distances), ``weight_g`` (actual), ``carbon_g``. Text: ``termination``. Floats: ``gap``, and,
        None where there is nothing to divide by: ``cost_per_order_cents`` (objective by orders not held),
        ``shipping_per_order_cents`` (the terms of shipments by orders shipped), ``fill_rate`` (units shipped of
        units asked for, held orders included), ``split_rate`` (orders with two shipments or more, of those
        shipped), ``on_time_rate`` (shipments that arrive by ``deliver_by``, of those whose order has one),
        ``on_time_in_full_rate`` (orders shipped whole, every part by ``deliver_by``, of the orders not held that
        have one), ``shipment_km``.
    """
    orders, lines, shipments = batch["orders"], batch["lines"], allocation["shipments"]
    n_orders = orders.num_rows
    order_of_shipment = _rows_of(shipments.column("order_id"), orders.column("order_id"))
    order_of_left = _rows_of(allocation["unallocated"].column("order_id"), orders.column("order_id"))
    shipments_of = np.bincount(order_of_shipment, minlength=n_orders)
    is_short = np.zeros(n_orders, np.bool_)
    is_short[order_of_left] = True
    held = orders.column("held").to_numpy()

    deliver_by = days(orders, "deliver_by", NO_DATE)
    is_promised = deliver_by != NO_DATE
    promised_shipment = is_promised[order_of_shipment]
    is_late = promised_shipment & (days(shipments, "deliver_date", 0) > deliver_by[order_of_shipment])
    has_late = np.zeros(n_orders, np.bool_)
    has_late[order_of_shipment[is_late]] = True
    is_whole = (shipments_of > 0) & ~is_short
    judged = is_promised & ~held

    weight_g, carbon_g, metres = _loads(batch, allocation)
    terms = {name: _total(shipments, name) for name in SHIPMENT_TERMS}
    on_shipments = sum(terms.values())
    terms["unallocated_cents"] = _total(allocation["unallocated"], "unallocated_cents")
    objective, n_shipped = on_shipments + terms["unallocated_cents"], int((shipments_of > 0).sum())
    units, units_shipped = _total(lines, "quantity"), _total(allocation["allocations"], "quantity")
    return {
        "objective_cents": objective,
        "bound_cents": allocation.summary["bound_cents"],
        "gap": allocation.summary["gap"],
        "termination": allocation.summary["termination"],
        **terms,
        "orders": n_orders,
        "orders_held": int(held.sum()),
        "orders_shipped": n_shipped,
        "orders_complete": int(is_whole.sum()),
        "orders_split": int((shipments_of > 1).sum()),
        "lines": lines.num_rows,
        "units": units,
        "units_shipped": units_shipped,
        "shipments": shipments.num_rows,
        "late_shipments": int(is_late.sum()),
        "shipment_metres": int(metres.sum()),
        "shipment_km": int(metres.sum()) / 1000,
        "weight_g": int(weight_g.sum()),
        "carbon_g": int(carbon_g.sum()),
        "cost_per_order_cents": _ratio(objective, n_orders - int(held.sum())),
        "shipping_per_order_cents": _ratio(on_shipments, n_shipped),
        "fill_rate": _ratio(units_shipped, units),
        "split_rate": _ratio(int((shipments_of > 1).sum()), n_shipped),
        "on_time_rate": _ratio(int((promised_shipment & ~is_late).sum()), int(promised_shipment.sum())),
        "on_time_in_full_rate": _ratio(int((judged & is_whole & ~has_late).sum()), int(judged.sum())),
    }


def by_node(batch: Batch, allocation: Allocation) -> pa.Table:
    """Return what every node does, in the order of the batch's nodes.

    Parameters
    ----------
    batch : Batch
        What was asked for.
    allocation : Allocation
        A right allocation of it.

    Returns
    -------
    Table
        A row a node: node_id, kind, lat, lon, offline, shipments, units, orders, shipments_bp and units_bp
        (utilisation in basis points: what this allocation and ``used`` take on the node's ship dates, of
        what it could do on them; null without a limit, and where the limit or the dates are none),
        cost_cents (all terms of its shipments), shipment_metres, carbon_g, value_cents (of the goods that it
        ships), price_max_cents (the highest dual price of its resources; 0 where none has one).
    """
    nodes, shipments, parts = batch["nodes"], allocation["shipments"], allocation["allocations"]
    n_nodes, node_id = nodes.num_rows, nodes.column("node_id")
    node = _rows_of(shipments.column("node_id"), node_id)
    part_node = _rows_of(parts.column("node_id"), node_id)
    quantity = ints(parts, "quantity")
    item = _rows_of(parts.column("sku"), batch["items"].column("sku"))
    n_shipments = np.bincount(node, minlength=n_nodes)
    units = _sums(part_node, quantity, n_nodes)
    cost = sum((_sums(node, ints(shipments, name), n_nodes) for name in SHIPMENT_TERMS), np.zeros(n_nodes, np.int64))
    _, carbon_g, metres = _loads(batch, allocation)
    used, n_days = _used_on_ship_days(batch)
    order = _rows_of(shipments.column("order_id"), batch["orders"].column("order_id"))
    visits = np.unique(node * max(1, batch["orders"].num_rows) + order) // max(1, batch["orders"].num_rows)
    prices = allocation["prices"]
    price_max = np.zeros(n_nodes)
    np.maximum.at(price_max, _rows_of(prices.column("node_id"), node_id), prices.column("cents").to_numpy())
    return pa.table(
        {
            **{name: nodes.column(name) for name in ("node_id", "kind", "lat", "lon", "offline")},
            "shipments": n_shipments,
            "units": units,
            "orders": np.bincount(visits, minlength=n_nodes),
            "shipments_bp": _utilisation_bp(nodes.column("shipments_per_day"), n_shipments + used[0], n_days),
            "units_bp": _utilisation_bp(nodes.column("units_per_day"), units + used[1], n_days),
            "cost_cents": cost,
            "shipment_metres": _sums(node, metres, n_nodes),
            "carbon_g": _sums(node, carbon_g, n_nodes),
            "value_cents": _sums(part_node, quantity * ints(batch["items"], "value_cents")[item], n_nodes),
            "price_max_cents": price_max,
        }
    )


def flows(batch: Batch, allocation: Allocation, *, cell_degrees: float = 2.0) -> pa.Table:
    """Return how much goes from each node to each cell of a grid of degrees.

    Parameters
    ----------
    batch : Batch
        What was asked for.
    allocation : Allocation
        A right allocation of it.
    cell_degrees : float
        The side of a cell, above 0: destinations are counted by the cell they lie in.

    Returns
    -------
    Table
        A row a node and cell that has shipments, by node, then cell from the south-west: node_id, node_lat,
        node_lon, cell_lat, cell_lon (the cell's centre, cut to the globe), shipments, units, cost_cents.

    Raises
    ------
    ValueError
        If ``cell_degrees`` is not a number above 0.
    """
    if not (math.isfinite(cell_degrees) and cell_degrees > 0):
        raise ValueError(f"cell_degrees is {cell_degrees}, expected a number above 0")
    nodes, orders, shipments = batch["nodes"], batch["orders"], allocation["shipments"]
    node = _rows_of(shipments.column("node_id"), nodes.column("node_id"))
    order = _rows_of(shipments.column("order_id"), orders.column("order_id"))
    south = np.floor(orders.column("lat").to_numpy()[order] / cell_degrees)
    west = np.floor(orders.column("lon").to_numpy()[order] / cell_degrees)
    found, flow = np.unique(np.stack((node, south, west), axis=1), axis=0, return_inverse=True)
    flow, n_flows = flow.reshape(-1), len(found)
    units = _units_of_shipments(allocation)
    cost = sum((ints(shipments, name) for name in SHIPMENT_TERMS), np.zeros(len(node), np.int64))
    origin = pa.array(found[:, 0].astype(np.int64))
    return pa.table(
        {
            "node_id": nodes.column("node_id").take(origin),
            "node_lat": nodes.column("lat").take(origin),
            "node_lon": nodes.column("lon").take(origin),
            "cell_lat": np.clip((found[:, 1] + 0.5) * cell_degrees, -90.0, 90.0),
            "cell_lon": np.clip((found[:, 2] + 0.5) * cell_degrees, -180.0, 180.0),
            "shipments": np.bincount(flow, minlength=n_flows),
            "units": _sums(flow, units, n_flows),
            "cost_cents": _sums(flow, cost, n_flows),
        }
    )


def price_highlights(batch: Batch, allocation: Allocation, top: int = 10) -> pa.Table:
    """Return the resources of the highest prices: where one unit more would save most.

    Parameters
    ----------
    batch : Batch
        What was asked for.
    allocation : Allocation
        A right allocation of it.
    top : int
        Rows of each kind at most.

    Returns
    -------
    Table
        kind (in the order of `PRICE_KINDS`), node_id, sku, service_id, date (null: on hand), cents (dual price of one
        unit), node_lat, node_lon; within a kind the highest price first, equal ones in the order of the prices table.
    """
    prices, nodes = allocation["prices"], batch["nodes"]
    kind = codes(prices.column("kind"), pa.array(PRICE_KINDS))
    cents = prices.column("cents").to_numpy()
    row = np.lexsort((-cents, kind))
    first = np.searchsorted(kind[row], np.arange(len(PRICE_KINDS)))
    rank = np.arange(len(row)) - first[kind[row]]
    shown = prices.take(pa.array(row[rank < top]))
    node = codes(shown.column("node_id"), nodes.column("node_id").combine_chunks())
    at = pa.array(node, mask=node < 0)
    shown = shown.append_column("node_lat", nodes.column("lat").take(at))
    return shown.append_column("node_lon", nodes.column("lon").take(at))


def _rows_of(values: pa.ChunkedArray, keys: pa.ChunkedArray) -> IntArray:
    """Return the row of each value; -1 for null."""
    return codes(values, keys.combine_chunks())


def _total(table: pa.Table, column: str) -> int:
    return int(ints(table, column).sum())


def _sums(index: IntArray, amount: IntArray, n: int) -> IntArray:
    total = np.zeros(n, np.int64)
    np.add.at(total, index, amount)
    return total


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _units_of_shipments(allocation: Allocation) -> IntArray:
    parts, shipments = allocation["allocations"], allocation["shipments"]
    shipment = _rows_of(parts.column("shipment_id"), shipments.column("shipment_id"))
    return _sums(shipment, ints(parts, "quantity"), shipments.num_rows)


def _loads(batch: Batch, allocation: Allocation) -> tuple[IntArray, IntArray, IntArray]:
    """Return the actual weight, the grams of carbon (rounded by shipment) and the metres of each shipment."""
    parts, shipments = allocation["allocations"], allocation["shipments"]
    shipment = _rows_of(parts.column("shipment_id"), shipments.column("shipment_id"))
    item = _rows_of(parts.column("sku"), batch["items"].column("sku"))
    grams = ints(batch["items"], "weight_g")[item] * ints(parts, "quantity")
    weight_g = _sums(shipment, grams, shipments.num_rows)
    metres = np.rint(1000.0 * shipments.column("distance_km").to_numpy()).astype(np.int64)
    service = _rows_of(shipments.column("service_id"), batch["services"].column("service_id"))
    rate = ints(batch["services"], "carbon_g_per_tonne_km")[service]
    carbon = np.floor(rate.astype(np.float64) * weight_g * metres / 1e9 + 0.5)
    return weight_g, carbon.astype(np.int64), metres


def _used_on_ship_days(batch: Batch) -> tuple[NDArray[np.int64], IntArray]:
    """Return what earlier decisions take of each node on its ship dates ([2, n_nodes]), and how many dates it has."""
    nodes, closures, used = batch["nodes"], batch["closures"], batch["used"]
    node_id = nodes.column("node_id")
    closed: dict[int, set[int]] = {}
    for row, day in zip(_rows_of(closures.column("node_id"), node_id).tolist(), days(closures, "date", 0).tolist()):
        closed.setdefault(row, set()).add(day)
    ship_days = [
        node_ship_days(
            as_of=batch.policy.as_of,
            ready_minutes=node["ready_minutes"],
            cutoff=node["cutoff"],
            time_zone=node["timezone"],
            working_days=node["working_days"],
            closed=closed.get(row, set()),
            horizon_days=batch.policy.horizon_days,
        )
        for row, node in enumerate(nodes.select(["ready_minutes", "cutoff", "timezone", "working_days"]).to_pylist())
    ]
    taken = np.zeros((2, nodes.num_rows), np.int64)
    of_nodes = used.filter(pc.is_null(used.column("service_id")))
    for row in of_nodes.to_pylist():
        node = _row(node_id, row["node_id"])
        if day_number(row["date"]) in ship_days[node]:
            taken[:, node] += row["shipments"], row["units"]
    return taken, np.array([len(found) for found in ship_days], np.int64)


def _row(node_id: pa.ChunkedArray, name: str) -> int:
    return int(pc.index(node_id, name).as_py())


def _utilisation_bp(limit: pa.ChunkedArray, taken: IntArray, n_days: IntArray) -> pa.Array:
    most = pc.fill_null(limit, 0).to_numpy() * n_days
    return pa.array(10_000 * taken // np.maximum(most, 1), mask=most == 0)
