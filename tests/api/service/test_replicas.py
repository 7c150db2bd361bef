"""Tests two replicas on one PostgreSQL: one stock, one capacity, one effect, one queue of operations, outages."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import pytest

from api.examples import NETWORK
from engine.ledger import open_ledger
from tests.api.service.serving import Server, Shop, give_key, order_body, shop_of, start
from tests.engine.ledger.postgres_server import Server as Postgres
from tests.engine.ledger.postgres_server import start_server

Pair = tuple[Server, Server]


@pytest.fixture(scope="module")
def postgres() -> Postgres:
    """A PostgreSQL that may be stopped."""
    return start_server(ours=True)


@pytest.fixture(scope="module")
def pair(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two replicas."""
    database = postgres.new_database()
    give_key(database, "first")
    folder = tmp_path_factory.mktemp("replicas")
    servers = tuple(start(folder / name, database, "--lease", "2") for name in ("a", "b"))
    yield servers  # type: ignore[misc]
    for server in servers:
        server.stop()
        server.process.stdout.close()  # type: ignore[union-attr]
    with closing(open_ledger(database)) as ledger:
        assert ledger.verify().ok


def both(pair: Pair, network: dict[str, Any] | None = None) -> tuple[Shop, Shop]:
    """One tenant, at each of the replicas."""
    first = shop_of(pair[0], network=False)
    first.put_network(network)
    second = Shop(pair[1], first.tenant, pair[1].client(first.http.headers["x-api-key"]))
    return first, second


def closed(*shops: Shop) -> None:
    """Close the clients."""
    for shop in shops:
        shop.http.close()


def test_replicas_share_stock(pair: Pair) -> None:
    """Tests that clients of both replicas sell exactly the units that are there."""
    first, second = both(pair)
    first.count(("east", "mug", 30), ("west", "mug", 30))

    def buy(number: int) -> int:
        shop = (first, second)[number % 2]
        with shop.server.client(shop.http.headers["x-api-key"]) as client:
            sold = 0
            for at in range(20):
                found = client.post("/v1/allocations", json=order_body(f"{number}-{at}", ("mug", 1)))
                assert found.status_code in (201, 409), found.text
                sold += len(found.json().get("allocations", ()))
            return sold

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(buy, range(6))) == 60
    assert first.promised("mug") == second.promised("mug") == {"east": 0, "west": 0}
    closed(first, second)


def test_replicas_share_capacity(pair: Pair) -> None:
    """Tests that a node's daily shipments hold across replicas, single orders and a batch."""
    nodes = [{**node, "shipments_per_day": 5} for node in NETWORK["nodes"]]
    first, second = both(pair, {**NETWORK, "nodes": nodes})
    first.count(("east", "mug", 100), ("west", "mug", 100))
    shipped = 0
    for number in range(6):
        shipped += len((first, second)[number % 2].order(f"s{number}", ("mug", 1))["shipments"])
    orders = [{"order_id": f"b{number}", "lat": 40.0, "lon": -74.0} for number in range(8)]
    lines = [{"order_id": row["order_id"], "line_id": "1", "sku": "mug", "quantity": 1} for row in orders]
    done = second.finished(second.ok("POST", "/v1/allocations:batch", json={"orders": orders, "lines": lines}))
    found = first.ok("GET", done["result"])
    assert shipped == 6 and len(found["shipments"]) == 4
    assert {row["reason"] for row in found["unallocated"]} <= {"outbid", "no_capacity"}
    last = first.order("last", ("mug", 1))
    assert last["shipments"] == [] and last["unallocated"][0]["reason"] == "no_capacity"
    closed(first, second)


def test_a_key_is_known_to_both(pair: Pair) -> None:
    """Tests that the same request at both replicas at once has one effect and one response."""
    first, second = both(pair)
    first.count(("east", "mug", 50))
    second.promised("mug")

    def send(shop: Shop) -> tuple[int, bytes]:
        url, headers = shop.server.url, {**shop.http.headers, "idempotency-key": "k"}
        found = httpx.post(f"{url}/v1/allocations", json=order_body("1", ("mug", 2)), headers=headers, timeout=30)
        return found.status_code, found.content

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(send, [first, second] * 8))
    assert {status for status, _ in found} <= {201, 409}
    assert len({content for status, content in found if status == 201}) == 1
    assert first.promised("mug") == {"east": 48}
    closed(first, second)


def test_a_network_reaches_both(pair: Pair) -> None:
    """Tests that what is put at one replica is decided on at the other within seconds, without a stop."""
    first, second = both(pair)
    first.count(("east", "mug", 50), ("west", "mug", 50))
    assert second.order("1", ("mug", 1))["objective_cents"] == 700
    first.put_network({**NETWORK, "rates": [{**row, "cents": row["cents"] + 11} for row in NETWORK["rates"]]})
    deadline = time.monotonic() + 15
    number = 2
    while second.order(str(number), ("mug", 1))["objective_cents"] != 711:
        number += 1
        assert time.monotonic() < deadline
        time.sleep(0.1)
    closed(first, second)


def test_an_outage_of_the_database(pair: Pair, postgres: Postgres) -> None:
    """Tests that without its database the service says 503 and is not ready but alive, and recovers by itself."""
    first, second = both(pair)
    first.count(("east", "mug", 50))
    first.order("1", ("mug", 1))
    postgres.stop()
    try:
        body, key = order_body("2", ("mug", 1)), {"idempotency-key": "k"}
        found = first.http.post("/v1/allocations", json=body, headers=key)
        assert found.status_code == 503 and found.headers["retry-after"]
        assert first.http.get("/v1/allocations/1").status_code == 503
        assert first.http.get("/readyz").status_code == 503
        assert first.http.get("/livez").status_code == 200
    finally:
        postgres.start()
    deadline = time.monotonic() + 30
    while first.http.get("/readyz").status_code != 200 or second.http.get("/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    again = first.ok("POST", "/v1/allocations", json=body, headers=key)
    assert again["shipments"]
    assert second.promised("mug") == {"east": 48}
    closed(first, second)


def test_another_replica_takes_over(pair: Pair) -> None:
    """Tests that a batch of a replica that is killed is finished by another, each order once."""
    shop = shop_of(pair[0])
    shop.count(("east", "mug", 900), ("west", "mug", 900))
    orders = [{"order_id": f"b{number}", "lat": 40.0, "lon": -74.0 - number % 30} for number in range(800)]
    lines = [{"order_id": row["order_id"], "line_id": "1", "sku": "mug", "quantity": 1} for row in orders]
    begun = shop.ok("POST", "/v1/allocations:batch", json={"orders": orders, "lines": lines})
    time.sleep(0.2)
    pair[0].stop(signal.SIGKILL)
    moved = Shop(pair[1], shop.tenant, pair[1].client(shop.http.headers["x-api-key"]))
    done = moved.finished(begun)
    assert done["state"] == "DONE", done
    assert len(moved.ok("GET", done["result"])["allocations"]) == 800
    assert sum(moved.promised("mug").values()) == 1000
    closed(shop, moved)
