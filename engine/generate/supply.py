"""Stock: who carries what, and how much of it.

Assortment. A very popular sku is carried by some 20 nodes of 300, most warehouses among them, a slow one by
a third of the warehouses and a store or two (or by other shares, where the load says so, popular skus
first). Larger stores carry more. Cold goods stand only where there is a freezer; hazardous goods also stand
in stores that may not ship them.

Quantity. A planner forecasts each sku, and splits the forecast over the nodes that carry it by catchment:
for a sample of places where customers live, the share of each node falls with what a usual parcel from it
costs. Stores hold goods for people who walk in as well, by size, and those can be sold online too. Supply
is the forecast times the load's coverage, with an error for each row, plus a buffer; rows are small
integers, and on a bad day many are empty. A few rows hold safety stock or reservations beside, and a few
get a delivery within five days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from engine.generate.catalogue import Catalogue
from engine.generate.loads import Load
from engine.generate.nodes import DC, STORE, Network
from engine.generate.places import Places, distance_km
from engine.generate.streams import stream
from engine.generate.tariffs import typical_ground_cents

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_N_CUSTOMERS = 96
_INDIFFERENCE_CENTS = 60.0
_CHUNK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Shelves:
    """The (sku, node) pairs of the assortment, sku by sku.

    Attributes
    ----------
    sku, node : array of int
        One entry a pair, sorted.
    first : array of int
        Where each sku's pairs begin; one more than there are skus.
    forecast : array of float
        Units of the batch's demand that the planner expects each pair to serve.
    """

    sku: Ints
    node: Ints
    first: Ints
    forecast: Floats


def choose_shelves(
    load: Load, catalogue: Catalogue, network: Network, places: Places, n_units: float, seed: int
) -> Shelves:
    """Decide who carries what, and forecast each pair.

    Parameters
    ----------
    load, catalogue, network, places
        What it is made of.
    n_units : float
        Units of all orders that the planner expects.
    seed : int
        Seed of the batch.
    """
    sku, node = _assortment(load, catalogue, network, seed)
    first = np.searchsorted(sku, np.arange(len(catalogue.share) + 1))
    share = _catchment(sku, node, first, network, places, seed)
    share += load.walk_in_share * (_walk_in(sku, node, first, network, share) - share)
    return Shelves(sku=sku, node=node, first=first, forecast=n_units * catalogue.share[sku] * share)


def _assortment(load: Load, catalogue: Catalogue, network: Network, seed: int) -> tuple[Ints, Ints]:
    """Draw (sku, node) pairs, in slices of skus so that no full matrix is ever held."""
    rng = stream(seed, "assortment")
    n_skus, n_nodes = len(catalogue.share), len(network.kind)
    in_dc = network.kind == DC
    n_dc = max(int(in_dc.sum()), 1)
    elsewhere = np.where(in_dc, 0.0, network.size * np.where(network.kind == STORE, 1.0, 1.5))
    elsewhere /= max(elsewhere.mean() * n_nodes, 1e-9)
    slow = catalogue.rank / n_skus
    breadth = np.exp(0.3 * rng.standard_normal(n_skus))
    if load.dc_assortment is not None and load.store_assortment is not None:
        # Popular skus stand in more places: twice the mean for the first, none of it for the last in stores.
        per_dc = load.dc_assortment * (1.3 - 0.6 * slow)
        n_elsewhere = load.store_assortment * (n_nodes - n_dc) * (1.5 - 1.0 * slow)
    else:
        per_dc = (0.35 + 0.40 * np.exp(-slow / 0.3)) * breadth
        n_elsewhere = (2.0 + 6.0 * np.exp(-slow / 0.15)) * breadth * np.sqrt(n_nodes / 300.0)
    always = rng.integers(0, n_dc, n_skus)
    rows = max(1, _CHUNK // n_nodes)
    parts: list[tuple[Ints, Ints]] = []
    for low in range(0, n_skus, rows):
        high = min(low + rows, n_skus)
        chance = np.where(in_dc, per_dc[low:high, None], n_elsewhere[low:high, None] * elsewhere)
        carried = rng.random((high - low, n_nodes)) < np.minimum(chance, 0.95)
        carried &= network.cold | ~catalogue.cold[low:high, None]
        carried[np.arange(high - low), always[low:high]] = True  # warehouses are the first nodes
        sku, node = np.nonzero(carried)
        parts.append((sku + low, node))
    return np.concatenate([sku for sku, _ in parts]), np.concatenate([node for _, node in parts])


def _catchment(sku: Ints, node: Ints, first: Ints, network: Network, places: Places, seed: int) -> Floats:
    """Share of each pair in its sku's demand: sums to 1 for each sku."""
    rng = stream(seed, "catchment")
    edges = np.cumsum(places.population)
    even = (np.arange(_N_CUSTOMERS) + rng.random()) / _N_CUSTOMERS
    customer = np.searchsorted(edges, even * edges[-1], side="right")
    km = distance_km(
        places.lat[customer][:, None],
        places.lon[customer][:, None],
        network.lat[None, :],
        network.lon[None, :],
    )
    handling = network.shipment_cents + network.line_cents + network.unit_cents + network.preference_cents
    cents = typical_ground_cents(km) + 0.02 * km + handling
    appeal = np.exp(-(cents - cents.min(axis=1, keepdims=True)) / _INDIFFERENCE_CENTS) + 1e-9
    share = np.zeros(len(sku))
    for row in appeal:
        weight = row[node]
        share += weight / np.add.reduceat(weight, first[:-1])[sku]
    return share / _N_CUSTOMERS


