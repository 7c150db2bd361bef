"""Tests batches as operations: progress, results, cancelling, races with single orders, restarts."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from api.networks import TABLES
from api.service import Service
from api.settings import Settings
from engine.documents import batch_to_document
from engine.generate import GenerateParams, generate
from engine.ledger import Request, open_ledger
from engine.ledger.commands import CreateOperation
from engine.ledger.records import Operation
from tests.api.service.serving import Server, Shop, give_key, order_body, shop_of, sqlite_in, start


def batch(n_orders: int, *, sku: str = "mug", quantity: int = 1, first: int = 0, **named: Any) -> dict[str, Any]:
    """The body of a batch of orders of one line."""
    names = [f"b{number}" for number in range(first, first + n_orders)]
    return {
        "orders": [{"order_id": name, "lat": 40.0 + at % 7, "lon": -74.0 - at % 40} for at, name in enumerate(names)],
        "lines": [{"order_id": name, "line_id": "1", "sku": sku, "quantity": quantity} for name in names],
        **named,
    }


def test_a_batch_from_call_to_result(shop: Shop) -> None:
    """Tests 202 with a place, progress as events, results as JSON and Parquet, and the reservations that it made."""
    shop.count(("east", "mug", 20), ("west", "mug", 20))
    begun = shop.http.post("/v1/allocations:batch", json=batch(50))
    assert begun.status_code == 202 and begun.json()["state"] in ("QUEUED", "RUNNING")
    place = begun.headers["location"]
    told: list[dict[str, Any]] = []
    with shop.http.stream("GET", f"{place}/events") as stream:
        assert stream.headers["content-type"] == "text/event-stream"
        names = []
        for line in stream.iter_lines():
            if line.startswith("event: "):
                names.append(line.removeprefix("event: "))
            if line.startswith("data: "):
                told.append(json.loads(line.removeprefix("data: ")))
    assert names[-1] == "end" and set(names[:-1]) <= {"progress"}
    assert [one["version"] for one in told] == sorted({one["version"] for one in told})
    assert told[-1] == shop.ok("GET", place) and told[-1]["state"] == "DONE"
    assert told[-1]["progress"]["processed"] == 50 and told[-1]["progress"]["gap"] is not None
    found = shop.ok("GET", told[-1]["result"])
    assert found["summary"]["termination"] == "optimal"
    assert found["summary"]["committed"] == {"orders": 50, "decided_again": 0, "refused": 0}
    assert sum(row["quantity"] for row in found["allocations"]) == 40
    assert sum(row["quantity"] for row in found["unallocated"]) == 10
    raw = shop.http.get(f"{place}/result", params={"table": "allocations", "format": "parquet"})
    assert pq.read_table(io.BytesIO(raw.content)).to_pylist() == found["allocations"]
    assert shop.promised("mug") == {"east": 0, "west": 0}
    for row in found["allocations"][:5]:
        kept = shop.ok("GET", f"/v1/allocations/{row['order_id']}")
        assert kept["allocations"] == [row] and kept["reservations"][0]["state"] == "HELD"
    shop.refused(406, "GET", f"{place}/result?format=parquet")
    assert shop.ok("GET", "/v1/operations")["operations"][0]["operation_id"] == told[-1]["operation_id"]


def test_a_batch_that_only_looks(shop: Shop) -> None:
    """Tests that with `commit: false` the plan is there and nothing is reserved."""
    shop.count(("east", "mug", 20))
    operation = shop.finished(shop.ok("POST", "/v1/allocations:batch", json=batch(5, commit=False)))
    assert shop.ok("GET", operation["result"])["summary"]["committed"]["orders"] == 0
    assert shop.promised("mug") == {"east": 20}
    shop.refused(404, "GET", "/v1/allocations/b0")


def test_a_wrong_batch_begins_nothing(shop: Shop) -> None:
    """Tests that what only the whole batch can tell is told at once."""
    good = batch(2)
    for wrong, pointer in (
        ({**good, "orders": [good["orders"][0]] * 2}, "/orders/1/order_id"),
        ({**good, "lines": [{**good["lines"][0], "sku": "cup"}]}, "/lines/0/sku"),
        ({**good, "lines": [{**good["lines"][0], "order_id": "b9"}]}, "/lines/0/order_id"),
        ({**good, "lines": [good["lines"][0]] * 2}, "/lines/1/line_id"),
        ({**good, "orders": [{**good["orders"][0], "only_nodes": "north"}, good["orders"][1]]}, "/orders/0/only_nodes"),
        ({**good, "gap": -1}, "/gap"),
    ):
        found = shop.refused(422, "POST", "/v1/allocations:batch", json=wrong)
        assert pointer in {error["pointer"] for error in found["errors"]}
    assert shop.ok("GET", "/v1/operations")["operations"] == []


def test_orders_that_are_there_are_refused_one_by_one(shop: Shop) -> None:
    """Tests that a batch reserves its other orders, and says which it did not."""
    shop.count(("east", "mug", 20))
    shop.order("b1", ("mug", 1))
    operation = shop.finished(shop.ok("POST", "/v1/allocations:batch", json=batch(3)))
    found = shop.ok("GET", operation["result"])
    assert [(row["order_id"], row["reason"]) for row in found["refused"]] == [("b1", "order_exists")]
    assert {row["order_id"] for row in found["allocations"]} == {"b0", "b2"}
    assert shop.promised("mug") == {"east": 17}


def test_an_order_whose_stock_went_meanwhile_is_decided_again(shop: Shop) -> None:
    """Tests that single orders and a batch that want the same units share them: all sold, none twice."""
    shop.count(("east", "mug", 300), ("west", "mug", 300))
    begun = shop.ok("POST", "/v1/allocations:batch", json=batch(500))
    sold = 0
    for number in range(250):
        sold += len(shop.order(f"s{number}", ("mug", 1))["allocations"])
    operation = shop.finished(begun)
    assert operation["state"] == "DONE", operation
    found = shop.ok("GET", operation["result"])
    assert found["refused"] == []
    in_batch = sum(row["quantity"] for row in found["allocations"])
    left = shop.promised("mug")
    assert in_batch + sold + sum(left.values()) == 600
    assert len({row["order_id"] for row in (*found["allocations"], *found["unallocated"])}) == 500


def test_a_batch_is_cancelled(shop: Shop) -> None:
    """Tests that a cancelled operation ends as such, holding nothing that it does not tell."""
    shop.count(("east", "mug", 5))
    first = shop.ok("POST", "/v1/allocations:batch", json=batch(2000, gap=0.0))
    second = shop.ok("POST", "/v1/allocations:batch", json=batch(10, first=5000))
    waits = shop.ok("POST", f"/v1/operations/{second['operation_id']}:cancel", json={})
    assert waits["state"] in ("CANCELLED", "RUNNING", "DONE")
    place, key = f"/v1/operations/{first['operation_id']}:cancel", {"idempotency-key": "stop"}
    asked = shop.http.post(place, json={}, headers=key)
    again = shop.http.post(place, json={}, headers=key)
    assert (again.content, again.headers["idempotency-replayed"]) == (asked.content, "true")
    shop.refused(404, "POST", "/v1/operations/op-0:cancel", json={}, headers={"idempotency-key": "other"})
    ended = shop.finished(first)
    assert ended["state"] in ("CANCELLED", "DONE") and ended["cancel_asked"]
    shop.finished(second)
    held = sum(n for n in shop.promised("mug").values())
    orders = [f"b{number}" for number in range(2000)]
    taken = sum(shop.http.get(f"/v1/allocations/{name}").status_code == 200 for name in orders[:20])
    assert held == 5 or taken


def test_operations_survive_a_restart(tmp_path: Path) -> None:
    """Tests that results are kept, and that an operation that kill -9 interrupted is done by the next process."""
    database = sqlite_in(tmp_path)
    give_key(database, "first")
    server = start(tmp_path, database, "--lease", "1")
    shop = shop_of(server)
    shop.count(("east", "mug", 1000), ("west", "mug", 1000))
    done = shop.finished(shop.ok("POST", "/v1/allocations:batch", json=batch(5)))
    begun = shop.ok("POST", "/v1/allocations:batch", json=batch(1500, first=100), headers={"idempotency-key": "k"})
    time.sleep(0.4)
    server.stop(signal.SIGKILL)
    server.process.stdout.close()  # type: ignore[union-attr]
    again = start(tmp_path, database, "--lease", "1")
    try:
        shop = _moved(shop, again)
        assert shop.ok("GET", f"/v1/operations/{done['operation_id']}")["state"] == "DONE"
        assert len(shop.ok("GET", done["result"])["allocations"]) == 5
        same = shop.ok("POST", "/v1/allocations:batch", json=batch(1500, first=100), headers={"idempotency-key": "k"})
        assert same["operation_id"] == begun["operation_id"]
        operation = shop.finished(begun)
        assert operation["state"] == "DONE", operation
        found = shop.ok("GET", operation["result"])
        assert sum(row["quantity"] for row in found["allocations"]) == 1500 and found["refused"] == []
        assert sum(shop.promised("mug").values()) == 2000 - 1505
    finally:
        shop.http.close()
        assert again.stop() == 0
        again.process.stdout.close()  # type: ignore[union-attr]


def _moved(shop: Shop, server: Server) -> Shop:
    """The same tenant at another process."""
    key = shop.http.headers["x-api-key"]
    shop.http.close()
    return Shop(server, shop.tenant, server.client(key))


def test_prices_of_a_batch_count_for_single_orders(shop: Shop) -> None:
    """Tests that a batch's resource prices are what single orders are decided at from then on."""
    document = batch_to_document(generate(GenerateParams(load="flash", n_orders=600, n_nodes=20, n_skus=10, seed=1)))
    network = {name: document[name] for name in TABLES}
    shop.put_network({"policy": {"split_cents": 100}, **network})
    units = ((row["node_id"], row["sku"], row["on_hand"]) for row in document["stock"] if not row["available_on"])
    shop.count(*units)
    orders = [{name: row[name] for name in ("order_id", "lat", "lon")} for row in document["orders"]]
    lines = [{name: row[name] for name in ("order_id", "line_id", "sku", "quantity")} for row in document["lines"]]
    body = {"orders": orders, "lines": lines, "commit": False, "gap": 0.001}
    operation = shop.finished(shop.ok("POST", "/v1/allocations:batch", json=body))
    prices = shop.ok("GET", operation["result"])["prices"]
    dear = {row["sku"] for row in prices if row["kind"] == "stock"}
    assert dear
    deadline = time.monotonic() + 20
    while True:
        looked = order_body("p", (min(dear), 1), commit=False)
        if shop.ok("POST", "/v1/allocations", json=looked)["price_cents"] > 0:
            break
        assert time.monotonic() < deadline
        time.sleep(0.25)


def test_what_cannot_end_is_reported_failed() -> None:
    """Tests that an operation that was interrupted three times, and one of an unknown kind, end as FAILED."""
    ledger = open_ledger("sqlite://")
    for name, kind in (("often", "allocate"), ("odd", "knit")):
        command = CreateOperation(operation_id=name, kind=kind, request=b"{}")
        ledger.write([Request(tenant="default", command=command)])
    for _ in range(3):
        assert ledger.claim_operation("gone", lease_ms=1, tenant="default", operation_id="often") is not None
        time.sleep(0.01)
    service = Service(Settings(database="sqlite://", access_log=False), ledger)

    async def run() -> dict[str, Operation]:
        await service.start()
        found: dict[str, Operation] = {}
        deadline = time.monotonic() + 60
        while len(found) < 2 and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
            listed = await service.read(ledger.operations, "default")
            found = {one.operation_id: one for one in listed if one.state == "FAILED"}
        await service.stop()
        return found

    found = asyncio.run(run())
    assert "given up" in json.loads(found["often"].problem or b"")["detail"]
    assert "knit" in json.loads(found["odd"].problem or b"")["detail"]
