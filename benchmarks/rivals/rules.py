"""The rules that order management systems of today route by, restated from what their documentation says they do.

All of them take orders as they come, know stock, capacity, capabilities and promises as they then stand, and choose the
cheapest service and date for each shipment. Which nodes ship is up to the rule; none looks at the orders to come.

What the products leave open is filled in their favour. An order that would cost more to serve than to leave is left,
unless ``leave_if_dearer`` is False: the products do not ask, and ship it. Most have no limit on shipments; here it is
kept in a way that loses few lines (see :class:`engine.rules.rule.Pass`).
"""

from __future__ import annotations

from benchmarks.rivals.one_shot import route_by_mip
from benchmarks.rivals.programs import Limits
from benchmarks.rivals.rule import route_by_rule
from engine.documents import Allocation, Batch
from engine.in_order import route_in_order
from engine.rules.known import (
    FEWEST_SPLITS,
    MOST_STOCK,
    NEAREST,
    PRIORITY,
    RULES,
    SINGLE_ELSE_MULTI,
    TWO_PASS,
)

OPTIONS_AN_ORDER = 48
MIP_SECONDS = 300.0


def nearest_node(batch: Batch, *, leave_if_dearer: bool = True) -> Allocation:
    """Each line from the nearest node that has it: Magento, source selection by distance priority.

    Sources are sorted by distance from the shipping address, and each gives what it has of what is still missing. With
    Magento an order may come from any number of them. Here the last shipment that an order may have comes from the node
    that has most of the rest. Without ``leave_if_dearer`` lines are shipped even if leaving them costs less.

    Source: developer.adobe.com/commerce/webapi/rest/tutorials/inventory/run-ssa, the algorithm ``distance``.
    """
    return route_by_rule(batch, NEAREST, leave_if_dearer=leave_if_dearer)


def priority_order(batch: Batch, *, leave_if_dearer: bool = True) -> Allocation:
    """Nodes in a fixed order: Magento, source priority; Saleor, the sorting order of a channel's warehouses.

    The order is that of the nodes table. All else is as in :func:`nearest_node`.

    Sources: the algorithm ``priority`` at the same place; ``PRIORITIZE_SORTING_ORDER`` in
    docs.saleor.io/api-reference/products/enums/allocation-strategy-enum.
    """
    return route_by_rule(batch, PRIORITY, leave_if_dearer=leave_if_dearer)


def most_stock_first(batch: Batch, *, leave_if_dearer: bool = True) -> Allocation:
    """The node with most left of the wanted stock first: Saleor, prioritise high stock.

    Units are counted over the order's lines when its turn comes (Saleor ranks for each line by itself, which splits
    more); among equals the nearest comes first. All else is as in :func:`nearest_node`.

    Sources: ``PRIORITIZE_HIGH_STOCK`` in docs.saleor.io/api-reference/products/enums/allocation-strategy-enum, and
    docs.saleor.io/developer/stock/stock-allocation.
    """
    return route_by_rule(batch, MOST_STOCK, leave_if_dearer=leave_if_dearer)


def fewest_splits_then_nearest(batch: Batch, *, leave_if_dearer: bool = True) -> Allocation:
    """The fewest nodes that have the order, of those the nearest: Salesforce, Shopify, Spree.

    Salesforce looks for single locations, then pairs, then sets of three, up to a limit of splits, and ranks them by
    average distance; the routing rules of Shopify and Spree ask for few splits first, too. Where no set has the whole
    order Salesforce finds no route; here the set with most of its lines is taken. Without ``leave_if_dearer`` it is
    shipped whatever it costs.

    Sources: "Automated Order Routing" and "Order Routing Rank by Average Distance" in Salesforce Help
    (commerce.om_automated_order_routing); help.shopify.com/manual/fulfillment/setup/order-routing;
    spreecommerce.org/docs/developer/how-to/custom-order-routing.
    """
    return route_by_rule(batch, FEWEST_SPLITS, leave_if_dearer=leave_if_dearer)


def single_node_else_multi_by_distance(batch: Batch, *, leave_if_dearer: bool = True) -> Allocation:
    """The nearest node that has all, else split by distance: HotWax, a routing rule without splits and one with them.

    Facilities are sorted by proximity. An order that is nowhere fully available moves on to the next rule, which
    allocates parts of it, as :func:`nearest_node` does. Without ``leave_if_dearer`` it is shipped whatever it costs.

    Source: docs.hotwax.co/documents/retail-operations/orders/order-routing, routing and inventory rules.
    """
    return route_by_rule(batch, SINGLE_ELSE_MULTI, leave_if_dearer=leave_if_dearer)


def cheapest_feasible(batch: Batch, *, leave_if_dearer: bool = True) -> Allocation:
    """Each order, as it comes, its cheapest option that still fits: routing by cost, no product's in particular.

    It is :func:`engine.route_in_order`. Leaving an order is one of its options, so ``leave_if_dearer`` changes nothing.
    """
    return route_in_order(batch)


def two_pass_batches(batch: Batch, *, leave_if_dearer: bool = True) -> Allocation:
    """Batches of 1,500 lines, hard rules first: after distributed order management in Microsoft Dynamics 365.

    The first pass over a batch takes whole orders from one node, the nearest whose cheapest way is in time. The second
    drops both rules for what is left, and takes the fewest nodes, of those the nearest. Dynamics solves an integer
    program for each batch; this keeps its batches and its order of rules. Without ``leave_if_dearer`` orders are
    shipped whatever they cost.

    Source: learn.microsoft.com/dynamics365/commerce/dom-rules: a run has two iterations, with every rule hard in the
    first, and rules that are not hard left out in the second.
    """
    return route_by_rule(batch, TWO_PASS, leave_if_dearer=leave_if_dearer)


def one_shot_mip(
    batch: Batch, *, leave_if_dearer: bool = True, time_limit_seconds: float = MIP_SECONDS, n_threads: int = 1
) -> Allocation:
    """The whole batch as one integer program, started from the best rule: HiGHS as it comes, on one thread.

    It chooses among the 48 cheapest options of each order and the best rule's. Leaving an order is one of them, so
    ``leave_if_dearer`` changes nothing. Where the time limit ends it, the result depends on the machine.
    """
    limits = Limits(time_limit_seconds=time_limit_seconds, n_threads=n_threads)
    return route_by_mip(batch, RULES, options_an_order=OPTIONS_AN_ORDER, limits=limits, by="highs")


def one_shot_cpsat(
    batch: Batch, *, leave_if_dearer: bool = True, time_limit_seconds: float = MIP_SECONDS, n_threads: int = 1
) -> Allocation:
    """The program of :func:`one_shot_mip`, started from the same rule: CP-SAT as it comes, on all the threads given."""
    limits = Limits(time_limit_seconds=time_limit_seconds, n_threads=n_threads)
    return route_by_mip(batch, RULES, options_an_order=OPTIONS_AN_ORDER, limits=limits, by="cpsat")
