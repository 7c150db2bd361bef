"""Strategies that decide each order as it comes: by a rule, by cost, by cost and prices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from engine.decode import Chosen
from engine.network import IntArray
from engine.replay.asking import Asked, DearerSource, ask
from engine.replay.booking import book, joined
from engine.replay.guide import Guide, GuideParams
from engine.replay.turns import Decided, Decider, Turn
from engine.replay.world import View, World
from engine.rules.rule import Rule, chosen_of, route
from solver.core import part_of
from solver.greedy import arrival_greedy
from solver.pool import Pool
from solver.problem import ranges
from solver.source import NO_FLOOR, Prices

OPTIONS_AN_ORDER = 48
ORDERS_A_RUN = 64
"""Within a run an order is offered the options that were in stock before it, as in engine/in_order.py."""
OUT_OF_REACH_MILLI = 2**40


@dataclass(frozen=True, kw_only=True)
class ByRule:
    """Each order when it is placed, by a rule that a product documents.

    Parameters
    ----------
    name : str
        What it is called.
    rule : Rule
        How nodes are chosen. An order that costs more to serve so than to leave is left.
    turn_minutes : int
        How long nodes take to answer.
    """

    name: str
    rule: Rule
    turn_minutes: int = 30
    waits: bool = False
    release_minutes: int = 0

    def decider(self, world: World) -> Decider:
        """See :class:`engine.replay.turns.Strategy`."""
        return _ByRule(self, world)


class _ByRule:
    def __init__(self, strategy: ByRule, world: World) -> None:
        self._strategy = strategy
        self._world = world

    def decide(self, turn: Turn, left: IntArray) -> Decided:
        world, left = self._world, left.copy()
        parts = []
        for begin, end, view in spans(world, turn):
            orders = turn.orders(world, begin, end)
            routed = route(view.network._replace(supply=left), orders, self._strategy.rule, left)
            chosen = chosen_of(orders, routed)
            parts.append(
                chosen._replace(
                    order=turn.order[begin:end][chosen.order],
                    slot=view.slots[chosen.slot],
                    row_line=orders.line_row[chosen.row_line],
                )
            )
        return Decided(joined(parts), 0)


@dataclass(frozen=True, kw_only=True)
class ByCost:
    """Each order when it is placed, its cheapest option that still fits.

    Parameters
    ----------
    name : str
        What it is called.
    guide : GuideParams or None
        Whether to count what stock and capacity are worth to later orders, and how that is estimated.
    turn_minutes : int
        How long nodes take to answer.
    """

    name: str
    guide: GuideParams | None = None
    turn_minutes: int = 30
    waits: bool = False
    release_minutes: int = 0

    def decider(self, world: World) -> Decider:
        """See :class:`engine.replay.turns.Strategy`."""
        return _ByCost(self, world)


class _ByCost:
    def __init__(self, strategy: ByCost, world: World) -> None:
        self._world = world
        self._guide = None if strategy.guide is None else Guide(strategy.guide, world)

    def decide(self, turn: Turn, left: IntArray) -> Decided:
        world, left = self._world, left.copy()
        worth = None if self._guide is None else self._guide.worth_cents(int(turn.instant[0]), left)
        parts = []
        for begin, end, view in spans(world, turn):
            asked = ask(world, view, turn.order[begin:end], turn.orders(world, begin, end), left)
            chosen = _cheapest(asked, None if worth is None else worth[asked.part.resource])
            book(world.index.network, world.index.orders, chosen, left)
            parts.append(chosen)
        return Decided(joined(parts), 0)


def spans(world: World, turn: Turn) -> Iterator[tuple[int, int, View]]:
    """Runs of a turn's orders that are decided with the same ship dates."""
    epoch = world.epoch_of(turn.instant)
    cuts = [0, *(np.flatnonzero(np.diff(epoch)) + 1).tolist(), epoch.size]
    for begin, end in pairwise(cuts):
        yield begin, end, world.view(int(epoch[begin]))


def _cheapest(asked: Asked, worth_cents: IntArray | None) -> Chosen:
    """Each order in turn takes the option of least cost, and worth of what it uses, that fits."""
    problem = asked.compiled.problem
    if worth_cents is None:
        worth_cents = np.zeros(problem.n_resources, np.int64)
    source = DearerSource(asked.compiled.options, worth_cents)
    tags = np.arange(problem.n_groups)
    left = asked.part.network.supply.copy()
    known = Pool.complete(problem)
    for begin in range(0, problem.n_groups, ORDERS_A_RUN):
        run = np.arange(begin, min(begin + ORDERS_A_RUN, problem.n_groups))
        prices = Prices.zero(problem.n_resources)
        prices.unit[left == 0] = OUT_OF_REACH_MILLI
        more = source.more(run, prices, slack=NO_FLOOR, limit=OPTIONS_AN_ORDER)
        pool, _ = known.merged(run, more, problem.first[:-1])
        listed = pool.problem
        part = part_of(listed, ranges(listed.first[run], listed.first[run + 1]), left)
        choice = part.option[arrival_greedy(part.problem)]
        tags[run] = pool.tag[choice]
        left -= listed.usage_of(choice)
    return asked.shipments_of(tags)
