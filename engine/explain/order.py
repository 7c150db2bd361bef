"""Why one order is served as it is: against every rival node, with the neighbours that would have to give way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from engine.documents import Allocation, Batch
from engine.explain.answers import Alternative, Change, Move, OrderExplanation, Wanted
from engine.explain.holders import Holders, short_resources
from engine.explain.resolving import Neighbourhood, Settled, listed
from engine.explain.standing import Standing
from engine.live.answers import Rival
from engine.live.arrays import order_arrays
from engine.live.explaining import explain
from engine.live.types import Decision, Order
from engine.network import IntArray
from engine.rates import distance_m, pair_of
from solver.source import MILLI

STUDIED = 4
MOST_NEIGHBOURS = 24
PROBED_RESOURCES = 3
PROBED_UNITS = 1_000
"""Of an option that lacks more, so many resources are tried, and no more units of them."""


class Explainer:
    """Explains the orders of an allocation, and its resources (see :mod:`engine.explain.whole`).

    Parameters
    ----------
    batch : Batch
    allocation : Allocation
        Of that batch.
    n_studied : int
        How many rival nodes of an order are studied with the neighbours around it.
    n_neighbours : int
        How many other orders may be decided anew with it, at most 100.

    Raises
    ------
    InputError
        When the allocation is not of this batch.
    """

    def __init__(
        self, batch: Batch, allocation: Allocation, *, n_studied: int = STUDIED, n_neighbours: int = MOST_NEIGHBOURS
    ) -> None:
        if not 0 <= n_neighbours <= 100:
            raise ValueError(f"n_neighbours is {n_neighbours}, expected an integer from 0 to 100")
        self.standing = Standing(batch, allocation)
        self.holders = Holders(self.standing)
        self._n_studied = n_studied
        self._n_neighbours = n_neighbours

    def order(self, order_id: str) -> OrderExplanation:
        """Explain one order.

        Raises
        ------
        InputError
            When there is no such order.
        """
        standing = self.standing
        number = standing.number_of(order_id)
        (order,) = standing.orders_of([number])
        decision = standing.decision_of(number)
        alone = explain(standing.snapshot, order, decision, prices=standing.live_prices, taken=False)
        able = [rival for rival in alone.rivals if rival.option is not None][: self._n_studied]
        left = standing.left + standing.usage_of([number])
        short = {rival.node_id: self._short(number, rival, left) for rival in able}
        empty = self._empty(alone.rivals, order)[: self._n_studied // 2]
        short |= {rival.node_id: self._missing(rival, order, left) for rival in empty}
        studied = [rival for rival in (*able, *empty) if short[rival.node_id] is not None]
        others = tuple(rival for rival in alone.rivals if rival not in studied)
        resources = [resource for its in short.values() for resource in its or ()]
        numbers = self.holders.around([number], resources, self._n_neighbours)
        around = Neighbourhood(standing, numbers)
        now = around.settle()
        assert now is not None
        regret = around.present_cents - now.value_cents
        return OrderExplanation(
            decision=decision,
            prices=alone.prices,
            price_cents=alone.price_cents,
            alternatives=tuple(
                self._alternative(around, number, rival, short[rival.node_id] or {}, left) for rival in studied
            ),
            others=others,
            stays_cents=self._stays(around, decision) if regret == 0 else {},
            neighbours=around.others,
            n_others=standing.n_orders - len(around.numbers),
            regret_cents=regret,
            proven=now.proven,
        )

    def _short(self, number: int, rival: Rival, left: IntArray) -> dict[int, int] | None:
        """What the best option with a shipment from a node takes of resources of which less is left.

        None where no option is listed: of an order of very many lines.
        """
        standing = self.standing
        arrays = order_arrays(standing.state, standing.orders_of([number]))
        node = standing.state.base.node_of[rival.node_id]
        look = listed(standing, arrays, standing.state.network.supply.copy(), limit=64, node=node)
        return short_resources(look.problem, int(np.argmin(look.problem.cost)), left) if look.tag.size else None

    def _empty(self, rivals: Sequence[Rival], order: Order) -> list[Rival]:
        """Rivals that only lack stock of every line, even if the order were alone; nearest first."""
        network, node_of = self.standing.state.network, self.standing.state.base.node_of

        def metres(rival: Rival) -> int:
            node = node_of[rival.node_id]
            return int(distance_m(order.lat, order.lon, network.node_lat[node], network.node_lon[node]))

        lacking = [
            rival
            for rival in rivals
            if rival.option is None and {one.reason for one in rival.obstacles} == {"no_stock"}
        ]
        return sorted(lacking, key=metres)

    def _missing(self, rival: Rival, order: Order, left: IntArray) -> dict[int, int] | None:
        """The stock that a node would need for all lines, where there is less; None where it never has any."""
        state = self.standing.state
        network, node = state.network, state.base.node_of[rival.node_id]
        wanted: dict[int, int] = {}
        for line in order.lines:
            pair = pair_of(network.sku_first_pair, network.pair_node, state.base.sku_of[line.sku], node)
            if network.pair_first_resource[pair] == network.pair_first_resource[pair + 1]:
                return None
            resource = int(network.pair_first_resource[pair])
            wanted[resource] = wanted.get(resource, 0) + line.quantity
        return {resource: amount for resource, amount in wanted.items() if amount > left[resource]}

    def _alternative(
        self,
        around: Neighbourhood,
        number: int,
        rival: Rival,
        short: Mapping[int, int],
        left: IntArray,
    ) -> Alternative:
        node = self.standing.state.base.node_of[rival.node_id]
        without = around.settle(without=node)
        forced = around.settle(node=node)
        assert without is not None
        flip, proven = flip_cents(around, node, without, forced)
        proven = proven and (forced is not None or around.is_complete(node))
        changes: tuple[Change, ...] = ()
        if proven and (flip is None or flip > 0):
            changes = tuple(self._changes(around, node, short, left))
        option: Decision | None = None
        moves: tuple[Move, ...] = ()
        if forced is not None:
            option, *others = around.decisions(forced)
            moves = tuple(
                Move(before=before, after=after)
                for before, after in zip(around.present[1:], others)
                if served_by(before) != served_by(after)
            )
        return Alternative(
            rival=rival,
            option=option,
            moves=moves,
            total_cents=0 if forced is None else forced.value_cents - around.present_cents,
            wanted=tuple(self._wanted(number, resource, amount, left) for resource, amount in short.items()),
            flip_cents=flip,
            changes=changes,
            proven=proven,
        )

    def _wanted(self, number: int, resource: int, amount: int, left: IntArray) -> Wanted:
        return Wanted(
            resource=self.standing.name_of(resource),
            amount=amount,
            left=int(left[resource]),
            price_cents=int(self.standing.price_milli[resource]) / MILLI,
            n_holders=self.holders.count(resource, number),
            holders=self.holders.cheapest(resource, number),
        )

    def _changes(self, around: Neighbourhood, node: int, short: Mapping[int, int], left: IntArray) -> Iterable[Change]:
        """Of each resource that the node lacks: the units more that make the order ship from it, where some do."""
        seen: set[tuple[int, ...]] = set()
        node_id = self.standing.state.base.names.node_id[node]
        for resource, amount in short.items():
            together = tuple(self.standing.together(resource))
            lacks = amount - int(left[resource])
            if together[-1:] in seen or len(seen) == PROBED_RESOURCES or lacks > PROBED_UNITS:
                continue
            seen.add(together[-1:])
            high = self._least(around, node, together, lacks)
            if high is None:
                continue
            yield Change(amount=high, node_id=node_id, resource=self.standing.name_of(resource))

    def _least(self, around: Neighbourhood, node: int, together: tuple[int, ...], enough: int) -> int | None:
        """The units more that flip where one less does not; None where they do not, or it cannot be proved."""
        if not flips(around, node, dict.fromkeys(together, enough)):
            return None
        low, high = 0, enough  # with none more it does not flip, which was asked before
        while high - low > 1:
            middle = (low + high) // 2
            answer = flips(around, node, dict.fromkeys(together, middle))
            if answer is None:
                return None
            low, high = (low, middle) if answer else (middle, high)
        return high

    def _stays(self, around: Neighbourhood, decision: Decision) -> dict[str, int]:
        """How much dearer shipping from each chosen node has to get for the order to leave it."""
        out = {}
        for node_id in _nodes(decision):
            node = self.standing.state.base.node_of[node_id]
            without, there = around.settle(without=node), around.settle(node=node)
            if without is None or there is None or not (without.proven and there.proven):
                continue
            out[node_id] = leave_cents(around, node, without, there)
        return out


def flips(around: Neighbourhood, node: int, more: dict[int, int]) -> bool | None:
    """Whether, with more units of resources, every best way ships the order from a node; None where not proved."""
    without, there = around.settle(without=node, more=more), around.settle(node=node, more=more)
    assert without is not None
    if not without.proven or (there is not None and not there.proven):
        return None
    return there is not None and there.value_cents < without.value_cents


def flip_cents(around: Neighbourhood, node: int, without: Settled, forced: Settled | None) -> tuple[int | None, bool]:
    """How much cheaper each shipment from a node has to be for every best way to ship the order from it.

    With ``n`` shipments from there at a cost of ``c``, that is more than ``(c - without) / n``; the least over all
    ``n`` is found by asking again at the cents found so far.
    """
    if forced is None:
        return None, without.proven
    proven = without.proven and forced.proven
    cents = (forced.value_cents - without.value_cents) // forced.n_from + 1
    while forced.own.bonus.max() > 1:
        again = around.settle(node=node, cents=1 - cents)
        assert again is not None
        proven = proven and again.proven
        plain = again.value_cents - (1 - cents) * again.n_from
        better = (plain - without.value_cents) // again.n_from + 1
        if better >= cents:
            break
        cents = better
    return cents, proven


def leave_cents(around: Neighbourhood, node: int, without: Settled, there: Settled) -> int:
    """How much dearer each shipment from a node has to get for every best way to do without it."""
    cents = (without.value_cents - there.value_cents) // there.n_from + 1
    while there.own.bonus.max() > 1:
        again = around.settle(node=node, cents=cents)
        assert again is not None
        if again.value_cents > without.value_cents:
            break
        plain = again.value_cents - cents * again.n_from
        cents = (without.value_cents - plain) // again.n_from + 1
    return cents


def served_by(decision: Decision) -> tuple[object, ...]:
    """What tells decisions apart: which lines leave where, when and how, whatever the shipments are called."""
    by_id = {row.shipment_id: (row.node_id, row.service_id, row.ship_date) for row in decision.shipments}
    return tuple(sorted((row.line_id, row.quantity, *by_id[row.shipment_id]) for row in decision.allocations))


def _nodes(decision: Decision) -> tuple[str, ...]:
    return tuple(dict.fromkeys(row.node_id for row in decision.shipments))


def explain_order(batch: Batch, allocation: Allocation, order_id: str) -> OrderExplanation:
    """Why one order of an allocation is served as it is; see :class:`Explainer`."""
    return Explainer(batch, allocation).order(order_id)
