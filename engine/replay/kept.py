"""Decisions that may still be changed: an option of their order that is cheaper by what a change must save.

A promise never gets worse. The latest date first promised becomes a hard deadline, and a line that was to be shipped
costs more to drop than any plan saves. Costs stay exact: until a promise that is in time nothing is late, and an order
whose promise was late already may only keep its decision or be in time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.decode import Chosen, left_quantities, shipment_terms
from engine.network import IntArray
from engine.orders import Orders
from engine.replay.asking import Asked, worth_of
from engine.replay.booking import by_order, joined, picked, usage_of
from engine.replay.turns import Decided, Turn
from engine.replay.world import World
from solver import More, Prices, Problem, Source
from solver.problem import offsets

DROPPED_CENTS = 10_000_000
"""What each unit of a promised line costs that a new plan would drop."""


class Kept(NamedTuple):
    """The decisions of a turn's orders that may still be changed.

    Parameters
    ----------
    position : int64[n_kept]
        Their orders among those of the turn, rising.
    chosen : Chosen
        Their shipments, sorted by order; ``order`` is the world's number.
    cents : int64[n_kept]
        What each costs now, lines left out included.
    promised_day : int64[n_orders]
        By order of the turn; 0: none.
    promised : bool[n_lines]
        Lines of the turn's orders that are to be shipped.
    """

    position: IntArray
    chosen: Chosen
    cents: IntArray
    promised_day: IntArray
    promised: NDArray[np.bool_]
    usage: tuple[IntArray, IntArray, IntArray]

    def problem(self, asked: Asked, worth_cents: IntArray, change_cents: int) -> Problem:
        """The problem with the kept decisions as first options of their orders, so that a search begins from them."""
        nothing = asked.compiled.problem
        if not self.position.size:
            return nothing
        resources = asked.part.resource
        order, resource, amount = self.usage
        local = np.minimum(np.searchsorted(resources, resource), max(0, resources.size - 1))
        known = resources[local] == resource  # others are intervals that nothing else can reach
        owner = np.searchsorted(asked.order[self.position], order[known])
        local, amount = local[known], amount[known]
        sorted_by = np.argsort(owner, kind="stable")
        lengths = np.bincount(owner, minlength=self.position.size).astype(np.int64)
        n = nothing.n_groups
        count = np.ones(n, np.int64)
        count[self.position] = 2
        first = offsets(count)
        at = first[self.position]
        length = np.zeros(int(first[-1]), np.int64)
        length[at] = lengths
        cost = np.empty(int(first[-1]), np.int64)
        cost[first[1:] - 1] = nothing.cost
        cost[at] = self.cents - change_cents
        problem = Problem.from_arrays(
            cost=cost,
            first=first,
            usage_start=offsets(length),
            usage_resource=local[sorted_by],
            usage_amount=amount[sorted_by],
            supply=asked.part.network.supply,
        )
        return replace(problem, cost=problem.cost + worth_of(problem, worth_cents))

    def source(self, source: Source, shift: int) -> Source:
        """A source whose numbers of options leave room for the kept ones."""
        return _Shifted(source, shift)

    def decided(self, world: World, asked: Asked, tags: IntArray, shift: int) -> Decided:
        """The shipments behind the chosen options."""
        n = asked.order.size
        count = np.ones(n, np.int64)
        count[self.position] = 2
        first = offsets(count)
        same = np.zeros(n, np.bool_)
        same[self.position] = tags[self.position] == first[self.position]
        own = np.where(tags < n + shift, np.arange(n), tags - shift)
        theirs = np.zeros(world.placed_at.size, np.bool_)
        theirs[asked.order[same]] = True
        own[same] = np.flatnonzero(same)
        stay = picked(self.chosen, theirs[self.chosen.order])
        taken = np.zeros(world.index.network.supply.size, np.int64)
        _, resource, amount = usage_of(world.index.network, world.index.orders, stay)
        np.add.at(taken, resource, amount)
        chosen = by_order(joined([stay, asked.shipments_of(own, taken)]))
        return Decided(chosen, int((~same[self.position]).sum()))


class _Shifted:
    def __init__(self, source: Source, shift: int) -> None:
        self._source = source
        self._shift = shift

    @property
    def heavy(self) -> NDArray[np.bool_]:
        return self._source.heavy

    def more(self, groups: IntArray, prices: Prices, *, slack: int, limit: int, exact: bool = True) -> More:
        found = self._source.more(groups, prices, slack=slack, limit=limit, exact=exact)
        return replace(found, tag=found.tag + self._shift)


def kept_of(world: World, turn: Turn, orders: Orders) -> Kept:
    """What is known of the decisions that a turn may change; orders without shipments have none to keep."""
    chosen = turn.kept
    whole = world.index.orders
    position = np.flatnonzero(np.isin(turn.order, chosen.order))  # orders among which these rise
    if not position.size:
        none = np.zeros(0, np.int64)
        return Kept(none, chosen, none, turn.promised_day, np.zeros(orders.line_sku.size, np.bool_), (none,) * 3)
    terms = shipment_terms(world.index.network, whole, chosen)
    cents = np.zeros(world.placed_at.size, np.int64)
    for name in terms._fields:
        if name.endswith("_cents"):
            np.add.at(cents, chosen.order, getattr(terms, name))
    left, left_cents = left_quantities(orders, _within(orders, turn, chosen))
    at = np.repeat(np.arange(turn.order.size), np.diff(orders.line_first))
    np.add.at(cents, turn.order[at], left_cents)
    return Kept(
        position,
        chosen,
        cents[turn.order[position]],
        turn.promised_day,
        left < orders.line_quantity,
        usage_of(world.index.network, whole, chosen),
    )


def _within(orders: Orders, turn: Turn, chosen: Chosen) -> Chosen:
    """Shipments with lines numbered as among the orders of the turn."""
    by_line = np.argsort(orders.line_row)
    return chosen._replace(row_line=by_line[np.searchsorted(orders.line_row[by_line], chosen.row_line)])


def with_promises(orders: Orders, kept: Kept) -> Orders:
    """The orders of a turn, bound to what they were promised."""
    promised = kept.promised_day > 0
    if not promised.any():
        return orders
    line_promised = kept.promised
    order_of_line = np.repeat(np.arange(orders.lat.size), np.diff(orders.line_first))
    worthless = promised & (orders.priority_pct == 0)  # a penalty times nothing would be none
    cents = np.where(worthless[order_of_line], 0, orders.line_unallocated_cents)
    return orders._replace(
        deliver_by=np.where(promised, np.minimum(orders.deliver_by, kept.promised_day), orders.deliver_by),
        hard_promise=orders.hard_promise | promised,
        priority_pct=np.where(worthless, 100, orders.priority_pct),
        line_unallocated_cents=np.where(line_promised, DROPPED_CENTS, cents),
    )
