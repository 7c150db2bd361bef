"""Paths: in which order routes are tried, and the values in a path. The router sees paths before they are decoded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import unquote_to_bytes

from api.calls import Spec
from api.problems import invalid

MAX_SEGMENT = 128  # characters of an id


def in_order(specs: Iterable[Spec]) -> list[Spec]:
    """Return calls so that the first whose path fits is meant: a word or a verb before an open segment."""
    listed = sorted(specs, key=lambda spec: [_rank(segment) for segment in spec.path.split("/")])
    seen: set[tuple[str, str]] = set()
    for spec in listed:
        if (spec.method, spec.path) in seen:
            raise ValueError(f"{spec.method} {spec.path} is declared twice")
        seen.add((spec.method, spec.path))
    return listed


def _rank(segment: str) -> int:
    return 0 if not segment.startswith("{") else 2 if segment.endswith("}") else 1


def decoded(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values in a path, decoded.

    Raises
    ------
    Problem
        422 for what is no id.
    """
    found = {}
    for name, part in values.items():
        try:
            value = unquote_to_bytes(part.encode("latin-1")).decode("utf-8")
        except UnicodeDecodeError:
            raise invalid(f"{name} in the path is not UTF-8") from None
        if len(value) > MAX_SEGMENT or "\0" in value:
            raise invalid(f"{name} in the path is not a text of 1 to {MAX_SEGMENT} characters")
        found[name] = value
    return found
