"""The network: warehouses at hubs, stores where people live, some third parties and vendors.

One node in twenty is a warehouse. They are placed one after the other where they shorten the way to all
customers most (a greedy p-median over cells of the country, among a random half of them as candidates),
then moved out of town. Stores take ZIP codes drawn by population; third parties stand near warehouses,
vendors anywhere with people. A store's clerk picks and packs at one and a half times a warehouse's cost,
closes the parcel early in the afternoon, but works on Sunday.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.generate.places import Places, distance_km, scatter
from engine.generate.streams import stream

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DC, STORE, THIRD, VENDOR = range(4)
KINDS = ("dc", "store", "3pl", "vendor")


@dataclass(frozen=True, kw_only=True)
class Network:
    """The nodes, in the order of their table: warehouses, stores, third parties, vendors.

    Attributes
    ----------
    node_id : array of str
    kind : array of int
        Index into `KINDS`.
    place : array of int
        The ZIP code each stands in or near.
    lat, lon, size : array of float
        Coordinates; relative size (breadth of assortment, volume) within its kind, 1 on average.
    shipment_cents, line_cents, unit_cents, preference_cents : array of int
        Handling, and the planner's preference.
    cold, hazmat : array of bool
        What it can handle.
    """

    node_id: npt.NDArray[np.str_]
    kind: Ints
    place: Ints
    lat: Floats
    lon: Floats
    size: Floats
    shipment_cents: Ints
    line_cents: Ints
    unit_cents: Ints
    preference_cents: Ints
    cold: npt.NDArray[np.bool_]
    hazmat: npt.NDArray[np.bool_]


def _counts(n_nodes: int) -> tuple[int, int, int, int]:
    n_dc = max(1, round(0.05 * n_nodes))
    n_third = round(0.03 * n_nodes)
    n_vendor = round(0.02 * n_nodes)
    return n_dc, n_nodes - n_dc - n_third - n_vendor, n_third, n_vendor


def _hubs(rng: np.random.Generator, places: Places, n: int) -> Ints:
    """Cells for n warehouses: each the best addition to those before it."""
    n_cells = len(places.cell_lat)
    candidates = np.sort(rng.permutation(n_cells)[: max(n_cells // 2, 1)])
    km = distance_km(
        places.cell_lat[candidates][:, None],
        places.cell_lon[candidates][:, None],
        places.cell_lat[None, :],
        places.cell_lon[None, :],
    )
    nearest = np.full(n_cells, 6000.0)
    chosen: list[int] = []
    for _ in range(n):
        total = np.minimum(km, nearest) @ places.cell_population
        best = int(np.argmin(total))
        chosen.append(int(candidates[best]))
        nearest = np.minimum(nearest, km[best])
    return np.array(chosen, dtype=np.int64)


def _zip_near(places: Places, lat: Floats, lon: Floats) -> Ints:
    """The ZIP code nearest to each point: its state and time zone are the point's."""
    found = [
        int(np.argmin(distance_km(np.float64(a) * np.ones(()), np.float64(b) * np.ones(()), places.lat, places.lon)))
        for a, b in zip(lat, lon)
    ]
    return np.array(found, dtype=np.int64)


