"""The best options of orders on what a state has left: the batch's listing and pricing, a few orders at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.decode import Chosen
from engine.listing import Listing, Options, joined
from engine.live.arrays import OrderArrays
from engine.live.settle import settle
from engine.live.state import State
from engine.network import IntArray, Network
from engine.orders import Orders, nothing_cents
from engine.packed_pricing import price_packed
from engine.pricing import price_orders
from engine.shipments import Shipments, list_shipments
from engine.usage import option_columns
from engine.visit_search import MOST_VISITS
from solver.source import MILLI, NO_FLOOR, Prices

DEPTHS = (64, 4096)
"""How many options an order is asked for whose best one does not fit: two of its shipments want the same units."""

_NO_NUMBERS = np.zeros(0, np.int64)
_NO_RECORDS = Options(_NO_NUMBERS, np.zeros(1, np.int64), _NO_NUMBERS, _NO_NUMBERS, _NO_NUMBERS, _NO_NUMBERS)


class Outcome(NamedTuple):
    """What orders take, and what is left of their lines and why (meaningful where something is left)."""

    chosen: Chosen
    left: IntArray
    reason: IntArray


def options_of(
    network: Network,
    orders: Orders,
    shipments: Shipments,
    begin: int,
    end: int,
    prices: Prices,
    *,
    slack: int = 0,
    limit: int = 1,
    shipments_begin: int | None = None,
) -> Options:
    """The best options of orders ``begin .. end - 1`` at given prices, sorted by order; none where nothing is best.

    The shipments are of the orders from ``shipments_begin`` on (by default ``begin``).
    """
    first = begin if shipments_begin is None else shipments_begin
    asked = np.arange(begin, end)
    known_first = np.zeros(orders.lat.size + 1, np.int64)
    packed = shipments.packed[begin - first : end - first]
    given = (network, orders, shipments, first)
    known = (known_first, _NO_NUMBERS, _NO_RECORDS)
    if not packed.any():
        options: Options = price_orders(*given, asked, prices, slack, limit, *known).options
        return options
    values = np.zeros(orders.piece_levels.size + orders.lat.size, np.int64)
    few: Listing = price_orders(*given, asked[~packed], prices, slack, limit, *known)
    large = price_packed(*given, asked[packed], prices, slack, limit, False, MOST_VISITS, values, *known)
    return joined(asked, packed, large, few).options


def option_values(
    network: Network, orders: Orders, shipments: Shipments, options: Options, prices: Prices
) -> tuple[IntArray, IntArray]:
    """Cost and price of each option, in thousandths of a cent."""
    cost, start, resource, amount = option_columns(network, orders, shipments, options)
    running = np.concatenate((np.zeros(1, np.int64), np.cumsum(prices.unit[resource] * amount)))
    return cost * MILLI, running[start[1:]] - running[start[:-1]]


def offsets_by_order(options: Options, begin: int, end: int) -> IntArray:
    """Where the options of each order begin."""
    return np.asarray(np.searchsorted(options.order, np.arange(begin, end + 1)), dtype=np.int64)


def take_best(state: State, arrays: OrderArrays, prices: Prices) -> Outcome:
    """Let orders take their best options in sequence, each seeing what those before it took.

    All are listed on what there is before the first: since there is only ever less, the best option of an order is
    still its best if it still fits. Only where it does not is the order listed again.
    """
    network, orders = state.network, arrays.orders
    n_orders = orders.lat.size
    left = np.zeros(orders.line_sku.size, np.int64)
    reason = np.zeros(orders.line_sku.size, np.int64)
    shipments = list_shipments(network, orders, 0, n_orders)
    options = options_of(network, orders, shipments, 0, n_orders, prices)
    first = offsets_by_order(options, 0, n_orders)
    ranked = np.arange(options.order.size)
    parts: list[Chosen] = []
    at = 0
    while at < n_orders:
        stop, chosen = settle(
            network,
            state.rows,
            state.used,
            orders,
            arrays.judged,
            shipments,
            options,
            first[at:],
            ranked,
            at,
            n_orders,
            prices.unit,
            state.any_capped,
            left,
            reason,
        )
        parts.append(chosen)
        if stop < n_orders:
            parts.append(_take_alone(state, arrays, stop, prices, left, reason))
            stop += 1
        at = stop
    return Outcome(joined_chosen(parts), left, reason)


def _take_alone(
    state: State, arrays: OrderArrays, order: int, prices: Prices, left: IntArray, reason: IntArray
) -> Chosen:
    """Let one order take the best option that fits what is left now."""
    network, orders = state.network, arrays.orders
    shipments = list_shipments(network, orders, order, order + 1)
    options = options_of(network, orders, shipments, order, order + 1, prices)
    chosen = take_first(state, arrays, order, shipments, options, np.arange(options.order.size), prices, left, reason)
    if chosen is not None:
        return chosen
    return take_deep(state, arrays, order, shipments, prices, left, reason)


def take_deep(
    state: State,
    arrays: OrderArrays,
    order: int,
    shipments: Shipments,
    prices: Prices,
    left: IntArray,
    reason: IntArray,
) -> Chosen:
    """Let one order, whose best option does not fit, take the best of its many others, or nothing."""
    network, orders = state.network, arrays.orders
    nothing = int(nothing_cents(orders)[order]) * MILLI
    for limit in DEPTHS:
        options = options_of(network, orders, shipments, order, order + 1, prices, slack=NO_FLOOR, limit=limit)
        cost, price = option_values(network, orders, shipments, options, prices)
        value = cost + price
        ranked = np.argsort(value, kind="stable")
        ranked = ranked[value[ranked] <= nothing]
        chosen = take_first(state, arrays, order, shipments, options, ranked, prices, left, reason)
        if chosen is not None and (chosen.slot.size or ranked.size == 0):
            return chosen
    none = np.zeros(0, np.int64)
    chosen = take_first(state, arrays, order, shipments, options, none, prices, left, reason)
    assert chosen is not None
    return chosen


def take_first(
    state: State,
    arrays: OrderArrays,
    order: int,
    shipments: Shipments,
    options: Options,
    ranked: IntArray,
    prices: Prices,
    left: IntArray,
    reason: IntArray,
) -> Chosen | None:
    """Let one order take the first of some ranked options that fits; nothing where there are none."""
    stop, chosen = settle(
        state.network,
        state.rows,
        state.used,
        arrays.orders,
        arrays.judged,
        shipments,
        options,
        np.array([0, ranked.size]),
        ranked,
        order,
        order + 1,
        prices.unit,
        state.any_capped,
        left,
        reason,
    )
    return chosen if stop > order else None


def joined_chosen(parts: list[Chosen]) -> Chosen:
    """Put the shipments of consecutive orders together."""
    if len(parts) == 1:
        return parts[0]
    shifts = np.cumsum([0, *(part.order.size for part in parts)])
    rows = [part.row_shipment + shift for part, shift in zip(parts, shifts)]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Chosen._fields}
    return Chosen(**{**columns, "row_shipment": np.concatenate(rows)})
