"""What nodes can do in a day: capacity, what is taken already, closures, and special lanes.

Capacity is a multiple of the load that the forecast gives a node: generous on a calm day; about the load
itself, with errors both ways, at peak. Vendors state none. Carriers collect a limited number of air parcels
from stores. A few nodes have taken orders already, a few stores close tomorrow, and no carrier delivers on
a holiday. Warehouses have contracts: a regional carrier in their own state, line-haul into a large distant
one, and a tariff for Alaska and Hawaii from the west.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.generate.loads import Load
from engine.generate.nodes import DC, STORE, VENDOR, Network
from engine.generate.places import Places
from engine.generate.streams import stream
from engine.generate.supply import Shelves
from engine.generate.tariffs import SERVICE_IDS, days_of

Ints = npt.NDArray[np.int64]

_LARGE_STATES = ("CA", "FL", "IL", "NY", "PA", "TX")


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """Capacity of each node; -1 means no limit.

    Attributes
    ----------
    shipments_per_day, units_per_day : array of int
    """

    shipments_per_day: Ints
    units_per_day: Ints


def plan_capacity(load: Load, network: Network, shelves: Shelves, n_orders: int, seed: int) -> Capacity:
    """Plan each node's capacity from its forecast load."""
    rng = stream(seed, "capacity")
    n = len(network.kind)
    n_units = float(shelves.forecast.sum())
    expected = np.bincount(shelves.node, weights=shelves.forecast, minlength=n) / n_units
    headroom = load.capacity_headroom * np.exp(load.capacity_sigma * rng.standard_normal(n))
    n_shipments = n_orders * load.shipments_per_order
    shipments = expected * n_shipments * headroom
    units = shipments * n_units / n_shipments * rng.uniform(1.0, 1.5, n)
    limited = network.kind != VENDOR
    return Capacity(
        shipments_per_day=np.where(limited, np.ceil(shipments) + 1, -1).astype(np.int64),
        units_per_day=np.where(limited, np.ceil(units) + 2, -1).astype(np.int64),
    )


def service_capacity_table(network: Network, capacity: Capacity, seed: int) -> pa.Table:
    """Limits of a service at a node: air parcels at half the stores, the trailer at some warehouses."""
    rng = stream(seed, "service capacity")
    shipments = capacity.shipments_per_day
    ground = np.flatnonzero((network.kind == DC) & (rng.random(len(shipments)) < 0.33))
    air = np.flatnonzero((network.kind == STORE) & (rng.random(len(shipments)) < 0.5))
    node = np.concatenate([ground, air, air])
    service = np.repeat([0, 1, 2], [len(ground), len(air), len(air)])
    limit = np.ceil(shipments[node] * np.array([0.9, 0.4, 0.15])[service]).astype(np.int64)
    order = np.lexsort((service, node))
    return pa.table(
        {
            "node_id": _names(network, node[order]),
            "service_id": pa.array(SERVICE_IDS, pa.string()).take(pa.array(service[order])),
            "shipments_per_day": pa.array(limit[order], pa.int64()),
        }
    )


def used_table(network: Network, capacity: Capacity, today: int, seed: int) -> pa.Table:
    """What earlier decisions took: a few percent of today, and of tomorrow, at one node in ten."""
    rng = stream(seed, "used")
    n = len(network.kind)
    node = np.flatnonzero((rng.random(n) < 0.10) & (capacity.shipments_per_day > 0))
    node = np.repeat(node, 2)
    day = today + np.arange(len(node)) % 2
    shipments = np.ceil(capacity.shipments_per_day[node] * rng.uniform(0.02, 0.10, len(node))).astype(np.int64)
    by_air = np.flatnonzero(rng.random(len(node)) < 0.25)
    rows = np.concatenate([np.arange(len(node)), by_air])
    whole = np.repeat([True, False], [len(node), len(by_air)])
    taken = np.where(whole, shipments[rows], (shipments[rows] + 4) // 5)
    order = np.lexsort((~whole, day[rows], node[rows]))
    rows, whole, taken = rows[order], whole[order], taken[order]
    return pa.table(
        {
            "node_id": _names(network, node[rows]),
            "service_id": pa.array(np.full(len(rows), "two_day").tolist(), pa.string(), mask=whole),
            "date": _dates(day[rows]),
            "shipments": pa.array(taken, pa.int64()),
            "units": pa.array(np.where(whole, taken + taken // 2, 0), pa.int64()),
        }
    )


def closures_table(load: Load, network: Network, today: int, seed: int) -> pa.Table:
    """Holidays of all services; a store in a hundred closes tomorrow."""
    rng = stream(seed, "closures")
    closed = np.flatnonzero((network.kind == STORE) & (rng.random(len(network.kind)) < 0.01))
    holidays = days_of(load.holidays)
    n_services = len(SERVICE_IDS)
    n_carrier = len(holidays) * n_services
    day = np.concatenate([np.repeat(holidays, n_services), np.full(len(closed), today + 1)])
    services = [*SERVICE_IDS] * len(holidays) + [None] * len(closed)
    nodes = [None] * n_carrier + network.node_id[closed].tolist()
    return pa.table(
        {
            "date": _dates(day),
            "node_id": pa.array(nodes, pa.string()),
            "service_id": pa.array(services, pa.string()),
        }
    )


def lanes_table(network: Network, places: Places, seed: int) -> pa.Table:
    """Contracts of the warehouses; ground only."""
    rng = stream(seed, "lanes")
    rows: list[tuple[str, str, str, int]] = []
    for node in np.flatnonzero(network.kind == DC):
        name, home = str(network.node_id[node]), str(places.state[network.place[node]])
        regional, far = rng.random() < 0.5, rng.random() < 0.25
        target = _LARGE_STATES[rng.integers(0, len(_LARGE_STATES))]
        if regional:
            rows.append((name, home, "2", 1))
        if far and target != home:
            rows.append((name, target, "5", 3))
        if network.lon[node] < -110.0:
            rows += [(name, state, "9", 7) for state in ("AK", "HI") if state != home]
    return pa.table(
        {
            "node_id": pa.array([row[0] for row in rows], pa.string()),
            "region": pa.array([row[1] for row in rows], pa.string()),
            "service_id": pa.array(["ground"] * len(rows), pa.string()),
            "zone": pa.array([row[2] for row in rows], pa.string()),
            "transit_days": pa.array([row[3] for row in rows], pa.int64()),
        }
    )


def _names(network: Network, node: Ints) -> pa.Array:
    return pa.array(network.node_id.tolist(), pa.string()).take(pa.array(node))


def _dates(day: Ints) -> pa.Array:
    return pa.array(day.astype(np.int32), pa.int32()).cast(pa.date32())
