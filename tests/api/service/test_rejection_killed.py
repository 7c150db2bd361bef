"""Tests that a rejection is safe to cut in two: a kill after the release loses nothing and doubles nothing."""

from __future__ import annotations

import signal
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from engine.ledger import open_ledger
from tests.api.service.serving import database_of, shop_of, start

KILLED = [sys.executable, "-W", "error", "-m", "tests.api.service.killed_between"]


@pytest.mark.parametrize(("backend", "key"), [("sqlite", {"idempotency-key": "again"}), ("postgres", {})])
def test_killed_between_release_and_decision(tmp_path: Path, backend: str, key: dict[str, str]) -> None:
    """Tests that the order is whole in between, and that the same request again, key or no key, ends the work."""
    database = database_of(backend, tmp_path)
    server = start(tmp_path, database, command=KILLED, keys=("first",))
    shop = shop_of(server)
    shop.count(("east", "mug", 10), ("west", "mug", 10))
    (shipment,) = shop.order("1", ("mug", 2))["shipments"]
    assert shipment["node_id"] == "east"
    body = {"node_id": "east", "line_ids": ["1"], "found": [{"sku": "mug", "on_hand": 1}]}
    headers = {**key, "if-match": '"1"'}
    with pytest.raises(httpx.HTTPError):
        shop.http.post("/v1/allocations/1:reject", json=body, headers=headers)
    assert server.process.wait(timeout=60) == -signal.SIGKILL
    server.process.stdout.close()  # type: ignore[union-attr]
    with closing(open_ledger(database)) as ledger:
        assert ledger.verify().ok
        record = ledger.order(shop.tenant, "1")
        assert record is not None and (record.state, record.version) == ("OPEN", 2)
        assert [found.state for found in record.reservations] == ["RELEASED"]
        with ledger.database.writing() as session:  # type: ignore[attr-defined]
            session.change("UPDATE idempotency SET lease_until_ms = 1 WHERE status IS NULL")  # as if 30 s had gone
    server = start(tmp_path, database)
    shop.http.base_url = httpx.URL(server.url)
    between = shop.ok("GET", "/v1/allocations/1")
    assert (between["shipments"], [row["quantity"] for row in between["unallocated"]]) == ([], [2])
    assert shop.promised("mug") == {"east": 1, "west": 10}
    moved = shop.ok("POST", "/v1/allocations/1:reject", json=body, headers=headers)
    assert [row["node_id"] for row in moved["shipments"]] == ["west"]
    assert moved["unallocated"] == []
    assert shop.promised("mug") == {"east": 1, "west": 8}
    assert shop.ok("GET", "/v1/inventory/east/mug")["on_hand"] == 1
    again = shop.http.post("/v1/allocations/1:reject", json=body, headers=headers)
    if key:
        assert again.headers["idempotency-replayed"] == "true"
    else:
        assert again.status_code == 409  # nothing of the line is open there, and it is served
    shop.http.close()
    assert server.stop() == 0
    server.process.stdout.close()  # type: ignore[union-attr]
    with closing(open_ledger(database)) as ledger:
        assert ledger.verify().ok
