"""Floors for orders whose shipments are not all listed: relaxations that every option obeys."""

from __future__ import annotations

import numpy as np

from engine.network import Network
from engine.orders import Orders
from engine.rates import lost_cents
from engine.shipments import Shipments
from solver.kernels import kernel
from solver.source import MILLI, NO_FLOOR, Prices, price_of

FORBIDDEN = -1e11


@kernel
def relaxed_gain(
    network: Network,
    orders: Orders,
    order: int,
    shipments: Shipments,
    visits: tuple[int, int],
    prices: Prices,
    most: int,
) -> float:
    """A ceiling, in cents, on what serving a large order can save: freight is replaced by a line below it.

    Then the slots of a shipment set are paid for, and each line takes the best of them by itself.
    """
    unit, table_first, table = prices.unit, prices.table_first, prices.table
    first_line = orders.line_first[order]
    n_lines = orders.line_first[order + 1] - first_line
    n_visits = visits[1] - visits[0]
    whole_only = orders.ship_complete[order]
    gain = np.full((n_visits, n_lines), FORBIDDEN if whole_only else 0.0)
    base = np.zeros(n_visits)
    alone = np.zeros(n_visits)
    for v in range(n_visits):
        visit = visits[0] + v
        slot = shipments.visit_slot[visit]
        node = network.slot_node[slot]
        row = shipments.wide_row[visit]
        gram_cents = shipments.wide_gram_cents[row, -1]
        base[v] = (
            shipments.wide_base_cents[row, -1]
            + network.node_shipment_cents[node]
            + network.node_preference_cents[node]
            + network.split_cents
        )
        resource = network.slot_shipments_resource[slot]
        if resource >= 0:
            base[v] += price_of(unit, table_first, table, resource, 1) / MILLI
        alone[v] = -base[v]
        for stop in range(shipments.stop_first[visit], shipments.stop_first[visit + 1]):
            line = shipments.stop_line[stop]
            quantity = orders.line_quantity[line]
            sku = orders.line_sku[line]
            splits = orders.line_step[line] != quantity
            share = quantity * (network.node_unit_cents[node] + gram_cents * network.item_billable_g[sku])
            if not splits:
                share += network.node_line_cents[node]
            first = shipments.stop_resource[stop]
            for r in range(first, first + shipments.stop_n_resources[stop]):
                if not splits or table_first[r] == table_first[r + 1]:
                    share += price_of(unit, table_first, table, r, quantity) / MILLI
            r = network.slot_units_resource[slot]
            if r >= 0 and table_first[r] == table_first[r + 1]:
                share += price_of(unit, table_first, table, r, quantity) / MILLI
            lost = lost_cents(orders.line_unallocated_cents[line], quantity, orders.priority_pct[order]) + (
                1.0 if splits else 0.0
            )
            gain[v, line - first_line] = lost - share if whole_only else max(0.0, lost - share)
            alone[v] += gain[v, line - first_line]
    by_value = np.argsort(-alone)
    ceiling = 0.0
    if most <= 3:
        limit = max(1000, 8_000_000 // max(20, n_lines))
        current = np.full((most + 1, n_lines), FORBIDDEN if whole_only else 0.0)
        start = n_lines * FORBIDDEN if whole_only else 0.0
        total = np.full(most + 1, start)
        at = np.zeros(most + 1, np.int64)
        depth = 0
        while depth >= 0 and limit > 0:
            limit -= 1
            i = at[depth]
            hopeless = not whole_only and i < n_visits
            if hopeless:
                hopeless = total[depth] + (most - depth) * max(0.0, alone[by_value[i]]) <= ceiling
            if i >= n_visits or hopeless:
                if i < n_visits and depth == 0 and alone[by_value[i]] > ceiling:
                    ceiling = alone[by_value[i]]
                depth -= 1
                continue
            at[depth] = i + 1
            v = by_value[i]
            value = total[depth] - base[v]
            for line in range(n_lines):
                best = max(current[depth, line], gain[v, line])
                value += best - current[depth, line]
                current[depth + 1, line] = best
            ceiling = max(ceiling, value)
            if depth + 1 < most:
                depth += 1
                total[depth] = value
                at[depth] = i + 1
        if limit > 0:
            return ceiling + network.split_cents
    ceiling = 0.0
    for line in range(n_lines):
        best = 0.0
        for v in range(n_visits):
            best = max(best, gain[v, line])
        ceiling += best
    least = base.min() if n_visits else 0.0
    return ceiling - (least if least > 0.0 else most * least) + network.split_cents


@kernel
def weak_floor(network: Network, orders: Orders, order: int) -> int:
    """A floor that holds for every option of an order at any prices: each unit at its cheapest, or left.

    Freight is bounded below by the lowest price of a gram in any rate table; every shipment that is allowed may bring
    the lowest (negative) preference. In thousandths of a cent.
    """
    if network.node_lat.size == 0:
        return np.int64(NO_FLOOR)
    gram = np.inf
    for row in range(network.rate_max_g.size):
        gram = min(gram, network.rate_cents[row] / network.rate_max_g[row])
    least_unit = network.node_unit_cents.min()
    least_preference = min(np.int64(0), network.node_preference_cents.min())
    n_lines = orders.line_first[order + 1] - orders.line_first[order]
    total = min(orders.max_shipments[order], n_lines) * float(least_preference)
    for line in range(orders.line_first[order], orders.line_first[order + 1]):
        lost = orders.line_unallocated_cents[line] * orders.priority_pct[order] / 100.0
        served = least_unit + gram * network.item_billable_g[orders.line_sku[line]]
        total += orders.line_quantity[line] * min(lost, served) - 1.0
    return np.int64(np.floor(max(total, -(2.0**50)) * MILLI))
