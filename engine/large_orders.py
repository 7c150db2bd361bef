"""Pricing of large orders, whose shipments are too many to list: column generation within the order.

Sets of pieces are made up as the values of the pieces ask for them, visit by visit; the values of the last round are a
ceiling on what the order can save, and so a floor under every option (see engine/packing.py).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.best_set import cheapest_service
from engine.combinations import Loads
from engine.network import IntArray, Network
from engine.orders import Orders
from engine.packing import combine_sets, dual_values, idle_basis
from engine.pairing import add_pairs, carry
from engine.shipments import Shipments
from engine.worths import Sets, Worths, is_known, promising, scan, worths_of
from solver.kernels import kernel
from solver.source import MILLI, Prices

MAX_ROUNDS = 60
FEW_SET_STEPS = 300
UNBOUNDED = 2**50


class Effort(NamedTuple):
    """How hard to look.

    Parameters
    ----------
    tolerance : int
        Values are good enough when their ceiling is within this part (one so manieth) of the order's worth.
    n_visits : int
        Visits to look at, the most promising; none: all.
    n_sets, n_sets_a_visit : int
        Sets to keep.
    set_steps : int
        Steps of the search for sets of one visit.
    combine_steps : int
        Steps of the search for combinations of sets.
    n_reaches : int
        How often to reach farther.
    """

    tolerance: int
    n_visits: int
    n_sets: int
    n_sets_a_visit: int
    set_steps: int
    combine_steps: int
    n_reaches: int


QUICK = Effort(200, 16, 2_000, 100, 1_000, 15_000, 4)
EXACT = Effort(10_000, 0, 30_000, 3_000, 20_000, 3_000_000, 6)
FIRST_REACH = 400
"""Combinations are first sought within this part (one so manieth) of the order's worth of the ceiling ..."""
DEEPER = 2.5
"""... then so many times as far."""


class Packed(NamedTuple):
    """Options of one order, best first: those of option ``i`` are shipments ``first[i] .. first[i + 1] - 1``."""

    floor: int
    first: IntArray
    visit: IntArray
    mask: IntArray
    service: IntArray
    cents: IntArray  # freight, handling, preference, late, carbon


