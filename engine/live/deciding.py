"""Real-time decisions: each order's best option on what is left."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

from engine.errors import Fault, InputError, shown
from engine.live.again import decide_again
from engine.live.arrays import order_arrays, order_faults, refuse_faults
from engine.live.choosing import take_best
from engine.live.documents import decisions_of
from engine.live.prices import LivePrices
from engine.live.snapshot import Snapshot
from engine.live.turns import Turn
from engine.live.types import Again, Decision, Order
from solver.source import Prices


def faults_of(snapshot: Snapshot, order: Order) -> list[Fault]:
    """What is wrong with an order that only the network can tell, in the words of batch reading.

    Unknown skus and nodes, line ids that repeat, and costs beyond exact arithmetic; row 1 of ``orders``, and of
    ``lines`` the line's place in the order. Call it before an order joins others in a call of :func:`decide`.
    """
    return order_faults(snapshot.base, order)


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
        When :func:`faults_of` finds something in any order, or ``exclude`` names an unknown node; nothing is decided
        then. (Nodes in ``again`` that the network no longer has are passed over: they are history.)
    """
    exclude, again = exclude or {}, again or {}
    refuse_faults(snapshot.base, orders)
    _refuse_unknown(snapshot, exclude)
    with snapshot.locked() as state:
        mapped = state.no_prices if prices is None else prices.on(state)
        turn = Turn(state)
        try:
            decisions: list[Decision] = []
            for is_again, group in groupby(orders, key=lambda order: order.order_id in again):
                if is_again:
                    decisions += [decide_again(turn, one, again[one.order_id], exclude, mapped) for one in group]
                else:
                    decisions += _decide_plain(turn, list(group), exclude, mapped)
        except BaseException:
            turn.undo()
            raise
        if not take:
            turn.undo()
        elif snapshot.is_rebuilding:
            for changes in turn.changes():
                snapshot.record(*changes)
        return decisions


def _decide_plain(
    turn: Turn, orders: list[Order], exclude: Mapping[str, Collection[str]], prices: Prices
) -> list[Decision]:
    arrays = order_arrays(turn.state, orders, exclude)
    outcome = take_best(turn.state, arrays, prices)
    turn.took(arrays.orders, outcome.chosen)
    return decisions_of(turn.state, orders, arrays, outcome, prices)


def _refuse_unknown(snapshot: Snapshot, exclude: Mapping[str, Collection[str]]) -> None:
    unknown = [node_id for nodes in exclude.values() for node_id in nodes if not snapshot.knows_node(node_id)]
    if unknown:
        raise InputError(
            [
                Fault(table="orders", row=None, column="not_nodes", value=shown(node_id), expected="a node_id of nodes")
                for node_id in unknown
            ]
        )
