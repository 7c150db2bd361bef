"""Exact pricing: the best ways to serve an order at given resource prices, by depth-first search over its shipments."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.combinations import MAX_CODE_BITS, piece_shifts
from engine.floors import relaxed_gain, weak_floor
from engine.gains import left_cents, net_gains
from engine.listing import Listing, Options, is_known
from engine.network import IntArray, Network
from engine.orders import Orders
from engine.sets import (
    UNREACHABLE,
    best_inside,
    best_triples,
    best_two,
    compact,
    offer_inside,
    pairs,
    useful_offers,
)
from engine.shipments import Shipments
from engine.visits import grown
from solver.kernels import kernel
from solver.source import MILLI, NO_FLOOR, Prices

MAX_TABLE_PIECES = 20
ALWAYS_ALL = 64
"""An order of single shipments with at most so many, or twice as many as asked for, is listed whole."""
N_SEEDS = 8
MAX_PAIR_PIECES = 11
SEARCH_LIMIT = 100_000
"""Steps after which the search for one order stops and reports a lower, still valid floor."""


@kernel
def _visit_of(offer_first: IntArray, visits: tuple[int, int], offer: int) -> int:
    """The visit, among those of an order, that an offer belongs to."""
    low, high = visits
    while high - low > 1:
        middle = (low + high) >> 1
        if offer_first[middle] <= offer:
            low = middle
        else:
            high = middle
    return low


@kernel
def _same_offers(a: IntArray, b: IntArray) -> bool:
    if a.size != b.size:
        return False
    for i in range(a.size):
        if a[i] != b[i]:
            return False
    return True


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
    records: Options,
) -> Listing:
    """List the unknown options of each asked order within slack of its best, the best ``limit`` of them.

    ``shipments`` holds the orders from ``shipments_begin`` on; ``known[known_first[i] .. ]`` are the records of the
    ``i``-th of those that were listed before.
    """
    floor = np.empty(asked.size, np.int64)
    out_order = np.empty(1024, np.int64)
    out_first = np.zeros(1025, np.int64)
    out_visit = np.empty(4096, np.int64)
    out_code = np.empty(4096, np.int64)
    out_service = np.empty(4096, np.int64)
    out_cents = np.empty(4096, np.int64)
    n_out = n_out_shipments = 0
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
    offer_service, offer_cents = shipments.offer_service, shipments.offer_cents
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
        nothing = left_cents(its_lost, its_piece, its_step, priority[order], whole, shifts) * MILLI
        its_known = known[known_first[local] : known_first[local + 1]]
        gain = grown(gain, n_offers)
        slot_of = grown(slot_of, n_offers)
        fill = grown(fill, n_offers)
        useful = grown(useful, n_offers)
        net_gains(network, orders, order, shipments, visits, prices, shifts, binary, gain, slot_of)
        for i in range(n_offers):
            code = offer_code[first_offer + i]
            fill[i] = compact(code, n_pieces) if binary else code
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
                pairs(table_one, table_two, n_sets)
            if not strict:
                best_inside(table_one, n_pieces)
                if with_pairs:
                    best_inside(table_two, n_pieces)

        n_useful = n_offers
        n_seeds = 0
        ceiling = np.int64(2**60)
        if with_tables:
            n_useful, ceiling = useful_offers(
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
                best_gain, n_seeds = best_triples(gain, fill, n_offers, n_pieces, everything, table_one, seeds)
                ceiling = min(ceiling, best_gain)
                for k in range(n_seeds):
                    second = offer_inside(gain, fill, slot_of, n_offers, seeds[k, 1], seeds[k, 0], -1)
                    third = offer_inside(gain, fill, slot_of, n_offers, seeds[k, 2], seeds[k, 0], second)
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
        for k in range(n_seeds):
            value, full = _seed_value(gain, fill, seeds[k], everything)
            if full or not whole_only:
                best = min(best, nothing - split - value)
        everything_wanted = most == 1 and limit > 1 and n_offers <= min(ALWAYS_ALL, 2 * limit)
        slack_here = np.int64(NO_FLOOR) if everything_wanted else slack
        for listing in range(2):
            target = best
            if listing == 1:
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
                            left_over = left_cents(its_lost, its_piece, its_step, priority[order], whole - code, shifts)
                            value += nothing - left_over * MILLI + n_pieces * MILLI
                        left_over = left_cents(its_lost, its_piece, its_step, priority[order], rest, shifts)
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
                        reachable = nothing - split - so_far - min(bound, best_two(table_one, rest)[0])
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
                if n_kept > limit and not everything_wanted:
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
            saved_cents = relaxed_gain(network, orders, order, shipments, visits, prices, most)
            result_floor = nothing - int(np.ceil(max(0.0, saved_cents) * MILLI)) - MILLI
        floor[a] = result_floor

        for k in range(n_kept):
            offers = np.sort(kept[k, : kept_size[k]]) + first_offer
            end = n_out_shipments + offers.size
            out_order = grown(out_order, n_out + 1)
            out_first = grown(out_first, n_out + 2)
            out_visit = grown(out_visit, end)
            out_code = grown(out_code, out_visit.size)
            out_service = grown(out_service, out_visit.size)
            out_cents = grown(out_cents, out_visit.size)
            for i in range(offers.size):
                at = n_out_shipments + i
                out_visit[at] = _visit_of(offer_first, visits, offers[i])
                out_code[at] = offer_code[offers[i]]
                out_service[at] = offer_service[offers[i]]
                out_cents[at] = offer_cents[offers[i]]
            here = slice(n_out_shipments, end)
            if is_known(records, its_known, out_visit[here], out_code[here], out_service[here]):
                continue
            out_order[n_out] = order
            n_out_shipments = end
            n_out += 1
            out_first[n_out] = end
    options = Options(
        out_order[:n_out].copy(),
        out_first[: n_out + 1].copy(),
        out_visit[:n_out_shipments].copy(),
        out_code[:n_out_shipments].copy(),
        out_service[:n_out_shipments].copy(),
        out_cents[:n_out_shipments].copy(),
    )
    return Listing(options, floor)