def place_nodes(places: Places, n_nodes: int, seed: int, *, cold_stores: float) -> Network:
    """Draw the network.

    Parameters
    ----------
    places : Places
        Where people live.
    n_nodes : int
        How many, at least 1.
    seed : int
        Seed of the batch.
    cold_stores : float
        Share of stores that can pack cold goods.
    """
    rng = stream(seed, "nodes")
    counts = _counts(n_nodes)
    kind = np.repeat(np.arange(4), counts)
    hubs = _hubs(rng, places, counts[DC])
    by_population = places.population / places.population.sum()
    n_people = counts[STORE] + counts[VENDOR]
    town = rng.choice(len(by_population), size=n_people, replace=n_people > 20_000, p=by_population)
    third = hubs[rng.integers(0, len(hubs), counts[THIRD])]
    base_lat = np.concatenate(
        [
            places.cell_lat[hubs],
            places.lat[town[: counts[STORE]]],
            places.cell_lat[third],
            places.lat[town[counts[STORE] :]],
        ]
    )
    base_lon = np.concatenate(
        [
            places.cell_lon[hubs],
            places.lon[town[: counts[STORE]]],
            places.cell_lon[third],
            places.lon[town[counts[STORE] :]],
        ]
    )
    lat, lon = scatter(rng, base_lat, base_lon, np.array([18.0, 1.0, 25.0, 3.0])[kind])

    def between(low: tuple[int, int, int, int], high: tuple[int, int, int, int]) -> Ints:
        return rng.integers(np.array(low)[kind], np.array(high)[kind] + 1)

    size = np.exp(rng.standard_normal(n_nodes) * np.array([0.35, 0.6, 0.4, 0.4])[kind])
    preference = between((0, 0, 25, 100), (0, 50, 75, 200))
    clearance = (kind == STORE) & (rng.random(n_nodes) < 0.05)
    share = rng.random((2, n_nodes))
    numbers = np.concatenate([np.arange(1, count + 1) for count in counts])
    width = max(2, len(str(max(counts))))
    return Network(
        node_id=np.array([f"{KINDS[k]}{number:0{width}d}" for k, number in zip(kind, numbers)], dtype=np.str_),
        kind=kind,
        place=_zip_near(places, lat, lon),
        lat=lat,
        lon=lon,
        size=size / np.array([size[kind == k].mean() if counts[k] else 1.0 for k in range(4)])[kind],
        shipment_cents=between((150, 230, 220, 200), (300, 420, 380, 450)),
        line_cents=between((20, 35, 30, 0), (40, 65, 50, 30)),
        unit_cents=between((10, 15, 15, 0), (20, 30, 25, 20)),
        preference_cents=np.where(clearance, -100, preference),
        cold=share[0] < np.array([0.8, cold_stores, 0.5, 0.1])[kind],
        hazmat=share[1] < np.array([0.9, 0.3, 0.6, 0.5])[kind],
    )


def nodes_table(
    network: Network,
    places: Places,
    seed: int,
    shipments_per_day: npt.NDArray[np.int64],
    units_per_day: npt.NDArray[np.int64],
) -> pa.Table:
    """The table; a capacity below 0 means no limit."""
    rng = stream(seed, "nodes table")
    n = len(network.kind)
    kind = network.kind
    cutoffs = np.array(
        [
            ["17:00", "18:00", "19:00", "20:00"],
            ["14:00", "15:00", "15:00", "16:00"],
            ["15:00", "16:00", "16:00", "17:00"],
            ["11:00", "12:00", "12:00", "14:00"],
        ]
    )
    masks = np.array(
        [
            ["1111110", "1111110", "1111110", "1111111"],
            ["1111111", "1111111", "1111111", "1111111"],
            ["1111100", "1111100", "1111100", "1111110"],
            ["1111100", "1111100", "1111100", "1111100"],
        ]
    )
    ready = np.array([[30, 60, 60, 90], [60, 120, 120, 180], [60, 90, 120, 240], [240, 480, 1440, 2880]])
    pick = rng.integers(0, 4, (3, n))
    words = np.array(["", "cold", "hazmat", "cold hazmat"])[network.cold + 2 * network.hazmat]
    # A store in fifty is shut by weather or a broken system, in a network large enough to notice.
    offline = (kind == STORE) & (rng.random(n) < 0.01)
    return pa.table(
        {
            "node_id": pa.array(network.node_id.tolist(), pa.string()),
            "kind": pa.array([KINDS[k] for k in kind], pa.string()),
            "lat": pa.array(network.lat, pa.float64()),
            "lon": pa.array(network.lon, pa.float64()),
            "shipments_per_day": pa.array(shipments_per_day, pa.int64(), mask=shipments_per_day < 0),
            "units_per_day": pa.array(units_per_day, pa.int64(), mask=units_per_day < 0),
            "shipment_cents": pa.array(network.shipment_cents, pa.int64()),
            "line_cents": pa.array(network.line_cents, pa.int64()),
            "unit_cents": pa.array(network.unit_cents, pa.int64()),
            "preference_cents": pa.array(network.preference_cents, pa.int64()),
            "ready_minutes": pa.array(ready[kind, pick[0]], pa.int64()),
            "cutoff": pa.array(cutoffs[kind, pick[1]].tolist(), pa.string()),
            "timezone": pa.array(places.timezone[network.place].tolist(), pa.string()),
            "working_days": pa.array(masks[kind, pick[2]].tolist(), pa.string()),
            "offline": pa.array(offline, pa.bool_()),
            "capabilities": pa.array(words.tolist(), pa.string()),
        }
    )
