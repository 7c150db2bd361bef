"""The outermost layer: every request gets an id and is counted and logged, whatever comes of it."""

from __future__ import annotations

import itertools
import logging
import os
import re
import time
from collections import Counter
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.answers import Answer
from api.arrivals import Arrival
from api.calls import Spec
from api.problems import Problem, problem_answer
from api.responses import response_of
from api.routes import ALL_CALLS
from api.service import Service

_log = logging.getLogger("api.app")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
)
_ONCE = frozenset(
    {b"host", b"authorization", b"x-api-key", b"idempotency-key", b"if-match", b"content-type", b"origin"}
)


class Edge:
    """Middleware around routing.

    Parameters
    ----------
    app : ASGIApp
        What is inside.
    service : Service
        Knows whom to turn away; counts and logs.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service
        self._ids = itertools.count()
        self._id_prefix = os.urandom(5).hex()
        self._seconds = {spec: service.metrics.seconds.labels(f"{spec.method} {spec.path}") for spec in ALL_CALLS}
        self._counters: dict[tuple[Spec, int], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and tell what came of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        arrival = Arrival(self._request_id(headers), headers)
        scope.setdefault("state", {})["arrival"] = arrival
        # routes are looked for in the path as it came: a slash in an id stays %2F until the segments are known
        scope["path"] = scope["raw_path"].split(b"?", 1)[0].decode("latin-1")
        ours = (*_SAFE, (b"x-request-id", arrival.request_id.encode()))
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = {name for name, _ in message["headers"]}
                message["headers"] = [*(pair for pair in ours if pair[0] not in given), *message["headers"]]
            await send(message)

        try:
            if len(headers) < len(scope["headers"]):
                _refuse_repeated(scope["headers"])
            self._service.gate.check_origin(headers)
            await self._app(scope, receive, sending)
        except Exception as error:
            if status:
                raise
            answer = error.answer() if isinstance(error, Problem) else self._failure(error, arrival)
            await response_of(answer, arrival.request_id)(scope, receive, sending)
        self._tell(scope, arrival, status, time.perf_counter() - started)

    def _request_id(self, headers: dict[bytes, bytes]) -> str:
        given = headers.get(b"x-request-id")
        if given is not None and _REQUEST_ID.fullmatch(given):
            return given.decode()
        return f"{self._id_prefix}-{next(self._ids):x}"

    def _failure(self, error: Exception, arrival: Arrival) -> Answer:
        """Log what nobody expected, here rather than by a handler of FastAPI: that would have it logged twice."""
        call = None if arrival.spec is None else arrival.spec.path
        _log.error("a call failed", exc_info=error, extra={"request_id": arrival.request_id, "call": call})
        detail = "this is a bug; the log has it under the request id"
        return problem_answer(500, "internal", detail, members={"request_id": arrival.request_id})

    def _tell(self, scope: Scope, arrival: Arrival, status: int, seconds: float) -> None:
        spec, principal, metrics = arrival.spec, arrival.principal, self._service.metrics
        if spec is None:
            metrics.requests.labels("-", "-", str(status)).inc()
        else:
            self._seconds[spec].observe(seconds)
            counter = self._counters.get((spec, status))
            if counter is None:
                counter = metrics.requests.labels(spec.path, spec.method, str(status))
                self._counters[spec, status] = counter
            counter.inc()
        self._service.access_log.add(
            request_id=arrival.request_id,
            method=scope["method"][:20],
            call="-" if spec is None else spec.path,
            status=status,
            seconds=seconds,
            tenant=None if principal is None else principal.tenant,
            caller=None if principal is None else principal.name,
        )


def _refuse_repeated(headers: list[tuple[bytes, bytes]]) -> None:
    counts = Counter(name for name, _ in headers)
    for name in _ONCE:
        if counts[name] > 1:
            raise Problem(400, "invalid", f"the header {name.decode()} is given twice")
