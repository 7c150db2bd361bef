"""Tests that kernels are compiled before a run's time counts, and only where they were not."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import warm
from engine.live.settle import settle


def test_compiled_kernels_are_seen() -> None:
    """Tests that nothing is cold once kernels have run: the session began by compiling them."""
    assert not warm.is_cold()


def test_an_empty_cache_is_cold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that a cache folder without the kernel of pricing is cold, whatever else lies in it."""

    class Kernel:
        class _cache:
            cache_path = str(tmp_path)

    monkeypatch.setattr(warm, "price_orders", Kernel)
    (tmp_path / "pricing.something_else-1.py311.nbi").touch()
    assert warm.is_cold()
    (tmp_path / "pricing.price_orders-1.py311.nbi").touch()
    assert not warm.is_cold()


def test_warm_kernels_decide_at_once() -> None:
    """Tests that warming leaves nothing to compile: the calls after it take no longer than the work."""
    warm.warm_up_live()
    assert not warm.is_cold_live()
    signatures = len(settle.signatures)  # type: ignore[attr-defined]
    warm.warm_up_live()
    assert len(settle.signatures) == signatures == 1  # type: ignore[attr-defined]
