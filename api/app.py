"""The service as a FastAPI application: its routes, its problems, its start and its end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import orjson
from fastapi import Depends, FastAPI, Request, Response
from fastapi.middleware import Middleware
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from api.arrivals import arrival_of
from api.bodies import ClientGone
from api.edge import Edge
from api.endpoints import Endpoint
from api.ledger_answers import bad_input
from api.openapi import DESCRIPTION, TITLE, openapi_document
from api.paths import in_order
from api.places import Places
from api.problems import Problem, not_found
from api.responses import response_of
from api.routes import ALL_CALLS
from api.routes.page import page_routes
from api.service import Service
from engine.errors import InputError
from engine.ledger import LedgerUnavailable


class Application(FastAPI):
    """The service as an ASGI application.

    Parameters
    ----------
    service : Service
        What answers; started and stopped with the application.
    """

    def __init__(self, service: Service) -> None:
        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            await service.start()
            yield
            await service.stop()

        async def bad_document(request: Request, error: InputError) -> Response:
            return _told(request, bad_input(error))

        async def outage(request: Request, error: LedgerUnavailable) -> Response:
            return _told(request, service.unavailable())

        super().__init__(
            title=TITLE,
            description=DESCRIPTION,
            version=version("nodewise"),
            openapi_url=None,  # ours is bytes that are made once
            docs_url=None,  # its pages load scripts from elsewhere
            redoc_url=None,
            redirect_slashes=False,
            lifespan=lifespan,
            middleware=[Middleware(Edge, service=service)],
            exception_handlers={
                Problem: _problem,
                InputError: bad_document,
                LedgerUnavailable: outage,
                ClientGone: _client_gone,
                404: _no_path,
                405: _no_method,
            },
        )
        document = openapi_document(ALL_CALLS)
        self._document: dict[str, Any] = orjson.loads(document)

        async def describe(request: Request) -> Response:
            return Response(document, media_type="application/json")

        self.add_route("/openapi.json", describe, include_in_schema=False)
        places = Places(service.settings.limits, service.metrics)
        for spec in in_order(ALL_CALLS):
            endpoint = Endpoint(spec, service, places)
            dependencies = [Depends(endpoint.enter)]
            if spec.streams:
                dependencies.append(Depends(endpoint.keep_stream))
            self.add_api_route(
                spec.path, endpoint.answer, methods=[spec.method], dependencies=dependencies, response_model=None
            )
        self.router.routes.extend(page_routes())

    def openapi(self) -> dict[str, Any]:
        """Return the document of all calls, which follows from their declarations."""
        return self._document


def _told(request: Request, problem: Problem) -> Response:
    return response_of(problem.answer(), arrival_of(request).request_id)


async def _problem(request: Request, problem: Problem) -> Response:
    return _told(request, problem)


async def _client_gone(request: Request, error: ClientGone) -> Response:
    return Response(status_code=499)


async def _no_path(request: Request, error: HTTPException) -> Response:
    return _told(request, not_found("this path"))


async def _no_method(request: Request, error: HTTPException) -> Response:
    """Say which methods there are: the router names those of one route, and each call is a route of its own."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    nearest = next(route.path for route in routes if route.matches(request.scope)[0] is Match.PARTIAL)
    allowed = ", ".join(sorted({method for route in routes if route.path == nearest for method in route.methods or ()}))
    detail = f"{request.method[:20]} is not one of {allowed}"
    return _told(request, Problem(405, "method-not-allowed", detail, (("Allow", allowed),)))
