"""What a rule is, and how orders are routed by one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from engine.decode import Chosen
from engine.network import IntArray, Network
from engine.orders import Orders
from engine.rules import routing
from engine.rules.routing import Passes, Routed, route_run
from engine.visits import reach, visits_of

ORDERS_PER_RUN = 8192
"""Orders whose visits are listed at a time; bounds memory, changes no result."""

Rank = Literal["distance", "table", "stock"]
Search = Literal["walk", "single", "fewest"]

_RANKS: dict[Rank, int] = {"distance": routing.DISTANCE, "table": routing.TABLE, "stock": routing.STOCK}
_SEARCHES: dict[Search, int] = {"walk": routing.WALK, "single": routing.SINGLE, "fewest": routing.FEWEST}


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One way to go through orders.

    Parameters
    ----------
    rank : {"distance", "table", "stock"}
        Which nodes come first: the nearest; the first in the nodes table; those with most of the wanted stock left,
        the nearest among equals.
    search : {"walk", "single", "fewest"}
        ``walk``: node after node, each ships all it has of what is left; the last shipment that the order may have goes
        to the node that ships most of the rest, the first among equals. ``single``: the first node that has the whole
        order, or none. ``fewest``: most lines, then fewest nodes, then least total distance (with ``distance`` only).
    in_time : bool
        Whether to pass over a node whose cheapest way arrives after ``deliver_by`` (not with ``fewest``).
    """

    rank: Rank
    search: Search
    in_time: bool = False

    def __post_init__(self) -> None:
        if self.search == "fewest" and self.rank != "distance":
            raise ValueError(f"rank is {self.rank!r}, expected 'distance' with the search for fewest nodes")
        if self.search == "fewest" and self.in_time:
            raise ValueError("in_time is True, expected False with the search for fewest nodes")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How orders are routed, in order of arrival (of the orders table).

    An order that a pass cannot serve at all is left to the next pass. A node ships an order's lines on one date and one
    service: the cheapest of those possible, among equals the first date. Lines go whole. What no pass serves stays
    unallocated, and so does a ship_complete order that cannot be served whole.

    Parameters
    ----------
    passes : tuple of Pass
        Tried one after another.
    batch_lines : int
        Orders are taken in batches of at most so many lines (at least one order), all passes over a batch before the
        next batch; 1: order by order.
    """

    passes: tuple[Pass, ...]
    batch_lines: int = 1


def route(network: Network, orders: Orders, rule: Rule, left: IntArray, *, leave_if_dearer: bool = True) -> Routed:
    """The shipments that a rule decides on.

    Parameters
    ----------
    network, orders
        What :func:`engine.compile.index_batch` gives. Slots and stock without supply are not looked at.
    rule : Rule
        How to choose.
    left : int64[n_resources]
        What is left of each resource; what the shipments use is taken out.
    leave_if_dearer : bool
        Whether to leave out an order that costs more to serve as the rule would than to leave unallocated.
    """
    orders = orders._replace(line_step=orders.line_quantity)  # lines go whole
    passes = Passes(
        rank=np.array([_RANKS[each.rank] for each in rule.passes], np.int64),
        search=np.array([_SEARCHES[each.search] for each in rule.passes], np.int64),
        in_time=np.array([each.in_time for each in rule.passes], np.bool_),
        leave_if_dearer=leave_if_dearer,
    )
    parts = []
    for batch_first in _runs(_batches(orders.line_first, rule.batch_lines)):
        begin, end = int(batch_first[0]), int(batch_first[-1])
        visits = visits_of(network, orders, begin, end, reach(network, orders, begin, end))
        parts.append(route_run(network, orders, visits, batch_first, passes, left))
    if not parts:
        return Routed(*(np.zeros(0, np.int64) for _ in Routed._fields))
    shifts = np.cumsum([0, *(part.order.size for part in parts)]).tolist()
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Routed._fields}
    joined["row_shipment"] = np.concatenate([part.row_shipment + shift for part, shift in zip(parts, shifts)])
    return Routed(**joined)


def chosen_of(orders: Orders, routed: Routed) -> Chosen:
    """Routed shipments in the order of their orders."""
    by_order = np.argsort(routed.order, kind="stable")
    place = np.empty(by_order.size, np.int64)
    place[by_order] = np.arange(by_order.size)
    shipment = place[routed.row_shipment]
    rows = np.argsort(shipment, kind="stable")
    line = routed.row_line[rows]
    return Chosen(
        order=routed.order[by_order],
        slot=routed.slot[by_order],
        service=routed.service[by_order],
        row_shipment=shipment[rows],
        row_line=line,
        row_quantity=orders.line_quantity[line],
    )


def _batches(line_first: IntArray, most_lines: int) -> IntArray:
    """First order of each batch, and last the number of orders."""
    n_orders = line_first.size - 1
    if most_lines <= 1:
        return np.arange(n_orders + 1)
    first = [0]
    while first[-1] < n_orders:
        end = int(np.searchsorted(line_first, line_first[first[-1]] + most_lines, side="right")) - 1
        first.append(min(n_orders, max(first[-1] + 1, end)))
    return np.array(first, np.int64)


def _runs(batch_first: IntArray) -> list[IntArray]:
    """Consecutive batches, some thousand orders in all; a run holds whole batches."""
    if batch_first[-1] == 0:
        return []
    starts = np.searchsorted(batch_first, np.arange(0, int(batch_first[-1]), ORDERS_PER_RUN))
    cuts = np.unique(np.append(starts, batch_first.size - 1)).tolist()
    return [batch_first[begin : end + 1] for begin, end in pairwise(cuts)]
