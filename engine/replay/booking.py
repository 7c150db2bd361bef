"""What shipments take out of stock and capacity, and arrays of shipments: joined, picked, put in order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.decode import Chosen
from engine.network import IntArray, Network
from engine.orders import Orders
from engine.rates import stock_resource
from solver.kernels import kernel


@kernel
def usage_of(network: Network, orders: Orders, chosen: Chosen) -> tuple[IntArray, IntArray, IntArray]:
    """What shipments use: order, resource and amount of each entry; a resource may come several times."""
    sku_first_pair, pair_node, pair_first = network.sku_first_pair, network.pair_node, network.pair_first_resource
    most = 3 * chosen.order.size
    for row in range(chosen.row_line.size):
        sku = orders.line_sku[chosen.row_line[row]]
        last = sku_first_pair[sku + 1]
        for pair in range(sku_first_pair[sku], last):
            if pair_node[pair] == network.slot_node[chosen.slot[chosen.row_shipment[row]]]:
                most += 1 + pair_first[pair + 1] - pair_first[pair]
    owner = np.empty(most, np.int64)
    resource = np.empty(most, np.int64)
    amount = np.empty(most, np.int64)
    n = 0
    for i in range(chosen.order.size):
        slot = chosen.slot[i]
        for taken in (network.slot_shipments_resource[slot], network.slot_service_resource[slot, chosen.service[i]]):
            if taken >= 0:
                owner[n], resource[n], amount[n] = chosen.order[i], taken, 1
                n += 1
    for row in range(chosen.row_line.size):
        shipment, quantity = chosen.row_shipment[row], chosen.row_quantity[row]
        order, slot = chosen.order[shipment], chosen.slot[shipment]
        sku = orders.line_sku[chosen.row_line[row]]
        low, high = sku_first_pair[sku], sku_first_pair[sku + 1]
        while low < high:  # pairs of an item are sorted by node
            middle = (low + high) >> 1
            if pair_node[middle] < network.slot_node[slot]:
                low = middle + 1
            else:
                high = middle
        assert pair_node[low] == network.slot_node[slot]
        first = stock_resource(pair_first, network.stock_day, low, network.slot_day[slot])
        assert first >= 0
        for taken in range(first, pair_first[low + 1]):
            owner[n], resource[n], amount[n] = order, taken, quantity
            n += 1
        if network.slot_units_resource[slot] >= 0:
            owner[n], resource[n], amount[n] = order, network.slot_units_resource[slot], quantity
            n += 1
    return owner[:n].copy(), resource[:n].copy(), amount[:n].copy()


def book(network: Network, orders: Orders, chosen: Chosen, left: IntArray) -> None:
    """Take what shipments use out of what is left.

    Raises
    ------
    AssertionError
        If there is not so much: a strategy decided on something that cannot be.
    """
    _, resource, amount = usage_of(network, orders, chosen)
    np.subtract.at(left, resource, amount)
    if resource.size and int(left[resource].min()) < 0:
        raise AssertionError("a strategy used more than there was")


def give_back(network: Network, orders: Orders, chosen: Chosen, left: IntArray) -> None:
    """Put back what shipments used."""
    _, resource, amount = usage_of(network, orders, chosen)
    np.add.at(left, resource, amount)


def no_shipments() -> Chosen:
    """Nothing is shipped."""
    return Chosen(*(np.zeros(0, np.int64) for _ in Chosen._fields))


def joined(parts: Sequence[Chosen]) -> Chosen:
    """Shipments of several arrays, one after the other."""
    if not parts:
        return no_shipments()
    shifts = np.cumsum([0, *(part.order.size for part in parts)]).tolist()
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Chosen._fields}
    columns["row_shipment"] = np.concatenate([part.row_shipment + shift for part, shift in zip(parts, shifts)])
    return Chosen(**columns)


def picked(chosen: Chosen, keep: NDArray[np.bool_]) -> Chosen:
    """The marked shipments."""
    rows = keep[chosen.row_shipment]
    number = np.cumsum(keep) - 1
    return Chosen(
        order=chosen.order[keep],
        slot=chosen.slot[keep],
        service=chosen.service[keep],
        row_shipment=number[chosen.row_shipment[rows]],
        row_line=chosen.row_line[rows],
        row_quantity=chosen.row_quantity[rows],
    )


def by_order(chosen: Chosen) -> Chosen:
    """The shipments sorted by order."""
    at = np.argsort(chosen.order, kind="stable")
    place = np.empty(at.size, np.int64)
    place[at] = np.arange(at.size)
    shipment = place[chosen.row_shipment]
    rows = np.argsort(shipment, kind="stable")
    return Chosen(
        order=chosen.order[at],
        slot=chosen.slot[at],
        service=chosen.service[at],
        row_shipment=shipment[rows],
        row_line=chosen.row_line[rows],
        row_quantity=chosen.row_quantity[rows],
    )
