"""Strategies that wait: the orders of some minutes are decided together, and perhaps decided anew until released."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.network import IntArray
from engine.replay.asking import Asked, DearerSource, ask
from engine.replay.enough import solve_enough
from engine.replay.guide import Guide, GuideParams
from engine.replay.kept import Kept, kept_of, with_promises
from engine.replay.turns import Decided, Decider, Turn
from engine.replay.world import View, World
from solver import Source


@dataclass(frozen=True, kw_only=True)
class InWindows:
    """The orders of each window together, when it ends.

    Parameters
    ----------
    name : str
        What it is called.
    turn_minutes : int
        Length of a window.
    release_minutes : int
        How long after its first decision an order may be decided anew, with every window, until its nodes are told;
        earlier where a ship date would be missed. 0: nodes are told at once.
    change_cents : int
        What a changed decision has to save at least.
    guide : GuideParams or None
        Whether to count what stock and capacity are worth to later orders, and how that is estimated.
    gap : float
        How well each window is solved.
    """

    name: str
    turn_minutes: int
    release_minutes: int = 0
    change_cents: int = 50
    guide: GuideParams | None = None
    gap: float = 0.005
    waits: bool = True

    def decider(self, world: World) -> Decider:
        """See :class:`engine.replay.turns.Strategy`."""
        return _InWindows(self, world)


class _InWindows:
    def __init__(self, strategy: InWindows, world: World) -> None:
        self._strategy = strategy
        self._world = world
        self._guide = None if strategy.guide is None else Guide(strategy.guide, world)

    def decide(self, turn: Turn, left: IntArray) -> Decided:
        world = self._world
        view = world.view(int(world.epoch_of(np.array([turn.end]))[0]))
        worth = np.zeros(left.size, np.int64)
        if self._guide is not None:
            worth = self._guide.worth_cents(turn.end, left)
        return self._solved(turn, view, left, worth)

    def _solved(self, turn: Turn, view: View, left: IntArray, worth: IntArray) -> Decided:
        world = self._world
        orders = turn.orders(world)
        kept = kept_of(world, turn, orders)
        asked = ask(world, view, turn.order, with_promises(orders, kept), left)
        worth = worth[asked.part.resource]
        problem = kept.problem(asked, worth, self._strategy.change_cents)
        shift = problem.n_options - turn.order.size
        source: Source = asked.compiled.options
        if worth.any():
            source = DearerSource(source, worth)
        if shift:
            source = kept.source(source, shift)
        result = solve_enough(problem, source, gap=self._strategy.gap)
        assert result.choice is not None
        return self._decoded(asked, kept, result.choice, shift)

    def _decoded(self, asked: Asked, kept: Kept, tags: IntArray, shift: int) -> Decided:
        if not shift:
            return Decided(asked.shipments_of(tags), 0)
        return kept.decided(self._world, asked, tags, shift)
