"""The service of each shipment against the other services it could have had."""

from __future__ import annotations

import numpy as np

from engine.check.claimed import Claimed
from engine.check.columns import NO_DAY, BoolArray, IntArray, by_day, join
from engine.check.costs import Costs, carbon_cents, late_cents
from engine.check.given import Given
from engine.check.report import Findings, day_text
from engine.check.resources import Capacity
from engine.check.routes import Routes
from engine.check.rules import Permits


def check_services(
    given: Given,
    claimed: Claimed,
    costs: Costs,
    routes: Routes,
    permits: Permits,
    capacity: Capacity,
    findings: Findings,
) -> None:
    """Check that no service was passed over that was free, allowed and preferred.

    A service is preferred when it costs less, or the same and delivers earlier, or the same and its
    service_id is smaller. One whose capacity at the slot is exhausted by the allocation itself is no fault.
    """
    at, n_services = costs.at, given.services.n
    ids = given.service_ids.to_pylist()
    rank = np.empty(n_services, dtype=np.int64)
    rank[sorted(range(n_services), key=lambda service: str(ids[service]))] = np.arange(n_services)
    own = (costs.cents["freight"] + costs.cents["late"] + costs.cents["carbon"])[at]
    best_total, best_day, best_rank = own.copy(), costs.deliver_day.copy(), rank[costs.service]
    best = costs.service.copy()
    judged = costs.deliver_day != NO_DAY
    taken = _Taken(given, claimed)
    lacking = _Lacking(given, claimed, permits)
    for service in range(n_services):
        ask = np.flatnonzero(judged & (costs.service != service) & ~lacking.of(service)[at])
        if not len(ask):
            continue
        order, node, ship_day = costs.order[ask], costs.node[ask], costs.ship_day[ask]
        other = np.full(len(ask), service, dtype=np.int64)
        zone, transit = routes.zone(node, order, other, costs.metres[ask])
        deliver_day = routes.deliveries.deliver(other, ship_day, np.maximum(transit, 0))
        goes = routes.goes(order, zone, deliver_day, ship_day)
        goes &= taken.count(node, other, ship_day) < capacity.service(node, other, ship_day)
        total = routes.freight(order, other, zone, costs.weight_g[ask])
        total = total + late_cents(given, routes, order, np.where(goes, deliver_day, 0))
        total = total + carbon_cents(given, other, costs.actual_g[ask], costs.metres[ask])
        preferred = goes & (
            (total < best_total[ask])
            | (
                (total == best_total[ask])
                & ((deliver_day < best_day[ask]) | ((deliver_day == best_day[ask]) & (rank[service] < best_rank[ask])))
            )
        )
        better = ask[preferred]
        best[better], best_total[better] = service, total[preferred]
        best_day[better], best_rank[better] = deliver_day[preferred], rank[service]

    where = np.full(claimed.shipments.n, -1, dtype=np.int64)
    where[at] = np.arange(len(at))
    wrong = np.zeros(claimed.shipments.n, dtype=np.bool_)
    wrong[at] = best != costs.service
    services = claimed.shipments.texts("service_id")
    findings.rows(
        "shipments",
        "service_id",
        wrong,
        lambda row: f"{services[row]} for {own[where[row]]} cents, delivered {day_text(int(claimed.deliver_day[row]))}",
        lambda row: (
            f"{ids[best[where[row]]]} for {best_total[where[row]]} cents, delivered "
            f"{day_text(int(best_day[where[row]]))}, which is free"
        ),
    )


class _Taken:
    """How many shipments of the allocation each service carries from each slot."""

    def __init__(self, given: Given, claimed: Claimed) -> None:
        self._sizes = given.nodes.n, given.services.n
        self._keys, self._counts = np.unique(
            self._key(claimed.node, claimed.service, claimed.ship_day), return_counts=True
        )

    def _key(self, node: IntArray, service: IntArray, day: IntArray) -> IntArray:
        return by_day(join((node, self._sizes[0]), (service, self._sizes[1])), day)

    def count(self, node: IntArray, service: IntArray, day: IntArray) -> IntArray:
        key = self._key(node, service, day)
        at = np.minimum(np.searchsorted(self._keys, key), len(self._keys) - 1)
        return np.where(self._keys[at] == key, self._counts[at], 0)


class _Lacking:
    """Which shipments hold an item that requires what a service lacks."""

    def __init__(self, given: Given, claimed: Claimed, permits: Permits) -> None:
        part = np.flatnonzero(claimed.part_counts)
        self._item = given.line_item[claimed.part_line[part]]
        self._shipment = claimed.part_shipment[part]
        self._n = claimed.shipments.n
        self._capabilities = permits.service_capabilities

    def of(self, service: int) -> BoolArray:
        lacks = np.zeros(self._n, dtype=np.bool_)
        asked = np.full(len(self._item), service, dtype=np.int64)
        lacks[self._shipment[self._capabilities.missing(self._item, asked)]] = True
        return lacks
