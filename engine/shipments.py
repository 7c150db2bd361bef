"""Every shipment that could serve a part of an order: slot, quantities, service and cost, in arrays.

Quantities are packed into one integer, the *code*: each piece of the order has a field wide enough for its levels and
one guard bit, so that whether one code fits into another is a subtraction and a mask.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.calendar import NO_DAY
from engine.network import NO_LANE, NO_RATE, NO_RESOURCE, IntArray, Network
from engine.orders import NEVER_LATE, Orders

EARTH_RADIUS_KM = 6371.0088
MAX_CODE_BITS = 62
MAX_SUBSETS = 1 << 14
"""More combinations of quantities than this at one slot are not listed one by one."""


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


@njit(cache=True)
def _grown(buffer: IntArray, needed: int) -> IntArray:
    if needed <= buffer.size:
        return buffer
    larger = np.empty(max(needed, 2 * buffer.size), buffer.dtype)
    larger[: buffer.size] = buffer
    return larger


@njit(cache=True, nogil=True)
def list_shipments(network: Network, orders: Orders, begin: int, end: int) -> Shipments:
    """List the candidate shipments of orders ``begin .. end - 1``.

    A shipment that costs at least what leaving its lines would is left out, unless the order must be complete; of the
    services only the best without a capacity limit stays, and those with a limit that beat it.
    """
    n_services = network.service_fuel_bp.size
    n_nodes = network.node_lat.size
    n_words = network.item_requires.shape[1]
    visit_first = np.zeros(end - begin + 1, np.int64)
    listed = np.ones(end - begin, np.bool_)
    visit_slot = np.empty(1024, np.int64)
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
    piece_here = np.empty(most_lines, np.int64)
    piece_top = np.empty(most_lines, np.int64)
    local = np.empty(most_lines, np.int64)
    rate = np.empty(n_services, np.int64)
    transit = np.empty(n_services, np.int64)
    day = np.empty(n_services, np.int64)
    late = np.empty(n_services, np.int64)
    sub_billable = np.zeros(MAX_SUBSETS, np.int64)
    sub_actual = np.zeros(MAX_SUBSETS, np.int64)
    sub_units = np.zeros(MAX_SUBSETS, np.int64)
    sub_lines = np.zeros(MAX_SUBSETS, np.int64)
    sub_gain = np.zeros(MAX_SUBSETS, np.int64)
    sub_code = np.zeros(MAX_SUBSETS, np.int64)
    sub_requires = np.zeros((MAX_SUBSETS, n_words), np.uint64)

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
        for line in range(first, last):
            piece_size[orders.line_piece[line]] += 1
            for other in range(first, line):
                repeated = repeated or orders.line_sku[other] == orders.line_sku[line]
        n_touched = n_entries = 0
        for line in range(last - 1, first - 1, -1):
            sku = orders.line_sku[line]
            for pair in range(network.sku_first_pair[sku], network.sku_first_pair[sku + 1]):
                node = network.pair_node[pair]
                if head[node] < 0:
                    touched[n_touched] = node
                    n_touched += 1
                if n_entries == entry_next.size:
                    entry_next = _grown(entry_next, n_entries + 1)
                    entry_line = _grown(entry_line, n_entries + 1)
                    entry_pair = _grown(entry_pair, n_entries + 1)
                entry_next[n_entries] = head[node]
                entry_line[n_entries] = line
                entry_pair[n_entries] = pair
                head[node] = n_entries
                n_entries += 1

        for t in range(n_touched):
            node = touched[t]
            entry = head[node]
            head[node] = -1
            metres = distance_m(orders.lat[order], orders.lon[order], network.node_lat[node], network.node_lon[node])
            if not may_serve(network, orders, order, node, metres):
                continue
            n_here = 0
            while entry >= 0:
                line = entry_line[entry]
                if covers(network.node_capabilities[node], network.item_requires[orders.line_sku[line]]):
                    here_line[n_here] = line
                    here_pair[n_here] = entry_pair[entry]
                    n_here += 1
                entry = entry_next[entry]
            if n_here == 0:
                continue
            for service in range(n_services):
                rate[service], transit[service], _ = lane_or_band(network, orders, order, node, service, metres)

            for slot in range(network.node_first_slot[node], network.node_first_slot[node + 1]):
                shipments_left = network.slot_shipments_resource[slot]
                if shipments_left >= 0 and network.supply[shipments_left] < 1:
                    continue
                any_service = False
                for service in range(n_services):
                    day[service] = NO_DAY
                    if rate[service] < 0:
                        continue
                    left = network.slot_service_resource[slot, service]
                    if left >= 0 and network.supply[left] < 1:
                        continue
                    arrives = network.deliver_day[service, network.slot_day_index[slot], transit[service]]
                    if arrives == NO_DAY:
                        continue
                    late[service] = 0
                    if arrives > orders.deliver_by[order]:
                        if orders.hard_promise[order]:
                            continue
                        late[service] = late_cents(orders, order, arrives)
                    day[service] = arrives
                    any_service = True
                if not any_service:
                    continue

                # What can be had here: the highest level of each piece, all its lines being in stock.
                piece_here[:n_pieces] = 0
                piece_top[:n_pieces] = orders.piece_levels[
                    orders.piece_first[order] : orders.piece_first[order + 1]
                ]
                for i in range(n_here):
                    line = here_line[i]
                    resource = stock_resource(network, here_pair[i], network.slot_day[slot])
                    here_resource[i] = resource
                    if resource >= 0:
                        piece = orders.line_piece[line]
                        top = network.supply[resource] // orders.line_step[line]
                        if top > 0:
                            piece_here[piece] += 1
                            piece_top[piece] = min(piece_top[piece], top)
                n_local = 0
                n_subsets = 1
                for piece in range(n_pieces):
                    if piece_here[piece] == piece_size[piece]:
                        if n_subsets * (piece_top[piece] + 1) > MAX_SUBSETS:
                            listed[order - begin] = False
                            if n_subsets * 2 > MAX_SUBSETS:
                                break
                            piece_top[piece] = -piece_top[piece]
                            n_subsets *= 2
                        else:
                            n_subsets *= piece_top[piece] + 1
                        local[n_local] = piece
                        n_local += 1
                if n_local == 0:
                    continue
                size = 1
                for k in range(n_local):
                    piece = local[k]
                    top = piece_top[piece]
                    low = 1
                    if top < 0:  # too many levels: all that can be had, or nothing
                        top = -top
                        low = top
                    step_billable = step_actual = step_units = n_lines = 0
                    whole = np.int64(0)
                    requires = np.zeros(n_words, np.uint64)
                    the_line = first
                    for line in range(first, last):
                        if orders.line_piece[line] == piece:
                            sku = orders.line_sku[line]
                            step = orders.line_step[line]
                            step_billable += step * network.item_billable_g[sku]
                            step_actual += step * network.item_weight_g[sku]
                            step_units += step
                            n_lines += 1
                            whole += unallocated_cents(orders, order, line, orders.line_quantity[line])
                            requires |= network.item_requires[sku]
                            the_line = line
                    made = 0
                    for level in range(low, top + 1):
                        gain = whole
                        if orders.piece_levels[orders.piece_first[order] + piece] > 1:
                            left_over = orders.line_quantity[the_line] - level
                            gain = whole - unallocated_cents(orders, order, the_line, left_over)
                        for j in range(size):
                            new = size + made
                            made += 1
                            sub_billable[new] = sub_billable[j] + level * step_billable
                            sub_actual[new] = sub_actual[j] + level * step_actual
                            sub_units[new] = sub_units[j] + level * step_units
                            sub_lines[new] = sub_lines[j] + n_lines
                            sub_gain[new] = sub_gain[j] + gain
                            sub_code[new] = sub_code[j] + (np.int64(level) << shifts[piece])
                            sub_requires[new] = sub_requires[j] | requires
                    size += made

                units_resource = network.slot_units_resource[slot]
                offers_before = n_offers
                for sub in range(1, size):
                    if units_resource >= 0 and sub_units[sub] > network.supply[units_resource]:
                        continue
                    handling = (
                        network.node_shipment_cents[node]
                        + network.node_line_cents[node] * sub_lines[sub]
                        + network.node_unit_cents[node] * sub_units[sub]
                        + network.node_preference_cents[node]
                    )
                    # a line split twice may round its lost cents once more
                    worth = sub_gain[sub] - handling
                    if orders.piece_levels.size and network.allow_line_split:
                        worth += sub_lines[sub]
                    if repeated and not _stock_suffices(
                        network, orders, sub_code[sub], shifts, here_line[:n_here], here_resource[:n_here]
                    ):
                        continue
                    free_service = -1
                    free_cents = np.int64(0)
                    for capped in range(2):
                        for service in range(n_services):
                            is_capped = network.slot_service_resource[slot, service] >= 0
                            if day[service] == NO_DAY or is_capped != (capped == 1):
                                continue
                            if not covers(network.service_capabilities[service], sub_requires[sub]):
                                continue
                            cents = late[service] + freight_cents(
                                network, service, rate[service], sub_billable[sub], orders.residential[order]
                            )
                            if network.carbon_cents_per_kg > 0:
                                cents += carbon_cents(network, service, sub_actual[sub], metres)
                            if free_service >= 0:
                                if cents > free_cents:
                                    continue
                                if cents == free_cents and (
                                    day[service] > day[free_service]
                                    or (day[service] == day[free_service] and service > free_service)
                                ):
                                    continue
                            if capped == 0:
                                free_service, free_cents = service, cents
                            elif orders.ship_complete[order] or cents < worth:
                                offer_code = _grown(offer_code, n_offers + 1)
                                offer_service = _grown(offer_service, n_offers + 1)
                                offer_cents = _grown(offer_cents, n_offers + 1)
                                offer_code[n_offers] = sub_code[sub]
                                offer_service[n_offers] = service
                                offer_cents[n_offers] = cents + handling
                                n_offers += 1
                    if free_service >= 0 and (orders.ship_complete[order] or free_cents < worth):
                        offer_code = _grown(offer_code, n_offers + 1)
                        offer_service = _grown(offer_service, n_offers + 1)
                        offer_cents = _grown(offer_cents, n_offers + 1)
                        offer_code[n_offers] = sub_code[sub]
                        offer_service[n_offers] = free_service
                        offer_cents[n_offers] = free_cents + handling
                        n_offers += 1
                if n_offers == offers_before:
                    continue
                for i in range(n_here):
                    if here_resource[i] < 0:
                        continue
                    stop_line = _grown(stop_line, n_stops + 1)
                    stop_resource = _grown(stop_resource, n_stops + 1)
                    stop_n = _grown(stop_n, n_stops + 1)
                    stop_line[n_stops] = here_line[i]
                    stop_resource[n_stops] = here_resource[i]
                    stop_n[n_stops] = network.pair_first_resource[here_pair[i] + 1] - here_resource[i]
                    n_stops += 1
                visit_slot = _grown(visit_slot, n_visits + 2)
                stop_first = _grown(stop_first, n_visits + 2)
                offer_first = _grown(offer_first, n_visits + 2)
                visit_slot[n_visits] = slot
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
    )


@njit(cache=True, nogil=True)
def _stock_suffices(
    network: Network, orders: Orders, code: int, shifts: IntArray, lines: IntArray, resources: IntArray
) -> bool:
    """Whether lines of one sku together find enough stock in a shipment."""
    for i in range(lines.size):
        total = np.int64(0)
        for j in range(lines.size):
            if resources[j] == resources[i] and resources[i] >= 0:
                level = level_of(code, shifts, orders.line_piece[lines[j]])
                total += level * orders.line_step[lines[j]]
        if resources[i] >= 0 and total > network.supply[resources[i]]:
            return False
    return True


def join_shipments(parts: list[Shipments]) -> Shipments:
    """Put the candidate shipments of consecutive runs of orders together."""

    def chain(name: str) -> IntArray:
        pieces = [getattr(part, name) for part in parts]
        shifts = np.cumsum([0, *(int(piece[-1]) for piece in pieces)])
        return np.concatenate(
            [pieces[0][:1], *(piece[1:] + shift for piece, shift in zip(pieces, shifts.tolist()))]
        )

    plain = [name for name in Shipments._fields if name not in ("visit_first", "stop_first", "offer_first")]
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in plain}
    return Shipments(
        **joined, **{name: chain(name) for name in ("visit_first", "stop_first", "offer_first")}
    )


__all__ = ["NEVER_LATE", "Shipments", "join_shipments", "list_shipments"]
