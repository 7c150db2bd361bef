"""One call's changes to a state: kept in order, so that they can be undone."""

from __future__ import annotations

from collections.abc import Callable

from engine.decode import Chosen
from engine.live.capacity import UsedChanges
from engine.live.documents import changes_of
from engine.live.settle import shift
from engine.live.state import State
from engine.live.stock import StockChanges
from engine.orders import Orders

Changes = tuple[StockChanges, UsedChanges]


class Turn:
    """What a call has changed so far, and how to undo it.

    Parameters
    ----------
    state : State
        Held by the caller until the call ends.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        self._undo: list[Callable[[], None]] = []
        self._changes: list[Callable[[], Changes]] = []

    def took(self, orders: Orders, chosen: Chosen) -> None:
        """Note what orders have taken already."""
        state = self.state
        self._undo.append(lambda: shift(state.network, state.rows, state.used, orders, chosen, -1))
        self._changes.append(lambda: changes_of(state.network, orders, chosen))

    def change(self, stock: StockChanges, used: UsedChanges) -> None:
        """Change the state, and note that."""
        state = self.state
        state.change(stock, used)
        back = stock._replace(on_hand=-stock.on_hand, held=-stock.held)
        back_used = used._replace(shipments=-used.shipments, units=-used.units)
        self._undo.append(lambda: state.change(back, back_used))
        self._changes.append(lambda: (stock, used))

    def changes(self) -> list[Changes]:
        """All of it, in numbers that outlive a rebuild."""
        return [change() for change in self._changes]

    def undo(self) -> None:
        """Put everything back."""
        while self._undo:
            self._undo.pop()()
