"""From a batch to an abstract problem, and the index that leads back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.documents import Batch
from engine.folding import fold_large_orders
from engine.network import IntArray, Names, Network, build_network
from engine.options import Mapper, OrderOptions
from engine.orders import Orders, build_orders
from solver.kernels import kernel
from solver.problem import Problem

MAX_PACKED_SUPPLY = 62


@dataclass(frozen=True, kw_only=True, eq=False)
class Compiled:
    """A problem and what its numbers mean. Groups are orders; resources are the network's.

    Parameters
    ----------
    problem : Problem
        One option an order: everything unallocated.
    options : OrderOptions
        The source of all others; tags are its records.
    """

    problem: Problem
    options: OrderOptions
    network: Network
    orders: Orders
    names: Names


def compile_batch(batch: Batch, *, parallel: Mapper = map) -> Compiled:
    """Turn a batch into a problem whose options are asked for as they are needed."""
    network, names = build_network(batch)
    orders = fold_large_orders(network, build_orders(batch, names))
    options = OrderOptions(network, orders, parallel=parallel)
    nothing = options.nothing()
    n_orders = orders.lat.size
    problem = Problem.from_arrays(
        cost=nothing.cost,
        first=np.arange(n_orders + 1),
        usage_start=nothing.usage_start,
        usage_resource=nothing.usage_resource,
        usage_amount=nothing.usage_amount,
        supply=reachable_supply(network, orders),
    )
    return Compiled(problem=problem, options=options, network=network, orders=orders, names=names)


def reachable_supply(network: Network, orders: Orders) -> IntArray:
    """Lower each stock supply to the largest sum of wanted quantities that it can hold.

    No allocation can use the difference, so the problem stays the same and its bound gets stronger. Lines that may be
    split can reach any sum.
    """
    supply = network.supply.copy()
    if network.allow_line_split:
        return supply
    by_sku = np.argsort(orders.line_sku, kind="stable")
    first = np.searchsorted(orders.line_sku[by_sku], np.arange(network.sku_first_pair.size))
    _lower(
        network.sku_first_pair,
        network.pair_first_resource,
        first,
        orders.line_quantity[by_sku],
        supply,
    )
    return supply


@kernel
def _lower(
    sku_first_pair: IntArray,
    pair_first_resource: IntArray,
    first: IntArray,
    quantity: IntArray,
    supply: IntArray,
) -> None:
    for sku in range(sku_first_pair.size - 1):
        sums = np.uint64(1)  # bit s: some lines add up to s
        total = np.int64(0)
        for i in range(first[sku], first[sku + 1]):
            total += quantity[i]
            if quantity[i] <= MAX_PACKED_SUPPLY:
                sums |= sums << np.uint64(quantity[i])
        begin = pair_first_resource[sku_first_pair[sku]]
        end = pair_first_resource[sku_first_pair[sku + 1]]
        for resource in range(begin, end):
            if supply[resource] >= total:
                supply[resource] = total
            elif supply[resource] <= MAX_PACKED_SUPPLY:
                while not (sums >> np.uint64(supply[resource])) & np.uint64(1):
                    supply[resource] -= 1
