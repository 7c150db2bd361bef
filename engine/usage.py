"""Cost and resource usage of listed options."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.combinations import level_of, piece_shifts
from engine.gains import left_cents
from engine.listing import Options
from engine.network import Network
from engine.orders import Orders
from engine.shipments import Shipments
from engine.visits import grown
from solver.kernels import kernel


@kernel
def option_columns(
    network: Network,
    orders: Orders,
    shipments: Shipments,
    options: Options,
) -> Any:
    """Cost and usage of each option: cents, and CSR arrays of resource and amount."""
    slot_shipments, slot_units = network.slot_shipments_resource, network.slot_units_resource
    slot_service = network.slot_service_resource
    line_first, line_piece, line_step = orders.line_first, orders.line_piece, orders.line_step
    lost_unit, priority = orders.line_unallocated_cents, orders.priority_pct
    piece_first, piece_levels = orders.piece_first, orders.piece_levels
    visit_slot, stop_first, stop_line = shipments.visit_slot, shipments.stop_first, shipments.stop_line
    stop_resource, stop_n = shipments.stop_resource, shipments.stop_n_resources
    first, its_visit, its_code = options.first, options.visit, options.code
    its_service, its_cents = options.service, options.cents
    n = options.order.size
    cost = np.zeros(n, np.int64)
    usage_start = np.zeros(n + 1, np.int64)
    resource = np.empty(4 * n + 16, np.int64)
    amount = np.empty(4 * n + 16, np.int64)
    n_entries = 0
    for i in range(n):
        order = options.order[i]
        shifts = piece_shifts(piece_first, piece_levels, order)
        room = np.int64(0)
        for piece in range(shifts.size - 1):
            room |= piece_levels[piece_first[order] + piece] << shifts[piece]
        n_shipments = first[i + 1] - first[i]
        cost[i] = np.int64(network.split_cents) * max(0, n_shipments - 1)
        for j in range(first[i], first[i + 1]):
            visit = its_visit[j]
            slot = visit_slot[visit]
            code = its_code[j]
            room -= code
            cost[i] += its_cents[j]
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
                (slot_service[slot, its_service[j]], np.int64(1)),
            ):
                if r >= 0:
                    resource[n_entries] = r
                    amount[n_entries] = used
                    n_entries += 1
        lines = slice(line_first[order], line_first[order + 1])
        cost[i] += left_cents(lost_unit[lines], line_piece[lines], line_step[lines], priority[order], room, shifts)
        usage_start[i + 1] = n_entries
    return cost, usage_start, resource[:n_entries].copy(), amount[:n_entries].copy()
