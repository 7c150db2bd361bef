"""The orders: where they go, what is in them, and what was promised.

Destinations are drawn by population and scattered around the centre of their ZIP code; what people buy does
not depend on where they live. Sizes follow the load: mostly single lines with a power-law tail to 20 lines,
or a grocer's geometric one. Skus are drawn with replacement, and some orders name their first sku twice, as
carts that were merged do. Rare terms stay rare: hard promises, orders that must ship complete, sets that
ship together, loyal customers, orders that are held or bound to certain nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from engine.generate.catalogue import Catalogue, numbered
from engine.generate.loads import Load
from engine.generate.nodes import Network
from engine.generate.places import Places, scatter
from engine.generate.streams import stream

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MAX_LINES = 20
_PROMISE_DAYS = np.array([2, 3, 4, 5, 6, 8])
_PROMISE_SHARE = np.array([0.08, 0.17, 0.25, 0.22, 0.16, 0.12])
_QUANTITY_SHARE = np.array([0.90, 0.07, 0.015, 0.009, 0.002, 0.004])


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Orders and lines as numbers; lines lie order by order.

    Attributes
    ----------
    n_lines : array of int
        Lines of each order.
    order : array of int
        Order of each line.
    position : array of int
        Position of each line in its order, from 0.
    sku : array of int
        Item of each line.
    quantity : array of int
    """

    n_lines: Ints
    order: Ints
    position: Ints
    sku: Ints
    quantity: Ints


def size_shares(load: Load) -> npt.NDArray[np.float64]:
    """Share of orders with 1, 2, ... 20 lines."""
    k = np.arange(2, MAX_LINES + 1, dtype=np.float64)
    tail = k**-load.basket_power * np.exp(-load.basket_decay * k)
    return np.concatenate([[load.single_line_share], (1.0 - load.single_line_share) * tail / tail.sum()])


def units_per_order(load: Load) -> float:
    """Units of an order on average."""
    lines = float(size_shares(load) @ np.arange(1, MAX_LINES + 1))
    return lines * float(_QUANTITY_SHARE @ np.arange(1, len(_QUANTITY_SHARE) + 1))


def _draw(rng: np.random.Generator, share: npt.NDArray[np.float64], n: int) -> Ints:
    """Draw n indices with these shares."""
    edges = np.cumsum(share)
    return np.searchsorted(edges / edges[-1], rng.random(n), side="right").astype(np.int64)


def draw_demand(load: Load, catalogue: Catalogue, n_orders: int, seed: int) -> Demand:
    """Draw what the orders contain."""
    rng = stream(seed, "demand")
    n_lines = _draw(rng, size_shares(load), n_orders) + 1
    order = np.repeat(np.arange(n_orders), n_lines)
    first = np.cumsum(n_lines) - n_lines
    position = np.arange(len(order)) - first[order]
    sku = _draw(rng, catalogue.share, len(order))
    merged = np.flatnonzero((n_lines > 1) & (rng.random(n_orders) < 0.02))
    sku[first[merged] + 1] = sku[first[merged]]
    return Demand(
        n_lines=n_lines,
        order=order,
        position=position,
        sku=sku,
        quantity=_draw(rng, _QUANTITY_SHARE, len(order)) + 1,
    )


def orders_table(
    load: Load, demand: Demand, places: Places, network: Network, carriers: pa.Array, today: int, seed: int
) -> pa.Table:
    """The orders' table.

    Parameters
    ----------
    load, demand, places, network
        What it is made of.
    carriers : pyarrow.Array of str
        For each order two nodes, separated by a space, that carry its first item: a few orders are bound
        to them.
    today : int
        The date of the batch, in days since 1970-01-01.
    seed : int
        Seed of the batch.
    """
    rng = stream(seed, "orders")
    n = len(demand.n_lines)
    where = _draw(rng, places.population, n)
    lat, lon = scatter(rng, places.lat[where], places.lon[where], 2.0)
    states, state = np.unique(places.state, return_inverse=True)
    several = demand.n_lines > 1

    def some(share: float) -> Flags:
        return rng.random(n) < share

    promised = some(load.deliver_by_share)
    deliver_by = today + _PROMISE_DAYS[_draw(rng, _PROMISE_SHARE, n)]
    excluded = pa.array(network.node_id.tolist(), pa.string()).take(pa.array(rng.integers(0, len(network.node_id), n)))
    return pa.table(
        {
            "order_id": numbered("o", n),
            "lat": pa.array(lat, pa.float64()),
            "lon": pa.array(lon, pa.float64()),
            "region": pa.array(states.tolist(), pa.string()).take(pa.array(state[where])),
            "residential": pa.array(some(0.85), pa.bool_()),
            "deliver_by": pa.array(deliver_by.astype(np.int32), pa.int32(), mask=~promised).cast(pa.date32()),
            "hard_promise": pa.array(promised & some(0.12), pa.bool_()),
            "late_cents_per_day": pa.array(np.full(n, 1500), pa.int64(), mask=~some(0.01)),
            "priority_pct": pa.array(
                np.array([100, 150, 300])[_draw(rng, np.array([0.88, 0.10, 0.02]), n)], pa.int64()
            ),
            "ship_complete": pa.array(several & some(0.04), pa.bool_()),
            "max_shipments": pa.array(np.ones(n, dtype=np.int64), pa.int64(), mask=~(several & some(0.02))),
            "only_nodes": _where(some(0.003), carriers),
            "not_nodes": _where(some(0.005), excluded),
            "held": pa.array(some(0.002), pa.bool_()),
        }
    )


def _where(chosen: Flags, words: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(chosen), words, pa.scalar("", pa.string()))


def lines_table(demand: Demand, catalogue: Catalogue, orders: pa.Table, seed: int) -> pa.Table:
    """The lines' table; a gift in a hundred is worth little, whatever it is."""
    rng = stream(seed, "lines")
    n = len(demand.order)
    several = demand.n_lines > 1
    sets = several & (rng.random(len(several)) < 0.03)
    together = sets[demand.order] & (demand.position < 2)
    numbers = pa.array([str(k) for k in range(1, MAX_LINES + 1)], pa.string())
    gift = rng.random(n) < 0.01
    return pa.table(
        {
            "order_id": orders["order_id"].combine_chunks().take(pa.array(demand.order)),
            "line_id": numbers.take(pa.array(demand.position)),
            "sku": catalogue.sku.take(pa.array(demand.sku)),
            "quantity": pa.array(demand.quantity, pa.int64()),
            "unallocated_cents": pa.array(np.full(n, 800), pa.int64(), mask=~gift),
            "ship_together": pc.if_else(pa.array(together), pa.scalar("set"), pa.scalar(None, pa.string())),
        }
    )
