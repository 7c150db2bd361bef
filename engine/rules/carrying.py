"""What a node could ship of an order right now: the lines for which stock, room and a service are left."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.network import IntArray
from engine.rates import covers
from engine.visits import Visits
from solver.kernels import kernel

NO_LIMIT = 2**62


class Yard(NamedTuple):
    """Resources of slots and services, by slot; ``left`` is what there still is of each resource."""

    node: IntArray
    shipments: IntArray
    units: IntArray
    service: IntArray  # [n_slots, n_services]
    left: IntArray
    can_carry: NDArray[np.uint64]  # [n_services, n_words]


class Goods(NamedTuple):
    """What the lines of all orders are."""

    sku: IntArray
    quantity: IntArray
    piece: IntArray
    requires: NDArray[np.uint64]  # [n_items, n_words]


class Desk(NamedTuple):
    """Working space for one order at a time; lines are counted within the order."""

    home: IntArray  # the shipment of each line; below 0: none yet
    piece_size: IntArray
    found: IntArray
    needs: NDArray[np.uint64]  # [2, n_words]
    taken: IntArray
    best: IntArray  # stops that the last search found


@kernel
def desk_of(n_lines: int, n_words: int) -> Desk:
    """A desk for orders of up to so many lines."""
    return Desk(
        np.zeros(n_lines, np.int64),
        np.zeros(n_lines, np.int64),
        np.zeros(n_lines, np.int64),
        np.zeros((2, n_words), np.uint64),
        np.zeros(n_lines, np.int64),
        np.zeros(n_lines, np.int64),
    )


@kernel
def draw(left: IntArray, first: int, n_resources: int, quantity: int) -> bool:
    """Take units (below 0: give them back) out of a stock interval and all later ones; whether there were enough."""
    enough = True
    for resource in range(first, first + n_resources):
        left[resource] -= quantity
        enough = enough and left[resource] >= 0
    return enough


@kernel
def room(resource: IntArray, left: IntArray, slot: int) -> int:
    """What is left of a slot's resource."""
    return left[resource[slot]] if resource[slot] >= 0 else np.int64(NO_LIMIT)


@kernel
def service_is_free(rate: IntArray, capped: IntArray, left: IntArray, service: int) -> bool:
    """Whether a service goes from a slot and has capacity left."""
    return rate[service] >= 0 and (capped[service] < 0 or left[capped[service]] >= 1)


@kernel
def _goes(
    rate: IntArray, capped: IntArray, left: IntArray, can_carry: NDArray[np.uint64], needs: NDArray[np.uint64]
) -> bool:
    for service in range(rate.size):
        if service_is_free(rate, capped, left, service) and covers(can_carry, service, needs, 0):
            return True
    return False


@kernel
def _carry(
    first_stop: int,
    last_stop: int,
    stop_line: IntArray,
    stop_resource: IntArray,
    stop_n_resources: IntArray,
    units_left: int,
    rate: IntArray,
    capped: IntArray,
    left: IntArray,
    can_carry: NDArray[np.uint64],
    goods: Goods,
    first_line: int,
    desk: Desk,
) -> int:
    """How many unserved lines a slot could ship, taken in their order; ``desk.taken`` has their stops."""
    needs, found, piece_size, taken = desk.needs, desk.found, desk.piece_size, desk.taken
    needs[:] = 0
    if not _goes(rate, capped, left, can_carry, needs):
        return 0
    for stop in range(first_stop, last_stop):
        found[goods.piece[stop_line[stop]]] = 0
    for stop in range(first_stop, last_stop):
        if desk.home[stop_line[stop] - first_line] < 0:
            found[goods.piece[stop_line[stop]]] += 1
    n = 0
    for stop in range(first_stop, last_stop):
        piece = goods.piece[stop_line[stop]]
        if found[piece] != piece_size[piece]:
            continue
        found[piece] = -1  # looked at
        before = n
        fits = True
        wider = False
        needs[1] = needs[0]
        for other in range(stop, last_stop):
            line = stop_line[other]
            if goods.piece[line] != piece:
                continue
            taken[n] = other
            n += 1
            fits = draw(left, stop_resource[other], stop_n_resources[other], goods.quantity[line]) and fits
            units_left -= goods.quantity[line]
            for word in range(needs.shape[1]):
                more = goods.requires[goods.sku[line], word] & ~needs[0, word]
                needs[0, word] |= more
                wider = wider or more != 0
            if n - before == piece_size[piece]:
                break
        fits = fits and units_left >= 0
        if fits and wider:
            fits = _goes(rate, capped, left, can_carry, needs)
        if not fits:
            needs[0] = needs[1]
            while n > before:
                n -= 1
                quantity = goods.quantity[stop_line[taken[n]]]
                draw(left, stop_resource[taken[n]], stop_n_resources[taken[n]], -quantity)
                units_left += quantity
    for i in range(n):
        draw(left, stop_resource[taken[i]], stop_n_resources[taken[i]], -goods.quantity[stop_line[taken[i]]])
    return n


@kernel
def find_site(
    ranked: IntArray,
    start: int,
    stop: int,
    enough: int,
    site_first: IntArray,
    visits: Visits,
    yard: Yard,
    goods: Goods,
    first_line: int,
    desk: Desk,
) -> tuple[int, int]:
    """The first site among ``ranked[start:stop]`` that can ship enough lines, else the first that can ship most.

    A site is a node with its visits, one for each ship date; it ships an order's lines on one date.

    Returns
    -------
    position, n_lines
        Place in ``ranked`` and number of lines, whose stops are in ``desk.best``; -1 and 0 where none ships any.
    """
    best_position = -1
    n_best = 0
    for position in range(start, stop):
        site = ranked[position]
        for visit in range(site_first[site], site_first[site + 1]):
            slot = visits.slot[visit]
            if room(yard.shipments, yard.left, slot) < 1:
                continue
            n = _carry(
                visits.stop_first[visit],
                visits.stop_first[visit + 1],
                visits.stop_line,
                visits.stop_resource,
                visits.stop_n_resources,
                room(yard.units, yard.left, slot),
                visits.rate[visit],
                yard.service[slot],
                yard.left,
                yard.can_carry,
                goods,
                first_line,
                desk,
            )
            if n > n_best:
                best_position, n_best = position, n
                desk.best[:n] = desk.taken[:n]
        if n_best >= enough:
            break
    return best_position, n_best
