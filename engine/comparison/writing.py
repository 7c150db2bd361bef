"""A comparison as files: Parquet and CSV for programs, a workbook and CSV of another name for spreadsheets."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import xlsxwriter  # type: ignore[import-untyped]

from engine.comparison.comparing import Comparison

SHEET_ROWS = 50_000  # what people look through; a sheet could hold 1,048,575
RUNS_AS_FORMULA = "^[=+\\-@\t\r]"
SUMMARY, WORKBOOK = "comparison.json", "comparison.xlsx"
TABLES = ("costs", "figures", "certainty", "nodes", "moved", "orders")


def file_names() -> frozenset[str]:
    """Return the names of all files that a comparison can have."""
    kinds = ("parquet", "csv", "spreadsheet.csv")
    return frozenset({SUMMARY, WORKBOOK, *(f"{name}.{kind}" for name in TABLES for kind in kinds)})


def write_comparison(comparison: Comparison, folder: Path, *, sheet_rows: int = SHEET_ROWS) -> None:
    """Write a comparison into an empty folder.

    Every table as NAME.parquet, NAME.csv, and NAME.spreadsheet.csv, in which text that a spreadsheet would run as a
    formula has an apostrophe before it; all of them in ``comparison.xlsx``, a sheet each, where it has one too; the
    summary in ``comparison.json``.

    Parameters
    ----------
    comparison : Comparison
        What to write.
    folder : Path
        Where. Writing it whole or not at all is the caller's part.
    sheet_rows : int
        Rows of a sheet: of more, those of the largest differences are there, and the last row says how many are not.
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
    _write_workbook(comparison, folder / WORKBOOK, sheet_rows)
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


def _write_workbook(comparison: Comparison, path: Path, sheet_rows: int) -> None:
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
            table = escaped(_largest(comparison[name], sheet_rows))
            _write_rows(sheet, table, comparison[name].num_rows - table.num_rows)
    with path.open("rb+") as written:
        os.fsync(written.fileno())


def _largest(table: pa.Table, n_rows: int) -> pa.Table:
    """Return the rows of the largest differences, in their order; all of them where there are no more."""
    if table.num_rows <= n_rows or "difference_cents" not in table.column_names:
        return table.slice(0, n_rows)
    size = np.abs(table.column("difference_cents").to_numpy())
    return table.take(pa.array(np.sort(np.argsort(-size, kind="stable")[:n_rows])))


def _write_rows(sheet: Any, table: pa.Table, n_missing: int) -> None:
    row = 0
    for batch in table.to_batches(max_chunksize=10_000):
        for record in zip(*(column.to_pylist() for column in batch.columns)):
            row += 1
            for column, value in enumerate(record):
                _write_cell(sheet, row, column, value)
    if n_missing:
        sheet.write_string(row + 1, 0, f"{n_missing} rows more: see the CSV or Parquet file")


def _write_cell(sheet: Any, row: int, column: int, value: Any) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value)
    elif value is not None and value != "":
        sheet.write_string(row, column, str(value))
