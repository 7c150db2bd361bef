"""Visits of carts narrowed to a service and a latest delivery day."""

from __future__ import annotations

import numpy as np

from engine.network import NO_RATE, IntArray
from engine.orders import Orders
from engine.visits import Visits
from solver.kernels import kernel

ANY_SERVICE = -1
NEVER = -(2**62)
EVER = 2**62

MOST_LOST_CENTS = 2**36
MOST_LOST_IN_ALL = 2**44


@kernel
def narrowed(
    visits: Visits, cart: IntArray, service: IntArray, latest: IntArray, line_shift: IntArray
) -> tuple[Visits, IntArray]:
    """The visits of copies of carts, each by one service (or any) and delivered by its latest day.

    Parameters
    ----------
    visits : Visits
        Of the carts.
    cart, service, latest, line_shift : int64[n_copies]
        Which cart it copies, the service (-1: any), the latest day, and how much larger the numbers of its lines are.

    Returns
    -------
    Visits, int64[n_copies]
        The visits, and the earliest day on which any of them delivers.
    """
    n_services = visits.rate.shape[1]
    n_most = n_stops_most = 0
    for copy in range(cart.size):
        first, last = visits.first[cart[copy]], visits.first[cart[copy] + 1]
        if latest[copy] > NEVER:
            n_most += last - first
            n_stops_most += visits.stop_first[last] - visits.stop_first[first]
    count = np.zeros(cart.size + 1, np.int64)
    earliest = np.full(cart.size, EVER, np.int64)
    slot = np.empty(n_most, np.int64)
    metres = np.empty(n_most, np.int64)
    rate = np.empty((n_most, n_services), np.int64)
    day = np.empty((n_most, n_services), np.int64)
    late_cents = np.empty((n_most, n_services), np.int64)
    stop_first = np.zeros(n_most + 1, np.int64)
    stop_line = np.empty(n_stops_most, np.int64)
    stop_resource = np.empty(n_stops_most, np.int64)
    stop_n = np.empty(n_stops_most, np.int64)
    n = n_stops = 0
    for copy in range(cart.size):
        if latest[copy] > NEVER:
            for visit in range(visits.first[cart[copy]], visits.first[cart[copy] + 1]):
                goes = False
                for s in range(n_services):
                    allowed = visits.rate[visit, s] >= 0 and (service[copy] < 0 or service[copy] == s)
                    allowed = allowed and visits.day[visit, s] <= latest[copy]
                    rate[n, s] = visits.rate[visit, s] if allowed else NO_RATE
                    day[n, s], late_cents[n, s] = visits.day[visit, s], visits.late_cents[visit, s]
                    if allowed:
                        goes = True
                        earliest[copy] = min(earliest[copy], visits.day[visit, s])
                if not goes:
                    continue
                slot[n], metres[n] = visits.slot[visit], visits.metres[visit]
                for stop in range(visits.stop_first[visit], visits.stop_first[visit + 1]):
                    stop_line[n_stops] = visits.stop_line[stop] + line_shift[copy]
                    stop_resource[n_stops] = visits.stop_resource[stop]
                    stop_n[n_stops] = visits.stop_n_resources[stop]
                    n_stops += 1
                n += 1
                stop_first[n] = n_stops
        count[copy + 1] = n
    return (
        Visits(
            count,
            slot[:n].copy(),
            metres[:n].copy(),
            rate[:n].copy(),
            day[:n].copy(),
            late_cents[:n].copy(),
            stop_first[: n + 1].copy(),
            stop_line[:n_stops].copy(),
            stop_resource[:n_stops].copy(),
            stop_n[:n_stops].copy(),
        ),
        earliest,
    )


def whole_copies(orders: Orders, cart: IntArray) -> Orders:
    """Orders copied as ``cart`` says, one entry a copy, each to be served whole whatever it costs."""
    columns = _whole_copies(orders, cart)
    for name in _READ_ONLY:
        getattr(columns, name).flags.writeable = False
    return columns


_READ_ONLY = ("lat", "lon", "late_cents_per_day", "priority_pct", "max_shipments")
"""As in a batch: the kernels are compiled for that."""


@kernel
def _taken(values: IntArray, first: IntArray, cart: IntArray, offsets: IntArray) -> IntArray:
    out = np.empty(offsets[-1], np.int64)
    for copy in range(cart.size):
        out[offsets[copy] : offsets[copy + 1]] = values[first[cart[copy]] : first[cart[copy] + 1]]
    return out


@kernel
def _offsets_of(first: IntArray, cart: IntArray) -> IntArray:
    out = np.zeros(cart.size + 1, np.int64)
    for copy in range(cart.size):
        out[copy + 1] = out[copy] + first[cart[copy] + 1] - first[cart[copy]]
    return out


@kernel
def _whole_copies(orders: Orders, cart: IntArray) -> Orders:
    n = cart.size
    priority = orders.priority_pct[cart]
    late_cents = orders.late_cents_per_day[cart]
    line_first = _offsets_of(orders.line_first, cart)
    piece_first = _offsets_of(orders.piece_first, cart)
    only_first = _offsets_of(orders.only_first, cart)
    not_first = _offsets_of(orders.not_first, cart)
    quantity = _taken(orders.line_quantity, orders.line_first, cart, line_first)
    lost_unit = np.empty(quantity.size, np.int64)
    for copy in range(n):
        if priority[copy] == 0:
            priority[copy], late_cents[copy] = 100, 0
        n_lines = line_first[copy + 1] - line_first[copy]
        lost = min(np.int64(MOST_LOST_CENTS), np.int64(MOST_LOST_IN_ALL) // max(1, n_lines))
        for line in range(line_first[copy], line_first[copy + 1]):
            lost_unit[line] = lost * 100 // (quantity[line] * priority[copy])
    return Orders(
        orders.lat[cart],
        orders.lon[cart],
        orders.region[cart],
        orders.residential[cart],
        orders.deliver_by[cart],
        orders.hard_promise[cart],
        late_cents,
        priority,
        np.ones(n, np.bool_),
        orders.max_shipments[cart],
        np.zeros(n, np.bool_),
        only_first,
        _taken(orders.only_node, orders.only_first, cart, only_first),
        not_first,
        _taken(orders.not_node, orders.not_first, cart, not_first),
        line_first,
        np.arange(quantity.size),
        _taken(orders.line_sku, orders.line_first, cart, line_first),
        quantity,
        _taken(orders.line_step, orders.line_first, cart, line_first),
        lost_unit,
        _taken(orders.line_piece, orders.line_first, cart, line_first),
        piece_first,
        _taken(orders.piece_levels, orders.piece_first, cart, piece_first),
        orders.folded[cart],
    )
