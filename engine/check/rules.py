"""The rules of an option: who may ship what, when, in how many shipments, and which lines go together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.check.claimed import Claimed
from engine.check.columns import BoolArray, IntArray, by_day, join
from engine.check.costs import Costs
from engine.check.dates import ShipDates
from engine.check.given import Capabilities, Choosers, Given
from engine.check.report import Findings, day_text
from engine.check.routes import Routes


@dataclass(frozen=True, kw_only=True)
class Permits:
    """What decides whether a node and a service may serve: built once for a batch."""

    ship_dates: ShipDates
    choosers: Choosers
    node_capabilities: Capabilities
    service_capabilities: Capabilities


def permits_of(given: Given) -> Permits:
    """Build the permits of a batch."""
    return Permits(
        ship_dates=ShipDates(given),
        choosers=Choosers(given),
        node_capabilities=Capabilities(given.items, given.nodes),
        service_capabilities=Capabilities(given.items, given.services),
    )


def check_candidates(
    given: Given, claimed: Claimed, costs: Costs, permits: Permits, routes: Routes, findings: Findings
) -> None:
    """Check that every node and service may serve what it serves, on that date."""
    n, at = claimed.shipments.n, costs.at
    nodes = claimed.shipments.texts("node_id")

    def spread(wrong: BoolArray) -> BoolArray:
        over = np.zeros(n, dtype=np.bool_)
        over[at] = wrong
        return over

    offline = given.nodes.bools("offline")[costs.node]
    findings.rows("shipments", "node_id", spread(offline), lambda row: nodes[row], "a node that is not offline")
    refused = permits.choosers.refuse(costs.order, costs.node)
    findings.rows(
        "shipments",
        "node_id",
        spread(refused),
        lambda row: nodes[row],
        "a node that only_nodes and not_nodes allow",
    )
    if given.policy.max_distance_km is not None:
        far = costs.metres / 1000.0 > given.policy.max_distance_km
        findings.rows(
            "shipments",
            "node_id",
            spread(far),
            lambda row: nodes[row],
            f"a node within {given.policy.max_distance_km} km",
        )
    dated = permits.ship_dates.includes(costs.node, costs.ship_day)
    findings.rows(
        "shipments",
        "ship_date",
        spread(~dated),
        lambda row: day_text(int(claimed.ship_day[row])),
        lambda row: f"a ship date of the node, the first being {_first(permits.ship_dates, claimed.node[row])}",
    )
    late = given.hard_promise[costs.order] & (routes.late_days(costs.order, costs.deliver_day) > 0)
    findings.rows(
        "shipments",
        "deliver_date",
        spread(late),
        lambda row: day_text(int(claimed.deliver_day[row])),
        lambda row: f"by {day_text(int(given.deliver_by[claimed.order[row]]))}, a hard promise",
    )

    part = np.flatnonzero(claimed.part_counts)
    part = part[claimed.usable[claimed.part_shipment[part]]]
    item = given.line_item[claimed.part_line[part]]
    shipment = claimed.part_shipment[part]
    skus = claimed.allocations.texts("sku")
    for column, holder, capabilities in (
        ("node_id", claimed.node, permits.node_capabilities),
        ("service_id", claimed.service, permits.service_capabilities),
    ):
        wrong = np.zeros(claimed.allocations.n, dtype=np.bool_)
        wrong[part] = capabilities.missing(item, holder[shipment])
        noun = "node" if column == "node_id" else "service"
        findings.rows(
            "allocations",
            "sku",
            wrong,
            lambda row: skus[row],
            f"an item whose required capabilities the shipment's {noun} has",
        )
    held = (claimed.order >= 0) & np.append(given.held, False)[claimed.order]
    orders = claimed.shipments.texts("order_id")
    findings.rows("shipments", "order_id", held, lambda row: orders[row], "an order that is not held")


def _first(ship_dates: ShipDates, node: int) -> str:
    return day_text(int(ship_dates.first[node]))


def check_shipments(given: Given, claimed: Claimed, findings: Findings) -> None:
    """Check how many shipments an order has, and that no two leave one slot."""
    order = claimed.order
    ranked = np.argsort(order, kind="stable")
    starts = np.flatnonzero(np.diff(order[ranked], prepend=-2) != 0)
    rank = np.empty(len(order), dtype=np.int64)
    rank[ranked] = np.arange(len(order)) - np.repeat(starts, np.diff(starts, append=len(order)))
    most = np.append(given.max_shipments, 0)[order]
    orders = claimed.shipments.texts("order_id")
    findings.rows(
        "shipments",
        "order_id",
        (order >= 0) & (rank >= most),
        lambda row: f"{orders[row]} with shipment {rank[row] + 1}",
        lambda row: f"at most {most[row]} shipments of the order",
    )
    slot = by_day(join((order, given.orders.n), (claimed.node, given.nodes.n)), claimed.ship_day)
    first = np.zeros(len(slot), dtype=np.bool_)
    first[np.unique(slot, return_index=True)[1]] = True
    nodes = claimed.shipments.texts("node_id")
    findings.rows(
        "shipments",
        "node_id",
        ~first & (slot >= 0),
        lambda row: f"{nodes[row]} on {day_text(int(claimed.ship_day[row]))} again",
        "one shipment of the order from a node and date",
    )


def check_lines(given: Given, claimed: Claimed, findings: Findings) -> None:
    """Check which lines may be split, which go together, and which orders are whole or not at all."""
    part, line = claimed.part_quantity, claimed.part_line
    known = line >= 0
    whole = np.append(given.line_quantity, 0)[line]
    together = np.append(given.line_group, -1)[line]
    must_be_whole = known & ((together >= 0) | (not given.policy.allow_line_split))
    findings.rows(
        "allocations",
        "quantity",
        must_be_whole & (part < whole),
        lambda row: part[row],
        lambda row: f"{whole[row]}, the line not being split",
    )
    _check_groups(given, claimed, together, findings)
    complete = np.append(given.ship_complete, False)
    served = np.zeros(given.orders.n, dtype=np.bool_)
    served[claimed.part_order[known & (part > 0)]] = True
    half = complete[claimed.left_order] & np.append(served, False)[claimed.left_order]
    lines = claimed.unallocated.texts("line_id")
    findings.rows(
        "unallocated",
        "line_id",
        half,
        lambda row: lines[row],
        "no line of a ship_complete order of which units are shipped",
    )


def _check_groups(given: Given, claimed: Claimed, together: IntArray, findings: Findings) -> None:
    """Check that the lines of a ship_together group are in one shipment, or none of them in any."""
    grouped = np.flatnonzero(together >= 0)
    if not len(grouped):
        return
    n_groups = int(given.line_group.max()) + 1
    first = np.full(n_groups, -1, dtype=np.int64)
    first[together[grouped[::-1]]] = grouped[::-1]
    torn = np.zeros(claimed.allocations.n, dtype=np.bool_)
    home = claimed.part_shipment[first[together[grouped]]]
    torn[grouped] = claimed.part_shipment[grouped] != home
    shipments = claimed.allocations.texts("shipment_id")
    findings.rows(
        "allocations",
        "shipment_id",
        torn,
        lambda row: shipments[row],
        lambda row: f"{shipments[int(first[together[row]])]}, with the lines it ships together with",
    )
    member = np.append(given.line_group, -1)[claimed.left_line]
    lost = (member >= 0) & (np.append(first, -1)[member] >= 0)
    lines = claimed.unallocated.texts("line_id")
    findings.rows(
        "unallocated",
        "line_id",
        lost,
        lambda row: lines[row],
        lambda row: f"in shipment {shipments[int(first[member[row]])]}, with the lines it ships together with",
    )
