"""What a call answers: bytes with a status, or a stream of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson

JSON = "application/json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A whole response.

    Parameters
    ----------
    status : int
        HTTP status.
    body : bytes
        The body.
    headers : tuple of pairs
        Besides type, length and request id.
    media_type : str
        What the body is.
    """

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str = JSON


@dataclass(frozen=True, kw_only=True, slots=True)
class Stream:
    """A response of which the end is not known when it begins.

    Parameters
    ----------
    chunks : async iterator of bytes
        The body.
    media_type : str
        What it is.
    headers : tuple of pairs
        Besides type and request id.
    """

    chunks: AsyncIterator[bytes]
    media_type: str
    headers: tuple[tuple[str, str], ...] = ()


def json_answer(document: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Return a document as an answer."""
    return Answer(status=status, body=orjson.dumps(document), headers=headers)


def etag(version: int) -> tuple[str, str]:
    """Return the header that names a version."""
    return ("ETag", f'"{version}"')
