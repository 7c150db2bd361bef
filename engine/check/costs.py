"""The columns of shipments and the cost of unallocated units, recomputed from the batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.check.claimed import Claimed
from engine.check.columns import NO_DAY, BoolArray, FloatArray, IntArray, exactly, sums
from engine.check.given import Given
from engine.check.report import Findings, day_text
from engine.check.routes import Routes

TERMS = ("freight", "handling", "preference", "split", "late", "carbon", "unallocated")
LARGEST = 1 << 62


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What the shipments of an allocation are and cost, by row of `shipments`.

    Attributes
    ----------
    at : int64[n]
        The rows that could be recomputed; the other arrays cover these rows only.
    order, node, service, ship_day, deliver_day, zone, weight_g : int64[n]
        As recomputed: `deliver_day` is `NO_DAY` and `zone` is -1 where the service does not go.
    metres, actual_g : float64[n]
        Distance, and weight without volume.
    cents : dict of int64[n_shipments]
        Each term of all rows, the stated one where it could not be recomputed.
    unallocated_cents : int64[n_unallocated]
        The cost of each row of `unallocated`.
    """

    at: IntArray
    order: IntArray
    node: IntArray
    service: IntArray
    ship_day: IntArray
    deliver_day: IntArray
    zone: IntArray
    weight_g: IntArray
    metres: FloatArray
    actual_g: FloatArray
    cents: dict[str, IntArray]
    unallocated_cents: IntArray


def recompute(given: Given, claimed: Claimed, routes: Routes) -> Costs:
    """Recompute what MODEL says of every shipment whose references are right, and of what is left out."""
    at = np.flatnonzero(claimed.usable).astype(np.int64)
    order, node, service, ship_day = (
        column[at] for column in (claimed.order, claimed.node, claimed.service, claimed.ship_day)
    )
    weight_g, actual_g, n_units = _contents(given, claimed)
    metres = routes.metres(node, order, claimed.shipments.floats("distance_km")[at])
    zone, transit = routes.zone(node, order, service, metres)
    deliver_day = routes.deliveries.deliver(service, ship_day, np.maximum(transit, 0))
    deliver_day = np.where(zone >= 0, deliver_day, NO_DAY)

    goes = deliver_day != NO_DAY
    nodes = given.nodes
    terms = {
        "freight": routes.freight(order, service, zone, weight_g[at]),
        "handling": exactly(
            lambda shipment, lines, by_line, units, by_unit: shipment + lines * by_line + units * by_unit,
            nodes.ints("shipment_cents")[node],
            claimed.n_parts[at],
            nodes.ints("line_cents")[node],
            n_units[at],
            nodes.ints("unit_cents")[node],
        ),
        "preference": nodes.ints("preference_cents")[node],
        "split": np.where(_first_of_order(claimed)[at], 0, given.policy.split_cents),
        "late": late_cents(given, routes, order, np.where(goes, deliver_day, claimed.deliver_day[at])),
        "carbon": carbon_cents(given, service, actual_g[at], metres),
    }
    cents = {}
    for name, recomputed in terms.items():
        column = claimed.shipments.ints(f"{name}_cents").copy()
        settled = goes if name == "freight" else np.ones(len(at), dtype=np.bool_)
        column[at[settled]] = recomputed[settled]
        cents[name] = column
    return Costs(
        at=at,
        order=order,
        node=node,
        service=service,
        ship_day=ship_day,
        deliver_day=deliver_day,
        zone=zone,
        weight_g=weight_g[at],
        metres=metres,
        actual_g=actual_g[at],
        cents=cents,
        unallocated_cents=_unallocated(given, claimed),
    )


