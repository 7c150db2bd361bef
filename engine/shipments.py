"""Every shipment that could serve a part of an order: slot, quantities, service and cost, in arrays.

Quantities are packed into one integer, the *code*: each piece of the order has a field wide enough for its levels and
one guard bit, so that whether one code fits into another is a subtraction and a mask.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.calendar import NO_DAY
from engine.network import IntArray, Network
from engine.orders import Orders
from engine.rates import (
    carbon_cents,
    covers,
    distance_m,
    freight_cents,
    lane_or_band,
    late_cents,
    may_serve,
    stock_resource,
    unallocated_cents,
)

MAX_CODE_BITS = 62
MAX_SUBSETS = 40_000
"""An order with more ways than this to fill a shipment gets a selection of them, and a relaxed floor."""
MAX_SUBSETS_SELECTED = 256
N_RIVALS = 16


class Shipments(NamedTuple):
    """Candidate shipments of a run of orders.

    A visit is an order at a slot; its lines are those that the slot could serve, with the stock intervals they would
    draw on; its offers are the shipments worth considering there.
    """

    visit_first: IntArray  # [n_orders + 1]
    visit_slot: IntArray
    stop_first: IntArray  # [n_visits + 1]: lines of a visit
    stop_line: IntArray  # line, counted over all orders
    stop_resource: IntArray  # first stock interval
    stop_n_resources: IntArray
    offer_first: IntArray  # [n_visits + 1]
    offer_code: IntArray
    offer_service: IntArray
    offer_cents: IntArray  # freight, handling, preference, late, carbon
    listed: NDArray[np.bool_]  # [n_orders]: every shipment that can be useful is an offer
    visit_base_cents: NDArray[np.float64]  # [n_visits]: with unlisted shipments, each costs at least this ...
    visit_gram_cents: NDArray[np.float64]  # ... and this for each billable gram, handling of lines and units apart


class Scratch(NamedTuple):
    """Work space of one run of :func:`list_shipments`, one entry a combination of quantities at a slot."""

    billable: IntArray
    actual: IntArray
    units: IntArray
    lines: IntArray
    gain: IntArray
    code: IntArray
    requires: NDArray[np.uint64]


@njit(cache=True, nogil=True)
def piece_shifts(orders: Orders, order: int) -> IntArray:
    """Bit offset of each piece's field in a code, and last the total width."""
    first, last = orders.piece_first[order], orders.piece_first[order + 1]
    shifts = np.zeros(last - first + 1, np.int64)
    for piece in range(last - first):
        width = 1
        levels = orders.piece_levels[first + piece]
        while levels > 0:
            width += 1
            levels >>= 1
        shifts[piece + 1] = shifts[piece] + width
    return shifts


@njit(cache=True, nogil=True)
def level_of(code: int, shifts: IntArray, piece: int) -> int:
    """The level that a code gives a piece."""
    width = shifts[piece + 1] - shifts[piece]
    return (code >> shifts[piece]) & ((np.int64(1) << width) - 1)


@njit(cache=True, nogil=True)
def grown(buffer: IntArray, needed: int) -> IntArray:
    """A buffer of at least the needed size with the same beginning."""
    if needed <= buffer.size:
        return buffer
    larger = np.empty(max(needed, 2 * buffer.size), buffer.dtype)
    larger[: buffer.size] = buffer
    return larger


@njit(cache=True, nogil=True)
def _services_there(
    network: Network,
    orders: Orders,
    order: int,
    slot: int,
    rate: IntArray,
    transit: IntArray,
    day: IntArray,
    late: IntArray,
) -> bool:
    """Fill the delivery day (or NO_DAY) and lateness of each service from a slot; whether any goes."""
    resource = network.slot_shipments_resource[slot]
    if resource >= 0 and network.supply[resource] < 1:
        return False
    goes = False
    for service in range(rate.size):
        day[service] = NO_DAY
        if rate[service] < 0:
            continue
        resource = network.slot_service_resource[slot, service]
        if resource >= 0 and network.supply[resource] < 1:
            continue
        arrives = network.deliver_day[service, network.slot_day_index[slot], transit[service]]
        if arrives == NO_DAY or (arrives > orders.deliver_by[order] and orders.hard_promise[order]):
            continue
        late[service] = late_cents(orders, order, arrives)
        day[service] = arrives
        goes = True
    return goes


