"""From routed shipments to the documents that every allocation comes as: the one place that knows how."""

from __future__ import annotations

import numpy as np

from engine.allocate import document_shipments
from engine.compile import Index
from engine.decode import Chosen, left_quantities, shipment_terms
from engine.documents import Allocation, Batch
from engine.network import IntArray
from solver import Termination


def allocation_of(batch: Batch, index: Index, chosen: Chosen, *, termination: Termination = "stalled") -> Allocation:
    """The documents of chosen shipments, scored as any allocation is, with a trivial bound: rules prove nothing."""
    return document_shipments(
        batch,
        index,
        chosen,
        bound_cents=trivial_bound_cents(index),
        price=np.zeros(index.network.supply.size),
        termination=termination,
        seed=0,
    )


def order_cents(index: Index, chosen: Chosen) -> IntArray:
    """What serving each order like this costs, lines left out included, int64[n_orders]."""
    orders = index.orders
    terms = shipment_terms(index.network, orders, chosen)
    _, left_cents = left_quantities(orders, chosen)
    cents = np.zeros(orders.lat.size, np.int64)
    np.add.at(cents, np.repeat(np.arange(orders.lat.size), np.diff(orders.line_first)), left_cents)
    for name in terms._fields:
        if name.endswith("_cents"):
            np.add.at(cents, chosen.order, getattr(terms, name))
    return cents


def trivial_bound_cents(index: Index) -> int:
    """What no allocation can undercut: every cost but a node's preference is at least nothing."""
    least = min(0, int(index.network.node_preference_cents.min(initial=0)))
    if least == 0:
        return 0
    most: list[int] = np.minimum(index.orders.max_shipments, index.network.slot_node.size).tolist()
    return least * sum(most)
