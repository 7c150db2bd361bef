"""How a shipment goes and what it costs: the cheapest ship date and service among those possible."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.network import IntArray, Network
from engine.rates import carbon_cents, covers, freight_cents
from engine.rules.carrying import Desk, Goods, Yard, draw, room, service_is_free
from engine.visits import Visits
from solver.kernels import kernel


class Tariff(NamedTuple):
    """What shipping costs, apart from what depends on the order."""

    rate_first: IntArray
    rate_max_g: IntArray
    rate_cents: IntArray
    fuel_bp: IntArray
    residential_cents: IntArray
    carbon_g: IntArray
    item_billable_g: IntArray
    item_weight_g: IntArray
    shipment_cents: IntArray  # handling and preference, by node
    line_cents: IntArray
    unit_cents: IntArray
    carbon_cents_per_kg: int
    split_cents: int


@kernel
def tariff_of(network: Network) -> Tariff:
    """The tariff of a network."""
    return Tariff(
        network.rate_first,
        network.rate_max_g,
        network.rate_cents,
        network.service_fuel_bp,
        network.service_residential_cents,
        network.service_carbon_g,
        network.item_billable_g,
        network.item_weight_g,
        network.node_shipment_cents + network.node_preference_cents,
        network.node_line_cents,
        network.node_unit_cents,
        network.carbon_cents_per_kg,
        network.split_cents,
    )


@kernel
def cheapest_way(
    shipment: int,
    first_visit: int,
    last_visit: int,
    visits: Visits,
    yard: Yard,
    goods: Goods,
    tariff: Tariff,
    residential: bool,
    first_line: int,
    n_lines: int,
    desk: Desk,
) -> tuple[int, int, int]:
    """Cheapest ship date and service for the lines of a shipment from one node, and what it costs, split apart.

    Among equals the first ship date, then the earlier delivery, then the smaller service.

    Returns
    -------
    visit, service, cents
        -1, -1 and 0 where no ship date and service can take all of the lines.
    """
    needs, left = desk.needs, yard.left
    needs[:] = 0
    n_here = 0
    units, billable, actual = np.int64(0), np.int64(0), np.int64(0)
    for i in range(n_lines):
        if desk.home[i] == shipment:
            sku, quantity = goods.sku[first_line + i], goods.quantity[first_line + i]
            n_here += 1
            units += quantity
            billable += quantity * tariff.item_billable_g[sku]
            actual += quantity * tariff.item_weight_g[sku]
            for word in range(needs.shape[1]):
                needs[0, word] |= goods.requires[sku, word]
    best_visit, best_service = -1, -1
    best_cents, best_day = np.int64(0), np.int64(0)
    for visit in range(first_visit, last_visit):
        slot = visits.slot[visit]
        if room(yard.shipments, left, slot) < 1 or room(yard.units, left, slot) < units:
            continue
        n_found = 0
        enough = True
        for sign in (1, -1):
            for stop in range(visits.stop_first[visit], visits.stop_first[visit + 1]):
                line = visits.stop_line[stop]
                if desk.home[line - first_line] == shipment:
                    n_found += sign
                    fits = draw(
                        left, visits.stop_resource[stop], visits.stop_n_resources[stop], sign * goods.quantity[line]
                    )
                    enough = enough and (fits or sign < 0)
            if sign > 0:
                enough = enough and n_found == n_here
        if not enough:
            continue
        node = yard.node[slot]
        handling = tariff.shipment_cents[node] + tariff.line_cents[node] * n_here + tariff.unit_cents[node] * units
        rate, day, late = visits.rate[visit], visits.day[visit], visits.late_cents[visit]
        capped = yard.service[slot]
        for service in range(rate.size):
            free = service_is_free(rate, capped, left, service)
            if not free or not covers(yard.can_carry, service, needs, 0):
                continue
            surcharge = tariff.residential_cents[service] if residential else np.int64(0)
            cents = handling + late[service]
            cents += freight_cents(
                tariff.rate_first,
                tariff.rate_max_g,
                tariff.rate_cents,
                rate[service],
                billable,
                tariff.fuel_bp[service],
                surcharge,
            )
            cents += carbon_cents(tariff.carbon_cents_per_kg, tariff.carbon_g[service], actual, visits.metres[visit])
            same_date = best_visit == visit
            if best_visit < 0 or cents < best_cents or (cents == best_cents and same_date and day[service] < best_day):
                best_visit, best_service, best_cents, best_day = visit, service, cents, day[service]
    return best_visit, best_service, best_cents