@njit(cache=True, nogil=True)
def _pieces_there(
    network: Network,
    orders: Orders,
    order: int,
    slot: int,
    lines: IntArray,
    pairs: IntArray,
    resources: IntArray,
    piece_size: IntArray,
    top: IntArray,
    local: IntArray,
) -> int:
    """Fill the pieces that a slot has in stock (``local``) and their highest levels; return how many."""
    n_pieces = piece_size.size
    found = np.zeros(n_pieces, np.int64)
    for piece in range(n_pieces):
        top[piece] = orders.piece_levels[orders.piece_first[order] + piece]
    for i in range(lines.size):
        resource = stock_resource(network, pairs[i], network.slot_day[slot])
        resources[i] = resource
        if resource >= 0:
            can = network.supply[resource] // orders.line_step[lines[i]]
            if can > 0:
                piece = orders.line_piece[lines[i]]
                found[piece] += 1
                top[piece] = min(top[piece], can)
    n_local = 0
    for piece in range(n_pieces):
        if found[piece] == piece_size[piece]:
            local[n_local] = piece
            n_local += 1
    return n_local


@njit(cache=True, nogil=True)
def _add_piece(
    network: Network,
    orders: Orders,
    order: int,
    piece: int,
    level: int,
    shift: int,
    source: int,
    target: int,
    scratch: Scratch,
) -> None:
    """Make combination ``target`` from combination ``source`` and a level of one more piece."""
    billable = actual = units = lines = gain = np.int64(0)
    for word in range(scratch.requires.shape[1]):
        scratch.requires[target, word] = scratch.requires[source, word]
    for line in range(orders.line_first[order], orders.line_first[order + 1]):
        if orders.line_piece[line] != piece:
            continue
        sku = orders.line_sku[line]
        amount = level * orders.line_step[line]
        billable += amount * network.item_billable_g[sku]
        actual += amount * network.item_weight_g[sku]
        units += amount
        lines += 1
        whole = orders.line_quantity[line]
        gain += unallocated_cents(orders, order, line, whole)
        gain -= unallocated_cents(orders, order, line, whole - amount)
        for word in range(scratch.requires.shape[1]):
            scratch.requires[target, word] |= network.item_requires[sku, word]
    scratch.billable[target] = scratch.billable[source] + billable
    scratch.actual[target] = scratch.actual[source] + actual
    scratch.units[target] = scratch.units[source] + units
    scratch.lines[target] = scratch.lines[source] + lines
    scratch.gain[target] = scratch.gain[source] + gain
    scratch.code[target] = scratch.code[source] + (np.int64(level) << shift)


@njit(cache=True, nogil=True)
def _all_combinations(
    network: Network,
    orders: Orders,
    order: int,
    shifts: IntArray,
    local: IntArray,
    top: IntArray,
    few: bool,
    scratch: Scratch,
) -> int:
    """Every combination of levels of some pieces (with ``few``: all that can be had of a piece, or none)."""
    size = 1
    for piece in local:
        made = 0
        low = top[piece] if few else 1
        for level in range(low, top[piece] + 1):
            # level by level from the empty combination's unit step, so that each costs one addition
            for j in range(size):
                _add_piece(network, orders, order, piece, level, shifts[piece], j, size + made, scratch)
                made += 1
        size += made
    return size


@njit(cache=True, nogil=True)
def _selected_combinations(
    network: Network,
    orders: Orders,
    order: int,
    shifts: IntArray,
    local: IntArray,
    top: IntArray,
    rivals: IntArray,
    scratch: Scratch,
) -> int:
    """What a slot might do for a large order: all it has, less what rivals have, single pieces, all but one."""
    mine = np.int64(0)
    for piece in local:
        mine |= np.int64(1) << piece
    wanted = np.empty(1 + 2 * local.size + 2 * rivals.size + rivals.size * rivals.size, np.int64)
    wanted[0] = mine
    n = 1
    for piece in local:
        bit = np.int64(1) << piece
        wanted[n], wanted[n + 1] = bit, mine & ~bit
        n += 2
    for i in range(rivals.size):
        wanted[n], wanted[n + 1] = mine & ~rivals[i], mine & rivals[i]
        n += 2
        for j in range(i):
            wanted[n] = mine & ~(rivals[i] | rivals[j])
            n += 1
    size = 1
    for mask in np.unique(wanted[:n]):
        if mask == 0:
            continue
        source = 0
        for piece in local:
            if mask & (np.int64(1) << piece):
                _add_piece(network, orders, order, piece, top[piece], shifts[piece], source, size, scratch)
                source = size
        size += 1
    return size


