"""Tests which snapshots leave memory, on a real ledger, and that what comes back is what was there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import orjson
import pyarrow as pa
import pytest

from api.desks import Desks, utc_now
from api.examples import NETWORK
from api.networks import parse_network
from engine.ledger import Ledger, Request, open_ledger
from engine.ledger.commands import ImportStock, PutNetwork

TENANTS = ("a", "b", "c", "d")


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    """A ledger of some tenants with the example network and mugs."""
    found = open_ledger("sqlite://")
    network = parse_network(orjson.dumps(NETWORK), utc_now())
    rows = pa.table({"node_id": ["east"], "sku": ["mug"], "on_hand": [10]})
    for tenant in TENANTS:
        found.write([Request(tenant=tenant, command=PutNetwork(document=network.document(), limits=network.limits()))])
        found.import_stock(Request(tenant=tenant, command=ImportStock(rows=rows)))
    return found


async def opened(ledger: Ledger, idle: dict[str, float]) -> Desks:
    """Desks of some tenants, which nobody asked for since so many seconds."""

    async def aside(run: Callable[[], Any]) -> Any:
        return run()

    desks = Desks(ledger, aside, lambda: None)
    for tenant, seconds in idle.items():
        desk = await desks.open(tenant)
        assert desk is not None
        desk.used_at = time.monotonic() - seconds
    return desks


def left(desks: Desks) -> list[str]:
    """Whose are open."""
    return sorted(desk.tenant for desk in desks.all())


def test_idle_ones_go(ledger: Ledger) -> None:
    """Tests that those go that were idle for too long, but for the one that was used last."""

    async def run() -> None:
        desks = await opened(ledger, {"a": 500, "b": 300, "c": 900})
        assert desks.get("b") is not None  # asking for it counts
        assert await desks.evict(400, 10) == ["c", "a"]
        assert left(desks) == ["b"]
        desks.all()[0].used_at -= 10_000
        assert await desks.evict(400, 10) == []
        again = await desks.open("a")
        assert again is not None
        assert [units for _, units in again.snapshot.sellable("east", "mug")] == [10]

    asyncio.run(run())


def test_beyond_a_number_the_longest_idle_go(ledger: Ledger) -> None:
    """Tests that the number is kept by letting the longest idle go, and that one in use never does."""

    async def run() -> None:
        desks = await opened(ledger, {"a": 200, "b": 150, "c": 30, "d": 10})
        assert await desks.evict(3600, 3) == ["a"]
        assert await desks.evict(3600, 1) == ["b"]
        assert left(desks) == ["c", "d"]

    asyncio.run(run())
