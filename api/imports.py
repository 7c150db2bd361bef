"""Imports of counts: JSON lines, CSV or Parquet, read with the columns of MODEL's table ``stock`` and no others."""

from __future__ import annotations

import io
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json
import pyarrow.parquet as pq

from api.networks import StoredNetwork
from api.problems import Problem
from engine.csv_files import read_csv
from engine.errors import FaultLog, shown
from engine.parquet_files import read_parquet
from engine.schema import INPUT_TABLES
from engine.tables import Sheet, check_sheets

JSON_LINES, CSV, PARQUET = "application/x-ndjson", "text/csv", "application/vnd.apache.parquet"
_STOCK = INPUT_TABLES["stock"]
_MAX_LINE = 1 << 22
_MAX_EXPANDED = 2 << 30  # bytes of a Parquet file's columns once they are decompressed
_LISTED = 10


def read_stock(raw: bytes, kind: str, max_rows: int) -> pa.Table:
    """Read and check rows of stock.

    Parameters
    ----------
    raw : bytes
        The body.
    kind : str
        Its media type.
    max_rows : int
        The most rows.

    Raises
    ------
    InputError
        With the first 100 faults.
    Problem
        413 for too many rows.
    """
    log = FaultLog(["stock"])
    if kind == PARQUET:
        _refuse_bomb(raw, max_rows, log)
    log.raise_if_any()
    sheet = _json_lines(raw, log) if kind == JSON_LINES else _file(raw, kind, log)
    log.raise_if_any()
    assert sheet is not None
    if sheet.n_rows > max_rows:
        raise Problem(413, "too-large", f"there are {sheet.n_rows} rows, expected up to {max_rows}")
    tables = check_sheets({"stock": sheet}, log)
    log.raise_if_any()
    table = tables["stock"]
    for name in ("node_id", "sku"):
        bad = pc.match_substring(table[name], "\0")
        if pc.any(bad, min_count=0).as_py():
            log.add("stock", "a text with a NUL", "text", row=pc.index(bad, True).as_py() + 1, column=name)
    log.raise_if_any()
    return table


def check_known(table: pa.Table, network: StoredNetwork) -> None:
    """Refuse rows of nodes and items that the network does not have.

    Raises
    ------
    InputError
        With the first of each.
    """
    log = FaultLog(["stock"])
    for name, known, where in (("node_id", network.nodes, "nodes"), ("sku", network.items, "items")):
        bad = pc.invert(pc.is_in(table[name], value_set=known))
        n_bad = pc.sum(bad).as_py() or 0
        if n_bad:
            rows = pc.indices_nonzero(bad.combine_chunks() if isinstance(bad, pa.ChunkedArray) else bad)
            for row in rows[:_LISTED].to_pylist():
                log.add("stock", shown(table[name][row].as_py()), f"one of {where}", row=row + 1, column=name)
            log.n_faults += max(0, n_bad - _LISTED)
    log.raise_if_any()


def _file(raw: bytes, kind: str, log: FaultLog) -> Sheet | None:
    with TemporaryDirectory(prefix="nodewise-") as folder:
        path = Path(folder) / ("body.csv" if kind == CSV else "body.parquet")
        path.write_bytes(raw)
        return read_csv(path, _STOCK, log) if kind == CSV else read_parquet(path, _STOCK, log)


def _refuse_bomb(raw: bytes, max_rows: int, log: FaultLog) -> None:
    try:
        meta = pq.ParquetFile(io.BytesIO(raw), arrow_extensions_enabled=False).metadata
        n_rows = meta.num_rows
        expanded = sum(meta.row_group(at).total_byte_size for at in range(meta.num_row_groups))
    except (pa.ArrowException, OSError, ValueError) as error:
        log.add("stock", f"the body cannot be read ({shown(str(error))})", "a Parquet file")
        return
    if n_rows > max_rows:
        raise Problem(413, "too-large", f"there are {n_rows} rows, expected up to {max_rows}")
    if expanded > _MAX_EXPANDED:
        raise Problem(413, "too-large", f"the file expands to {expanded} bytes, expected up to {_MAX_EXPANDED}")


def _json_lines(raw: bytes, log: FaultLog) -> Sheet | None:
    if not raw.strip():
        log.add("stock", "the body is empty", "one JSON object a line")
        return None
    types = {"int": pa.int64(), "date": pa.string()}
    schema = pa.schema([(column.name, types.get(column.kind, pa.string())) for column in _STOCK.columns])
    try:
        table = pa_json.read_json(
            io.BytesIO(raw),
            read_options=pa_json.ReadOptions(block_size=min(max(len(raw), 1 << 20), _MAX_LINE * 8)),
            parse_options=pa_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
        )
    except (pa.ArrowException, ValueError) as error:
        log.add("stock", f"the body cannot be read ({shown(str(error))})", "one JSON object a line")
        return None
    columns = {
        name: table[name].combine_chunks() if not isinstance(table[name], pa.Array) else table[name]
        for name in table.column_names
    }
    flat = {
        name: pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
        for name, column in columns.items()
    }
    return Sheet(schema=_STOCK, form="arrow", n_rows=table.num_rows, columns=flat)
