"""From the shipments that orders took to their decisions: the rows of MODEL.md section 4."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.decode import Chosen, shipment_terms
from engine.live.arrays import OrderArrays
from engine.live.capacity import NO_SERVICE, UsedChanges
from engine.live.choosing import Outcome
from engine.live.dates import day_of
from engine.live.settle import worth_of
from engine.live.state import State
from engine.live.stock import StockChanges
from engine.live.types import Allocated, Decision, Order, Shipment, Unallocated
from engine.network import NOW, IntArray, Network
from engine.orders import Orders
from engine.reasons import REASONS
from solver.source import MILLI, Prices


def shipment_rows(
    state: State, orders: Orders, chosen: Chosen, order_ids: Sequence[str], first: IntArray | None = None
) -> list[Shipment]:
    """A row for each chosen shipment; ids count from 1 within an order.

    Parameters
    ----------
    first : int64, optional
        Where options begin, when several of one order may stand side by side.
    """
    network, names = state.network, state.base.names
    terms = shipment_terms(network, orders, chosen)
    columns = (
        chosen.order,
        network.slot_node[chosen.slot],
        chosen.service,
        network.slot_day[chosen.slot],
        terms.deliver_day,
        terms.zone,
        terms.metres,
        *terms[3:],
    )
    rows: list[Shipment] = []
    number, last = 0, -1
    begins = set() if first is None else set(first.tolist())
    split_cents = int(network.split_cents)
    for order, node, service, day, deliver_day, zone, metres, weight_g, *cents in zip(*(c.tolist() for c in columns)):
        number = number + 1 if order == last and len(rows) not in begins else 1
        last = order
        order_id = order_ids[order]
        freight, handling, preference, _, late, carbon = cents
        rows.append(
            Shipment(
                shipment_id=f"{order_id}-{number}",
                order_id=order_id,
                node_id=names.node_id[node],
                service_id=names.service_id[service],
                ship_date=day_of(day),
                deliver_date=day_of(deliver_day),
                zone=names.zone[zone],
                distance_km=metres / 1000.0,
                weight_g=weight_g,
                freight_cents=freight,
                handling_cents=handling,
                preference_cents=preference,
                split_cents=split_cents if number > 1 else 0,
                late_cents=late,
                carbon_cents=carbon,
            )
        )
    return rows


def allocated_rows(
    orders: Sequence[Order],
    arrays: Orders,
    chosen: Chosen,
    shipments: Sequence[Shipment],
    first: IntArray | None = None,
) -> list[list[Allocated]]:
    """The rows of each order, or, where ``first`` says where those begin, of each option; by line and shipment."""
    order_of = chosen.order.tolist()
    if first is None:
        out_of, n = order_of, len(orders)
    else:
        out_of, n = np.repeat(np.arange(first.size - 1), np.diff(first)).tolist(), first.size - 1
    out: list[list[Allocated]] = [[] for _ in range(n)]
    line_first = arrays.line_first.tolist()
    rows = zip(chosen.row_line.tolist(), chosen.row_shipment.tolist(), chosen.row_quantity.tolist())
    for number, shipment, quantity in sorted(rows):
        order = order_of[shipment]
        line = orders[order].lines[number - line_first[order]]
        row = shipments[shipment]
        out[out_of[shipment]].append(
            Allocated(
                order_id=row.order_id,
                line_id=line.line_id,
                sku=line.sku,
                node_id=row.node_id,
                shipment_id=row.shipment_id,
                quantity=quantity,
            )
        )
    return out


def unallocated_rows(
    orders: Sequence[Order], arrays: Orders, left: IntArray, reason: IntArray
) -> list[list[Unallocated]]:
    """The rows of each order, by line."""
    out: list[list[Unallocated]] = [[] for _ in orders]
    lines = np.flatnonzero(left)
    if lines.size == 0:
        return out
    order_of = np.searchsorted(arrays.line_first, lines, side="right") - 1
    cents = (arrays.line_unallocated_cents[lines] * left[lines] * arrays.priority_pct[order_of] + 50) // 100
    cents = np.where(arrays.held[order_of], 0, cents)
    columns = (lines, order_of, left[lines], reason[lines], cents, arrays.line_first[order_of])
    for number, order, quantity, why, lost_cents, first in zip(*(column.tolist() for column in columns)):
        line = orders[order].lines[number - first]
        out[order].append(
            Unallocated(
                order_id=orders[order].order_id,
                line_id=line.line_id,
                sku=line.sku,
                quantity=quantity,
                reason=REASONS[why],
                unallocated_cents=lost_cents,
            )
        )
    return out


def decisions_of(
    state: State, orders: Sequence[Order], arrays: OrderArrays, outcome: Outcome, prices: Prices
) -> list[Decision]:
    """The decision of each order."""
    chosen = outcome.chosen
    shipments = shipment_rows(state, arrays.orders, chosen, [order.order_id for order in orders])
    allocated = allocated_rows(orders, arrays.judged, chosen, shipments)
    unallocated = unallocated_rows(orders, arrays.judged, outcome.left, outcome.reason)
    if prices is state.no_prices:
        worth = [0.0] * len(orders)
    else:
        milli = np.zeros(len(orders), np.int64)
        np.add.at(milli, chosen.order, worth_of(state.network, state.rows, arrays.orders, chosen, prices.unit))
        worth = (milli / MILLI).tolist()
    first = np.searchsorted(chosen.order, np.arange(len(orders) + 1)).tolist()
    return [
        Decision(
            order_id=order.order_id,
            shipments=tuple(shipments[first[i] : first[i + 1]]),
            allocations=tuple(allocated[i]),
            unallocated=tuple(unallocated[i]),
            price_cents=worth[i],
        )
        for i, order in enumerate(orders)
    ]


def changes_of(network: Network, orders: Orders, chosen: Chosen) -> tuple[StockChanges, UsedChanges]:
    """What taking chosen shipments changed, in numbers that outlive a rebuild."""
    slot = chosen.slot[chosen.row_shipment]
    zeros = np.zeros(slot.size, np.int64)
    units = np.zeros(chosen.slot.size, np.int64)
    np.add.at(units, chosen.row_shipment, chosen.row_quantity)
    stock = StockChanges(
        sku=orders.line_sku[chosen.row_line],
        node=network.slot_node[slot],
        day=np.full(slot.size, NOW, np.int64),
        on_hand=zeros,
        held=chosen.row_quantity,
    )
    ones = np.ones(chosen.slot.size, np.int64)
    used = UsedChanges(
        node=np.tile(network.slot_node[chosen.slot], 2),
        service=np.concatenate((np.full(chosen.slot.size, NO_SERVICE, np.int64), chosen.service)),
        day=np.tile(network.slot_day[chosen.slot], 2),
        shipments=np.tile(ones, 2),
        units=np.tile(units, 2),
    )
    return stock, used
