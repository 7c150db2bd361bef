"""Taking the options of orders one after the other, each only if what is left suffices."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.combinations import level_of, piece_shifts
from engine.decode import Chosen, move_services
from engine.listing import Options
from engine.live.capacity import Used
from engine.live.stock import StockRows
from engine.network import IntArray, Network
from engine.orders import Orders
from engine.rates import pair_of
from engine.reasons import judge
from engine.shipments import Shipments
from engine.visits import grown
from solver.kernels import kernel
from solver.source import MILLI

NO_REASON = -1


class Settled(NamedTuple):
    """What a run of orders took: the orders ``begin .. stop - 1`` are done."""

    stop: int
    chosen: Chosen


@kernel
def shift(network: Network, rows: StockRows, used: Used, orders: Orders, chosen: Chosen, sign: int) -> None:
    """Count what shipments take (sign 1), or no longer (-1): as reserved, on all days, and as used."""
    raw, supply, row_held = rows.raw, rows.supply, rows.row_held
    units = np.zeros(chosen.slot.size, np.int64)
    for i in range(chosen.row_line.size):
        sku = orders.line_sku[chosen.row_line[i]]
        amount = sign * chosen.row_quantity[i]
        units[chosen.row_shipment[i]] += amount
        pair = pair_of(rows.sku_first_pair, rows.pair_node, sku, network.slot_node[chosen.slot[chosen.row_shipment[i]]])
        row_held[rows.pair_first_row[pair]] += amount
        for resource in range(rows.pair_first_resource[pair], rows.pair_first_resource[pair + 1]):
            raw[resource] -= amount
            supply[resource] = max(0, raw[resource])
    for i in range(chosen.slot.size):
        slot, service = chosen.slot[i], chosen.service[i]
        used.shipments[slot] += sign
        used.units[slot] += units[i]
        used.of_service[slot, service] += sign
        for resource, amount in (
            (network.slot_shipments_resource[slot], sign),
            (network.slot_units_resource[slot], units[i]),
            (network.slot_service_resource[slot, service], sign),
        ):
            if resource >= 0:
                raw[resource] -= amount
                supply[resource] = max(0, raw[resource])


@kernel
def _fits(network: Network, raw: IntArray, shipments: Shipments, option: Chosen, visit: IntArray) -> bool:
    """Whether what is left suffices for an option, dated supply counted cumulatively."""
    fits = True
    for look in range(2):  # taken first, and put back whatever comes out
        sign = np.int64(1 - 2 * look)
        units = np.zeros(option.slot.size, np.int64)
        at = 0
        for i in range(option.slot.size):
            for stop in range(shipments.stop_first[visit[i]], shipments.stop_first[visit[i] + 1]):
                if at == option.row_line.size or option.row_shipment[at] != i:
                    break
                if option.row_line[at] != shipments.stop_line[stop]:
                    continue
                amount = option.row_quantity[at]
                at += 1
                units[i] += amount
                first = shipments.stop_resource[stop]
                for resource in range(first, first + shipments.stop_n_resources[stop]):
                    raw[resource] -= sign * amount
                    fits = fits and (look == 1 or raw[resource] >= 0)
        for i in range(option.slot.size):
            slot = option.slot[i]
            resource = network.slot_shipments_resource[slot]
            fits = fits and (resource < 0 or raw[resource] >= 1)
            resource = network.slot_units_resource[slot]
            fits = fits and (resource < 0 or raw[resource] >= units[i])
            resource = network.slot_service_resource[slot, option.service[i]]
            fits = fits and (resource < 0 or raw[resource] >= 1)
    return fits


@kernel
def unpacked(orders: Orders, shipments: Shipments, options: Options, option: int) -> tuple[Chosen, IntArray]:
    """The shipments of one option, and the visits they belong to; rows in the order of the visits' stops."""
    first, last = options.first[option], options.first[option + 1]
    n = last - first
    order = options.order[option]
    visit = options.visit[first:last]
    shifts = piece_shifts(orders.piece_first, orders.piece_levels, order)
    n_most = 0
    for i in range(n):
        n_most += shipments.stop_first[visit[i] + 1] - shipments.stop_first[visit[i]]
    slot = np.empty(n, np.int64)
    row_shipment = np.empty(n_most, np.int64)
    row_line = np.empty(n_most, np.int64)
    row_quantity = np.empty(n_most, np.int64)
    n_rows = 0
    for i in range(n):
        slot[i] = shipments.visit_slot[visit[i]]
        for stop in range(shipments.stop_first[visit[i]], shipments.stop_first[visit[i] + 1]):
            line = shipments.stop_line[stop]
            level = level_of(options.code[first + i], shifts, orders.line_piece[line])
            if level > 0:
                row_shipment[n_rows] = i
                row_line[n_rows] = line
                row_quantity[n_rows] = level * orders.line_step[line]
                n_rows += 1
    chosen = Chosen(
        np.full(n, order, np.int64),
        slot,
        options.service[first:last].copy(),
        row_shipment[:n_rows],
        row_line[:n_rows],
        row_quantity[:n_rows],
    )
    return chosen, visit


