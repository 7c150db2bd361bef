"""Dates, distances and every cost term, each rule a short function with the words of the model."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, date, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .reading import Batch, Item, Line, Node, Order, Policy, Service

EARTH_RADIUS_KM = 6371.0088
ONE_DAY = timedelta(days=1)
LONGEST_WAIT_DAYS = 366


def distance_metres(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> int:
    """Great circle in whole metres: the model's distance_km, rounded to 0.001 km, times 1000."""
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    half_lat = math.sin((phi_b - phi_a) / 2)
    half_lon = math.sin(math.radians(lon_b - lon_a) / 2)
    chord = half_lat * half_lat + math.cos(phi_a) * math.cos(phi_b) * half_lon * half_lon
    return round(1000 * 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(chord))))


def works(mask: str, day: date) -> bool:
    """Tell whether a Monday-first mask has a 1 on the day."""
    return mask[day.weekday()] == "1"


def ship_dates(batch: Batch, node: Node) -> list[date]:
    """All ship dates of a node within the horizon, in order; none if it never works."""

    def working(day: date) -> bool:
        return works(node.working_days, day) and (node.node_id, day) not in batch.node_closures

    def next_working(day: date) -> date | None:
        for _ in range(LONGEST_WAIT_DAYS):
            day += ONE_DAY
            if working(day):
                return day
        return None

    ready_at = batch.policy.as_of.astimezone(UTC) + timedelta(minutes=node.ready_minutes)
    local = ready_at.astimezone(ZoneInfo(node.timezone))
    if working(local.date()) and local.time() <= time.fromisoformat(node.cutoff):
        day: date | None = local.date()
    else:
        day = next_working(local.date())
    found: list[date] = []
    while day is not None and len(found) < batch.policy.horizon_days:
        found.append(day)
        day = next_working(day)
    return found


def zone_and_transit(batch: Batch, node: Node, order: Order, service: Service, metres: int) -> tuple[str, int] | None:
    """The lane where there is one, else the first band that reaches; None: the service does not go."""
    lane = batch.lanes.get((node.node_id, order.region, service.service_id))
    if lane is not None:
        return lane
    for max_km, zone, transit_days in batch.bands.get(service.service_id, []):
        if max_km >= metres / 1000:
            return zone, transit_days
    return None


def delivery_date(batch: Batch, service: Service, ship_date: date, transit_days: int) -> date | None:
    """The day on which transit_days delivery days have passed; None if not within 366 days."""
    day = ship_date
    for _ in range(LONGEST_WAIT_DAYS):
        if transit_days == 0:
            return day
        day += ONE_DAY
        if works(service.delivery_days, day) and (service.service_id, day) not in batch.service_closures:
            transit_days -= 1
    return day if transit_days == 0 else None


