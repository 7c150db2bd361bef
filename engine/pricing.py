"""Exact pricing: the best ways to serve an order at given resource prices, by depth-first search over its shipments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.network import IntArray, Network
from engine.orders import Orders
from engine.rates import lost_cents
from engine.shipments import MAX_CODE_BITS, Shipments, level_of, piece_shifts
from engine.visits import grown
from solver.kernels import kernel
from solver.source import MILLI, NO_FLOOR, Prices, price_of

MAX_TABLE_PIECES = 20
ALWAYS_ALL = 64
"""An order of single shipments with at most so many is listed whole as soon as more than one option is asked for."""
UNREACHABLE = -(2**58)
FORBIDDEN = -1e11
N_SEEDS = 8
MAX_PAIR_PIECES = 11
SEARCH_LIMIT = 100_000
"""Steps after which the search for one order stops and reports a lower, still valid floor."""


class Listing(NamedTuple):
    """Options found: the offers of option ``i`` are ``offer[offer_first[i] .. offer_first[i + 1] - 1]``."""

    order: IntArray
    offer_first: IntArray
    offer: IntArray
    floor: IntArray  # by order asked


@kernel
def _compact(code: int, n_pieces: int) -> int:
    """One bit a piece from a code whose pieces all go whole or not at all (two bits each)."""
    mask = 0
    for piece in range(n_pieces):
        mask |= ((code >> (2 * piece)) & 1) << piece
    return mask


@kernel
def _left_cents(
    lost_unit: IntArray, line_piece: IntArray, line_step: IntArray, priority: int, room: int, shifts: IntArray
) -> int:
    """Cost of what a code says is left of an order, from the order's own slices of the line arrays."""
    total = np.int64(0)
    for i in range(lost_unit.size):
        level = level_of(room, shifts, line_piece[i])
        total += lost_cents(lost_unit[i], level * line_step[i], priority)
    return total


@kernel
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
    slot_shipments, slot_units = network.slot_shipments_resource, network.slot_units_resource
    slot_service = network.slot_service_resource
    line_piece, line_step = orders.line_piece, orders.line_step
    line_quantity, lost_unit = orders.line_quantity, orders.line_unallocated_cents
    priority = orders.priority_pct[order]
    visit_slot, stop_first, stop_line = shipments.visit_slot, shipments.stop_first, shipments.stop_line
    stop_resource, stop_n = shipments.stop_resource, shipments.stop_n_resources
    offer_first, offer_code = shipments.offer_first, shipments.offer_code
    offer_service, offer_cents = shipments.offer_service, shipments.offer_cents
    unit, table_first, table = prices.unit, prices.table_first, prices.table
    n_pieces = shifts.size - 1
    first_line = orders.line_first[order]
    n_lines = orders.line_first[order + 1] - first_line
    first_offer = offer_first[visits[0]]
    split = np.int64(network.split_cents) * MILLI
    lost = np.zeros(n_lines, np.int64)
    for i in range(n_lines):
        line = first_line + i
        lost[i] = lost_cents(lost_unit[line], line_quantity[line], priority) * MILLI
    worth = np.zeros(n_pieces, np.int64)
    units = np.zeros(n_pieces, np.int64)
    here = np.zeros(n_pieces, np.int64)
    for visit in range(visits[0], visits[1]):
        slot = visit_slot[visit]
        base = split
        resource = slot_shipments[slot]
        if resource >= 0:
            base += price_of(unit, table_first, table, resource, 1)
        units_resource = slot_units[slot]
        first_stop, last_stop = stop_first[visit], stop_first[visit + 1]
        n_here = 0
        if binary:
            for stop in range(first_stop, last_stop):
                piece = line_piece[stop_line[stop]]
                worth[piece] = 0
                units[piece] = 0
            for stop in range(first_stop, last_stop):
                line = stop_line[stop]
                amount = line_step[line]
                value = lost[line - first_line]
                first = stop_resource[stop]
                for r in range(first, first + stop_n[stop]):
                    value -= price_of(unit, table_first, table, r, amount)
                piece = line_piece[line]
                if units[piece] == 0:
                    here[n_here] = piece
                    n_here += 1
                worth[piece] += value
                units[piece] += amount
        for offer in range(offer_first[visit], offer_first[visit + 1]):
            code = offer_code[offer]
            value = -offer_cents[offer] * MILLI - base
            amount = np.int64(0)
            if binary:
                for i in range(n_here):
                    piece = here[i]
                    if (code >> (2 * piece)) & 1:
                        value += worth[piece]
                        amount += units[piece]
            else:
                for stop in range(first_stop, last_stop):
                    line = stop_line[stop]
                    moved = level_of(code, shifts, line_piece[line]) * line_step[line]
                    if moved > 0:
                        amount += moved
                        rest = line_quantity[line] - moved
                        value += lost[line - first_line] - lost_cents(lost_unit[line], rest, priority) * MILLI
                        first = stop_resource[stop]
                        for r in range(first, first + stop_n[stop]):
                            value -= price_of(unit, table_first, table, r, moved)
                value += n_pieces * MILLI  # roundings of lines that several shipments share
            if units_resource >= 0:
                value -= price_of(unit, table_first, table, units_resource, amount)
            resource = slot_service[slot, offer_service[offer]]
            if resource >= 0:
                value -= price_of(unit, table_first, table, resource, 1)
            gain[offer - first_offer] = value
            slot_of[offer - first_offer] = slot


