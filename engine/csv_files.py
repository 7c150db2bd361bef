"""CSV: every cell is read as text first, so that `NA` stays text and 5.0 does not become an integer."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from engine.columns import no_flags
from engine.errors import FaultLog, shown
from engine.kinds import TableSchema
from engine.tables import Sheet, known_columns

_BLOCK_BYTES = 1 << 22
_MAX_COLUMNS = 64  # more than any table has; what lies beyond has an unknown or repeated name
_MAX_RAGGED = 10_000  # with more records of another length than this the file is given up


def read_csv(path: Path, schema: TableSchema, log: FaultLog) -> Sheet | None:
    """Read a CSV file: UTF-8 with a header, an empty cell is null and nothing else is.

    Parameters
    ----------
    path : Path
        The file.
    schema : TableSchema
        The table it should hold.
    log : FaultLog
        Where faults go; rows with too few or too many cells are reported and left out.

    Returns
    -------
    Sheet or None
        The cells as text; None where the file could not be read at all.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        log.add(schema.name, f"{path.name} cannot be read ({error.strerror})", "a CSV file")
        return None
    if not data[:_BLOCK_BYTES].strip() and not data.strip():
        log.add(schema.name, f"{path.name} is empty", "a header with the names of the columns")
        return None
    if not data.endswith((b"\n", b"\r")):
        data += b"\n"  # a header alone would not be taken for a row
    problem = _unclosed_quote(data)
    if problem is not None:
        log.add(schema.name, f"{path.name}: {problem}", "quotation marks in pairs")
        return None
    cells, ragged = _read_cells(data)
    for record in ragged:
        log.add(schema.name, _counted(record.n_cells), _counted(record.n_expected), row=record.row)
    if isinstance(cells, str):
        if ragged:
            return None  # said enough
        undecodable = _undecodable(data)
        value, expected = undecodable or (shown(cells), "a CSV file")
        log.add(schema.name, f"{path.name}: {value}", expected)
        return None
    names = [column[0].as_py() or "" for column in cells.columns]
    places = known_columns(
        schema, names, lambda name, value, expected: log.add(schema.name, value, expected, column=name)
    )
    n_rows = cells.num_rows - 1
    columns = {name: _one_chunk(cells.column(at).slice(1)) for name, at in places.items()}
    row_numbers = None
    if ragged:
        gone = no_flags(n_rows + len(ragged))
        gone[[record.row - 1 for record in ragged]] = True
        row_numbers = np.flatnonzero(~gone) + 1
    return Sheet(schema=schema, form="text", n_rows=n_rows, columns=columns, row_numbers=row_numbers)


class _Ragged(NamedTuple):
    """A record with too few or too many cells."""

    row: int
    n_cells: int
    n_expected: int


def _counted(n_cells: int) -> str:
    return f"{n_cells} cell" if n_cells == 1 else f"{n_cells} cells"


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), pa.string())
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], pa.string())


def _read_cells(data: bytes) -> tuple[pa.Table | str, list[_Ragged]]:
    """Return all records as text, the header being the first; and those of another length, left out.

    Where nothing can be read, the text of the reason stands in for the records.
    """
    try:
        return _parse(data, threads=True, handler=None), []
    except pa.ArrowException as error:
        if "columns, got" not in str(error) or _undecodable(data) is not None:
            return str(error), []
    ragged: list[_Ragged] = []

    def note(record: Any) -> str:
        ragged.append(_Ragged(record.number - 1, record.actual_columns, record.expected_columns))
        return "skip" if len(ragged) < _MAX_RAGGED else "error"

    try:
        return _parse(data, threads=False, handler=note), ragged  # only one thread counts the records
    except pa.ArrowException as error:
        return str(error), ragged


def _parse(data: bytes, *, threads: bool, handler: Any) -> pa.Table:
    return pa_csv.read_csv(
        pa.BufferReader(data),
        read_options=pa_csv.ReadOptions(autogenerate_column_names=True, use_threads=threads, block_size=_BLOCK_BYTES),
        parse_options=pa_csv.ParseOptions(newlines_in_values=b'"' in data, invalid_row_handler=handler),
        convert_options=pa_csv.ConvertOptions(
            column_types={f"f{position}": pa.string() for position in range(_MAX_COLUMNS)},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )


def _undecodable(data: bytes) -> tuple[str, str] | None:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return f"byte 0x{data[error.start]:02x} in line {line}", "UTF-8 text"
    return None


def _unclosed_quote(data: bytes) -> str | None:
    """Say where a quoted cell never ends: Arrow would take the rest of the file as its text."""
    if data.count(b'"') % 2 == 0:
        return None
    reader = csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline=""), strict=True)
    line = 0
    try:
        for _ in reader:
            line = reader.line_num
    except csv.Error as error:
        return f"the record after line {line} is broken ({error})"
    return None
