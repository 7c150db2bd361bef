"""A few orders decided anew to the proven optimum, all others as they are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from engine.explain.standing import Standing
from engine.live.arrays import OrderArrays, order_arrays
from engine.live.choosing import Outcome
from engine.live.documents import decisions_of
from engine.live.settle import unpack_options
from engine.live.types import Decision
from engine.network import IntArray
from engine.options import OrderOptions
from engine.reasons import reasons_of
from solver.bound import group_minimum, reduced
from solver.core import part_of
from solver.exact import solve_exact
from solver.mip import MipLimits
from solver.pool import Pool
from solver.problem import Problem, offsets, ranges
from solver.source import MILLI, NO_FLOOR, Prices

NEIGHBOUR_OPTIONS = 1_500
"""An order with more options than this stays as it is, unless it is the one that is explained."""
OWN_OPTIONS = 2_000
FEW_OPTIONS = 600
"""So many options are solved as they are; of more, only those that prices leave in question."""
FIRST_SLACK_CENTS = 200
MOVE = 128
"""Costs are multiplied by this and each order that moves costs 1: of the best ways, the one with the fewest moves."""
BONUS_CENTS = 2**40
"""Taken off each shipment from a node, so that all options with one are listed, worth their cost or not."""
LIMITS = MipLimits(max_nodes=200, max_deterministic_seconds=0.5)


class Listed(NamedTuple):
    """The options of some orders on given stock and capacity; everything an order has, or the best of it.

    ``bonus`` counts the shipments of each option from the node that was given the bonus; costs are without it.
    """

    arrays: OrderArrays
    options: OrderOptions
    problem: Problem
    tag: IntArray
    bonus: IntArray
    floor_cents: float  # no option that is not listed costs less
    complete: NDArray[np.bool_]  # by order


class Settled(NamedTuple):
    """How orders are served at the least cost, and what is proved of it.

    ``value_cents`` counts what a question adds to each shipment from a node; ``n_from`` is how many there are.
    """

    own: Listed
    own_option: int
    rest: Listed
    rest_choice: IntArray
    value_cents: int
    n_from: int
    proven: bool


def listed(
    standing: Standing,
    orders: OrderArrays,
    supply: IntArray,
    *,
    limit: int,
    node: int | None = None,
) -> Listed:
    """List the options of some orders; with a node, only those that ship from it, worth their cost or not."""
    network = standing.state.network._replace(supply=supply)
    if node is not None:
        preference = network.node_preference_cents.copy()
        preference[node] -= BONUS_CENTS
        preference.flags.writeable = False  # as that of a batch is: the kernels are compiled for that
        network = network._replace(node_preference_cents=preference)
    options = OrderOptions(network, orders.orders)
    n_orders = orders.orders.lat.size
    groups = np.arange(n_orders)
    pool = Pool.start(options.nothing(), n_orders, supply)
    more = options.more(groups, Prices.zero(supply.size), slack=NO_FLOOR, limit=limit)
    pool, _ = pool.merged(groups, more, pool.problem.first[:-1])
    bonus = np.zeros(pool.tag.size, np.int64)
    floor_milli = int(more.floor.min(initial=NO_FLOOR))
    if node is not None:
        bonus = _shipments_from(options, pool.tag, node)
        keep = np.flatnonzero(bonus > 0)
        cost = pool.problem.cost + bonus * BONUS_CENTS
        floor_milli += BONUS_CENTS * MILLI if floor_milli < NO_FLOOR else 0
        problem = replace(pool.problem, cost=cost)
        pool = replace(pool, problem=_only(problem, keep), tag=pool.tag[keep])
        bonus = bonus[keep]
    return Listed(
        arrays=orders,
        options=options,
        problem=pool.problem,
        tag=pool.tag,
        bonus=bonus,
        floor_cents=np.inf if floor_milli == NO_FLOOR else floor_milli / MILLI,
        complete=more.floor == NO_FLOOR,
    )


class Neighbourhood:
    """The order that is explained, if any, with others around it: what they hold is free to be dealt out anew.

    Parameters
    ----------
    standing : Standing
    numbers : sequence of int
        Orders; the first is explained. Those that have too many options are left out (see :attr:`numbers`).
    most_options : int
        How many options all neighbours may have; those beyond stay as they are.
    """

    def __init__(self, standing: Standing, numbers: Sequence[int], most_options: int = 3_000) -> None:
        self._standing = standing
        own, *others = numbers
        state = standing.state
        first = order_arrays(state, standing.orders_of(others))
        free = standing.left + standing.usage_of(numbers)
        look = listed(standing, first, free, limit=NEIGHBOUR_OPTIONS)
        sizes = np.where(look.complete, np.diff(look.problem.first), most_options + 1)
        kept, total = [], 0
        for number, size in zip(others, sizes.tolist()):
            if total + size <= most_options:
                kept.append(number)
                total += size
        self.numbers = [own, *kept]
        self.orders = standing.orders_of(self.numbers)
        self.present = [standing.decision_of(number) for number in self.numbers]
        self.present_cents = int(standing.cents[self.numbers].sum())
        self._usages = [standing.usage_of([number]) for number in self.numbers]
        self._free = standing.left + standing.usage_of(self.numbers)
        self._own = order_arrays(state, self.orders[:1])
        self._others = order_arrays(state, self.orders[1:])
        self._rest: dict[tuple[tuple[int, int], ...], Listed] = {}
        self._mine: dict[tuple[object, ...], Listed] = {}
        self._price: IntArray | None = None

    @property
    def others(self) -> tuple[str, ...]:
        """The ids of the orders around the one that is explained."""
        return tuple(order.order_id for order in self.orders[1:])

    def settle(
        self,
        *,
        node: int | None = None,
        without: int | None = None,
        cents: int = 0,
        more: Mapping[int, int] | None = None,
    ) -> Settled | None:
        """Serve them all at the least cost.

        Parameters
        ----------
        node : int, optional
            The explained order has to ship from it.
        without : int, optional
            It must not ship from this one.
        cents : int
            What each of its shipments from ``node`` costs more.
        more : mapping of int to int, optional
            Units of resources that there are more.

        Returns
        -------
        Settled or None
            None where no option of the explained order ships from the node.
        """
        extra = tuple(sorted((more or {}).items()))
        supply = self._free.copy()
        for resource, units in extra:
            supply[resource] += units
        rest = self._listed_rest(extra, supply)
        own = self._listed_own(extra, supply, node, without)
        fits = _fitting(own.problem, supply)
        if fits.size == 0:
            return None
        mine = _only(replace(own.problem, cost=own.problem.cost + cents * own.bonus), fits)
        stacked = _stacked(mine, rest.problem, supply)
        stays = np.concatenate((_same(mine, self._usages[:1]), _same(rest.problem, self._usages[1:])))
        choice, objective, bound = self._optimum(stacked, stays)
        value, proved = objective // MOVE, bound // MOVE
        proven = proved >= value and bool(rest.complete.all())
        if own.floor_cents < np.inf:  # options of its own that are not listed: none of them can be better
            alone = replace(rest.problem, supply=supply)
            _, _, least = self._optimum(alone, _same(rest.problem, self._usages[1:]))
            proven = proven and own.floor_cents + cents + least // MOVE >= value
        own_option = int(fits[choice[0]])
        return Settled(
            own=own,
            own_option=own_option,
            rest=rest,
            rest_choice=choice[1:] - mine.n_options,
            value_cents=int(value),
            n_from=int(own.bonus[own_option]),
            proven=bool(proven),
        )

    def is_complete(self, node: int) -> bool:
        """Whether every option of the explained order that ships from a node is listed."""
        return bool(self._listed_own((), self._free, node, None).complete.all())

    def decisions(self, settled: Settled) -> list[Decision]:
        """How each order is served then, the explained one first; costs are those of the model."""
        state = self._standing.state
        out = []
        for part, choice in ((settled.own, np.array([settled.own_option])), (settled.rest, settled.rest_choice)):
            if choice.size == 0:
                continue
            records = part.options.shipments_of(part.tag[choice])
            orders = part.arrays.orders
            chosen = unpack_options(orders, part.options.shipments[0], records, np.arange(choice.size))
            left = orders.line_quantity.copy()
            np.subtract.at(left, chosen.row_line, chosen.row_quantity)
            reason = reasons_of(state.network, part.arrays.judged, left > 0)
            named = self.orders[:1] if part is settled.own else self.orders[1:]
            out += decisions_of(state, named, part.arrays, Outcome(chosen, left, reason), state.no_prices)
        return out

    def _listed_rest(self, extra: tuple[tuple[int, int], ...], supply: IntArray) -> Listed:
        if extra not in self._rest:
            self._rest[extra] = listed(self._standing, self._others, supply, limit=NEIGHBOUR_OPTIONS)
        return self._rest[extra]

    def _listed_own(
        self, extra: tuple[tuple[int, int], ...], supply: IntArray, node: int | None, without: int | None
    ) -> Listed:
        key = (extra, node, without)
        if key not in self._mine:
            arrays = self._own
            if without is not None:
                barred: Collection[str] = (self._standing.state.base.names.node_id[without],)
                order = self.orders[0]
                arrays = order_arrays(self._standing.state, [order], {order.order_id: barred})
            self._mine[key] = listed(self._standing, arrays, supply, limit=OWN_OPTIONS, node=node)
        return self._mine[key]

    def _optimum(self, problem: Problem, stays: NDArray[np.bool_]) -> tuple[IntArray, int, int]:
        """Choice, cost and bound, in :data:`MOVE`-ths of a cent; options out of reach by prices are left out."""
        cost = problem.cost * MOVE + ~stays
        scaled = replace(problem, cost=cost)
        if problem.n_options <= FEW_OPTIONS:
            exact = solve_exact(scaled, None, LIMITS)
            assert exact.choice is not None and exact.bound is not None
            return exact.choice, int(cost[exact.choice].sum()), exact.bound
        if self._price is None:
            self._price = lp_prices(problem)
        value = reduced(problem, self._price)
        least = group_minimum(problem, value)
        floor = (int(least.sum()) - int((self._price * problem.supply).sum())) / MILLI
        excess = value - np.repeat(least, np.diff(problem.first))
        slack = FIRST_SLACK_CENTS
        while True:
            nothing = np.zeros(problem.n_options, np.bool_)
            nothing[_leanest(problem)] = True
            keep = np.flatnonzero((excess <= slack * MILLI) | nothing)
            part = part_of(scaled, keep)
            exact = solve_exact(part.problem, None, LIMITS)
            assert exact.choice is not None and exact.bound is not None
            choice = keep[exact.choice]
            objective = int(cost[choice].sum())
            needed = int(np.ceil(objective / MOVE - floor)) + 1
            if needed <= slack or keep.size == problem.n_options:
                return choice, objective, exact.bound
            slack = needed


def lp_prices(problem: Problem) -> IntArray:
    """Dual prices of a problem's linear relaxation, in thousandths of a cent; any prices from zero are valid."""
    used = np.unique(problem.usage_resource)
    at = np.searchsorted(used, problem.usage_resource)
    option = np.repeat(np.arange(problem.n_options), np.diff(problem.usage_start))
    rows = csr_array(
        (problem.usage_amount.astype(np.float64), (at, option)), shape=(max(1, used.size), problem.n_options)
    )
    groups = csr_array(
        (np.ones(problem.n_options), (problem.group_of_option(), np.arange(problem.n_options))),
        shape=(problem.n_groups, problem.n_options),
    )
    supply = problem.supply[used].astype(np.float64) if used.size else np.zeros(1)
    from scipy.optimize import linprog  # half a second, which a service need not start with

    found = linprog(problem.cost.astype(np.float64), rows, supply, groups, np.ones(problem.n_groups), method="highs")
    price = np.zeros(problem.n_resources, np.int64)
    if found.status == 0 and used.size:
        price[used] = np.rint(np.maximum(0.0, -found.ineqlin.marginals) * MILLI).astype(np.int64)
    return price


