"""Columns as arrays, and looking rows up by key: what every part of the checker reads tables with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

NO_DAY = -10_000_000
"""Stands for an absent date; before every date there is."""

DAY_SPAN = 1 << 25
SAFE = 1e14


class Columns:
    """One table with its columns as numpy arrays, nulls replaced by a stated value."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self.n: int = table.num_rows

    def texts(self, name: str) -> pa.Array:
        """Return a text column as one Arrow array."""
        column = self.table.column(name)
        return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column

    def known(self, name: str) -> BoolArray:
        """Return which rows have a value."""
        return np.asarray(self.texts(name).is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)

    def ints(self, name: str, null: int = 0) -> IntArray:
        """Return an integer column."""
        column = pc.fill_null(self.texts(name).cast(pa.int64()), null)
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.int64)

    def floats(self, name: str) -> FloatArray:
        """Return a number column, NaN for null."""
        column = self.texts(name).cast(pa.float64())
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)

    def bools(self, name: str) -> BoolArray:
        """Return a column of truth values, false for null."""
        column = pc.fill_null(self.texts(name), False)
        return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.bool_)

    def days(self, name: str) -> IntArray:
        """Return a date column as days from 1970-01-01, `NO_DAY` for null."""
        column = pc.fill_null(self.texts(name).cast(pa.int32()), NO_DAY)
        days = np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.int64)
        return np.clip(days, NO_DAY, -NO_DAY)


def positions(values: pa.Array, keys: pa.Array) -> IntArray:
    """Return for each text the first position it has in `keys`, or -1."""
    encoded = keys.dictionary_encode()
    codes = np.asarray(pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False), dtype=np.int64)
    first = np.full(len(encoded.dictionary) + 1, -1, dtype=np.int64)
    backwards = np.arange(len(codes))[::-1]
    first[codes[backwards]] = backwards
    first[-1] = -1
    found = pc.fill_null(pc.index_in(values, value_set=encoded.dictionary, skip_nulls=True), -1)
    return first[np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)]


def join(*parts: tuple[IntArray, int]) -> IntArray:
    """Return one integer key for several (index, size) parts; -1 where any index is -1."""
    key = np.zeros(len(parts[0][0]), dtype=np.int64)
    known = np.ones(len(key), dtype=np.bool_)
    for index, size in parts:
        known &= index >= 0
        key = key * max(size, 1) + index
    return np.where(known, key, -1)


def by_day(key: IntArray, day: IntArray) -> IntArray:
    """Return one integer key for a key and a date; -1 where the key is -1."""
    return np.where(key >= 0, key * DAY_SPAN + (day - NO_DAY), -1)


class Finder:
    """Looks integer keys up among the keys of a table's rows (the first row wins)."""

    def __init__(self, keys: IntArray) -> None:
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    def find(self, needles: IntArray) -> IntArray:
        """Return the row of each needle, or -1; negative needles are never found."""
        if len(self._keys) == 0:
            return np.full(len(needles), -1, dtype=np.int64)
        at = np.minimum(np.searchsorted(self._keys, needles), len(self._keys) - 1)
        hit = (self._keys[at] == needles) & (needles >= 0)
        return np.where(hit, self._order[at], -1)


class Steps:
    """Looks up, within a group, the first row that reaches a value or the last row within it."""

    def __init__(self, group: IntArray, value: IntArray | FloatArray) -> None:
        self.order = np.lexsort((value, group))
        self._group = group[self.order]
        self._values = np.unique(value)
        self._size = len(self._values) + 1
        rank = np.searchsorted(self._values, value[self.order])
        self._keys = self._group * self._size + rank

    def at_least(self, group: IntArray, value: IntArray | FloatArray) -> IntArray:
        """Return the row of the group with the smallest value not below `value`, or -1."""
        rank = np.searchsorted(self._values, value, side="left")
        return self._row(group, np.searchsorted(self._keys, group * self._size + rank, side="left"))

    def at_most(self, group: IntArray, value: IntArray | FloatArray) -> IntArray:
        """Return the last row of the group with a value not above `value`, or -1."""
        rank = np.searchsorted(self._values, value, side="right")
        return self._row(group, np.searchsorted(self._keys, group * self._size + rank, side="left") - 1)

    def last(self, group: IntArray) -> IntArray:
        """Return the row of the group with the largest value, or -1."""
        return self._row(group, np.searchsorted(self._group, group, side="right") - 1)

    def _row(self, group: IntArray, at: NDArray[np.intp]) -> IntArray:
        if len(self.order) == 0:
            return np.full(len(group), -1, dtype=np.int64)
        inside = np.clip(at, 0, len(self.order) - 1)
        hit = (at == inside) & (self._group[inside] == group) & (group >= 0)
        return np.where(hit, self.order[inside], -1)


def groups(index: IntArray) -> Iterator[tuple[int, IntArray]]:
    """Yield each index that is not negative, with the positions that have it."""
    order = np.argsort(index, kind="stable")
    ordered = index[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1) != 0)
    stops = np.append(starts, len(ordered))[1:]
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        if ordered[start] >= 0:
            yield int(ordered[start]), order[start:stop]


def running_sums(key: IntArray, amount: IntArray) -> IntArray:
    """Return the sum of `amount` over all rows of the same key up to this one (rows sorted by key)."""
    total = np.cumsum(amount)
    first = np.flatnonzero(np.diff(key, prepend=key[:1] - 1) != 0)
    before = total[first] - amount[first]
    return np.asarray(total - np.repeat(before, np.diff(first, append=len(key))), dtype=np.int64)


def sums(index: IntArray, amount: IntArray, n: int) -> IntArray:
    """Return the sum of `amount` for each index 0..n-1; negative indexes count nowhere."""
    total = np.zeros(n, dtype=np.int64)
    known = index >= 0
    np.add.at(total, index[known], amount[known])
    return total


def exactly(formula: Callable[..., NDArray[np.generic]], *columns: IntArray) -> IntArray:
    """Evaluate an integer formula row by row without overflow.

    Rows whose value is not small in float64 are evaluated again in unlimited integers and cut at 2^62.
    """
    estimate = np.abs(np.asarray(formula(*(column.astype(np.float64) for column in columns)), dtype=np.float64))
    big = ~(estimate < SAFE)
    with np.errstate(over="ignore"):
        result = np.array(formula(*columns), dtype=np.int64)
    if big.any():
        unlimited = formula(*(column[big].astype(object) for column in columns))
        result[big] = [max(-(1 << 62), min(1 << 62, int(x))) for x in unlimited.tolist()]
    return result