@njit(cache=True, nogil=True)
def _stock_suffices(
    network: Network, orders: Orders, code: int, shifts: IntArray, lines: IntArray, resources: IntArray
) -> bool:
    """Whether lines of one sku together find enough stock in a shipment."""
    for i in range(lines.size):
        if resources[i] < 0:
            continue
        total = np.int64(0)
        for j in range(lines.size):
            if resources[j] == resources[i]:
                level = level_of(code, shifts, orders.line_piece[lines[j]])
                total += level * orders.line_step[lines[j]]
        if total > network.supply[resources[i]]:
            return False
    return True


@njit(cache=True, nogil=True)
def _lower_line(
    network: Network, order_residential: bool, rate: IntArray, day: IntArray, late: IntArray, weight_g: int
) -> tuple[float, float]:
    """Cents ``a + b * grams`` that no service undercuts up to a weight, high near 0.6 of it.

    A step function lies above a line with a rising slope where it does at the right ends of its steps.
    """
    best_base, best_slope, best_value = 0.0, 0.0, -np.inf
    for i in range(24):
        slope = -1.0
        base = np.inf
        for service in range(rate.size):
            if day[service] == NO_DAY:
                continue
            first, last = network.rate_first[rate[service]], network.rate_first[rate[service] + 1]
            top = late[service] + freight_cents(network, service, rate[service], weight_g, order_residential)
            if slope < 0.0:
                slope = i / 24.0 * top / weight_g
            base = min(base, top - slope * weight_g)
            heaviest = network.rate_max_g[last - 1]
            for parcels in range(weight_g // heaviest + 1):
                for row in range(first, last):
                    w = parcels * heaviest + network.rate_max_g[row]
                    if w < weight_g:
                        cents = freight_cents(network, service, rate[service], w, order_residential)
                        base = min(base, late[service] + cents - slope * w)
        value = base + slope * 0.6 * weight_g
        if value > best_value:
            best_base, best_slope, best_value = base, slope, value
    return best_base, best_slope


@njit(cache=True, nogil=True)
def list_shipments(network: Network, orders: Orders, begin: int, end: int) -> Shipments:
    """List the candidate shipments of orders ``begin .. end - 1``.

    A shipment that costs at least what leaving its lines would is left out, unless the order must be complete; of the
    services only the best without a capacity limit stays, and those with a limit that beat it.
    """
    n_services = network.service_fuel_bp.size
    n_nodes = network.node_lat.size
    visit_first = np.zeros(end - begin + 1, np.int64)
    listed = np.ones(end - begin, np.bool_)
    visit_slot = np.empty(1024, np.int64)
    visit_base = np.empty(1024, np.float64)
    visit_gram = np.empty(1024, np.float64)
    stop_first = np.zeros(1024, np.int64)
    stop_line = np.empty(1024, np.int64)
    stop_resource = np.empty(1024, np.int64)
    stop_n = np.empty(1024, np.int64)
    offer_first = np.zeros(1024, np.int64)
    offer_code = np.empty(1024, np.int64)
    offer_service = np.empty(1024, np.int64)
    offer_cents = np.empty(1024, np.int64)
    n_visits = n_stops = n_offers = 0

    most_lines = 1
    for order in range(begin, end):
        most_lines = max(most_lines, orders.line_first[order + 1] - orders.line_first[order])
    head = np.full(n_nodes, -1, np.int64)
    touched = np.empty(n_nodes, np.int64)
    entry_next = np.empty(1024, np.int64)
    entry_line = np.empty(1024, np.int64)
    entry_pair = np.empty(1024, np.int64)
    here_line = np.empty(most_lines, np.int64)
    here_pair = np.empty(most_lines, np.int64)
    here_resource = np.empty(most_lines, np.int64)
    top = np.empty(most_lines, np.int64)
    local = np.empty(most_lines, np.int64)
    rate = np.empty(n_services, np.int64)
    transit = np.empty(n_services, np.int64)
    day = np.empty(n_services, np.int64)
    late = np.zeros(n_services, np.int64)
    scratch = Scratch(
        np.zeros(MAX_SUBSETS + 1, np.int64),
        np.zeros(MAX_SUBSETS + 1, np.int64),
        np.zeros(MAX_SUBSETS + 1, np.int64),
        np.zeros(MAX_SUBSETS + 1, np.int64),
        np.zeros(MAX_SUBSETS + 1, np.int64),
        np.zeros(MAX_SUBSETS + 1, np.int64),
        np.zeros((MAX_SUBSETS + 1, network.item_requires.shape[1]), np.uint64),
    )

    for order in range(begin, end):
        visit_first[order - begin] = n_visits
        first, last = orders.line_first[order], orders.line_first[order + 1]
        if orders.held[order] or first == last or orders.max_shipments[order] == 0:
            continue
        n_pieces = orders.piece_first[order + 1] - orders.piece_first[order]
        shifts = piece_shifts(orders, order)
        if shifts[n_pieces] > MAX_CODE_BITS:
            listed[order - begin] = False
            continue
        piece_size = np.zeros(n_pieces, np.int64)
        repeated = False
        splits = False
        for line in range(first, last):
            piece_size[orders.line_piece[line]] += 1
            for other in range(first, line):
                repeated = repeated or orders.line_sku[other] == orders.line_sku[line]
        for piece in range(orders.piece_first[order], orders.piece_first[order + 1]):
            splits = splits or orders.piece_levels[piece] > 1
        n_touched = n_entries = 0
        for line in range(last - 1, first - 1, -1):
            sku = orders.line_sku[line]
            for pair in range(network.sku_first_pair[sku], network.sku_first_pair[sku + 1]):
                node = network.pair_node[pair]
                if not covers(network.node_capabilities[node], network.item_requires[sku]):
                    continue
                if head[node] < 0:
                    touched[n_touched] = node
                    n_touched += 1
                if n_entries == entry_next.size:
                    entry_next = grown(entry_next, n_entries + 1)
                    entry_line = grown(entry_line, n_entries + 1)
                    entry_pair = grown(entry_pair, n_entries + 1)
                entry_next[n_entries] = head[node]
                entry_line[n_entries] = line
                entry_pair[n_entries] = pair
                head[node] = n_entries
                n_entries += 1

        # first look only: how many combinations there are, and which pieces each slot could serve
        rivals = np.zeros(N_RIVALS, np.int64)
        n_rivals = 0
        n_combinations = 0.0
        for look in range(2):
            few = n_combinations > MAX_SUBSETS
            if look == 1 and few:
                listed[order - begin] = False
            for t in range(n_touched):
                node = touched[t]
                entry = head[node]
                if look == 1:
                    head[node] = -1
                metres = distance_m(
                    orders.lat[order], orders.lon[order], network.node_lat[node], network.node_lon[node]
                )
                if not may_serve(network, orders, order, node, metres):
                    continue
                n_here = 0
                while entry >= 0:
                    here_line[n_here] = entry_line[entry]
                    here_pair[n_here] = entry_pair[entry]
                    n_here += 1
                    entry = entry_next[entry]
                for service in range(n_services):
                    rate[service], transit[service], _ = lane_or_band(
                        network, orders, order, node, service, metres
                    )
                for slot in range(network.node_first_slot[node], network.node_first_slot[node + 1]):
                    if not _services_there(network, orders, order, slot, rate, transit, day, late):
                        continue
                    n_local = _pieces_there(
                        network,
                        orders,
                        order,
                        slot,
                        here_line[:n_here],
                        here_pair[:n_here],
                        here_resource,
                        piece_size,
                        top,
                        local,
                    )
                    if n_local == 0:
                        continue
                    n_here_combinations = 1.0
                    mask = np.int64(0)
                    for i in range(n_local):
                        n_here_combinations *= top[local[i]] + 1.0
                        mask |= np.int64(1) << local[i]
                    if look == 0:
                        n_combinations += n_here_combinations
                        if not splits:
                            n_rivals = _remember(rivals, n_rivals, mask)
                        continue
                    if not few or n_here_combinations <= MAX_SUBSETS_SELECTED:
                        size = _all_combinations(
                            network, orders, order, shifts, local[:n_local], top, False, scratch
                        )
                    elif splits:
                        size = _all_combinations(
                            network, orders, order, shifts, local[: min(n_local, 10)], top, True, scratch
                        )
                    else:
                        size = _selected_combinations(
                            network, orders, order, shifts, local[:n_local], top, rivals[:n_rivals], scratch
                        )

                    units_resource = network.slot_units_resource[slot]
                    offers_before = n_offers
                    offer_code = grown(offer_code, n_offers + (size + 1) * n_services)
                    offer_service = grown(offer_service, offer_code.size)
                    offer_cents = grown(offer_cents, offer_code.size)
                    for sub in range(1, size):
                        if units_resource >= 0 and scratch.units[sub] > network.supply[units_resource]:
                            continue
                        if repeated and not _stock_suffices(
                            network, orders, scratch.code[sub], shifts, here_line[:n_here], here_resource
                        ):
                            continue
                        handling = (
                            network.node_shipment_cents[node]
                            + network.node_line_cents[node] * scratch.lines[sub]
                            + network.node_unit_cents[node] * scratch.units[sub]
                            + network.node_preference_cents[node]
                        )
                        worth = scratch.gain[sub] - handling
                        if splits:  # a line split twice may round its lost cents once more
                            worth += scratch.lines[sub]
                        free_service = -1
                        free_cents = np.int64(0)
                        for capped in range(2):
                            for service in range(n_services):
                                is_capped = network.slot_service_resource[slot, service] >= 0
                                if day[service] == NO_DAY or is_capped != (capped == 1):
                                    continue
                                if not covers(network.service_capabilities[service], scratch.requires[sub]):
                                    continue
                                cents = late[service] + freight_cents(
                                    network,
                                    service,
                                    rate[service],
                                    scratch.billable[sub],
                                    orders.residential[order],
                                )
                                cents += carbon_cents(network, service, scratch.actual[sub], metres)
                                if free_service >= 0 and (
                                    cents > free_cents
                                    or (
                                        cents == free_cents
                                        and (
                                            day[service] > day[free_service]
                                            or (day[service] == day[free_service] and service > free_service)
                                        )
                                    )
                                ):
                                    continue
                                if capped == 0:
                                    free_service, free_cents = service, cents
                                elif orders.ship_complete[order] or cents < worth:
                                    offer_code[n_offers] = scratch.code[sub]
                                    offer_service[n_offers] = service
                                    offer_cents[n_offers] = cents + handling
                                    n_offers += 1
                        if free_service >= 0 and (orders.ship_complete[order] or free_cents < worth):
                            offer_code[n_offers] = scratch.code[sub]
                            offer_service[n_offers] = free_service
                            offer_cents[n_offers] = free_cents + handling
                            n_offers += 1
                    if n_offers == offers_before and not few:
                        continue
                    weight_g = np.int64(0)
                    stop_line = grown(stop_line, n_stops + n_here)
                    stop_resource = grown(stop_resource, stop_line.size)
                    stop_n = grown(stop_n, stop_line.size)
                    for i in range(n_here):
                        step = orders.line_step[here_line[i]]
                        if here_resource[i] < 0 or network.supply[here_resource[i]] < step:
                            continue
                        stop_line[n_stops] = here_line[i]
                        stop_resource[n_stops] = here_resource[i]
                        stop_n[n_stops] = network.pair_first_resource[here_pair[i] + 1] - here_resource[i]
                        sku = orders.line_sku[here_line[i]]
                        weight_g += orders.line_quantity[here_line[i]] * network.item_billable_g[sku]
                        n_stops += 1
                    visit_slot = grown(visit_slot, n_visits + 2)
                    stop_first = grown(stop_first, n_visits + 2)
                    offer_first = grown(offer_first, n_visits + 2)
                    if visit_base.size < visit_slot.size:
                        visit_base = np.append(visit_base, np.empty(visit_slot.size - visit_base.size))
                        visit_gram = np.append(visit_gram, np.empty(visit_slot.size - visit_gram.size))
                    visit_slot[n_visits] = slot
                    visit_base[n_visits] = visit_gram[n_visits] = 0.0
                    if few:
                        base, gram = _lower_line(
                            network, orders.residential[order], rate, day, late, weight_g
                        )
                        base += network.node_shipment_cents[node] + network.node_preference_cents[node]
                        visit_base[n_visits], visit_gram[n_visits] = base, gram
                    n_visits += 1
                    stop_first[n_visits] = n_stops
                    offer_first[n_visits] = n_offers
    visit_first[end - begin] = n_visits
    return Shipments(
        visit_first,
        visit_slot[:n_visits].copy(),
        stop_first[: n_visits + 1].copy(),
        stop_line[:n_stops].copy(),
        stop_resource[:n_stops].copy(),
        stop_n[:n_stops].copy(),
        offer_first[: n_visits + 1].copy(),
        offer_code[:n_offers].copy(),
        offer_service[:n_offers].copy(),
        offer_cents[:n_offers].copy(),
        listed,
        visit_base[:n_visits].copy(),
        visit_gram[:n_visits].copy(),
    )


@njit(cache=True, nogil=True)
def _remember(rivals: IntArray, n_rivals: int, mask: int) -> int:
    """Keep the largest different piece sets seen so far; return how many are kept."""
    for i in range(n_rivals):
        if rivals[i] == mask:
            return n_rivals
    if n_rivals < rivals.size:
        rivals[n_rivals] = mask
        return n_rivals + 1
    least = 0
    for i in range(1, n_rivals):
        if _n_bits(rivals[i]) < _n_bits(rivals[least]):
            least = i
    if _n_bits(mask) > _n_bits(rivals[least]):
        rivals[least] = mask
    return n_rivals


@njit(cache=True, nogil=True)
def _n_bits(mask: int) -> int:
    n = 0
    while mask:
        mask &= mask - 1
        n += 1
    return n
