"""Why a line is unallocated: the first reason that applies, judged for its order alone in the empty batch."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.calendar import NO_DAY
from engine.network import IntArray, Network
from engine.orders import Orders
from engine.rates import distance_m, lane_or_band, named_in, stock_resource
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
COVER_STEPS = 200_000
N_RANGES = 32


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
def _may_serve(network: Network, orders: Orders, order: int, node: int, metres: int) -> bool:
    """Whether a node is a candidate for an order, capabilities apart."""
    if network.node_offline[node] or metres / 1000.0 > network.max_distance_km:
        return False
    listed = orders.only_first[order + 1] > orders.only_first[order]
    if listed and not named_in(orders.only_first, orders.only_node, order, node):
        return False
    return not named_in(orders.not_first, orders.not_node, order, node)


@kernel
def _covers(have: NDArray[np.uint64], need: NDArray[np.uint64]) -> bool:
    return not (need & ~have).any()


@kernel
def pair_of(network: Network, sku: int, node: int) -> int:
    first, last = network.sku_first_pair[sku], network.sku_first_pair[sku + 1]
    at = first + np.searchsorted(network.pair_node[first:last], node)
    return at if at < last and network.pair_node[at] == node else -1


@kernel
def _sells(network: Network, orders: Orders, lines: IntArray, node: int, day: int, splits: bool) -> bool:
    """Whether a node sells what all the lines of a piece want by a day (with splits: one unit)."""
    for i in range(lines.size):
        sku = orders.line_sku[lines[i]]
        wanted = np.int64(0)
        for j in range(lines.size):
            if orders.line_sku[lines[j]] == sku:
                wanted += orders.line_quantity[lines[j]]
        resource = stock_resource(network.pair_first_resource, network.stock_day, pair_of(network, sku, node), day)
        if resource < 0 or network.supply[resource] < (1 if splits else wanted):
            return False
    return True


@kernel
def _piece_reason(
    network: Network, orders: Orders, order: int, piece: int, lines: IntArray, slot_masks: IntArray
) -> int:
    """The reason of one piece, as if it were the whole order; marks the slots that could serve it."""
    alone = orders.piece_first[order + 1] - orders.piece_first[order] == 1
    splits = lines.size == 1 and orders.line_step[lines[0]] != orders.line_quantity[lines[0]]
    splits = splits or (network.allow_line_split and orders.piece_levels[orders.piece_first[order] + piece] > 1)
    reason = NO_CANDIDATE
    sold = np.int64(0)
    n_services = network.service_fuel_bp.size
    n_words = network.item_requires.shape[1]
    requires = np.zeros(n_words, np.uint64)
    quantity = np.int64(0)
    for line in lines:
        quantity += orders.line_quantity[line]
        for word in range(n_words):
            requires[word] |= network.item_requires[orders.line_sku[line], word]
    sku = orders.line_sku[lines[0]]
    least = 1 if splits else orders.line_quantity[lines[0]]
    for at in range(network.sku_first_pair[sku], network.sku_first_pair[sku + 1]):
        most = np.int64(0)
        for resource in range(network.pair_first_resource[at], network.pair_first_resource[at + 1]):
            most = max(most, network.supply[resource])
        if most < least and reason >= NO_STOCK:
            continue  # it could not say more than that
        node = network.pair_node[at]
        metres = distance_m(orders.lat[order], orders.lon[order], network.node_lat[node], network.node_lon[node])
        if not _may_serve(network, orders, order, node, metres):
            continue
        if not _covers(network.node_capabilities[node], requires):
            continue
        everywhere = True
        for line in lines:
            everywhere = everywhere and pair_of(network, orders.line_sku[line], node) >= 0
        if not everywhere:
            continue
        reason = max(reason, NO_STOCK)
        first_slot, last_slot = network.node_first_slot[node], network.node_first_slot[node + 1]
        if first_slot == last_slot:
            continue
        if splits:
            resource = stock_resource(
                network.pair_first_resource, network.stock_day, at, network.slot_day[last_slot - 1]
            )
            sold += network.supply[resource] if resource >= 0 else 0
        for slot in range(first_slot, last_slot):
            if not _sells(network, orders, lines, node, network.slot_day[slot], splits):
                continue
            if not splits:
                reason = max(reason, NO_SERVICE)
            goes = False
            free = False
            for service in range(n_services):
                rate, transit, _ = service_route(network, orders, order, node, service, metres)
                if rate < 0 or not _covers(network.service_capabilities[service], requires):
                    continue
                day = network.deliver_day[service, network.slot_day_index[slot], transit]
                if day == NO_DAY or (orders.hard_promise[order] and day > orders.deliver_by[order]):
                    continue
                goes = True
                left = network.slot_service_resource[slot, service]
                free = free or left < 0 or network.supply[left] > 0
            if not goes:
                continue
            reason = max(reason, NO_CAPACITY)
            left = network.slot_shipments_resource[slot]
            free = free and (left < 0 or network.supply[left] > 0)
            left = network.slot_units_resource[slot]
            free = free and (left < 0 or network.supply[left] >= (1 if splits else quantity))
            if free:
                reason = SERVABLE
                slot_masks[slot] |= np.int64(1) << min(piece, 62)
                if alone and not splits:
                    return reason
    if splits and reason > NO_CANDIDATE:
        if sold < quantity:
            return NO_STOCK
        return max(reason, NO_SERVICE)
    return reason


@kernel
def _largest(masks: IntArray) -> IntArray:
    """The sets that no other holds."""
    keep = np.ones(masks.size, np.bool_)
    for i in range(masks.size):
        for j in range(masks.size):
            if i != j and masks[i] & ~masks[j] == 0:
                keep[i] = False
                break
    return masks[keep]


@kernel
def _size(mask: int) -> int:
    n = 0
    while mask:
        mask &= mask - 1
        n += 1
    return n


@kernel
def _greedily_covered(masks: IntArray, wanted: int, most: int) -> bool:
    """Whether the sets that add most, one after another, cover the wanted pieces."""
    left = wanted
    for _ in range(most):
        best = np.int64(0)
        for mask in masks:
            if _size(mask & left) > _size(best):
                best = mask & left
        left &= ~best
        if left == 0:
            return True
    return False


@kernel
def _covered(masks: IntArray, wanted: int, most: int) -> bool:
    """Whether at most ``most`` of some sets cover the wanted pieces (yes where the search gets too long)."""
    if wanted == 0 or _greedily_covered(masks, wanted, most):
        return True
    largest = 0
    for mask in masks:
        largest = max(largest, _size(mask & wanted))
    chosen = np.zeros(most + 1, np.int64)
    left = np.zeros(most + 1, np.int64)
    left[0] = wanted
    depth = 0
    steps = 0
    if most * largest < _size(wanted):
        return False
    while depth >= 0:
        steps += 1
        if steps > COVER_STEPS:
            return True
        if chosen[depth] >= masks.size:
            chosen[depth] = 0
            depth -= 1
            continue
        mask = masks[chosen[depth]]
        chosen[depth] += 1
        lowest = left[depth] & -left[depth]
        if not mask & lowest:
            continue
        rest = left[depth] & ~mask
        if rest == 0:
            return True
        if depth + 1 < most and (most - depth - 1) * largest >= _size(rest):
            depth += 1
            left[depth] = rest
            chosen[depth] = 0
    return False


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
    slot_masks = np.zeros(network.slot_node.size, np.int64)
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
            piece_reason[piece] = _piece_reason(network, orders, order, piece, lines[:n], slot_masks)
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
        else:
            masks = _largest(np.unique(slot_masks[slot_masks != 0]))
            if not _covered(masks, servable, min(orders.max_shipments[order], n_pieces)):
                last_reason = MAX_SHIPMENTS
        for line in range(first, last):
            reason = piece_reason[orders.line_piece[line]]
            out[line] = last_reason if reason == SERVABLE else reason
