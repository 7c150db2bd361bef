"""Tests that kill -9 in the middle of load loses nothing that was acknowledged and applies nothing twice."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import closing
from pathlib import Path

import httpx

from engine.ledger import open_ledger
from tests.api.service.serving import Server, Shop, give_key, order_body, shop_of, sqlite_in, start

N_KILLS = 100 if os.environ.get("NODEWISE_LONG") == "1" else 1
N_CLIENTS = 4
START = 100_000


class Client(threading.Thread):
    """Sends orders one after another, each until it is acknowledged, with the same key each time."""

    def __init__(self, name: str, headers: httpx.Headers) -> None:
        super().__init__(name=name)
        self._headers = headers
        self.url = ""
        self.ended = threading.Event()
        self.acknowledged: dict[str, bytes] = {}
        self.n_tries = 0

    def run(self) -> None:
        """Send until told to end."""
        number = 0
        while not self.ended.is_set():
            order_id = f"{self.name}-{number}"
            self._send(order_id)
            number += 1

    def _send(self, order_id: str) -> None:
        body = order_body(order_id, ("mug", 1))
        while True:
            self.n_tries += 1
            try:
                headers = {**self._headers, "idempotency-key": order_id}
                found = httpx.post(f"{self.url}/v1/allocations", json=body, headers=headers, timeout=20.0)
            except httpx.HTTPError:
                if self.ended.is_set():
                    return
                time.sleep(0.05)
                continue
            if found.status_code == 201:
                self.acknowledged[order_id] = found.content
                return
            assert found.status_code in (409, 503), found.text
            time.sleep(0.05)


def test_kills_in_the_middle_of_load(tmp_path: Path) -> None:
    """Tests that after each kill everything acknowledged is there, once, and the ledger verifies."""
    database = sqlite_in(tmp_path)
    give_key(database, "first")
    server = start(tmp_path, database, "--no-access-log")
    shop = shop_of(server)
    shop.count(("east", "mug", START))
    clients = [Client(f"c{number}", shop.http.headers) for number in range(N_CLIENTS)]
    for client in clients:
        client.url = server.url
        client.start()
    try:
        for _ in range(N_KILLS):
            time.sleep(0.5)
            server.stop(signal.SIGKILL)
            server.process.stdout.close()  # type: ignore[union-attr]
            with closing(open_ledger(database)) as ledger:
                report = ledger.verify()
                assert report.ok, report.differences
            server = start(tmp_path, database, "--no-access-log")
            for client in clients:
                client.url = server.url
        time.sleep(0.5)
    finally:
        for client in clients:
            client.ended.set()
        for client in clients:
            client.join()
    _check(shop, server, clients)
    assert server.stop() == 0
    server.process.stdout.close()  # type: ignore[union-attr]
    with closing(open_ledger(database)) as ledger:
        assert ledger.verify().ok


def _check(shop: Shop, server: Server, clients: list[Client]) -> None:
    key = shop.http.headers["x-api-key"]
    shop.http.close()
    n_held = 0
    with server.client(key) as http:
        for client in clients:
            assert client.acknowledged
            for order_id, content in client.acknowledged.items():
                found = http.get(f"/v1/allocations/{order_id}").json()
                assert [row["state"] for row in found["reservations"]] == ["HELD"]
                again = http.post(
                    "/v1/allocations",
                    json=order_body(order_id, ("mug", 1)),
                    headers={"idempotency-key": order_id},
                )
                assert again.content == content
                n_held += sum(row["quantity"] for row in found["allocations"])
        level = http.get("/v1/inventory/east/mug").json()
        entries = http.get("/v1/ledger/entries?limit=1").json()
        assert entries["entries"]
    # the last request of each client may have been done without being acknowledged
    assert n_held <= level["held"] <= n_held + N_CLIENTS
    assert level["on_hand"] == START
