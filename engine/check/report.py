"""What the checker says: faults that name table, row, column, value and what was expected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from engine.errors import Fault

MAX_LISTED_PER_RULE = 100
EPOCH = date(1970, 1, 1)

CheckFault = Fault
"""One thing wrong: table, row (from 1, or None), column (or None), value and what was expected."""


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """Everything that is wrong with an allocation.

    Parameters
    ----------
    faults : tuple of CheckFault
        What is wrong, rule by rule; of each rule the first 100 rows.
    n_faults : int
        How many faults there are in all.
    """

    faults: tuple[CheckFault, ...]
    n_faults: int

    @property
    def ok(self) -> bool:
        """True when nothing is wrong."""
        return self.n_faults == 0


class Findings:
    """Collects faults; text is made only for the rows that are listed."""

    def __init__(self) -> None:
        self._faults: list[CheckFault] = []
        self._n_faults = 0

    def rows(
        self,
        table: str,
        column: str | None,
        wrong: NDArray[np.bool_],
        value: Callable[[int], object],
        expected: Callable[[int], object] | str,
    ) -> None:
        """Add one fault for each row of `table` that is marked in `wrong`.

        `value` and `expected` are called with the row's position, counted from 0.
        """
        at = np.flatnonzero(wrong)
        self._n_faults += len(at)
        for row in at[:MAX_LISTED_PER_RULE].tolist():
            wish = expected if isinstance(expected, str) else str(expected(row))
            self._faults.append(
                CheckFault(table=table, row=row + 1, column=column, value=str(value(row)), expected=wish)
            )

    def one(self, table: str, column: str | None, value: object, expected: object) -> None:
        """Add one fault that belongs to no row."""
        self._n_faults += 1
        self._faults.append(CheckFault(table=table, row=None, column=column, value=str(value), expected=str(expected)))

    def report(self) -> CheckReport:
        """Return what was found so far."""
        return CheckReport(faults=tuple(self._faults), n_faults=self._n_faults)


def day_text(day: int) -> str:
    """Return a day counted from 1970-01-01 as ISO text."""
    try:
        return (EPOCH + timedelta(days=int(day))).isoformat()
    except OverflowError:
        return "no date"
