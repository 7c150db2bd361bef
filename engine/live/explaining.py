"""Explanations: why an order is served as it is, against every other node."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from engine.listing import Options
from engine.live.again import without_slots
from engine.live.answers import Explanation, Rival
from engine.live.arrays import OrderArrays, order_arrays, refuse_faults
from engine.live.choosing import DEPTHS, Outcome, option_values, options_of
from engine.live.documents import decisions_of
from engine.live.obstacles import obstacles_of
from engine.live.prices import LivePrices
from engine.live.settle import looked_at, unpack_options
from engine.live.snapshot import Snapshot, taken_changes
from engine.live.state import State, private_copy
from engine.live.types import TERMS, Decision, Order
from engine.live.worths import counted_prices
from engine.network import IntArray
from engine.reasons import reasons_of
from engine.shipments import Shipments, list_offers
from engine.visits import Visits, reach, visits_of
from solver.source import NO_FLOOR, Prices

BONUS_CENTS = 2**40
"""Taken off every shipment from one slot, so that the best option has one: more than any option can cost."""


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
    refuse_faults(snapshot.base, [order])
    with snapshot.locked() as shared:
        mapped = shared.no_prices if prices is None else prices.on(shared)
        state = private_copy(shared)  # many nodes, many options: nobody has to wait for that
    if taken:
        state.change(*taken_changes(state.base, decision.positions, decision.capacity, -1))
    arrays = order_arrays(state, [order], {order.order_id: exclude})
    counted = counted_prices(state, decision, mapped)
    price_cents = sum(row.cents * row.amount for row in counted)
    look = _listed(state, arrays)
    rivals = [
        _rival(state, order, arrays, node, look, decision, price_cents, mapped, exclude)
        for node in _rival_nodes(state, arrays, decision)
    ]
    return Explanation(
        order_id=order.order_id,
        terms=decision.terms,
        objective_cents=decision.objective_cents,
        price_cents=price_cents,
        prices=counted,
        rivals=tuple(sorted(rivals, key=_by_regret)),
    )


class _Listed(NamedTuple):
    """Everything the order's nodes could ship, worth its cost or not."""

    visits: Visits
    shipments: Shipments


def _by_regret(rival: Rival) -> tuple[bool, float, str]:
    if rival.option is None:
        return True, 0.0, rival.node_id
    return False, rival.difference_cents + rival.price_difference_cents, rival.node_id


def _rival_nodes(state: State, arrays: OrderArrays, decision: Decision) -> list[int]:
    """Nodes with a stock row of some line that the decision does not ship from."""
    rows = state.rows
    chosen = {row.node_id for row in decision.shipments}
    nodes: set[int] = set()
    for sku in set(arrays.judged.line_sku.tolist()):
        nodes.update(rows.pair_node[rows.sku_first_pair[sku] : rows.sku_first_pair[sku + 1]].tolist())
    return sorted(node for node in nodes if state.base.names.node_id[node] not in chosen)


def _listed(state: State, arrays: OrderArrays) -> _Listed:
    network = state.network
    # shipments that cost more than leaving their lines are only listed of orders that must be complete
    orders = arrays.orders._replace(ship_complete=np.ones(1, np.bool_))
    visits = visits_of(network, orders, 0, 1, reach(network, orders, 0, 1))
    return _Listed(visits, list_offers(network, orders, 0, 1, visits))


def _rival(
    state: State,
    order: Order,
    arrays: OrderArrays,
    node: int,
    look: _Listed,
    decision: Decision,
    price_cents: float,
    prices: Prices,
    exclude: Collection[str],
) -> Rival:
    best = _best_from(state, arrays, node, look, prices)
    node_id = state.base.names.node_id[node]
    obstacles = obstacles_of(state, order, arrays, node, exclude, unable=best is None)
    if best is None:
        return Rival(
            node_id=node_id,
            option=None,
            difference={},
            difference_cents=0,
            price_difference_cents=0.0,
            obstacles=obstacles,
        )
    option = _document(state, order, arrays, *best, prices)
    own = decision.terms
    difference = {name: cents - own[name] for name, cents in option.terms.items()}
    return Rival(
        node_id=node_id,
        option=option,
        difference=difference,
        difference_cents=sum(difference[name] for name in TERMS),
        price_difference_cents=option.price_cents - price_cents,
        obstacles=obstacles,
    )


def _best_from(
    state: State, arrays: OrderArrays, node: int, look: _Listed, prices: Prices
) -> tuple[Shipments, Options, int] | None:
    """The best option that has a shipment from a node, other nodes helping.

    Of an order that is packed, or of which not everything is listed: the best from that node alone.
    """
    shipments = look.shipments
    here = np.flatnonzero(state.network.slot_node[shipments.visit_slot] == node)
    if here.size == 0:
        return None
    if not shipments.listed[0]:
        return _best_alone(state, arrays, here, look, prices)
    best: tuple[int, Shipments, Options, int] | None = None
    for visit in here.tolist():
        offers = slice(int(shipments.offer_first[visit]), int(shipments.offer_first[visit + 1]))
        cents = shipments.offer_cents.copy()
        cents[offers] -= BONUS_CENTS
        found = _fitting(state, arrays, shipments._replace(offer_cents=cents), look, prices, visit)
        if found is not None and (best is None or found[0] < best[0]):
            best = found[0], shipments, found[1], found[2]
    return None if best is None else best[1:]


def _fitting(
    state: State,
    arrays: OrderArrays,
    shipments: Shipments,
    look: _Listed,
    prices: Prices,
    visit: int | None,
) -> tuple[int, Options, int] | None:
    """The best option that fits (and has a certain visit), with its value in thousandths of a cent."""
    network, orders = state.network, arrays.orders
    for slack, limit in ((0, 1), *((NO_FLOOR, depth) for depth in DEPTHS)):
        options = options_of(network, orders, shipments, 0, 1, prices, slack=slack, limit=limit)
        if options.order.size == 0:
            return None
        fits, _, _ = looked_at(network, state.rows, orders, shipments, options, look.visits.day, prices.unit)
        if visit is not None:
            fits &= np.logical_or.reduceat(options.visit == visit, options.first[:-1])
        if not fits.any():
            continue
        cost, price = option_values(network, orders, shipments, options, prices)
        value = cost + price  # less the bonus of the one shipment that has it
        which = int(np.argmin(np.where(fits, value, NO_FLOOR)))
        return int(value[which]), options, which
    return None


def _best_alone(
    state: State, arrays: OrderArrays, here: IntArray, look: _Listed, prices: Prices
) -> tuple[Shipments, Options, int] | None:
    visits = without_slots(look.visits, np.setdiff1d(look.visits.slot, look.shipments.visit_slot[here]).tolist())
    orders = arrays.orders._replace(ship_complete=np.ones(1, np.bool_))
    shipments = list_offers(state.network, orders, 0, 1, visits)
    found = _fitting(state, arrays, shipments, _Listed(visits, shipments), prices, None)
    return None if found is None else (shipments, found[1], found[2])


def _document(
    state: State,
    order: Order,
    arrays: OrderArrays,
    shipments: Shipments,
    options: Options,
    which: int,
    prices: Prices,
) -> Decision:
    orders = arrays.orders
    chosen = unpack_options(orders, shipments, options, np.array([which]))
    left = orders.line_quantity.copy()
    np.subtract.at(left, chosen.row_line, chosen.row_quantity)
    reason = reasons_of(state.network, arrays.judged, left > 0)
    return decisions_of(state, [order], arrays, Outcome(chosen, left, reason), prices)[0]
