"""Compiling the kernels before the clock of a run starts: once on a machine, then they are cached."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from engine.allocate import AllocateParams, allocate
from engine.generate import GenerateParams, generate
from engine.live import Again, Order, OrderLine, Snapshot, Standing, decide, explain, promise
from engine.live.settle import settle
from engine.pricing import price_orders
from engine.schema import OUTPUT_TABLES

SAMPLE = GenerateParams(load="basket", n_orders=450, n_nodes=30, n_skus=200, seed=0)
"""Enough orders for every phase of the search."""
SAMPLE_SECONDS = 150.0
LIVE_SAMPLE = GenerateParams(load="basket", n_orders=40, n_nodes=20, n_skus=60, seed=0)
"""Orders that are listed, orders that are packed, and some that cannot be served."""
LOADING_SECONDS = 40.0
NO_PRICES = OUTPUT_TABLES["prices"].arrow_schema


def is_cold() -> bool:
    """Whether the kernels were never compiled here."""
    folder: str = price_orders._cache.cache_path  # type: ignore[attr-defined]
    return not any(Path(folder).glob("pricing.price_orders-*.nbi"))


def warm_up() -> None:
    """Allocate a small batch, so that all kernels are compiled and cached; takes over a minute where they are not."""
    allocate(generate(SAMPLE), AllocateParams(gap=0.0, time_limit_seconds=SAMPLE_SECONDS), clock=_Readings())


def load_kernels() -> None:
    """Allocate a very small batch: a process that does so first loads, or compiles, what the next one needs.

    Takes a second or two where all is compiled; kernels that only a hard batch needs are loaded when one comes.
    """
    if is_cold():
        warm_up()
    allocate(generate(LIVE_SAMPLE), AllocateParams(gap=0.0, time_limit_seconds=LOADING_SECONDS), clock=_Readings())


def is_cold_live() -> bool:
    """Whether the kernels of real-time decisions were never compiled here; those of the batch are theirs too."""
    folder: str = settle._cache.cache_path  # type: ignore[attr-defined]
    return is_cold() or not any(Path(folder).glob("settle.settle-*.nbi"))


def warm_up_live() -> None:
    """Decide, promise and explain a few orders, so that their kernels are compiled and cached, or loaded.

    Takes about 20 seconds where only those of the batch are compiled, and 2 where all are: loading them from the cache
    takes time too, so a process that decides calls this before its first request.
    """
    if is_cold():
        warm_up()
    batch = generate(LIVE_SAMPLE)
    snapshot = Snapshot(batch)
    orders = [
        Order(
            order_id=row["order_id"],
            lat=row["lat"],
            lon=row["lon"],
            lines=tuple(
                OrderLine(line_id=line["line_id"], sku=line["sku"], quantity=line["quantity"])
                for line in batch["lines"].to_pylist()
                if line["order_id"] == row["order_id"]
            ),
        )
        for row in batch["orders"].to_pylist()
    ]
    prices = snapshot.prices(pa.Table.from_pylist([], NO_PRICES))
    decisions = decide(snapshot, orders, prices=prices, take=True)
    served = next(one for one in decisions if one.shipments)
    order = next(one for one in orders if one.order_id == served.order_id)
    explain(snapshot, order, served, prices=prices)
    snapshot.give_back(served)
    again = Again(standing=tuple(Standing(shipment=row, allocations=()) for row in served.shipments[:1]))
    decide(snapshot, [order], again={order.order_id: again})
    promise(snapshot, orders, prices=prices)
    snapshot.rebuild()


class _Readings:
    """A clock that counts its readings: the search ends after the same work, however long compiling takes."""

    def __init__(self) -> None:
        self._n = 0.0

    def __call__(self) -> float:
        self._n += 1.0
        return self._n
