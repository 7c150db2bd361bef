"""Every shipment that could serve a part of an order: slot, quantities, service and cost, in arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.combinations import MAX_CODE_BITS, combine, fill_steps, level_of, loads_of, piece_shifts
from engine.freight import best_by_weight, lower_lines
from engine.network import IntArray, Network
from engine.orders import Orders
from engine.rates import carbon_cents, covers, freight_cents, lost_cents
from engine.visits import Visits, grown, reach, visits_of
from solver.kernels import kernel

MAX_SUBSETS = 40_000
"""An order with more ways than this to fill a shipment is not listed: it is packed, or, where lines may be split, gets
a selection of its shipments and a relaxed floor."""
MAX_LISTED_PIECES = 11
MAX_SUBSETS_SELECTED = 256
MIN_TABLED = 24
LINE_SHARES = (0.3, 0.85)
WEIGHT_STEPS = 8
"""Lines below freight are made for so many weights up to that of the whole order."""
NONE = -1


class Shipments(NamedTuple):
    """Candidate shipments of a run of orders.

    A visit is an order at a slot; its lines are those that the slot could serve, with the stock intervals they would
    draw on; its offers are the shipments worth considering there. The visits of orders that are not listed are *wide*:
    their shipments are made up as prices ask for them, from the rate tables of each service.
    """

    visit_first: IntArray  # [n_orders + 1]
    visit_slot: IntArray
    stop_first: IntArray  # [n_visits + 1]: lines of a visit
    stop_line: IntArray  # line, counted over all orders
    stop_resource: IntArray  # first stock interval
    stop_n_resources: IntArray
    offer_first: IntArray  # [n_visits + 1]
    offer_code: IntArray
    offer_service: IntArray
    offer_cents: IntArray  # freight, handling, preference, late, carbon
    listed: NDArray[np.bool_]  # [n_orders]: every shipment that can be useful is an offer
    packed: NDArray[np.bool_]  # [n_orders]: no offers; shipments are made up from the wide visits
    wide_row: NDArray[np.int32]  # [n_visits]: row in the arrays below; -1 where the order is listed
    wide_metres: IntArray
    wide_rate: IntArray  # [n_wide, n_services]; NO_RATE where a service cannot be used
    wide_late_cents: IntArray  # [n_wide, n_services]
    wide_base_cents: NDArray[np.float64]  # [n_wide, 2]: freight and lateness cost at least this ...
    wide_gram_cents: NDArray[np.float64]  # ... and this for each billable gram, whatever the service


@kernel
def _stock_suffices(
    supply: IntArray, amounts: IntArray, pieces: IntArray, shifts: IntArray, resources: IntArray, code: int
) -> bool:
    """Whether lines of one sku together find enough stock in a shipment."""
    for i in range(resources.size):
        total = np.int64(0)
        for j in range(resources.size):
            if resources[j] == resources[i]:
                total += level_of(code, shifts, pieces[j]) * amounts[j]
        if total > supply[resources[i]]:
            return False
    return True


@kernel
def _offers(network: Network, orders: Orders, begin: int, end: int, visits: Visits, listed_pieces: int) -> Shipments:
    """The offers of every visit.

    A shipment that costs at least what leaving its lines would is left out, unless the order must be complete; of the
    services only the best without a capacity limit stays, and those with a limit that beat it.
    """
    supply, slot_node = network.supply, network.slot_node
    slot_units, slot_service = network.slot_units_resource, network.slot_service_resource
    shipment_cents, line_cents = network.node_shipment_cents, network.node_line_cents
    unit_cents, preference = network.node_unit_cents, network.node_preference_cents
    rate_first, rate_max_g, rate_cents = network.rate_first, network.rate_max_g, network.rate_cents
    fuel_bp, carbon_g = network.service_fuel_bp, network.service_carbon_g
    can_carry = network.service_capabilities
    carbon_price = network.carbon_cents_per_kg
    line_first, line_sku, line_piece = orders.line_first, orders.line_sku, orders.line_piece
    line_step, line_quantity = orders.line_step, orders.line_quantity
    lost_unit, priority = orders.line_unallocated_cents, orders.priority_pct
    piece_first, piece_levels = orders.piece_first, orders.piece_levels
    ship_complete, residential = orders.ship_complete, orders.residential
    visit_first, visit_slot, visit_metres = visits.first, visits.slot, visits.metres
    visit_rate, visit_day, visit_late = visits.rate, visits.day, visits.late_cents
    stop_first, stop_line, stop_resource = visits.stop_first, visits.stop_line, visits.stop_resource
    n_services = fuel_bp.size
    n_words = network.item_requires.shape[1]
    folded = orders.folded

    listed = np.ones(end - begin, np.bool_)
    packed = np.zeros(end - begin, np.bool_)
    n_visits = visit_slot.size
    wide_row = np.full(n_visits, -1, np.int32)
    n_wide = 0
    offer_first = np.zeros(n_visits + 1, np.int64)
    offer_code = np.empty(4096, np.int64)
    offer_service = np.empty(4096, np.int64)
    offer_cents = np.empty(4096, np.int64)
    n_offers = 0
    most_lines = 1
    for order in range(begin, end):
        most_lines = max(most_lines, line_first[order + 1] - line_first[order])
    steps = loads_of(most_lines, n_words)
    loads = loads_of(MAX_SUBSETS + 2, n_words)
    billable, actual, units, lines = loads.billable, loads.actual, loads.units, loads.lines
    gain, code, requires = loads.gain, loads.code, loads.requires
    piece_size = np.zeros(most_lines, np.int64)
    found = np.zeros(most_lines, np.int64)
    top = np.zeros(most_lines, np.int64)
    pieces = np.empty(most_lines, np.int64)
    lows = np.empty(most_lines, np.int64)
    tops = np.empty(most_lines, np.int64)
    amounts = np.empty(most_lines, np.int64)
    of_piece = np.empty(most_lines, np.int64)
    surcharge = np.zeros(n_services, np.int64)
    no_gains = np.zeros((0, 0), np.int64)

    for order in range(begin, end):
        first_visit, last_visit = visit_first[order - begin], visit_first[order - begin + 1]
        if first_visit == last_visit:
            continue
        first, last = line_first[order], line_first[order + 1]
        shifts = piece_shifts(piece_first, piece_levels, order)
        n_pieces = shifts.size - 1
        if shifts[n_pieces] > MAX_CODE_BITS:
            listed[order - begin] = False
            for visit in range(first_visit, last_visit):
                offer_first[visit + 1] = n_offers
            continue
        fill_steps(network, orders, order, shifts, steps)
        whole_only = ship_complete[order]
        any_requires = False
        for piece in range(n_pieces):
            piece_size[piece] = steps.lines[piece]
            for word in range(n_words):
                any_requires = any_requires or steps.requires[piece, word] != 0
        repeated = False
        for line in range(first, last):
            for other in range(first, line):
                repeated = repeated or line_sku[other] == line_sku[line]
        splits = False
        for piece in range(piece_first[order], piece_first[order + 1]):
            splits = splits or piece_levels[piece] > 1
        gains = no_gains
        for service in range(n_services):
            surcharge[service] = network.service_residential_cents[service] if residential[order] else 0

        # the first look only counts combinations
        n_combinations = 0.0
        for look in range(2):
            few = n_combinations > MAX_SUBSETS or folded[order]
            pack = not splits and (few or n_pieces > listed_pieces)
            if pack or (look == 1 and few):
                listed[order - begin] = False
                packed[order - begin] = pack
                for visit in range(first_visit, last_visit):
                    wide_row[visit] = n_wide
                    n_wide += 1
                    offer_first[visit + 1] = n_offers
            if pack:
                break
            for visit in range(first_visit, last_visit):
                first_stop, last_stop = stop_first[visit], stop_first[visit + 1]
                for piece in range(n_pieces):
                    found[piece] = 0
                    top[piece] = piece_levels[piece_first[order] + piece]
                for stop in range(first_stop, last_stop):
                    line = stop_line[stop]
                    piece = line_piece[line]
                    found[piece] += 1
                    top[piece] = min(top[piece], supply[stop_resource[stop]] // line_step[line])
                n_here = 0
                n_here_combinations = 1.0
                for piece in range(n_pieces):
                    if found[piece] == piece_size[piece]:
                        pieces[n_here] = piece
                        lows[n_here], tops[n_here] = 1, top[piece]
                        n_here_combinations *= top[piece] + 1.0
                        n_here += 1
                if look == 0:
                    n_combinations += n_here_combinations
                    continue
                if splits:
                    widest = 0
                    for i in range(n_here):
                        widest = max(widest, tops[i])
                    if few and n_here_combinations > MAX_SUBSETS_SELECTED:
                        n_here = min(n_here, 10)
                        for i in range(n_here):
                            lows[i] = tops[i]
                    if widest < 1_000_000:
                        gains = np.zeros((n_here, widest + 1), np.int64)
                        for i in range(n_here):
                            for level in range(lows[i], tops[i] + 1):
                                saved = steps.gain[pieces[i]]
                                for line in range(first, last):
                                    left = line_quantity[line] - level * line_step[line]
                                    if line_piece[line] == pieces[i] and left > 0:
                                        saved -= lost_cents(lost_unit[line], left, priority[order])
                                gains[i, level] = saved
                    else:
                        n_here = 0
                        listed[order - begin] = False
                size = combine(pieces[:n_here], lows[:n_here], tops[:n_here], gains, steps, loads)

                slot = visit_slot[visit]
                node = slot_node[slot]
                metres = visit_metres[visit]
                rate, day, late = visit_rate[visit], visit_day[visit], visit_late[visit]
                capped = slot_service[slot]
                units_left = supply[slot_units[slot]] if slot_units[slot] >= 0 else np.int64(2**62)
                n_stops = last_stop - first_stop
                if repeated:
                    for i in range(n_stops):
                        line = stop_line[first_stop + i]
                        amounts[i], of_piece[i] = line_step[line], line_piece[line]
                tabled = size > MIN_TABLED and carbon_price == 0 and not any_requires
                if tabled:
                    ends, best_cents, best_service = best_by_weight(
                        rate_first, rate_max_g, rate_cents, rate, day, late, fuel_bp, surcharge, capped
                    )
                    tabled = ends.size > 0
                offer_code = grown(offer_code, n_offers + size * n_services)
                offer_service = grown(offer_service, offer_code.size)
                offer_cents = grown(offer_cents, offer_code.size)
                for sub in range(1, size):
                    if units[sub] > units_left:
                        continue
                    handling = (
                        shipment_cents[node]
                        + line_cents[node] * lines[sub]
                        + unit_cents[node] * units[sub]
                        + preference[node]
                    )
                    # a line split twice may round its lost cents once more
                    worth = gain[sub] - handling + (lines[sub] if splits else 0)
                    if repeated and not _stock_suffices(
                        supply,
                        amounts[:n_stops],
                        of_piece[:n_stops],
                        shifts,
                        stop_resource[first_stop:last_stop],
                        code[sub],
                    ):
                        continue
                    free = np.int64(NONE)
                    free_cents = np.int64(0)
                    first_look = 0
                    if tabled and billable[sub] <= ends[-1]:
                        at = np.searchsorted(ends, billable[sub])
                        free, free_cents = best_service[at], best_cents[at]
                        first_look = 1
                    for limited in range(first_look, 2):
                        for service in range(n_services):
                            if rate[service] < 0 or (capped[service] >= 0) != (limited == 1):
                                continue
                            if any_requires and not covers(can_carry, service, requires, sub):
                                continue
                            cents = late[service] + freight_cents(
                                rate_first,
                                rate_max_g,
                                rate_cents,
                                rate[service],
                                billable[sub],
                                fuel_bp[service],
                                surcharge[service],
                            )
                            cents += carbon_cents(carbon_price, carbon_g[service], actual[sub], metres)
                            if free >= 0:
                                if cents > free_cents:
                                    continue
                                later = day[service] > day[free] or (day[service] == day[free] and service > free)
                                if cents == free_cents and later:
                                    continue
                            if limited == 0:
                                free, free_cents = service, cents
                            elif whole_only or cents < worth:
                                offer_code[n_offers] = code[sub]
                                offer_service[n_offers] = service
                                offer_cents[n_offers] = cents + handling
                                n_offers += 1
                    if free >= 0 and (whole_only or free_cents < worth):
                        offer_code[n_offers] = code[sub]
                        offer_service[n_offers] = free
                        offer_cents[n_offers] = free_cents + handling
                        n_offers += 1
                offer_first[visit + 1] = n_offers
    return Shipments(
        visit_first,
        visit_slot,
        stop_first,
        stop_line,
        stop_resource,
        visits.stop_n_resources,
        offer_first,
        offer_code[:n_offers].copy(),
        offer_service[:n_offers].copy(),
        offer_cents[:n_offers].copy(),
        listed,
        packed,
        wide_row,
        *_wide(network, orders, begin, end, visits, wide_row, n_wide),
    )


@kernel
def _wide(
    network: Network, orders: Orders, begin: int, end: int, visits: Visits, wide_row: NDArray[np.int32], n_wide: int
) -> tuple[IntArray, IntArray, IntArray, NDArray[np.float64], NDArray[np.float64]]:
    """What the wide visits need to make up shipments; visits that cost the same by weight share their lines."""
    rate_first, rate_max_g, rate_cents = network.rate_first, network.rate_max_g, network.rate_cents
    fuel_bp, residential_cents = network.service_fuel_bp, network.service_residential_cents
    n_services = fuel_bp.size
    metres = np.empty(n_wide, np.int64)
    step_of = np.empty(n_wide, np.int64)
    rate = np.empty((n_wide, n_services), np.int64)
    late = np.empty((n_wide, n_services), np.int64)
    base = np.zeros((n_wide, len(LINE_SHARES)))
    gram = np.zeros((n_wide, len(LINE_SHARES)))
    surcharge = np.zeros(n_services, np.int64)
    for order in range(begin, end):
        first, last = visits.first[order - begin], visits.first[order - begin + 1]
        if first == last or wide_row[first] < 0:
            continue
        for service in range(n_services):
            surcharge[service] = residential_cents[service] if orders.residential[order] else 0
        whole_g = np.int64(0)
        for line in range(orders.line_first[order], orders.line_first[order + 1]):
            whole_g += orders.line_quantity[line] * network.item_billable_g[orders.line_sku[line]]
        for visit in range(first, last):
            row = wide_row[visit]
            stocked_g = np.int64(0)
            for stop in range(visits.stop_first[visit], visits.stop_first[visit + 1]):
                line = visits.stop_line[stop]
                stocked_g += orders.line_quantity[line] * network.item_billable_g[orders.line_sku[line]]
            step = -(-stocked_g * WEIGHT_STEPS // whole_g)
            weight_g = max(stocked_g, step * whole_g // WEIGHT_STEPS)
            step_of[row] = step
            metres[row], rate[row], late[row] = visits.metres[visit], visits.rate[visit], visits.late_cents[visit]
            known = False
            for other in range(wide_row[first], row):
                same = step_of[other] == step
                for service in range(n_services):
                    same = same and rate[other, service] == rate[row, service]
                    same = same and late[other, service] == late[row, service]
                if same:
                    base[row], gram[row] = base[other], gram[other]
                    known = True
                    break
            if known:
                continue
            lower_lines(
                rate_first,
                rate_max_g,
                rate_cents,
                rate[row],
                late[row],
                fuel_bp,
                surcharge,
                weight_g,
                LINE_SHARES,
                base[row],
                gram[row],
            )
    return metres, rate, late, base, gram


def list_shipments(
    network: Network, orders: Orders, begin: int, end: int, *, listed_pieces: int = MAX_LISTED_PIECES
) -> Shipments:
    """List the candidate shipments of orders ``begin .. end - 1``; those of orders of more pieces are made up later."""
    reached = reach(network, orders, begin, end)
    return list_offers(network, orders, begin, end, visits_of(network, orders, begin, end, reached), listed_pieces)


def list_offers(
    network: Network, orders: Orders, begin: int, end: int, visits: Visits, listed_pieces: int = MAX_LISTED_PIECES
) -> Shipments:
    """List the candidate shipments of given visits of orders ``begin .. end - 1``, perhaps not all that there are."""
    shipments: Shipments = _offers(network, orders, begin, end, visits, listed_pieces)
    return shipments
