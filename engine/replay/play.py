"""One pass over a stream: turn after turn orders come in, are decided, and nodes answer.

A decision stands when all of its nodes say yes. If one says no, all of it is taken back, and the order comes back when
the turn ends, with the nodes that said no barred. While the answer is out, its stock and capacity are held.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.decode import Chosen, shipment_terms
from engine.network import IntArray
from engine.replay.booking import book, by_order, give_back, joined, no_shipments, picked
from engine.replay.draws import Draws
from engine.replay.turns import Decider, Strategy, Turn
from engine.replay.world import MINUTE, World

MOST_TRIES = 10
"""After so many decisions that a node refused, an order is given up."""


class Played(NamedTuple):
    """How a stream ended.

    Parameters
    ----------
    chosen : Chosen
        The shipments that stand, sorted by order, in the world's numbers.
    decided_at : int64[n_orders]
        When the decision that stands was made (the first of those that changed it without a node having said no).
    released_at : int64[n_orders]
        From when on it could not be changed any more.
    left : int64[n_resources]
        What is left of each resource.
    n_refused : int
        Decisions that a node refused.
    n_changed : int
        Decisions that were changed before they were released.
    """

    chosen: Chosen
    decided_at: IntArray
    released_at: IntArray
    left: IntArray
    n_refused: int
    n_changed: int


def longest_wait_minutes(strategy: Strategy) -> int:
    """The latest that a strategy can decide an order, after it was placed."""
    return (MOST_TRIES + 1) * (strategy.turn_minutes + strategy.release_minutes)


def play(world: World, strategy: Strategy, draws: Draws) -> Played:
    """Play a strategy on a stream."""
    return _Play(world, strategy, draws).run()


class _Play:
    """The state of a pass: what is left, who waits, what is decided but not released, what stands."""

    def __init__(self, world: World, strategy: Strategy, draws: Draws) -> None:
        self._world = world
        self._strategy = strategy
        self._draws = draws
        n_orders = world.placed_at.size
        self._left = world.index.network.supply.copy()
        self._waiting = np.zeros(0, np.int64)
        self._barred: dict[int, list[int]] = {}
        self._tries = np.zeros(n_orders, np.int64)
        self._open = np.zeros(0, np.int64)  # orders decided, but not released
        self._kept = no_shipments()
        self._standing: list[Chosen] = []
        self._decided_at = np.full(n_orders, -1, np.int64)
        self._released_at = np.full(n_orders, -1, np.int64)
        self._promised_day = np.zeros(n_orders, np.int64)
        self._n_refused = self._n_changed = 0

    def run(self) -> Played:
        """All turns."""
        world, strategy = self._world, self._strategy
        decider = strategy.decider(world)
        length = strategy.turn_minutes * MINUTE
        n_seen, turn = 0, 0
        while n_seen < world.placed_at.size or self._waiting.size or self._open.size:
            if not self._waiting.size and not self._open.size:  # nothing to do until somebody orders
                turn = max(turn, -(-(int(world.placed_at[n_seen]) - world.begin) // length) - 1)
            begin, end = world.begin + turn * length, world.begin + (turn + 1) * length
            n_new = int(np.searchsorted(world.placed_at, end, side="right"))
            self._release(end)
            self._turn(decider, np.arange(n_seen, n_new), begin, end)
            n_seen = n_new
            turn += 1
        return Played(
            by_order(joined(self._standing)),
            self._decided_at,
            self._released_at,
            self._left,
            self._n_refused,
            self._n_changed,
        )

    def _turn(self, decider: Decider, fresh: IntArray, begin: int, end: int) -> None:
        world = self._world
        order = np.concatenate((self._waiting, self._open, fresh))
        if order.size == 0:
            return
        instant = np.full(order.size, end if self._strategy.waits else begin)
        if not self._strategy.waits:
            instant[order.size - fresh.size :] = world.placed_at[fresh]
        if self._kept.order.size:
            give_back(world.index.network, world.index.orders, self._kept, self._left)
        turn = Turn(order, instant, self._bars(order), end, self._kept, self._promised_day[order])
        decided = decider.decide(turn, self._left)
        book(world.index.network, world.index.orders, decided.chosen, self._left)
        self._n_changed += decided.n_changed
        first = self._decided_at[order] < 0
        self._decided_at[order[first]] = instant[first]
        self._waiting = np.zeros(0, np.int64)
        if self._strategy.release_minutes:
            self._promise(decided.chosen)
            self._open, self._kept = np.sort(order), by_order(decided.chosen)
        else:
            self._ask(order, decided.chosen, instant)

    def _release(self, now: int) -> None:
        """Hand over to the nodes what cannot wait: a ship date that would be missed, or enough time for changes."""
        if not self._open.size:
            return
        world, kept = self._world, self._kept
        view = world.view(int(world.epoch_of(np.array([now]))[0]))
        due = np.zeros(world.placed_at.size, np.bool_)
        due[self._open] = self._decided_at[self._open] + self._strategy.release_minutes * MINUTE <= now
        due[kept.order[~view.is_open[kept.slot]]] = True
        released = self._open[due[self._open]]
        self._open = self._open[~due[self._open]]
        self._kept = picked(kept, ~due[kept.order])
        self._ask(released, picked(kept, due[kept.order]), np.full(released.size, now))

    def _ask(self, order: IntArray, chosen: Chosen, instant: IntArray) -> None:
        """Ask the nodes; what they refuse is taken back and waits, the rest stands."""
        world = self._world
        network = world.index.network
        node = network.slot_node[chosen.slot]
        says_no = self._draws.rejects(chosen.order, node)
        self._released_at[order] = instant
        if not says_no.any():
            self._standing.append(chosen)
            return
        refused = np.zeros(world.placed_at.size, np.bool_)
        refused[chosen.order[says_no]] = True
        for at in np.flatnonzero(says_no).tolist():
            self._barred.setdefault(int(chosen.order[at]), []).append(int(node[at]))
        back = picked(chosen, refused[chosen.order])
        give_back(network, world.index.orders, back, self._left)
        self._standing.append(picked(chosen, ~refused[chosen.order]))
        again = order[refused[order]]
        self._n_refused += again.size
        self._tries[again] += 1
        self._promised_day[again] = 0
        again = again[self._tries[again] < MOST_TRIES]
        self._decided_at[again] = -1
        self._waiting = np.concatenate((self._waiting, again))

    def _promise(self, chosen: Chosen) -> None:
        """Note what customers were told when their order was decided for the first time: when all of it arrives."""
        terms = shipment_terms(self._world.index.network, self._world.index.orders, chosen)
        latest = np.zeros(self._promised_day.size, np.int64)
        np.maximum.at(latest, chosen.order, terms.deliver_day)
        fresh: NDArray[np.bool_] = (self._promised_day == 0) & (latest > 0)
        self._promised_day[fresh] = latest[fresh]

    def _bars(self, order: IntArray) -> tuple[IntArray, IntArray]:
        pairs = [(at, node) for at, who in enumerate(order.tolist()) for node in self._barred.get(who, ())]
        at, node = np.array(pairs, np.int64).reshape(-1, 2).T
        return at, node
