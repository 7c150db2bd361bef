"""How a batch is routed by a rule."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.rivals.documents import allocation_of
from engine.compile import Index, index_batch
from engine.documents import Allocation, Batch
from engine.rules.routing import Routed
from engine.rules.rule import Rule, chosen_of, route


def route_by_rule(
    batch: Batch, rule: Rule, *, leave_if_dearer: bool = True, clock: Callable[[], float] = time.monotonic
) -> Allocation:
    """Route a batch by a rule.

    Parameters
    ----------
    batch : Batch
        A validated batch.
    rule : Rule
        How to choose.
    leave_if_dearer : bool
        Whether to leave out an order that costs more to serve as the rule would than to leave unallocated. The products
        do not ask: without it an order is shipped whatever it costs.

    Returns
    -------
    Allocation
        The same documents as ``engine.allocate`` gives, with a trivial bound.
    """
    start = clock()
    index = index_batch(batch)
    indexed = clock()
    routed = choose(index, rule, leave_if_dearer=leave_if_dearer)
    chosen = clock()
    allocation = allocation_of(batch, index, chosen_of(index.orders, routed))
    end = clock()
    allocation.summary["seconds"] = {
        "compile": indexed - start,
        "route": chosen - indexed,
        "decode": end - chosen,
        "total": end - start,
    }
    return allocation


def choose(index: Index, rule: Rule, *, leave_if_dearer: bool = True) -> Routed:
    """The shipments that a rule decides on for a whole batch."""
    return route(index.network, index.orders, rule, index.network.supply.copy(), leave_if_dearer=leave_if_dearer)
