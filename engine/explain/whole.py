"""What is scarce in a whole batch: the resources of which one more unit would save most, and how much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa

from engine.allocate import AllocateParams, allocate
from engine.calendar import day_number
from engine.documents import Batch
from engine.explain.answers import Move, Worth
from engine.explain.order import Explainer
from engine.explain.resolving import Neighbourhood, listed, lp_prices
from engine.explain.standing import Standing
from engine.live.arrays import order_arrays
from engine.live.dates import day_of
from engine.network import NOW as AT_ONCE
from engine.network import IntArray, codes, days, ints
from solver.source import MILLI

FEW_ORDERS = 2_000
"""Where a batch of so few orders has no prices (it was solved at once), they are worked out from its relaxation."""
OPTIONS_PRICED = 48
CANDIDATES = 3
"""So many resources are looked into for each that is named: prices only tell about where to look."""
LOOKED_AT = 1_000
"""Orders of which it is tried whether they would take one more unit: the nearest, or all that want the item."""
TAKERS = (8, 3, 2)
"""How many of those that would take a unit join, then those that would take what these leave, and so on."""


def dearest(
    explainer: Explainer,
    n: int = 10,
    *,
    verify: AllocateParams | None = None,
    on_verified: Callable[[int], None] | None = None,
) -> tuple[Worth, ...]:
    """The resources of which one more unit saves most.

    Parameters
    ----------
    explainer : Explainer
    n : int
        How many.
    verify : AllocateParams, optional
        Solve the whole batch anew with one unit more of each; the true saving is then between two bounds.
    on_verified : callable, optional
        Called with how many were solved anew.

    Returns
    -------
    tuple of Worth
        By saving, largest first; without those of which one more unit saves nothing.
    """
    standing = explainer.standing
    price = prices_of(standing)
    scarce = np.flatnonzero((price > 0) & (standing.holder_first[1:] > standing.holder_first[:-1]))
    ranked = scarce[np.lexsort((scarce, -price[scarce]))][: CANDIDATES * n]
    found = [_worth(explainer, resource, int(price[resource])) for resource in ranked.tolist()]
    order = sorted(range(len(found)), key=lambda at: (-found[at].saves_cents, -found[at].price_cents, at))
    best = [(int(ranked[at]), found[at]) for at in order if found[at].saves_cents > 0][:n]
    if verify is None:
        return tuple(worth for _, worth in best)
    out = []
    for number, (resource, worth) in enumerate(best, 1):
        out.append(_verified(standing, resource, worth, verify))
        if on_verified is not None:
            on_verified(number)
    return tuple(out)


def prices_of(standing: Standing) -> IntArray:
    """The allocation's prices; where it has none, those of the linear relaxation of a small batch."""
    if standing.price_milli.any() or standing.n_orders > FEW_ORDERS:
        return standing.price_milli
    arrays = order_arrays(standing.state, standing.orders_of(range(standing.n_orders)))
    look = listed(standing, arrays, standing.state.network.supply.copy(), limit=OPTIONS_PRICED)
    return lp_prices(look.problem)


def _worth(explainer: Explainer, resource: int, price_milli: int) -> Worth:
    standing = explainer.standing
    more = dict.fromkeys(standing.together(resource), 1)
    around = Neighbourhood(standing, _takers(standing, resource))
    without, there = around.settle(), around.settle(more=more)
    assert without is not None and there is not None
    before, after = around.decisions(without), around.decisions(there)
    moves = tuple(Move(before=one, after=other) for one, other in zip(before, after) if one.terms != other.terms)
    return Worth(
        resource=standing.name_of(resource),
        price_cents=price_milli / MILLI,
        supply=int(standing.state.network.supply[resource]),
        n_holders=int(standing.holders_of(resource)[0].size),
        saves_cents=without.value_cents - there.value_cents,
        neighbours=tuple(order.order_id for order in around.orders),
        proven=without.proven and there.proven,
        moves=moves,
    )


def _takers(standing: Standing, resource: int) -> list[int]:
    """The orders that would gain most by a unit of a resource, those that would take what they leave, and so on."""
    numbers: list[int] = []
    wave = [resource]
    for n in TAKERS:
        new: list[int] = []
        for wanted in wave:
            gains = [number for number in _gains(standing, wanted) if number not in numbers]
            numbers += gains[:n]
            new += gains[:n]
        usage = standing.usage_of(new)
        wave = [int(at) for at in np.flatnonzero((usage > 0) & (standing.left == 0)) if at != resource][: 4 * n]
    return numbers or [int(standing.holders_of(resource)[0][0])]


