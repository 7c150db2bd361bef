"""Promises: what could be offered for a cart, by service and date."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.decode import Chosen
from engine.listing import Options
from engine.live.answers import Promise, PromiseOption
from engine.live.arrays import OrderArrays, order_arrays, refuse_faults
from engine.live.choosing import DEPTHS, joined_chosen, options_of
from engine.live.documents import allocated_rows, shipment_rows, unallocated_rows
from engine.live.narrow import ANY_SERVICE, EVER, NEVER, narrowed, whole_copies
from engine.live.prices import LivePrices
from engine.live.settle import looked_at, unpack_options
from engine.live.snapshot import Snapshot
from engine.live.state import State
from engine.live.types import Order, Unallocated
from engine.network import IntArray
from engine.orders import Orders
from engine.reasons import OUTBID, SHIP_COMPLETE, reasons_of
from engine.shipments import Shipments, list_offers
from engine.visits import Visits, reach, visits_of
from solver.problem import offsets, ranges
from solver.source import NO_FLOOR, Prices


class _Copies(NamedTuple):
    """Carts, once for each service and once for any: what is asked for each."""

    cart: IntArray
    service: IntArray
    orders: Orders
    line_shift: IntArray


class _Found(NamedTuple):
    """An option of a copy; milli is its cost and price in thousandths of a cent."""

    milli: int
    option: PromiseOption


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
    refuse_faults(snapshot.base, carts)
    if not carts:
        return []
    with snapshot.locked() as state:
        mapped = state.no_prices if prices is None else prices.on(state)
        given = order_arrays(state, carts)
        copies = _copies_of(state, given.orders)
        found = _frontiers(state, carts, given.orders._replace(held=np.zeros(len(carts), np.bool_)), copies, mapped)
        promises = []
        for number, cart in enumerate(carts):
            its = [(copy, found[copy]) for copy in np.flatnonzero(copies.cart == number).tolist()]
            by_service = [one for copy, its_found in its if copies.service[copy] != ANY_SERVICE for one in its_found]
            everything = [*by_service, *(one for copy, its_found in its for one in its_found)]
            promises.append(_promise(cart, by_service, everything))
        lacking = [number for number, one in enumerate(promises) if one.cheapest is None]
        if lacking:
            why = _lacking(state, carts, given, lacking)
            for number in lacking:
                promises[number] = Promise(
                    order_id=carts[number].order_id, options=(), cheapest=None, fastest=None, lacking=why[number]
                )
        return promises


def _promise(cart: Order, by_service: list[_Found], everything: list[_Found]) -> Promise:
    """The answer for one cart; where options are as good, the first of ``everything`` counts."""
    cheapest = min(everything, key=lambda one: (one.milli, one.option.deliver_date), default=None)
    fastest = min(everything, key=lambda one: (one.option.deliver_date, one.milli), default=None)
    return Promise(
        order_id=cart.order_id,
        options=tuple(one.option for one in by_service),
        cheapest=None if cheapest is None else cheapest.option,
        fastest=None if fastest is None else fastest.option,
    )


def _copies_of(state: State, orders: Orders) -> _Copies:
    """Each cart by each service, and by any where it may go in several shipments."""
    n_services = state.network.service_fuel_bp.size
    running = offsets(orders.piece_levels)
    levels = running[orders.piece_first[1:]] - running[orders.piece_first[:-1]]
    several = np.minimum(levels, orders.max_shipments) > 1
    numbers = np.arange(orders.lat.size)
    services = np.append(np.arange(n_services), ANY_SERVICE)
    cart, service = (column.ravel() for column in np.meshgrid(numbers, services, indexing="ij"))
    keep = (service != ANY_SERVICE) | several[cart]
    cart, service = cart[keep], service[keep]
    copies = whole_copies(orders, cart)
    return _Copies(cart, service, copies, copies.line_first[:-1] - orders.line_first[cart])


def _frontiers(
    state: State, carts: Sequence[Order], orders: Orders, copies: _Copies, prices: Prices
) -> list[list[_Found]]:
    """For each copy its options by date, each the best that is there by then, later ones cheaper than earlier ones.

    The best option without a date comes first; what comes next has to be there at least a day before the last.
    """
    network, n_carts = state.network, len(carts)
    visits = visits_of(network, orders, 0, n_carts, reach(network, orders, 0, n_carts))
    latest = np.full(copies.cart.size, EVER, np.int64)
    steps: list[tuple[IntArray, IntArray, Chosen]] = []
    while (latest > NEVER).any():
        narrow, earliest = narrowed(visits, copies.cart, copies.service, latest, copies.line_shift)
        shipments = list_offers(network, copies.orders, 0, copies.cart.size, narrow)
        options, day, milli = _best_fitting(state, copies.orders, shipments, narrow, prices)
        chosen = unpack_options(copies.orders, shipments, options, np.arange(options.order.size))
        steps.append((options.order, milli, chosen))
        latest[:] = NEVER
        latest[options.order] = np.where(day > earliest[options.order], day - 1, NEVER)
    options_found = _promise_options(state, carts, copies, steps)
    found: list[list[_Found]] = [[] for _ in range(copies.cart.size)]
    at = 0
    for copy_of, milli, _ in steps:
        for copy, cents in zip(copy_of.tolist(), milli.tolist()):
            its = found[copy]
            if its and its[-1].milli == cents:
                its.pop()  # as cheap, and earlier
            its.append(_Found(cents, options_found[at]))
            at += 1
    for its in found:
        its.reverse()
    return found


def _best_fitting(
    state: State, orders: Orders, shipments: Shipments, visits: Visits, prices: Prices
) -> tuple[Options, IntArray, IntArray]:
    """The best option of each copy that has one, the day it arrives, and its cost and price."""
    network, rows = state.network, state.rows
    n = orders.lat.size
    options = options_of(network, orders, shipments, 0, n, prices)
    fits, day, milli = looked_at(network, rows, orders, shipments, options, visits.day, prices.unit)
    if fits.all():
        return options, day, milli
    parts = [(selected(options, fits), day[fits], milli[fits])]
    for copy in options.order[~fits].tolist():
        for limit in DEPTHS:
            given = (network, orders, shipments, copy, copy + 1, prices)
            more = options_of(*given, slack=NO_FLOOR, limit=limit, shipments_begin=0)
            fits, day, milli = looked_at(network, rows, orders, shipments, more, visits.day, prices.unit)
            if fits.any():
                best = np.arange(fits.size) == np.argmin(np.where(fits, milli, NO_FLOOR))
                parts.append((selected(more, best), day[best], milli[best]))
                break
    return (
        _options_joined([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        np.concatenate([part[2] for part in parts]),
    )


def selected(options: Options, keep: NDArray[np.bool_]) -> Options:
    """Some of the options."""
    which = np.flatnonzero(keep)
    start, stop = options.first[which], options.first[which + 1]
    entries = ranges(start, stop)
    return Options(options.order[which], offsets(stop - start), *(column[entries] for column in options[2:]))


def _options_joined(parts: list[Options]) -> Options:
    length = np.concatenate([np.diff(part.first) for part in parts])
    columns = (np.concatenate([part[i] for part in parts]) for i in range(2, len(Options._fields)))
    return Options(np.concatenate([part.order for part in parts]), offsets(length), *columns)


def _promise_options(
    state: State, carts: Sequence[Order], copies: _Copies, steps: list[tuple[IntArray, IntArray, Chosen]]
) -> list[PromiseOption]:
    """The documents of all options found, step by step."""
    chosen = joined_chosen([its_chosen for _, _, its_chosen in steps])
    length = np.zeros(sum(copy_of.size for copy_of, _, _ in steps), np.int64)
    at = 0
    for copy_of, _, its_chosen in steps:
        head = np.flatnonzero(np.diff(its_chosen.order, prepend=-1))  # one option a copy
        length[at : at + copy_of.size] = np.diff(np.append(head, its_chosen.order.size))
        at += copy_of.size
    first = offsets(length)
    of_copy = [carts[number] for number in copies.cart.tolist()]
    rows = shipment_rows(state, copies.orders, chosen, [cart.order_id for cart in of_copy], first)
    allocated = allocated_rows(of_copy, copies.orders, chosen, rows, first)
    out = []
    for number, (begin, end) in enumerate(pairwise(first.tolist())):
        its = tuple(rows[begin:end])
        services = {row.service_id for row in its}
        out.append(
            PromiseOption(
                service_id=services.pop() if len(services) == 1 else None,
                deliver_date=max(row.deliver_date for row in its),
                shipments=its,
                allocations=tuple(allocated[number]),
                cost_cents=sum(row.cents for row in its),
            )
        )
    return out


def _lacking(
    state: State, carts: Sequence[Order], given: OrderArrays, lacking: list[int]
) -> dict[int, tuple[Unallocated, ...]]:
    """Why carts cannot be served whole: the lines that cannot be served at all, or, where all can, every line."""
    judged = given.judged._replace(ship_complete=np.ones(len(carts), np.bool_), held=np.zeros(len(carts), np.bool_))
    order = np.repeat(np.arange(len(carts)), np.diff(judged.line_first))
    asked = np.isin(order, lacking)
    reason = reasons_of(state.network, judged, asked)
    alone = asked & (reason != OUTBID) & (reason != SHIP_COMPLETE)
    hopeless = np.bincount(order[alone], minlength=len(carts)) > 0
    left = np.where(alone | (asked & ~hopeless[order]), judged.line_quantity, 0)
    rows = unallocated_rows(carts, judged, left, reason)
    return {number: tuple(rows[number]) for number in lacking}
