"""Batches as one file: a ZIP of MODEL's folder, made by us, or sent by a client and then read with care."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from api.problems import Problem
from engine.batch import Batch, Policy
from engine.documents import parse_batch, read_batch
from engine.errors import Fault, InputError, shown
from engine.schema import INPUT_TABLES

ZIP = "application/zip"
_MAX_FILE_BYTES = 512 << 20  # of all files together, once they are out of the ZIP
_MAX_COLUMN_BYTES = 2 << 30  # of a Parquet file's columns once they are decompressed
_PART = 1 << 20
_NO_ZIP = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, FileExistsError)
"""Broken, exotic or encrypted, or two files of one name."""
_MAX_FILES = 64
_NAME = re.compile("[A-Za-z0-9_][A-Za-z0-9._ -]{0,99}")
_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack_batch(batch: Batch) -> bytes:
    """Return a batch as a ZIP of ``policy.json`` and ``NAME.parquet``; the same batch gives the same bytes."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr(zipfile.ZipInfo("policy.json", _EPOCH), orjson.dumps(batch.policy.to_document()))
        for name, table in batch.tables.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.parquet", _EPOCH), table_bytes(table))
    return sink.getvalue()


def table_bytes(table: pa.Table) -> bytes:
    """Return a table as a Parquet file."""
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def unpack_batch(raw: bytes) -> Batch:
    """Return a batch that `pack_batch` packed; it was checked before that, and is not again."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        policy = Policy.model_validate_json(archive.read("policy.json"))
        tables = {name: pq.read_table(io.BytesIO(archive.read(f"{name}.parquet"))) for name in INPUT_TABLES}
    return Batch(policy, {name: table.cast(INPUT_TABLES[name].arrow_schema) for name, table in tables.items()})


def read_packed(raw: bytes) -> Batch:
    """Read and check a ZIP from a client: the files of a batch's folder, or one JSON document.

    Parameters
    ----------
    raw : bytes
        The body. All files may stand in one folder in it.

    Raises
    ------
    InputError
        With the first 100 faults.
    Problem
        413 when it expands to too much.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive, TemporaryDirectory(prefix="nodewise-") as folder:
            names = _extract(archive, Path(folder))
            if len(names) == 1 and names[0].endswith(".json"):
                return parse_batch((Path(folder) / names[0]).read_bytes())
            return read_batch(folder)
    except _NO_ZIP as error:
        raise _refused(f"the body cannot be read ({shown(str(error))})", "a ZIP file") from None


def _extract(archive: zipfile.ZipFile, folder: Path) -> list[str]:
    """Write the files that a batch can have into a folder, by their last names alone; returns those."""
    files = [entry for entry in archive.infolist() if not entry.is_dir()]
    places = {entry.filename.rpartition("/")[0] for entry in files}
    if len(files) > _MAX_FILES or len(places) > 1:
        raise _refused(f"{len(files)} files in {len(places)} folders", f"up to {_MAX_FILES} files in one folder")
    if not files:
        raise _refused("no file", "the tables of a batch, or one JSON document")
    left, names = _MAX_FILE_BYTES, []
    for entry in files:
        name = entry.filename.rpartition("/")[2]
        if not _NAME.fullmatch(name):
            raise _refused(f"a file called {shown(entry.filename)}", "a plain name")
        with archive.open(entry) as source, (folder / name).open("xb") as target:
            while part := source.read(_PART):  # what it says of its size need not be true
                left -= len(part)
                if left < 0:
                    raise _too_large(_MAX_FILE_BYTES)
                target.write(part)
        if name.endswith(".parquet"):
            _refuse_bomb(folder / name)
        names.append(name)
    return names


def _refuse_bomb(path: Path) -> None:
    try:
        meta = pq.ParquetFile(path, arrow_extensions_enabled=False).metadata
    except (pa.ArrowException, OSError, ValueError):
        return  # reading it as a table says so, by its name
    if sum(meta.row_group(at).total_byte_size for at in range(meta.num_row_groups)) > _MAX_COLUMN_BYTES:
        raise _too_large(_MAX_COLUMN_BYTES)


def _too_large(limit: int) -> Problem:
    return Problem(413, "too-large", f"the file expands to more than {limit} bytes")


def _refused(value: str, expected: str) -> InputError:
    return InputError([Fault(table="batch", row=None, column=None, value=value, expected=expected)])
