"""The prices that counted for a decision."""

from __future__ import annotations

from datetime import date

from engine.calendar import day_number
from engine.live.answers import ResourcePrice
from engine.live.dates import day_of
from engine.live.state import State
from engine.live.types import Decision
from engine.network import NOW
from engine.prices import KINDS
from engine.rates import pair_of, stock_resource
from solver.source import MILLI, Prices


def counted_prices(state: State, decision: Decision, prices: Prices) -> tuple[ResourcePrice, ...]:
    """Resources with a price that a decision takes, and how much of each; those that are no more are left out."""
    if prices is state.no_prices:
        return ()
    network, base, rows = state.network, state.base, state.rows
    amounts: dict[int, int] = {}
    named: dict[int, tuple[str, str, str | None, str | None, date | None]] = {}

    def count(resource: int, amount: int, *names: object) -> None:
        if resource >= 0 and prices.unit[resource] > 0:
            amounts[resource] = amounts.get(resource, 0) + amount
            named.setdefault(resource, names)  # type: ignore[arg-type]

    for position in decision.positions:
        node, sku = base.node_of.get(position.node_id), base.sku_of.get(position.sku)
        if node is None or sku is None:
            continue
        pair = pair_of(rows.sku_first_pair, rows.pair_node, sku, node)
        if pair < 0:
            continue
        first = stock_resource(rows.pair_first_resource, rows.stock_day, pair, day_number(position.ship_date))
        for resource in range(first, int(rows.pair_first_resource[pair + 1]) if first >= 0 else first):
            day = int(rows.stock_day[resource])
            opens = None if day == NOW else day_of(day)
            count(resource, position.quantity, KINDS[0], position.node_id, position.sku, None, opens)
    for taken in decision.capacity:
        node, day = base.node_of.get(taken.node_id), day_number(taken.date)
        if node is None:
            continue
        for slot in range(int(network.node_first_slot[node]), int(network.node_first_slot[node + 1])):
            if network.slot_day[slot] != day:
                continue
            if taken.service_id is None:
                where = (taken.node_id, None, None, taken.date)
                count(int(network.slot_shipments_resource[slot]), taken.shipments, KINDS[1], *where)
                count(int(network.slot_units_resource[slot]), taken.units, KINDS[2], *where)
            elif taken.service_id in base.service_of:
                resource = int(network.slot_service_resource[slot, base.service_of[taken.service_id]])
                count(resource, taken.shipments, KINDS[3], taken.node_id, None, taken.service_id, taken.date)
    return tuple(
        ResourcePrice(
            kind=kind,
            node_id=node_id,
            sku=sku_name,
            service_id=service_id,
            date=day_opened,
            cents=int(prices.unit[resource]) / MILLI,
            amount=amounts[resource],
        )
        for resource, (kind, node_id, sku_name, service_id, day_opened) in sorted(named.items())
    )
