"""Freight of a visit by weight, as the search over pieces needs it: a floor under it, and what other services ask."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.best_set import cheapest_service
from engine.combinations import Loads
from engine.network import IntArray
from engine.rates import carbon_cents, covers, freight_cents
from engine.shipments import Shipments
from engine.visit_sets import FAR
from engine.worths import Worths
from solver.kernels import kernel
from solver.source import MILLI

MOST_ASKS = 3
"""Different demands of an order's pieces that are told apart."""


class Stairs(NamedTuple):
    """Freight of visits by billable weight, at least; those of visit ``v`` are made when they are needed (``n[0, v]``).

    Pieces that ask their service for the same are a bit in the *kind* of a shipment; there are stairs for each kind, of
    the services that have all it asks for. Of different demands only the first few count, which leaves a floor.
    """

    asks: IntArray  # bit sets of pieces that ask for the same; bit i of a kind stands for the i-th
    n: NDArray[np.int64]  # [kind, v]
    ends: NDArray[np.int64]  # [kind, v, stair]: upper ends
    milli: NDArray[np.int64]


@kernel
def no_stairs(shipments: Shipments, first_visit: int, worths: Worths, steps: Loads, rate_first: IntArray) -> Stairs:
    """Room for the stairs of all visits of an order."""
    n_visits, n_pieces = worths.value.shape
    requires = steps.requires
    asks = np.zeros(MOST_ASKS, np.int64)
    model = np.zeros(MOST_ASKS, np.int64)
    n_asks = 0
    for piece in range(n_pieces):
        if not np.any(requires[piece] != 0):
            continue
        at = 0
        while at < n_asks and np.any(requires[piece] != requires[model[at]]):
            at += 1
        if at == MOST_ASKS:
            continue
        if at == n_asks:
            model[at] = piece
            n_asks += 1
        asks[at] |= np.int64(1) << piece
    most = 1
    for v in range(n_visits):
        rate = shipments.wide_rate[shipments.wide_row[first_visit + v]]
        n = 0
        for service in range(rate.size):
            if rate[service] >= 0:
                n += rate_first[rate[service] + 1] - rate_first[rate[service]]
        most = max(most, n)
    n_kinds = 1 << n_asks
    shape = (n_kinds, n_visits, most)
    return Stairs(
        asks[:n_asks].copy(),
        np.zeros((n_kinds, n_visits), np.int64),
        np.empty(shape, np.int64),
        np.empty(shape, np.int64),
    )


@kernel
def kind_of(asks: IntArray, mask: int) -> int:
    """What a set of pieces asks for, see :class:`Stairs`."""
    kind = 0
    for i in range(asks.size):
        if mask & asks[i]:
            kind |= 1 << i
    return kind


@kernel
def fill_stairs(
    rate_first: IntArray,
    rate_max_g: IntArray,
    rate_cents: IntArray,
    rate: IntArray,
    late: IntArray,
    fuel_bp: IntArray,
    surcharge: IntArray,
    capacity_price: IntArray,
    can_carry: NDArray[np.uint64],
    requires: NDArray[np.uint64],
    asks: IntArray,
    kind: int,
    heaviest_g: int,
    rising: bool,
    ends: IntArray,
    milli: IntArray,
) -> int:
    """Fill in what freight of a visit costs at least for a kind of shipment; return how many stairs there are."""
    serves = rate >= 0
    for piece in range(requires.shape[0]):
        for i in range(asks.size):
            if (kind >> i) & 1 and (asks[i] >> piece) & 1:
                for service in range(rate.size):
                    serves[service] &= covers(can_carry, service, requires, piece)
    if not serves.any():
        milli[0] = FAR
        return 1
    top_g = heaviest_g  # beyond it some service needs several parcels; they cost at least what one does
    for service in range(rate.size):
        if serves[service]:
            top_g = min(top_g, rate_max_g[rate_first[rate[service] + 1] - 1])
    n = 0
    for service in range(rate.size if rising else 0):
        if not serves[service]:
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
            if serves[service]:
                its = late[service] + freight_cents(
                    rate_first,
                    rate_max_g,
                    rate_cents,
                    rate[service],
                    ends[i],
                    fuel_bp[service],
                    surcharge[service],
                )
                milli[i] = min(milli[i], its * MILLI + capacity_price[service])
    if n == 0:
        milli[0], n = 0, 1
    return n


@kernel
def freight_at(ends: NDArray[np.int64], milli: NDArray[np.int64], n: int, kind: int, v: int, weight_g: int) -> int:
    """Freight of a weight by ``n`` stairs; that of the last stair beyond it, nothing for nothing."""
    if weight_g == 0:
        return 0
    low, high = 0, n - 1
    while low < high:
        middle = (low + high) >> 1
        if ends[kind, v, middle] >= weight_g:
            high = middle
        else:
            low = middle + 1
    return milli[kind, v, low]


@kernel
def two_services(
    rate_first: IntArray,
    rate_max_g: IntArray,
    rate_cents: IntArray,
    rate: IntArray,
    late: IntArray,
    fuel_bp: IntArray,
    surcharge: IntArray,
    carbon_price: int,
    carbon_g: IntArray,
    metres: int,
    capacity_price: IntArray,
    capacity: IntArray,
    can_carry: NDArray[np.uint64],
    requires: NDArray[np.uint64],
    billable_g: int,
    actual_g: int,
) -> tuple[int, int, int]:
    """The cheapest service of a shipment as :func:`engine.best_set.cheapest_service` finds it, and its milli in all.

    Third, what the next best service asks more, milli, of those that the best does not beat in everything
    (``capacity`` is the resource of each service there; -1: not limited).
    """
    best, best_cents, best_milli = cheapest_service(
        rate_first,
        rate_max_g,
        rate_cents,
        rate,
        late,
        fuel_bp,
        surcharge,
        carbon_price,
        carbon_g,
        metres,
        capacity_price,
        can_carry,
        requires,
        billable_g,
        actual_g,
    )
    least = np.int64(FAR)
    for service in range(rate.size if best >= 0 else 0):
        if service == best or rate[service] < 0 or not covers(can_carry, service, requires, 0):
            continue
        cents = late[service] + freight_cents(
            rate_first, rate_max_g, rate_cents, rate[service], billable_g, fuel_bp[service], surcharge[service]
        )
        cents += carbon_cents(carbon_price, carbon_g[service], actual_g, metres)
        if not (capacity[best] < 0 and best_cents <= cents):
            least = min(least, cents * MILLI + capacity_price[service])
    return best, best_milli, least - best_milli