def _walk_in(sku: Ints, node: Ints, first: Ints, network: Network, otherwise: Floats) -> Floats:
    """Share of each pair in what its sku sells over the counter, by size (or another share)."""
    size = np.where(network.kind == DC, 0.0, network.size)[node]
    total = np.add.reduceat(size, first[:-1])[sku]
    return np.where(total > 0.0, size / np.maximum(total, 1e-9), otherwise)


def draw_sellable(load: Load, catalogue: Catalogue, shelves: Shelves, seed: int) -> Ints:
    """Units that each pair can sell now."""
    rng = stream(seed, "sellable")
    n_skus = len(catalogue.share)
    # Systematic over ranks, so that popular and slow skus are short alike, also when there are only twenty.
    thin = np.mod((catalogue.rank + rng.random()) * load.short_share, 1.0) < load.short_share
    coverage = np.where(thin, load.short_coverage, load.ample_coverage) * np.exp(0.15 * rng.standard_normal(n_skus))
    sigma = load.position_sigma
    error = np.exp(sigma * rng.standard_normal(len(shelves.sku)) - 0.5 * sigma * sigma)
    # Errors move stock between nodes; they do not change how much of the sku was bought.
    planned = shelves.forecast * error
    total = np.add.reduceat(shelves.forecast, shelves.first[:-1])
    planned *= (total / np.add.reduceat(planned, shelves.first[:-1]))[shelves.sku]
    expected = planned * coverage[shelves.sku] + load.buffer * np.sqrt(planned)
    units = rng.poisson(expected)
    last_piece = (units == 0) & (rng.random(len(units)) < load.shelf_share)
    sellable: Ints = np.minimum(units + last_piece, 1_000_000_000).astype(np.int64)
    return sellable


def stock_table(
    catalogue: Catalogue, network: Network, shelves: Shelves, sellable: Ints, today: int, seed: int
) -> pa.Table:
    """The table, by node and sku; a delivery that is due follows the row it adds to."""
    rng = stream(seed, "stock")
    n = len(sellable)
    stored = network.kind[shelves.node] == STORE
    safety = (stored & (rng.random(n) < 0.10)).astype(np.int64)
    reserved = np.where(rng.random(n) < 0.05, 1 + rng.poisson(0.05 * sellable), 0)
    due = np.flatnonzero(rng.random(n) < 0.02)
    arriving = 1 + rng.poisson(0.3 * sellable[due])
    day = today + rng.integers(1, 6, len(due))
    row = np.concatenate([np.arange(n), due])
    later = np.repeat([0, 1], [n, len(due)])
    on_hand = np.concatenate([sellable + safety + reserved, arriving])
    available = np.concatenate([np.zeros(n, dtype=np.int64), day])
    order = np.lexsort((later, shelves.sku[row], shelves.node[row]))
    row, later = row[order], later[order]
    now = later == 0
    return pa.table(
        {
            "node_id": pa.array(network.node_id.tolist(), pa.string()).take(pa.array(shelves.node[row])),
            "sku": catalogue.sku.take(pa.array(shelves.sku[row])),
            "on_hand": pa.array(on_hand[order], pa.int64()),
            "reserved": pa.array(np.where(now, reserved[row], 0), pa.int64()),
            "safety_stock": pa.array(np.where(now, safety[row], 0), pa.int64()),
            "available_on": pa.array(available[order].astype(np.int32), pa.int32(), mask=now).cast(pa.date32()),
        }
    )


def two_carriers(network: Network, shelves: Shelves, sku: Ints, seed: int) -> pa.Array:
    """For each of these skus two nodes that carry it, as words; one if it is alone."""
    rng = stream(seed, "two carriers")
    count = shelves.first[sku + 1] - shelves.first[sku]
    one = (rng.random(len(sku)) * count).astype(np.int64)
    other = (one + 1 + (rng.random(len(sku)) * (count - 1)).astype(np.int64)) % count
    words = pa.array(network.node_id.tolist(), pa.string())
    left = words.take(pa.array(shelves.node[shelves.first[sku] + one]))
    right = words.take(pa.array(shelves.node[shelves.first[sku] + other]))
    return pc.if_else(pa.array(count > 1), pc.binary_join_element_wise(left, right, " "), left)