def _shipments_from(options: OrderOptions, tags: IntArray, node: int) -> IntArray:
    """How many shipments of each option leave a node."""
    records = options.shipments_of(tags)
    slot = options.shipments[0].visit_slot[records.visit]
    running = offsets((options.network.slot_node[slot] == node).astype(np.int64))
    return running[records.first[1:]] - running[records.first[:-1]]


def _only(problem: Problem, keep: IntArray) -> Problem:
    """A problem with some of its options, resources as they are; groups may be left without any."""
    counts = np.bincount(problem.group_of_option()[keep], minlength=problem.n_groups).astype(np.int64)
    start, stop = problem.usage_start[keep], problem.usage_start[keep + 1]
    entries = ranges(start, stop)
    return replace(
        problem,
        cost=problem.cost[keep],
        first=offsets(counts),
        usage_start=offsets(stop - start),
        usage_resource=problem.usage_resource[entries],
        usage_amount=problem.usage_amount[entries],
    )


def _fitting(problem: Problem, supply: IntArray) -> IntArray:
    """The options that fit by themselves."""
    option = np.repeat(np.arange(problem.n_options), np.diff(problem.usage_start))
    fits = np.ones(problem.n_options, np.bool_)
    fits[option[problem.usage_amount > supply[problem.usage_resource]]] = False
    return np.flatnonzero(fits)