@kernel
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
    unit, table_first, table = prices.unit, prices.table_first, prices.table
    first_line = orders.line_first[order]
    n_lines = orders.line_first[order + 1] - first_line
    n_visits = visits[1] - visits[0]
    whole_only = orders.ship_complete[order]
    gain = np.full((n_visits, n_lines), FORBIDDEN if whole_only else 0.0)
    base = np.zeros(n_visits)
    alone = np.zeros(n_visits)
    for v in range(n_visits):
        visit = visits[0] + v
        slot = shipments.visit_slot[visit]
        node = network.slot_node[slot]
        base[v] = shipments.visit_base_cents[visit] + network.split_cents
        resource = network.slot_shipments_resource[slot]
        if resource >= 0:
            base[v] += price_of(unit, table_first, table, resource, 1) / MILLI
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
                if not splits or table_first[r] == table_first[r + 1]:
                    share += price_of(unit, table_first, table, r, quantity) / MILLI
            r = network.slot_units_resource[slot]
            if r >= 0 and table_first[r] == table_first[r + 1]:
                share += price_of(unit, table_first, table, r, quantity) / MILLI
            lost = lost_cents(orders.line_unallocated_cents[line], quantity, orders.priority_pct[order]) + (
                1.0 if splits else 0.0
            )
            gain[v, line - first_line] = lost - share if whole_only else max(0.0, lost - share)
            alone[v] += gain[v, line - first_line]
    by_value = np.argsort(-alone)
    ceiling = 0.0
    if most <= 3:
        limit = max(1000, 8_000_000 // max(20, n_lines))
        current = np.full((most + 1, n_lines), FORBIDDEN if whole_only else 0.0)
        start = n_lines * FORBIDDEN if whole_only else 0.0
        total = np.full(most + 1, start)
        at = np.zeros(most + 1, np.int64)
        depth = 0
        while depth >= 0 and limit > 0:
            limit -= 1
            i = at[depth]
            hopeless = not whole_only and i < n_visits
            if hopeless:
                hopeless = total[depth] + (most - depth) * max(0.0, alone[by_value[i]]) <= ceiling
            if i >= n_visits or hopeless:
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


@kernel
def weak_floor(network: Network, orders: Orders, order: int) -> int:
    """A floor that holds for every option of an order at any prices: each unit at its cheapest, or left.

    Freight is bounded below by the lowest price of a gram in any rate table; every shipment that is allowed may bring
    the lowest (negative) preference. In thousandths of a cent.
    """
    if network.node_lat.size == 0:
        return np.int64(NO_FLOOR)
    gram = np.inf
    for row in range(network.rate_max_g.size):
        gram = min(gram, network.rate_cents[row] / network.rate_max_g[row])
    least_unit = network.node_unit_cents.min()
    least_preference = min(np.int64(0), network.node_preference_cents.min())
    n_lines = orders.line_first[order + 1] - orders.line_first[order]
    total = min(orders.max_shipments[order], n_lines) * float(least_preference)
    for line in range(orders.line_first[order], orders.line_first[order + 1]):
        lost = orders.line_unallocated_cents[line] * orders.priority_pct[order] / 100.0
        served = least_unit + gram * network.item_billable_g[orders.line_sku[line]]
        total += orders.line_quantity[line] * min(lost, served) - 1.0
    return np.int64(np.floor(max(total, -(2.0**50)) * MILLI))


@kernel
def _same_offers(a: IntArray, b: IntArray) -> bool:
    if a.size != b.size:
        return False
    for i in range(a.size):
        if a[i] != b[i]:
            return False
    return True


@kernel
def _pairs(one: IntArray, two: IntArray, n_sets: int) -> None:
    """Best gain of at most two disjoint sets that make up exactly each set."""
    for s in range(n_sets):
        best = one[s]
        part = (s - 1) & s
        while part > (s ^ part):
            best = max(best, one[part] + one[s ^ part])
            part = (part - 1) & s
        two[s] = best


@kernel
def _best_inside(table: IntArray, n_pieces: int) -> None:
    """Turn the best of each exact set into the best of all sets inside it."""
    for piece in range(n_pieces):
        bit = 1 << piece
        for s in range(1 << n_pieces):
            if s & bit:
                table[s] = max(table[s], table[s ^ bit])


@kernel
def _useful(
    gain: IntArray,
    slot_of: IntArray,
    fill: IntArray,
    n_offers: int,
    everything: int,
    most: int,
    whole_only: bool,
    table_one: IntArray,
    table_two: IntArray,
    with_pairs: bool,
    split: int,
    slack: int,
    useful: IntArray,
) -> tuple[int, int]:
    """Fill ``useful`` with the offers that some option within slack of the best may hold.

    Returns how many, and the highest ceiling: no option saves more.

    An offer's ceiling is its gain and the best that the tables know of for the pieces it leaves. The floor to reach
    comes from the offer with the highest ceiling and partners taken one by one.
    """
    best_ceiling = np.int64(UNREACHABLE)
    leader = -1
    reach = -split  # serving nothing: every gain has one split taken off
    for i in range(n_offers):
        ceiling = _ceiling(gain[i], everything & ~fill[i], most, table_one, table_two, with_pairs)
        if ceiling > best_ceiling:
            best_ceiling, leader = ceiling, i
        if fill[i] == everything or not whole_only:
            reach = max(reach, gain[i])
    if leader >= 0:
        chosen = np.empty(most, np.int64)
        chosen[0] = leader
        n = 1
        room = everything & ~fill[leader]
        total = gain[leader]
        while n < most and room:
            partner = -1
            for i in range(n_offers):
                if fill[i] & ~room or (partner >= 0 and gain[i] <= gain[partner]):
                    continue
                clash = False
                for d in range(n):
                    clash = clash or slot_of[chosen[d]] == slot_of[i]
                if not clash and (not whole_only or n + 1 < most or fill[i] == room):
                    partner = i
            if partner < 0 or (gain[partner] <= 0 and not whole_only):
                break
            chosen[n] = partner
            n += 1
            room &= ~fill[partner]
            total += gain[partner]
        if room == 0 or not whole_only:
            reach = max(reach, total)
    n = 0
    for i in range(n_offers):
        ceiling = _ceiling(gain[i], everything & ~fill[i], most, table_one, table_two, with_pairs)
        if ceiling >= reach - slack:
            useful[n] = i
            n += 1
    return n, best_ceiling


@kernel
def _best_two(table_one: IntArray, room: int) -> tuple[int, int]:
    """The most that two disjoint sets inside a room save, from the best inside each set; and one of the two."""
    best, chosen = table_one[room], room
    part = (room - 1) & room
    while part > (room ^ part):
        value = table_one[part] + table_one[room ^ part]
        if value > best:
            best, chosen = value, part
        part = (part - 1) & room
    return best, chosen


@kernel
def _best_triples(
    gain: IntArray,
    fill: IntArray,
    n_offers: int,
    n_pieces: int,
    everything: int,
    table_one: IntArray,
    triples: NDArray[np.int64],
) -> tuple[int, int]:
    """The most that up to three disjoint sets of pieces save, slots ignored, and good triples on the way.

    Only sets count that save more than any set inside them; with the first the best of the three, the others share
    what it leaves. Fills ``triples`` (first offer, second and third set) round and round, and returns their number.
    """
    kept = np.empty(n_offers, np.int64)
    n = 0
    for i in range(n_offers):
        s = fill[i]
        keep = gain[i] > 0 and gain[i] == table_one[s]
        for piece in range(n_pieces):
            bit = 1 << piece
            keep = keep and not (s & bit and table_one[s ^ bit] >= gain[i])
        if keep:
            kept[n] = i
            n += 1
    order = kept[:n][np.argsort(-gain[kept[:n]], kind="mergesort")]
    best = table_one[everything]
    n_triples = 0
    for a in range(n):
        first = gain[order[a]]
        if 3 * first <= best:
            break
        room = everything & ~fill[order[a]]
        if first + 2 * table_one[room] <= best:
            continue
        two, part = _best_two(table_one, room)
        if first + two > best or n_triples == 0:
            best = max(best, first + two)
            at = n_triples % triples.shape[0]
            triples[at, 0], triples[at, 1], triples[at, 2] = order[a], part, room ^ part
            n_triples += 1
    return best, min(n_triples, triples.shape[0])


@kernel
def _offer_inside(gain: IntArray, fill: IntArray, slot_of: IntArray, n_offers: int, room: int, a: int, b: int) -> int:
    """The best offer inside a set whose slot differs from those of two other offers (-1: none); -1 if none pays."""
    best = -1
    for i in range(n_offers):
        if fill[i] & ~room or gain[i] <= 0 or (best >= 0 and gain[i] <= gain[best]):
            continue
        if (a >= 0 and slot_of[i] == slot_of[a]) or (b >= 0 and slot_of[i] == slot_of[b]):
            continue
        best = i
    return best


@kernel
def _ceiling(
    gain: int,
    rest: int,
    most: int,
    table_one: IntArray,
    table_two: IntArray,
    with_pairs: bool,
) -> int:
    """The most that an option with an offer of this gain can save."""
    if rest == 0 or most == 1:
        return gain
    if most == 2:
        return gain + table_one[rest]
    if most == 3 and with_pairs:
        return gain + table_two[rest]
    return gain + (most - 1) * table_one[rest]


@kernel
def _seed_value(gain: IntArray, fill: IntArray, seed: IntArray, everything: int) -> tuple[int, bool]:
    """Net gain of a seed's offers (-1: no offer), and whether they serve everything."""
    value = np.int64(0)
    served = np.int64(0)
    for offer in seed:
        if offer >= 0:
            value += gain[offer]
            served |= fill[offer]
    return value, served == everything


@kernel
def _add_seed(value_of: IntArray, size: IntArray, chosen: NDArray[np.int64], n: int, value: int, seed: IntArray) -> int:
    """Keep a seed as an option unless it is kept already; return how many are kept."""
    offers = np.sort(seed[seed >= 0])
    for k in range(n):
        if value_of[k] == value and _same_offers(np.sort(chosen[k, : size[k]]), offers):
            return n
    value_of[n], size[n] = value, offers.size
    chosen[n, : offers.size] = offers
    return n + 1


@kernel
def _keep_best(value: IntArray, size: IntArray, chosen: NDArray[np.int64], n: int, limit: int) -> int:
    order = np.argsort(value[:n], kind="mergesort")[:limit]
    value[: order.size] = value[:n][order]
    size[: order.size] = size[:n][order]
    chosen[: order.size] = chosen[:n][order]
    return order.size


@kernel
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
    useful = np.empty(1024, np.int64)
    seeds = np.zeros((N_SEEDS, 3), np.int64)
    table_one = np.zeros(1, np.int64)
    table_two = np.zeros(1, np.int64)
    room_for = max(2 * limit + 2, ALWAYS_ALL + 2)
    kept_value = np.empty(room_for, np.int64)
    kept_size = np.empty(room_for, np.int64)
    kept = np.empty((room_for, 4), np.int64)

    line_first, lost_unit = orders.line_first, orders.line_unallocated_cents
    line_piece, line_step, priority = orders.line_piece, orders.line_step, orders.priority_pct
    piece_first, piece_levels = orders.piece_first, orders.piece_levels
    ship_complete, max_shipments = orders.ship_complete, orders.max_shipments
    visit_first, offer_first, offer_code = shipments.visit_first, shipments.offer_first, shipments.offer_code
    listed = shipments.listed
    split = np.int64(network.split_cents) * MILLI

    for a in range(asked.size):
        order = asked[a]
        local = order - shipments_begin
        whole_only = ship_complete[order]
        visits = (visit_first[local], visit_first[local + 1])
        first_offer = offer_first[visits[0]]
        n_offers = offer_first[visits[1]] - first_offer
        shifts = piece_shifts(piece_first, piece_levels, order)
        n_pieces = shifts.size - 1
        if shifts[n_pieces] > MAX_CODE_BITS:
            floor[a] = weak_floor(network, orders, order)
            continue
        if n_offers == 0 and listed[local]:
            floor[a] = NO_FLOOR
            continue
        guards = np.int64(0)
        whole = np.int64(0)
        binary = True
        most = np.int64(0)
        for piece in range(n_pieces):
            levels = piece_levels[piece_first[order] + piece]
            guards |= np.int64(1) << (shifts[piece + 1] - 1)
            whole |= levels << shifts[piece]
            binary = binary and levels == 1
            most += levels
        most = min(most, max_shipments[order], visits[1] - visits[0])
        lines = slice(line_first[order], line_first[order + 1])
        its_lost, its_piece, its_step = lost_unit[lines], line_piece[lines], line_step[lines]
        nothing = _left_cents(its_lost, its_piece, its_step, priority[order], whole, shifts) * MILLI
        gain = grown(gain, n_offers)
        slot_of = grown(slot_of, n_offers)
        fill = grown(fill, n_offers)
        useful = grown(useful, n_offers)
        _net_gains(network, orders, order, shipments, visits, prices, shifts, binary, gain, slot_of)
        for i in range(n_offers):
            code = offer_code[first_offer + i]
            fill[i] = _compact(code, n_pieces) if binary else code
        everything = (np.int64(1) << n_pieces) - 1 if binary else whole

        # relaxed tables: the best one (two) shipments inside a set of pieces, slots ignored
        with_tables = binary and 1 < n_pieces <= MAX_TABLE_PIECES and most > 1
        with_pairs = with_tables and n_pieces <= MAX_PAIR_PIECES and most > 2
        # tables of exact sets where the order must be complete and they suffice; else completeness is relaxed
        strict = whole_only and (most <= 2 or (most == 3 and with_pairs))
        if with_tables:
            n_sets = 1 << n_pieces
            if table_one.size < n_sets:
                table_one = np.zeros(n_sets, np.int64)
                table_two = np.zeros(n_sets, np.int64)
            table_one[:n_sets] = UNREACHABLE if strict else 0
            for i in range(n_offers):
                table_one[fill[i]] = max(table_one[fill[i]], gain[i])
            if with_pairs:
                _pairs(table_one, table_two, n_sets)
            if not strict:
                _best_inside(table_one, n_pieces)
                if with_pairs:
                    _best_inside(table_two, n_pieces)

        n_useful = n_offers
        n_seeds = 0
        ceiling = np.int64(2**60)
        if with_tables:
            n_useful, ceiling = _useful(
                gain,
                slot_of,
                fill,
                n_offers,
                everything,
                most,
                whole_only,
                table_one,
                table_two,
                with_pairs,
                split,
                slack,
                useful,
            )
            if most == 3 and not with_pairs:
                best_gain, n_seeds = _best_triples(gain, fill, n_offers, n_pieces, everything, table_one, seeds)
                ceiling = min(ceiling, best_gain)
                for k in range(n_seeds):
                    second = _offer_inside(gain, fill, slot_of, n_offers, seeds[k, 1], seeds[k, 0], -1)
                    third = _offer_inside(gain, fill, slot_of, n_offers, seeds[k, 2], seeds[k, 0], second)
                    seeds[k, 1], seeds[k, 2] = second, third
            by_gain = useful[:n_useful][np.argsort(-gain[useful[:n_useful]], kind="mergesort")]
        else:
            by_gain = np.argsort(-gain[:n_offers], kind="mergesort")

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
        slack_here = slack
        for k in range(n_seeds):
            value, full = _seed_value(gain, fill, seeds[k], everything)
            if full or not whole_only:
                best = min(best, nothing - split - value)
        for listing in range(2):
            target = best
            if listing == 1:
                if most == 1 and limit > 1 and n_offers <= ALWAYS_ALL:
                    slack_here = np.int64(NO_FLOOR)
                else:
                    slack_here = slack
                target = best + slack_here if slack_here < NO_FLOOR - best else np.int64(NO_FLOOR)
            tightened = False
            steps = 0
            depth = 0 if n_useful > 0 else -1
            at[0] = 0
            sums[0] = 0
            rooms[0] = everything
            while depth >= 0:
                i = at[depth]
                steps += 1
                left = most - depth
                if i >= n_useful or steps > SEARCH_LIMIT:
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
                if rest == 0 or not whole_only:
                    value = nothing - split - so_far
                    if not binary:
                        for d in range(depth + 1):
                            code = offer_code[first_offer + chosen[d]]
                            left_over = _left_cents(
                                its_lost, its_piece, its_step, priority[order], whole - code, shifts
                            )
                            value += nothing - left_over * MILLI + n_pieces * MILLI
                        left_over = _left_cents(its_lost, its_piece, its_step, priority[order], rest, shifts)
                        value -= nothing - left_over * MILLI
                    if value <= target:
                        if listing == 0:
                            best = min(best, value)
                            target = best
                            if best <= nothing - split - ceiling:
                                depth = 0
                                break
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
                        elif not strict:
                            bound = min(bound, (left - 1) * table_one[rest])
                    reachable = nothing - split - so_far - bound
                    if left == 3 and with_tables and not with_pairs and reachable < target:
                        reachable = nothing - split - so_far - min(bound, _best_two(table_one, rest)[0])
                    if reachable < target or (reachable == target and listing == 1):
                        depth += 1
                        sums[depth] = so_far
                        rooms[depth] = rest
                        at[depth] = i + 1
            if listing == 0:
                best_is_exact = steps <= SEARCH_LIMIT
            else:
                if steps > SEARCH_LIMIT:
                    n_kept = min(n_kept, room_for - n_seeds)
                    for k in range(n_seeds):
                        value, full = _seed_value(gain, fill, seeds[k], everything)
                        value = nothing - split - value
                        if value <= target and (full or not whole_only):
                            n_kept = _add_seed(kept_value, kept_size, kept, n_kept, value, seeds[k])
                if n_kept > limit and slack_here == slack:
                    n_kept = _keep_best(kept_value, kept_size, kept, n_kept, limit)
                    target = kept_value[n_kept - 1]
                    tightened = True
                if tightened or slack_here < NO_FLOOR:
                    result_floor = target
                if not best_is_exact:
                    top_gain = gain[by_gain[0]] if n_useful else np.int64(0)
                    top_gain = min(ceiling, max(top_gain, most * top_gain))
                    result_floor = min(result_floor, nothing - split - top_gain)
                elif steps > SEARCH_LIMIT:
                    result_floor = min(result_floor, best)
        if not listed[local]:
            saved_cents = _relaxed_gain(network, orders, order, shipments, visits, prices, most)
            result_floor = min(result_floor, nothing - int(np.ceil(max(0.0, saved_cents) * MILLI)) - MILLI)
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
    return Listing(out_order[:n_out].copy(), out_first[: n_out + 1].copy(), out_offer[:n_out_offers].copy(), floor)


@kernel
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
    slot_shipments, slot_units = network.slot_shipments_resource, network.slot_units_resource
    slot_service = network.slot_service_resource
    line_first, line_piece, line_step = orders.line_first, orders.line_piece, orders.line_step
    lost_unit, priority = orders.line_unallocated_cents, orders.priority_pct
    piece_first, piece_levels = orders.piece_first, orders.piece_levels
    visit_slot, stop_first, stop_line = shipments.visit_slot, shipments.stop_first, shipments.stop_line
    stop_resource, stop_n = shipments.stop_resource, shipments.stop_n_resources
    offer_code, offer_service, offer_cents = (
        shipments.offer_code,
        shipments.offer_service,
        shipments.offer_cents,
    )
    n = listing_order.size
    cost = np.zeros(n, np.int64)
    usage_start = np.zeros(n + 1, np.int64)
    resource = np.empty(4 * n + 16, np.int64)
    amount = np.empty(4 * n + 16, np.int64)
    n_entries = 0
    for i in range(n):
        order = listing_order[i]
        shifts = piece_shifts(piece_first, piece_levels, order)
        room = np.int64(0)
        for piece in range(shifts.size - 1):
            room |= piece_levels[piece_first[order] + piece] << shifts[piece]
        n_shipments = offer_first[i + 1] - offer_first[i]
        cost[i] = np.int64(network.split_cents) * max(0, n_shipments - 1)
        for j in range(offer_first[i], offer_first[i + 1]):
            offer = offers[j]
            visit = visit_of_offer[offer]
            slot = visit_slot[visit]
            code = offer_code[offer]
            room -= code
            cost[i] += offer_cents[offer]
            needed = n_entries + 3
            for stop in range(stop_first[visit], stop_first[visit + 1]):
                needed += stop_n[stop]
            resource = grown(resource, needed)
            amount = grown(amount, resource.size)
            units = np.int64(0)
            for stop in range(stop_first[visit], stop_first[visit + 1]):
                line = stop_line[stop]
                moved = level_of(code, shifts, line_piece[line]) * line_step[line]
                if moved == 0:
                    continue
                units += moved
                for r in range(stop_resource[stop], stop_resource[stop] + stop_n[stop]):
                    resource[n_entries] = r
                    amount[n_entries] = moved
                    n_entries += 1
            for r, used in (
                (slot_shipments[slot], np.int64(1)),
                (slot_units[slot], units),
                (slot_service[slot, offer_service[offer]], np.int64(1)),
            ):
                if r >= 0:
                    resource[n_entries] = r
                    amount[n_entries] = used
                    n_entries += 1
        lines = slice(line_first[order], line_first[order + 1])
        cost[i] += _left_cents(lost_unit[lines], line_piece[lines], line_step[lines], priority[order], room, shifts)
        usage_start[i + 1] = n_entries
    return cost, usage_start, resource[:n_entries].copy(), amount[:n_entries].copy()
