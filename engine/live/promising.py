"""Promises: what could be offered for a cart, by service and date."""

from __future__ import annotations

from collections.abc import Sequence

from engine.live.prices import LivePrices
from engine.live.snapshot import Snapshot
from engine.live.types import Order, Promise


def promise(snapshot: Snapshot, carts: Sequence[Order], *, prices: LivePrices | None = None) -> list[Promise]:
    """The dated, costed ways to serve each cart whole, from stock, inbound supply and free capacity; changes nothing.

    Parameters
    ----------
    snapshot : Snapshot
    carts : sequence of Order
        Each by itself. ``ship_complete`` and ``held`` are passed over; ``deliver_by`` and ``hard_promise`` count.
    prices : LivePrices, optional
        Resource prices to choose by; in no cost.

    Returns
    -------
    list of Promise
        One a cart, in the order given.

    Raises
    ------
    InputError
        As for :func:`engine.live.decide`.
    """
    raise NotImplementedError
