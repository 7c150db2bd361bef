"""Freight of a visit by weight, as the search over pieces needs it: a floor under it, and what other services ask."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.best_set import cheapest_service
from engine.combinations import Loads
from engine.network import IntArray, Network
from engine.rates import carbon_cents, covers, freight_cents
from engine.shipments import Shipments
from engine.visit_sets import FAR, NONE
from engine.worths import Worths
from solver.kernels import kernel
from solver.source import MILLI


class Stairs(NamedTuple):
    """Freight of visits by billable weight, at least; those of visit ``v`` are made when they are needed (``n[v]``)."""

    n: IntArray
    ends: NDArray[np.int64]  # [v, stair]: upper ends
    milli: NDArray[np.int64]


@kernel
def no_stairs(shipments: Shipments, first_visit: int, n_visits: int, rate_first: IntArray) -> Stairs:
    """Room for the stairs of all visits of an order."""
    most = 0
    for v in range(n_visits):
        rate = shipments.wide_rate[shipments.wide_row[first_visit + v]]
        n = 0
        for service in range(rate.size):
            if rate[service] >= 0:
                n += rate_first[rate[service] + 1] - rate_first[rate[service]]
        most = max(most, n)
    return Stairs(
        np.zeros(n_visits, np.int64), np.empty((n_visits, most), np.int64), np.empty((n_visits, most), np.int64)
    )


@kernel
def add_stairs(
    network: Network,
    shipments: Shipments,
    row: int,
    worths: Worths,
    v: int,
    heaviest_g: int,
    rising: bool,
    stairs: Stairs,
) -> None:
    """Fill in what freight of a visit costs at least, by billable weight."""
    rate_first, rate_max_g, rate_cents = network.rate_first, network.rate_max_g, network.rate_cents
    fuel_bp, surcharge, capacity_price = network.service_fuel_bp, worths.surcharge_cents, worths.capacity_price[v]
    rate, late = shipments.wide_rate[row], shipments.wide_late_cents[row]
    ends, milli = stairs.ends[v], stairs.milli[v]
    top_g = heaviest_g  # beyond it some service needs several parcels; they cost at least what one does
    for service in range(rate.size):
        if rate[service] >= 0:
            top_g = min(top_g, rate_max_g[rate_first[rate[service] + 1] - 1])
    n = 0
    for service in range(rate.size if rising else 0):
        if rate[service] < 0:
            continue
        for at in range(rate_first[rate[service]], rate_first[rate[service] + 1]):
            end = min(top_g, rate_max_g[at])
            place = n
            while place > 0 and ends[place - 1] > end:
                place -= 1
            if place == 0 or ends[place - 1] != end:
                for i in range(n, place, -1):
                    ends[i] = ends[i - 1]
                ends[place] = end
                n += 1
            if end == top_g:
                break
    for i in range(n):
        milli[i] = FAR
        for service in range(rate.size):
            if rate[service] >= 0:
                its = late[service] + freight_cents(
                    rate_first, rate_max_g, rate_cents, rate[service], ends[i], fuel_bp[service], surcharge[service]
                )
                milli[i] = min(milli[i], its * MILLI + capacity_price[service])
    if n == 0:
        milli[0], n = 0, 1
    stairs.n[v] = n


@kernel
def freight_at(stairs: Stairs, v: int, weight_g: int) -> int:
    """Freight of a weight by the stairs; that of the last stair beyond it, nothing for nothing."""
    if weight_g == 0:
        return 0
    low, high = 0, stairs.n[v] - 1
    while low < high:
        middle = (low + high) >> 1
        if stairs.ends[v, middle] >= weight_g:
            high = middle
        else:
            low = middle + 1
    return stairs.milli[v, low]


@kernel
def choosy_freight(
    network: Network,
    shipments: Shipments,
    first_visit: int,
    worths: Worths,
    v: int,
    needs: NDArray[np.uint64],
    weight_g: int,
    rising: bool,
) -> int:
    """What freight of a visit costs at least with a service that has some capabilities, milli; a lot if none has."""
    row = shipments.wide_row[first_visit + v]
    service, _, milli = cheapest_service(
        network.rate_first,
        network.rate_max_g,
        network.rate_cents,
        shipments.wide_rate[row],
        shipments.wide_late_cents[row],
        network.service_fuel_bp,
        worths.surcharge_cents,
        0,
        network.service_carbon_g,
        shipments.wide_metres[row],
        worths.capacity_price[v],
        network.service_capabilities,
        needs,
        weight_g,
        weight_g,
    )
    if service < 0:
        return np.int64(FAR)
    return milli if rising else np.int64(0)


@kernel
def other_service(
    network: Network,
    shipments: Shipments,
    first_visit: int,
    steps: Loads,
    worths: Worths,
    v: int,
    mask: int,
    needs: NDArray[np.uint64],
) -> int:
    """What the next best service of a shipment asks more, milli, of those that the best does not beat in everything."""
    row = shipments.wide_row[first_visit + v]
    rate, late = shipments.wide_rate[row], shipments.wide_late_cents[row]
    capped = network.slot_service_resource[shipments.visit_slot[first_visit + v]]
    billable_g = actual_g = np.int64(0)
    for piece in range(worths.value.shape[1]):
        if (mask >> piece) & 1:
            billable_g += steps.billable[piece]
            actual_g += steps.actual[piece]
    best, best_cents, best_milli = NONE, np.int64(0), np.int64(FAR)
    least = np.int64(FAR)
    for look in range(2):
        for service in range(rate.size):
            if rate[service] < 0 or not covers(network.service_capabilities, service, needs, 0):
                continue
            cents = late[service] + freight_cents(
                network.rate_first,
                network.rate_max_g,
                network.rate_cents,
                rate[service],
                billable_g,
                network.service_fuel_bp[service],
                worths.surcharge_cents[service],
            )
            cents += carbon_cents(
                network.carbon_cents_per_kg, network.service_carbon_g[service], actual_g, shipments.wide_metres[row]
            )
            milli = cents * MILLI + worths.capacity_price[v, service]
            if look == 0 and milli < best_milli:
                best, best_cents, best_milli = service, cents, milli
            if look == 1 and service != best and not (capped[best] < 0 and best_cents <= cents):
                least = min(least, milli)
    return least - best_milli
