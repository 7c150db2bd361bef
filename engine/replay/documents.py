"""The stream as a document: a batch with the instant each order was placed, and how often nodes say no."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.batch import Batch, Policy, read_instant
from engine.documents import read_batch_with
from engine.errors import FaultLog, Place, shown
from engine.kinds import MAX_TEXT, Column, TableSchema
from engine.network import IntArray
from engine.output import Format, write_documents
from engine.schema import INPUT_TABLES

_ID: Mapping[str, Column] = {
    table: Column(name=column, kind="text", required=True, max_length=MAX_TEXT, refers_to=(table, column))
    for table, column in (("orders", "order_id"), ("nodes", "node_id"))
}
STREAM_TABLES: Mapping[str, TableSchema] = {
    "stream": TableSchema(
        name="stream",
        key=("order_id",),
        columns=(_ID["orders"], Column(name="placed_at", kind="datetime", required=True)),
    ),
    "rejects": TableSchema(
        name="rejects",
        key=("node_id",),
        optional=True,
        columns=(_ID["nodes"], Column(name="reject_bp", kind="int", required=True, low=0, high=10_000)),
    ),
}
MOST_DAYS = 366
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACED = f"an instant from policy.as_of on, at most {MOST_DAYS} days later"


@dataclass(frozen=True, kw_only=True, eq=False)
class Stream:
    """Orders as they come in. Reading one checks it; building one by hand does not.

    Parameters
    ----------
    batch : Batch
        Everything a batch has; ``policy.as_of`` is when the stream begins, and ``horizon_days`` how far ahead each
        decision may ship. ``available_on`` of stock is when it is replenished; capacity is new every day.
    placed_at : int64[n_orders]
        When each order of the orders table was placed, in microseconds since 1970-01-01 UTC.
    reject_bp : int64[n_nodes]
        How often each node of the nodes table says no to an order, in basis points; -1: as often as the run says.
    """

    batch: Batch
    placed_at: IntArray
    reject_bp: IntArray

    def digest(self) -> str:
        """SHA-256, in hexadecimal, of the content; the same whatever form or file it was read from."""
        sha = hashlib.sha256(json.dumps(self.batch.policy.to_document(), sort_keys=True).encode())
        for name in INPUT_TABLES:
            for column in self.batch[name].itercolumns():
                for piece in _bytes_of(column):
                    sha.update(piece)
        sha.update(self.placed_at.astype("<i8").tobytes())
        sha.update(self.reject_bp.astype("<i8").tobytes())
        return sha.hexdigest()


def _bytes_of(column: pa.ChunkedArray) -> Iterator[bytes]:
    """The content of a column, however it is laid out in memory."""
    yield np.packbits(column.is_null().to_numpy()).tobytes()
    if pa.types.is_string(column.type):
        texts = pc.fill_null(column, "")
        yield pc.binary_length(texts).to_numpy().astype("<i8").tobytes()
        yield "".join(texts.to_pylist()).encode()
        return
    if pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    zero = pa.scalar(False if pa.types.is_boolean(column.type) else 0, column.type)
    values = pc.fill_null(column, zero).to_numpy()
    yield values.astype(values.dtype.newbyteorder("<")).tobytes()


def micros(instant: datetime) -> int:
    """An instant in microseconds since 1970-01-01 UTC."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def read_stream(source: Path | str) -> Stream:
    """Read and check a stream.

    Parameters
    ----------
    source : Path or str
        A batch in any of its forms, with the table ``stream`` (order_id, placed_at) and perhaps ``rejects`` (node_id,
        reject_bp) beside the others.

    Raises
    ------
    InputError
        When anything is wrong; lists the first 100 faults.
    """
    placed: list[IntArray] = []

    def check(policy: Policy | None, tables: Mapping[str, pa.Table], log: FaultLog) -> None:
        if "stream" in tables and "orders" in tables:
            placed.append(_placed(policy, tables["orders"], tables["stream"], log))

    batch, tables = read_batch_with(source, "stream", STREAM_TABLES, check)
    reject_bp = np.full(batch["nodes"].num_rows, -1, np.int64)
    rejects = tables["rejects"]
    at = pc.index_in(rejects["node_id"], value_set=batch["nodes"]["node_id"].combine_chunks()).to_numpy()
    reject_bp[at] = rejects["reject_bp"].to_numpy()
    return Stream(batch=batch, placed_at=placed[0], reject_bp=reject_bp)


def write_stream(stream: Stream, path: Path | str, format: Format | None = None) -> None:
    """Write a stream, whole or not at all, as `engine.write_batch` writes a batch."""
    batch = stream.batch
    told = np.flatnonzero(stream.reject_bp >= 0)
    instants = pa.array(stream.placed_at, pa.timestamp("us", "UTC")).cast(pa.string())
    extra = {
        "stream": pa.table({"order_id": batch["orders"]["order_id"], "placed_at": instants}),
        "rejects": pa.table(
            {"node_id": batch["nodes"]["node_id"].take(pa.array(told)), "reject_bp": stream.reject_bp[told]}
        ),
    }
    schemas = {**INPUT_TABLES, **STREAM_TABLES}
    tables = {
        name: table.select(schemas[name].column_names).cast(schemas[name].arrow_schema).combine_chunks()
        for name, table in {**batch.tables, **extra}.items()
    }
    write_documents(tables, "policy", batch.policy.to_document(), Path(path), format, "stream")


def _placed(policy: Policy | None, orders: pa.Table, stream: pa.Table, log: FaultLog) -> IntArray:
    """When each order was placed; reports what cannot be read, is too early or late, or is missing."""
    texts: list[str | None] = stream["placed_at"].to_pylist()
    begin = None if policy is None else micros(policy.as_of)
    instant = np.zeros(len(texts), np.int64)
    bad = np.zeros(len(texts), np.bool_)
    for row, text in enumerate(texts):
        if text is None:
            continue  # reported by the schema
        try:
            found = read_instant(text)
            assert isinstance(found, datetime)
            instant[row] = micros(found)
        except ValueError:
            bad[row] = True
    place = Place(log=log, table="stream", column="placed_at")
    show = _shower(texts)
    place.report_rows(bad, show, STREAM_TABLES["stream"].columns[1].expected)
    if begin is not None:
        given = np.array([text is not None for text in texts], np.bool_) & ~bad
        off = given & ((instant < begin) | (instant > begin + MOST_DAYS * 86_400_000_000))
        place.report_rows(off, show, _PLACED)
    order_ids = orders["order_id"].combine_chunks()
    row_of = pc.index_in(order_ids, value_set=stream["order_id"].combine_chunks())
    absent = np.asarray(row_of.is_null().to_numpy(zero_copy_only=False), np.bool_)
    Place(log=log, table="orders", column="order_id").report_rows(
        absent, lambda row: shown(order_ids[row].as_py()), "a row of it in stream"
    )
    return np.asarray(instant[pc.fill_null(row_of, 0).to_numpy()] if len(texts) else np.zeros(0), np.int64)


def _shower(texts: list[str | None]) -> Callable[[int], str]:
    def show(row: int) -> str:
        return shown(texts[row])

    return show
