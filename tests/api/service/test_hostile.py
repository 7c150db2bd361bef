"""Tests that whatever is wrong with a request is told as a clear 4xx, and that nothing is written then."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.app import Application
from api.bodies import ClientGone, read_body
from api.problems import Problem
from api.service import Service
from api.settings import Limits, Settings
from engine.ledger import open_ledger
from tests.api.service.serving import Server, Shop, order_body, shop_of

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def watched(server: Server) -> Iterator[Shop]:
    """A tenant whose journal must not grow."""
    found = shop_of(server)
    found.count(("east", "mug", 50))
    yield found
    found.http.close()


@pytest.fixture(autouse=True)
def nothing_is_written(watched: Shop) -> Iterator[None]:
    """Compare the journal and the events before and after."""
    before = watched.ok("GET", "/v1/ledger/entries"), watched.ok("GET", "/v1/events")
    yield
    assert (watched.ok("GET", "/v1/ledger/entries"), watched.ok("GET", "/v1/events")) == before
    assert watched.promised("mug") == {"east": 50}


GOOD = json.dumps(order_body("1", ("mug", 1)))
NOT_JSON = {
    "empty": "",
    "cut": GOOD[:-1],
    "text after": GOOD + "x",
    "NaN": GOOD.replace("42.36", "NaN"),
    "Infinity": GOOD.replace("42.36", "-Infinity"),
    "a name twice": GOOD.replace('"commit"', '"commit"').replace('"lat"', '"lat": 1.0, "lat"', 1),
    "deep": "[" * 100 + "]" * 100,
    "very deep": "[" * 200_000 + "]" * 200_000,
    "deep objects": '{"a":' * 100 + "1" + "}" * 100,
    "a NUL": GOOD.replace('"mug"', '"m\\u0000g"'),
    "half a surrogate": GOOD.replace('"mug"', '"m\\ud800"'),
    "a huge integer": GOOD.replace('"quantity": 1', '"quantity": ' + "9" * 5000),
    "a control character": GOOD.replace('"mug"', '"m\tg"'),
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_not_strict_json(watched: Shop, name: str) -> None:
    """Tests that JSON about which readers disagree is refused as such."""
    found = watched.refused(400, "POST", "/v1/allocations", content=NOT_JSON[name], headers=JSON)
    assert found["type"].endswith("malformed-json")


def test_what_is_not_utf8(watched: Shop) -> None:
    """Tests that bytes that are no UTF-8 are refused, and UTF-16 as well."""
    for raw in (GOOD.encode().replace(b"mug", b"m\xffg"), GOOD.encode("utf-16"), b"\xef\xbb\xbf" + GOOD.encode()):
        found = watched.http.post("/v1/allocations", content=raw, headers=JSON)
        assert found.status_code in (400, 422), found.text


def without(field: str) -> Any:
    """The body of a good order without one of its fields."""
    body = json.loads(GOOD)
    del body["order"][field]
    return body


def with_order(**fields: Any) -> Any:
    """The body of a good order with other fields."""
    body = json.loads(GOOD)
    body["order"].update(fields)
    return body


def with_line(**fields: Any) -> Any:
    """The body of a good order whose line has other fields."""
    body = json.loads(GOOD)
    body["order"]["lines"][0].update(fields)
    return body


LINE = {"line_id": "1", "sku": "mug", "quantity": 1}
UNFIT: dict[str, tuple[Any, str]] = {
    "a list": ([], ""),
    "unknown": ({**json.loads(GOOD), "dry_run": True}, "/dry_run"),
    "unknown in the order": (with_order(latitude=1.0), "/order/latitude"),
    "unknown in a line": (with_line(qty=1), "/order/lines/0/qty"),
    "no latitude": (without("lat"), "/order/lat"),
    "latitude": (with_order(lat=90.1), "/order/lat"),
    "latitude as text": (with_order(lat="42"), "/order/lat"),
    "quantity 0": (with_line(quantity=0), "/order/lines/0/quantity"),
    "quantity below 0": (with_line(quantity=-1), "/order/lines/0/quantity"),
    "quantity as text": (with_line(quantity="1"), "/order/lines/0/quantity"),
    "quantity 1.0": (with_line(quantity=1.0), "/order/lines/0/quantity"),
    "quantity true": (with_line(quantity=True), "/order/lines/0/quantity"),
    "quantity over": (with_line(quantity=2**31), "/order/lines/0/quantity"),
    "a date that is none": (with_order(deliver_by="2026-02-30"), "/order/deliver_by"),
    "a date as a number": (with_order(deliver_by="1771891200"), "/order/deliver_by"),
    "no lines": (with_order(lines=[]), "/order/lines"),
    "10,000 lines": (with_order(lines=[{**LINE, "line_id": str(at)} for at in range(10_000)]), "/order/lines"),
    "a line twice": (with_order(lines=[LINE, LINE]), "/order"),
    "an empty id": (with_order(order_id=""), "/order/order_id"),
    "a long id": (with_order(order_id="x" * 129), "/order/order_id"),
    "null": (with_order(residential=None), "/order/residential"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_what_does_not_fit(watched: Shop, name: str) -> None:
    """Tests that an error names the place in the body."""
    body, pointer = UNFIT[name]
    found = watched.refused(422, "POST", "/v1/allocations", json=body)
    assert pointer in {error["pointer"] for error in found["errors"]}


@pytest.mark.parametrize("fields", [{"only_nodes": "north"}, {"not_nodes": "east north"}])
def test_unknown_nodes_and_skus(watched: Shop, fields: dict[str, str]) -> None:
    """Tests that what the network does not have is told, also when other orders arrive at the same time."""
    watched.refused(422, "POST", "/v1/allocations", json=with_order(**fields))
    watched.refused(422, "POST", "/v1/allocations", json=with_line(sku="cup"))
    watched.refused(
        422, "POST", "/v1/promises", json={"cart": {"lat": 1.0, "lon": 1.0, "lines": [{**LINE, "sku": "cup"}]}}
    )


def test_bodies_that_are_too_large(watched: Shop) -> None:
    """Tests that a body over the limit is refused, whether or not it says its length."""
    big = GOOD + " " * (1 << 20)
    watched.refused(413, "POST", "/v1/allocations", content=big, headers=JSON)

    def parts() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * (1 << 16)

    watched.refused(413, "POST", "/v1/allocations", content=parts(), headers=JSON)


def test_types_of_bodies(watched: Shop) -> None:
    """Tests that only JSON is taken where JSON is expected, and nothing compressed."""
    for kind in ("text/plain", "application/xml", "application/octet-stream", "application/x-python-pickle"):
        watched.refused(415, "POST", "/v1/allocations", content=GOOD, headers={"content-type": kind})
        watched.refused(415, "POST", "/v1/inventory:import", content=GOOD, headers={"content-type": kind})
    watched.refused(415, "POST", "/v1/allocations", content=GOOD, headers={**JSON, "content-encoding": "gzip"})


def test_hostile_paths(watched: Shop) -> None:
    """Tests that odd ids are simply not found, and odd methods and paths are told so."""
    for order_id in ("%00", "x" * 129, "%ff"):
        watched.refused(422, "GET", f"/v1/allocations/{order_id}")
    for order_id in ("..%2f..%2fetc%2fpasswd", "'%20OR%201=1--", "a%3Acancel", "%F0%9F%8D%84", "a:cancel"):
        watched.refused(404, "GET", f"/v1/allocations/{order_id}")
    for path in ("/v1", "/v1/", "//v1/network", "/v1/network/", "/V1/network", "/v1/allocations/a/b/c"):
        watched.refused(404, "GET", path)
    found = watched.refused(405, "DELETE", "/v1/network")
    assert found["detail"]
    assert watched.http.delete("/v1/network").headers["allow"] == "GET, PUT"
    watched.refused(405, "TRACE", "/v1/network")


def test_queries(watched: Shop) -> None:
    """Tests that unknown, repeated and wrong parameters are refused."""
    for query in ("limit=0", "limit=1001", "limit=x", "after=-1", "limit=1&limit=2", "page=1", "after=%00"):
        watched.refused(422, "GET", f"/v1/events?{query}")
    watched.refused(422, "GET", "/v1/network?version=1")


def test_headers(watched: Shop) -> None:
    """Tests that headers that matter come once and make sense."""
    for key in ("", "x" * 129, "two words"):
        headers = {"idempotency-key": key}
        watched.refused(422, "POST", "/v1/allocations", content=GOOD, headers={**JSON, **headers})
    twice = [("idempotency-key", "a"), ("idempotency-key", "b"), ("content-type", "application/json")]
    watched.refused(400, "POST", "/v1/allocations", content=GOOD, headers=twice)
    for version in ("1", 'W/"1"', '"x"', '"1", "2"'):
        headers = {"if-match": version}
        watched.refused(422, "PUT", "/v1/inventory/east/mug", json={"on_hand": 1}, headers=headers)


def test_a_network_that_is_wrong(watched: Shop) -> None:
    """Tests that a network is checked whole, and that what belongs elsewhere is refused in it."""
    network = watched.ok("GET", "/v1/network")
    for wrong in (
        {**network, "stock": []},
        {**network, "policy": {**network["policy"], "as_of": "2026-01-01T00:00:00Z"}},
        {**network, "nodes": [*network["nodes"], network["nodes"][0]]},
        {**network, "rates": [{**network["rates"][0], "service_id": "air"}]},
        {**network, "nodes": [{**network["nodes"][0], "lat": "NaN"}]},
        {"policy": {}},
    ):
        found = watched.refused(422, "PUT", "/v1/network", json=wrong)
        assert found["faults"]
    watched.refused(400, "PUT", "/v1/network", content=b'{"policy": {"a": "\\u0000"}}', headers=JSON)
    watched.refused(412, "PUT", "/v1/network", json=network, headers={"if-match": '"7"'})


def test_requests_that_are_no_http(server: Server) -> None:
    """Tests that noise, endless headers and half a request do not end the service."""
    host, port = server.url.removeprefix("http://").split(":")
    for noise in (b"\x00" * 100, b"GET / HTTP/9.9\r\n\r\n", b"GET /livez HTTP/1.1\r\n" + b"a: b\r\n" * 50 + b"x"):
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(noise)
    with server.client() as client:
        assert client.get("/livez").status_code == 200


def test_bodies_that_never_end() -> None:
    """Tests that a body that does not arrive in time is given up, and a client that leaves is let go."""

    async def silent() -> Any:
        await asyncio.sleep(10)

    async def gone() -> Any:
        return {"type": "http.disconnect"}

    with pytest.raises(Problem) as found:
        asyncio.run(read_body(silent, {}, 100, 0.02))
    assert found.value.status == 408
    with pytest.raises(ClientGone):
        asyncio.run(read_body(gone, {}, 100, 1.0))


def test_too_many_at_once() -> None:
    """Tests that over a limit of calls under way the next is told to come back later, and is answered then."""
    ledger = open_ledger("sqlite://")
    limits = Limits(waiting=2, waiting_per_tenant=2, large=0)
    service = Service(Settings(database="sqlite://", access_log=False, limits=limits), ledger)
    app = Application(service)

    async def run() -> list[int]:
        await service.start()
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            calls = [http.post("/v1/availability:query", json={"skus": ["mug"]}) for _ in range(10)]
            found = [answer.status_code for answer in await asyncio.gather(*calls)]
            last = await http.post("/v1/availability:query", json={"skus": ["mug"]})
            large = await http.put("/v1/network", json={})
            assert large.status_code == 429 and large.headers["retry-after"] == "5"
        await service.stop()
        return [last.status_code, *found]

    statuses = asyncio.run(run())
    assert statuses[0] == 200 and set(statuses[1:]) == {200, 429} and statuses.count(429) == 8
