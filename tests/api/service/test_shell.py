"""Tests what stands between FastAPI and the calls: order of routes, problems that nobody raised, places for streams."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from api.app import Application
from api.openapi import openapi_document
from api.paths import in_order
from api.routes import ALL_CALLS
from api.security import Gate
from api.service import Service
from api.settings import Limits, Settings
from engine.ledger import Request, open_ledger
from engine.ledger.commands import CreateOperation

Doing = Callable[[Service, httpx.AsyncClient], Awaitable[Any]]


def inside(doing: Doing, limits: Limits | None = None) -> None:
    """Do something with a service in this process."""
    settings = Settings(database="sqlite://", access_log=False, limits=limits or Limits())
    service = Service(settings, open_ledger("sqlite://"))
    app = Application(service)

    async def run() -> None:
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1") as http,
        ):
            await doing(service, http)

    asyncio.run(run())


def test_the_document_is_ours_and_there_are_no_pages() -> None:
    """Tests that /openapi.json is the document of the declarations, and that no page loads anything from elsewhere."""

    async def doing(service: Service, http: httpx.AsyncClient) -> None:
        found = await http.get("/openapi.json")
        assert found.json() == json.loads(openapi_document(ALL_CALLS))
        assert found.headers["x-content-type-options"] == "nosniff" and found.headers["x-request-id"]
        for path in ("/docs", "/redoc", "/docs/oauth2-redirect", "/openapi.json/"):
            assert (await http.get(path)).status_code == 404
        assert (await http.get("/openapi.json", headers={"host": "elsewhere.example"})).status_code == 421

    inside(doing)


def test_what_nobody_expected_is_a_problem_once_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Tests that a bug is told with the request's id, logged once and counted, and that the service goes on."""

    def broken() -> bytes:
        raise ZeroDivisionError

    async def doing(service: Service, http: httpx.AsyncClient) -> None:
        text = service.metrics.text
        service.metrics.text = broken  # type: ignore[method-assign]
        found = await http.get("/metrics", headers={"x-request-id": "mine"})
        service.metrics.text = text  # type: ignore[method-assign]
        assert found.status_code == 500 and found.headers["content-type"] == "application/problem+json"
        assert found.json()["request_id"] == found.headers["x-request-id"] == "mine"
        assert found.headers["cache-control"] == "no-store"
        counted = 'nodewise_requests_total{call="/metrics",method="GET",status="500"} 1.0'
        assert counted in (await http.get("/metrics")).text

    with caplog.at_level(logging.ERROR):
        inside(doing)
    assert [record.message for record in caplog.records] == ["a call failed"]


def test_streams_have_places_and_give_them_back() -> None:
    """Tests that one stream too many is told to come back, and that a stream that was refused keeps no place."""

    async def refused(service: Service, http: httpx.AsyncClient) -> None:
        found = await http.get("/v1/operations/x/events")
        assert found.status_code == 429 and found.headers["retry-after"] == "5"

    async def given_back(service: Service, http: httpx.AsyncClient) -> None:
        for _ in range(3):
            assert (await http.get("/v1/operations/x/events")).status_code == 404

    inside(refused, Limits(streams=0))
    inside(given_back, Limits(streams=1))


def test_a_stream_ends_when_its_client_leaves() -> None:
    """Tests that the stream of an operation that does not end stops when its client leaves, and frees its place."""
    ledger = open_ledger("sqlite://")
    ledger.write([Request(tenant="default", command=CreateOperation(operation_id="x", kind="knit", request=b"{}"))])
    service = Service(Settings(database="sqlite://", access_log=False, limits=Limits(streams=1)), ledger)
    service.gate = Gate(service.settings, is_open=True, find_key=nobody, check_token=None)
    app = Application(service)
    headers = [(b"host", b"127.0.0.1")]
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "query_string": b"", "headers": headers}
    path = "/v1/operations/x/events"

    async def run() -> None:
        for _ in range(2):
            sent: list[Any] = []

            async def receive(sent: list[Any] = sent) -> Any:
                await asyncio.sleep(0.1)
                return {"type": "http.disconnect"} if len(sent) > 1 else {"type": "http.request", "body": b""}

            async def send(message: Any, sent: list[Any] = sent) -> None:
                sent.append(message)

            async with asyncio.timeout(5):
                await app({**scope, "path": path, "raw_path": path.encode()}, receive, send)
            assert sent[0]["status"] == 200 and (b"content-type", b"text/event-stream") in sent[0]["headers"]
            assert sent[1]["body"].startswith(b"event: progress") and sent[-1]["more_body"]

    asyncio.run(run())
    ledger.close()


async def nobody(key_hash: str) -> None:
    """Find the principal of no key."""


def test_ids_may_hold_what_paths_are_made_of() -> None:
    """Tests that an id with a slash, a colon, a percent sign or a verb in it is found as itself."""

    async def doing(service: Service, http: httpx.AsyncClient) -> None:
        for order_id in ("a/b", "a:b", "a:cancel", "50%", "%2F", "a b", "é", "..a"):
            found = await http.get(f"/v1/allocations/{quote(order_id, safe='')}")
            assert found.status_code == 404 and repr(order_id) in found.json()["detail"], found.text
            found = await http.delete(f"/v1/allocations/{quote(order_id, safe='')}")
            assert found.status_code == 405 and found.headers["allow"] == "GET"
        found = await http.get("/v1/allocations/a:cancel")
        assert found.status_code == 404 and repr("a:cancel") in found.json()["detail"]
        found = await http.delete("/v1/allocations/a:cancel")
        assert found.status_code == 405 and found.headers["allow"] == "POST"

    inside(doing)


def test_no_call_is_declared_twice() -> None:
    """Tests that a second declaration of a call is an error, rather than never found."""
    with pytest.raises(ValueError, match="declared twice"):
        in_order([*ALL_CALLS, replace(ALL_CALLS[0])])
