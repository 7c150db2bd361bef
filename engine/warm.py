"""Compiling the kernels before the clock of a run starts: once on a machine, then they are cached."""

from __future__ import annotations

from pathlib import Path

from engine.allocate import AllocateParams, allocate
from engine.generate import GenerateParams, generate
from engine.pricing import price_orders

SAMPLE = GenerateParams(load="basket", n_orders=450, n_nodes=30, n_skus=200, seed=0)
"""Enough orders for every phase of the search."""
SAMPLE_SECONDS = 150.0


def is_cold() -> bool:
    """Whether the kernels were never compiled here."""
    folder: str = price_orders._cache.cache_path  # type: ignore[attr-defined]
    return not any(Path(folder).glob("pricing.price_orders-*.nbi"))


def warm_up() -> None:
    """Allocate a small batch, so that all kernels are compiled and cached; takes over a minute where they are not."""
    allocate(generate(SAMPLE), AllocateParams(gap=0.0, time_limit_seconds=SAMPLE_SECONDS), clock=_Readings())


class _Readings:
    """A clock that counts its readings: the search ends after the same work, however long compiling takes."""

    def __init__(self) -> None:
        self._n = 0.0

    def __call__(self) -> float:
        self._n += 1.0
        return self._n
