"""What a column's values have to meet: present where required, in range, of the right shape."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import resources

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.columns import Flags, flags, no_flags
from engine.errors import Place
from engine.kinds import Column

# RE2's \s knows ASCII only.
_WHITE_SPACE_BUT_SPACE = "\t-\r\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_PATTERNS = {
    "mask": "^[01]{7}$",
    "cutoff": "^([01][0-9]|2[0-3]):[0-5][0-9]$",
}


def check_column(column: Column, values: pa.Array, bad: Flags, place: Place, show: Callable[[int], str]) -> Flags:
    """Report the values that a column cannot have.

    Parameters
    ----------
    column : Column
        What is allowed.
    values : Array
        The values in the column's Arrow type.
    bad : array of bool
        Cells that were reported already; they are left alone.
    place : Place
        Where to report.
    show : callable
        Shows the value of a row as it was received.

    Returns
    -------
    array of bool
        All cells of the column that were reported.
    """
    if column.required and values.null_count:
        missing = flags(values.is_null()) & ~bad
        place.report_rows(missing, show, column.expected)
        bad = bad | missing
    if column.kind == "int":
        return _check_int(column, values, bad, place, show)
    if column.kind == "number":
        wrong = _out_of_range(column, values)
        expected = column.expected
    elif column.is_textual:
        wrong = _misshapen(column, values)
        expected = column.expected
    else:
        return bad
    wrong &= ~bad
    place.report_rows(wrong, show, expected)
    return bad | wrong


def fill_default(column: Column, values: pa.Array) -> pa.Array:
    """Return the values with the column's default in place of null."""
    if column.default is None or not values.null_count:
        return values
    return pc.fill_null(values, pa.scalar(column.default, column.arrow_type))


def default_column(column: Column, n_rows: int) -> pa.Array:
    """Return an absent column: its default in every row."""
    if column.default is None:
        return pa.nulls(n_rows, column.arrow_type)
    return pa.repeat(pa.scalar(column.default, column.arrow_type), n_rows)


def _check_int(column: Column, values: pa.Array, bad: Flags, place: Place, show: Callable[[int], str]) -> Flags:
    assert column.low is not None and column.high is not None
    low = flags(pc.less(values, int(column.low))) & ~bad
    high = flags(pc.greater(values, int(column.high))) & ~bad
    place.report_rows(low, show, f"an integer from {column.low}")
    place.report_rows(high, show, f"an integer up to {column.high}")
    return bad | low | high


def _out_of_range(column: Column, values: pa.Array) -> Flags:
    numbers = np.asarray(pc.fill_null(values, 1.0).to_numpy(zero_copy_only=False), dtype=np.float64)
    wrong: Flags = ~np.isfinite(numbers)
    if column.above is not None:
        wrong |= numbers <= column.above
    if column.low is not None:
        wrong |= numbers < column.low
    if column.high is not None:
        wrong |= numbers > column.high
    return wrong


def _misshapen(column: Column, texts: pa.Array) -> Flags:
    if column.kind in _PATTERNS:
        return flags(pc.invert(pc.match_substring_regex(texts, _PATTERNS[column.kind])))
    if column.kind in ("choice", "timezone"):
        known = pa.array(column.choices) if column.kind == "choice" else _time_zones()
        return flags(texts.is_valid()) & ~flags(pc.is_in(texts, value_set=known))
    wrong = no_flags(len(texts))
    if column.max_length is not None:
        wrong = flags(pc.greater(pc.utf8_length(texts), column.max_length))
    if column.kind == "word":
        wrong |= flags(pc.match_substring_regex(texts, f"[ {_WHITE_SPACE_BUT_SPACE}]"))
    if column.kind == "words":
        wrong |= flags(pc.match_substring_regex(texts, f"[{_WHITE_SPACE_BUT_SPACE}]"))
    return wrong


@cache
def _time_zones() -> pa.Array:
    """The IANA names, from the package that also brings the rules: the same on every machine."""
    return pa.array(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())
