"""From a batch to an abstract problem, and the index that leads back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.documents import Batch
from engine.errors import Fault, InputError
from engine.folding import fold_large_orders
from engine.network import IntArray, Names, Network, build_network
from engine.options import OrderOptions
from engine.orders import Orders, build_orders
from engine.shipments import MAX_LISTED_PIECES
from engine.visit_search import MOST_VISITS
from engine.workers import Mapper
from solver.kernels import kernel
from solver.problem import Problem
from solver.spread import Workers

MAX_PACKED_SUPPLY = 62
MOST_CENTS = 2.0**46
LATE_DAYS = 366.0
EXACT = "less than 7e11 cents, so that sums are exact"


@dataclass(frozen=True, kw_only=True, eq=False)
class Index:
    """What numbers mean: groups are orders, resources are the network's."""

    network: Network
    orders: Orders
    names: Names


@dataclass(frozen=True, kw_only=True, eq=False)
class Compiled(Index):
    """A problem and what its numbers mean.

    Parameters
    ----------
    problem : Problem
        One option an order: everything unallocated.
    options : OrderOptions
        The source of all others; tags are its records.
    """

    problem: Problem
    options: OrderOptions


def index_batch(batch: Batch) -> Index:
    """Turn the tables of a batch into arrays.

    Raises
    ------
    InputError
        If leaving lines out, or being late, costs so much that cents would not be exact.
    """
    network, names = build_network(batch)
    orders = build_orders(batch, names)
    _refuse_inexact(orders)
    return Index(network=network, orders=orders, names=names)


def compile_batch(
    batch: Batch,
    *,
    parallel: Mapper = map,
    workers: Workers | None = None,
    listed_pieces: int = MAX_LISTED_PIECES,
    searched_shipments: int = MOST_VISITS,
) -> Compiled:
    """Turn a batch into a problem whose options are asked for as they are needed.

    Parameters
    ----------
    parallel : callable
        Like ``map``; runs shards of orders side by side.
    workers : Workers, optional
        Works on the shards instead of ``parallel``.
    listed_pieces : int
        Orders of more pieces than this are packed instead of listed.
    searched_shipments : int
        Packed orders of at most so many shipments are searched, see engine/few_visits.py; the others go by column
        generation, see engine/large_orders.py.

    Raises
    ------
    InputError
        If leaving lines out, or being late, costs so much that cents would not be exact.
    """
    index = index_batch(batch)
    network, names = index.network, index.names
    orders = fold_large_orders(network, index.orders)
    options = OrderOptions(
        network,
        orders,
        parallel=parallel,
        workers=workers,
        listed_pieces=listed_pieces,
        searched_shipments=searched_shipments,
    )
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


def _refuse_inexact(orders: Orders) -> None:
    """Make sure that every cost stays far inside 64 bits."""
    order = np.repeat(np.arange(orders.lat.size), np.diff(orders.line_first))
    priority = orders.priority_pct.astype(np.float64)
    lost = orders.line_unallocated_cents.astype(np.float64) * orders.line_quantity * priority[order]
    late = orders.late_cents_per_day.astype(np.float64) * LATE_DAYS * priority
    faults = [
        Fault(table="lines", row=int(row) + 1, column=None, value=f"{cents:.3g} cents if left out", expected=EXACT)
        for row, cents in zip(orders.line_row[lost > MOST_CENTS], lost[lost > MOST_CENTS] / 100)
    ]
    faults += [
        Fault(table="orders", row=int(row) + 1, column=None, value=f"{cents:.3g} cents if late", expected=EXACT)
        for row, cents in zip(np.flatnonzero(late > MOST_CENTS), late[late > MOST_CENTS] / 100)
    ]
    if not faults and lost.sum() > MOST_CENTS * 64:
        value = f"{lost.sum() / 100:.3g} cents if all is left out"
        faults.append(Fault(table="lines", row=None, column=None, value=value, expected=EXACT))
    if faults:
        raise InputError(faults)


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
