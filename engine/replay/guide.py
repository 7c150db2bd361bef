"""Price guidance: what a unit of stock or capacity is worth to the orders still to come, from those of the last day.

Every few hours the orders of the last day are taken as a forecast of the next ones, as many as are expected until the
look-ahead ends, and put against what is left and what arrives until then. The dual prices of that problem are the
guidance: a decision costs what it costs, and what its resources are worth besides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.network import IntArray
from engine.orders import NEVER_LATE
from engine.replay.asking import ask
from engine.replay.slices import take_orders
from engine.replay.world import DAY, MINUTE, World
from solver import SolveParams, solve

FOREVER_SECONDS = 1e9
"""No clock cuts a replay short: it would not be the same again."""


@dataclass(frozen=True, kw_only=True)
class GuideParams:
    """How the worth of resources is estimated.

    Parameters
    ----------
    every_minutes : int
        How often.
    ahead_days : int
        How many days of demand share what is left.
    most_orders : int
        Largest forecast; of a larger one a sample is put against a share of what is left.
    gap : float
        How well the forecast is solved.
    """

    every_minutes: int = 360
    ahead_days: int = 3
    most_orders: int = 6000
    gap: float = 0.02


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
        since = max(world.begin, now - DAY)
        first, end = np.searchsorted(world.placed_at, [since, now]).tolist()
        worth = np.zeros(left.size, np.int64)
        if first == end:
            return worth
        n_expected = int((end - first) * params.ahead_days * DAY // (now - since))
        n = min(n_expected, params.most_orders)
        # evenly over the last day, each order as often as the number asks for
        order = first + (np.arange(n) * (end - first)) // n
        orders = take_orders(world.index.orders, order)
        free = np.zeros(n, np.bool_)
        orders = orders._replace(deliver_by=np.full(n, NEVER_LATE), hard_promise=free)
        epoch = int(world.epoch_of(np.array([now]))[0])
        last = int(world.epoch_of(np.array([now + (params.ahead_days - 1) * DAY]))[0])
        share = left if n == n_expected else (left * n + n_expected // 2) // n_expected
        asked = ask(world, world.view_between(epoch, last), order, orders, share)
        result = solve(
            asked.compiled.problem,
            SolveParams(gap=params.gap, time_limit_seconds=FOREVER_SECONDS),
            source=asked.compiled.options,
        )
        worth[asked.part.resource] = np.rint(result.price).astype(np.int64)
        return worth
