"""Routes orders by a rule, one after another: rank the nodes, pick some, ship what they have, book what it uses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.network import IntArray, Network
from engine.orders import Orders
from engine.rates import lost_cents
from engine.rules.carrying import Desk, Goods, Yard, desk_of, draw, find_site
from engine.rules.fewest import MOST_LINES, fewest_sites
from engine.rules.shipping import Tariff, cheapest_way, tariff_of
from engine.visits import Visits, grown
from solver.kernels import kernel

DISTANCE, TABLE, STOCK = range(3)
"""Ranks: nearest first; as the nodes table has them; most of the wanted stock left first, then nearest."""

WALK, SINGLE, FEWEST = range(3)
"""Searches: node after node; one node that has the whole order; the fewest nodes, then the nearest."""


class Passes(NamedTuple):
    """How a batch of orders is gone through, once or several times; one entry a pass."""

    rank: IntArray
    search: IntArray
    in_time: NDArray[np.bool_]  # nodes whose cheapest way arrives after deliver_by are passed over
    leave_if_dearer: bool


class Routed(NamedTuple):
    """Shipments in the order in which they were decided; one row a shipment and one a served line, always whole."""

    order: IntArray
    slot: IntArray
    service: IntArray
    row_shipment: IntArray
    row_line: IntArray
    row_resource: IntArray  # first stock interval that the line draws on ...
    row_n_resources: IntArray  # ... and how many, from there on


class Plan(NamedTuple):
    """Working space: the nodes that could serve an order (sites), and those that shall, a shipment each."""

    site_first: IntArray  # offsets of the visits of a site, one for each ship date
    mask: IntArray
    metres: IntArray
    site: IntArray  # by shipment
    visit: IntArray
    service: IntArray


@kernel
def route_run(
    network: Network, orders: Orders, visits: Visits, batch_first: IntArray, passes: Passes, left: IntArray
) -> Routed:
    """Route a run of orders, batch after batch, each pass over a batch before the next.

    Parameters
    ----------
    visits : Visits
        Of the orders ``batch_first[0] .. batch_first[-1] - 1``, for whole lines.
    batch_first : int64[n_batches + 1]
        First order of each batch.
    left : int64[n_resources]
        What is left of each resource; what the shipments use is taken out.
    """
    yard = Yard(
        network.slot_node,
        network.slot_shipments_resource,
        network.slot_units_resource,
        network.slot_service_resource,
        left,
        network.service_capabilities,
    )
    goods = Goods(orders.line_sku, orders.line_quantity, orders.line_piece, network.item_requires)
    tariff = tariff_of(network)
    n_nodes = network.node_lat.size
    line_first, max_shipments, deliver_by = orders.line_first, orders.max_shipments, orders.deliver_by
    residential, ship_complete = orders.residential, orders.ship_complete
    lost_unit, priority = orders.line_unallocated_cents, orders.priority_pct
    begin, end = batch_first[0], batch_first[-1]
    most_lines, most_visits = 1, 1
    for order in range(begin, end):
        most_lines = max(most_lines, line_first[order + 1] - line_first[order])
        most_visits = max(most_visits, visits.first[order - begin + 1] - visits.first[order - begin])
    desk = desk_of(most_lines, network.item_requires.shape[1])
    plan = _plan_of(most_visits)
    home = desk.home
    done = np.zeros(end - begin, np.bool_)
    out_order, out_slot, out_service = np.empty(1024, np.int64), np.empty(1024, np.int64), np.empty(1024, np.int64)
    row_shipment, row_line = np.empty(1024, np.int64), np.empty(1024, np.int64)
    row_resource, row_n_resources = np.empty(1024, np.int64), np.empty(1024, np.int64)
    n_out = n_rows = 0
    for batch in range(batch_first.size - 1):
        for at in range(passes.rank.size):
            for order in range(batch_first[batch], batch_first[batch + 1]):
                first_visit, last_visit = visits.first[order - begin], visits.first[order - begin + 1]
                if done[order - begin] or first_visit == last_visit:
                    continue
                first_line, n_lines = line_first[order], line_first[order + 1] - line_first[order]
                ranked = _ranked(passes.rank[at], first_visit, last_visit, visits, yard, n_nodes, plan)
                n_shipments = _pick(
                    passes.search[at],
                    passes.in_time[at],
                    ranked,
                    min(max_shipments[order], n_lines),
                    visits,
                    yard,
                    goods,
                    tariff,
                    residential[order],
                    deliver_by[order],
                    first_line,
                    n_lines,
                    desk,
                    plan,
                )
                if n_shipments == 0 or (ship_complete[order] and (home[:n_lines] < 0).any()):
                    continue
                cents = np.int64((n_shipments - 1) * tariff.split_cents)
                nothing = np.int64(0)
                for i in range(n_lines):
                    line = first_line + i
                    lost = lost_cents(lost_unit[line], goods.quantity[line], priority[order])
                    nothing += lost
                    if home[i] < 0:
                        cents += lost
                for k in range(n_shipments):
                    site = plan.site[k]
                    plan.visit[k], plan.service[k], its_cents = cheapest_way(
                        k,
                        plan.site_first[site],
                        plan.site_first[site + 1],
                        visits,
                        yard,
                        goods,
                        tariff,
                        residential[order],
                        first_line,
                        n_lines,
                        desk,
                    )
                    assert plan.visit[k] >= 0
                    cents += its_cents
                if passes.leave_if_dearer and cents > nothing:
                    continue

                done[order - begin] = True
                out_order = grown(out_order, n_out + n_shipments)
                out_slot = grown(out_slot, out_order.size)
                out_service = grown(out_service, out_order.size)
                row_shipment = grown(row_shipment, n_rows + n_lines)
                row_line = grown(row_line, row_shipment.size)
                row_resource = grown(row_resource, row_shipment.size)
                row_n_resources = grown(row_n_resources, row_shipment.size)
                for k in range(n_shipments):
                    out_order[n_out], out_slot[n_out] = order, visits.slot[plan.visit[k]]
                    out_service[n_out] = plan.service[k]
                    n = _book(k, visits, yard, goods, first_line, desk, plan)
                    for j in range(n):
                        stop = desk.taken[j]
                        row_shipment[n_rows], row_line[n_rows] = n_out, visits.stop_line[stop]
                        row_resource[n_rows] = visits.stop_resource[stop]
                        row_n_resources[n_rows] = visits.stop_n_resources[stop]
                        n_rows += 1
                    n_out += 1
    return Routed(
        out_order[:n_out].copy(),
        out_slot[:n_out].copy(),
        out_service[:n_out].copy(),
        row_shipment[:n_rows].copy(),
        row_line[:n_rows].copy(),
        row_resource[:n_rows].copy(),
        row_n_resources[:n_rows].copy(),
    )


@kernel
def _plan_of(n: int) -> Plan:
    return Plan(
        np.zeros(n + 1, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
    )


@kernel
def _ranked(
    rank: int,
    first_visit: int,
    last_visit: int,
    visits: Visits,
    yard: Yard,
    n_nodes: int,
    plan: Plan,
) -> IntArray:
    """The sites of an order, best first, equals as in the nodes table; notes their visits."""
    n = 0
    key = np.empty(last_visit - first_visit, np.int64)
    for visit in range(first_visit, last_visit):
        node = yard.node[visits.slot[visit]]
        if visit == first_visit or node != yard.node[visits.slot[visit - 1]]:
            plan.site_first[n] = visit
            key[n] = node if rank == TABLE else visits.metres[visit] * n_nodes + node
            n += 1
    plan.site_first[n] = last_visit
    ranked = np.argsort(key[:n], kind="mergesort")
    if rank != STOCK:
        return ranked
    for i in range(n):
        # the last ship date counts all stock there is
        visit = plan.site_first[ranked[i] + 1] - 1
        key[i] = 0
        for stop in range(visits.stop_first[visit], visits.stop_first[visit + 1]):
            resource = visits.stop_resource[stop]
            seen = False
            for other in range(visits.stop_first[visit], stop):
                seen = seen or visits.stop_resource[other] == resource
            if not seen:
                key[i] -= yard.left[resource + visits.stop_n_resources[stop] - 1]
    return ranked[np.argsort(key[:n], kind="mergesort")]


@kernel
def _pick(
    search: int,
    in_time: bool,
    ranked: IntArray,
    most: int,
    visits: Visits,
    yard: Yard,
    goods: Goods,
    tariff: Tariff,
    residential: bool,
    deliver_by: int,
    first_line: int,
    n_lines: int,
    desk: Desk,
    plan: Plan,
) -> int:
    """Choose up to ``most`` sites and which lines each ships; returns the number of shipments."""
    home, best, site_first = desk.home, desk.best, plan.site_first
    home[:n_lines] = -1
    desk.piece_size[:n_lines] = 0
    for line in range(first_line, first_line + n_lines):
        desk.piece_size[goods.piece[line]] += 1
    if search == FEWEST and n_lines <= MOST_LINES:
        for i in range(ranked.size):
            plan.metres[i] = visits.metres[site_first[ranked[i]]]
            plan.mask[i] = 0
            _, n = find_site(ranked, i, i + 1, 1, site_first, visits, yard, goods, first_line, desk)
            for j in range(n):
                plan.mask[i] |= np.int64(1) << (visits.stop_line[best[j]] - first_line)
        n_shipments = fewest_sites(plan.mask[: ranked.size], plan.metres, most, plan.site)
        for k in range(n_shipments):
            i = plan.site[k]
            plan.site[k] = ranked[i]
            for line in range(n_lines):
                if home[line] < 0 and (plan.mask[i] >> line) & 1:
                    home[line] = k
        return n_shipments
    n_shipments = 0
    n_left = n_lines
    start = 0
    while n_left > 0 and n_shipments < most:
        enough = n_left if search == SINGLE or n_shipments == most - 1 else 1
        position, n = find_site(ranked, start, ranked.size, enough, site_first, visits, yard, goods, first_line, desk)
        if n == 0 or (search == SINGLE and n < n_lines):
            break
        start = position + 1
        site = ranked[position]
        for j in range(n):
            home[visits.stop_line[best[j]] - first_line] = n_shipments
        if in_time:
            visit, service, _ = cheapest_way(
                n_shipments,
                site_first[site],
                site_first[site + 1],
                visits,
                yard,
                goods,
                tariff,
                residential,
                first_line,
                n_lines,
                desk,
            )
            if visits.day[visit, service] > deliver_by:
                for j in range(n):
                    home[visits.stop_line[best[j]] - first_line] = -1
                continue
        plan.site[n_shipments] = site
        n_shipments += 1
        n_left -= n
    return n_shipments


@kernel
def _book(shipment: int, visits: Visits, yard: Yard, goods: Goods, first_line: int, desk: Desk, plan: Plan) -> int:
    """Take what a shipment uses out of what is left; returns its lines, whose stops are in ``desk.taken``."""
    left, visit = yard.left, plan.visit[shipment]
    slot = visits.slot[visit]
    for resource in (yard.shipments[slot], yard.service[slot, plan.service[shipment]]):
        if resource >= 0:
            left[resource] -= 1
    n = 0
    for stop in range(visits.stop_first[visit], visits.stop_first[visit + 1]):
        line = visits.stop_line[stop]
        if desk.home[line - first_line] == shipment:
            draw(left, visits.stop_resource[stop], visits.stop_n_resources[stop], goods.quantity[line])
            if yard.units[slot] >= 0:
                left[yard.units[slot]] -= goods.quantity[line]
            desk.taken[n] = stop
            n += 1
    return n
