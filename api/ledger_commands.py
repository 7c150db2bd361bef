"""The commands `nodewise ledger`: verify, rebuild, export."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from api.failures import BAD_INPUT, DONE, FAULTS_FOUND, say
from api.money import counted
from engine.ledger import open_ledger
from engine.ledger.records import VerifyReport

_LISTED = 100
_RUNS_AS_FORMULA = "^[=+\\-@\t\r]"


def verify_command(database: str) -> int:
    """Check the ledger; returns the exit code."""
    with closing(open_ledger(database)) as ledger:
        report = ledger.verify()
    _print(report)
    return DONE if report.ok else FAULTS_FOUND


def rebuild_command(database: str) -> int:
    """Set balances to what entries add up to; returns the exit code."""
    with closing(open_ledger(database)) as ledger:
        report = ledger.rebuild()
    _print(report)
    print("balances rebuilt")
    return DONE


def _print(report: VerifyReport) -> None:
    for found in report.differences[:_LISTED]:
        key = " ".join(found.key)
        print(f"{found.tenant}: {found.what} {key} is {found.balance}, expected {found.expected}")
    counts = ", ".join(
        (
            counted(report.n_entries, "journal line"),
            counted(report.n_balances, "balance"),
            counted(report.n_reservations, "reservation"),
        )
    )
    print(f"{counts}: {counted(report.n_differences, 'difference') if report.n_differences else 'all agree'}")


def export_command(database: str, tenant: str, target: str, format: str) -> int:
    """Write a tenant's ledger as tables; returns the exit code."""
    folder = Path(target)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        say(f"{target} exists and is not an empty folder")
        return BAD_INPUT
    folder.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    writers: dict[str, Any] = {}
    try:
        with closing(open_ledger(database)) as ledger:
            for name, table in ledger.export(tenant):
                if format == "spreadsheet":
                    table = escape_formulas(table)
                if name not in writers:
                    path = folder / f"{name}.{'parquet' if format == 'parquet' else 'csv'}"
                    writers[name] = (
                        pq.ParquetWriter(path, table.schema, compression="zstd")
                        if format == "parquet"
                        else pa_csv.CSVWriter(path, table.schema)
                    )
                writers[name].write_table(table)
                counts[name] = counts.get(name, 0) + table.num_rows
    finally:
        for writer in writers.values():
            writer.close()
    print(", ".join(f"{name} {n_rows:,}" for name, n_rows in counts.items()) + f", written to {target}")
    return DONE


def escape_formulas(table: pa.Table) -> pa.Table:
    """Put an apostrophe before text that a spreadsheet would run; only for what is never read back."""
    for at, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            column = table.column(at)
            runs = pc.match_substring_regex(column, _RUNS_AS_FORMULA)
            escaped = pc.binary_join_element_wise(pa.scalar("'", field.type), column, pa.scalar("", field.type))
            table = table.set_column(at, field, pc.if_else(runs, escaped, column))
    return table
