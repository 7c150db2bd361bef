"""A comparison as files: Parquet and CSV for programs, a workbook and CSV of another name for spreadsheets."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import xlsxwriter  # type: ignore[import-untyped]

from engine.comparison.comparing import Comparison

MAX_SHEET_ROWS = 1_048_575  # below the row of names
RUNS_AS_FORMULA = "^[=+\\-@\t\r]"
SUMMARY, WORKBOOK = "comparison.json", "comparison.xlsx"
TABLES = ("costs", "figures", "certainty", "nodes", "moved", "orders")


def file_names() -> frozenset[str]:
    """Return the names of all files that a comparison can have."""
    kinds = ("parquet", "csv", "spreadsheet.csv")
    return frozenset({SUMMARY, WORKBOOK, *(f"{name}.{kind}" for name in TABLES for kind in kinds)})


def write_comparison(comparison: Comparison, folder: Path) -> None:
    """Write a comparison into an empty folder.

    Every table as NAME.parquet, NAME.csv, and NAME.spreadsheet.csv, in which text that a spreadsheet would run as a
    formula has an apostrophe before it; all of them in ``comparison.xlsx``, a sheet each, where it has one too (a
    sheet has at most 1,048,575 rows below the names: what is more is left out there, and the sheet's last row says
    so); the summary in ``comparison.json``.

    Parameters
    ----------
    comparison : Comparison
        What to write.
    folder : Path
        Where. Writing it whole or not at all is the caller's part.
    """
    for name in TABLES:
        table = comparison[name].combine_chunks()
        with (folder / f"{name}.parquet").open("wb") as sink:
            pq.write_table(table, sink, compression="zstd")
            _flush(sink)
        for kind, content in (("csv", table), ("spreadsheet.csv", escaped(table))):
            with (folder / f"{name}.{kind}").open("wb") as sink:
                pa_csv.write_csv(content, sink)
                _flush(sink)
    _write_workbook(comparison, folder / WORKBOOK)
    with (folder / SUMMARY).open("w", encoding="utf-8", newline="\n") as text:
        text.write(json.dumps(comparison.summary, ensure_ascii=False, allow_nan=False, indent=2) + "\n")
        _flush(text)


def escaped(table: pa.Table) -> pa.Table:
    """Put an apostrophe before text that a spreadsheet would run: for what is never read back."""
    for at, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            column = table.column(at)
            marked = pc.binary_join_element_wise(pa.scalar("'"), column, pa.scalar(""))
            table = table.set_column(
                at, field, pc.if_else(pc.match_substring_regex(column, RUNS_AS_FORMULA), marked, column)
            )
    return table


def _flush(sink: Any) -> None:
    sink.flush()
    os.fsync(sink.fileno())


def _write_workbook(comparison: Comparison, path: Path) -> None:
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
        "default_date_format": "yyyy-mm-dd",
    }
    with xlsxwriter.Workbook(str(path), options) as workbook:
        bold = workbook.add_format({"bold": True})
        for name in TABLES:
            sheet = workbook.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, comparison[name].num_columns, 16)
            for column, title in enumerate(comparison[name].column_names):
                sheet.write_string(0, column, title, bold)
            _write_rows(sheet, escaped(comparison[name]))
    with path.open("rb+") as written:
        os.fsync(written.fileno())


def _write_rows(sheet: Any, table: pa.Table) -> None:
    n_rows = table.num_rows if table.num_rows <= MAX_SHEET_ROWS else MAX_SHEET_ROWS - 1
    row = 0
    for batch in table.slice(0, n_rows).to_batches(max_chunksize=10_000):
        for record in zip(*(column.to_pylist() for column in batch.columns)):
            row += 1
            for column, value in enumerate(record):
                _write_cell(sheet, row, column, value)
    if n_rows < table.num_rows:
        sheet.write_string(row + 1, 0, f"{table.num_rows - n_rows} rows more: see the CSV or Parquet file")


def _write_cell(sheet: Any, row: int, column: int, value: Any) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value)
    elif value is not None and value != "":
        sheet.write_string(row, column, str(value))
