"""What the edits share: a batch with some tables replaced, columns changed where a flag is set, rows added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.batch import Batch
from engine.keys import key_text
from engine.network import IntArray
from engine.scenario.selecting import Flags, flags
from engine.schema import INPUT_TABLES


def with_tables(batch: Batch, **tables: pa.Table) -> Batch:
    """Return the batch with some of its tables replaced."""
    return Batch(batch.policy, {**batch.tables, **tables})


def with_column(table: pa.Table, name: str, values: Any, where: Flags) -> pa.Table:
    """Return the table with the values of a column replaced where a flag is set; untouched where none is.

    Parameters
    ----------
    table : Table
        The table.
    name : str
        The column.
    values : Array, array or scalar
        The new values: of every row, or one for all; None for null.
    where : array of bool
        Which rows change.
    """
    if not where.any():
        return table
    at = table.schema.get_field_index(name)
    field = table.schema.field(at)
    new = pa.array(values, field.type) if isinstance(values, np.ndarray | pa.Array) else pa.scalar(values, field.type)
    return table.set_column(at, field, pc.if_else(pa.array(where), new, table.column(at).combine_chunks()))


def rows_where(table: pa.Table, column: str, names: Sequence[str]) -> Flags:
    """Return which rows have one of these values in a column."""
    return flags(pc.is_in(table.column(column), value_set=pa.array(list(names), pa.string())))


def with_rows(batch: Batch, name: str, rows: Sequence[Mapping[str, Any]]) -> Batch:
    """Return the batch with rows added at the end of a table; columns that they lack have their defaults."""
    if not rows:
        return batch
    schema = INPUT_TABLES[name]
    filled = [{column.name: row.get(column.name, column.default) for column in schema.columns} for row in rows]
    added = pa.Table.from_pylist(filled, schema=schema.arrow_schema)
    return with_tables(batch, **{name: pa.concat_tables([batch[name], added])})


def scaled(values: IntArray, bp: int) -> IntArray:
    """Return values times so many basis points, halves up; nothing is lost below 2^62."""
    return (values * bp + 5000) // 10_000


def scaled_down(values: IntArray, bp: int) -> IntArray:
    """Return values times so many basis points, rounded down."""
    return values * bp // 10_000


def in_canonical_order(base: Batch, changed: Batch) -> Batch:
    """Return the batch with added rows last, by key: so that the order of edits that commute leaves no trace.

    Rows that the base has keep its order; edits never move them.
    """
    tables = {}
    for name, schema in INPUT_TABLES.items():
        table = changed[name]
        if table is base[name] or table.num_rows == 0:
            continue
        added = ~flags(pc.is_in(key_text(table, schema.key), value_set=key_text(base[name], schema.key)))
        if added.any():
            last = table.filter(pa.array(added)).sort_by([(column, "ascending") for column in schema.key])
            tables[name] = pa.concat_tables([table.filter(pa.array(~added)), last]).combine_chunks()
    return with_tables(changed, **tables) if tables else changed
