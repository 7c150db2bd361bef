"""What a shipment costs and where it may come from: one function a term of MODEL.md section 3, for the kernels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.network import NO_LANE, NO_RATE, NO_RESOURCE, Network
from engine.orders import Orders

EARTH_RADIUS_KM = 6371.0088


@njit(cache=True, nogil=True)
def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> int:
    """Great circle in whole metres (haversine; MODEL.md section 3)."""
    phi1 = math.radians(lat1)
    phi2 = math.radians(lat2)
    half_phi = math.sin((phi2 - phi1) / 2.0)
    half_lambda = math.sin(math.radians(lon2 - lon1) / 2.0)
    h = half_phi * half_phi + math.cos(phi1) * math.cos(phi2) * half_lambda * half_lambda
    return int(np.rint(2.0 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(h))) * 1000.0))


@njit(cache=True, nogil=True)
def table_rate(network: Network, rate: int, weight_g: int) -> int:
    """Cents for a billable weight before fuel; parcels beyond the last row are split (MODEL.md section 3)."""
    first = network.rate_first[rate]
    last = network.rate_first[rate + 1] - 1
    most = network.rate_max_g[last]
    cents = np.int64(0)
    if weight_g > most:
        parcels = weight_g // most
        cents = parcels * network.rate_cents[last]
        weight_g -= parcels * most
        if weight_g == 0:
            return cents
    row = first + np.searchsorted(network.rate_max_g[first : last + 1], weight_g)
    return cents + network.rate_cents[row]


@njit(cache=True, nogil=True)
def freight_cents(network: Network, service: int, rate: int, weight_g: int, residential: bool) -> int:
    """Table rate with fuel and the residential surcharge."""
    base = table_rate(network, rate, weight_g)
    cents = base + (base * network.service_fuel_bp[service] + 5000) // 10000
    if residential:
        cents += network.service_residential_cents[service]
    return cents


@njit(cache=True, nogil=True)
def carbon_cents(network: Network, service: int, weight_g: int, metres: int) -> int:
    """Cost of carbon, in float64 from left to right as MODEL.md section 3 says."""
    grams = float(network.carbon_cents_per_kg) * float(network.service_carbon_g[service])
    return int(math.floor(grams * float(weight_g) * float(metres) / 1e12 + 0.5))


@njit(cache=True, nogil=True)
def late_cents(orders: Orders, order: int, deliver_day: int) -> int:
    """Cost of a delivery after deliver_by."""
    n_days = deliver_day - orders.deliver_by[order]
    if n_days <= 0:
        return 0
    return (orders.late_cents_per_day[order] * n_days * orders.priority_pct[order] + 50) // 100


@njit(cache=True, nogil=True)
def unallocated_cents(orders: Orders, order: int, line: int, quantity: int) -> int:
    """Cost of leaving a quantity of a line unallocated."""
    if orders.held[order]:
        return 0
    return (orders.line_unallocated_cents[line] * quantity * orders.priority_pct[order] + 50) // 100


@njit(cache=True, nogil=True)
def lane_or_band(network: Network, orders: Orders, order: int, node: int, service: int, metres: int) -> Any:
    """Rate table, transit index and zone of a service to an order; a rate table of -1 where it does not go."""
    region = orders.region[order]
    if region >= 0:
        row = network.lane_row[node, region]
        if row >= 0 and network.lane_rate[row, service] != NO_LANE:
            return (
                network.lane_rate[row, service],
                network.lane_transit[row, service],
                network.lane_zone[row, service],
            )
    km = metres / 1000.0
    for band in range(network.band_first[service], network.band_first[service + 1]):
        if network.band_max_km[band] >= km:
            return network.band_rate[band], network.band_transit[band], network.band_zone[band]
    return np.int64(NO_RATE), np.int64(0), np.int64(0)


@njit(cache=True, nogil=True)
def may_serve(network: Network, orders: Orders, order: int, node: int, metres: int) -> bool:
    """Whether a node is a candidate for an order, capabilities apart."""
    if network.node_offline[node] or metres / 1000.0 > network.max_distance_km:
        return False
    if orders.only_first[order + 1] > orders.only_first[order]:
        named = False
        for i in range(orders.only_first[order], orders.only_first[order + 1]):
            named = named or orders.only_node[i] == node
        if not named:
            return False
    for i in range(orders.not_first[order], orders.not_first[order + 1]):
        if orders.not_node[i] == node:
            return False
    return True


@njit(cache=True, nogil=True)
def covers(have: NDArray[np.uint64], need: NDArray[np.uint64]) -> bool:
    """Whether a capability set holds another."""
    for word in range(need.size):
        if need[word] & ~have[word]:
            return False
    return True


@njit(cache=True, nogil=True)
def stock_resource(network: Network, pair: int, day: int) -> int:
    """The stock interval that a shipment on a day draws on first; -1 where nothing has arrived by then."""
    resource = NO_RESOURCE
    for candidate in range(network.pair_first_resource[pair], network.pair_first_resource[pair + 1]):
        if network.stock_day[candidate] <= day:
            resource = candidate
    return resource