def _contents(given: Given, claimed: Claimed) -> tuple[IntArray, FloatArray, IntArray]:
    """Return billable weight, actual weight and units by row of `shipments`."""
    items, dim, n = given.items, given.policy.dim_cm3_per_kg, claimed.shipments.n
    actual = items.ints("weight_g")
    billable = np.maximum(actual, -(-items.ints("volume_cm3") * 1000 // dim))
    shipment, quantity = claimed.parts_of, claimed.part_quantity
    item = given.line_item[np.maximum(claimed.part_line, 0)] if given.lines.n else claimed.part_line
    known = shipment >= 0
    item = np.where(known, item, 0)

    def total(weight: IntArray) -> IntArray:
        if not known.any():
            return np.zeros(n, dtype=np.int64)
        grams = exactly(lambda units, gram: units * gram, quantity, weight[item])
        rough = np.bincount(shipment[known], weights=grams[known].astype(np.float64), minlength=n)
        return np.where(rough < LARGEST / 2, sums(shipment, grams, n), LARGEST)

    return total(billable), total(actual).astype(np.float64), sums(shipment, quantity, n)


def _first_of_order(claimed: Claimed) -> BoolArray:
    """Return which shipments are the first of their order by shipment_id (as text)."""
    rank = np.empty(claimed.shipments.n, dtype=np.int64)
    by_id = np.asarray(pc.array_sort_indices(claimed.shipment_ids).to_numpy(), dtype=np.int64)
    rank[by_id] = np.arange(len(by_id))
    ranked = np.lexsort((rank, claimed.order))
    first = np.zeros(len(rank), dtype=np.bool_)
    first[ranked[np.diff(claimed.order[ranked], prepend=-2) != 0]] = True
    return first


def late_cents(given: Given, routes: Routes, order: IntArray, deliver_day: IntArray) -> IntArray:
    """Return the late term of shipments delivered on the given days."""
    return exactly(
        lambda by_day, days, pct: (by_day * days * pct + 50) // 100,
        given.late_cents_per_day[order],
        routes.late_days(order, deliver_day),
        given.priority_pct[order],
    )


def carbon_cents(given: Given, service: IntArray, actual_g: FloatArray, metres: FloatArray) -> IntArray:
    """Return the carbon term: one product in float64, multiplied from left to right."""
    by_tonne_km = given.services.ints("carbon_g_per_tonne_km")[service].astype(np.float64)
    cents = np.floor(float(given.policy.carbon_cents_per_kg) * by_tonne_km * actual_g * metres / 1e12 + 0.5)
    return np.minimum(cents, float(LARGEST)).astype(np.int64)


def _unallocated(given: Given, claimed: Claimed) -> IntArray:
    cents = claimed.unallocated.ints("unallocated_cents").copy()
    known = claimed.left_line >= 0
    line = claimed.left_line[known]
    cents[known] = leave_cents(given, line, claimed.left_quantity[known])
    return cents


def leave_cents(given: Given, line: IntArray, quantity: IntArray) -> IntArray:
    """Return the cost of leaving units of lines (row numbers) out."""
    order = given.line_order[line]
    cents = exactly(
        lambda each, units, pct: (each * units * pct + 50) // 100,
        given.line_unit_cents[line],
        quantity,
        given.priority_pct[order],
    )
    return np.where(given.held[order], 0, cents)


def check_costs(claimed: Claimed, costs: Costs, routes: Routes, findings: Findings) -> None:
    """Compare every column that MODEL derives with what the allocation states."""
    shipments, at = claimed.shipments, costs.at
    where = np.full(shipments.n, -1, dtype=np.int64)
    where[at] = np.arange(len(at))

    def spread(wrong: BoolArray) -> BoolArray:
        over = np.zeros(shipments.n, dtype=np.bool_)
        over[at] = wrong
        return over

    stated_km = shipments.floats("distance_km")
    differs = ~(np.abs(stated_km[at] - costs.metres / 1000.0) <= 1e-9)
    findings.rows(
        "shipments",
        "distance_km",
        spread(differs),
        lambda row: stated_km[row],
        lambda row: costs.metres[where[row]] / 1000.0,
    )
    routed = costs.zone >= 0
    services = shipments.texts("service_id")
    findings.rows(
        "shipments",
        "service_id",
        spread(~routed),
        lambda row: services[row],
        "a service with a lane or band and a rate for it",
    )
    zones = shipments.texts("zone")
    zone_text = routes.zones.take(pa.array(costs.zone, mask=~routed))
    other = pc.fill_null(pc.not_equal(zones.take(pa.array(at)), zone_text), False)
    findings.rows(
        "shipments",
        "zone",
        spread(np.asarray(other.to_numpy(zero_copy_only=False), dtype=np.bool_)),
        lambda row: zones[row],
        lambda row: zone_text[int(where[row])],
    )
    reached = costs.deliver_day != NO_DAY
    findings.rows(
        "shipments",
        "deliver_date",
        spread(routed & ~reached),
        lambda row: day_text(claimed.deliver_day[row]),
        "a service that delivers within 366 days",
    )
    findings.rows(
        "shipments",
        "deliver_date",
        spread(reached & (costs.deliver_day != claimed.deliver_day[at])),
        lambda row: day_text(claimed.deliver_day[row]),
        lambda row: day_text(int(costs.deliver_day[where[row]])),
    )
    weight_g = shipments.ints("weight_g").copy()
    weight_g[at] = costs.weight_g
    _differs(findings, "shipments", "weight_g", shipments.ints("weight_g"), weight_g)
    for term, cents in costs.cents.items():
        _differs(findings, "shipments", f"{term}_cents", shipments.ints(f"{term}_cents"), cents)
    left = claimed.unallocated.ints("unallocated_cents")
    _differs(findings, "unallocated", "unallocated_cents", left, costs.unallocated_cents)


def _differs(findings: Findings, table: str, column: str, stated: IntArray, right: IntArray) -> None:
    findings.rows(table, column, stated != right, lambda row: stated[row], lambda row: right[row])