def _stacked(one: Problem, other: Problem, supply: IntArray) -> Problem:
    """Two problems on the same resources as one."""
    return Problem(
        cost=np.concatenate((one.cost, other.cost)),
        first=np.concatenate((one.first, other.first[1:] + one.n_options)),
        usage_start=np.concatenate((one.usage_start, other.usage_start[1:] + one.usage_start[-1])),
        usage_resource=np.concatenate((one.usage_resource, other.usage_resource)),
        usage_amount=np.concatenate((one.usage_amount, other.usage_amount)),
        supply=supply,
    )


def _leanest(problem: Problem) -> IntArray:
    """Options that take least of each group: together they fit wherever anything does."""
    used = np.add.reduceat(np.append(problem.usage_amount, 0), problem.usage_start[:-1])
    used = np.where(np.diff(problem.usage_start) == 0, 0, used)
    order = np.lexsort((problem.cost, used, problem.group_of_option()))
    return np.asarray(order[problem.first[:-1]], dtype=np.int64)


def _same(problem: Problem, usages: Sequence[IntArray]) -> NDArray[np.bool_]:
    """Which option of each group takes just what its order takes now: the cheapest of those."""
    out = np.zeros(problem.n_options, np.bool_)
    for group, usage in enumerate(usages):
        wanted = {(int(at), int(usage[at])) for at in np.flatnonzero(usage)}
        best = -1
        for option in range(int(problem.first[group]), int(problem.first[group + 1])):
            its = slice(int(problem.usage_start[option]), int(problem.usage_start[option + 1]))
            if its.stop - its.start != len(wanted) or (best >= 0 and problem.cost[option] >= problem.cost[best]):
                continue
            pairs = zip(problem.usage_resource[its].tolist(), problem.usage_amount[its].tolist())
            if wanted == set(pairs):
                best = option
        if best >= 0:
            out[best] = True
    return out
