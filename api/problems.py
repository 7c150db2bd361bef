"""What goes wrong, as problem documents (RFC 9457): one exception, one shape, whoever notices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from api.answers import Answer

PROBLEM_TYPE = "application/problem+json"
TITLES = {
    "malformed-json": "The body is not JSON",
    "invalid": "The request does not fit the call",
    "unauthenticated": "No valid credential",
    "forbidden": "The credential does not allow this",
    "not-found": "There is no such thing",
    "method-not-allowed": "The path has no such method",
    "not-acceptable": "There is no such form",
    "timeout": "The request took too long",
    "conflict": "The state does not allow this",
    "insufficient-stock": "There is not enough to reserve",
    "in-flight": "The same request is being answered",
    "stale": "The version is not the current one",
    "precondition-required": "The call needs If-Match",
    "too-large": "The request is too large",
    "unsupported-media-type": "The body has a type that the call does not take",
    "key-reused": "The idempotency key was used for another request",
    "too-many-requests": "Too many requests",
    "misdirected": "The service does not answer to this host",
    "internal": "The service failed",
    "unavailable": "The service cannot answer now",
}


class Problem(Exception):
    """A request that is not answered as asked.

    Parameters
    ----------
    status : int
        HTTP status.
    kind : str
        One of `TITLES`: the last part of the problem's type.
    detail : str
        What happened, for people.
    headers : sequence of pairs, optional
        Besides the usual ones: ``Retry-After``, ``Allow``.
    members : object
        Further members of the document, such as ``errors`` or ``shortages``.
    """

    def __init__(
        self, status: int, kind: str, detail: str, headers: Iterable[tuple[str, str]] = (), **members: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = tuple(headers)
        self.members = members

    def answer(self) -> Answer:
        """Return the document, ready to send."""
        return problem_answer(self.status, self.kind, self.detail, self.headers, self.members)


def problem_answer(
    status: int,
    kind: str,
    detail: str,
    headers: Iterable[tuple[str, str]] = (),
    members: Mapping[str, Any] | None = None,
) -> Answer:
    """Return a problem document."""
    document = {
        "type": f"urn:nodewise:problem:{kind}",
        "title": TITLES[kind],
        "status": status,
        "detail": detail,
        **(members or {}),
    }
    return Answer(status=status, body=orjson.dumps(document), headers=tuple(headers), media_type=PROBLEM_TYPE)


def invalid(detail: str, *errors: tuple[str, str]) -> Problem:
    """Return the problem of a body or parameter that breaks a rule which its schema cannot say.

    Parameters
    ----------
    detail : str
        What is wrong.
    *errors : pairs of str
        A JSON pointer and what is wrong there.
    """
    listed = [{"pointer": pointer, "detail": text} for pointer, text in errors]
    return Problem(422, "invalid", detail, errors=listed)


def not_found(what: str) -> Problem:
    """Return the problem of something that does not exist, or not for this tenant."""
    return Problem(404, "not-found", f"{what} does not exist")
