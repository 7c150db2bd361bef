"""Clients that buy without end, each order until it is acknowledged, and what has to be there afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx

from engine.ledger import open_ledger
from tests.api.service.serving import Server, Shop, order_body

N_CLIENTS = 4
START = 100_000
HOLD_SECONDS = 86_400
"""Longer than a hundred kills take."""


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
        with httpx.Client(headers=self._headers, timeout=20.0) as http:
            while not self.ended.is_set():
                order_id = f"{self.name}-{number}"
                self._send(http, order_id)
                number += 1

    def _send(self, http: httpx.Client, order_id: str) -> None:
        body = _body(order_id)
        while True:
            self.n_tries += 1
            try:
                headers = {"idempotency-key": order_id}
                found = http.post(f"{self.url}/v1/allocations", json=body, headers=headers)
            except httpx.HTTPError:
                if self.ended.is_set():
                    return
                time.sleep(0.05)
                continue
            if found.status_code == 201:
                self.acknowledged[order_id] = found.content
                return
            assert found.status_code in (409, 503), found.text
            if self.ended.is_set():
                return
            time.sleep(0.05)


def _body(order_id: str) -> dict[str, Any]:
    return order_body(order_id, ("mug", 1), hold_seconds=HOLD_SECONDS)


@contextmanager
def buying(server: Server, shop: Shop) -> Iterator[list[Client]]:
    """Clients of a shop with START mugs in the east, until the end."""
    shop.count(("east", "mug", START))
    clients = [Client(f"c{number}", shop.http.headers) for number in range(N_CLIENTS)]
    for client in clients:
        client.url = server.url
        client.start()
    try:
        yield clients
    finally:
        for client in clients:
            client.ended.set()
        for client in clients:
            client.join()


def check_all_there(shop: Shop, server: Server, clients: list[Client]) -> None:
    """Check that everything acknowledged is there, once, and is answered as before; then end the service."""
    _check(shop, server, clients)
    assert server.stop() == 0
    server.process.stdout.close()  # type: ignore[union-attr]
    with closing(open_ledger(server.database)) as ledger:
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
                    json=_body(order_id),
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
