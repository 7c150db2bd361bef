"""Who holds what an order wanted, and what it would cost them to give it up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from engine.explain.answers import Holder
from engine.explain.resolving import Listed, listed
from engine.explain.standing import Standing
from engine.live.arrays import order_arrays
from engine.network import IntArray
from solver.problem import Problem, ranges

LOOKED_AT = 200
"""Holders of one resource whose next best option is looked for: the cheapest of them are named."""
NAMED = 3
NEAR_OPTIONS = 24
"""Best options of an order whose resources tie it to others."""
PER_RESOURCE = 6
"""Holders of one resource that join a neighbourhood."""


class _Given(NamedTuple):
    order: int
    cents: int
    instead: tuple[str, ...]


class Holders:
    """Answers who holds a resource; what was worked out once is kept."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._by_resource: dict[int, list[_Given]] = {}

    def cheapest(self, resource: int, but: int, n: int = NAMED) -> tuple[Holder, ...]:
        """The holders that give a resource up at the least cost, others than a certain order."""
        orders, held = self._standing.holders_of(resource)
        amount = dict(zip(orders.tolist(), held.tolist()))
        found = [one for one in self._given_up(resource) if one.order != but][:n]
        return tuple(
            Holder(
                order_id=self._standing.order_ids[one.order].as_py(),
                amount=amount[one.order],
                give_up_cents=one.cents,
                instead=one.instead,
            )
            for one in found
        )

    def count(self, resource: int, but: int) -> int:
        """How many other orders hold a resource."""
        orders, _ = self._standing.holders_of(resource)
        return int((orders != but).sum())

    def around(self, own: Sequence[int], resources: Iterable[int], most: int) -> list[int]:
        """Some orders and up to ``most`` others: the holders of given resources, then those of what they would take.

        Of each resource the holders that give it up at the least cost.
        """
        numbers = list(own)
        seen: set[int] = set()
        wave = list(numbers)
        wanted = list(resources)
        while len(numbers) <= most:
            if not wanted:
                break
            new: list[int] = []
            for resource in wanted:
                if resource in seen:
                    continue
                seen.add(resource)
                for one in self._given_up(resource)[:PER_RESOURCE]:
                    if one.order not in numbers and len(numbers) <= most:
                        numbers.append(one.order)
                        new.append(one.order)
            wave = new
            wanted = self.short_of(wave) if wave else []
        return numbers

    def short_of(self, numbers: Sequence[int]) -> list[int]:
        """The resources of which the best options of some orders find too little, those of the best options first."""
        standing = self._standing
        look = _near(standing, numbers)
        problem = look.problem
        usage = [standing.usage_of([number]) for number in numbers]
        found: dict[int, int] = {}
        for group, first in enumerate(problem.first[:-1].tolist()):
            left = standing.left + usage[group]
            options = np.arange(first, int(problem.first[group + 1]))
            for rank, option in enumerate(options[np.argsort(problem.cost[options], kind="stable")].tolist()):
                for resource in short_resources(problem, option, left):
                    found[resource] = min(rank, found.get(resource, rank))
        return sorted(found, key=lambda resource: (found[resource], resource))

    def _given_up(self, resource: int) -> list[_Given]:
        """Holders by what giving it up costs; everything else stays as it is, but for what the holder has itself."""
        if resource not in self._by_resource:
            orders, _ = self._standing.holders_of(resource)
            found = self._rough(orders, resource)
            exact = [self._exact(one.order, resource) for one in found[: 2 * PER_RESOURCE]]
            exact.sort(key=lambda one: (one.cents, one.order))
            self._by_resource[resource] = exact + found[2 * PER_RESOURCE :]
        return self._by_resource[resource]

    def _rough(self, orders: IntArray, resource: int) -> list[_Given]:
        """As if the rest of what they hold were not theirs to use: no less than the truth, and at once for all."""
        if orders.size > LOOKED_AT:
            orders = orders[np.linspace(0, orders.size - 1, LOOKED_AT).astype(np.int64)]
        standing = self._standing
        numbers = orders.tolist()
        supply = standing.left.copy()
        supply[resource] = 0
        look = listed(standing, order_arrays(standing.state, standing.orders_of(numbers)), supply, limit=1)
        cents = np.minimum.reduceat(look.problem.cost, look.problem.first[:-1]) - standing.cents[orders]
        by_cents = np.lexsort((orders, cents))
        return [_Given(numbers[at], int(cents[at]), ()) for at in by_cents.tolist()]

    def _exact(self, order: int, resource: int) -> _Given:
        standing = self._standing
        supply = standing.left + standing.usage_of([order])
        supply[resource] = 0
        look = listed(standing, order_arrays(standing.state, standing.orders_of([order])), supply, limit=1)
        best = int(np.argmin(look.problem.cost))
        records = look.options.shipments_of(look.tag[[best]])
        slots = look.options.shards[0].visit_slot[records.visit]
        nodes = look.options.network.slot_node[slots].tolist()
        instead = tuple(dict.fromkeys(standing.state.base.names.node_id[node] for node in nodes))
        return _Given(order, int(look.problem.cost[best] - standing.cents[order]), instead)


def short_resources(problem: Problem, option: int, left: IntArray) -> dict[int, int]:
    """What an option needs of the resources of which less is left."""
    entries = ranges(problem.usage_start[[option]], problem.usage_start[[option + 1]])
    resource, amount = problem.usage_resource[entries], problem.usage_amount[entries]
    short = amount > left[resource]
    return dict(zip(resource[short].tolist(), amount[short].tolist()))


def _near(standing: Standing, numbers: Sequence[int]) -> Listed:
    """The best options of some orders if each were alone in the batch."""
    arrays = order_arrays(standing.state, standing.orders_of(numbers))
    return listed(standing, arrays, standing.state.network.supply.copy(), limit=NEAR_OPTIONS)
