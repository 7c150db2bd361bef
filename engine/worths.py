"""What the pieces of a large order are worth at each visit, at given prices, and the best set at each visit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.best_set import good_sets
from engine.combinations import Loads
from engine.network import IntArray, Network
from engine.orders import Orders
from engine.rates import lost_cents
from engine.shipments import Shipments
from solver.kernels import kernel
from solver.source import MILLI, Prices, price_of

NO_LIMIT = 2**62


class Worths(NamedTuple):
    """Arrays of one order at given prices; money in thousandths of a cent, ``v`` counts its visits."""

    value: NDArray[np.int64]  # [v, piece]: lost cents saved, less handling and prices of stock and units
    has: IntArray  # [v]: bit set of the pieces that the visit can serve
    base: IntArray  # [v]: what any shipment costs before freight, one split included
    capacity_price: NDArray[np.int64]  # [v, service]
    surcharge_cents: IntArray  # [service]
    units_left: IntArray  # [v]
    units_resource: IntArray  # [v]; -1: no limit
    shared_first: IntArray  # [v + 1]: lines that share a sku with another line of the order ...
    shared_piece: IntArray
    shared_amount: IntArray
    shared_resource: IntArray  # ... and the stock they draw on


class Sets(NamedTuple):
    """Sets of pieces at visits, with what they save; filled from the front."""

    visit: IntArray
    mask: IntArray
    gain: IntArray


@kernel
def is_known(sets: Sets, n_sets: int, visit: int, mask: int) -> bool:
    """Whether a set at a visit is there already."""
    for j in range(n_sets):
        if sets.mask[j] == mask and sets.visit[j] == visit:
            return True
    return False


@kernel
def worths_of(
    network: Network,
    orders: Orders,
    order: int,
    shipments: Shipments,
    visits: tuple[int, int],
    prices: Prices,
    steps: Loads,
) -> Worths:
    """Price the pieces and visits of an order."""
    slot_node, slot_units, slot_service = network.slot_node, network.slot_units_resource, network.slot_service_resource
    unit, table_first, table = prices.unit, prices.table_first, prices.table
    visit_slot, stop_first, stop_line = shipments.visit_slot, shipments.stop_first, shipments.stop_line
    stop_resource, stop_n = shipments.stop_resource, shipments.stop_n_resources
    line_piece, line_quantity, line_sku = orders.line_piece, orders.line_quantity, orders.line_sku
    lost_unit, priority = orders.line_unallocated_cents, orders.priority_pct[order]
    step_units = steps.units
    n_pieces = orders.piece_first[order + 1] - orders.piece_first[order]
    n_visits = visits[1] - visits[0]
    n_services = slot_service.shape[1]
    first_line, last_line = orders.line_first[order], orders.line_first[order + 1]

    surcharge = np.zeros(n_services, np.int64)
    if orders.residential[order]:
        surcharge[:] = network.service_residential_cents
    size_of = np.zeros(n_pieces, np.int64)
    repeated = np.zeros(last_line - first_line, np.bool_)
    any_repeated = False
    for line in range(first_line, last_line):
        size_of[line_piece[line]] += 1
        for other in range(first_line, last_line):
            if other != line and line_sku[other] == line_sku[line]:
                repeated[line - first_line] = any_repeated = True
    n_stops = stop_first[visits[1]] - stop_first[visits[0]] if any_repeated else 0
    shared_first = np.zeros(n_visits + 1, np.int64)
    shared_piece = np.empty(n_stops, np.int64)
    shared_amount = np.empty(n_stops, np.int64)
    shared_resource = np.empty(n_stops, np.int64)
    n_shared = 0

    value = np.zeros((n_visits, n_pieces), np.int64)
    has = np.zeros(n_visits, np.int64)
    base = np.zeros(n_visits, np.int64)
    capacity_price = np.zeros((n_visits, n_services), np.int64)
    units_left = np.full(n_visits, NO_LIMIT, np.int64)
    units_resource = np.full(n_visits, -1, np.int64)
    found = np.zeros(n_pieces, np.int64)
    for v in range(n_visits):
        visit = visits[0] + v
        slot = visit_slot[visit]
        node = slot_node[slot]
        found[:] = 0
        for stop in range(stop_first[visit], stop_first[visit + 1]):
            line = stop_line[stop]
            amount = line_quantity[line]
            its = lost_cents(lost_unit[line], amount, priority) * MILLI
            its -= (network.node_line_cents[node] + network.node_unit_cents[node] * amount) * MILLI
            for r in range(stop_resource[stop], stop_resource[stop] + stop_n[stop]):
                its -= price_of(unit, table_first, table, r, amount)
            value[v, line_piece[line]] += its
            found[line_piece[line]] += 1
            if repeated[line - first_line]:
                shared_piece[n_shared], shared_amount[n_shared] = line_piece[line], amount
                shared_resource[n_shared] = stop_resource[stop]
                n_shared += 1
        shared_first[v + 1] = n_shared
        resource = slot_units[slot]
        if resource >= 0:
            units_resource[v], units_left[v] = resource, network.supply[resource]
        for piece in range(n_pieces):
            if found[piece] == size_of[piece]:
                has[v] |= np.int64(1) << piece
                if resource >= 0:
                    value[v, piece] -= price_of(unit, table_first, table, resource, step_units[piece])
        base[v] = np.int64(network.split_cents + network.node_shipment_cents[node]) * MILLI
        base[v] += network.node_preference_cents[node] * MILLI
        resource = network.slot_shipments_resource[slot]
        if resource >= 0:
            base[v] += price_of(unit, table_first, table, resource, 1)
        for service in range(n_services):
            resource = slot_service[slot, service]
            if resource >= 0:
                capacity_price[v, service] = price_of(unit, table_first, table, resource, 1)
    return Worths(
        value,
        has,
        base,
        capacity_price,
        surcharge,
        units_left,
        units_resource,
        shared_first,
        shared_piece[:n_shared].copy(),
        shared_amount[:n_shared].copy(),
        shared_resource[:n_shared].copy(),
    )


@kernel
def promising(
    shipments: Shipments, first_visit: int, worths: Worths, steps: Loads, n_best: int, n_a_piece: int
) -> IntArray:
    """Visits that could save most, and those where each piece could save most alone; int64, rising."""
    n_visits, n_pieces = worths.value.shape
    if n_visits <= n_best:
        return np.arange(n_visits)
    wide_base, wide_gram = shipments.wide_base_cents, shipments.wide_gram_cents
    reach = np.empty(n_visits)
    alone = np.full((n_pieces, n_visits), -np.inf)
    for v in range(n_visits):
        row = shipments.wide_row[first_visit + v]
        reach[v] = np.inf
        for side in range(wide_base.shape[1]):
            start = -float(worths.base[v]) - wide_base[row, side] * MILLI
            total = start
            for piece in range(n_pieces):
                if (worths.has[v] >> piece) & 1:
                    its = worths.value[v, piece] - wide_gram[row, side] * steps.billable[piece] * MILLI
                    total += max(0.0, its)
                    alone[piece, v] = max(alone[piece, v], start + its)
            reach[v] = min(reach[v], total)
    keep = np.zeros(n_visits, np.bool_)
    keep[np.argsort(-reach, kind="mergesort")[:n_best]] = True
    for piece in range(n_pieces):
        for _ in range(n_a_piece):
            v = np.argmax(alone[piece])
            keep[v] = keep[v] or alone[piece, v] > -np.inf
            alone[piece, v] = -np.inf
    return np.flatnonzero(keep)


@kernel
def scan(
    network: Network,
    shipments: Shipments,
    first_visit: int,
    prices: Prices,
    steps: Loads,
    worths: Worths,
    among: IntArray,
    values: IntArray,
    wanted: int,
    max_steps: int,
    rising: bool,
    room: int,
    sets: Sets,
    n_sets: int,
) -> tuple[int, int]:
    """Add each visit's best set (or sets) at given values of pieces that exceed their cost by more than wanted.

    Parameters
    ----------
    among : int64
        The visits to look at.
    values : int64[n_pieces]
        What a piece must save to be worth its place.
    rising : bool
        Freight never falls with weight: pieces that save much less are never taken along, but for the sake of a
        shipment that is itself worth something.
    room : int
        Sets a visit: 1 for the best one only.

    Returns
    -------
    ceiling : int
        No set of these visits that is not there now exceeds its cost and values by more (with room for one: no set at
        all does); at least ``wanted``.
    n_sets : int
        How many sets there are now.
    """
    rate_first, rate_max_g, rate_cents = network.rate_first, network.rate_max_g, network.rate_cents
    fuel_bp, carbon_g, can_carry = network.service_fuel_bp, network.service_carbon_g, network.service_capabilities
    carbon_price, supply = network.carbon_cents_per_kg, network.supply
    unit, table_first, table = prices.unit, prices.table_first, prices.table
    wide_row, wide_metres = shipments.wide_row, shipments.wide_metres
    wide_rate, wide_late = shipments.wide_rate, shipments.wide_late_cents
    wide_base, wide_gram = shipments.wide_base_cents, shipments.wide_gram_cents
    step_billable, step_actual, step_units, step_requires = steps.billable, steps.actual, steps.units, steps.requires
    value, has, base, capacity_price = worths.value, worths.has, worths.base, worths.capacity_price
    surcharge, units_left, units_resource = worths.surcharge_cents, worths.units_left, worths.units_resource
    shared_first, shared_piece = worths.shared_first, worths.shared_piece
    shared_amount, shared_resource = worths.shared_amount, worths.shared_resource
    n_pieces = value.shape[1]
    pieces = np.empty(n_pieces, np.int64)
    extra = np.empty(n_pieces, np.int64)
    out_mask = np.empty(room, np.int64)
    out_excess = np.empty(room, np.int64)
    worst = np.int64(wanted)
    before = n_sets
    for v in among:
        row = wide_row[first_visit + v]
        n = 0
        for piece in range(n_pieces):
            if not (has[v] >> piece) & 1:
                continue
            its = value[v, piece] - values[piece]
            if rising and base[v] >= 0 and its <= wanted - values[n_pieces]:
                continue
            at = n
            while at > 0 and extra[at - 1] < its:
                extra[at], pieces[at] = extra[at - 1], pieces[at - 1]
                at -= 1
            extra[at], pieces[at] = its, piece
            n += 1
        hopeless = n == 0
        for side in range(wide_base.shape[1]):
            reach = -float(base[v]) - wide_base[row, side] * MILLI
            for i in range(n):
                reach += max(0.0, extra[i] - wide_gram[row, side] * step_billable[pieces[i]] * MILLI)
            hopeless = hopeless or reach <= wanted
        if hopeless:
            continue
        shared = slice(shared_first[v], shared_first[v + 1])
        n_found, ceiling = good_sets(
            pieces[:n],
            extra[:n],
            step_billable,
            step_actual,
            step_units,
            step_requires,
            base[v],
            wide_base[row],
            wide_gram[row],
            rate_first,
            rate_max_g,
            rate_cents,
            wide_rate[row],
            wide_late[row],
            fuel_bp,
            surcharge,
            carbon_price,
            carbon_g,
            wide_metres[row],
            capacity_price[v],
            can_carry,
            units_left[v],
            unit,
            table_first,
            table,
            units_resource[v],
            shared_piece[shared],
            shared_amount[shared],
            shared_resource[shared],
            supply,
            wanted,
            max_steps,
            rising,
            out_mask[:room],
            out_excess[:room],
        )
        worst = max(worst, ceiling)
        for i in range(n_found):
            mask, gain = out_mask[i], out_excess[i]
            if is_known(sets, before, v, mask):
                continue
            if n_sets == sets.mask.size:
                worst = max(worst, gain)
                continue
            for piece in range(n_pieces):
                if (mask >> piece) & 1:
                    gain += values[piece]
            sets.visit[n_sets], sets.mask[n_sets], sets.gain[n_sets] = v, mask, gain
            n_sets += 1
    return worst, n_sets
