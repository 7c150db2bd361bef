"""Which few visits could serve a large order well: bounds on what each set of up to three visits can save.

Below the freight of a visit lies a line, so that each piece has a worth of its own there. What a set of visits saves is
then at most the sum over pieces of the best worth, less what the visits cost to begin with: a facility location. What
one more visit adds to a set is at most what it adds to a part of it, so most sets are never looked at.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.combinations import Loads
from engine.network import IntArray, Network
from engine.rates import covers, freight_cents
from engine.shipments import Shipments
from engine.worths import Worths
from solver.kernels import kernel
from solver.source import MILLI

N_SIDES = 2
"""Lines below the freight of a visit, see :func:`engine.freight.lower_lines`."""
NONE = -1
NEVER = -(2**50)
FAR = 2**50


class Lines(NamedTuple):
    """What visits save at most, thousandths of a cent."""

    start: NDArray[np.int64]  # [side, v]: what any shipment costs to begin with, negative
    own: NDArray[np.int64]  # [side, v, piece]; NEVER where the visit cannot serve it
    least: int  # what a piece saves that nobody serves: 0, or NEVER where the order must be complete


class VisitSets(NamedTuple):
    """Sets of visits and the most that each can save."""

    bound: IntArray
    visit: NDArray[np.int64]  # [n, 3]; NONE where there is none


@kernel
def lines_of(
    network: Network, shipments: Shipments, first_visit: int, worths: Worths, steps: Loads, complete: bool
) -> Lines:
    """The lines of all visits of an order.

    A piece that asks for a capability takes a share of what the services that have it cost more at least.
    """
    wide_base, wide_gram, wide_row = shipments.wide_base_cents, shipments.wide_gram_cents, shipments.wide_row
    value, has, base, billable = worths.value, worths.has, worths.base, steps.billable
    n_visits, n_pieces = value.shape
    start = np.empty((N_SIDES, n_visits), np.int64)
    own = np.full((N_SIDES, n_visits, n_pieces), np.int64(NEVER))
    n_choosy = 0
    for piece in range(n_pieces):
        n_choosy += np.any(steps.requires[piece] != 0)
    for side in range(N_SIDES):
        for v in range(n_visits):
            row = wide_row[first_visit + v]
            start[side, v] = 1 - base[v] - np.int64(np.floor(wide_base[row, side] * MILLI))
            for piece in range(n_pieces):
                if (has[v] >> piece) & 1:
                    freight = np.int64(np.floor(wide_gram[row, side] * billable[piece] * MILLI))
                    own[side, v, piece] = value[v, piece] - freight
    if n_choosy:
        like = _alike(shipments, first_visit, n_visits)
        for piece in range(n_pieces):
            if not np.any(steps.requires[piece] != 0):
                continue
            needs = steps.requires[piece : piece + 1]
            extra = np.zeros((n_visits, N_SIDES), np.int64)
            for v in range(n_visits):
                if like[v] == v:
                    extra[v] = _extra_cents(
                        network, shipments, wide_row[first_visit + v], worths, needs, billable[:n_pieces].sum()
                    )
                extra[v] = extra[like[v]]
                for side in range(N_SIDES):
                    if own[side, v, piece] > NEVER:
                        dearer = extra[v, side]
                        own[side, v, piece] = (
                            NEVER if dearer == FAR else own[side, v, piece] - dearer * MILLI // n_choosy
                        )
    return Lines(start, own, np.int64(NEVER if complete else 0))


@kernel
def _alike(shipments: Shipments, first_visit: int, n_visits: int) -> IntArray:
    """For each visit the first one with the same rates, lateness and lines."""
    wide_row, rate, late = shipments.wide_row, shipments.wide_rate, shipments.wide_late_cents
    base, gram = shipments.wide_base_cents, shipments.wide_gram_cents
    like = np.arange(n_visits)
    for v in range(n_visits):
        row = wide_row[first_visit + v]
        for other in range(v):
            if like[other] != other:
                continue
            its = wide_row[first_visit + other]
            same = True
            for side in range(N_SIDES):
                same = same and base[its, side] == base[row, side] and gram[its, side] == gram[row, side]
            for service in range(rate.shape[1]):
                same = same and rate[its, service] == rate[row, service] and late[its, service] == late[row, service]
            if same:
                like[v] = other
                break
    return like


@kernel
def _extra_cents(
    network: Network, shipments: Shipments, row: int, worths: Worths, needs: NDArray[np.uint64], heaviest_g: int
) -> IntArray:
    """What services with some capabilities cost above each line at least, cents; FAR where none has them."""
    rate_first, rate_max_g = network.rate_first, network.rate_max_g
    extra = np.full(N_SIDES, np.int64(FAR))
    for service in range(shipments.wide_rate.shape[1]):
        rate = shipments.wide_rate[row, service]
        if rate < 0 or not covers(network.service_capabilities, service, needs, 0):
            continue
        last = rate_max_g[rate_first[rate + 1] - 1]
        if heaviest_g > last:  # several parcels
            extra[:] = 0
            break
        for at in range(rate_first[rate], rate_first[rate + 1]):
            weight_g = min(rate_max_g[at], heaviest_g)
            cents = shipments.wide_late_cents[row, service] + freight_cents(
                rate_first,
                rate_max_g,
                network.rate_cents,
                rate,
                weight_g,
                network.service_fuel_bp[service],
                worths.surcharge_cents[service],
            )
            for side in range(N_SIDES):
                line = shipments.wide_base_cents[row, side] + shipments.wide_gram_cents[row, side] * weight_g
                extra[side] = min(extra[side], np.int64(max(0.0, np.floor(cents - line))))
            if rate_max_g[at] >= heaviest_g:
                break
    return extra


@kernel
def _saved(lines: Lines, among: IntArray, side: int) -> NDArray[np.int64]:
    """What each pair of some visits saves at most, [i, j]; each visit alone on the diagonal."""
    start, own, least = lines.start[side], lines.own[side], lines.least
    n_pieces = own.shape[1]
    saved = np.empty((among.size, among.size), np.int64)
    for i in range(among.size):
        a = among[i]
        for j in range(i + 1):
            b = among[j]
            total = start[a] + (start[b] if j < i else np.int64(0))
            for piece in range(n_pieces):
                total += max(least, own[a, piece], own[b, piece])
            saved[i, j] = saved[j, i] = total
    return saved


@kernel
def useful_visits(lines: Lines, slack: int) -> IntArray:
    """The visits that an option within slack of the best may hold, rising.

    An option without one of its visits is an option too, unless the order must be complete: so no visit of a good one
    costs much more than it saves.
    """
    start, own, least = lines.start, lines.own, lines.least
    n_visits, n_pieces = own.shape[1], own.shape[2]
    out = np.empty(n_visits, np.int64)
    n = 0
    for v in range(n_visits):
        saves = np.int64(FAR)
        for side in range(N_SIDES):
            total = start[side, v]
            for piece in range(n_pieces):
                total += max(np.int64(0), own[side, v, piece])
            saves = min(saves, total)
        if saves >= -slack or least < 0:
            out[n] = v
            n += 1
    return out[:n]


@kernel
def first_set(lines: Lines, most: int) -> IntArray:
    """A set of visits that is likely good: the best visit, and those that add most to it, one after another."""
    start, own, least = lines.start, lines.own, lines.least
    n_visits, n_pieces = own.shape[1], own.shape[2]
    chosen = np.full(3, NONE)
    top = np.full(n_pieces, least)
    for k in range(most):
        best, best_v = np.int64(0 if k else 2 * NEVER * n_pieces), NONE
        for v in range(n_visits):
            added = start[0, v]
            for piece in range(n_pieces):
                added += max(np.int64(0), own[0, v, piece] - top[piece])
            if added > best and v != chosen[0] and v != chosen[1]:
                best, best_v = added, v
        if best_v == NONE:
            break
        chosen[k] = best_v
        for piece in range(n_pieces):
            top[piece] = max(top[piece], own[0, best_v, piece])
    return chosen


@kernel
def good_visit_sets(lines: Lines, among: IntArray, most: int, wanted: int) -> VisitSets:
    """All sets of up to ``most`` of some visits (at most three) that might save so much, the most promising first."""
    start, own, least = lines.start, lines.own, lines.least
    n_visits, n_pieces = among.size, own.shape[2]
    bound = np.empty(64, np.int64)
    visit = np.full((64, 3), NONE)
    n = 0
    saved = (_saved(lines, among, 0), _saved(lines, among, 1))
    for a in range(n_visits):
        for b in range(0 if most > 1 else a, a + 1):
            its = min(saved[0][a, b], saved[1][a, b])
            if its >= wanted:
                bound, visit = _room(bound, visit, n)
                bound[n], visit[n, 0], visit[n, 1] = its, among[a], among[b] if b < a else NONE
                n += 1
    if most > 2:
        adds = saved[0].copy()  # [v, w]: what w adds to v at most
        most_added = np.empty(n_visits, np.int64)
        for v in range(n_visits):
            for w in range(n_visits):
                adds[v, w] -= saved[0][v, v]
            adds[v, v] = NEVER
            most_added[v] = adds[v].max()
        # visits that no set of three could hold
        hopeful = np.empty(n_visits, np.int64)
        n_hopeful = 0
        for v in range(n_visits):
            for w in range(n_visits):
                if w != v and saved[0][v, w] + most_added[v] >= wanted:
                    hopeful[n_hopeful] = v
                    n_hopeful += 1
                    break
        for i in range(n_hopeful):
            a = hopeful[i]
            for j in range(i):
                b = hopeful[j]
                if saved[0][a, b] + min(most_added[a], most_added[b]) < wanted:
                    continue
                for k in range(j):
                    c = hopeful[k]
                    if saved[0][a, b] + min(adds[a, c], adds[b, c]) < wanted:
                        continue
                    its = np.int64(FAR)
                    for side in range(N_SIDES):
                        one, two, three = among[a], among[b], among[c]
                        total = start[side, one] + start[side, two] + start[side, three]
                        for piece in range(n_pieces):
                            total += max(least, own[side, one, piece], own[side, two, piece], own[side, three, piece])
                        its = min(its, total)
                    if its >= wanted:
                        bound, visit = _room(bound, visit, n)
                        bound[n], visit[n, 0], visit[n, 1], visit[n, 2] = its, one, two, three
                        n += 1
    order = np.argsort(-bound[:n], kind="mergesort")
    return VisitSets(bound[order], visit[order])


@kernel
def _room(bound: IntArray, visit: NDArray[np.int64], n: int) -> tuple[IntArray, NDArray[np.int64]]:
    """The arrays, twice as long if they are full."""
    if n < bound.size:
        return bound, visit
    longer = np.empty(2 * n, np.int64)
    wider = np.full((2 * n, 3), NONE)
    longer[:n] = bound
    wider[:n] = visit
    return longer, wider
