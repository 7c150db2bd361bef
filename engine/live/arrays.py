"""Plain orders as the arrays that the kernels read, without a table in between."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from engine.calendar import day_number
from engine.combinations import MAX_CODE_BITS
from engine.compile import EXACT, LATE_DAYS, MOST_CENTS
from engine.errors import Fault, InputError, shown
from engine.folding import fold_large_orders
from engine.live.state import Base, State
from engine.live.types import Order
from engine.orders import NEVER_LATE, Orders

NONE: Mapping[str, Collection[str]] = {}


class OrderArrays(NamedTuple):
    """Orders for the kernels; ``judged`` are the same before large ones were folded."""

    orders: Orders
    judged: Orders


def order_faults(base: Base, order: Order, row: int = 1) -> list[Fault]:
    """What only the network can tell to be wrong with an order."""
    faults = []
    for column, nodes in (("only_nodes", order.only_nodes), ("not_nodes", order.not_nodes)):
        for node_id in nodes:
            if node_id not in base.node_of:
                faults.append(_fault("orders", row, column, node_id, "a node_id of nodes"))
    policy = base.batch.policy
    late_cents = policy.late_cents_per_day if order.late_cents_per_day is None else order.late_cents_per_day
    late = float(late_cents) * LATE_DAYS * order.priority_pct
    if late > MOST_CENTS:
        faults.append(_fault("orders", row, None, f"{late / 100:.3g} cents if late", EXACT))
    seen: dict[str, int] = {}
    total = 0.0
    for number, line in enumerate(order.lines, 1):
        if line.line_id in seen:
            expected = f"a key that is not in row {seen[line.line_id]} already"
            faults.append(_fault("lines", number, None, f"{order.order_id}, {line.line_id}", expected))
        seen.setdefault(line.line_id, number)
        sku = base.sku_of.get(line.sku)
        if sku is None:
            faults.append(_fault("lines", number, "sku", line.sku, "a sku of items"))
            continue
        unit = base.lost_cents[sku] if line.unallocated_cents is None else line.unallocated_cents
        lost = float(unit) * line.quantity * order.priority_pct
        total += lost
        if lost > MOST_CENTS:
            faults.append(_fault("lines", number, None, f"{lost / 100:.3g} cents if left out", EXACT))
    if not faults and total > MOST_CENTS * 64:
        faults.append(_fault("lines", None, None, f"{total / 100:.3g} cents if all is left out", EXACT))
    return faults


def _fault(table: str, row: int | None, column: str | None, value: str, expected: str) -> Fault:
    return Fault(table=table, row=row, column=column, value=shown(value), expected=expected)


def refuse_faults(base: Base, orders: Sequence[Order]) -> None:
    """Raise ``InputError`` with what is wrong in any order."""
    faults = [fault for row, order in enumerate(orders, 1) for fault in order_faults(base, order, row)]
    if faults:
        raise InputError(faults)


def order_arrays(state: State, orders: Sequence[Order], exclude: Mapping[str, Collection[str]] = NONE) -> OrderArrays:
    """Turn orders without faults into arrays, as :func:`engine.orders.build_orders` does from tables.

    Parameters
    ----------
    exclude : mapping of order_id to node ids
        Nodes that may not serve the order, besides its ``not_nodes``.
    """
    base = state.base
    node_of, sku_of, region_of = base.node_of, base.sku_of, base.region_of
    policy = base.batch.policy
    splits = policy.allow_line_split
    by_order: dict[str, list[Any]] = {name: [] for name in _BY_ORDER}
    add = [by_order[name].append for name in _BY_ORDER]
    only_first, only_node, not_first, not_node = [0], [], [0], []
    line_first, sku, quantity, step, given, piece = [0], [], [], [], [], []
    piece_first, levels = [0], []
    large = False
    for order in orders:
        values = (
            order.lat,
            order.lon,
            -1 if order.region is None else region_of.get(order.region, -1),
            order.residential,
            NEVER_LATE if order.deliver_by is None else day_number(order.deliver_by),
            order.hard_promise,
            policy.late_cents_per_day if order.late_cents_per_day is None else order.late_cents_per_day,
            order.priority_pct,
            order.ship_complete,
            policy.max_shipments if order.max_shipments is None else order.max_shipments,
            order.held,
        )
        for put, value in zip(add, values):
            put(value)
        if order.only_nodes:
            only_node += [node_of[name] for name in order.only_nodes]
        if order.not_nodes or exclude:
            not_node += [node_of[name] for name in (*order.not_nodes, *exclude.get(order.order_id, ()))]
        only_first.append(len(only_node))
        not_first.append(len(not_node))
        pieces: dict[str, int] = {}
        bits = 0
        for line in order.lines:
            if line.ship_together:
                pieces.setdefault(line.ship_together, len(pieces))
        n_pieces = len(pieces)
        levels += [1] * n_pieces
        for line in order.lines:
            sku.append(sku_of[line.sku])
            quantity.append(line.quantity)
            given.append(-1 if line.unallocated_cents is None else line.unallocated_cents)
            if line.ship_together:
                piece.append(pieces[line.ship_together])
                step.append(line.quantity)
                continue
            piece.append(n_pieces)
            n_pieces += 1
            step.append(1 if splits else line.quantity)
            levels.append(line.quantity if splits else 1)
            bits += line.quantity.bit_length() - 1 if splits else 0
        large = large or bits + 2 * n_pieces > MAX_CODE_BITS
        line_first.append(len(sku))
        piece_first.append(len(levels))

    line_sku = np.array(sku, np.int64)
    unallocated = np.array(given, np.int64)
    arrays = Orders(
        lat=_read_only(by_order["lat"], np.float64),
        lon=_read_only(by_order["lon"], np.float64),
        region=np.array(by_order["region"], np.int64),
        residential=np.array(by_order["residential"], np.bool_),
        deliver_by=np.array(by_order["deliver_by"], np.int64),
        hard_promise=np.array(by_order["hard_promise"], np.bool_),
        late_cents_per_day=_read_only(by_order["late_cents_per_day"], np.int64),
        priority_pct=_read_only(by_order["priority_pct"], np.int64),
        ship_complete=np.array(by_order["ship_complete"], np.bool_),
        max_shipments=_read_only(by_order["max_shipments"], np.int64),
        held=np.array(by_order["held"], np.bool_),
        only_first=np.array(only_first, np.int64),
        only_node=np.array(only_node, np.int64),
        not_first=np.array(not_first, np.int64),
        not_node=np.array(not_node, np.int64),
        line_first=np.array(line_first, np.int64),
        line_row=np.arange(line_sku.size),
        line_sku=line_sku,
        line_quantity=np.array(quantity, np.int64),
        line_step=np.array(step, np.int64),
        line_unallocated_cents=np.where(unallocated < 0, base.lost_cents[line_sku], unallocated),
        line_piece=np.array(piece, np.int64),
        piece_first=np.array(piece_first, np.int64),
        piece_levels=np.array(levels, np.int64),
        folded=np.zeros(len(orders), np.bool_),
    )
    return OrderArrays(fold_large_orders(state.network, arrays) if large else arrays, arrays)


_BY_ORDER = (
    "lat",
    "lon",
    "region",
    "residential",
    "deliver_by",
    "hard_promise",
    "late_cents_per_day",
    "priority_pct",
    "ship_complete",
    "max_shipments",
    "held",
)


def _read_only(values: list[Any], kind: Any) -> Any:
    """An array that is read-only where that of a batch is: the kernels are compiled for that."""
    array = np.array(values, kind)
    array.flags.writeable = False
    return array
