"""Deciding an order again: what is fixed stays, the rest stays where it is unless moving it is cheaper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import count

import numpy as np

from engine.calendar import day_number
from engine.listing import Options
from engine.live.arrays import OrderArrays, order_arrays
from engine.live.choosing import Outcome, option_values, options_of, take_deep, take_first
from engine.live.documents import decisions_of
from engine.live.snapshot import taken_changes
from engine.live.state import State
from engine.live.turns import Turn
from engine.live.types import Again, Allocated, Decision, Order, Shipment, Standing
from engine.network import IntArray
from engine.orders import nothing_cents
from engine.reasons import reasons_of
from engine.shipments import Shipments, list_offers
from engine.visits import Reach, Visits, reach, visits_of
from solver.problem import offsets, ranges
from solver.source import MILLI, Prices

TIES = 64
"""How many options of equal value are looked at for the one that moves least."""


def decide_again(
    turn: Turn, order: Order, again: Again, exclude: Mapping[str, Collection[str]], prices: Prices
) -> Decision:
    """Decide an order that has shipments already; see :func:`engine.live.decide`."""
    state = turn.state
    fixed = [standing for standing in again.standing if standing.fixed]
    loose = [standing for standing in again.standing if not standing.fixed]
    if loose:
        held = _as_decision(order, loose)
        turn.change(*taken_changes(state.base, held.positions, held.capacity, -1))
    rest = _rest(state, order, fixed)
    if not rest.lines:
        return _as_decision(order, fixed)
    arrays = order_arrays(state, [rest], exclude)
    barred = _barred_reasons(state, rest, again, exclude)
    outcome = _take(state, rest, arrays, again, fixed, loose, prices)
    for line, reason in barred.items():
        outcome.reason[line] = reason
    turn.took(arrays.orders, outcome.chosen)
    decided = decisions_of(state, [rest], arrays, outcome, prices)[0]
    return _merged(state, order, decided, fixed, loose)


def _as_decision(order: Order, standing: list[Standing]) -> Decision:
    return Decision(
        order_id=order.order_id,
        shipments=tuple(one.shipment for one in standing),
        allocations=tuple(row for one in standing for row in one.allocations),
        unallocated=(),
    )


def _rest(state: State, order: Order, fixed: list[Standing]) -> Order:
    """What of the order is not fixed."""
    done: Counter[str] = Counter()
    for standing in fixed:
        for row in standing.allocations:
            done[row.line_id] += row.quantity
    lines = tuple(
        replace(line, quantity=line.quantity - done[line.line_id])
        for line in order.lines
        if line.quantity > done[line.line_id]
    )
    most = state.base.batch.policy.max_shipments if order.max_shipments is None else order.max_shipments
    return replace(order, lines=lines, max_shipments=max(0, most - len(fixed)))


def _barred_reasons(state: State, rest: Order, again: Again, exclude: Mapping[str, Collection[str]]) -> dict[int, int]:
    """Why lines cannot be served that may not come from certain nodes: as if those were in ``not_nodes``."""
    out = {}
    for number, line in enumerate(rest.lines):
        nodes = tuple(node_id for node_id in again.barred.get(line.line_id, ()) if node_id in state.base.node_of)
        if nodes:
            judged = order_arrays(state, [replace(rest, not_nodes=(*rest.not_nodes, *nodes))], exclude).judged
            asked = np.arange(len(rest.lines)) == number
            out[number] = int(reasons_of(state.network, judged, asked)[number])
    return out


def _take(
    state: State,
    rest: Order,
    arrays: OrderArrays,
    again: Again,
    fixed: list[Standing],
    loose: list[Standing],
    prices: Prices,
) -> Outcome:
    network, orders = state.network, arrays.orders
    left = np.zeros(orders.line_sku.size, np.int64)
    reason = np.zeros(orders.line_sku.size, np.int64)
    reached = without_pairs(reach(network, orders, 0, 1), _barred_pairs(state, rest, again))
    visits = visits_of(network, orders, 0, 1, reached)
    shipments = list_offers(network, orders, 0, 1, without_slots(visits, _slots(state, fixed)))
    options = options_of(network, orders, shipments, 0, 1, prices, limit=TIES)
    ranked = _ranked(state, arrays, shipments, options, fixed, loose, prices)
    chosen = take_first(state, arrays, 0, shipments, options, ranked, prices, left, reason)
    if chosen is None:
        chosen = take_deep(state, arrays, 0, shipments, prices, left, reason)
    return Outcome(chosen, left, reason)


def _ranked(
    state: State,
    arrays: OrderArrays,
    shipments: Shipments,
    options: Options,
    fixed: list[Standing],
    loose: list[Standing],
    prices: Prices,
) -> IntArray:
    """Options by value, then by how little they move; none that is worse than serving nothing."""
    network, orders = state.network, arrays.orders
    cost, price = option_values(network, orders, shipments, options, prices)
    value = cost + price
    nothing = int(nothing_cents(orders)[0]) * MILLI
    split = network.split_cents * MILLI if fixed else 0  # the order's first shipment is a fixed one
    service_of = state.base.service_of
    places = {(slot, service_of.get(one.shipment.service_id, -1)) for one in loose for slot in _slots(state, [one])}
    stays = np.zeros(value.size, np.int64)
    for option in range(value.size):
        its = slice(int(options.first[option]), int(options.first[option + 1]))
        pairs = zip(shipments.visit_slot[options.visit[its]].tolist(), options.service[its].tolist())
        stays[option] = sum(pair in places for pair in pairs)
    order = np.lexsort((-stays, value))
    return order[value[order] + split <= nothing]


def _slots(state: State, standing: list[Standing]) -> list[int]:
    """The slots of standing shipments, those of past ship dates and of nodes that are no more left out."""
    network = state.network
    out = []
    for one in standing:
        node = state.base.node_of.get(one.shipment.node_id)
        if node is None:
            continue
        its = range(int(network.node_first_slot[node]), int(network.node_first_slot[node + 1]))
        day = day_number(one.shipment.ship_date)
        out += [slot for slot in its if network.slot_day[slot] == day]
    return out


def _barred_pairs(state: State, rest: Order, again: Again) -> set[tuple[int, int]]:
    return {
        (number, state.base.node_of[node_id])
        for number, line in enumerate(rest.lines)
        for node_id in again.barred.get(line.line_id, ())
        if node_id in state.base.node_of
    }


def without_pairs(reached: Reach, barred: set[tuple[int, int]]) -> Reach:
    """Take (line, node) pairs out of what was reached."""
    if not barred:
        return reached
    node = np.repeat(reached.node, np.diff(reached.first))
    keep = np.array([(line, at) not in barred for line, at in zip(reached.line.tolist(), node.tolist())], np.bool_)
    running = offsets(keep.astype(np.int64))
    return reached._replace(first=running[reached.first], line=reached.line[keep], pair=reached.pair[keep])


def without_slots(visits: Visits, slots: list[int]) -> Visits:
    """Take the visits at some slots out; of one order only."""
    keep = np.flatnonzero(~np.isin(visits.slot, slots))
    if keep.size == visits.slot.size:
        return visits
    start, stop = visits.stop_first[keep], visits.stop_first[keep + 1]
    entries = ranges(start, stop)
    return Visits(
        first=np.array([0, keep.size]),
        slot=visits.slot[keep],
        metres=visits.metres[keep],
        rate=visits.rate[keep],
        day=visits.day[keep],
        late_cents=visits.late_cents[keep],
        stop_first=offsets(stop - start),
        stop_line=visits.stop_line[entries],
        stop_resource=visits.stop_resource[entries],
        stop_n_resources=visits.stop_n_resources[entries],
    )


def _merged(state: State, order: Order, decided: Decision, fixed: list[Standing], loose: list[Standing]) -> Decision:
    """Put fixed and new shipments together; what stays where it is keeps its id, others get new ones."""
    stays = {_place(one.shipment): one.shipment.shipment_id for one in loose}
    taken = {one.shipment.shipment_id for one in (*fixed, *loose)}
    fresh = (name for number in count(1) if (name := f"{order.order_id}-{number}") not in taken)
    renamed = {}
    shipments: list[Shipment] = [one.shipment for one in fixed]
    for row in decided.shipments:
        shipment_id = stays.get(_place(row)) or next(fresh)
        renamed[row.shipment_id] = shipment_id
        shipments.append(replace(row, shipment_id=shipment_id))
    split_cents = int(state.network.split_cents)
    shipments = [replace(row, split_cents=split_cents if i else 0) for i, row in enumerate(shipments)]
    allocations: list[Allocated] = [row for one in fixed for row in one.allocations]
    allocations += [replace(row, shipment_id=renamed[row.shipment_id]) for row in decided.allocations]
    place = {line.line_id: i for i, line in enumerate(order.lines)}
    allocations.sort(key=lambda row: place[row.line_id])
    return replace(decided, shipments=tuple(shipments), allocations=tuple(allocations))


def _place(row: Shipment) -> tuple[object, ...]:
    return row.node_id, row.service_id, row.ship_date
