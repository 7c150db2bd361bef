"""What a shipment costs and where it may come from: one function a term of MODEL.md section 3, for the kernels.

The functions take plain arrays, not the tuples that hold them: a kernel unpacks those once, at its top.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.network import NO_LANE, NO_RATE, NO_RESOURCE, IntArray
from solver.kernels import kernel

EARTH_RADIUS_KM = 6371.0088


@kernel
def distance_m(lat1: float, lon1: float, lat2: float, lon2: float) -> int:
    """Great circle in whole metres (haversine)."""
    phi1 = math.radians(lat1)
    phi2 = math.radians(lat2)
    half_phi = math.sin((phi2 - phi1) / 2.0)
    half_lambda = math.sin(math.radians(lon2 - lon1) / 2.0)
    h = half_phi * half_phi + math.cos(phi1) * math.cos(phi2) * half_lambda * half_lambda
    return int(np.rint(2.0 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(h))) * 1000.0))


@kernel
def freight_cents(
    rate_first: IntArray,
    rate_max_g: IntArray,
    rate_cents: IntArray,
    rate: int,
    weight_g: int,
    fuel_bp: int,
    surcharge_cents: int,
) -> int:
    """Table rate of a billable weight, with fuel and surcharge; beyond the last row it goes in several parcels."""
    low = rate_first[rate]
    last = rate_first[rate + 1] - 1
    most = rate_max_g[last]
    cents = np.int64(0)
    if weight_g > most:
        parcels = weight_g // most
        cents = parcels * rate_cents[last]
        weight_g -= parcels * most
    if weight_g > 0:
        high = last
        while low < high:
            middle = (low + high) >> 1
            if rate_max_g[middle] >= weight_g:
                high = middle
            else:
                low = middle + 1
        cents += rate_cents[low]
    return cents + (cents * fuel_bp + 5000) // 10000 + surcharge_cents


@kernel
def carbon_cents(cents_per_kg: int, g_per_tonne_km: int, weight_g: int, metres: int) -> int:
    """Cost of carbon, in float64 from left to right as MODEL.md says."""
    if cents_per_kg == 0 or g_per_tonne_km == 0:
        return 0
    grams = float(cents_per_kg) * float(g_per_tonne_km)
    return math.floor(grams * float(weight_g) * float(metres) / 1e12 + 0.5)


@kernel
def late_cents(cents_per_day: int, n_days: int, priority_pct: int) -> int:
    """Cost of so many days after deliver_by (none where negative)."""
    if n_days <= 0:
        return 0
    return (cents_per_day * n_days * priority_pct + 50) // 100


@kernel
def lost_cents(unit_cents: int, quantity: int, priority_pct: int) -> int:
    """Cost of leaving a quantity of a line unallocated."""
    return (unit_cents * quantity * priority_pct + 50) // 100


@kernel
def lane_or_band(
    lane_row: NDArray[np.int32],
    lane_rate: IntArray,
    band_first: IntArray,
    band_max_km: NDArray[np.float64],
    band_rate: IntArray,
    node: int,
    region: int,
    service: int,
    metres: int,
) -> tuple[int, int]:
    """Rate table of a service, and the lane row that says so, or the band as ``-1 - band``; NO_RATE: does not go."""
    if region >= 0:
        row = np.int64(lane_row[node, region])
        if row >= 0 and lane_rate[row, service] != NO_LANE:
            return lane_rate[row, service], row
    km = metres / 1000.0
    for band in range(band_first[service], band_first[service + 1]):
        if band_max_km[band] >= km:
            return band_rate[band], -1 - band
    return np.int64(NO_RATE), np.int64(-1)


@kernel
def named_in(first: IntArray, nodes: IntArray, order: int, node: int) -> bool:
    """Whether an order's list of nodes names a node."""
    for i in range(first[order], first[order + 1]):
        if nodes[i] == node:
            return True
    return False


@kernel
def covers(have: NDArray[np.uint64], i: int, need: NDArray[np.uint64], j: int) -> bool:
    """Whether capability set ``i`` of one table holds set ``j`` of another."""
    for word in range(need.shape[1]):
        if need[j, word] & ~have[i, word]:
            return False
    return True


@kernel
def pair_of(sku_first_pair: IntArray, pair_node: IntArray, sku: int, node: int) -> int:
    """The number of a (node, sku) pair; -1 where it has no stock row."""
    low, end = sku_first_pair[sku], sku_first_pair[sku + 1]
    high = end
    while low < high:
        middle = (low + high) >> 1
        if pair_node[middle] < node:
            low = middle + 1
        else:
            high = middle
    return int(low) if low < end and pair_node[low] == node else -1


@kernel
def stock_resource(pair_first_resource: IntArray, stock_day: IntArray, pair: int, day: int) -> int:
    """The stock interval that a shipment on a day draws on first; -1 where nothing has arrived by then."""
    resource = NO_RESOURCE
    for candidate in range(pair_first_resource[pair], pair_first_resource[pair + 1]):
        if stock_day[candidate] <= day:
            resource = candidate
    return resource
