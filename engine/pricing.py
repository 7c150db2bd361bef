"""Exact pricing: the best ways to serve an order at given resource prices, by depth-first search over its shipments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.network import IntArray, Network
from engine.orders import Orders
from engine.shipments import MAX_CODE_BITS, Shipments, level_of, piece_shifts, unallocated_cents
from solver.source import MILLI, NO_FLOOR, Prices, price_of

MAX_TABLE_PIECES = 20
MAX_PAIR_PIECES = 8
SEARCH_LIMIT = 3_000_000
"""Steps after which the search for one order stops and reports a lower, still valid floor."""


class Listing(NamedTuple):
    """Options found: the offers of option ``i`` are ``offer[offer_first[i] .. offer_first[i + 1] - 1]``."""

    order: IntArray
    offer_first: IntArray
    offer: IntArray
    floor: IntArray  # by order asked


@njit(cache=True, nogil=True)
def _compact(code: int, shifts: IntArray) -> int:
    mask = 0
    for piece in range(shifts.size - 1):
        if (code >> shifts[piece]) & 1:
            mask |= 1 << piece
    return mask


@njit(cache=True, nogil=True)
def offer_price(
    network: Network,
    orders: Orders,
    shipments: Shipments,
    prices: Prices,
    shifts: IntArray,
    visit: int,
    offer: int,
) -> int:
    """Price of what an offer uses, in thousandths of a cent."""
    slot = shipments.visit_slot[visit]
    code = shipments.offer_code[offer]
    total = np.int64(0)
    units = np.int64(0)
    for stop in range(shipments.stop_first[visit], shipments.stop_first[visit + 1]):
        line = shipments.stop_line[stop]
        level = level_of(code, shifts, orders.line_piece[line])
        if level > 0:
            amount = level * orders.line_step[line]
            units += amount
            first = shipments.stop_resource[stop]
            for resource in range(first, first + shipments.stop_n_resources[stop]):
                total += price_of(prices, resource, amount)
    resource = network.slot_shipments_resource[slot]
    if resource >= 0:
        total += price_of(prices, resource, 1)
    resource = network.slot_units_resource[slot]
    if resource >= 0:
        total += price_of(prices, resource, units)
    resource = network.slot_service_resource[slot, shipments.offer_service[offer]]
    if resource >= 0:
        total += price_of(prices, resource, 1)
    return total


@njit(cache=True, nogil=True)
def _fits(code: int, room: int, guards: int) -> bool:
    return ((room | guards) - code) & guards == guards


@njit(cache=True, nogil=True)
def _left_cents(orders: Orders, order: int, room: int, shifts: IntArray) -> int:
    """Cost of what a code says is left of an order."""
    total = np.int64(0)
    for line in range(orders.line_first[order], orders.line_first[order + 1]):
        level = level_of(room, shifts, orders.line_piece[line])
        total += unallocated_cents(orders, order, line, level * orders.line_step[line])
    return total


@njit(cache=True, nogil=True)
def _same_offers(a: IntArray, b: IntArray) -> bool:
    if a.size != b.size:
        return False
    for i in range(a.size):
        if a[i] != b[i]:
            return False
    return True


@njit(cache=True, nogil=True)
def weak_floor(network: Network, orders: Orders, order: int) -> int:
    """A floor that holds for every option of an order at any prices: each unit at its cheapest, or left.

    Freight is bounded below by the lowest price of a gram in any rate table; every shipment that is allowed may bring
    the lowest (negative) preference. In thousandths of a cent.
    """
    gram = np.inf
    for rate in range(network.rate_first.size - 1):
        first, last = network.rate_first[rate], network.rate_first[rate + 1]
        for row in range(first, last):
            gram = min(gram, network.rate_cents[row] / network.rate_max_g[row])
    least_unit = network.node_unit_cents.min() if network.node_unit_cents.size else 0
    least_line = network.node_line_cents.min() if network.node_line_cents.size else 0
    least_preference = min(0, network.node_preference_cents.min()) if network.node_unit_cents.size else 0
    total = 0.0
    for line in range(orders.line_first[order], orders.line_first[order + 1]):
        quantity = orders.line_quantity[line]
        lost = orders.line_unallocated_cents[line] * orders.priority_pct[order] / 100.0
        served = least_unit + gram * network.item_billable_g[orders.line_sku[line]]
        if not network.allow_line_split:
            served += least_line / quantity
        total += quantity * min(lost, served) - 1.0
    total += orders.max_shipments[order] * float(least_preference)
    return int(np.floor(total * MILLI))


@njit(cache=True, nogil=True)
def price_orders(
    network: Network,
    orders: Orders,
    shipments: Shipments,
    shipments_begin: int,
    asked: IntArray,
    prices: Prices,
    slack: int,
    limit: int,
    known_first: IntArray,
    known: IntArray,
    record_first: IntArray,
    record_offer: IntArray,
) -> Listing:
    """List the unknown options of each asked order within slack of its best, the best ``limit`` of them.

    ``shipments`` holds the orders from ``shipments_begin`` on. ``known[known_first[o] .. ]`` are the records of
    order ``o`` that were listed before, whose offers are in ``record_offer``.
    """
    floor = np.empty(asked.size, np.int64)
    out_order = np.empty(1024, np.int64)
    out_first = np.zeros(1025, np.int64)
    out_offer = np.empty(4096, np.int64)
    n_out = n_out_offers = 0
    gain = np.empty(1024, np.int64)
    table_one = np.zeros(1, np.int64)
    table_two = np.zeros(1, np.int64)

    for a in range(asked.size):
        order = asked[a]
        local = order - shipments_begin
        first_visit, last_visit = shipments.visit_first[local], shipments.visit_first[local + 1]
        first_offer, last_offer = shipments.offer_first[first_visit], shipments.offer_first[last_visit]
        n_offers = last_offer - first_offer
        if n_offers == 0:
            floor[a] = NO_FLOOR if shipments.listed[local] else weak_floor(network, orders, order)
            continue
        shifts = piece_shifts(orders, order)
        n_pieces = shifts.size - 1
        guards = np.int64(0)
        whole = np.int64(0)
        binary = True
        most = np.int64(0)
        for piece in range(n_pieces):
            levels = orders.piece_levels[orders.piece_first[order] + piece]
            guards |= np.int64(1) << (shifts[piece + 1] - 1)
            whole |= levels << shifts[piece]
            binary = binary and levels == 1
            most += levels
        most = min(most, orders.max_shipments[order], last_visit - first_visit)
        nothing = _left_cents(orders, order, whole, shifts) * MILLI
        split = np.int64(network.split_cents) * MILLI
        fudge = np.int64(0) if binary else np.int64(n_pieces) * MILLI

        # net gain of each offer: what its quantities would cost unserved, less its cost, prices and one split
        if gain.size < n_offers:
            gain = np.empty(2 * n_offers, np.int64)
        slot_of = np.empty(n_offers, np.int64)
        for visit in range(first_visit, last_visit):
            for offer in range(shipments.offer_first[visit], shipments.offer_first[visit + 1]):
                code = shipments.offer_code[offer]
                saved = nothing - _left_cents(orders, order, whole - code, shifts) * MILLI
                cost = shipments.offer_cents[offer] * MILLI
                cost += offer_price(network, orders, shipments, prices, shifts, visit, offer)
                gain[offer - first_offer] = saved - cost - split + fudge
                slot_of[offer - first_offer] = shipments.visit_slot[visit]
        by_gain = np.argsort(-gain[:n_offers], kind="mergesort")

        # relaxed tables: the best one (two) shipments inside a set of pieces, slots ignored
        with_tables = binary and 1 < n_pieces <= MAX_TABLE_PIECES and most > 1
        with_pairs = with_tables and n_pieces <= MAX_PAIR_PIECES and most > 2
        masks = np.empty(n_offers if with_tables else 0, np.int64)
        if with_tables:
            n_sets = 1 << n_pieces
            if table_one.size < n_sets:
                table_one = np.zeros(n_sets, np.int64)
                table_two = np.zeros(n_sets, np.int64)
            table_one[:n_sets] = 0
            for i in range(n_offers):
                masks[i] = _compact(shipments.offer_code[first_offer + i], shifts)
                table_one[masks[i]] = max(table_one[masks[i]], gain[i])
            if with_pairs:
                _pairs(table_one, table_two, n_sets)
            for piece in range(n_pieces):
                bit = 1 << piece
                for s in range(n_sets):
                    if s & bit:
                        table_one[s] = max(table_one[s], table_one[s ^ bit])
                        if with_pairs:
                            table_two[s] = max(table_two[s], table_two[s ^ bit])

        best = nothing
        kept_value = np.empty(2 * limit + 2, np.int64)
        kept_size = np.empty(2 * limit + 2, np.int64)
        kept = np.empty((2 * limit + 2, most), np.int64)
        at = np.zeros(most, np.int64)
        chosen = np.zeros(most, np.int64)
        sums = np.zeros(most + 1, np.int64)
        rooms = np.zeros(most + 1, np.int64)
        result_floor = np.int64(NO_FLOOR)
        for listing in range(2):
            n_kept = 0
            reach = np.int64(0) if listing == 0 else slack
            target = best + reach if reach < NO_FLOOR - best else np.int64(NO_FLOOR)
            tightened = False
            steps = 0
            depth = 0
            at[0] = 0
            sums[0] = 0
            rooms[0] = whole
            while depth >= 0:
                i = at[depth]
                steps += 1
                left = most - depth
                if i >= n_offers or steps > SEARCH_LIMIT:
                    depth -= 1
                    continue
                g = gain[by_gain[i]]
                top = sums[depth] + (left * g if g > 0 else g)
                if nothing - split - top > target:
                    depth -= 1
                    continue
                at[depth] = i + 1
                offer = first_offer + by_gain[i]
                code = shipments.offer_code[offer]
                room = rooms[depth]
                if not _fits(code, room, guards):
                    continue
                clash = False
                for d in range(depth):
                    clash = clash or slot_of[chosen[d]] == slot_of[by_gain[i]]
                if clash:
                    continue
                sums[depth + 1] = sums[depth] + g
                rooms[depth + 1] = room - code
                chosen[depth] = by_gain[i]
                if not orders.ship_complete[order] or rooms[depth + 1] == 0:
                    value = nothing - split - sums[depth + 1]
                    if not binary:
                        value = nothing - split - sums[depth + 1] + fudge * (depth + 1)
                        saved = np.int64(0)
                        for d in range(depth + 1):
                            c = shipments.offer_code[first_offer + chosen[d]]
                            saved += nothing - _left_cents(orders, order, whole - c, shifts) * MILLI
                        value += saved - (nothing - _left_cents(orders, order, rooms[depth + 1], shifts) * MILLI)
                    if value <= target:
                        if listing == 0:
                            best = min(best, value)
                            target = best
                        else:
                            kept_value[n_kept] = value
                            kept_size[n_kept] = depth + 1
                            kept[n_kept, : depth + 1] = chosen[: depth + 1]
                            n_kept += 1
                            if n_kept == 2 * limit + 2:
                                n_kept = _keep_best(kept_value, kept_size, kept, n_kept, limit)
                                target = kept_value[n_kept - 1]
                                tightened = True
                if left > 1 and rooms[depth + 1] > 0:
                    bound = (left - 1) * g if g > 0 else g
                    if with_tables:
                        rest = _compact(rooms[depth + 1], shifts)
                        if left == 2:
                            bound = min(bound, table_one[rest])
                        elif left == 3 and with_pairs:
                            bound = min(bound, table_two[rest])
                        else:
                            bound = min(bound, (left - 1) * table_one[rest])
                    slim = listing == 0
                    reachable = nothing - split - sums[depth + 1] - bound
                    if reachable < target or (reachable == target and not slim):
                        depth += 1
                        at[depth] = i + 1
            if listing == 1:
                if n_kept > limit:
                    n_kept = _keep_best(kept_value, kept_size, kept, n_kept, limit)
                    target = kept_value[n_kept - 1]
                    tightened = True
                if tightened or slack < NO_FLOOR:
                    result_floor = target
            if steps > SEARCH_LIMIT:
                top_gain = gain[by_gain[0]]
                result_floor = min(result_floor, nothing - split - max(top_gain, most * top_gain))
        if not shipments.listed[local]:
            result_floor = min(result_floor, weak_floor(network, orders, order))
        floor[a] = result_floor

        for k in range(n_kept):
            offers = np.sort(kept[k, : kept_size[k]]) + first_offer
            is_known = False
            for j in range(known_first[order], known_first[order + 1]):
                record = known[j]
                old = record_offer[record_first[record] : record_first[record + 1]]
                if _same_offers(old, offers):
                    is_known = True
                    break
            if is_known:
                continue
            if n_out + 2 > out_first.size:
                out_order = _doubled(out_order)
                out_first = _doubled(out_first)
            while n_out_offers + offers.size > out_offer.size:
                out_offer = _doubled(out_offer)
            out_order[n_out] = order
            out_offer[n_out_offers : n_out_offers + offers.size] = offers
            n_out_offers += offers.size
            n_out += 1
            out_first[n_out] = n_out_offers
    return Listing(
        out_order[:n_out].copy(), out_first[: n_out + 1].copy(), out_offer[:n_out_offers].copy(), floor
    )


@njit(cache=True, nogil=True)
def _doubled(buffer: IntArray) -> IntArray:
    larger = np.empty(2 * buffer.size, np.int64)
    larger[: buffer.size] = buffer
    return larger


@njit(cache=True, nogil=True)
def _pairs(one: IntArray, two: IntArray, n_sets: int) -> None:
    """Best gain of at most two disjoint sets that make up exactly each set."""
    for s in range(n_sets):
        best = one[s]
        part = (s - 1) & s
        while part > (s ^ part):
            best = max(best, one[part] + one[s ^ part])
            part = (part - 1) & s
        two[s] = best


@njit(cache=True, nogil=True)
def _keep_best(value: IntArray, size: IntArray, chosen: NDArray[np.int64], n: int, limit: int) -> int:
    order = np.argsort(value[:n], kind="mergesort")[:limit]
    value[: order.size] = value[:n][order]
    size[: order.size] = size[:n][order]
    chosen[: order.size] = chosen[:n][order]
    return order.size


@njit(cache=True, nogil=True)
def option_columns(
    network: Network,
    orders: Orders,
    shipments: Shipments,
    shipments_begin: int,
    visit_of_offer: IntArray,
    listing_order: IntArray,
    offer_first: IntArray,
    offers: IntArray,
) -> Any:
    """Cost and usage of each option: cents, and CSR arrays of resource and amount."""
    n = listing_order.size
    cost = np.zeros(n, np.int64)
    usage_start = np.zeros(n + 1, np.int64)
    resource = np.empty(4 * n + 16, np.int64)
    amount = np.empty(4 * n + 16, np.int64)
    n_entries = 0
    for i in range(n):
        order = listing_order[i]
        shifts = piece_shifts(orders, order)
        room = np.int64(0)
        for piece in range(shifts.size - 1):
            room |= orders.piece_levels[orders.piece_first[order] + piece] << shifts[piece]
        n_shipments = offer_first[i + 1] - offer_first[i]
        cost[i] = np.int64(network.split_cents) * max(0, n_shipments - 1)
        for j in range(offer_first[i], offer_first[i + 1]):
            offer = offers[j]
            visit = visit_of_offer[offer]
            slot = shipments.visit_slot[visit]
            code = shipments.offer_code[offer]
            room -= code
            cost[i] += shipments.offer_cents[offer]
            needed = n_entries + 3
            for stop in range(shipments.stop_first[visit], shipments.stop_first[visit + 1]):
                needed += shipments.stop_n_resources[stop]
            while needed > resource.size:
                resource = _doubled(resource)
                amount = _doubled(amount)
            units = np.int64(0)
            for stop in range(shipments.stop_first[visit], shipments.stop_first[visit + 1]):
                line = shipments.stop_line[stop]
                moved = level_of(code, shifts, orders.line_piece[line]) * orders.line_step[line]
                if moved == 0:
                    continue
                units += moved
                first = shipments.stop_resource[stop]
                for r in range(first, first + shipments.stop_n_resources[stop]):
                    resource[n_entries] = r
                    amount[n_entries] = moved
                    n_entries += 1
            for r, used in (
                (network.slot_shipments_resource[slot], np.int64(1)),
                (network.slot_units_resource[slot], units),
                (network.slot_service_resource[slot, shipments.offer_service[offer]], np.int64(1)),
            ):
                if r >= 0:
                    resource[n_entries] = r
                    amount[n_entries] = used
                    n_entries += 1
        if shifts[shifts.size - 1] <= MAX_CODE_BITS:
            cost[i] += _left_cents(orders, order, room, shifts)
        else:
            for line in range(orders.line_first[order], orders.line_first[order + 1]):
                cost[i] += unallocated_cents(orders, order, line, orders.line_quantity[line])
        usage_start[i + 1] = n_entries
    return cost, usage_start, resource[:n_entries].copy(), amount[:n_entries].copy()