@kernel
def _prefer_services(network: Network, rows: StockRows, orders: Orders, option: Chosen, unit: IntArray) -> None:
    """Move an option's shipments to the services preferred among those that are free and have no price."""
    supply, raw = rows.supply, rows.raw
    for i in range(option.slot.size):
        for service in range(network.slot_service_resource.shape[1]):
            resource = network.slot_service_resource[option.slot[i], service]
            if resource >= 0 and unit[resource] > 0:
                supply[resource] = 0
        resource = network.slot_service_resource[option.slot[i], option.service[i]]
        if resource >= 0:
            supply[resource] -= 1
    while move_services(network, orders, option, option.service, supply):
        pass
    for i in range(option.slot.size):
        for service in range(network.slot_service_resource.shape[1]):
            resource = network.slot_service_resource[option.slot[i], service]
            if resource >= 0:
                supply[resource] = max(0, raw[resource])


@kernel
def settle(
    network: Network,
    rows: StockRows,
    used: Used,
    orders: Orders,
    judged: Orders,
    shipments: Shipments,
    options: Options,
    first: IntArray,
    ranked: IntArray,
    begin: int,
    end: int,
    unit: IntArray,
    any_capped: bool,
    left: IntArray,
    reason: IntArray,
) -> Settled:
    """Let the orders ``begin .. end - 1`` take the first of their options that fits, in sequence.

    Parameters
    ----------
    judged : Orders
        The orders before folding, for reasons.
    first, ranked : int64
        Options of order ``begin + i``, best first: ``ranked[first[i] : first[i + 1]]``.
    unit : int64[n_resources]
        Prices.
    left, reason : int64[n_lines]
        Filled for lines of the orders done: units left, and why (an index into ``engine.reasons.REASONS``).

    Returns
    -------
    Settled
        ``stop`` is ``end``, or the first order that has options, none of which fits.
    """
    out_order = np.empty(16, np.int64)
    out_slot = np.empty(16, np.int64)
    out_service = np.empty(16, np.int64)
    row_shipment = np.empty(32, np.int64)
    row_line = np.empty(32, np.int64)
    row_quantity = np.empty(32, np.int64)
    n = n_rows = 0
    stop = end
    for order in range(begin, end):
        found = first[order - begin] == first[order - begin + 1]
        option = Chosen(out_order[:0], out_slot[:0], out_service[:0], row_shipment[:0], row_line[:0], row_quantity[:0])
        for k in range(first[order - begin], first[order - begin + 1]):
            option, visit = unpacked(orders, shipments, options, ranked[k])
            found = _fits(network, rows.raw, shipments, option, visit)
            if found:
                break
        if not found:
            stop = order
            break
        lines = slice(orders.line_first[order], orders.line_first[order + 1])
        left[lines] = orders.line_quantity[lines]
        for i in range(option.row_line.size):
            left[option.row_line[i]] -= option.row_quantity[i]
        if left[lines].any():
            unallocated = np.zeros(left.size, np.bool_)
            unallocated[lines] = left[lines] > 0
            judge(network, judged, unallocated, order, order + 1, reason)
        if any_capped and option.slot.size:
            _prefer_services(network, rows, orders, option, unit)
        shift(network, rows, used, orders, option, 1)
        out_order = grown(out_order, n + option.slot.size)
        out_slot = grown(out_slot, out_order.size)
        out_service = grown(out_service, out_order.size)
        row_shipment = grown(row_shipment, n_rows + option.row_line.size)
        row_line = grown(row_line, row_shipment.size)
        row_quantity = grown(row_quantity, row_shipment.size)
        rows_end = n_rows + option.row_line.size
        row_shipment[n_rows:rows_end] = option.row_shipment + n
        row_line[n_rows:rows_end] = option.row_line
        row_quantity[n_rows:rows_end] = option.row_quantity
        n_rows = rows_end
        for i in range(option.slot.size):
            out_order[n], out_slot[n], out_service[n] = order, option.slot[i], option.service[i]
            n += 1
    return Settled(
        stop,
        Chosen(
            out_order[:n].copy(),
            out_slot[:n].copy(),
            out_service[:n].copy(),
            row_shipment[:n_rows].copy(),
            row_line[:n_rows].copy(),
            row_quantity[:n_rows].copy(),
        ),
    )


