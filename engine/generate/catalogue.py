"""The items: weights, volumes, values, and how popular each is.

Weights are log-normal around the load's median; volume follows from a log-normal density, so that a third
of general merchandise is bulky enough for dimensional weight (5,000 cm3 a kilogram) to decide its price.
Value grows with weight, but slower. Demand is Zipf with an offset, weight ``1 / (rank + q)``: the plain law
would give a tenth of all sales to one sku, which general retailers do not see. A popular sku is no heavier
or dearer than others, and its number says nothing about its rank.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from engine.generate.loads import Load
from engine.generate.streams import stream


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The assortment.

    Attributes
    ----------
    sku : pyarrow.Array
        Names.
    share : array of float
        Share of all demanded units that is this sku's; sums to 1.
    rank : array of int
        0 for the most popular.
    weight_g, volume_cm3, value_cents : array of int
    cold, hazmat : array of bool
    """

    sku: pa.Array
    share: npt.NDArray[np.float64]
    rank: npt.NDArray[np.int64]
    weight_g: npt.NDArray[np.int64]
    volume_cm3: npt.NDArray[np.int64]
    value_cents: npt.NDArray[np.int64]
    cold: npt.NDArray[np.bool_]
    hazmat: npt.NDArray[np.bool_]


def numbered(prefix: str, n: int) -> pa.Array:
    """Names such as ``o00001`` to ``o10000``: the prefix and a number of fixed width, from 1."""
    digits = pc.utf8_lpad(pc.cast(pa.array(np.arange(1, n + 1)), pa.string()), len(str(n)), "0")
    return pc.binary_join_element_wise(pa.scalar(prefix), digits, "")


def draw_catalogue(load: Load, n_skus: int, seed: int) -> Catalogue:
    """Draw the items of a load."""
    rng = stream(seed, "catalogue")
    rank = rng.permutation(n_skus)
    popularity = 1.0 / (rank + 1.0 + min(4.0, 0.1 * n_skus) + 0.002 * n_skus)
    weight = load.weight_g * np.exp(rng.standard_normal(n_skus))
    weight = np.clip(np.round(weight), 20, 31_000)
    density = load.density_g_per_cm3 * np.exp(0.55 * rng.standard_normal(n_skus))
    value = load.value_cents * (weight / load.weight_g) ** 0.45 * np.exp(0.6 * rng.standard_normal(n_skus))
    handling = rng.random(n_skus)
    return Catalogue(
        sku=numbered("sku", n_skus),
        share=popularity / popularity.sum(),
        rank=rank,
        weight_g=weight.astype(np.int64),
        volume_cm3=np.ceil(weight / density).astype(np.int64),
        value_cents=(value // 100).astype(np.int64) * 100 + 99,
        cold=handling < load.cold_share,
        hazmat=handling >= 1.0 - load.hazmat_share,
    )


def items_table(catalogue: Catalogue) -> pa.Table:
    """The table."""
    words = pa.array(["", "cold", "hazmat"], pa.string())
    requires = words.take(pa.array(np.where(catalogue.hazmat, 2, catalogue.cold.astype(np.int64))))
    return pa.table(
        {
            "sku": catalogue.sku,
            "weight_g": pa.array(catalogue.weight_g, pa.int64()),
            "volume_cm3": pa.array(catalogue.volume_cm3, pa.int64()),
            "value_cents": pa.array(catalogue.value_cents, pa.int64()),
            "requires": requires,
        }
    )
