"""What can be wrong with input: every fault names table, row, column, value and what was expected."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_FAULTS = 100
MAX_SHOWN = 80  # characters of a value that a message repeats


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing wrong with a document.

    Parameters
    ----------
    table : str
        The table (or ``policy``, or ``batch``) the fault is in.
    row : int or None
        Data row counted from 1 (a CSV header is not counted); None where no row is meant.
    column : str or None
        The column, or None where the whole row or table is meant.
    value : str
        The value received, as text.
    expected : str
        What would have been accepted.
    """

    table: str
    row: int | None
    column: str | None
    value: str
    expected: str

    @property
    def message(self) -> str:
        """One line such as ``orders row 17: quantity is -2, expected an integer from 1``."""
        place = self.table if self.row is None else f"{self.table} row {self.row}"
        subject = self.value if self.column is None else f"{self.column} is {self.value}"
        return f"{place}: {subject}, expected {self.expected}"


class InputError(Exception):
    """A batch that cannot be used, with all its faults (the first 100).

    Parameters
    ----------
    faults : sequence of Fault
        What is wrong, in the order of the tables and rows.
    n_faults : int, optional
        How many there are in all, where more were found than are listed.
    """

    def __init__(self, faults: Sequence[Fault], n_faults: int | None = None) -> None:
        self.faults = tuple(faults[:MAX_FAULTS])
        self.n_faults = max(len(faults), n_faults or 0)
        lines = [fault.message for fault in self.faults]
        if self.n_faults > len(self.faults):
            lines.append(f"... and {self.n_faults - len(self.faults)} more")
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Fault, ...], int]]:
        return InputError, (self.faults, self.n_faults)


class FaultLog:
    """Collects the faults of one document: all are counted, the first 100 of each check are kept.

    Parameters
    ----------
    tables : sequence of str
        Names in the order in which their faults are to be listed; names not in it come last.
    """

    def __init__(self, tables: Sequence[str]) -> None:
        self._rank = {name: rank for rank, name in enumerate(tables)}
        self._kept: list[tuple[int, int, int, Fault]] = []
        self.n_faults = 0

    def add(self, table: str, value: str, expected: str, *, row: int | None = None, column: str | None = None) -> None:
        """Add one fault; ``value`` is text for people already (see `shown`)."""
        fault = Fault(table=table, row=row, column=column, value=value, expected=expected)
        rank = self._rank.get(table, len(self._rank))
        self._kept.append((rank, row or 0, self.n_faults, fault))
        self.n_faults += 1
        if len(self._kept) > 100 * MAX_FAULTS:
            self._trim()

    def _trim(self) -> None:
        self._kept.sort(key=lambda kept: kept[:3])
        del self._kept[MAX_FAULTS:]

    def error(self) -> InputError:
        """Return the error that lists what was collected."""
        self._trim()
        return InputError([kept[3] for kept in self._kept], self.n_faults)

    def raise_if_any(self) -> None:
        """Raise `InputError` when anything was collected."""
        if self.n_faults:
            raise self.error()


@dataclass(frozen=True, kw_only=True)
class Place:
    """A column of a table in a log: where a check reports the rows it refuses.

    Parameters
    ----------
    log : FaultLog
        Where the faults go.
    table : str
        The table's name.
    column : str or None
        The column's name; None for checks of whole rows.
    row_numbers : array of int64 or None
        The number of each row where rows were skipped; None: 1, 2, 3...
    """

    log: FaultLog
    table: str
    column: str | None = None
    row_numbers: NDArray[np.int64] | None = None

    def row_number(self, index: int) -> int:
        """Return the number that people know the row by."""
        return index + 1 if self.row_numbers is None else int(self.row_numbers[index])

    def report(self, value: str, expected: str) -> None:
        """Report the column, or the table, as a whole."""
        self.log.add(self.table, value, expected, column=self.column)

    def report_rows(
        self, bad: NDArray[np.bool_], value_at: Callable[[int], str], expected: str | Callable[[int], str]
    ) -> None:
        """Report every row marked in ``bad``, an array of one flag for each row."""
        indices = np.flatnonzero(bad)
        for index in indices[:MAX_FAULTS].tolist():
            wanted = expected if isinstance(expected, str) else expected(index)
            self.log.add(self.table, value_at(index), wanted, row=self.row_number(index), column=self.column)
        self.log.n_faults += max(0, len(indices) - MAX_FAULTS)


def shown(value: Any, *, quoted: bool = False) -> str:
    """Return a value as a message shows it: one short printable line.

    Parameters
    ----------
    value : object
        Anything that a document can hold.
    quoted : bool, optional
        Whether text gets quotation marks, to tell "5" from 5. Text that starts or ends with white space, or
        holds a character that cannot be printed, always does.
    """
    if value is None or value == "":
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, int):
        return _cut(str(value)) if value.bit_length() < 1000 else "a huge integer"
    text = value if isinstance(value, str) else str(value)
    short = _cut(text)
    if (quoted and isinstance(value, str)) or short != short.strip() or not short.isprintable():
        return json.dumps(short, ensure_ascii=not short.isprintable())
    return short


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."


class ClusterUnavailable(OSError):
    """The workers that were asked for cannot be reached, or are lost for good."""
