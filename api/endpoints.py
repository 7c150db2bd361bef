"""Between the router and the calls: lets a request in, checks its parts, has it answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fastapi import Request, Response

from api.answers import Answer, Stream
from api.arrivals import Arrival, arrival_of
from api.bodies import parse_body, parse_query, read_body
from api.calls import Call, Spec, media_type
from api.paths import decoded
from api.places import Places
from api.problems import Problem
from api.responses import response_of
from api.security import Principal
from api.service import Service


class Endpoint:
    """What the router asks for one call: `enter` and `keep_stream` are dependencies, `answer` is the endpoint.

    Parameters
    ----------
    spec : Spec
        The declaration of the call.
    service : Service
        The parts that answer.
    places : Places
        Where requests wait, of all calls.
    """

    def __init__(self, spec: Spec, service: Service, places: Places) -> None:
        self._spec = spec
        self._service = service
        self._places = places
        self._limits = service.settings.limits

    async def enter(self, request: Request) -> None:
        """Let the caller in.

        Raises
        ------
        Problem
            401 or 403; 422 for a path with an id that is none.
        """
        arrival = arrival_of(request)
        arrival.path = decoded(request.path_params)
        arrival.spec = self._spec
        if self._spec.scope is not None:
            principal = arrival.principal = await self._service.gate.admit(arrival.headers)
            principal.require(self._spec.scope, self._spec.or_scope)

    async def keep_stream(self) -> AsyncIterator[None]:
        """Hold a place among streams until the last byte is sent."""
        with self._places.stream():
            yield

    async def answer(self, request: Request) -> Response:
        """Receive and check the parts of a request that was let in, and answer it."""
        arrival = arrival_of(request)
        query = parse_query(request.scope["query_string"], self._spec.query)
        if arrival.principal is None:
            return response_of(await self._spec.answer(self._call(arrival, _NOBODY, query)), arrival.request_id)
        with self._places.one(self._spec, arrival.principal.tenant):
            raw, body = b"", None
            if self._spec.method in ("POST", "PUT"):
                raw, body = await self._body(request, arrival.headers)
            answer = await self._within_time(self._call(arrival, arrival.principal, query, body, raw))
        return response_of(answer, arrival.request_id)

    def _call(self, arrival: Arrival, principal: Principal, query: Any, body: Any = None, raw: bytes = b"") -> Call:
        return Call(
            self._service,
            principal,
            self._spec,
            arrival.request_id,
            arrival.path,
            query,
            body,
            raw,
            arrival.headers,
        )

    async def _within_time(self, call: Call) -> Answer | Stream:
        if self._spec.size == "large":
            return await self._spec.answer(call)
        seconds = self._limits.call_seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._spec.answer(call)
        except TimeoutError:
            detail = f"no answer within {seconds:g} s; send it again with the same Idempotency-Key"
            raise Problem(503, "unavailable", detail, (("Retry-After", "1"),)) from None

    async def _body(self, request: Request, headers: dict[bytes, bytes]) -> tuple[bytes, Any]:
        spec, limits = self._spec, self._limits
        limit = limits.import_bytes if spec.size == "large" else limits.body_bytes
        found = media_type(headers)
        if found not in spec.takes and not (found == "" and not spec.has_body):
            listed = " or ".join(spec.takes)
            detail = f"the body is {found[:80] or 'of no type'}, expected {listed}"
            raise Problem(415, "unsupported-media-type", detail)
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise Problem(415, "unsupported-media-type", "the body is encoded, expected it plain")
        raw = await read_body(request.receive, headers, limit, limits.body_seconds)
        if spec.body is None:
            if raw and not spec.has_body:
                raise Problem(422, "invalid", "the call takes no body")
            return raw, None
        if spec.size == "large":
            return raw, await asyncio.to_thread(parse_body, raw, spec.body)
        return raw, parse_body(raw, spec.body)


_NOBODY = Principal(tenant="", scopes=frozenset(), name="")