@kernel
def pack_order(
    network: Network,
    orders: Orders,
    order: int,
    shipments: Shipments,
    visits: tuple[int, int],
    prices: Prices,
    steps: Loads,
    most: int,
    nothing: int,
    slack: int,
    limit: int,
    exact: bool,
    rising: bool,
    values: IntArray,
) -> Packed:
    """The best options of an order at given prices, and a floor under all of them.

    Parameters
    ----------
    steps : Loads
        What each piece of the order weighs, counts and saves, see :func:`engine.combinations.fill_steps`.
    most : int
        Shipments that the order may have.
    nothing : int
        What serving nothing costs, in thousandths of a cent.
    slack, limit, exact
        As for :meth:`solver.source.Source.more`.
    rising : bool
        Freight never falls with weight.
    values : int64[n_pieces + 1]
        Values of the pieces and of a shipment to start from (any will do); overwritten with the best found.
    """
    effort = EXACT if exact else QUICK
    slack = min(slack, np.int64(UNBOUNDED))
    complete = orders.ship_complete[order]
    n_pieces = orders.piece_first[order + 1] - orders.piece_first[order]
    split = np.int64(network.split_cents) * MILLI
    worths = worths_of(network, orders, order, shipments, visits, prices, steps)
    everywhere = np.arange(worths.has.size)
    among = everywhere
    if effort.n_visits:
        among = promising(shipments, visits[0], worths, steps, effort.n_visits, 1)
    sets = Sets(np.empty(effort.n_sets, np.int64), np.empty(effort.n_sets, np.int64), np.empty(effort.n_sets, np.int64))
    n_sets = add_pairs(network, shipments, visits[0], prices, steps, worths, among, sets, 0) if most > 1 else 0
    basis = idle_basis(n_pieces, most, complete)
    best_values = np.zeros(n_pieces + 1, np.int64)
    best_ceiling = np.int64(UNBOUNDED)
    tolerance = np.int64(0) if slack == UNBOUNDED else nothing // effort.tolerance
    set_steps = FEW_SET_STEPS  # any set that is good enough will do, until none is found so quickly
    for round_number in range(MAX_ROUNDS):
        # the first round asks each visit for a set that is nearly good enough, to have something to begin with
        floor = values[n_pieces] - (nothing // FIRST_REACH if round_number == 0 else 0)
        n_before = n_sets
        worst, n_sets = scan(
            network,
            shipments,
            visits[0],
            prices,
            steps,
            worths,
            among,
            values,
            floor,
            set_steps,
            rising,
            1,
            sets,
            n_sets,
        )
        ceiling = values[:n_pieces].sum() + (most * worst if worst > 0 else worst)
        if ceiling < best_ceiling:
            best_ceiling = ceiling
            best_values[:] = values
            best_values[n_pieces] = worst
        if n_sets == n_before and set_steps < effort.set_steps and round_number > 0:
            set_steps = effort.set_steps
            continue
        dual = dual_values(basis, sets.mask, sets.gain, n_sets, complete)
        reached = most * max(0.0, dual[n_pieces])
        moved = False
        for i in range(n_pieces + 1):
            wish = dual[i] if complete and i < n_pieces else max(0.0, dual[i])
            if i < n_pieces:
                reached += wish
            wish = np.ceil(wish)
            moved = moved or np.int64(wish) != values[i]
            values[i] = np.int64(wish)
        if best_ceiling - reached <= tolerance + 1 or n_sets == effort.n_sets or not moved:
            break
    # all sets that a combination within reach of the ceiling may hold, reaching farther until there is one
    n_known = n_sets
    proved = np.int64(0)
    reach = np.int64(max(MILLI, nothing // FIRST_REACH))
    chosen = np.zeros((0, most), np.int64)
    for _ in range(effort.n_reaches):
        wanted = best_values[n_pieces] - reach
        beyond, n_sets = scan(
            network,
            shipments,
            visits[0],
            prices,
            steps,
            worths,
            among,
            best_values,
            wanted,
            effort.set_steps,
            rising,
            effort.n_sets_a_visit,
            sets,
            n_known,
        )
        loss, _, chosen, finished = combine_sets(
            sets.mask,
            sets.gain,
            sets.visit,
            n_sets,
            best_values,
            n_pieces,
            most,
            complete,
            reach,
            0,
            1,
            effort.combine_steps,
        )
        if finished:
            least = loss[0] if loss.size else reach
            proved = max(proved, min(least, max(np.int64(0), best_values[n_pieces] - beyond)))
        if loss.size or not finished or beyond > wanted:
            break
        reach = np.int64(reach * DEEPER)
    if among.size == everywhere.size:
        floor = nothing - split - best_ceiling + proved
    else:
        floor = nothing - split - saving_at_most(worths)
    if limit > 1:
        for i in range(chosen.shape[1] if chosen.shape[0] else 0):
            n_sets = _elsewhere(
                network, shipments, visits[0], prices, steps, worths, best_values, slack, chosen[0, i], sets, n_sets
            )
    _, size, chosen, _ = combine_sets(
        sets.mask,
        sets.gain,
        sets.visit,
        n_sets,
        best_values,
        n_pieces,
        most,
        complete,
        np.int64(UNBOUNDED),
        slack,
        limit,
        effort.combine_steps,
    )
    values[:] = best_values
    return described(network, shipments, visits[0], steps, worths, sets, size, chosen, floor)


@kernel
def saving_at_most(worths: Worths) -> int:
    """What all pieces together could save if freight was free and one shipment, the cheapest, served them all."""
    n_visits, n_pieces = worths.value.shape
    total = np.int64(0)
    for piece in range(n_pieces):
        most = np.int64(0)
        for v in range(n_visits):
            if (worths.has[v] >> piece) & 1:
                most = max(most, worths.value[v, piece])
        total += most
    least = worths.base[0]
    for v in range(n_visits):
        least = min(least, worths.base[v])
    return total - (least if least > 0 else least * n_pieces)


@kernel
def _elsewhere(
    network: Network,
    shipments: Shipments,
    first_visit: int,
    prices: Prices,
    steps: Loads,
    worths: Worths,
    values: IntArray,
    slack: int,
    model: int,
    sets: Sets,
    n_sets: int,
) -> int:
    """Add a set at each other visit that could serve it, if it is within slack of the ceiling; return how many now."""
    n_pieces = worths.value.shape[1]
    mask = sets.mask[model]
    wanted = values[n_pieces] - slack
    for piece in range(n_pieces):
        if (mask >> piece) & 1:
            wanted += values[piece]
    for v in range(worths.has.size):
        if n_sets == sets.mask.size:
            break
        if mask & ~worths.has[v] or v == sets.visit[model]:
            continue
        service, _, milli = carry(network, shipments, first_visit, prices, steps, worths, v, mask)
        if service < 0:
            continue
        gain = -milli - worths.base[v]
        for piece in range(n_pieces):
            if (mask >> piece) & 1:
                gain += worths.value[v, piece]
        if gain < wanted or is_known(sets, n_sets, v, mask):
            continue
        sets.visit[n_sets], sets.mask[n_sets], sets.gain[n_sets] = v, mask, gain
        n_sets += 1
    return n_sets


@kernel
def described(
    network: Network,
    shipments: Shipments,
    first_visit: int,
    steps: Loads,
    worths: Worths,
    sets: Sets,
    size: IntArray,
    chosen: NDArray[np.int64],
    floor: int,
) -> Packed:
    """The chosen sets as shipments with their service and cents, those of an option in order of visit."""
    rate_first, rate_max_g, rate_cents = network.rate_first, network.rate_max_g, network.rate_cents
    fuel_bp, carbon_g, can_carry = network.service_fuel_bp, network.service_carbon_g, network.service_capabilities
    shipment_cents, preference_cents = network.node_shipment_cents, network.node_preference_cents
    line_cents, unit_cents, carbon_price = network.node_line_cents, network.node_unit_cents, network.carbon_cents_per_kg
    slot_node, visit_slot, wide_row = network.slot_node, shipments.visit_slot, shipments.wide_row
    wide_rate, wide_late, wide_metres = shipments.wide_rate, shipments.wide_late_cents, shipments.wide_metres
    surcharge, capacity_price = worths.surcharge_cents, worths.capacity_price
    set_visit, set_mask = sets.visit, sets.mask
    requires = np.zeros((1, steps.requires.shape[1]), np.uint64)
    first = np.zeros(size.size + 1, np.int64)
    for i in range(size.size):
        first[i + 1] = first[i] + size[i]
    n = first[size.size]
    visit = np.empty(n, np.int64)
    mask = np.empty(n, np.int64)
    service = np.empty(n, np.int64)
    cents = np.empty(n, np.int64)
    for i in range(size.size):
        mine = chosen[i, : size[i]]
        for k, j in enumerate(mine[np.argsort(set_visit[mine])]):
            at = first[i] + k
            v = set_visit[j]
            visit[at], mask[at] = first_visit + v, set_mask[j]
            row, node = wide_row[visit[at]], slot_node[visit_slot[visit[at]]]
            its_cents = shipment_cents[node] + preference_cents[node]
            billable = actual = np.int64(0)
            requires[:] = 0
            for piece in range(worths.value.shape[1]):
                if (mask[at] >> piece) & 1:
                    billable += steps.billable[piece]
                    actual += steps.actual[piece]
                    its_cents += line_cents[node] * steps.lines[piece] + unit_cents[node] * steps.units[piece]
                    for word in range(requires.shape[1]):
                        requires[0, word] |= steps.requires[piece, word]
            service[at], freight, _ = cheapest_service(
                rate_first,
                rate_max_g,
                rate_cents,
                wide_rate[row],
                wide_late[row],
                fuel_bp,
                surcharge,
                carbon_price,
                carbon_g,
                wide_metres[row],
                capacity_price[v],
                can_carry,
                requires,
                billable,
                actual,
            )
            cents[at] = its_cents + freight
    return Packed(floor, first, visit, mask, service, cents)
