"""One page from parameters to batch: places, catalogue, network, assortment, orders, stock, capacity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from engine.batch import Batch, Policy
from engine.errors import Fault, InputError
from engine.generate.capacity import (
    closures_table,
    lanes_table,
    plan_capacity,
    service_capacity_table,
    used_table,
)
from engine.generate.catalogue import draw_catalogue, items_table
from engine.generate.demand import draw_demand, lines_table, orders_table, units_per_order
from engine.generate.loads import LOADS, LoadName
from engine.generate.nodes import nodes_table, place_nodes
from engine.generate.places import load_places
from engine.generate.supply import choose_shelves, draw_sellable, stock_table, two_carriers
from engine.generate.tariffs import bands_table, days_of, rates_table, services_table
from engine.schema import INPUT_TABLES


@dataclass(frozen=True, kw_only=True)
class GenerateParams:
    """What to generate.

    Parameters
    ----------
    load : str
        ``calm``, ``peak``, ``flash`` or ``basket``.
    n_orders, n_nodes, n_skus : int or None
        Sizes, at least 1 each; None: what is usual for the load (see `engine.generate.loads`).
    seed : int
        Same parameters and seed: the same batch, to the byte.
    """

    load: LoadName = "peak"
    n_orders: int | None = None
    n_nodes: int | None = None
    n_skus: int | None = None
    seed: int = 0


def generate(params: GenerateParams | None = None) -> Batch:
    """Generate a realistic batch.

    Parameters
    ----------
    params : GenerateParams, optional
        What to generate; by default 10,000 orders of peak.

    Returns
    -------
    Batch
        Valid, with every default filled in. Time and memory are in proportion to its rows
        (and to skus x nodes for the assortment, a slice at a time).

    Raises
    ------
    InputError
        When a parameter is out of range.
    """
    params = params or GenerateParams()
    _refuse(params)
    load, seed = LOADS[params.load], params.seed
    n_orders = load.n_orders if params.n_orders is None else params.n_orders
    n_nodes = load.n_nodes if params.n_nodes is None else params.n_nodes
    n_skus = load.n_skus if params.n_skus is None else params.n_skus
    today = int(days_of((load.as_of[:10],))[0])

    places = load_places()
    catalogue = draw_catalogue(load, n_skus, seed)
    network = place_nodes(places, n_nodes, seed, cold_stores=load.cold_stores)
    shelves = choose_shelves(load, catalogue, network, places, n_orders * units_per_order(load), seed)
    capacity = plan_capacity(load, network, shelves, n_orders, seed)
    demand = draw_demand(load, catalogue, n_orders, seed)
    carriers = two_carriers(network, shelves, demand.sku[demand.position == 0], seed)
    sellable = draw_sellable(load, catalogue, shelves, seed)
    orders = orders_table(load, demand, places, network, carriers, today, seed)
    tables = {
        "nodes": nodes_table(network, places, seed, capacity.shipments_per_day, capacity.units_per_day),
        "stock": stock_table(catalogue, network, shelves, sellable, today, seed),
        "items": items_table(catalogue),
        "services": services_table(),
        "bands": bands_table(),
        "lanes": lanes_table(network, places, seed),
        "rates": rates_table(),
        "service_capacity": service_capacity_table(network, capacity, seed),
        "closures": closures_table(load, network, today, seed),
        "used": used_table(network, capacity, today, seed),
        "orders": orders,
        "lines": lines_table(demand, catalogue, orders, seed),
    }
    policy = Policy(
        as_of=datetime.fromisoformat(load.as_of),
        max_shipments=load.max_shipments,
        split_cents=load.split_cents,
        unallocated_cents=load.unallocated_cents,
        unallocated_value_bp=load.unallocated_value_bp,
        carbon_cents_per_kg=10,
    )
    return Batch(policy, {name: _in_order(name, table) for name, table in tables.items()})


def _in_order(name: str, table: pa.Table) -> pa.Table:
    return table.select(INPUT_TABLES[name].column_names).combine_chunks()


def _refuse(params: GenerateParams) -> None:
    faults = []
    if params.load not in LOADS:
        faults.append(_fault("load", params.load, "one of " + ", ".join(LOADS)))
    for name, limit in (("n_orders", 100_000_000), ("n_nodes", 20_000), ("n_skus", 10_000_000)):
        value = getattr(params, name)
        if value is not None and not 1 <= value <= limit:
            faults.append(_fault(name, value, f"an integer from 1 to {limit}"))
    if params.seed < 0:
        faults.append(_fault("seed", params.seed, "an integer from 0"))
    if faults:
        raise InputError(faults)


def _fault(name: str, value: object, expected: str) -> Fault:
    return Fault(table="generate", row=None, column=name, value=str(value), expected=expected)
