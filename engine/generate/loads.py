"""The four loads: what kind of day the batch is taken from.

`calm` is a Tuesday in May: forecasts were right, shelves hold weeks of supply but for the few skus that
wait for a delivery, docks have room; only a few rows run out. `peak` is Cyber Monday: half of the
assortment was ordered too thinly, forecasts missed locally, and capacity was planned for a smaller day.
`flash` is a drop of a few wanted products the day before a holiday weekend: everyone buys one thing and
there is not enough. `basket` is a grocer after a run on the shops: several cheap items an order, warehouses
with half of the assortment, stores with a tenth, nearly empty shelves (a fifth of the units wanted can be
had), and up to three shipments an order.

Every number here is a statement about such a day, not about a solver. Stock follows a *forecast* of demand
(see `supply`), never the orders that were then drawn; so shortages fall where forecast and luck differ, as
they do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

LoadName = Literal["calm", "peak", "flash", "basket"]


@dataclass(frozen=True, kw_only=True)
class Load:
    """The figures of one load.

    Parameters
    ----------
    as_of : str
        The instant of the batch, ISO 8601 with offset.
    holidays : tuple of str
        Dates on which no carrier delivers.
    n_orders, n_nodes, n_skus : int
        Sizes when none are asked for.
    max_shipments, split_cents, unallocated_cents, unallocated_value_bp : int
        The policy of the day. A unit left out costs the lost margin (a share of its value) and what the
        disappointed customer does next (the fixed part).
    single_line_share : float
        Share of orders with one line.
    basket_power, basket_decay : float
        Sizes k from 2 to 20 have weight ``k ** -basket_power * exp(-basket_decay * k)``.
    weight_g, density_g_per_cm3, value_cents : float
        Medians of the catalogue.
    cold_share, hazmat_share : float
        Share of items that need such handling.
    cold_stores : float
        Share of stores that can pack cold goods.
    dc_assortment, store_assortment : float or None
        Share of the assortment that a node of this kind carries; None: by popularity (see `supply`).
    walk_in_share : float
        Share of stock (and staff) outside warehouses that is there for people who walk in, by size of
        the node, wherever online demand may be.
    short_share, short_coverage, ample_coverage : float
        Share of skus bought too thinly; supply as a multiple of forecast demand for those, and for
        the others.
    position_sigma : float
        Log-normal error of the forecast of each (node, sku).
    buffer : float
        Safety factor on the square root of forecast demand.
    shelf_share : float
        Probability that a row whose plan came out as nothing still has a piece on the shelf.
    shipments_per_order : float
        What the planner of capacity expects.
    capacity_headroom, capacity_sigma : float
        Median and log-normal spread of a node's capacity, as a multiple of its forecast load.
    deliver_by_share : float
        Share of orders with a promised date.
    """

    as_of: str
    holidays: tuple[str, ...]
    n_orders: int
    n_nodes: int = 300
    n_skus: int
    max_shipments: int = 2
    split_cents: int = 100
    unallocated_cents: int
    unallocated_value_bp: int
    single_line_share: float
    basket_power: float = 2.5
    basket_decay: float = 0.0
    weight_g: float = 600.0
    density_g_per_cm3: float = 0.25
    value_cents: float = 2800.0
    cold_share: float = 0.008
    hazmat_share: float = 0.015
    cold_stores: float = 0.3
    dc_assortment: float | None = None
    store_assortment: float | None = None
    walk_in_share: float
    short_share: float
    short_coverage: float
    ample_coverage: float
    position_sigma: float
    buffer: float = 0.0
    shelf_share: float
    shipments_per_order: float = 1.15
    capacity_headroom: float
    capacity_sigma: float
    deliver_by_share: float


LOADS: Mapping[str, Load] = MappingProxyType(
    {
        "calm": Load(
            as_of="2026-05-19T13:00:00-04:00",
            holidays=("2026-05-25",),
            n_orders=100_000,
            n_skus=20_000,
            unallocated_cents=1500,
            unallocated_value_bp=5000,
            single_line_share=0.75,
            walk_in_share=0.25,
            short_share=0.05,
            short_coverage=1.2,
            ample_coverage=8.0,
            position_sigma=0.2,
            buffer=2.0,
            shelf_share=0.97,
            capacity_headroom=2.5,
            capacity_sigma=0.3,
            deliver_by_share=0.2,
        ),
        "peak": Load(
            as_of="2026-11-30T14:30:00-05:00",
            holidays=("2026-12-25",),
            n_orders=10_000,
            n_skus=2_000,
            unallocated_cents=1500,
            unallocated_value_bp=5000,
            single_line_share=0.70,
            walk_in_share=0.25,
            short_share=0.5,
            short_coverage=1.1,
            ample_coverage=1.6,
            position_sigma=0.5,
            shelf_share=0.6,
            capacity_headroom=1.05,
            capacity_sigma=0.35,
            deliver_by_share=0.35,
        ),
        "flash": Load(
            as_of="2026-07-02T14:30:00-04:00",
            holidays=("2026-07-03", "2026-07-04"),
            n_orders=50_000,
            n_skus=20,
            unallocated_cents=1500,
            unallocated_value_bp=3000,
            single_line_share=1.0,
            weight_g=900.0,
            value_cents=9000.0,
            cold_share=0.0,
            hazmat_share=0.0,
            dc_assortment=0.7,
            store_assortment=0.08,
            walk_in_share=0.2,
            short_share=0.6,
            short_coverage=0.75,
            ample_coverage=1.15,
            position_sigma=0.5,
            shelf_share=0.5,
            capacity_headroom=1.3,
            capacity_sigma=0.35,
            deliver_by_share=0.15,
        ),
        "basket": Load(
            as_of="2026-01-15T11:00:00-05:00",
            holidays=("2026-01-19",),
            n_orders=10_000,
            n_skus=2_000,
            max_shipments=3,
            split_cents=50,
            unallocated_cents=2000,
            unallocated_value_bp=5000,
            single_line_share=0.25,
            basket_power=0.0,
            basket_decay=0.24,
            weight_g=450.0,
            density_g_per_cm3=0.4,
            value_cents=450.0,
            cold_share=0.03,
            hazmat_share=0.01,
            cold_stores=0.8,
            dc_assortment=0.5,
            store_assortment=0.1,
            walk_in_share=0.1,
            short_share=0.6,
            short_coverage=0.15,
            ample_coverage=0.25,
            position_sigma=0.5,
            shelf_share=0.02,
            shipments_per_order=1.8,
            capacity_headroom=1.3,
            capacity_sigma=0.35,
            deliver_by_share=0.15,
        ),
    }
)
