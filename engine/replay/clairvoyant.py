"""What hindsight could do: the whole stream as one batch, and a certified lower bound on what any strategy comes to.

Every order may ship from the slots that a decision could choose between the instant it was placed and ``wait`` later,
at any node that will not say no to it, with the stock that arrives and the capacity there is on each date. Whatever a
strategy decides within that wait is one of these options, costs the same there, and what all its decisions use together
is within the same supplies. So no strategy ends below the bound. Outside of it: what changes of plans cost, and
whatever a policy would do that decides later than ``wait``.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.compile import reachable_supply
from engine.decode import Chosen
from engine.network import IntArray
from engine.replay.asking import Asked, ask
from engine.replay.booking import by_order, joined
from engine.replay.draws import Draws
from engine.replay.enough import solve_enough
from engine.replay.slices import take_orders
from engine.replay.world import World
from solver import More, Prices, Problem
from solver.problem import offsets, ranges


@dataclass(frozen=True, kw_only=True, eq=False)
class Hindsight:
    """What a stream could have come to.

    Parameters
    ----------
    bound_cents : int
        No strategy ends below this.
    objective_cents : int
        What the best plan found costs, if one had known.
    chosen : Chosen
        That plan, in the world's numbers.
    wait_micros : int
        The bound holds for decisions made at most so long after an order was placed.
    """

    bound_cents: int
    objective_cents: int
    chosen: Chosen
    wait_micros: int


def with_hindsight(world: World, draws: Draws, *, wait_micros: int, gap: float = 0.01) -> Hindsight:
    """Solve a stream as one batch.

    Parameters
    ----------
    wait_micros : int
        The longest that a strategy waited before it decided an order for good.
    gap : float
        How well it is solved; the bound is true however well.
    """
    parts = _parts(world, draws, wait_micros)
    source = _Joined(world, parts)
    problem = source.problem(world)
    result = solve_enough(problem, source, gap=gap)
    assert result.choice is not None and result.bound is not None and result.objective is not None
    return Hindsight(
        bound_cents=result.bound,
        objective_cents=result.objective,
        chosen=source.shipments_of(result.choice),
        wait_micros=wait_micros,
    )


def _parts(world: World, draws: Draws, wait_micros: int) -> list[Asked]:
    """The options of each epoch's orders; resources have the world's numbers."""
    epoch = world.epoch_of(world.placed_at)
    last_epoch = world.epoch_of(world.placed_at + wait_micros)
    refusing, node = draws.all_rejected()
    cuts = [0, *(np.flatnonzero(np.diff(epoch)) + 1).tolist(), epoch.size]
    parts = []
    for begin, end in pairwise(cuts):
        if begin == end:
            continue
        order = np.arange(begin, end)
        view = world.view_between(int(epoch[begin]), int(last_epoch[begin:end].max()))
        first, last = np.searchsorted(refusing, [begin, end])
        orders = take_orders(world.index.orders, order, (refusing[first:last] - begin, node[first:last]))
        parts.append(ask(world, view, order, orders, world.index.network.supply, to_the_end=True))
    return parts


class _Joined:
    """Sources of consecutive groups as one; options are numbered as they are listed."""

    def __init__(self, world: World, parts: list[Asked]) -> None:
        self._parts = parts
        self._supply = world.index.network.supply
        self._begins = offsets(np.array([part.order.size for part in parts], np.int64))
        n = int(self._begins[-1])
        self._part_of_tag = np.repeat(np.arange(len(parts)), np.diff(self._begins))
        self._own_tag = np.arange(n) - self._begins[self._part_of_tag]

    def problem(self, world: World) -> Problem:
        """Every order unallocated, within the supplies of the whole stream."""
        n = int(self._begins[-1])
        empty = np.zeros(0, np.int64)
        return Problem.from_arrays(
            cost=np.concatenate([empty, *(part.compiled.problem.cost for part in self._parts)]),
            first=np.arange(n + 1),
            usage_start=np.zeros(n + 1, np.int64),
            usage_resource=empty,
            usage_amount=empty,
            supply=reachable_supply(world.index.network, world.index.orders),
        )

    @property
    def heavy(self) -> NDArray[np.bool_]:
        """See :class:`solver.source.Source`."""
        return np.concatenate([np.zeros(0, np.bool_), *(part.compiled.options.heavy for part in self._parts)])

    def more(self, groups: IntArray, prices: Prices, *, slack: int, limit: int, exact: bool = True) -> More:
        """See :meth:`solver.source.Source.more`."""
        cuts = np.searchsorted(groups, self._begins)
        found = []
        for number, part in enumerate(self._parts):
            begin = int(self._begins[number])
            asked = groups[cuts[number] : cuts[number + 1]] - begin
            own = part.compiled.options.more(
                asked, _prices_of(prices, part.part.resource), slack=slack, limit=limit, exact=exact
            )
            self._part_of_tag = np.append(self._part_of_tag, np.full(own.tag.size, number))
            self._own_tag = np.append(self._own_tag, own.tag)
            found.append((begin, part.part.resource, own))
        n_before = self._own_tag.size - sum(own.tag.size for _, _, own in found)
        ends = offsets(np.array([own.usage_resource.size for _, _, own in found], np.int64)).tolist()
        starts = [own.usage_start[1:] + end for (_, _, own), end in zip(found, ends)]
        return More(
            group=np.concatenate([own.group + begin for begin, _, own in found]),
            cost=np.concatenate([own.cost for _, _, own in found]),
            tag=np.arange(n_before, self._own_tag.size),
            usage_start=np.concatenate([np.zeros(1, np.int64), *starts]),
            usage_resource=np.concatenate([resource[own.usage_resource] for _, resource, own in found]),
            usage_amount=np.concatenate([own.usage_amount for _, _, own in found]),
            floor=np.concatenate([own.floor for _, _, own in found]),
        )

    def shipments_of(self, tags: IntArray) -> Chosen:
        """The shipments behind the chosen options; none moves to a service of limited capacity that has some left."""
        parts = []
        for number, part in enumerate(self._parts):
            mine = tags[self._begins[number] : self._begins[number + 1]]
            parts.append(part.shipments_of(self._own_tag[mine], self._supply))
        return by_order(joined(parts))


def _prices_of(prices: Prices, resource: IntArray) -> Prices:
    """The prices of some resources, numbered anew."""
    first, last = prices.table_first[resource], prices.table_first[resource + 1]
    return Prices(prices.unit[resource], offsets(last - first), prices.table[ranges(first, last)])
