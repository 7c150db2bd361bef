"""Resource prices of an earlier batch on the resources of a network."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from engine.network import NOW, IntArray, Names, Network, codes, days
from engine.rates import pair_of, stock_resource
from solver.kernels import kernel
from solver.problem import FloatArray
from solver.source import MILLI

KINDS = ("stock", "node_shipments", "node_units", "service_shipments")


class PriceRows(NamedTuple):
    """Rows of a table of prices in numbers; -1 where a row names nothing, or what the network does not have."""

    kind: IntArray  # as in KINDS
    node: IntArray
    sku: IntArray
    service: IntArray
    day: IntArray
    milli: IntArray  # thousandths of a cent


def price_rows(table: pa.Table, names: Names) -> PriceRows:
    """The rows of a table of prices in the numbers of a network."""
    cents = np.asarray(table.column("cents").to_numpy(), np.float64)
    columns = (
        codes(table.column("kind"), pa.array(KINDS)),
        codes(table.column("node_id"), pa.array(names.node_id, pa.string())),
        codes(table.column("sku"), names.sku),
        codes(table.column("service_id"), pa.array(names.service_id, pa.string())),
        days(table, "date", NOW),
        np.rint(np.maximum(cents, 0.0) * MILLI).astype(np.int64),
    )
    return PriceRows(*(column.copy() for column in columns))


def resource_prices(table: pa.Table, network: Network, names: Names) -> FloatArray:
    """Cents a unit of each resource of a network by a table of prices; 0 where that tells nothing."""
    unit = np.zeros(network.supply.size, np.int64)
    map_prices(network, price_rows(table, names), unit)
    return unit / MILLI


@kernel
def map_prices(network: Network, rows: PriceRows, unit: IntArray) -> None:
    """Add each price to the resource that it is about now; those of what is no more are passed over."""
    n_skus, n_nodes, n_services = network.sku_first_pair.size - 1, network.node_lat.size, network.service_fuel_bp.size
    for i in range(rows.kind.size):
        kind, node, sku, service, day = rows.kind[i], rows.node[i], rows.sku[i], rows.service[i], rows.day[i]
        if node < 0 or node >= n_nodes:
            continue
        if kind == 0:
            if sku < 0 or sku >= n_skus:
                continue
            pair = pair_of(network.sku_first_pair, network.pair_node, sku, node)
            if pair < 0:
                continue
            resource = stock_resource(network.pair_first_resource, network.stock_day, pair, day)
            if resource >= 0:
                unit[resource] += rows.milli[i]
            continue
        for slot in range(network.node_first_slot[node], network.node_first_slot[node + 1]):
            if network.slot_day[slot] != day:
                continue
            resource = -1
            if kind == 1:
                resource = int(network.slot_shipments_resource[slot])
            elif kind == 2:
                resource = int(network.slot_units_resource[slot])
            elif kind == 3 and 0 <= service < n_services:
                resource = int(network.slot_service_resource[slot, service])
            if resource >= 0:
                unit[resource] += rows.milli[i]
