"""Exact pricing: the best ways to serve an order at given resource prices, by depth-first search over its shipments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from engine.network import IntArray, Network
from engine.orders import Orders
from engine.rates import unallocated_cents
from engine.shipments import MAX_CODE_BITS, Shipments, grown, level_of, piece_shifts
from solver.source import MILLI, NO_FLOOR, Prices, price_of

MAX_TABLE_PIECES = 20
UNREACHABLE = -(2**58)
MAX_PAIR_PIECES = 8
SEARCH_LIMIT = 300_000
"""Steps after which the search for one order stops and reports a lower, still valid floor."""


class Listing(NamedTuple):
    """Options found: the offers of option ``i`` are ``offer[offer_first[i] .. offer_first[i + 1] - 1]``."""

    order: IntArray
    offer_first: IntArray
    offer: IntArray
    floor: IntArray  # by order asked


@njit(cache=True, nogil=True)
def _compact(code: int, n_pieces: int) -> int:
    """One bit a piece from a code whose pieces all go whole or not at all (two bits each)."""
    mask = 0
    for piece in range(n_pieces):
        mask |= ((code >> (2 * piece)) & 1) << piece
    return mask


@njit(cache=True, nogil=True)
def _left_cents(orders: Orders, order: int, room: int, shifts: IntArray) -> int:
    """Cost of what a code says is left of an order."""
    total = np.int64(0)
    for line in range(orders.line_first[order], orders.line_first[order + 1]):
        level = level_of(room, shifts, orders.line_piece[line])
        total += unallocated_cents(orders, order, line, level * orders.line_step[line])
    return total


@njit(cache=True, nogil=True)
def _net_gains(
    network: Network,
    orders: Orders,
    order: int,
    shipments: Shipments,
    visits: tuple[int, int],
    prices: Prices,
    shifts: IntArray,
    binary: bool,
    gain: IntArray,
    slot_of: IntArray,
) -> None:
    """What each offer saves, less its cost, its prices and one split, in thousandths of a cent."""
    n_pieces = shifts.size - 1
    first_line = orders.line_first[order]
    n_lines = orders.line_first[order + 1] - first_line
    first_offer = shipments.offer_first[visits[0]]
    split = np.int64(network.split_cents) * MILLI
    lost = np.zeros(n_lines, np.int64)
    for i in range(n_lines):
        lost[i] = unallocated_cents(orders, order, first_line + i, orders.line_quantity[first_line + i]) * MILLI
    worth = np.zeros(n_pieces, np.int64)
    units = np.zeros(n_pieces, np.int64)
    for visit in range(visits[0], visits[1]):
        slot = shipments.visit_slot[visit]
        base = split
        resource = network.slot_shipments_resource[slot]
        if resource >= 0:
            base += price_of(prices, resource, 1)
        units_resource = network.slot_units_resource[slot]
        first_stop, last_stop = shipments.stop_first[visit], shipments.stop_first[visit + 1]
        if binary:
            worth[:] = 0
            units[:] = 0
            for stop in range(first_stop, last_stop):
                line = shipments.stop_line[stop]
                amount = orders.line_step[line]
                value = lost[line - first_line]
                first = shipments.stop_resource[stop]
                for r in range(first, first + shipments.stop_n_resources[stop]):
                    value -= price_of(prices, r, amount)
                worth[orders.line_piece[line]] += value
                units[orders.line_piece[line]] += amount
        for offer in range(shipments.offer_first[visit], shipments.offer_first[visit + 1]):
            code = shipments.offer_code[offer]
            value = -shipments.offer_cents[offer] * MILLI - base
            amount = np.int64(0)
            if binary:
                for piece in range(n_pieces):
                    if (code >> (2 * piece)) & 1:
                        value += worth[piece]
                        amount += units[piece]
            else:
                for stop in range(first_stop, last_stop):
                    line = shipments.stop_line[stop]
                    moved = level_of(code, shifts, orders.line_piece[line]) * orders.line_step[line]
                    if moved > 0:
                        amount += moved
                        rest = orders.line_quantity[line] - moved
                        value += lost[line - first_line] - unallocated_cents(orders, order, line, rest) * MILLI
                        first = shipments.stop_resource[stop]
                        for r in range(first, first + shipments.stop_n_resources[stop]):
                            value -= price_of(prices, r, moved)
                value += n_pieces * MILLI  # roundings of lines that several shipments share
            if units_resource >= 0:
                value -= price_of(prices, units_resource, amount)
            resource = network.slot_service_resource[slot, shipments.offer_service[offer]]
            if resource >= 0:
                value -= price_of(prices, resource, 1)
            gain[offer - first_offer] = value
            slot_of[offer - first_offer] = slot


@njit(cache=True, nogil=True)
def _relaxed_gain(
    network: Network,
    orders: Orders,
    order: int,
    shipments: Shipments,
    visits: tuple[int, int],
    prices: Prices,
    most: int,
) -> float:
    """A ceiling, in cents, on what serving a large order can save: freight is replaced by a line below it.

    Then the slots of a shipment set are paid for, and each line takes the best of them by itself.
    """
    first_line = orders.line_first[order]
    n_lines = orders.line_first[order + 1] - first_line
    n_visits = visits[1] - visits[0]
    gain = np.zeros((n_visits, n_lines))
    base = np.zeros(n_visits)
    alone = np.zeros(n_visits)
    for v in range(n_visits):
        visit = visits[0] + v
        slot = shipments.visit_slot[visit]
        node = network.slot_node[slot]
        base[v] = shipments.visit_base_cents[visit] + network.split_cents
        resource = network.slot_shipments_resource[slot]
        if resource >= 0:
            base[v] += price_of(prices, resource, 1) / MILLI
        alone[v] = -base[v]
        for stop in range(shipments.stop_first[visit], shipments.stop_first[visit + 1]):
            line = shipments.stop_line[stop]
            quantity = orders.line_quantity[line]
            sku = orders.line_sku[line]
            splits = orders.line_step[line] != quantity
            share = quantity * (
                network.node_unit_cents[node] + shipments.visit_gram_cents[visit] * network.item_billable_g[sku]
            )
            if not splits:
                share += network.node_line_cents[node]
            first = shipments.stop_resource[stop]
            for r in range(first, first + shipments.stop_n_resources[stop]):
                if not splits or prices.table_first[r] == prices.table_first[r + 1]:
                    share += price_of(prices, r, quantity) / MILLI
            r = network.slot_units_resource[slot]
            if r >= 0 and prices.table_first[r] == prices.table_first[r + 1]:
                share += price_of(prices, r, quantity) / MILLI
            lost = unallocated_cents(orders, order, line, quantity) + (1.0 if splits else 0.0)
            gain[v, line - first_line] = max(0.0, lost - share)
            alone[v] += gain[v, line - first_line]
    by_value = np.argsort(-alone)
    ceiling = 0.0
    if most <= 3:
        limit = 400_000
        current = np.zeros((most + 1, n_lines))
        total = np.zeros(most + 1)
        at = np.zeros(most + 1, np.int64)
        depth = 0
        while depth >= 0 and limit > 0:
            limit -= 1
            i = at[depth]
            if i >= n_visits or total[depth] + (most - depth) * max(0.0, alone[by_value[i]]) <= ceiling:
                if i < n_visits and depth == 0 and alone[by_value[i]] > ceiling:
                    ceiling = alone[by_value[i]]
                depth -= 1
                continue
            at[depth] = i + 1
            v = by_value[i]
            value = total[depth] - base[v]
            for line in range(n_lines):
                best = max(current[depth, line], gain[v, line])
                value += best - current[depth, line]
                current[depth + 1, line] = best
            ceiling = max(ceiling, value)
            if depth + 1 < most:
                depth += 1
                total[depth] = value
                at[depth] = i + 1
        if limit > 0:
            return ceiling + network.split_cents
    ceiling = 0.0
    for line in range(n_lines):
        best = 0.0
        for v in range(n_visits):
            best = max(best, gain[v, line])
        ceiling += best
    least = base.min() if n_visits else 0.0
    return ceiling - (least if least > 0.0 else most * least) + network.split_cents


@njit(cache=True, nogil=True)
def weak_floor(network: Network, orders: Orders, order: int) -> int:
    """A floor that holds for every option of an order at any prices: each unit at its cheapest, or left.

    Freight is bounded below by the lowest price of a gram in any rate table; every shipment that is allowed may bring
    the lowest (negative) preference. In thousandths of a cent.
    """
    gram = np.inf
    for row in range(network.rate_max_g.size):
        gram = min(gram, network.rate_cents[row] / network.rate_max_g[row])
    least_unit = network.node_unit_cents.min()
    least_preference = min(np.int64(0), network.node_preference_cents.min())
    total = orders.max_shipments[order] * float(least_preference)
    for line in range(orders.line_first[order], orders.line_first[order + 1]):
        lost = orders.line_unallocated_cents[line] * orders.priority_pct[order] / 100.0
        served = least_unit + gram * network.item_billable_g[orders.line_sku[line]]
        total += orders.line_quantity[line] * min(lost, served) - 1.0
    return int(np.floor(total * MILLI))


@njit(cache=True, nogil=True)
def _same_offers(a: IntArray, b: IntArray) -> bool:
    if a.size != b.size:
        return False
    for i in range(a.size):
        if a[i] != b[i]:
            return False
    return True


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
def _best_inside(table: IntArray, n_pieces: int) -> None:
    """Turn the best of each exact set into the best of all sets inside it."""
    for piece in range(n_pieces):
        bit = 1 << piece
        for s in range(1 << n_pieces):
            if s & bit:
                table[s] = max(table[s], table[s ^ bit])


@njit(cache=True, nogil=True)
def _keep_best(value: IntArray, size: IntArray, chosen: NDArray[np.int64], n: int, limit: int) -> int:
    order = np.argsort(value[:n], kind="mergesort")[:limit]
    value[: order.size] = value[:n][order]
    size[: order.size] = size[:n][order]
    chosen[: order.size] = chosen[:n][order]
    return order.size


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
    slot_of = np.empty(1024, np.int64)
    fill = np.empty(1024, np.int64)
    table_one = np.zeros(1, np.int64)
    table_two = np.zeros(1, np.int64)
    room_for = 2 * limit + 2
    kept_value = np.empty(room_for, np.int64)
    kept_size = np.empty(room_for, np.int64)
    kept = np.empty((room_for, 4), np.int64)

    for a in range(asked.size):
        order = asked[a]
        local = order - shipments_begin
        visits = (shipments.visit_first[local], shipments.visit_first[local + 1])
        first_offer = shipments.offer_first[visits[0]]
        n_offers = shipments.offer_first[visits[1]] - first_offer
        shifts = piece_shifts(orders, order)
        n_pieces = shifts.size - 1
        if shifts[n_pieces] > MAX_CODE_BITS:
            floor[a] = weak_floor(network, orders, order)
            continue
        if n_offers == 0 and shipments.listed[local]:
            floor[a] = NO_FLOOR
            continue
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
        most = min(most, orders.max_shipments[order], visits[1] - visits[0])
        nothing = _left_cents(orders, order, whole, shifts) * MILLI
        split = np.int64(network.split_cents) * MILLI
        gain = grown(gain, n_offers)
        slot_of = grown(slot_of, n_offers)
        fill = grown(fill, n_offers)
        _net_gains(network, orders, order, shipments, visits, prices, shifts, binary, gain, slot_of)
        by_gain = np.argsort(-gain[:n_offers], kind="mergesort")
        for i in range(n_offers):
            code = shipments.offer_code[first_offer + i]
            fill[i] = _compact(code, n_pieces) if binary else code
        everything = (np.int64(1) << n_pieces) - 1 if binary else whole

        # relaxed tables: the best one (two) shipments inside a set of pieces, slots ignored
        with_tables = binary and 1 < n_pieces <= MAX_TABLE_PIECES and most > 1
        with_pairs = with_tables and n_pieces <= MAX_PAIR_PIECES and most > 2
        if with_tables:
            n_sets = 1 << n_pieces
            if table_one.size < n_sets:
                table_one = np.zeros(n_sets, np.int64)
                table_two = np.zeros(n_sets, np.int64)
            whole_only = orders.ship_complete[order]
            table_one[:n_sets] = UNREACHABLE if whole_only else 0
            for i in range(n_offers):
                table_one[fill[i]] = max(table_one[fill[i]], gain[i])
            if with_pairs:
                _pairs(table_one, table_two, n_sets)
            if not whole_only:
                _best_inside(table_one, n_pieces)
                if with_pairs:
                    _best_inside(table_two, n_pieces)

        best = nothing
        if kept.shape[1] < most:
            kept = np.empty((room_for, most), np.int64)
        at = np.zeros(most + 1, np.int64)
        chosen = np.zeros(most + 1, np.int64)
        sums = np.zeros(most + 1, np.int64)
        rooms = np.zeros(most + 1, np.int64)
        result_floor = np.int64(NO_FLOOR)
        n_kept = 0
        best_is_exact = True
        for listing in range(2):
            target = best
            if listing == 1:
                target = best + slack if slack < NO_FLOOR - best else np.int64(NO_FLOOR)
            tightened = False
            steps = 0
            depth = 0 if n_offers > 0 else -1
            at[0] = 0
            sums[0] = 0
            rooms[0] = everything
            while depth >= 0:
                i = at[depth]
                steps += 1
                left = most - depth
                if i >= n_offers or steps > SEARCH_LIMIT:
                    depth -= 1
                    continue
                offer = by_gain[i]
                g = gain[offer]
                if nothing - split - sums[depth] - (left * g if g > 0 else g) > target:
                    depth -= 1
                    continue
                at[depth] = i + 1
                room = rooms[depth]
                if binary:
                    if fill[offer] & ~room:
                        continue
                elif ((room | guards) - fill[offer]) & guards != guards:
                    continue
                clash = False
                for d in range(depth):
                    clash = clash or slot_of[chosen[d]] == slot_of[offer]
                if clash:
                    continue
                so_far = sums[depth] + g
                rest = room - fill[offer]
                chosen[depth] = offer
                if rest == 0 or not orders.ship_complete[order]:
                    value = nothing - split - so_far
                    if not binary:
                        for d in range(depth + 1):
                            code = shipments.offer_code[first_offer + chosen[d]]
                            saved = nothing - _left_cents(orders, order, whole - code, shifts) * MILLI
                            value += saved + n_pieces * MILLI
                        value -= nothing - _left_cents(orders, order, rest, shifts) * MILLI
                    if value <= target:
                        if listing == 0:
                            best = min(best, value)
                            target = best
                        else:
                            kept_value[n_kept] = value
                            kept_size[n_kept] = depth + 1
                            kept[n_kept, : depth + 1] = chosen[: depth + 1]
                            n_kept += 1
                            if n_kept == room_for:
                                n_kept = _keep_best(kept_value, kept_size, kept, n_kept, limit)
                                target = kept_value[n_kept - 1]
                                tightened = True
                if left > 1 and rest > 0:
                    bound = (left - 1) * g if g > 0 else g
                    if with_tables:
                        if left == 2:
                            bound = min(bound, table_one[rest])
                        elif left == 3 and with_pairs:
                            bound = min(bound, table_two[rest])
                        elif not orders.ship_complete[order]:
                            bound = min(bound, (left - 1) * table_one[rest])
                    reachable = nothing - split - so_far - bound
                    if reachable < target or (reachable == target and listing == 1):
                        depth += 1
                        sums[depth] = so_far
                        rooms[depth] = rest
                        at[depth] = i + 1
            if listing == 0:
                best_is_exact = steps <= SEARCH_LIMIT
            else:
                if n_kept > limit:
                    n_kept = _keep_best(kept_value, kept_size, kept, n_kept, limit)
                    target = kept_value[n_kept - 1]
                    tightened = True
                if tightened or slack < NO_FLOOR:
                    result_floor = target
                if not best_is_exact:
                    top_gain = gain[by_gain[0]]
                    result_floor = min(result_floor, nothing - split - max(top_gain, most * top_gain))
                elif steps > SEARCH_LIMIT:
                    result_floor = min(result_floor, best)
        if not shipments.listed[local]:
            ceiling = _relaxed_gain(network, orders, order, shipments, visits, prices, most)
            result_floor = min(result_floor, nothing - int(np.ceil(max(0.0, ceiling) * MILLI)) - MILLI)
        floor[a] = result_floor

        for k in range(n_kept):
            offers = np.sort(kept[k, : kept_size[k]]) + first_offer
            is_known = False
            for j in range(known_first[order], known_first[order + 1]):
                record = known[j]
                if _same_offers(record_offer[record_first[record] : record_first[record + 1]], offers):
                    is_known = True
                    break
            if is_known:
                continue
            out_order = grown(out_order, n_out + 1)
            out_first = grown(out_first, n_out + 2)
            out_offer = grown(out_offer, n_out_offers + offers.size)
            out_order[n_out] = order
            out_offer[n_out_offers : n_out_offers + offers.size] = offers
            n_out_offers += offers.size
            n_out += 1
            out_first[n_out] = n_out_offers
    return Listing(
        out_order[:n_out].copy(), out_first[: n_out + 1].copy(), out_offer[:n_out_offers].copy(), floor
    )


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
            resource = grown(resource, needed)
            amount = grown(amount, resource.size)
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
