"""Three parcel services whose prices have the level and the shape of published US tariffs.

A published ground tariff is, to a few percent between 1 and 20 lb, a fixed price that rises slowly with
distance plus a price per pound that rises with distance; below a pound it falls quickly. The formula here
is that, in three constants each way, at a commercial discount. Two-day costs 1.5 to 2.6 times ground and
overnight 3.8 to 5.4 times, more for longer distances (ground grows slowly with distance because it rides on
trucks; air does not). Beyond 3,000 miles (Alaska and Hawaii from the east) lies zone 9, where overnight
does not go.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

KM_PER_MILE = 1.609344
GRAMS_PER_LB = 453.59237

ZONE_MILES = np.array([50, 150, 300, 600, 1000, 1400, 1800, 3000, 5200], dtype=np.float64)
"""Upper end of zones 1 to 9, in miles."""

_TYPICAL_MILES = np.array([25, 100, 225, 450, 800, 1200, 1600, 2100, 3800], dtype=np.float64)
_WEIGHTS_LB = np.concatenate([[0.25, 0.5, 0.75], np.arange(1, 71)])
_DISCOUNT = 0.85

SERVICE_IDS = ("ground", "two_day", "overnight")
_N_ZONES = (9, 9, 8)
_TRANSIT_DAYS = ((1, 2, 2, 3, 3, 4, 4, 5, 8), (1, 1, 2, 2, 2, 2, 2, 2, 3), (1, 1, 1, 1, 1, 1, 1, 1))

Floats = npt.NDArray[np.float64]


def ground_cents(miles: Floats, weight_lb: Floats) -> Floats:
    """Price of a ground parcel before fuel, in cents (not rounded).

    Parameters
    ----------
    miles, weight_lb : array
        Distance that is typical of the zone, and weight; broadcast together.
    """
    one_pound = 700.0 + 0.16 * miles
    per_pound = 45.0 + 0.04 * miles
    light = one_pound * (1.0 - 0.56 * (1.0 - np.minimum(weight_lb, 1.0)))
    return _DISCOUNT * (light + per_pound * np.maximum(weight_lb - 1.0, 0.0))


def service_cents(service: int, miles: Floats, weight_lb: Floats) -> npt.NDArray[np.int64]:
    """Table price of a service (index into `SERVICE_IDS`), in cents, rounded to 5 cents."""
    reach = miles / 2100.0
    multiple = (np.ones_like(reach), 1.5 + 0.9 * np.minimum(reach, 1.2), 3.8 + 1.6 * np.sqrt(reach))[service]
    price = ground_cents(miles, weight_lb) * multiple
    return (np.round(price / 5.0) * 5.0).astype(np.int64)


def zone_of_km(distance_km: Floats) -> npt.NDArray[np.int64]:
    """Zone, from 0 for zone "1", of a distance; the last zone for anything beyond."""
    zones = np.searchsorted(ZONE_MILES * KM_PER_MILE, distance_km, side="left")
    return np.minimum(zones, len(ZONE_MILES) - 1).astype(np.int64)


def typical_ground_cents(distance_km: Floats, weight_lb: float = 2.0) -> Floats:
    """Price of a ground parcel of a usual weight over a distance, by its zone, in cents."""
    return ground_cents(_TYPICAL_MILES[zone_of_km(distance_km)], np.float64(weight_lb) * np.ones(()))


def services_table() -> pa.Table:
    """The services: fuel, residential surcharge, delivery days, what they may carry, and their carbon."""
    return pa.table(
        {
            "service_id": pa.array(SERVICE_IDS, pa.string()),
            "carrier": pa.array(["overland", "overland", "airborne"], pa.string()),
            "fuel_bp": pa.array([1000, 1250, 1250], pa.int64()),
            "residential_cents": pa.array([60, 95, 150], pa.int64()),
            "delivery_days": pa.array(["1111110", "1111110", "1111111"], pa.string()),
            "capabilities": pa.array(["hazmat", "cold", "cold"], pa.string()),
            "carbon_g_per_tonne_km": pa.array([90, 350, 800], pa.int64()),
        }
    )


def bands_table() -> pa.Table:
    """Zone and transit days of each service by distance."""
    counts = np.array(_N_ZONES)
    zone = np.concatenate([np.arange(count) for count in counts])
    miles = ZONE_MILES[zone]
    return pa.table(
        {
            "service_id": pa.array(np.repeat(np.array(SERVICE_IDS), counts).tolist(), pa.string()),
            "max_km": pa.array(np.round(miles * KM_PER_MILE, 3), pa.float64()),
            "zone": pa.array((zone + 1).astype(str).tolist(), pa.string()),
            "transit_days": pa.array(np.concatenate([np.array(days) for days in _TRANSIT_DAYS]), pa.int64()),
        }
    )


def rates_table() -> pa.Table:
    """Prices by service, zone and weight: 4, 8 and 12 ounces, then every pound up to 70."""
    max_weight_g = np.round(_WEIGHTS_LB * GRAMS_PER_LB).astype(np.int64)
    service_id: list[str] = []
    zone: list[str] = []
    cents: list[npt.NDArray[np.int64]] = []
    for service, (name, n_zones) in enumerate(zip(SERVICE_IDS, _N_ZONES)):
        for z in range(n_zones):
            service_id += [name] * len(_WEIGHTS_LB)
            zone += [str(z + 1)] * len(_WEIGHTS_LB)
            cents.append(service_cents(service, np.array(_TYPICAL_MILES[z]), _WEIGHTS_LB))
    return pa.table(
        {
            "service_id": pa.array(service_id, pa.string()),
            "zone": pa.array(zone, pa.string()),
            "max_weight_g": pa.array(np.tile(max_weight_g, len(cents)), pa.int64()),
            "cents": pa.array(np.concatenate(cents), pa.int64()),
        }
    )


def days_of(dates: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """ISO dates as days since 1970-01-01."""
    epoch = date(1970, 1, 1).toordinal()
    return np.array([date.fromisoformat(day).toordinal() - epoch for day in dates], dtype=np.int64)
