"""Parquet: only the columns that a table knows, only in types that mean what the column means."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import FaultLog, shown
from engine.kinds import TableSchema
from engine.tables import Sheet, known_columns


def read_parquet(path: Path, schema: TableSchema, log: FaultLog) -> Sheet | None:
    """Read a Parquet file.

    Parameters
    ----------
    path : Path
        The file.
    schema : TableSchema
        The table it should hold.
    log : FaultLog
        Where faults go.

    Returns
    -------
    Sheet or None
        The known columns; None where the file could not be read at all.
    """
    try:
        with path.open("rb") as source:
            file = pq.ParquetFile(source, arrow_extensions_enabled=False)
            found = file.schema_arrow
            known = _known(schema, found.names, log)
            flat = [name for name, at in known.items() if not pa.types.is_nested(found.field(at).type)]
            table = file.read(columns=flat)
    except OSError as error:
        reason = error.strerror or str(error)
        log.add(schema.name, f"{path.name} cannot be read ({shown(reason)})", "a Parquet file")
        return None
    except (pa.ArrowException, ValueError, KeyError, OverflowError) as error:
        log.add(schema.name, f"{path.name} cannot be read ({shown(str(error))})", "a Parquet file")
        return None
    nested = [name for name in known if name not in flat]
    for name in nested:
        log.add(schema.name, "of a nested type", "one value a row", column=name)
    return _sheet(table, {name: table.column_names.index(name) for name in flat}, schema, log, nested)


def table_sheet(table: pa.Table, schema: TableSchema, log: FaultLog) -> Sheet:
    """Return an Arrow table as a sheet; unknown and broken columns are reported and left out."""
    return _sheet(table, _known(schema, table.column_names, log), schema, log, [])


def _sheet(table: pa.Table, places: dict[str, int], schema: TableSchema, log: FaultLog, refused: list[str]) -> Sheet:
    columns = {}
    for name, at in places.items():
        column = table.column(at)
        try:
            column.validate(full=True)
            columns[name] = pa.concat_arrays(column.chunks) if column.num_chunks else column.combine_chunks()
        except (pa.ArrowException, ValueError) as error:
            log.add(schema.name, f"broken ({shown(str(error))})", "a sound column", column=name)
            refused = [*refused, name]
    return Sheet(schema=schema, form="arrow", n_rows=table.num_rows, columns=columns, refused=frozenset(refused))


def _known(schema: TableSchema, names: list[str], log: FaultLog) -> dict[str, int]:
    return known_columns(
        schema, names, lambda name, value, expected: log.add(schema.name, value, expected, column=name)
    )
