"""Visits: which slots could serve which lines of an order, by which services, arriving when.

A visit is an order at a slot of a node that may serve it. Its stops are the lines it could serve, with the stock
intervals they would draw on.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.calendar import NO_DAY
from engine.network import NO_RATE, IntArray, Network
from engine.orders import Orders
from engine.rates import covers, distance_m, lane_or_band, late_cents, named_in, stock_resource
from solver.kernels import kernel


class Reach(NamedTuple):
    """Orders and nodes that may serve them, and the (line, stock pair) entries behind each."""

    order: IntArray
    node: IntArray
    metres: IntArray
    first: IntArray  # [n + 1]
    line: IntArray
    pair: IntArray


class Visits(NamedTuple):
    """Visits of a run of orders, sorted by order; rate tables and lateness by service."""

    first: IntArray  # [n_orders + 1]
    slot: IntArray
    metres: IntArray
    rate: IntArray  # [n_visits, n_services]; NO_RATE where a service cannot be used
    day: IntArray  # [n_visits, n_services]: delivery day
    late_cents: IntArray  # [n_visits, n_services]
    stop_first: IntArray  # [n_visits + 1]
    stop_line: IntArray
    stop_resource: IntArray
    stop_n_resources: IntArray


@kernel
def grown(buffer: IntArray, needed: int) -> IntArray:
    """A buffer of at least the needed size with the same beginning."""
    if needed <= buffer.size:
        return buffer
    larger = np.empty(max(needed, 2 * buffer.size), buffer.dtype)
    larger[: buffer.size] = buffer
    return larger


@kernel
def reach(network: Network, orders: Orders, begin: int, end: int) -> Reach:
    """Nodes that may serve lines of orders ``begin .. end - 1``, by MODEL.md's rules on candidates."""
    node_lat, node_lon, offline = network.node_lat, network.node_lon, network.node_offline
    have, need = network.node_capabilities, network.item_requires
    sku_first_pair, pair_node = network.sku_first_pair, network.pair_node
    max_km = network.max_distance_km
    lat, lon, held, most = orders.lat, orders.lon, orders.held, orders.max_shipments
    only_first, only_node = orders.only_first, orders.only_node
    not_first, not_node = orders.not_first, orders.not_node
    line_first, line_sku = orders.line_first, orders.line_sku
    n_nodes = node_lat.size

    out_order = np.empty(1024, np.int64)
    out_node = np.empty(1024, np.int64)
    out_metres = np.empty(1024, np.int64)
    out_first = np.zeros(1025, np.int64)
    out_line = np.empty(4096, np.int64)
    out_pair = np.empty(4096, np.int64)
    n = n_entries = 0
    head = np.full(n_nodes, -1, np.int64)
    touched = np.empty(n_nodes, np.int64)
    chain_next = np.empty(1024, np.int64)
    chain_line = np.empty(1024, np.int64)
    chain_pair = np.empty(1024, np.int64)
    for order in range(begin, end):
        if held[order] or most[order] == 0:
            continue
        n_touched = n_chain = 0
        for line in range(line_first[order + 1] - 1, line_first[order] - 1, -1):
            sku = line_sku[line]
            n_pairs = sku_first_pair[sku + 1] - sku_first_pair[sku]
            chain_next = grown(chain_next, n_chain + n_pairs)
            chain_line = grown(chain_line, chain_next.size)
            chain_pair = grown(chain_pair, chain_next.size)
            for pair in range(sku_first_pair[sku], sku_first_pair[sku + 1]):
                node = pair_node[pair]
                if offline[node] or not covers(have, node, need, sku):
                    continue
                if head[node] < 0:
                    touched[n_touched] = node
                    n_touched += 1
                chain_next[n_chain] = head[node]
                chain_line[n_chain] = line
                chain_pair[n_chain] = pair
                head[node] = n_chain
                n_chain += 1
        listed = only_first[order + 1] > only_first[order]
        out_order = grown(out_order, n + n_touched)
        out_node = grown(out_node, out_order.size)
        out_metres = grown(out_metres, out_order.size)
        out_first = grown(out_first, out_order.size + 1)
        out_line = grown(out_line, n_entries + n_chain)
        out_pair = grown(out_pair, out_line.size)
        for t in range(n_touched):
            node = touched[t]
            entry = head[node]
            head[node] = -1
            if listed and not named_in(only_first, only_node, order, node):
                continue
            if named_in(not_first, not_node, order, node):
                continue
            metres = distance_m(lat[order], lon[order], node_lat[node], node_lon[node])
            if metres / 1000.0 > max_km:
                continue
            while entry >= 0:
                out_line[n_entries] = chain_line[entry]
                out_pair[n_entries] = chain_pair[entry]
                n_entries += 1
                entry = chain_next[entry]
            out_order[n] = order
            out_node[n] = node
            out_metres[n] = metres
            n += 1
            out_first[n] = n_entries
    return Reach(
        out_order[:n].copy(),
        out_node[:n].copy(),
        out_metres[:n].copy(),
        out_first[: n + 1].copy(),
        out_line[:n_entries].copy(),
        out_pair[:n_entries].copy(),
    )