@kernel
def worth_of(network: Network, rows: StockRows, orders: Orders, chosen: Chosen, unit: IntArray) -> IntArray:
    """What the resources that each shipment takes are worth at prices, in thousandths of a cent."""
    out = np.zeros(chosen.slot.size, np.int64)
    units = np.zeros(chosen.slot.size, np.int64)
    for i in range(chosen.row_line.size):
        shipment, amount = chosen.row_shipment[i], chosen.row_quantity[i]
        slot = chosen.slot[shipment]
        units[shipment] += amount
        pair = pair_of(
            rows.sku_first_pair, rows.pair_node, orders.line_sku[chosen.row_line[i]], network.slot_node[slot]
        )
        last = rows.pair_first_resource[pair + 1]
        for resource in range(rows.pair_first_resource[pair], last):
            later = resource + 1 == last or rows.stock_day[resource + 1] > network.slot_day[slot]
            if later:
                out[shipment] += unit[resource] * amount
    for i in range(chosen.slot.size):
        slot = chosen.slot[i]
        for resource, amount in (
            (network.slot_shipments_resource[slot], np.int64(1)),
            (network.slot_units_resource[slot], units[i]),
            (network.slot_service_resource[slot, chosen.service[i]], np.int64(1)),
        ):
            if resource >= 0:
                out[i] += unit[resource] * amount
    return out


@kernel
def looked_at(
    network: Network,
    rows: StockRows,
    orders: Orders,
    shipments: Shipments,
    options: Options,
    days: IntArray,
    unit: IntArray,
) -> tuple[NDArray[np.bool_], IntArray, IntArray]:
    """Look at complete options: whether each fits what is left, the day on which the last of its shipments arrives, and
    its cost and price in thousandths of a cent.

    ``days`` are the delivery days of visits by service, as in :class:`engine.visits.Visits`; ``unit`` are prices.
    """
    n = options.order.size
    fits = np.zeros(n, np.bool_)
    last_day = np.zeros(n, np.int64)
    milli = np.zeros(n, np.int64)
    for i in range(n):
        option, visit = unpacked(orders, shipments, options, i)
        fits[i] = _fits(network, rows.raw, shipments, option, visit)
        milli[i] = network.split_cents * max(0, visit.size - 1) * MILLI
        for j in range(visit.size):
            last_day[i] = max(last_day[i], days[visit[j], option.service[j]])
            milli[i] += options.cents[options.first[i] + j] * MILLI
        worth = worth_of(network, rows, orders, option, unit)
        milli[i] += worth.sum()
    return fits, last_day, milli


@kernel
def unpack_options(orders: Orders, shipments: Shipments, options: Options, which: IntArray) -> Chosen:
    """The shipments of some options, one after the other."""
    n = n_rows = 0
    for i in which:
        n += options.first[i + 1] - options.first[i]
        for j in range(options.first[i], options.first[i + 1]):
            n_rows += shipments.stop_first[options.visit[j] + 1] - shipments.stop_first[options.visit[j]]
    order = np.empty(n, np.int64)
    slot = np.empty(n, np.int64)
    service = np.empty(n, np.int64)
    row_shipment = np.empty(n_rows, np.int64)
    row_line = np.empty(n_rows, np.int64)
    row_quantity = np.empty(n_rows, np.int64)
    n = n_rows = 0
    for i in which:
        option, _ = unpacked(orders, shipments, options, i)
        end, rows_end = n + option.slot.size, n_rows + option.row_line.size
        order[n:end], slot[n:end], service[n:end] = option.order, option.slot, option.service
        row_shipment[n_rows:rows_end] = option.row_shipment + n
        row_line[n_rows:rows_end] = option.row_line
        row_quantity[n_rows:rows_end] = option.row_quantity
        n, n_rows = end, rows_end
    return Chosen(order, slot, service, row_shipment[:n_rows], row_line[:n_rows], row_quantity[:n_rows])
