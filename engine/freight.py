"""Freight of a visit as a function of the weight: the best service by weight, and lines that lie below it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
def lower_lines(
    rate_first: IntArray,
    rate_max_g: IntArray,
    rate_cents: IntArray,
    rate: IntArray,
    late: IntArray,
    fuel_bp: IntArray,
    surcharge: IntArray,
    weight_g: int,
    shares: tuple[float, ...],
    base: NDArray[np.float64],
    gram: NDArray[np.float64],
) -> None:
    """Fill in cents ``base + gram * grams`` that no service undercuts up to a weight, high near each share of it.

    A rising line lies below a step function where it does at the right ends of the steps.
    """
    n = 0
    for service in range(rate.size):
        if rate[service] >= 0:
            n_rows = rate_first[rate[service] + 1] - rate_first[rate[service]]
            n += 1 + n_rows * (weight_g // rate_max_g[rate_first[rate[service] + 1] - 1] + 1)
    end_g, end_cents = np.empty(n), np.empty(n)  # right ends of steps, each service's freight of all the weight first
    top = -1.0
    n = 0
    for service in range(rate.size):
        if rate[service] < 0:
            continue
        first, last = rate_first[rate[service]], rate_first[rate[service] + 1]
        fuel, extra = fuel_bp[service], surcharge[service]
        cents = freight_cents(rate_first, rate_max_g, rate_cents, rate[service], weight_g, fuel, extra)
        end_g[n], end_cents[n] = weight_g, late[service] + cents
        top = end_cents[n] if top < 0.0 else top
        n += 1
        heaviest = rate_max_g[last - 1]
        for parcels in range(weight_g // heaviest + 1):
            for row in range(first, last):
                w = parcels * heaviest + rate_max_g[row]
                if w >= weight_g:
                    break
                cents = freight_cents(rate_first, rate_max_g, rate_cents, rate[service], w, fuel, extra)
                end_g[n], end_cents[n] = w, late[service] + cents
                n += 1
    best = np.full(base.size, -np.inf)
    for i in range(N_SLOPES):
        slope = i / N_SLOPES * top / weight_g
        lowest = np.inf
        for k in range(n):
            lowest = min(lowest, end_cents[k] - slope * end_g[k])
        for k, share in enumerate(shares):
            value = lowest + slope * share * weight_g
            if value > best[k]:
                base[k], gram[k], best[k] = lowest, slope, value


@kernel
def rises_with_weight(rate_first: IntArray, rate_cents: IntArray) -> bool:
    """Whether no rate table asks less for a heavier parcel."""
    for rate in range(rate_first.size - 1):
        for row in range(rate_first[rate] + 1, rate_first[rate + 1]):
            if rate_cents[row] < rate_cents[row - 1]:
                return False
    return True
