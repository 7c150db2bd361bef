"""Where an edit reports what it cannot do: the scenario, the number of the edit, the field."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import FaultLog, shown


@dataclass(frozen=True, kw_only=True)
class Faults:
    """The faults of one edit.

    Parameters
    ----------
    log : FaultLog
        Where they go.
    where : str
        The scenario and the number of the edit.
    """

    log: FaultLog
    where: str

    def add(self, field: str | None, value: str, expected: str) -> None:
        """Add one fault; ``value`` is text for people already."""
        self.log.add(self.where, value, expected, column=field)

    def unknown(self, field: str, names: Iterable[str], known: pa.ChunkedArray, expected: str) -> bool:
        """Report each name that a column does not hold; tell whether there was any."""
        listed = pa.array(list(names), pa.string())
        missing = listed.filter(pc.invert(pc.is_in(listed, value_set=known.combine_chunks())))
        for name in missing.to_pylist():
            self.add(field, shown(name), expected)
        return len(missing) > 0
