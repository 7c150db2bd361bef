"""Why a node cannot serve an order, or some of its lines, in words and figures."""

from __future__ import annotations

from collections.abc import Collection

from engine.calendar import NO_DAY
from engine.live.answers import Obstacle
from engine.live.arrays import OrderArrays
from engine.live.dates import day_of
from engine.live.state import State
from engine.live.types import Order, OrderLine
from engine.rates import covers, distance_m, pair_of, stock_resource
from engine.reasons import service_route


def obstacles_of(
    state: State, order: Order, arrays: OrderArrays, node: int, exclude: Collection[str], *, unable: bool
) -> tuple[Obstacle, ...]:
    """What stands in a node's way: of the whole order, else of each line that it cannot serve.

    Parameters
    ----------
    unable : bool
        Whether no option ships anything from the node; then something is always said.
    """
    whole = _of_order(state, order, node, exclude)
    if whole is not None:
        return (whole,)
    found = [
        obstacle
        for number, line in enumerate(order.lines)
        if (obstacle := _of_line(state, arrays, number, line, node)) is not None
    ]
    if unable and len(found) < len(order.lines):
        found.append(_of_combination(state, order, {obstacle.line_id for obstacle in found}))
    return tuple(found)


def _of_order(state: State, order: Order, node: int, exclude: Collection[str]) -> Obstacle | None:
    network, policy = state.network, state.base.batch.policy
    node_id = state.base.names.node_id[node]
    most = policy.max_shipments if order.max_shipments is None else order.max_shipments
    metres = distance_m(order.lat, order.lon, network.node_lat[node], network.node_lon[node])
    for applies, reason, detail in (
        (order.held, "held", "the order is held"),
        (most == 0, "max_shipments", "the order may have no shipment"),
        (bool(network.node_offline[node]), "offline", "the node is offline"),
        (node_id in exclude, "rejected", "the node may not serve this order any more"),
        (node_id in order.not_nodes, "not_nodes", "the order names it among not_nodes"),
        (bool(order.only_nodes) and node_id not in order.only_nodes, "only_nodes", "the order does not name it"),
        (
            metres / 1000.0 > network.max_distance_km,
            "too_far",
            f"{metres / 1000.0:.3f} km away, at most {network.max_distance_km:g} km are allowed",
        ),
        (
            bool(network.node_first_slot[node] == network.node_first_slot[node + 1]),
            "no_ship_date",
            "no working day within 366 days",
        ),
    ):
        if applies:
            return Obstacle(line_id=None, reason=reason, detail=detail)
    return None


def _of_line(state: State, arrays: OrderArrays, number: int, line: OrderLine, node: int) -> Obstacle | None:
    """The first thing that keeps a node from serving a line by itself (in parts, where it may be split)."""
    network, rows, orders = state.network, state.rows, arrays.judged
    sku = state.base.sku_of[line.sku]
    wanted = int(orders.line_step[number])

    def obstacle(reason: str, detail: str) -> Obstacle:
        return Obstacle(line_id=line.line_id, reason=reason, detail=detail)

    if not covers(network.node_capabilities, node, network.item_requires, sku):
        return obstacle("capability", "the node lacks a capability that the item requires")
    pair = pair_of(rows.sku_first_pair, rows.pair_node, sku, node)
    if pair < 0:
        return obstacle("no_candidate", "the node has no stock row of the item")
    slots = range(int(network.node_first_slot[node]), int(network.node_first_slot[node + 1]))
    stocked = []
    most, last = 0, slots[-1]
    for slot in slots:
        resource = stock_resource(rows.pair_first_resource, rows.stock_day, pair, network.slot_day[slot])
        sellable = int(rows.supply[resource]) if resource >= 0 else 0
        most = max(most, sellable)
        if sellable >= wanted:
            stocked.append(slot)
    if not stocked:
        by = day_of(int(network.slot_day[last]))
        return obstacle("no_stock", f"{most} sellable by {by}, {wanted} wanted")
    return _of_services(state, arrays, stocked, sku, node, wanted, obstacle)


def _of_services(
    state: State, arrays: OrderArrays, slots: list[int], sku: int, node: int, wanted: int, obstacle: object
) -> Obstacle | None:
    network, supply, orders = state.network, state.rows.supply, arrays.judged
    assert callable(obstacle)
    goes = in_time = False
    first_day: int | None = None
    full: str | None = None
    metres = distance_m(orders.lat[0], orders.lon[0], network.node_lat[node], network.node_lon[node])
    for slot in slots:
        shipments_left, units_left = _left(state, slot)
        for service, service_id in enumerate(state.base.names.service_id):
            rate, transit, _ = service_route(network, orders, 0, node, service, metres)
            if rate < 0 or not covers(network.service_capabilities, service, network.item_requires, sku):
                continue
            day = int(network.deliver_day[service, network.slot_day_index[slot], transit])
            if day == NO_DAY:
                continue
            goes = True
            first_day = day if first_day is None else min(first_day, day)
            if orders.hard_promise[0] and day > orders.deliver_by[0]:
                continue
            in_time = True
            resource = int(network.slot_service_resource[slot, service])
            date = day_of(int(network.slot_day[slot]))
            if shipments_left < 1:
                full = f"no shipment left on {date}"
            elif units_left < wanted:
                full = f"{units_left} units left on {date}, {wanted} wanted"
            elif resource >= 0 and supply[resource] < 1:
                full = f"no shipment by {service_id} left on {date}"
            else:
                return None
    answer: Obstacle
    if not goes:
        answer = obstacle("no_service", "no service goes from the node to the order with this item")
    elif not in_time:
        assert first_day is not None
        promised = day_of(int(orders.deliver_by[0]))
        answer = obstacle("hard_promise", f"delivered {day_of(first_day)} at the earliest, promised {promised}")
    else:
        answer = obstacle("no_capacity", full or "nothing left")
    return answer


def _left(state: State, slot: int) -> tuple[int, int]:
    """Shipments and units left of a slot."""
    network, supply = state.network, state.rows.supply
    out = []
    for column in (network.slot_shipments_resource, network.slot_units_resource):
        resource = int(column[slot])
        out.append(int(supply[resource]) if resource >= 0 else 2**62)
    return out[0], out[1]


def _of_combination(state: State, order: Order, unable: set[str | None]) -> Obstacle:
    """What keeps a node from an order some line of which it could serve by itself."""
    able = [line for line in order.lines if line.line_id not in unable]
    if all(line.ship_together for line in able):
        detail = "the lines that it could serve ship together with others that it cannot"
        return Obstacle(line_id=None, reason="ship_together", detail=detail)
    if order.ship_complete:
        detail = "with a shipment from it the order cannot be served whole"
        return Obstacle(line_id=None, reason="ship_complete", detail=detail)
    return Obstacle(line_id=None, reason="no_capacity", detail="its lines do not fit into one shipment of what is left")
