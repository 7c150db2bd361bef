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


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_killed_between_release_and_decision(tmp_path: Path, backend: str) -> None:
    """Tests that the order is whole in between, and that the same request again, key or no key, ends the work."""
    database = database_of(backend, tmp_path)
    server = start(tmp_path, database, command=KILLED, keys=("first",))
    shop = shop_of(server)
    shop.count(("east", "mug", 10), ("west", "mug", 10))
    bodies = {}
    for name, headers in (("1", {"idempotency-key": "again"}), ("2", {})):
        (shipment,) = shop.order(name, ("mug", 2))["shipments"]
        assert shipment["node_id"] == "east"
        bodies[name] = (
            {"node_id": "east", "line_ids": ["1"], "found": [{"sku": "mug", "on_hand": 3 if name == "1" else 1}]},
            headers,
        )
    for name, (body, headers) in bodies.items():
        with pytest.raises(httpx.HTTPError):
            shop.http.post(f"/v1/allocations/{name}:reject", json=body, headers={**headers, "if-match": '"1"'})
        assert server.process.wait(timeout=30) == -signal.SIGKILL
        server.process.stdout.close()  # type: ignore[union-attr]
        with closing(open_ledger(database)) as ledger:
            assert ledger.verify().ok
            record = ledger.order(shop.tenant, name)
            assert record is not None and record.state == "OPEN" and record.version == 2
            assert [found.state for found in record.reservations] == ["RELEASED"]
        server = start(tmp_path, database, command=KILLED)
        shop.http.base_url = httpx.URL(server.url)
        between = shop.ok("GET", f"/v1/allocations/{name}")
        assert (between["shipments"], [row["quantity"] for row in between["unallocated"]]) == ([], [2])
    server.stop(signal.SIGKILL)
    server.process.stdout.close()  # type: ignore[union-attr]
    server = start(tmp_path, database)
    shop.http.base_url = httpx.URL(server.url)
    assert shop.promised("mug") == {"east": 1, "west": 10}
    with closing(open_ledger(database)) as ledger, ledger.database.writing() as session:  # type: ignore[attr-defined]
        session.change("UPDATE idempotency SET lease_until_ms = 1 WHERE status IS NULL")  # as if 30 seconds had gone
    for name, (body, headers) in bodies.items():
        moved = shop.ok("POST", f"/v1/allocations/{name}:reject", json=body, headers={**headers, "if-match": '"1"'})
        assert [row["node_id"] for row in moved["shipments"]] == ["west"]
        assert moved["unallocated"] == []
    assert shop.promised("mug") == {"east": 1, "west": 6}
    assert shop.ok("GET", "/v1/inventory/east/mug")["on_hand"] == 1
    again = shop.http.post(
        "/v1/allocations/1:reject", json=bodies["1"][0], headers={"idempotency-key": "again", "if-match": '"1"'}
    )
    assert again.headers["idempotency-replayed"] == "true"
    shop.http.close()
    assert server.stop() == 0
    server.process.stdout.close()  # type: ignore[union-attr]
    with closing(open_ledger(database)) as ledger:
        assert ledger.verify().ok
