"""One column from the three forms it can arrive in (CSV text, Arrow, JSON values) to its canonical type.

Each reader returns the values and marks the cells it refused, so that no cell is reported twice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.errors import Place, shown
from engine.kinds import Column

Flags = NDArray[np.bool_]

_INT64_MAX = 2**63 - 1
_DIGITS = np.zeros(256, dtype=np.bool_)
_DIGITS[list(b"0123456789-")] = True
_DECIMALS = _DIGITS.copy()
_DECIMALS[list(b"+.eE")] = True
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_JSON_TYPES: dict[str, set[type]] = {"int": {int}, "number": {int, float}, "bool": {bool}}
_FIRST_DAY = (date.min - date(1970, 1, 1)).days
_LAST_DAY = (date.max - date(1970, 1, 1)).days


def flags(mask: pa.Array) -> Flags:
    """Return a boolean Arrow array as flags, null being false."""
    return np.asarray(pc.fill_null(mask, False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def no_flags(n_rows: int) -> Flags:
    """Return flags that mark nothing."""
    return np.zeros(n_rows, dtype=np.bool_)


def show_at(values: Any, *, quoted: bool = False) -> Callable[[int], str]:
    """Return a function that shows one value of an Arrow array or a list."""

    def show(index: int) -> str:
        value = values[index]
        return shown(value.as_py() if isinstance(value, pa.Scalar) else value, quoted=quoted)

    return show


def from_text(column: Column, texts: pa.Array, place: Place) -> tuple[pa.Array, Flags]:
    """Read the cells of a CSV column (null where the cell is empty)."""
    if column.kind == "int":
        values, bad = _ints_from_text(texts)
    elif column.kind == "number":
        values, bad = _numbers_from_text(texts)
    elif column.kind == "bool":
        codes = pc.index_in(texts, value_set=pa.array(["false", "true"]))
        values, bad = pc.cast(codes, pa.bool_()), flags(pc.and_(texts.is_valid(), codes.is_null()))
    elif column.kind == "date":
        values, bad = _dates_from_text(texts)
    else:
        return texts, no_flags(len(texts))
    place.report_rows(bad, show_at(texts), column.expected)
    return values, bad


def _holds_only(allowed: Flags, texts: pa.Array) -> bool:
    """Whether every byte of a string array is an allowed one."""
    _, offsets, data = texts.buffers()
    if data is None or len(texts) == 0:
        return True
    ends = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return bool(allowed[np.frombuffer(data, dtype=np.uint8)[ends[0] : ends[-1]]].all())


def _ints_from_text(texts: pa.Array) -> tuple[pa.Array, Flags]:
    if _holds_only(_DIGITS, texts):
        try:
            return pc.cast(texts, pa.int64()), no_flags(len(texts))
        except pa.ArrowInvalid:
            pass
    plain = pc.match_substring_regex(texts, "^-?[0-9]+$")
    fits = pc.match_substring_regex(texts, "^-?0*[0-9]{1,18}$")
    values = pc.cast(pc.if_else(fits, texts, None), pa.int64())
    extreme = pc.if_else(pc.starts_with(texts, "-"), -_INT64_MAX, _INT64_MAX)
    values = pc.if_else(pc.fill_null(pc.and_not(plain, fits), False), extreme, values)
    return values, flags(pc.invert(plain))


def _numbers_from_text(texts: pa.Array) -> tuple[pa.Array, Flags]:
    if _holds_only(_DECIMALS, texts):
        try:
            return pc.cast(texts, pa.float64()), no_flags(len(texts))
        except pa.ArrowInvalid:
            pass
    cells = texts.to_pylist()
    bad = np.array([cell is not None and not _DECIMAL.fullmatch(cell) for cell in cells], dtype=np.bool_)
    numbers = [None if cell is None or wrong else float(cell) for cell, wrong in zip(cells, bad)]
    return pa.array(numbers, pa.float64()), bad


def _day(text: str) -> int | None:
    if not _ISO_DATE.fullmatch(text):
        return None
    try:
        return (date.fromisoformat(text) - date(1970, 1, 1)).days
    except ValueError:
        return None


def _dates_from_text(texts: pa.Array) -> tuple[pa.Array, Flags]:
    """Read ISO dates; each distinct text is read once."""
    encoded = texts.dictionary_encode()
    days = pa.array([_day(text) for text in encoded.dictionary.to_pylist()], pa.int32())
    values = pc.cast(pc.take(days, encoded.indices), pa.date32())
    return values, flags(pc.and_(texts.is_valid(), values.is_null()))


def from_objects(column: Column, values: list[Any], place: Place) -> tuple[pa.Array, Flags]:
    """Read the values of a JSON column."""
    types = set(map(type, values))
    allowed = _JSON_TYPES.get(column.kind, {str})
    bad = no_flags(len(values))
    if str in types and str not in allowed:
        values = [None if value == "" else value for value in values]
    if not types <= allowed | {type(None)}:
        bad = np.array([value is not None and type(value) not in allowed for value in values], np.bool_)
        place.report_rows(bad, show_at(values, quoted=True), column.expected)
        values = [None if wrong else value for value, wrong in zip(values, bad)]
    if column.kind == "int":
        return _ints_from_objects(values), bad
    if column.kind == "number":
        if int in types:
            values = [_as_float(value) for value in values]
        return pa.array(values, pa.float64()), bad
    if column.kind == "bool":
        return pa.array(values, pa.bool_()), bad
    try:
        texts = pa.array(values, pa.string())
    except (UnicodeEncodeError, pa.ArrowException):
        broken = np.array([value is not None and not _is_unicode(value) for value in values], np.bool_)
        place.report_rows(broken, show_at(values), "Unicode text")
        texts = pa.array([None if wrong else value for value, wrong in zip(values, broken)], pa.string())
        bad |= broken
    return _from_strings(column, texts, bad, place)


def _ints_from_objects(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values, pa.int64())
    except (OverflowError, pa.ArrowException):
        limited = [None if v is None else max(-_INT64_MAX, min(_INT64_MAX, v)) for v in values]
        return pa.array(limited, pa.int64())


def _as_float(value: Any) -> float | None:
    try:
        return None if value is None else float(value)
    except OverflowError:
        return math.inf


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _from_strings(column: Column, texts: pa.Array, bad: Flags, place: Place) -> tuple[pa.Array, Flags]:
    """Finish a column that came as strings, from JSON or Parquet: empty text is null, dates are read."""
    texts = blank_to_null(texts)
    if column.kind != "date":
        return texts, bad
    values, wrong = _dates_from_text(texts)
    place.report_rows(wrong, show_at(texts), column.expected)
    return values, bad | wrong


def blank_to_null(texts: pa.Array) -> pa.Array:
    """Return the strings with null for empty ones."""
    blank = pc.equal(texts, "")
    return pc.if_else(blank, None, texts) if pc.any(blank).as_py() else texts


def from_arrow(column: Column, values: pa.Array, place: Place) -> tuple[pa.Array, Flags] | None:
    """Read a typed column; None, and a fault for the column, where its type cannot mean the column's kind.

    Values need to have passed ``validate(full=True)``.
    """
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    found, kind, bad = values.type, column.kind, no_flags(len(values))
    if pa.types.is_null(found):
        return pa.nulls(len(values), column.arrow_type), bad
    if _is_string(found) and (column.is_textual or kind == "date"):
        return _from_strings(column, pc.cast(values, pa.string()), bad, place)
    if kind == "int" and pa.types.is_integer(found):
        if found == pa.uint64():
            values = pc.min_element_wise(values, pa.scalar(_INT64_MAX, pa.uint64()), skip_nulls=False)
        return pc.cast(values, pa.int64()), bad
    if kind == "number" and (pa.types.is_floating(found) or pa.types.is_integer(found)):
        return pc.cast(values, pa.float64(), safe=False), bad
    if kind == "bool" and pa.types.is_boolean(found):
        return values, bad
    if kind == "date" and (pa.types.is_date(found) or (pa.types.is_timestamp(found) and found.tz is None)):
        return _dates_from_arrow(column, values, place)
    if kind == "datetime" and pa.types.is_timestamp(found) and found.tz is not None:
        utc = pc.cast(values, pa.timestamp("us", "UTC"), safe=False)
        return pc.cast(utc, pa.string()), bad
    place.report(f"of type {shown(str(found))}", column.expected)
    return None


def _is_string(found: pa.DataType) -> bool:
    return bool(pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found))


def _dates_from_arrow(column: Column, values: pa.Array, place: Place) -> tuple[pa.Array, Flags]:
    """Read dates and timestamps; a time of day, or a year that ISO text cannot write, is refused."""
    days = pc.cast(values, pa.date32(), safe=False)
    bad = no_flags(len(values))
    if pa.types.is_timestamp(values.type):
        bad = flags(pc.not_equal(pc.cast(days, values.type, safe=False), values))
    number = pc.cast(days, pa.int32())
    bad |= flags(pc.or_(pc.less(number, _FIRST_DAY), pc.greater(number, _LAST_DAY)))
    place.report_rows(bad, lambda index: shown(str(pc.cast(values[index], pa.string()))), column.expected)
    return days, bad
