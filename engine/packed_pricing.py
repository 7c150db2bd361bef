"""Pricing of the packed orders of a shard, one after another: see engine/large_orders.py for one of them."""

from __future__ import annotations

import numpy as np

from engine.combinations import fill_steps, loads_of, piece_shifts
from engine.few_visits import pack_few
from engine.floors import relaxed_gain, weak_floor
from engine.freight import rises_with_weight
from engine.gains import left_cents
from engine.large_orders import pack_order
from engine.listing import Listing, Options, is_known
from engine.network import IntArray, Network
from engine.orders import Orders
from engine.sets import expanded
from engine.shipments import Shipments
from engine.visits import grown
from solver.kernels import kernel
from solver.source import MILLI, Prices


@kernel
def price_packed(
    network: Network,
    orders: Orders,
    shipments: Shipments,
    shipments_begin: int,
    asked: IntArray,
    prices: Prices,
    slack: int,
    limit: int,
    exact: bool,
    searched_shipments: int,
    piece_values: IntArray,
    known_first: IntArray,
    known: IntArray,
    records: Options,
) -> Listing:
    """List the unknown options of each asked order, as :func:`engine.pricing.price_orders` does for the others.

    Orders of at most ``searched_shipments`` shipments are searched (see engine/few_visits.py), the others go by column
    generation. ``piece_values`` keeps, from call to call, what those start from: a value a piece of each order and one
    more, all orders from ``shipments_begin`` on in one array.
    """
    piece_first, piece_levels, line_first = orders.piece_first, orders.piece_levels, orders.line_first
    rising = rises_with_weight(network.rate_first, network.rate_cents)
    floor = np.empty(asked.size, np.int64)
    out_order = np.empty(256, np.int64)
    out_first = np.zeros(257, np.int64)
    out_visit = np.empty(512, np.int64)
    out_code = np.empty(512, np.int64)
    out_service = np.empty(512, np.int64)
    out_cents = np.empty(512, np.int64)
    n_out = n_shipments = 0
    most_pieces = 1
    for order in asked:
        most_pieces = max(most_pieces, piece_first[order + 1] - piece_first[order])
    steps = loads_of(most_pieces, network.item_requires.shape[1])
    for a in range(asked.size):
        order = asked[a]
        local = order - shipments_begin
        visits = (shipments.visit_first[local], shipments.visit_first[local + 1])
        shifts = piece_shifts(piece_first, piece_levels, order)
        n_pieces = shifts.size - 1
        lines = slice(line_first[order], line_first[order + 1])
        whole = expanded((np.int64(1) << n_pieces) - 1, n_pieces)
        nothing = MILLI * left_cents(
            orders.line_unallocated_cents[lines],
            orders.line_piece[lines],
            orders.line_step[lines],
            orders.priority_pct[order],
            whole,
            shifts,
        )
        most = min(n_pieces, orders.max_shipments[order], visits[1] - visits[0])
        fill_steps(network, orders, order, shifts, steps)
        if most <= searched_shipments:
            pack = pack_few(
                network, orders, order, shipments, visits, prices, steps, most, nothing, slack, limit, exact, rising
            )
        else:
            values_first = piece_first[order] - piece_first[shipments_begin] + local
            pack = pack_order(
                network,
                orders,
                order,
                shipments,
                visits,
                prices,
                steps,
                most,
                nothing,
                slack,
                limit,
                exact,
                rising,
                piece_values[values_first : values_first + n_pieces + 1],
            )
        floor[a] = pack.floor
        if orders.folded[order]:  # its lines, each by itself, could do better than the parts it was folded into
            saved_cents = relaxed_gain(network, orders, order, shipments, visits, prices, most)
            floor[a] = nothing - int(np.ceil(max(0.0, saved_cents) * MILLI)) - MILLI
            if network.allow_line_split:
                floor[a] = weak_floor(network, orders, order)
        for k in range(pack.first.size - 1):
            its = slice(pack.first[k], pack.first[k + 1])
            end = n_shipments + pack.first[k + 1] - pack.first[k]
            out_order = grown(out_order, n_out + 1)
            out_first = grown(out_first, n_out + 2)
            out_visit = grown(out_visit, end)
            out_code = grown(out_code, out_visit.size)
            out_service = grown(out_service, out_visit.size)
            out_cents = grown(out_cents, out_visit.size)
            here = slice(n_shipments, end)
            out_visit[here], out_service[here], out_cents[here] = pack.visit[its], pack.service[its], pack.cents[its]
            for i in range(end - n_shipments):
                out_code[n_shipments + i] = expanded(pack.mask[its][i], n_pieces)
            mine = known[known_first[local] : known_first[local + 1]]
            if is_known(records, mine, out_visit[here], out_code[here], out_service[here]):
                continue
            out_order[n_out] = order
            n_shipments = end
            n_out += 1
            out_first[n_out] = end
    options = Options(
        out_order[:n_out].copy(),
        out_first[: n_out + 1].copy(),
        out_visit[:n_shipments].copy(),
        out_code[:n_shipments].copy(),
        out_service[:n_shipments].copy(),
        out_cents[:n_shipments].copy(),
    )
    return Listing(options, floor)
