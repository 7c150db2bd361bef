"""Writes documents, whole or not at all: beside the target first, then in its place."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from engine.batch import Allocation, Batch
from engine.errors import Fault, InputError, shown
from engine.kinds import TableSchema
from engine.schema import INPUT_TABLES, OUTPUT_TABLES

Format = Literal["parquet", "csv", "json"]


def write_allocation(allocation: Allocation, path: Path | str, format: Format | None = None) -> None:
    """Write an allocation, whole or not at all. The same allocation gives the same bytes.

    Parameters
    ----------
    allocation : Allocation
        What to write.
    path : Path or str
        A folder for the tables and ``summary.json``, or, for JSON, one file. Replaced only where it is empty
        or holds an earlier allocation.
    format : {"parquet", "csv", "json"}, optional
        Default: JSON for a path that ends in ``.json``, else Parquet.

    Raises
    ------
    InputError
        When the target holds anything else, or cannot be written.
    """
    tables = _conformed(allocation.tables, OUTPUT_TABLES)
    write_documents(tables, "summary", allocation.summary, Path(path), format, "allocation")


def write_batch(batch: Batch, path: Path | str, format: Format | None = None) -> None:
    """Write a batch in the same way as `write_allocation`, with ``policy.json`` beside the tables."""
    tables = _conformed(batch.tables, INPUT_TABLES)
    write_documents(tables, "policy", batch.policy.to_document(), Path(path), format, "batch")


def batch_to_document(batch: Batch) -> dict[str, Any]:
    """Return a batch as one JSON document: the policy, then each table as a list of objects."""
    tables = _conformed(batch.tables, INPUT_TABLES)
    return {"policy": batch.policy.to_document(), **{name: _rows(table) for name, table in tables.items()}}


def allocation_to_document(allocation: Allocation) -> dict[str, Any]:
    """Return an allocation as one JSON document: the summary, then each table as a list of objects."""
    tables = _conformed(allocation.tables, OUTPUT_TABLES)
    return {"summary": allocation.summary, **{name: _rows(table) for name, table in tables.items()}}


def _conformed(tables: Mapping[str, pa.Table], schemas: Mapping[str, TableSchema]) -> dict[str, pa.Table]:
    """Return the tables with columns and types in the one form in which they are written."""
    return {
        name: tables[name].select(schema.column_names).cast(schema.arrow_schema).combine_chunks()
        for name, schema in schemas.items()
    }


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    dates = [at for at, field in enumerate(table.schema) if pa.types.is_date(field.type)]
    for at in dates:
        table = table.set_column(at, table.schema.field(at).name, table.column(at).cast(pa.string()))
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _json_text(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)


def write_documents(
    tables: Mapping[str, pa.Table],
    beside: str,
    extra: Mapping[str, Any],
    path: Path,
    format: Format | None,
    what: str,
) -> None:
    """Write tables with one JSON object beside them, as `write_allocation` does.

    Parameters
    ----------
    tables : mapping of str to Table
        The tables, in the columns and types in which they are written.
    beside, extra : str and mapping
        Name and content of the object.
    path, format
        As in `write_allocation`.
    what : str
        What it is called in messages.
    """
    target = _resolved(path, what)
    chosen = format or ("json" if target.suffix == ".json" else "parquet")
    if chosen != "json" and target.suffix == ".json":
        raise _refusal(what, f"{shown(str(path))} for {chosen}", "a folder")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if chosen == "json":
            _replace_file(target, lambda into: _write_document(into, beside, extra, tables), beside, what)
            return
        _replace_folder(target, lambda into: _write_tables(into, beside, extra, tables, chosen), beside, tables, what)
    except OSError as error:
        raise _refusal(
            what, f"{shown(str(path))} cannot be written ({error.strerror})", "a place that can be written"
        ) from error


def _refusal(what: str, value: str, expected: str) -> InputError:
    return InputError([Fault(table=what, row=None, column=None, value=value, expected=expected)])


def _resolved(path: Path, what: str) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise _refusal(what, f"{shown(str(path))} leads nowhere", "a path that can be written") from error


def _write_document(into: Path, beside: str, extra: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> None:
    with into.open("w", encoding="utf-8", newline="\n") as sink:
        sink.write(f'{{"{beside}": {_json_text(extra)}')
        for name, table in tables.items():
            sink.write(f',\n"{name}": [')
            for at, row in enumerate(_rows(table)):
                sink.write(("\n" if at == 0 else ",\n") + _json_text(row))
            sink.write("]")
        sink.write("}\n")
        _flush(sink.fileno(), sink.flush)


def _write_tables(
    into: Path, beside: str, extra: Mapping[str, Any], tables: Mapping[str, pa.Table], format: Format
) -> None:
    for name, table in tables.items():
        with (into / f"{name}.{format}").open("wb") as sink:
            if format == "csv":
                pa_csv.write_csv(table, sink)
            else:
                pq.write_table(table, sink, compression="zstd")
            _flush(sink.fileno(), sink.flush)
    with (into / f"{beside}.json").open("w", encoding="utf-8", newline="\n") as text:
        text.write(_json_text(extra, indent=2) + "\n")
        _flush(text.fileno(), text.flush)


def _flush(descriptor: int, flush: Callable[[], None]) -> None:
    flush()
    os.fsync(descriptor)


def _free_name(target: Path, role: str) -> Path:
    for number in count():
        candidate = target.with_name(f".{target.name}.{role}-{os.getpid()}-{number}")
        if not os.path.lexists(candidate):
            return candidate
    raise AssertionError  # count() does not end


def _replace_file(target: Path, write: Callable[[Path], None], beside: str, what: str) -> None:
    if target.exists():
        start = f'{{"{beside}": '.encode()
        if not target.is_file() or _head(target, len(start)) not in (b"", start):
            kind = "a folder" if target.is_dir() else "something else"
            raise _refusal(what, f"{shown(str(target))} is {kind}", f"no file or an earlier {what}")
    beside_it = _free_name(target, "new")
    try:
        write(beside_it)
        os.replace(beside_it, target)
    finally:
        beside_it.unlink(missing_ok=True)


def _head(file: Path, n_bytes: int) -> bytes:
    with file.open("rb") as found:
        return found.read(n_bytes)


def _replace_folder(
    target: Path, write: Callable[[Path], None], beside: str, tables: Mapping[str, pa.Table], what: str
) -> None:
    ours = {f"{beside}.json", *(f"{name}.{kind}" for name in tables for kind in ("parquet", "csv"))}
    _refuse_foreign(target, ours, f"{beside}.json", what)
    new = _free_name(target, "new")
    new.mkdir()
    try:
        write(new)
        if not target.exists() or not any(target.iterdir()):
            os.replace(new, target)
            return
        old = _free_name(target, "old")
        os.rename(target, old)
        try:
            os.rename(new, target)
        except BaseException:
            os.rename(old, target)
            raise
        _remove(old, ours)
    finally:
        _remove(new, ours)


def _refuse_foreign(target: Path, ours: set[str], mark: str, what: str) -> None:
    """Refuse a target that holds anything which we would not have written ourselves."""
    if not os.path.lexists(target):
        return
    expected = f"no folder, an empty one or an earlier {what}"
    if not target.is_dir():
        raise _refusal(what, f"{shown(str(target))} is no folder", expected)
    entries = sorted(target.iterdir())
    foreign = [entry.name for entry in entries if entry.name not in ours or not entry.is_file()]
    if foreign:
        raise _refusal(what, f"{shown(str(target))} holds {shown(foreign[0])}", expected)
    if entries and not (target / mark).is_file():
        raise _refusal(what, f"{shown(str(target))} holds no {mark}", expected)


def _remove(folder: Path, ours: set[str]) -> None:
    """Remove a folder of ours; a file that somebody else put there meanwhile keeps it."""
    if not folder.is_dir():
        return
    for name in ours:
        (folder / name).unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()
