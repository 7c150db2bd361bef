"""Tables: from sheets as they were received to checked Arrow tables, every fault of all of them reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.checks import check_column, default_column, fill_default
from engine.columns import Flags, from_arrow, from_objects, from_text, no_flags, show_at
from engine.errors import FaultLog, Place, shown
from engine.kinds import Column, TableSchema
from engine.references import check_key, check_one_of, check_reference

Form = Literal["text", "arrow", "objects"]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One table as it was received: its known columns, unchecked.

    Parameters
    ----------
    schema : TableSchema
        What the table should be.
    form : str
        ``text`` (string arrays, null where a CSV cell is empty), ``arrow`` (typed arrays) or ``objects``
        (lists of JSON values).
    n_rows : int
        How many rows there are.
    columns : mapping of str to Array or list
        The columns that are there.
    row_numbers : array of int64 or None
        The number of each row where rows were skipped; None: 1, 2, 3...
    bad_rows : array of bool or None
        Rows that were reported already.
    refused : frozenset of str
        Columns that were there, but of no use, and were reported already.
    """

    schema: TableSchema
    form: Form
    n_rows: int
    columns: Mapping[str, Any]
    row_numbers: NDArray[np.int64] | None = None
    bad_rows: Flags | None = None
    refused: frozenset[str] = frozenset()

    def place(self, log: FaultLog, column: str | None = None) -> Place:
        """Return where faults of a column, or of whole rows, go."""
        return Place(log=log, table=self.schema.name, column=column, row_numbers=self.row_numbers)


@dataclass(kw_only=True)
class _Checked:
    """A sheet's columns in their canonical types, nulls still in place, and the cells that were reported."""

    sheet: Sheet
    columns: dict[str, pa.Array] = field(default_factory=dict)
    bad: dict[str, Flags] = field(default_factory=dict)

    def bad_in(self, names: Sequence[str]) -> Flags:
        """Rows in which one of these columns was reported."""
        marked = no_flags(self.sheet.n_rows)
        for name in names:
            marked |= self.bad[name]
        return marked


def check_sheets(sheets: Mapping[str, Sheet], log: FaultLog) -> dict[str, pa.Table]:
    """Check tables, each alone and then against each other, and fill in the defaults.

    Parameters
    ----------
    sheets : mapping of str to Sheet
        The tables that were received and could be read.
    log : FaultLog
        Where the faults go.

    Returns
    -------
    dict of str to Table
        The tables; of use only when nothing was reported.
    """
    checked = {name: _check_alone(sheet, log) for name, sheet in sheets.items()}
    for one in checked.values():
        _check_rows(one, log)
        _check_references(one, checked, log)
    return {name: _finish(one) for name, one in checked.items()}


def _check_alone(sheet: Sheet, log: FaultLog) -> _Checked:
    checked = _Checked(sheet=sheet)
    for column in sheet.schema.columns:
        place = sheet.place(log, column.name)
        if column.name in sheet.refused:
            continue
        if column.name not in sheet.columns:
            if column.required and (sheet.n_rows or sheet.form != "objects"):
                place.report("absent", column.expected)
            elif not column.required:
                checked.columns[column.name] = pa.nulls(sheet.n_rows, column.arrow_type)
                checked.bad[column.name] = no_flags(sheet.n_rows)
            continue
        received = sheet.columns[column.name]
        cells = _read_cells(sheet.form, column, received, place)
        if cells is None:
            continue
        values, bad = cells
        if sheet.bad_rows is not None:
            bad = bad | sheet.bad_rows
        show = show_at(received, quoted=sheet.form == "objects" and not column.is_textual)
        checked.columns[column.name] = values
        checked.bad[column.name] = check_column(column, values, bad, place, show)
    return checked


def _read_cells(form: Form, column: Column, received: Any, place: Place) -> tuple[pa.Array, Flags] | None:
    if form == "text":
        return from_text(column, received, place)
    if form == "objects":
        return from_objects(column, received, place)
    return from_arrow(column, received, place)


def _check_rows(checked: _Checked, log: FaultLog) -> None:
    schema, columns = checked.sheet.schema, checked.columns
    if schema.one_of and all(name in columns for name in schema.one_of):
        bad = checked.bad_in(schema.one_of)
        check_one_of(schema, columns, bad, checked.sheet.place(log))
    if schema.key and all(name in columns for name in schema.key):
        place = checked.sheet.place(log, ", ".join(schema.key))
        check_key(schema, columns, checked.bad_in(schema.key), place)


def _check_references(checked: _Checked, others: Mapping[str, _Checked], log: FaultLog) -> None:
    for column in checked.sheet.schema.columns:
        if column.refers_to is None or column.name not in checked.columns:
            continue
        table, target = column.refers_to
        if table not in others or target not in others[table].columns:
            continue  # reported there; every row here would only repeat it
        check_reference(
            column,
            checked.columns[column.name],
            others[table].columns[target],
            checked.bad[column.name],
            checked.sheet.place(log, column.name),
        )


def _finish(checked: _Checked) -> pa.Table:
    schema = checked.sheet.schema
    arrays = [
        fill_default(column, checked.columns[column.name])
        if column.name in checked.columns
        else default_column(column, checked.sheet.n_rows)
        for column in schema.columns
    ]
    return pa.Table.from_arrays(arrays, schema=schema.arrow_schema)


def empty_sheet(schema: TableSchema) -> Sheet:
    """Return a table without rows: what an optional table is when it is missing."""
    return Sheet(schema=schema, form="objects", n_rows=0, columns={})


def known_columns(schema: TableSchema, names: Sequence[str], report: Callable[[str, str, str], None]) -> dict[str, int]:
    """Return where each known column is; unknown and repeated names are reported.

    Parameters
    ----------
    schema : TableSchema
        What the table should be.
    names : sequence of str
        The names received, in order.
    report : callable
        Called with column, value and expected for each fault.
    """
    known = set(schema.column_names)
    places: dict[str, int] = {}
    for position, name in enumerate(names):
        if name not in known:
            report(shown(name), "an unknown column", "one of " + ", ".join(schema.column_names))
        elif name in places:
            report(name, "given twice", "each column once")
        else:
            places[name] = position
    return places
