"""Why a line is unallocated: the first reason that applies, judged for its order alone in the empty batch."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.calendar import NO_DAY
from engine.covered import is_covered, largest_sets
from engine.network import IntArray, Network
from engine.orders import Orders
from engine.rates import covers, distance_m, lane_or_band, named_in, pair_of, stock_resource
from engine.workers import Mapper
from solver.kernels import kernel

REASONS = (
    "held",
    "no_candidate",
    "no_stock",
    "no_service",
    "no_capacity",
    "ship_complete",
    "max_shipments",
    "outbid",
)
HELD, NO_CANDIDATE, NO_STOCK, NO_SERVICE, NO_CAPACITY, SHIP_COMPLETE, MAX_SHIPMENTS, OUTBID = range(8)
SERVABLE = OUTBID
N_RANGES = 32
NO_LIMIT = 2**62


class Seen(NamedTuple):
    """What pieces of one order that ask for no capability share, found where it is first wanted."""

    order: IntArray  # [node]: the order that the rest is about; -1 at first
    metres: IntArray  # [node]
    may_serve: NDArray[np.bool_]  # [node]
    goes: NDArray[np.bool_]  # [slot]: some service goes from there in time ...
    free: NDArray[np.bool_]  # ... and one of those and the slot have capacity for a shipment


class Routes(NamedTuple):
    """Those arrays of the network that tell when services leave and arrive; tuples are passed to kernels by value."""

    service_capabilities: NDArray[np.uint64]
    lane_row: NDArray[np.int32]
    lane_rate: IntArray
    lane_transit: IntArray
    band_first: IntArray
    band_max_km: NDArray[np.float64]
    band_rate: IntArray
    band_transit: IntArray
    deliver_day: IntArray
    node_first_slot: IntArray
    slot_day_index: IntArray
    slot_service_resource: NDArray[np.int64]
    slot_shipments_resource: IntArray
    supply: IntArray


@kernel
def service_route(
    network: Network, orders: Orders, order: int, node: int, service: int, metres: int
) -> tuple[int, int, int]:
    """Rate table (below 0: does not go), transit index and zone of a service from a node to an order."""
    rate, row = lane_or_band(
        network.lane_row,
        network.lane_rate,
        network.band_first,
        network.band_max_km,
        network.band_rate,
        node,
        orders.region[order],
        service,
        metres,
    )
    if rate < 0:
        return rate, np.int64(0), np.int64(0)
    if row >= 0:
        return rate, network.lane_transit[row, service], network.lane_zone[row, service]
    return rate, network.band_transit[-1 - row], network.band_zone[-1 - row]


@kernel
def _pairs_here(
    first_pair: IntArray, pair_node: IntArray, line_sku: IntArray, lines: IntArray, node: int, pairs: IntArray
) -> bool:
    """Find the pair of each line of a piece at a node; whether it carries them all."""
    for i in range(lines.size):
        pairs[i] = pair_of(first_pair, pair_node, line_sku[lines[i]], node)
        if pairs[i] < 0:
            return False
    return True


@kernel
def _sells(
    first_resource: IntArray, stock_day: IntArray, supply: IntArray, pairs: IntArray, wanted: IntArray, day: int
) -> bool:
    """Whether a node sells what all the lines of a piece want of their pairs by a day."""
    for i in range(wanted.size):
        resource = stock_resource(first_resource, stock_day, pairs[i], day)
        if resource < 0 or supply[resource] < wanted[i]:
            return False
    return True


@kernel
def _see_slots(routes: Routes, node: int, region: int, by_day: int, requires: NDArray[np.uint64], seen: Seen) -> None:
    """Which slots of a node a service leaves in time that carries what is required, and which of them are free."""
    supply, deliver_day, slot_day_index = routes.supply, routes.deliver_day, routes.slot_day_index
    goes, free, slots = seen.goes, seen.free, range(routes.node_first_slot[node], routes.node_first_slot[node + 1])
    for slot in slots:
        goes[slot] = free[slot] = False
    for service in range(routes.service_capabilities.shape[0]):
        if not covers(routes.service_capabilities, service, requires, 0):
            continue
        rate, row = lane_or_band(
            routes.lane_row,
            routes.lane_rate,
            routes.band_first,
            routes.band_max_km,
            routes.band_rate,
            node,
            region,
            service,
            seen.metres[node],
        )
        if rate < 0:
            continue
        transit = routes.lane_transit[row, service] if row >= 0 else routes.band_transit[-1 - row]
        for slot in slots:
            day = deliver_day[service, slot_day_index[slot], transit]
            if day == NO_DAY or day > by_day:
                continue
            goes[slot] = True
            left = routes.slot_service_resource[slot, service]
            free[slot] |= left < 0 or supply[left] > 0
    for slot in slots:
        left = routes.slot_shipments_resource[slot]
        free[slot] &= left < 0 or supply[left] > 0


@kernel
def _piece_reason(
    network: Network,
    orders: Orders,
    order: int,
    piece: int,
    lines: IntArray,
    routes: Routes,
    seen: Seen,
    marks: bool,
    slot_masks: IntArray,
) -> int:
    """The reason of one piece, as if it were the whole order; marks the slots that could serve it if that is asked."""
    supply, stock_day, first_resource = network.supply, network.stock_day, network.pair_first_resource
    first_pair, pair_node = network.sku_first_pair, network.pair_node
    slot_day, slot_units, node_first_slot = network.slot_day, network.slot_units_resource, network.node_first_slot
    line_sku, line_quantity = orders.line_sku, orders.line_quantity
    seen_order, seen_metres, may_serve, goes, free = seen
    lat, lon, node_lat, node_lon = orders.lat[order], orders.lon[order], network.node_lat, network.node_lon
    only_first, only_node, not_first, not_node = orders.only_first, orders.only_node, orders.not_first, orders.not_node
    is_bound = only_first[order + 1] > only_first[order]
    node_offline, max_km, capabilities = network.node_offline, network.max_distance_km, network.node_capabilities
    by_day = orders.deliver_by[order] if orders.hard_promise[order] else np.int64(NO_LIMIT)
    splits = lines.size == 1 and orders.line_step[lines[0]] != line_quantity[lines[0]]
    splits = splits or (network.allow_line_split and orders.piece_levels[orders.piece_first[order] + piece] > 1)
    reason = NO_CANDIDATE
    sold = np.int64(0)
    n_words = network.item_requires.shape[1]
    requires = np.zeros((1, n_words), np.uint64)
    pairs = np.empty(lines.size, np.int64)
    wanted = np.zeros(lines.size, np.int64)  # of the line's sku, by all lines of the piece (with splits: one unit)
    quantity = np.int64(0)
    choosy = False
    for i in range(lines.size):
        quantity += line_quantity[lines[i]]
        for j in range(lines.size):
            if line_sku[lines[j]] == line_sku[lines[i]]:
                wanted[i] = 1 if splits else wanted[i] + line_quantity[lines[j]]
        for word in range(n_words):
            requires[0, word] |= network.item_requires[line_sku[lines[i]], word]
            choosy = choosy or requires[0, word] != 0
    sku = line_sku[lines[0]]
    least = 1 if splits else line_quantity[lines[0]]
    for at in range(first_pair[sku], first_pair[sku + 1]):
        most = np.int64(0)
        for resource in range(first_resource[at], first_resource[at + 1]):
            most = max(most, supply[resource])
        if most < least and reason >= NO_STOCK:
            continue  # it could not say more than that
        node = pair_node[at]
        is_new = seen_order[node] != order
        if is_new:
            seen_order[node] = order
            metres = distance_m(lat, lon, node_lat[node], node_lon[node])
            seen_metres[node] = metres
            may_serve[node] = not (
                node_offline[node]
                or metres / 1000.0 > max_km
                or (is_bound and not named_in(only_first, only_node, order, node))
                or named_in(not_first, not_node, order, node)
            )
        if not may_serve[node]:
            continue
        if is_new or choosy:
            _see_slots(routes, node, orders.region[order], by_day, requires, seen)
        if choosy:
            seen_order[node] = -1
            if not covers(capabilities, node, requires, 0):
                continue
        if lines.size == 1:
            pairs[0] = at
        elif not _pairs_here(first_pair, pair_node, line_sku, lines, node, pairs):
            continue
        reason = max(reason, NO_STOCK)
        first_slot, last_slot = node_first_slot[node], node_first_slot[node + 1]
        if first_slot == last_slot:
            continue
        if splits:
            resource = stock_resource(first_resource, stock_day, at, slot_day[last_slot - 1])
            sold += supply[resource] if resource >= 0 else 0
        for slot in range(first_slot, last_slot):
            if not _sells(first_resource, stock_day, supply, pairs, wanted, slot_day[slot]):
                continue
            if not splits:
                reason = max(reason, NO_SERVICE)
            if not goes[slot]:
                continue
            reason = max(reason, NO_CAPACITY)
            left = slot_units[slot]
            if free[slot] and (left < 0 or supply[left] >= (1 if splits else quantity)):
                reason = SERVABLE
                slot_masks[slot] |= np.int64(1) << min(piece, 62)
                if not marks and not splits:
                    return reason
    if splits and reason > NO_CANDIDATE:
        if sold < quantity:
            return NO_STOCK
        return max(reason, NO_SERVICE)
    return reason


def reasons_of(network: Network, orders: Orders, unallocated: NDArray[np.bool_], parallel: Mapper = map) -> IntArray:
    """Index into ``REASONS`` of each line; meaningful where ``unallocated`` is set."""
    out = np.full(orders.line_sku.size, OUTBID, np.int64)
    bounds = np.linspace(0, orders.lat.size, N_RANGES + 1).astype(np.int64).tolist()

    def work(run: tuple[int, int]) -> None:
        judge(network, orders, unallocated, *run, out)

    list(parallel(work, pairwise(bounds)))
    return out


@kernel
def judge(
    network: Network, orders: Orders, unallocated: NDArray[np.bool_], begin: int, end: int, out: IntArray
) -> None:
    """Write the reasons of the lines of orders ``begin .. end - 1`` where one of them is unallocated."""
    n_nodes, n_slots = network.node_lat.size, network.slot_node.size
    routes = Routes(
        network.service_capabilities,
        network.lane_row,
        network.lane_rate,
        network.lane_transit,
        network.band_first,
        network.band_max_km,
        network.band_rate,
        network.band_transit,
        network.deliver_day,
        network.node_first_slot,
        network.slot_day_index,
        network.slot_service_resource,
        network.slot_shipments_resource,
        network.supply,
    )
    slot_masks = np.zeros(n_slots, np.int64)
    seen = Seen(
        np.full(n_nodes, np.int64(-1)),
        np.zeros(n_nodes, np.int64),
        np.zeros(n_nodes, np.bool_),
        np.zeros(n_slots, np.bool_),
        np.zeros(n_slots, np.bool_),
    )
    for order in range(begin, end):
        first, last = orders.line_first[order], orders.line_first[order + 1]
        concerned = False
        for line in range(first, last):
            concerned = concerned or unallocated[line]
        if not concerned:
            continue
        if orders.held[order]:
            out[first:last] = HELD
            continue
        n_pieces = orders.piece_first[order + 1] - orders.piece_first[order]
        marks = n_pieces > orders.max_shipments[order]  # otherwise what can be served by itself fits in
        slot_masks[:] = 0
        piece_reason = np.zeros(n_pieces, np.int64)
        servable = np.int64(0)
        n_servable = 0
        for piece in range(n_pieces):
            lines = np.empty(last - first, np.int64)
            n = 0
            for line in range(first, last):
                if orders.line_piece[line] == piece:
                    lines[n] = line
                    n += 1
            piece_reason[piece] = _piece_reason(
                network, orders, order, piece, lines[:n], routes, seen, marks, slot_masks
            )
            if piece_reason[piece] == SERVABLE:
                servable |= np.int64(1) << min(piece, 62)
                n_servable += 1
        matters = False
        for line in range(first, last):
            matters = matters or (unallocated[line] and piece_reason[orders.line_piece[line]] == SERVABLE)
        last_reason = OUTBID
        if not matters:
            pass
        elif orders.ship_complete[order] and n_servable < n_pieces:
            last_reason = SHIP_COMPLETE
        elif marks:
            masks = largest_sets(np.unique(slot_masks[slot_masks != 0]))
            if not is_covered(masks, servable, min(orders.max_shipments[order], n_pieces)):
                last_reason = MAX_SHIPMENTS
        for line in range(first, last):
            reason = piece_reason[orders.line_piece[line]]
            out[line] = last_reason if reason == SERVABLE else reason
