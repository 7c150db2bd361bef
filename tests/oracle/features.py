"""What an example exercises, so that tests can ask that drawn batches are worth solving."""

from __future__ import annotations

from itertools import pairwise

from .brute import Calendar, Option
from .costs import billable_unit_g, days_late, zone_and_transit
from .reading import Batch, Order, Row
from .solving import Solution

# features that say a rule limited or changed the best allocation
CONSTRAINTS = frozenset(
    {
        "full_stock",
        "full_node_shipments",
        "full_node_units",
        "full_service_shipments",
        "competition",
        "hard_promise_kept",
        "late",
        "split_order",
        "split_line",
        "partial_line",
        "complete_order",
        "nothing_of_complete_order",
        "together",
        "later_ship_date",
        "inbound",
        "capability",
        "shipments_at_limit",
        "priority_unserved",
        "lane",
        "parcels",
        "dimensional_weight",
        "carbon",
        "preference",
        "unserved",
        "held",
    }
)


def features(document: Row, solution: Solution) -> set[str]:
    """Name what the best allocation of a batch touches."""
    batch = Batch(document)
    calendar = Calendar(batch)
    found = {
        f"full_{resource.kind}"
        for resource, amount in solution.use.items()
        if amount and amount == solution.capacity[resource]
    }
    if solution.objective_cents > solution.alone_cents:
        found.add("competition")
    if batch.policy.allow_line_split:
        found.add("line_split_allowed")
    if batch.policy.horizon_days > 1:
        found.add("horizon")
    for order_id, option in solution.chosen.items():
        found |= _order_features(batch, batch.orders[order_id], option)
        found |= _shipment_features(calendar, batch.orders[order_id], option)
    for resource, amount in solution.use.items():
        if resource.kind == "stock" and resource.date is not None:
            now = resource._replace(date=None)
            if amount > solution.capacity[now]:
                found.add("inbound")
    return found


def _order_features(batch: Batch, order: Order, option: Option) -> set[str]:
    whole = not any(option.left)
    units = [[shipment.quantities[index] for shipment in option.shipments] for index in range(len(order.lines))]
    skus = [line.sku for line in order.lines]
    shipped = bool(option.shipments)
    return {
        name
        for name, holds in {
            "ships": shipped,
            "ships_whole_order": shipped and whole,
            "unserved": not whole and not order.held,
            "held": order.held,
            "split_order": len(option.shipments) > 1,
            "three_shipments": len(option.shipments) > 2,
            "split_line": any(sum(1 for n in per_shipment if n) > 1 for per_shipment in units),
            "partial_line": any(0 < left < line.quantity for line, left in zip(order.lines, option.left, strict=True)),
            "complete_order": shipped and order.ship_complete and len(order.lines) > 1,
            "nothing_of_complete_order": order.ship_complete and not shipped and not order.held,
            "together": shipped
            and any(
                a.ship_together == b.ship_together is not None and not left
                for (a, b), left in zip(pairwise(order.lines), option.left)
            ),
            "same_sku_twice": shipped and len(set(skus)) < len(skus),
            "shipments_at_limit": shipped and len(option.shipments) == order.max_shipments and not whole,
            "own_max_shipments": order.max_shipments != batch.policy.max_shipments,
            "no_shipments_allowed": order.max_shipments == 0,
            "priority_unserved": order.priority_pct != 100 and option.unallocated_cents > 0,
            "not_residential": shipped and not order.residential,
            "chosen_nodes": shipped and bool(order.only_nodes or order.not_nodes),
        }.items()
        if holds
    }


def _shipment_features(calendar: Calendar, order: Order, option: Option) -> set[str]:
    batch = calendar.batch
    found = set()
    for shipment in option.shipments:
        node, service = batch.nodes[shipment.node_id], batch.services[shipment.service_id]
        content = [line for line, n in zip(order.lines, shipment.quantities, strict=True) if n]
        items = [batch.items[line.sku] for line in content]
        metres = round(1000 * shipment.distance_km)
        by_band = zone_and_transit(batch, node, _without_region(order), service, metres)
        last_weight_g = batch.rates[shipment.service_id, shipment.zone][-1][0]
        found |= {
            name
            for name, holds in {
                "late": shipment.late_cents > 0,
                "hard_promise_kept": order.hard_promise and order.deliver_by is not None,
                "on_time": order.deliver_by is not None and not days_late(order, shipment.deliver_date),
                "later_ship_date": shipment.ship_date > calendar.dates[shipment.node_id][0],
                "capability": any(item.requires for item in items),
                "lane": by_band != zone_and_transit(batch, node, order, service, metres),
                "parcels": shipment.weight_g > last_weight_g,
                "dimensional_weight": any(billable_unit_g(batch.policy, item) > item.weight_g for item in items),
                "fuel": service.fuel_bp > 0,
                "residential": order.residential and service.residential_cents > 0,
                "handling": shipment.handling_cents > 0,
                "carbon": shipment.carbon_cents > 0,
                "preference": shipment.preference_cents != 0,
                "bonus": shipment.preference_cents < 0,
                "free_transit": shipment.deliver_date == shipment.ship_date,
            }.items()
            if holds
        }
    return found


def _without_region(order: Order) -> Order:
    return Order(**{**order.__dict__, "region": None})