@kernel
def visits_of(network: Network, orders: Orders, begin: int, end: int, reached: Reach) -> Visits:
    """Slots of reached nodes with something in stock for the order and a service that goes, in time if it must."""
    supply = network.supply
    node_first_slot, slot_day, day_index = network.node_first_slot, network.slot_day, network.slot_day_index
    shipments_resource, service_resource = network.slot_shipments_resource, network.slot_service_resource
    lane_row, lane_rate, lane_transit = network.lane_row, network.lane_rate, network.lane_transit
    band_first, band_max_km = network.band_first, network.band_max_km
    band_rate, band_transit = network.band_rate, network.band_transit
    deliver_day = network.deliver_day
    pair_first, stock_day = network.pair_first_resource, network.stock_day
    region, deliver_by, hard = orders.region, orders.deliver_by, orders.hard_promise
    late_per_day, priority, line_step = orders.late_cents_per_day, orders.priority_pct, orders.line_step
    r_order, r_node, r_metres = reached.order, reached.node, reached.metres
    r_first, r_line, r_pair = reached.first, reached.line, reached.pair
    n_services = band_first.size - 1

    n_most = 0
    n_stops_most = 0
    for i in range(r_order.size):
        n_slots = node_first_slot[r_node[i] + 1] - node_first_slot[r_node[i]]
        n_most += n_slots
        n_stops_most += n_slots * (r_first[i + 1] - r_first[i])
    count = np.zeros(end - begin, np.int64)
    slot_out = np.empty(n_most, np.int64)
    metres_out = np.empty(n_most, np.int64)
    rate_out = np.empty((n_most, n_services), np.int64)
    day_out = np.empty((n_most, n_services), np.int64)
    late_out = np.zeros((n_most, n_services), np.int64)
    stop_first = np.zeros(n_most + 1, np.int64)
    stop_line = np.empty(n_stops_most, np.int64)
    stop_resource = np.empty(n_stops_most, np.int64)
    stop_n = np.empty(n_stops_most, np.int64)
    n = n_stops = 0
    rate = np.empty(n_services, np.int64)
    transit = np.empty(n_services, np.int64)
    for i in range(r_order.size):
        order, node, metres = r_order[i], r_node[i], r_metres[i]
        for service in range(n_services):
            rate[service], row = lane_or_band(
                lane_row, lane_rate, band_first, band_max_km, band_rate, node, region[order], service, metres
            )
            if rate[service] >= 0:
                transit[service] = lane_transit[row, service] if row >= 0 else band_transit[-1 - row]
        for slot in range(node_first_slot[node], node_first_slot[node + 1]):
            if shipments_resource[slot] >= 0 and supply[shipments_resource[slot]] < 1:
                continue
            goes = False
            for service in range(n_services):
                rate_out[n, service] = NO_RATE
                late_out[n, service] = 0
                if rate[service] < 0:
                    continue
                left = service_resource[slot, service]
                if left >= 0 and supply[left] < 1:
                    continue
                arrives = deliver_day[service, day_index[slot], transit[service]]
                if arrives == NO_DAY:
                    continue
                n_late = arrives - deliver_by[order]
                if n_late > 0 and hard[order]:
                    continue
                rate_out[n, service] = rate[service]
                day_out[n, service] = arrives
                late_out[n, service] = late_cents(late_per_day[order], n_late, priority[order])
                goes = True
            if not goes:
                continue
            before = n_stops
            for entry in range(r_first[i], r_first[i + 1]):
                line, pair = r_line[entry], r_pair[entry]
                resource = stock_resource(pair_first, stock_day, pair, slot_day[slot])
                if resource >= 0 and supply[resource] >= line_step[line]:
                    stop_line[n_stops] = line
                    stop_resource[n_stops] = resource
                    stop_n[n_stops] = pair_first[pair + 1] - resource
                    n_stops += 1
            if n_stops == before:
                continue
            slot_out[n] = slot
            metres_out[n] = metres
            n += 1
            stop_first[n] = n_stops
            count[order - begin] += 1
    first = np.zeros(end - begin + 1, np.int64)
    for i in range(end - begin):
        first[i + 1] = first[i] + count[i]
    return Visits(
        first,
        slot_out[:n].copy(),
        metres_out[:n].copy(),
        rate_out[:n].copy(),
        day_out[:n].copy(),
        late_out[:n].copy(),
        stop_first[: n + 1].copy(),
        stop_line[:n_stops].copy(),
        stop_resource[:n_stops].copy(),
        stop_n[:n_stops].copy(),
    )
