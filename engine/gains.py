"""What serving parts of an order saves at given prices: the net gain of each offer."""

from __future__ import annotations

import numpy as np

from engine.combinations import level_of
from engine.network import IntArray, Network
from engine.orders import Orders
from engine.rates import lost_cents
from engine.shipments import Shipments
from solver.kernels import kernel
from solver.source import MILLI, Prices, price_of


@kernel
def left_cents(
    lost_unit: IntArray, line_piece: IntArray, line_step: IntArray, priority: int, room: int, shifts: IntArray
) -> int:
    """Cost of what a code says is left of an order, from the order's own slices of the line arrays."""
    total = np.int64(0)
    for i in range(lost_unit.size):
        level = level_of(room, shifts, line_piece[i])
        total += lost_cents(lost_unit[i], level * line_step[i], priority)
    return total


@kernel
def net_gains(
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