def billable_unit_g(policy: Policy, item: Item) -> int:
    """Weight that one unit is charged for: its own, or its volume's rounded up."""
    by_volume = -(-item.volume_cm3 * 1000 // policy.dim_cm3_per_kg)
    return max(item.weight_g, by_volume)


def table_rate_cents(rates: list[tuple[int, int]], weight_g: int) -> int:
    """Price a weight from the rows (max_weight_g, cents), parcels beyond the last row included."""
    for max_weight_g, cents in rates:
        if weight_g <= max_weight_g:
            return cents
    last_weight_g, last_cents = rates[-1]
    full_parcels, rest_g = divmod(weight_g, last_weight_g)
    return full_parcels * last_cents + (table_rate_cents(rates, rest_g) if rest_g else 0)


def freight_cents(service: Service, rate_cents: int, residential: bool) -> int:
    """Add fuel and the residential charge to a table rate."""
    fuel_cents = (rate_cents * service.fuel_bp + 5000) // 10000
    return rate_cents + fuel_cents + (service.residential_cents if residential else 0)


def handling_cents(node: Node, n_lines: int, n_units: int) -> int:
    """What a node's work on one shipment costs."""
    return node.shipment_cents + node.line_cents * n_lines + node.unit_cents * n_units


def days_late(order: Order, deliver_date: date) -> int:
    """Days after the date asked for; 0 where none was."""
    return 0 if order.deliver_by is None else max(0, (deliver_date - order.deliver_by).days)


def late_cents(order: Order, deliver_date: date) -> int:
    """The penalty of one shipment that arrives that day."""
    days = days_late(order, deliver_date)
    return (order.late_cents_per_day * days * order.priority_pct + 50) // 100


def carbon_cents(policy: Policy, service: Service, weight_g: int, metres: int) -> int:
    """The carbon charge, in float64 from left to right as the model asks."""
    product = float(policy.carbon_cents_per_kg) * service.carbon_g_per_tonne_km * weight_g * metres
    return math.floor(product / 1e12 + 0.5)


def unallocated_cents(order: Order, line: Line, units_left: int) -> int:
    """What leaving units of a line unserved costs; nothing for a held order."""
    return 0 if order.held else (line.unallocated_cents * units_left * order.priority_pct + 50) // 100


def nothing_cents(batch: Batch) -> int:
    """The cost of shipping nothing."""
    return sum(unallocated_cents(order, line, line.quantity) for order in batch.orders.values() for line in order.lines)


def node_may_serve(batch: Batch, node: Node, order: Order, line: Line, metres: int) -> bool:
    """Tell whether the node is a candidate for the line."""
    reach_km = batch.policy.max_distance_km
    return (
        not node.offline
        and (reach_km is None or metres / 1000 <= reach_km)
        and node.node_id not in order.not_nodes
        and (not order.only_nodes or node.node_id in order.only_nodes)
        and batch.items[line.sku].requires <= node.capabilities
    )


def sellable(batch: Batch, node_id: str, sku: str, day: date | None) -> int:
    """Units that may have left by the day (None: of the stock that is there now)."""
    rows = batch.stock.get((node_id, sku), [])
    arrived = sum(
        row.on_hand for row in rows if row.available_on is None or (day is not None and row.available_on <= day)
    )
    return max(0, arrived - sum(row.reserved for row in rows) - sum(row.safety_stock for row in rows))


class Shipment(NamedTuple):
    """One priced shipment; quantities holds the units of every line of the order, 0 where not in it."""

    node_id: str
    ship_date: date
    service_id: str
    deliver_date: date
    zone: str
    distance_km: float
    weight_g: int
    quantities: tuple[int, ...]
    freight_cents: int
    handling_cents: int
    preference_cents: int
    late_cents: int
    carbon_cents: int

    @property
    def cents(self) -> int:
        """All but the split charge, which belongs to the order."""
        return self.freight_cents + self.handling_cents + self.preference_cents + self.late_cents + self.carbon_cents


def price_shipment(
    batch: Batch,
    order: Order,
    node: Node,
    service: Service,
    ship_date: date,
    quantities: Iterable[int],
) -> Shipment | None:
    """Price these units of the order's lines from a slot on a service; None if it is not allowed."""
    quantities = tuple(quantities)
    content = [(line, units) for line, units in zip(order.lines, quantities, strict=True) if units]
    metres = distance_metres(node.lat, node.lon, order.lat, order.lon)
    if not all(node_may_serve(batch, node, order, line, metres) for line, _ in content):
        return None
    if not all(batch.items[line.sku].requires <= service.capabilities for line, _ in content):
        return None
    reached = zone_and_transit(batch, node, order, service, metres)
    if reached is None:
        return None
    zone, transit_days = reached
    rates = batch.rates.get((service.service_id, zone))
    deliver_date = delivery_date(batch, service, ship_date, transit_days)
    if rates is None or deliver_date is None:
        return None
    if order.hard_promise and days_late(order, deliver_date):
        return None
    billable_g = sum(units * billable_unit_g(batch.policy, batch.items[line.sku]) for line, units in content)
    actual_g = sum(units * batch.items[line.sku].weight_g for line, units in content)
    return Shipment(
        node_id=node.node_id,
        ship_date=ship_date,
        service_id=service.service_id,
        deliver_date=deliver_date,
        zone=zone,
        distance_km=metres / 1000,
        weight_g=billable_g,
        quantities=quantities,
        freight_cents=freight_cents(service, table_rate_cents(rates, billable_g), order.residential),
        handling_cents=handling_cents(node, len(content), sum(quantities)),
        preference_cents=node.preference_cents,
        late_cents=late_cents(order, deliver_date),
        carbon_cents=carbon_cents(batch.policy, service, actual_g, metres),
    )
