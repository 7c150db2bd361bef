"""Price guidance: what a unit of stock or capacity is worth to the orders still to come, judged by those of late.

Every few hours as many orders as are expected until the look-ahead ends are drawn from those of the last days, and put
against what is left and what arrives until then. The dual prices of that problem, averaged over a few draws, are the
guidance: a decision costs what it costs, and what its resources are worth besides. One draw alone makes too much of
what happened to be ordered: a last unit that one forecast in four asks for is worth a quarter of what that one says.

Prices are cut off at what an order loses at most by coming from elsewhere. Above that they say that somebody will get
nothing; whom to refuse is not worth refusing anybody before the last unit is gone (decision 0054).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.network import IntArray
from engine.orders import NEVER_LATE
from engine.replay.asking import ask
from engine.replay.enough import solve_enough
from engine.replay.slices import take_orders
from engine.replay.world import DAY, MINUTE, World


@dataclass(frozen=True, kw_only=True)
class GuideParams:
    """How the worth of resources is estimated.

    Parameters
    ----------
    every_minutes : int
        How often.
    ahead_days : int
        How many days of demand share what is left.
    history_days : int
        How many days of orders forecasts are drawn from.
    n_forecasts : int
        Over how many forecasts prices are averaged.
    most_cents : int
        No unit is worth more than this.
    most_orders : int
        Largest forecast; of a larger one a sample is put against a share of what is left.
    """

    every_minutes: int = 720
    ahead_days: int = 3
    history_days: int = 7
    n_forecasts: int = 3
    most_cents: int = 300
    most_orders: int = 6000


class Guide:
    """The guidance as it stands, for one pass over a stream."""

    def __init__(self, params: GuideParams, world: World) -> None:
        self._params = params
        self._world = world
        self._next = world.begin + params.every_minutes * MINUTE
        self._worth_cents = np.zeros(world.index.network.supply.size, np.int64)

    def worth_cents(self, now: int, left: IntArray) -> IntArray:
        """Whole cents that a unit of each of the world's resources is worth; nothing until some orders were seen."""
        if now >= self._next:
            every = self._params.every_minutes * MINUTE
            self._next = now + every - (now - self._world.begin) % every
            self._worth_cents = self._estimated(now, left)
        return self._worth_cents

    def _estimated(self, now: int, left: IntArray) -> IntArray:
        params, world = self._params, self._world
        since = max(world.begin, now - params.history_days * DAY)
        first, end = np.searchsorted(world.placed_at, [since, now]).tolist()
        worth = np.zeros(left.size, np.float64)
        if first == end:
            return worth.astype(np.int64)
        n_expected = int((end - first) * params.ahead_days * DAY // (now - since))
        n = max(1, min(n_expected, params.most_orders))
        share = left if n == n_expected else (left * n + n_expected // 2) // max(1, n_expected)
        epochs = world.epoch_of(np.array([now, now + (params.ahead_days - 1) * DAY])).tolist()
        view = world.view_between(*epochs)
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence([now - world.begin])))
        for _ in range(params.n_forecasts):
            order = np.sort(rng.integers(first, end, n))
            orders = take_orders(world.index.orders, order)
            # their dates are over, and those of the orders to come are not known
            orders = orders._replace(deliver_by=np.full(n, NEVER_LATE), hard_promise=np.zeros(n, np.bool_))
            asked = ask(world, view, order, orders, share)
            # a good choice is not looked for: its first step is the end
            result = solve_enough(asked.compiled.problem, asked.compiled.options, gap=0.0, last="greedy")
            worth[asked.part.resource] += result.price / params.n_forecasts
        return np.minimum(np.rint(worth), params.most_cents).astype(np.int64)
