"""The ASGI application: finds the call, lets the caller in, checks the parts, answers, counts and logs."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import aclosing
from typing import Any

from api.answers import Answer, Stream
from api.bodies import ClientGone, parse_body, parse_query, read_body
from api.calls import Call, Spec, media_type
from api.openapi import openapi_document
from api.paths import Paths
from api.problems import PROBLEM_TYPE, Problem, problem_answer
from api.routes import ALL_CALLS
from api.security import Principal
from api.service import Service

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logging.getLogger("api.app")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)


class Application:
    """The service as an ASGI application.

    Parameters
    ----------
    service : Service
        What answers; started and stopped with the application.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._paths = Paths(ALL_CALLS)
        self._limits = service.settings.limits
        self._n_waiting = 0
        self._n_large = 0
        self._n_streams = 0
        self._waiting_of: Counter[str] = Counter()
        self._ids = itertools.count()
        self._id_prefix = os.urandom(5).hex()
        service.openapi = openapi_document(ALL_CALLS)
        self._seconds = {spec: service.metrics.seconds.labels(_name(spec)) for spec in ALL_CALLS}
        self._counters: dict[tuple[Spec, int], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or start and stop."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._service.start()
        except Exception as error:
            _log.exception("the service could not start")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._service.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        request_id = self._request_id(headers)
        spec: Spec | None = None
        principal: Principal | None = None
        answer: Answer | Stream
        try:
            if len(headers) < len(scope["headers"]):
                _refuse_repeated(scope["headers"])
            service = self._service
            service.gate.check_origin(headers)
            spec, values = self._paths.find(scope["method"], scope["raw_path"].split(b"?", 1)[0])
            if spec.scope is not None:
                principal = await service.gate.admit(headers)
                principal.require(spec.scope)
            answer = await self._admitted(spec, values, principal, request_id, headers, scope, receive)
        except Problem as problem:
            answer = problem.answer()
        except ClientGone:
            answer = Answer(status=499)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            answer = self._failure(error, request_id, spec)
        status = await self._send(answer, request_id, receive, send)
        seconds = time.perf_counter() - started
        self._tally(spec, scope["method"], status, seconds)
        self._service.access_log.add(
            request_id=request_id,
            method=scope["method"][:20],
            call="-" if spec is None else spec.path,
            status=status,
            seconds=seconds,
            tenant=None if principal is None else principal.tenant,
            caller=None if principal is None else principal.name,
        )

    async def _admitted(
        self,
        spec: Spec,
        values: dict[str, str],
        principal: Principal | None,
        request_id: str,
        headers: dict[bytes, bytes],
        scope: Scope,
        receive: Receive,
    ) -> Answer | Stream:
        """Receive and check the parts of a request that was let in, and answer it."""
        query = parse_query(scope["query_string"], spec.query)
        service = self._service
        if principal is None:
            call = Call(service, _NOBODY, spec, request_id, values, query, None, b"", headers)
            return await spec.answer(call)
        tenant = principal.tenant
        limits, is_large = self._limits, spec.size == "large"
        if (
            self._n_waiting >= limits.waiting
            or self._waiting_of[tenant] >= limits.waiting_per_tenant
            or (is_large and self._n_large >= limits.large)
            or (spec.streams and self._n_streams >= limits.streams)
        ):
            service.metrics.refused_busy.inc()
            after = "5" if is_large or spec.streams else "1"
            raise Problem(429, "too-many-requests", "too many requests wait; try again", (("Retry-After", after),))
        self._n_waiting += 1
        self._n_large += is_large
        self._waiting_of[tenant] += 1
        service.metrics.waiting.set(self._n_waiting)
        try:
            raw, body = b"", None
            if spec.method in ("POST", "PUT"):
                raw, body = await self._body(spec, headers, receive)
            call = Call(service, principal, spec, request_id, values, query, body, raw, headers)
            if is_large:
                return await spec.answer(call)
            try:
                async with asyncio.timeout(limits.call_seconds):
                    return await spec.answer(call)
            except TimeoutError:
                detail = f"no answer within {limits.call_seconds:g} s; send it again with the same Idempotency-Key"
                raise Problem(503, "unavailable", detail, (("Retry-After", "1"),)) from None
        finally:
            self._n_waiting -= 1
            self._n_large -= is_large
            self._waiting_of[tenant] -= 1
            if not self._waiting_of[tenant]:
                del self._waiting_of[tenant]
            service.metrics.waiting.set(self._n_waiting)

    async def _body(self, spec: Spec, headers: dict[bytes, bytes], receive: Receive) -> tuple[bytes, Any]:
        limits = self._limits
        limit = limits.import_bytes if spec.size == "large" else limits.body_bytes
        found = media_type(headers)
        if found not in spec.takes and not (found == "" and not spec.has_body):
            listed = " or ".join(spec.takes)
            detail = f"the body is {found[:80] or 'of no type'}, expected {listed}"
            raise Problem(415, "unsupported-media-type", detail)
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise Problem(415, "unsupported-media-type", "the body is encoded, expected it plain")
        raw = await read_body(receive, headers, limit, limits.body_seconds)
        if spec.body is None:
            if raw and not spec.has_body:
                raise Problem(422, "invalid", "the call takes no body")
            return raw, None
        if spec.size == "large":
            return raw, await asyncio.to_thread(parse_body, raw, spec.body)
        return raw, parse_body(raw, spec.body)

    def _failure(self, error: Exception, request_id: str, spec: Spec | None) -> Answer:
        outage = self._service.as_outage(error)
        if outage is not None:
            return outage.answer()
        _log.error(
            "a call failed",
            exc_info=error,
            extra={"request_id": request_id, "call": None if spec is None else spec.path},
        )
        detail = "this is a bug; the log has it under the request id"
        return problem_answer(500, "internal", detail, members={"request_id": request_id})

    def _request_id(self, headers: dict[bytes, bytes]) -> str:
        given = headers.get(b"x-request-id")
        if given is not None and _REQUEST_ID.fullmatch(given):
            return given.decode()
        return f"{self._id_prefix}-{next(self._ids):x}"

    async def _send(self, answer: Answer | Stream, request_id: str, receive: Receive, send: Send) -> int:
        if isinstance(answer, Stream):
            await self._send_stream(answer, request_id, receive, send)
            return 200
        body = answer.body
        if answer.media_type == PROBLEM_TYPE and b'"request_id"' not in body[-120:]:
            body = body[:-1] + b',"request_id":"' + request_id.encode() + b'"}'
        headers = [*_SAFE, (b"x-request-id", request_id.encode())]
        if answer.status not in (204, 304):
            headers.append((b"content-length", str(len(body)).encode()))
        if body:
            headers.append((b"content-type", answer.media_type.encode()))
        headers.extend((name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        return answer.status

    async def _send_stream(self, answer: Stream, request_id: str, receive: Receive, send: Send) -> None:
        headers = [
            *_SAFE,
            (b"x-request-id", request_id.encode()),
            (b"content-type", answer.media_type.encode()),
            (b"x-accel-buffering", b"no"),
        ]
        headers.extend((name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        self._n_streams += 1
        gone = asyncio.ensure_future(_gone(receive))
        try:
            async with aclosing(answer.chunks) as chunks:  # type: ignore[type-var]
                async for chunk in chunks:
                    if gone.done():
                        return
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            gone.cancel()
            self._n_streams -= 1
        await send({"type": "http.response.body", "body": b""})

    def _tally(self, spec: Spec | None, method: str, status: int, seconds: float) -> None:
        if spec is None:
            self._service.metrics.requests.labels("-", "-", str(status)).inc()
            return
        self._seconds[spec].observe(seconds)
        counter = self._counters.get((spec, status))
        if counter is None:
            counter = self._service.metrics.requests.labels(spec.path, spec.method, str(status))
            self._counters[spec, status] = counter
        counter.inc()


async def _gone(receive: Receive) -> None:
    """Wait until the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


_NOBODY = Principal(tenant="", scopes=frozenset(), name="")
_ONCE = frozenset(
    {b"host", b"authorization", b"x-api-key", b"idempotency-key", b"if-match", b"content-type", b"origin"}
)


def _refuse_repeated(headers: list[tuple[bytes, bytes]]) -> None:
    counts = Counter(name for name, _ in headers)
    for name in _ONCE:
        if counts[name] > 1:
            raise Problem(400, "invalid", f"the header {name.decode()} is given twice")


def _name(spec: Spec) -> str:
    return f"{spec.method} {spec.path}"
