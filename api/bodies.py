"""Bodies: received within limits, parsed strictly, checked against the call's model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError

from api.problems import Problem, invalid

Receive = Callable[[], Awaitable[Any]]
Model = TypeVar("Model", bound=BaseModel)
MAX_DEPTH = 32
MAX_ERRORS = 100
MAX_SHOWN = 80


class ClientGone(Exception):
    """The client went away before its request was whole."""


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], limit: int, seconds: float) -> bytes:
    """Receive a body.

    Parameters
    ----------
    receive : callable
        ASGI's.
    headers : mapping of bytes
        Looked at for the length.
    limit : int
        Bytes; a longer body is refused as soon as that is known.
    seconds : float
        The longest it may take.

    Raises
    ------
    Problem
        413 or 408.
    ClientGone
        When the client left.
    """
    length = headers.get(b"content-length")
    if length is not None and length.isdigit() and int(length[:20]) > limit:
        raise _too_large(limit)
    parts, size = [], 0
    try:
        async with asyncio.timeout(seconds):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > limit:
                    raise _too_large(limit)
                if not message.get("more_body", False):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
    except TimeoutError:
        detail = f"the body did not arrive within {seconds:g} s"
        raise Problem(408, "timeout", detail, (("Connection", "close"),)) from None


def _too_large(limit: int) -> Problem:
    return Problem(413, "too-large", f"the body is larger than {limit} bytes", (("Connection", "close"),))


class _Refused(ValueError):
    """JSON that is well formed for a lenient reader only."""


def _no_constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is not a JSON number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _Refused(f"the name {name[:MAX_SHOWN]!r} is given twice in one object")
            seen.add(name)
    return found


def strict_json(raw: bytes) -> Any:
    """Parse JSON, refusing what readers disagree about: NaN, repeated names, great depth, NUL in text.

    Raises
    ------
    Problem
        400, saying what is wrong.
    """
    try:
        found = json.loads(raw, object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError:
        raise Problem(400, "malformed-json", f"the body is nested deeper than {MAX_DEPTH} levels") from None
    except json.JSONDecodeError as error:
        detail = f"{error.msg} in line {error.lineno}, column {error.colno}"
        raise Problem(400, "malformed-json", detail) from None
    except UnicodeDecodeError as error:
        raise Problem(400, "malformed-json", f"byte {error.start} is not UTF-8") from None
    except ValueError as error:  # ours, or a number with thousands of digits
        raise Problem(400, "malformed-json", str(error)) from None
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _depth(found) > MAX_DEPTH:
        raise Problem(400, "malformed-json", f"the body is nested deeper than {MAX_DEPTH} levels")
    if b"\\u" in raw and (b"\\u0000" in raw or b"\\ud" in raw or b"\\uD" in raw):
        _refuse_text(found)
    return found


def _depth(found: Any) -> int:
    depth, level = 0, [found]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            break
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
    return depth


def _refuse_text(found: Any) -> None:
    """Refuse text that no database stores: NUL, and halves of surrogate pairs."""
    waiting = [found]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str) and ("\0" in value or any("\ud800" <= mark <= "\udfff" for mark in value)):
            raise Problem(400, "malformed-json", "a text holds a NUL or half of a surrogate pair")


def parse_body(raw: bytes, model: type[Model]) -> Model:
    """Parse and check a body.

    Raises
    ------
    Problem
        400 for what is not JSON, 422 for what does not fit the model; lists the first 100 errors.
    """
    strict_json(raw)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise _unfit(error, "the body does not fit the call", "") from None


def parse_query(raw: bytes, model: type[Model] | None) -> Model | None:
    """Parse and check the query of a call; parameters that it does not know are refused.

    Raises
    ------
    Problem
        422.
    """
    if not raw and model is None:
        return None
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=32, errors="strict")
    except ValueError as error:
        raise invalid(f"the query cannot be read: {error}") from None
    given = dict(pairs)
    if len(given) < len(pairs):
        raise invalid("a query parameter is given twice")
    if any("\0" in value for value in given.values()):
        raise invalid("a query parameter holds a NUL")
    if model is None:
        if given:
            name = next(iter(given))
            raise invalid("the call takes no query parameters", (f"?{name[:MAX_SHOWN]}", "is unknown"))
        return None
    try:
        return model.model_validate_strings(given)
    except ValidationError as error:
        raise _unfit(error, "the query does not fit the call", "?") from None


def _unfit(error: ValidationError, detail: str, mark: str) -> Problem:
    listed = [
        {"pointer": mark + _pointer(item["loc"], mark), "detail": item["msg"]}
        for item in error.errors(include_url=False, include_context=False, include_input=False)[:MAX_ERRORS]
    ]
    return Problem(422, "invalid", detail, errors=listed, n_errors=error.error_count())


def _pointer(place: tuple[int | str, ...], mark: str) -> str:
    parts = [str(part)[:MAX_SHOWN].replace("~", "~0").replace("/", "~1") for part in place]
    return ".".join(parts) if mark else "".join(f"/{part}" for part in parts)
