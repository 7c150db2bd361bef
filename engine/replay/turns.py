"""What a strategy is asked in a turn, and what it may look at."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from engine.decode import Chosen
from engine.network import IntArray
from engine.orders import Orders
from engine.replay.slices import Pairs, take_orders
from engine.replay.world import World


class Turn(NamedTuple):
    """The orders of a turn, in the order in which they are to be decided.

    ``kept`` are shipments decided earlier that nobody has begun to pack: their orders are among those of the turn, and
    their stock and capacity are free again. A strategy that is given none need not look at it.
    """

    order: IntArray
    instant: IntArray  # of each order's decision, rising
    barred: Pairs  # position among the orders, and a node that said no to it
    end: int  # when the turn ends
    kept: Chosen
    promised_day: IntArray  # by order of the turn; 0: nothing promised yet

    def orders(self, world: World, begin: int = 0, end: int | None = None) -> Orders:
        """The orders from one position to another, with the nodes that said no barred."""
        chosen = self.order[begin:end]
        at, node = self.barred
        inside = (at >= begin) & (at < begin + chosen.size)
        return take_orders(world.index.orders, chosen, (at[inside] - begin, node[inside]))


class Decided(NamedTuple):
    """Shipments for the orders of a turn, in the world's numbers, and how many kept decisions were changed."""

    chosen: Chosen
    n_changed: int


class Strategy(Protocol):
    """A way to play. Strategies hold no state between streams: :meth:`decider` begins anew.

    Attributes
    ----------
    name : str
        What it is called in results.
    turn_minutes : int
        Length of a turn. Nodes answer when it ends.
    waits : bool
        Whether orders are decided when the turn ends, not when they are placed.
    release_minutes : int
        How long after its first decision an order may still be decided anew; 0: it never is.
    """

    @property
    def name(self) -> str:
        """See above."""
        ...

    @property
    def turn_minutes(self) -> int:
        """See above."""
        ...

    @property
    def waits(self) -> bool:
        """See above."""
        ...

    @property
    def release_minutes(self) -> int:
        """See above."""
        ...

    def decider(self, world: World) -> Decider:
        """What decides, for one pass over a stream."""
        ...


class Decider(Protocol):
    """Decides turn after turn."""

    def decide(self, turn: Turn, left: IntArray) -> Decided:
        """Choose shipments for the orders of a turn; ``left`` is what is left of each resource, and not written to."""
        ...
