"""Some of the orders as orders of their own, and the part of a network that concerns them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.network import NO_RESOURCE, NOW, IntArray, Network
from engine.orders import Orders
from solver.problem import offsets, ranges

Pairs = tuple[IntArray, IntArray]
"""Orders, as positions among those taken and rising, and a node for each."""


def take_orders(orders: Orders, chosen: IntArray, barred: Pairs | None = None) -> Orders:
    """Some orders, in the given order. ``line_row`` of the result is the line's number among all.

    Parameters
    ----------
    chosen : int64[n]
        Orders.
    barred : pair of int64[m], optional
        Position in ``chosen`` and node: nodes that may not serve the order, besides those it names.
    """
    line = ranges(orders.line_first[chosen], orders.line_first[chosen + 1])
    piece = ranges(orders.piece_first[chosen], orders.piece_first[chosen + 1])
    only_first, only_node = _taken(orders.only_first, orders.only_node, chosen)
    not_first, not_node = _taken(orders.not_first, orders.not_node, chosen)
    if barred is not None and barred[0].size:
        owner = np.concatenate((np.repeat(np.arange(chosen.size), np.diff(not_first)), barred[0]))
        by_owner = np.argsort(owner, kind="stable")
        not_node = np.concatenate((not_node, barred[1]))[by_owner]
        not_first = np.searchsorted(owner[by_owner], np.arange(chosen.size + 1)).astype(np.int64)
    return Orders(
        lat=orders.lat[chosen],
        lon=orders.lon[chosen],
        region=orders.region[chosen],
        residential=orders.residential[chosen],
        deliver_by=orders.deliver_by[chosen],
        hard_promise=orders.hard_promise[chosen],
        late_cents_per_day=orders.late_cents_per_day[chosen],
        priority_pct=orders.priority_pct[chosen],
        ship_complete=orders.ship_complete[chosen],
        max_shipments=orders.max_shipments[chosen],
        held=orders.held[chosen],
        only_first=only_first,
        only_node=only_node,
        not_first=not_first,
        not_node=not_node,
        line_first=_counted(orders.line_first, chosen),
        line_row=line,
        line_sku=orders.line_sku[line],
        line_quantity=orders.line_quantity[line],
        line_step=orders.line_step[line],
        line_unallocated_cents=orders.line_unallocated_cents[line],
        line_piece=orders.line_piece[line],
        piece_first=_counted(orders.piece_first, chosen),
        piece_levels=orders.piece_levels[piece],
        folded=orders.folded[chosen],
    )


def _taken(first: IntArray, values: IntArray, chosen: IntArray) -> tuple[IntArray, IntArray]:
    return _counted(first, chosen), values[ranges(first[chosen], first[chosen + 1])]


def _counted(first: IntArray, chosen: IntArray) -> IntArray:
    return offsets(first[chosen + 1] - first[chosen])


def at_slots(network: Network, slots: IntArray, first_slot: IntArray) -> Network:
    """The network with some of its slots only; resources keep their numbers.

    Parameters
    ----------
    slots : int64[n]
        Slots of the network, by node.
    first_slot : int64[n_nodes + 1]
        Offsets of each node's among them.
    """
    return network._replace(
        node_first_slot=first_slot,
        slot_node=network.slot_node[slots],
        slot_day=network.slot_day[slots],
        slot_day_index=network.slot_day_index[slots],
        slot_shipments_resource=network.slot_shipments_resource[slots],
        slot_units_resource=network.slot_units_resource[slots],
        slot_service_resource=network.slot_service_resource[slots],
    )


class Part(NamedTuple):
    """What concerns some orders: smaller tables with numbers of their own, and the way back for resources."""

    network: Network
    orders: Orders
    resource: IntArray  # number in the whole of each resource


def part_for(network: Network, orders: Orders, left: IntArray, *, to_the_end: bool = False) -> Part:
    """Cut a network down to the items that some orders want, the slots there are, and what they can draw on.

    A stock interval that ends before the first slot, or begins after the last, is left out: nothing shipped from these
    slots draws on the former; of the latter there is at least as much as of the interval of the last slot, since
    nothing ships later yet.

    Parameters
    ----------
    left : int64[n_resources]
        What is left of each resource.
    to_the_end : bool
        Whether others may ship after the last slot: then later intervals are kept.
    """
    skus, line_sku = np.unique(orders.line_sku, return_inverse=True)
    pairs = ranges(network.sku_first_pair[skus], network.sku_first_pair[skus + 1])
    begin, end = network.pair_first_resource[pairs], network.pair_first_resource[pairs + 1]
    stock = ranges(begin, end)
    owner = np.repeat(np.arange(pairs.size), end - begin)
    opens = network.stock_day[stock]
    last = np.ones(stock.size, np.bool_)
    last[:-1] = owner[1:] != owner[:-1]
    closes = np.where(last, -NOW, np.append(opens[1:], 0))
    keep = np.zeros(stock.size, np.bool_)
    if network.slot_day.size:
        keep = (closes > network.slot_day.min()) & (to_the_end | (opens <= network.slot_day.max()))
    stock, owner = stock[keep], owner[keep]
    columns = (network.slot_shipments_resource, network.slot_units_resource, network.slot_service_resource.ravel())
    limits = np.unique(np.concatenate(columns))
    limits = limits[limits >= 0]
    resource = np.concatenate((stock, limits))

    def numbered(column: IntArray) -> IntArray:
        return np.where(column < 0, NO_RESOURCE, stock.size + np.searchsorted(limits, column))

    small = network._replace(
        slot_shipments_resource=numbered(network.slot_shipments_resource),
        slot_units_resource=numbered(network.slot_units_resource),
        slot_service_resource=numbered(network.slot_service_resource),
        item_weight_g=network.item_weight_g[skus],
        item_billable_g=network.item_billable_g[skus],
        item_requires=network.item_requires[skus],
        sku_first_pair=offsets(np.diff(network.sku_first_pair)[skus]),
        pair_node=network.pair_node[pairs],
        pair_first_resource=offsets(np.bincount(owner, minlength=pairs.size).astype(np.int64)),
        stock_day=network.stock_day[stock],
        supply=left[resource],
    )
    return Part(small, orders._replace(line_sku=line_sku.astype(np.int64)), resource)
