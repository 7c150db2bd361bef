"""The documents: batches and allocations, read and written in any of the three forms, checked once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from engine.batch import Allocation, Batch, Policy, read_policy
from engine.csv_files import read_csv
from engine.errors import FaultLog, InputError, shown
from engine.json_documents import load_object, report_repeated, rows_sheet
from engine.kinds import TableSchema
from engine.output import allocation_to_document, batch_to_document, write_allocation, write_batch
from engine.parquet_files import read_parquet, table_sheet
from engine.schema import INPUT_TABLES, OUTPUT_TABLES
from engine.tables import Sheet, check_sheets, empty_sheet

__all__ = [
    "Allocation",
    "Batch",
    "InputError",
    "Policy",
    "allocation_to_document",
    "batch_from_tables",
    "batch_to_document",
    "parse_allocation",
    "parse_batch",
    "read_allocation",
    "read_batch",
    "read_prices",
    "write_allocation",
    "write_batch",
]

Schemas = Mapping[str, TableSchema]


def read_batch(source: Path | str) -> Batch:
    """Read and check a batch.

    Parameters
    ----------
    source : Path or str
        A folder of tables (NAME.parquet or NAME.csv) with ``policy.json``, or a JSON document.

    Returns
    -------
    Batch
        With every default filled in.

    Raises
    ------
    InputError
        When anything is wrong; lists the first 100 faults.
    """
    log = _log("policy", INPUT_TABLES)
    beside, sheets = _receive(Path(source), "policy", INPUT_TABLES, "batch", log)
    return _batch(beside, sheets, log)


def read_batch_with(
    source: Path | str,
    what: str,
    extra: Schemas,
    check: Callable[[Policy | None, Mapping[str, pa.Table], FaultLog], None],
) -> tuple[Batch, dict[str, pa.Table]]:
    """Read and check a batch that has further tables beside its own.

    Parameters
    ----------
    source : Path or str
        As in `read_batch`.
    what : str
        What the whole is called in messages.
    extra : mapping of str to TableSchema
        The further tables.
    check : callable
        Called with the policy (None: faults in it were reported), all tables and the log, to report faults that the
        schema does not know of. The tables may lack rows or values where something was reported before.

    Returns
    -------
    batch, tables
        The batch, and the further tables.

    Raises
    ------
    InputError
        When anything is wrong anywhere; lists the first 100 faults.
    """
    schemas = {**INPUT_TABLES, **extra}
    log = FaultLog(["batch", what, "policy", *schemas])
    beside, sheets = _receive(Path(source), "policy", schemas, what, log)
    policy, tables = _checked(beside, sheets, schemas, log)
    check(policy, tables, log)
    log.raise_if_any()
    assert policy is not None
    return Batch(policy, tables), {name: tables[name] for name in extra}


def parse_batch(data: bytes | str | dict[str, Any]) -> Batch:
    """Check a batch that is one JSON document, as text or as already parsed.

    Parameters
    ----------
    data : bytes, str or dict
        The document; bytes are UTF-8.

    Returns
    -------
    Batch
        With every default filled in.

    Raises
    ------
    InputError
        When anything is wrong; lists the first 100 faults.
    """
    log = _log("policy", INPUT_TABLES)
    beside, sheets = _receive_document(data, "policy", INPUT_TABLES, "batch", log)
    return _batch(beside, sheets, log)


def batch_from_tables(policy: Policy | Mapping[str, Any], tables: Mapping[str, pa.Table]) -> Batch:
    """Check a batch that is in memory as Arrow tables; missing columns mean their defaults.

    Parameters
    ----------
    policy : Policy or mapping
        The policy, or its fields.
    tables : mapping of str to Table
        The tables, in any types that a Parquet file could have.

    Returns
    -------
    Batch
        With every default filled in.

    Raises
    ------
    InputError
        When anything is wrong; lists the first 100 faults.
    """
    log = _log("policy", INPUT_TABLES)
    _report_unknown(tables, INPUT_TABLES, log)
    sheets = {name: table_sheet(tables[name], INPUT_TABLES[name], log) for name in INPUT_TABLES if name in tables}
    _report_missing(tables, INPUT_TABLES, "a table", log)
    return _batch(policy, sheets, log)


def read_allocation(source: Path | str) -> Allocation:
    """Read an allocation: the types are checked, the content is not (see `engine.check`).

    Parameters
    ----------
    source : Path or str
        A folder of tables with ``summary.json``, or a JSON document.

    Raises
    ------
    InputError
        When it cannot be read as an allocation; lists the first 100 faults.
    """
    log = _log("summary", OUTPUT_TABLES)
    beside, sheets = _receive(Path(source), "summary", OUTPUT_TABLES, "allocation", log)
    return _allocation(beside, sheets, log)


def parse_allocation(data: bytes | str | dict[str, Any]) -> Allocation:
    """Read an allocation that is one JSON document, as `read_allocation` does."""
    log = _log("summary", OUTPUT_TABLES)
    beside, sheets = _receive_document(data, "summary", OUTPUT_TABLES, "allocation", log)
    return _allocation(beside, sheets, log)


def read_prices(source: Path | str) -> pa.Table:
    """Read the resource prices of an earlier batch.

    Parameters
    ----------
    source : Path or str
        A table prices (``.parquet`` or ``.csv``), or a whole allocation.

    Returns
    -------
    Table
        The columns of the table prices.

    Raises
    ------
    InputError
        When it cannot be read as such; lists the first 100 faults.
    """
    path = Path(source)
    if path.suffix not in (".parquet", ".csv") or path.is_dir():
        return read_allocation(path)["prices"]
    log = _log("summary", OUTPUT_TABLES)
    read = read_csv if path.suffix == ".csv" else read_parquet
    sheet = read(path, OUTPUT_TABLES["prices"], log)
    tables = check_sheets({} if sheet is None else {"prices": sheet}, log)
    log.raise_if_any()
    return tables["prices"]


def _log(beside: str, schemas: Schemas) -> FaultLog:
    return FaultLog(["batch", "allocation", beside, *schemas])


def _batch(policy: Policy | Mapping[str, Any] | None, sheets: dict[str, Sheet], log: FaultLog) -> Batch:
    policy, tables = _checked(policy, sheets, INPUT_TABLES, log)
    log.raise_if_any()
    assert policy is not None
    return Batch(policy, tables)


def _checked(
    policy: Policy | Mapping[str, Any] | None, sheets: dict[str, Sheet], schemas: Schemas, log: FaultLog
) -> tuple[Policy | None, dict[str, pa.Table]]:
    """The policy and the tables, of use only where nothing was reported."""
    if policy is not None and not isinstance(policy, Policy):
        report_repeated(policy, "policy", log)
        policy = read_policy(policy, log)
    for name, schema in schemas.items():
        if schema.optional and name not in sheets:
            sheets[name] = empty_sheet(schema)
    return policy, check_sheets(sheets, log)


def _allocation(summary: Mapping[str, Any] | None, sheets: dict[str, Sheet], log: FaultLog) -> Allocation:
    if summary is not None:
        report_repeated(summary, "summary", log)
        try:
            json.dumps(summary, allow_nan=False)
        except (ValueError, TypeError, RecursionError) as error:
            log.add("summary", shown(str(error)), "JSON without NaN and infinities")
    tables = check_sheets(sheets, log)
    log.raise_if_any()
    assert summary is not None
    return Allocation(tables, dict(summary))


def _receive(
    source: Path, beside: str, schemas: Schemas, what: str, log: FaultLog
) -> tuple[dict[str, Any] | None, dict[str, Sheet]]:
    """Take a folder or a JSON file apart: what stands beside the tables, and the tables."""
    try:
        if source.is_dir():
            return _receive_folder(source, beside, schemas, log)
        data = source.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        log.add(what, f"{shown(str(source))} cannot be read ({reason})", "a folder of tables or a JSON document")
        return None, {}
    return _receive_document(data, beside, schemas, what, log)


def _receive_folder(
    folder: Path, beside: str, schemas: Schemas, log: FaultLog
) -> tuple[dict[str, Any] | None, dict[str, Sheet]]:
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    found: dict[str, list[str]] = {}
    for name in names:
        table, _, suffix = name.rpartition(".")
        if suffix in ("csv", "parquet") and table in schemas:
            found.setdefault(table, []).append(name)
        elif suffix.lower() in ("csv", "parquet") or (suffix == "json" and table in schemas):
            log.add(shown(table), f"unknown table file {shown(name)}", _names(schemas, ".parquet or .csv"))
    sheets: dict[str, Sheet] = {}
    for table, files in found.items():
        if len(files) > 1:
            log.add(table, f"both {files[0]} and {files[1]}", "one of them")
            continue
        if not (folder / files[0]).is_file():  # a pipe or a device would be read for ever
            log.add(table, f"{files[0]} is no file", "a file")
            continue
        read = read_csv if files[0].endswith(".csv") else read_parquet
        sheet = read(folder / files[0], schemas[table], log)
        if sheet is not None:
            sheets[table] = sheet
    for table, schema in schemas.items():
        if table not in found and not schema.optional:
            log.add(table, "missing", f"{table}.parquet or {table}.csv")
    try:
        data = (folder / f"{beside}.json").read_bytes()
    except FileNotFoundError:
        log.add(beside, "missing", f"{beside}.json")
        return None, sheets
    except OSError as error:
        log.add(beside, f"{beside}.json cannot be read ({error.strerror})", "a JSON document")
        return None, sheets
    return load_object(data, beside, log), sheets


def _receive_document(
    data: bytes | str | dict[str, Any], beside: str, schemas: Schemas, what: str, log: FaultLog
) -> tuple[dict[str, Any] | None, dict[str, Sheet]]:
    document = data if isinstance(data, dict) else load_object(data, what, log)
    if document is None:
        return None, {}
    report_repeated(document, what, log)
    _report_unknown([name for name in document if name != beside], schemas, log)
    given = {name: rows for name, rows in document.items() if name in schemas and rows is not None}
    _report_missing(given, schemas, "a list of objects", log)
    sheets = {}
    for name, schema in schemas.items():
        sheet = rows_sheet(given[name], schema, log) if name in given else None
        if sheet is not None:
            sheets[name] = sheet
    found = document.get(beside)
    if found is None:
        log.add(beside, "missing", "an object")
    elif not isinstance(found, dict):
        log.add(beside, shown(found, quoted=True), "an object")
        found = None
    return found, sheets


def _report_unknown(names: Iterable[str], schemas: Schemas, log: FaultLog) -> None:
    for name in names:
        if name not in schemas:
            log.add(shown(name), "unknown table", _names(schemas))


def _report_missing(names: Iterable[str], schemas: Schemas, expected: str, log: FaultLog) -> None:
    for name, schema in schemas.items():
        if name not in names and not schema.optional:
            log.add(name, "missing", expected)


def _names(schemas: Schemas, suffix: str = "") -> str:
    return "one of " + ", ".join(schemas) + (f" with {suffix}" if suffix else "")
