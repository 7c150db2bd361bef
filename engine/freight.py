"""Freight of a visit as a function of the weight: the best service by weight, and lines that lie below it."""

from __future__ import annotations

import numpy as np

from engine.network import IntArray
from engine.rates import freight_cents
from solver.kernels import kernel

NONE = -1
N_SLOPES = 24


@kernel
def best_by_weight(
    rate_first: IntArray,
    rate_max_g: IntArray,
    rate_cents: IntArray,
    rate: IntArray,
    day: IntArray,
    late: IntArray,
    fuel_bp: IntArray,
    surcharge: IntArray,
    capped: IntArray,
) -> tuple[IntArray, IntArray, IntArray]:
    """Best service without a capacity limit by billable weight: upper ends of steps, cents, service."""
    n = 0
    lightest_end = np.int64(2**62)
    for service in range(rate.size):
        if rate[service] >= 0 and capped[service] < 0:
            first, last = rate_first[rate[service]], rate_first[rate[service] + 1]
            n += last - first
            lightest_end = min(lightest_end, rate_max_g[last - 1])
    ends = np.empty(n, np.int64)
    n = 0
    for service in range(rate.size):
        if rate[service] >= 0 and capped[service] < 0:
            for row in range(rate_first[rate[service]], rate_first[rate[service] + 1]):
                if rate_max_g[row] <= lightest_end:
                    ends[n] = rate_max_g[row]
                    n += 1
    ends = np.unique(ends[:n])
    cents = np.zeros(ends.size, np.int64)
    best = np.full(ends.size, NONE, np.int64)
    for i in range(ends.size):
        for service in range(rate.size):
            if rate[service] < 0 or capped[service] >= 0:
                continue
            value = late[service] + freight_cents(
                rate_first,
                rate_max_g,
                rate_cents,
                rate[service],
                ends[i],
                fuel_bp[service],
                surcharge[service],
            )
            if best[i] < 0 or value < cents[i] or (value == cents[i] and day[service] < day[best[i]]):
                best[i], cents[i] = service, value
    return ends, cents, best


@kernel
def lower_line(
    rate_first: IntArray,
    rate_max_g: IntArray,
    rate_cents: IntArray,
    rate: IntArray,
    late: IntArray,
    fuel_bp: IntArray,
    surcharge: IntArray,
    weight_g: int,
    share: float,
) -> tuple[float, float]:
    """Cents ``a + b * grams`` that no service undercuts up to a weight, high near a share of it.

    A rising line lies below a step function where it does at the right ends of the steps.
    """
    best_base, best_slope, best_value = 0.0, 0.0, -np.inf
    for i in range(N_SLOPES):
        slope = -1.0
        base = np.inf
        for service in range(rate.size):
            if rate[service] < 0:
                continue
            first, last = rate_first[rate[service]], rate_first[rate[service] + 1]
            fuel, extra = fuel_bp[service], surcharge[service]
            top = late[service] + freight_cents(
                rate_first, rate_max_g, rate_cents, rate[service], weight_g, fuel, extra
            )
            if slope < 0.0:
                slope = i / N_SLOPES * top / weight_g
            base = min(base, top - slope * weight_g)
            heaviest = rate_max_g[last - 1]
            for parcels in range(weight_g // heaviest + 1):
                for row in range(first, last):
                    w = parcels * heaviest + rate_max_g[row]
                    if w < weight_g:
                        cents = freight_cents(rate_first, rate_max_g, rate_cents, rate[service], w, fuel, extra)
                        base = min(base, late[service] + cents - slope * w)
        value = base + slope * share * weight_g
        if value > best_value:
            best_base, best_slope, best_value = base, slope, value
    return best_base, best_slope


@kernel
def rises_with_weight(rate_first: IntArray, rate_cents: IntArray) -> bool:
    """Whether no rate table asks less for a heavier parcel."""
    for rate in range(rate_first.size - 1):
        for row in range(rate_first[rate] + 1, rate_first[rate + 1]):
            if rate_cents[row] < rate_cents[row - 1]:
                return False
    return True
