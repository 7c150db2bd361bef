"""Rows as plain data for documents, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import date
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

Row = TypeVar("Row")


class _Columns(NamedTuple):
    """The fields of a kind of row, what reads them all, and which are dates."""

    names: tuple[str, ...]
    values_of: Callable[[Any], tuple[Any, ...]]
    dates: tuple[str, ...]


_known: dict[type[Any], _Columns] = {}


def _columns(kind: type[Any]) -> _Columns:
    found = _known.get(kind)
    if found is None:
        names = tuple(item.name for item in fields(kind))
        dates = tuple(name for name in names if name == "date" or name.endswith("_date"))
        found = _known[kind] = _Columns(names, attrgetter(*names), dates)
    return found


def rows_document(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Rows as a list of objects, dates as ISO text."""
    out: list[dict[str, Any]] = []
    for row in rows:
        names, values_of, dates = _columns(type(row))
        document = dict(zip(names, values_of(row)))
        for name in dates:
            value = document[name]
            document[name] = None if value is None else value.isoformat()
        out.append(document)
    return out


def read_rows(kind: type[Row], rows: Iterable[Mapping[str, Any]]) -> tuple[Row, ...]:
    """The rows that :func:`rows_document` gave; keys that the kind does not have are passed over."""
    names, _, dates = _columns(kind)
    out = []
    for row in rows:
        values = {name: row[name] for name in names}
        for name in dates:
            values[name] = date.fromisoformat(values[name])
        out.append(kind(**values))
    return tuple(out)
