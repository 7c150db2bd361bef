"""Real-time decisions: each order's best option on what is left."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from engine.errors import Fault
from engine.live.snapshot import LivePrices, Snapshot
from engine.live.types import Again, Decision, Order


def faults_of(snapshot: Snapshot, order: Order) -> list[Fault]:
    """What is wrong with an order that only the network can tell, in the words of batch reading.

    Unknown skus and nodes, line ids that repeat, and costs beyond exact arithmetic; row 1 of ``orders``, and of
    ``lines`` the line's place in the order. Call it before an order joins others in a call of :func:`decide`.
    """
    raise NotImplementedError


def decide(
    snapshot: Snapshot,
    orders: Sequence[Order],
    *,
    prices: LivePrices | None = None,
    exclude: Mapping[str, Collection[str]] | None = None,
    again: Mapping[str, Again] | None = None,
    take: bool = False,
) -> list[Decision]:
    """Decide orders in sequence, each seeing what those before it in the call take.

    Each order gets the option of least cost plus price among all that MODEL.md section 3 allows on what the snapshot
    has left; at equal value the choice is always the same. The options and their costs are those of the batch: alone,
    at no prices, the objective is what :func:`engine.allocate` would prove optimal. (Orders of very many pieces are
    packed, as there, without the proof.)

    What a decision takes of a (node, sku) counts against every date, as ``reserved`` does in a batch.

    Parameters
    ----------
    snapshot : Snapshot
    orders : sequence of Order
    prices : LivePrices, optional
        Resource prices to choose by; they are in no document.
    exclude : mapping of order_id to node ids, optional
        Nodes that may not serve the order at all, besides its ``not_nodes``.
    again : mapping of order_id to Again, optional
        Orders that are decided again, and what of them has to stay.
    take : bool
        Keep what the decisions take as reserved and used in the snapshot, so that the next call sees it; undo with
        :meth:`Snapshot.give_back` where the ledger refuses. Otherwise the snapshot stays as it was. Of orders decided
        again, what their standing shipments took is given back first.

    Returns
    -------
    list of Decision
        One an order, in the order given. An order that cannot be served is a decision too, with reasons, which are
        judged on what the order found.

    Raises
    ------
    InputError
        When :func:`faults_of` finds something in any order, or ``exclude`` and ``again`` name unknown nodes; nothing
        is decided then.
    """
    raise NotImplementedError
