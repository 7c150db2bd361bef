"""The planner's page: static files that anybody may read; what they show is asked for with a credential."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from api.page_files import PageFile, page_files


def page_routes() -> list[BaseRoute]:
    """Return a route for each file of the page; they are no calls, and not in the OpenAPI document."""
    return [Route(path, _serving(file), methods=["GET"]) for path, file in page_files().items()]


def _serving(file: PageFile) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        headers = dict(file.headers)
        known = request.headers.get("if-none-match", "")
        if headers["etag"] in (tag.strip() for tag in known.split(",")):
            return Response(status_code=304, headers=headers)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return Response(file.content, headers=headers)
        return Response(file.compressed, headers={**headers, "content-encoding": "gzip"})

    return serve
