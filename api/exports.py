"""Tables as files for people: CSV and XLSX for spreadsheets, Parquet for programs."""

from __future__ import annotations

import io
import re

import pyarrow as pa
import pyarrow.csv as pa_csv

from api.ledger_commands import escape_formulas
from api.packing import table_bytes
from api.problems import Problem

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": XLSX, "parquet": "application/vnd.apache.parquet"}
MAX_XLSX_ROWS = 1_048_575
_ROWS = 10_000
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def export_bytes(table: pa.Table, form: str) -> bytes:
    """Return a table as a file.

    Parameters
    ----------
    table : Table
        Numbers, text, dates and truth values.
    form : str
        ``csv`` or ``xlsx``: for spreadsheets, text that one would run as a formula is escaped. ``parquet``: as it is.

    Raises
    ------
    Problem
        406 when the rows do not fit into a sheet.
    """
    if form == "parquet":
        return table_bytes(table)
    escaped = escape_formulas(table)
    if form == "csv":
        sink = io.BytesIO()
        pa_csv.write_csv(escaped, sink)
        return sink.getvalue()
    if table.num_rows > MAX_XLSX_ROWS:
        detail = f"{table.num_rows:,} rows do not fit into a sheet of {MAX_XLSX_ROWS:,}: take csv or parquet"
        raise Problem(406, "not-acceptable", detail)
    return _workbook(escaped)


def _workbook(table: pa.Table) -> bytes:
    import xlsxwriter  # type: ignore[import-untyped]

    sink = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(sink, options) as book:
        sheet = book.add_worksheet("nodewise")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, table.column_names, book.add_format({"bold": True}))
        forms = [day if pa.types.is_date(field.type) else None for field in table.schema]
        first = 1
        for part in table.to_batches(max_chunksize=_ROWS):
            for at, row in enumerate(zip(*(column.to_pylist() for column in part.columns)), start=first):
                for column, (value, form) in enumerate(zip(row, forms)):
                    if value is not None:
                        sheet.write(at, column, value, form)
            first += part.num_rows
    return sink.getvalue()


def file_name(name: str, table: str, form: str) -> str:
    """Return a name for the file: a spreadsheet export says that it is one, since its text may be escaped."""
    stem = _UNSAFE.sub("-", name).strip("-.")[:60] or "plan"
    return f"{stem}-{table}{'' if form == 'parquet' else '-spreadsheet'}.{form}"
