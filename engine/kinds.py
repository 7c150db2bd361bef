"""What a column and a table can be: the words in which the schema is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

INT_MAX = 2**31 - 1
OUTPUT_INT_MAX = 2**62  # sums of products of two inputs; nothing that comes out is judged when it is read
MAX_TEXT = 128

Kind = Literal[
    "text",
    "word",
    "words",
    "choice",
    "mask",
    "cutoff",
    "timezone",
    "int",
    "number",
    "bool",
    "date",
    "datetime",
]
Default = str | int | float | bool | None

_ARROW_TYPES = {
    "int": pa.int64(),
    "number": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
}
_EXPECTED = {
    "text": f"text of 1 to {MAX_TEXT} characters",
    "word": f"text of 1 to {MAX_TEXT} characters without white space",
    "words": "words separated by spaces",
    "mask": "seven 0 or 1, Monday first",
    "cutoff": "a time such as 17:00",
    "timezone": "an IANA time zone such as America/New_York",
    "bool": "true or false",
    "date": "a date such as 2026-01-31",
    "datetime": "a date and time with offset such as 2026-01-31T09:00:00-05:00",
}


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table, or one field of the policy.

    Parameters
    ----------
    name : str
        The column's name.
    kind : str
        What a value is; decides the Arrow type and the checks.
    required : bool
        Whether an absent column, a null and an empty text are errors.
    default : str, int, float, bool or None
        What they mean otherwise.
    low, high : int, float or None
        The range of an int or number, both ends included.
    above : float or None
        A number has to be greater than this.
    choices : tuple of str
        The values of a choice.
    max_length : int or None
        The longest text, in characters.
    refers_to : tuple of (table, column) or None
        Where the value, or each word of it, has to be listed.
    """

    name: str
    kind: Kind
    required: bool = False
    default: Default = None
    low: float | None = None
    high: float | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()
    max_length: int | None = None
    refers_to: tuple[str, str] | None = None

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type of the column once it is read."""
        return _ARROW_TYPES.get(self.kind, pa.string())

    @property
    def is_textual(self) -> bool:
        """Whether the column is kept as text."""
        return self.kind not in _ARROW_TYPES

    @property
    def expected(self) -> str:
        """What a value should be, in words."""
        if self.kind == "choice":
            return ", ".join(self.choices[:-1]) + " or " + self.choices[-1]
        if self.kind == "int":
            return "an integer" if self.low == -OUTPUT_INT_MAX else f"an integer from {self.low}"
        if self.kind == "number":
            if self.above is not None:
                return f"a number above {self.above:g}"
            return "a number" if self.low is None else f"a number from {self.low:g} to {self.high:g}"
        return _EXPECTED[self.kind]


@dataclass(frozen=True, kw_only=True)
class TableSchema:
    """One table: its columns in their order, and the key that no two rows share.

    Parameters
    ----------
    name : str
        The table's name.
    columns : tuple of Column
        The columns in the order of the model.
    key : tuple of str
        Names of the key's columns; empty where repeated rows are not judged.
    optional : bool
        Whether the table may be missing and is then empty.
    one_of : tuple of str
        Columns of which each row has exactly one.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    optional: bool = False
    one_of: tuple[str, ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns' names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema of the table once it is read."""
        return pa.schema([(column.name, column.arrow_type) for column in self.columns])
