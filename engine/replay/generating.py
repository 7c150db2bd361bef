"""A stream to play on: a generated batch spread over days, with stock that arrives in parts and capacity by the day.

Orders come by weekday and hour as online shops see them: few at night, most in the evening, more on Mondays than on
Saturdays. What the batch has of a (node, sku) pair is split evenly over deliveries ``restock_days`` apart, the first of
them there when the stream begins; each node has its own weekday. What a node can ship in the batch's day it ships in
its working days of the stream. Stores say no to an order now and then, warehouses hardly ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.batch import Batch
from engine.calendar import day_number, weekday_works
from engine.errors import Fault, InputError
from engine.generate import GenerateParams, generate
from engine.generate.loads import LoadName
from engine.generate.streams import stream
from engine.network import IntArray, days, ints
from engine.replay.documents import MOST_DAYS, Stream, micros
from engine.replay.world import DAY
from engine.schema import INPUT_TABLES

WEEKDAY = np.array([1.15, 1.05, 1.0, 1.0, 0.95, 0.85, 1.0])
HOUR = np.array([12, 7, 4, 3, 3, 5, 10, 20, 32, 42, 50, 54, 56, 54, 52, 51, 52, 54, 58, 66, 72, 68, 48, 26], np.float64)
"""Orders by hour of the day, of the clock in ``policy.as_of``."""
REJECT_BP = {"dc": 20, "store": 400, "3pl": 50, "vendor": 100}


@dataclass(frozen=True, kw_only=True)
class StreamParams:
    """What to generate.

    Parameters
    ----------
    load : str
        The kind of days, as in :class:`engine.generate.GenerateParams`.
    days : int
        How many.
    n_orders, n_nodes, n_skus : int
        Sizes; orders over all days.
    horizon_days : int
        How many ship dates of a node a decision may choose from.
    restock_days : int
        Days between deliveries to a node.
    seed : int
        Same parameters and seed: the same stream, to the byte.
    """

    load: LoadName = "calm"
    days: int = 7
    n_orders: int = 7000
    n_nodes: int = 60
    n_skus: int = 800
    horizon_days: int = 2
    restock_days: int = 3
    seed: int = 0


def generate_stream(params: StreamParams | None = None) -> Stream:
    """Generate a stream.

    Raises
    ------
    InputError
        When a parameter is out of range.
    """
    params = params or StreamParams()
    _refuse(params)
    batch = generate(
        GenerateParams(
            load=params.load,
            n_orders=params.n_orders,
            n_nodes=params.n_nodes,
            n_skus=params.n_skus,
            seed=params.seed,
        )
    )
    begin = batch.policy.as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    first_day = day_number(begin.date())
    policy = batch.policy.model_copy(update={"as_of": begin, "horizon_days": params.horizon_days})
    placed_at = _placed(params, begin)
    nodes = batch["nodes"]
    works = np.array(
        [
            sum(weekday_works(mask, first_day + i) for i in range(params.days))
            for mask in nodes["working_days"].to_pylist()
        ]
    )
    by_node = dict(zip(nodes["node_id"].to_pylist(), np.maximum(1, works).tolist()))
    capacity = batch["service_capacity"]
    shares = np.array([by_node[name] for name in capacity["node_id"].to_pylist()], np.int64)
    tables = {
        **batch.tables,
        "nodes": _daily(_daily(nodes, "shipments_per_day", works), "units_per_day", works),
        "service_capacity": _daily(capacity, "shipments_per_day", shares),
        "used": batch["used"].slice(0, 0),
        "stock": _restocked(params, batch, first_day),
        "orders": _promised(batch["orders"], (placed_at - micros(begin)) // DAY),
    }
    reject_bp = np.array([REJECT_BP[kind] for kind in nodes["kind"].to_pylist()], np.int64)
    return Stream(batch=Batch(policy, tables), placed_at=placed_at, reject_bp=reject_bp)


def _placed(params: StreamParams, begin: datetime) -> IntArray:
    """Instants by weekday and hour, to the second; orders of the batch are in no particular order."""
    rng = stream(params.seed, "placed")
    weekday = [(begin + timedelta(days=i)).weekday() for i in range(params.days)]
    edges = np.cumsum(np.outer(WEEKDAY[weekday], HOUR).ravel())
    hour = np.searchsorted(edges / edges[-1], rng.random(params.n_orders), side="right")
    seconds = hour * 3600 + rng.integers(0, 3600, params.n_orders)
    return micros(begin) + seconds.astype(np.int64) * 1_000_000


def _daily(table: pa.Table, column: str, n_days: IntArray) -> pa.Table:
    """What was one day's capacity, spread over some days."""
    values = pc.fill_null(table[column], 0).to_numpy()
    spread = -(-values // np.maximum(1, n_days))
    absent = table[column].is_null().to_numpy()
    return table.set_column(
        table.column_names.index(column), column, pa.array(spread.astype(np.int64), pa.int64(), mask=absent)
    )


def _restocked(params: StreamParams, batch: Batch, first_day: int) -> pa.Table:
    """Stock in parts: what is there, and a delivery every ``restock_days``; the larger parts come first."""
    rng = stream(params.seed, "restocked")
    table = batch["stock"]
    node = pc.index_in(table["node_id"], value_set=batch["nodes"]["node_id"].combine_chunks()).to_numpy()
    phase = rng.integers(1, params.restock_days + 1, batch["nodes"].num_rows)
    n_parts = 1 + np.maximum(0, params.days - phase + params.restock_days - 1) // params.restock_days
    due = days(table, "available_on", -1)
    on_hand = ints(table, "on_hand")
    held = ints(table, "reserved") + ints(table, "safety_stock")
    now = np.flatnonzero(due < 0)
    row, day, quantity = [np.flatnonzero(due >= 0)], [due[due >= 0]], [on_hand[due >= 0]]
    sellable = np.maximum(0, on_hand - held)
    for part in range(int(n_parts.max(initial=1))):
        its = now[n_parts[node[now]] > part]
        share = (sellable[its] + n_parts[node[its]] - 1 - part) // n_parts[node[its]]
        if part == 0:
            row.append(its)
            day.append(np.full(its.size, -1))
            quantity.append(share + on_hand[its] - sellable[its])
        else:
            some = share > 0
            row.append(its[some])
            day.append(first_day + phase[node[its[some]]] + (part - 1) * params.restock_days)
            quantity.append(share[some])
    rows, when, units = np.concatenate(row), np.concatenate(day), np.concatenate(quantity)
    first = when < 0
    stock = pa.table(
        {
            "node_id": table["node_id"].take(pa.array(rows)),
            "sku": table["sku"].take(pa.array(rows)),
            "on_hand": pa.array(units.astype(np.int64)),
            "reserved": pa.array(np.where(first, ints(table, "reserved")[rows], 0)),
            "safety_stock": pa.array(np.where(first, ints(table, "safety_stock")[rows], 0)),
            "available_on": pa.array(when.astype(np.int32), mask=first).cast(pa.date32()),
        }
    )
    key = ["node_id", "sku", "available_on"]
    added = stock.group_by(key, use_threads=False).aggregate(
        [(name, "sum") for name in ("on_hand", "reserved", "safety_stock")]
    )
    named = added.rename_columns([name.removesuffix("_sum") for name in added.column_names])
    schema = INPUT_TABLES["stock"].arrow_schema
    ordered = named.sort_by([(name, "ascending") for name in key])
    return ordered.select(schema.names).cast(schema).combine_chunks()


def _promised(orders: pa.Table, day: IntArray) -> pa.Table:
    """Promised dates count from the day an order is placed."""
    absent = orders["deliver_by"].is_null().to_numpy()
    shifted = np.where(absent, 0, days(orders, "deliver_by", 0) + day)
    column = pa.array(shifted.astype(np.int32), mask=absent).cast(pa.date32())
    return orders.set_column(orders.column_names.index("deliver_by"), "deliver_by", column)


def _refuse(params: StreamParams) -> None:
    faults = []
    for name, limit in (("days", MOST_DAYS), ("horizon_days", 60), ("restock_days", MOST_DAYS)):
        value = getattr(params, name)
        if not 1 <= value <= limit:
            expected = f"an integer from 1 to {limit}"
            faults.append(Fault(table="stream", row=None, column=name, value=str(value), expected=expected))
    if faults:
        raise InputError(faults)
