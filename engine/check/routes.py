"""Where a service goes from a node to an order: distance, zone, transit and the rate of a parcel."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.check.columns import (
    NO_DAY,
    BoolArray,
    Finder,
    FloatArray,
    IntArray,
    Steps,
    exactly,
    join,
    positions,
)
from engine.check.dates import DeliveryDates
from engine.check.given import Given

EARTH_RADIUS_M = 6371008.8
ROUNDING_M = 1e-6


class Routes:
    """Distances, zones, delivery dates and rates of (node, order, service), row numbers all."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.deliveries = DeliveryDates(given)
        bands, lanes, rates = given.bands, given.lanes, given.rates
        self.zones = pc.unique(
            pa.concat_arrays([table.texts("zone") for table in (bands, lanes, rates)]).cast(pa.string())
        )
        self._band_zone, lane_zone, rate_zone = (
            positions(table.texts("zone"), self.zones) for table in (bands, lanes, rates)
        )
        self._lane_zone = lane_zone
        self._band_transit, self._lane_transit = bands.ints("transit_days"), lanes.ints("transit_days")
        self._bands = Steps(positions(bands.texts("service_id"), given.service_ids), bands.floats("max_km"))

        self._regions = pc.drop_null(pc.unique(lanes.texts("region")))
        self._order_region = positions(given.orders.texts("region"), self._regions)
        self._lanes = Finder(
            self._lane_key(
                positions(lanes.texts("node_id"), given.node_ids),
                positions(lanes.texts("region"), self._regions),
                positions(lanes.texts("service_id"), given.service_ids),
            )
        )

        service = positions(rates.texts("service_id"), given.service_ids)
        self._rates = Steps(self._rate_group(service, rate_zone), rates.ints("max_weight_g"))
        self._rate_weight, self._rate_cents = rates.ints("max_weight_g"), rates.ints("cents")
        self._fuel_bp = given.services.ints("fuel_bp")
        self._residential_cents = given.services.ints("residential_cents")
        self._residential = given.orders.bools("residential")
        self._place = [
            tuple(np.radians(table.floats(name)) for name in ("lat", "lon")) for table in (given.nodes, given.orders)
        ]

    def _lane_key(self, node: IntArray, region: IntArray, service: IntArray) -> IntArray:
        return join((node, self.given.nodes.n), (service, self.given.services.n), (region, len(self._regions)))

    def _rate_group(self, service: IntArray, zone: IntArray) -> IntArray:
        return join((service, self.given.services.n), (zone, len(self.zones)))

    def raw_metres(self, node: IntArray, order: IntArray) -> FloatArray:
        """Return the great circle distance before rounding."""
        (node_lat, node_lon), (order_lat, order_lon) = self._place
        lat, other = node_lat[node], order_lat[order]
        chord = (
            np.sin((other - lat) / 2) ** 2
            + np.cos(lat) * np.cos(other) * np.sin((order_lon[order] - node_lon[node]) / 2) ** 2
        )
        return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0))), dtype=np.float64)

    def metres(self, node: IntArray, order: IntArray, stated_km: FloatArray | None = None) -> FloatArray:
        """Return the distance in whole metres.

        Where the last bit of a float64 decides between two metres, the stated one is taken.
        """
        raw = self.raw_metres(node, order)
        whole = np.rint(raw)
        if stated_km is None:
            return whole
        stated = np.rint(stated_km * 1000)
        return np.where(np.abs(raw - stated) <= 0.5 + ROUNDING_M, stated, whole)

    def zone(self, node: IntArray, order: IntArray, service: IntArray, metres: FloatArray) -> tuple[IntArray, IntArray]:
        """Return zone (a position in `zones`, -1 where the service does not go) and transit days."""
        zone, transit = np.full((2, len(node)), -1, dtype=np.int64)
        band = self._bands.at_least(service, metres / 1000.0)
        by_band = band >= 0
        zone[by_band], transit[by_band] = self._band_zone[band[by_band]], self._band_transit[band[by_band]]
        if self.given.lanes.n:
            lane = self._lanes.find(self._lane_key(node, self._order_region[order], service))
            by_lane = lane >= 0
            zone[by_lane], transit[by_lane] = (
                self._lane_zone[lane[by_lane]],
                self._lane_transit[lane[by_lane]],
            )
        rated = self._rates.last(self._rate_group(service, zone)) >= 0
        return np.where(rated, zone, -1), transit

    def freight(self, order: IntArray, service: IntArray, zone: IntArray, weight_g: IntArray) -> IntArray:
        """Return the freight of a parcel where the zone is known (others: -1)."""
        freight = np.full(len(order), -1, dtype=np.int64)
        at = np.flatnonzero(zone >= 0)
        group, weight = self._rate_group(service[at], zone[at]), weight_g[at]
        last = self._rates.last(group)
        full, rest = np.divmod(weight, self._rate_weight[last])
        fits = full * self._rate_weight[last] == weight
        # up to the last row's weight there is one parcel, priced by the table
        single = weight <= self._rate_weight[last]
        full, rest = np.where(single, 0, full), np.where(single, weight, rest)
        row = self._rates.at_least(group, rest)
        rest_cents = np.where(fits & ~single, 0, self._rate_cents[row])
        freight[at] = exactly(
            _freight,
            full,
            self._rate_cents[last],
            rest_cents,
            self._fuel_bp[service[at]],
            np.where(self._residential[order[at]], self._residential_cents[service[at]], 0),
        )
        return freight

    def goes(self, order: IntArray, zone: IntArray, deliver_day: IntArray, ship_day: IntArray) -> BoolArray:
        """Return whether there is a zone, a delivery date, and no broken hard promise."""
        late = self.given.hard_promise[order] & self.late_days(order, deliver_day).astype(np.bool_)
        return (zone >= 0) & (deliver_day >= ship_day) & ~late

    def late_days(self, order: IntArray, deliver_day: IntArray) -> IntArray:
        """Return how many days after `deliver_by` each delivery is."""
        due = self.given.deliver_by[order]
        return np.where(due == NO_DAY, 0, np.maximum(0, deliver_day - due))


def _freight(full: IntArray, last: IntArray, rest: IntArray, fuel_bp: IntArray, extra: IntArray) -> IntArray:
    rate = full * last + rest
    return rate + (rate * fuel_bp + 5000) // 10000 + extra