def _gains(standing: Standing, resource: int) -> list[int]:
    """Orders by what a unit of a resource would save each, what they have themselves not being theirs to use again."""
    asked = _askers(standing, resource)
    if asked.size == 0:
        return []
    supply = standing.left.copy()
    supply[standing.together(resource)] += 1
    look = listed(standing, order_arrays(standing.state, standing.orders_of(asked.tolist())), supply, limit=1)
    gain = standing.cents[asked] - np.minimum.reduceat(look.problem.cost, look.problem.first[:-1])
    better = np.flatnonzero(gain > 0)
    return [int(asked[at]) for at in better[np.lexsort((better, -gain[better]))]]


def _askers(standing: Standing, resource: int) -> IntArray:
    """Orders that do not hold a resource and may want it: those with the item, or those nearest to the node."""
    named = standing.name_of(resource)
    others = np.ones(standing.n_orders, np.bool_)
    others[standing.holders_of(resource)[0]] = False
    network = standing.state.network
    node = standing.state.base.node_of[named.node_id]
    orders = standing.batch["orders"]
    if named.sku is not None:
        lines = standing.batch["lines"]
        wants = codes(lines.column("sku"), pa.array([named.sku])) == 0
        its = np.unique(codes(lines.column("order_id"), standing.order_ids)[wants])
        others &= np.isin(np.arange(standing.n_orders), its)
    asked = np.flatnonzero(others)
    lat, lon = (orders.column(name).to_numpy()[asked] for name in ("lat", "lon"))
    east = (lon - network.node_lon[node]) * np.cos(np.radians(network.node_lat[node]))
    near = np.argsort((lat - network.node_lat[node]) ** 2 + east**2, kind="stable")[:LOOKED_AT]
    return np.sort(asked[near])


def _verified(standing: Standing, resource: int, worth: Worth, params: AllocateParams) -> Worth:
    """The optimum falls by what is saved: it lies between a bound and an objective, with the unit and without."""
    now = standing.allocation.summary
    then = allocate(one_more(standing, resource), params).summary
    return replace(
        worth,
        whole_low_cents=max(0, now["bound_cents"] - then["objective_cents"]),
        whole_high_cents=now["objective_cents"] - then["bound_cents"],
    )


def one_more(standing: Standing, resource: int) -> Batch:
    """The batch with one more unit of a resource that orders can have; nothing else is changed."""
    batch, named = standing.batch, standing.name_of(resource)
    if named.kind == "stock":
        stock = batch["stock"]
        its = (codes(stock.column("node_id"), pa.array([named.node_id])) == 0) & (
            codes(stock.column("sku"), pa.array([named.sku])) == 0
        )
        opens = days(stock, "available_on", AT_ONCE)
        by_then = its & (opens <= (AT_ONCE if named.date is None else day_number(named.date)))
        held = int((ints(stock, "reserved") + ints(stock, "safety_stock"))[its].sum())
        short = max(0, held - int(ints(stock, "on_hand")[by_then].sum()))
        row = int(np.flatnonzero(by_then)[np.argmax(opens[by_then])])
        return _raised(batch, "stock", "on_hand", row, 1 + short)
    column = {"node_units": "units_per_day"}.get(named.kind, "shipments_per_day")
    table = "service_capacity" if named.kind == "service_shipments" else "nodes"
    its = codes(batch[table].column("node_id"), pa.array([named.node_id])) == 0
    if named.service_id is not None:
        its &= codes(batch[table].column("service_id"), pa.array([named.service_id])) == 0
    row = int(np.flatnonzero(its)[0])
    used = batch["used"].to_pylist()
    units = "units" if named.kind == "node_units" else "shipments"
    key = (named.node_id, named.service_id)
    before = {one["date"]: one[units] for one in used if (one["node_id"], one["service_id"]) == key}
    daily = int(batch[table].column(column)[row].as_py())
    raised = 1 + max(0, before.get(named.date, 0) - daily)
    out = _raised(batch, table, column, row, raised)
    for day in _other_days(standing, named.node_id, named.date):  # capacity is of every day, the unit of this one
        same = [one for one in used if (one["node_id"], one["service_id"], one["date"]) == (*key, day)]
        if not same:
            same = [{"node_id": key[0], "service_id": key[1], "date": day, "shipments": 0, "units": 0}]
            used += same
        same[0][units] += raised
    return Batch(out.policy, {**out.tables, "used": pa.Table.from_pylist(used, batch["used"].schema)})


def _other_days(standing: Standing, node_id: str, day: date | None) -> list[date]:
    network = standing.state.network
    node = standing.state.base.node_of[node_id]
    slots = range(int(network.node_first_slot[node]), int(network.node_first_slot[node + 1]))
    return [one for slot in slots if (one := day_of(int(network.slot_day[slot]))) != day]


def _raised(batch: Batch, table: str, column: str, row: int, amount: int) -> Batch:
    found = batch[table]
    at = found.schema.get_field_index(column)
    values = found.column(column).to_pylist()
    values[row] += amount
    field = found.schema.field(at)
    return Batch(batch.policy, {**batch.tables, table: found.set_column(at, field, pa.array(values, field.type))})
