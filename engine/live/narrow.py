"""Visits of carts narrowed to a service and a latest delivery day."""

from __future__ import annotations

import numpy as np

from engine.live.arrays import OrderArrays
from engine.network import NO_RATE, IntArray
from engine.orders import Orders
from engine.visits import Visits
from solver.kernels import kernel
from solver.problem import offsets, ranges

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


def to_be_complete(arrays: OrderArrays) -> OrderArrays:
    """The same orders, to be served whole whatever it costs."""
    return OrderArrays(_complete(arrays.orders), _complete(arrays.judged))


def _complete(orders: Orders) -> Orders:
    free = orders.priority_pct == 0
    priority_pct = np.where(free, 100, orders.priority_pct)
    late_cents = np.where(free, 0, orders.late_cents_per_day)
    for array in (priority_pct, late_cents):
        array.flags.writeable = False
    order = np.repeat(np.arange(free.size), np.diff(orders.line_first))
    lost = min(MOST_LOST_CENTS, MOST_LOST_IN_ALL // max(1, order.size))
    return orders._replace(
        priority_pct=priority_pct,
        late_cents_per_day=late_cents,
        ship_complete=np.ones(free.size, np.bool_),
        held=np.zeros(free.size, np.bool_),
        line_unallocated_cents=lost * 100 // (orders.line_quantity * priority_pct[order]),
    )


def copied(orders: Orders, cart: IntArray) -> Orders:
    """Orders copied as ``cart`` says, one entry a copy."""
    lines = ranges(orders.line_first[cart], orders.line_first[cart + 1])
    pieces = ranges(orders.piece_first[cart], orders.piece_first[cart + 1])
    only = ranges(orders.only_first[cart], orders.only_first[cart + 1])
    barred = ranges(orders.not_first[cart], orders.not_first[cart + 1])
    columns = {name: getattr(orders, name)[cart] for name in _BY_ORDER}
    for name in _READ_ONLY:
        columns[name].flags.writeable = False
    return Orders(
        **columns,
        only_first=offsets(np.diff(orders.only_first)[cart]),
        only_node=orders.only_node[only],
        not_first=offsets(np.diff(orders.not_first)[cart]),
        not_node=orders.not_node[barred],
        line_first=offsets(np.diff(orders.line_first)[cart]),
        line_row=np.arange(lines.size),
        line_sku=orders.line_sku[lines],
        line_quantity=orders.line_quantity[lines],
        line_step=orders.line_step[lines],
        line_unallocated_cents=orders.line_unallocated_cents[lines],
        line_piece=orders.line_piece[lines],
        piece_first=offsets(np.diff(orders.piece_first)[cart]),
        piece_levels=orders.piece_levels[pieces],
    )


_READ_ONLY = ("lat", "lon", "late_cents_per_day", "priority_pct", "max_shipments")
_BY_ORDER = (
    *_READ_ONLY,
    "region",
    "residential",
    "deliver_by",
    "hard_promise",
    "ship_complete",
    "held",
    "folded",
)
