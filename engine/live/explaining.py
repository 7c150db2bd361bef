"""Explanations: why an order is served as it is, against every other node."""

from __future__ import annotations

from collections.abc import Collection

from engine.live.prices import LivePrices
from engine.live.snapshot import Snapshot
from engine.live.types import Decision, Explanation, Order


def explain(
    snapshot: Snapshot,
    order: Order,
    decision: Decision,
    *,
    prices: LivePrices | None = None,
    exclude: Collection[str] = (),
    taken: bool = True,
) -> Explanation:
    """Compare a decision with the best option of every rival node, on the snapshot as it is now.

    Parameters
    ----------
    snapshot : Snapshot
    order : Order
    decision : Decision
        How it is served.
    prices : LivePrices, optional
        The prices it was, or would be, decided at.
    exclude : collection of str
        Nodes that may not serve the order, as for :func:`engine.live.decide`.
    taken : bool
        Whether the snapshot counts what the decision takes; it is then free again for the comparison.

    Raises
    ------
    InputError
        As for :func:`engine.live.decide`.
    """
    raise NotImplementedError
