"""Stock and used capacity as tables, kept in step with the journal, so that a batch need not read a million rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from engine.ledger.records import Delta

_STOCK_KEY = ("node_id", "sku", "available_on")
_STOCK_UNITS = ("on_hand", "reserved", "safety_stock")
_USED_KEY = ("node_id", "service_id", "date")
_USED_UNITS = ("shipments", "units")
_COLUMN = {"on_hand": 0, "external": 1, "reserved": 1, "safety": 2}
MANY = 100_000


class Tables(NamedTuple):
    """MODEL's ``stock`` and ``used``, and the changes that are not in them yet."""

    stock: pa.Table
    used: pa.Table
    deltas: Sequence[Delta]

    def current(self, skus: pa.Array | None = None) -> tuple[pa.Table, pa.Table]:
        """Return the tables with the changes in them.

        Parameters
        ----------
        skus : Array, optional
            Only the stock of these.
        """
        stock, deltas = self.stock, self.deltas
        if skus is not None:
            stock = stock.filter(pc.is_in(stock["sku"], value_set=skus))
            wanted = set(skus.to_pylist())
        else:
            wanted = None
        changed = [
            (delta.node_id, delta.item, _row_day(delta), delta.bucket, delta.change)
            for delta in deltas
            if delta.bucket in _COLUMN and (wanted is None or delta.item in wanted)
        ]
        if changed:
            nodes, items, days, buckets, changes = zip(*changed)
            units: tuple[list[int], ...] = ([], [], [])
            for bucket, change in zip(buckets, changes):
                for at, column in enumerate(units):
                    column.append(change if _COLUMN[bucket] == at else 0)
            stock = _added(stock, [nodes, items, days, *units], _STOCK_KEY, _STOCK_UNITS)
        taken = [delta for delta in deltas if delta.bucket not in _COLUMN]
        used = self.used
        if taken:
            rows = [
                (
                    delta.node_id,
                    service_id,
                    date.fromisoformat(delta.day),
                    delta.change if delta.bucket == "shipments" else 0,
                    delta.change if delta.bucket == "units" else 0,
                )
                for delta in taken
                for service_id in ((None, delta.item) if delta.item else (None,))
            ]
            used = _added(used, list(zip(*rows)), _USED_KEY, _USED_UNITS)
        return stock, used


def _row_day(delta: Delta) -> date | None:
    # what we hold counts against a (node, sku) whatever its rows: it stands on the row of what is there now
    return date.fromisoformat(delta.day) if delta.day and delta.bucket != "reserved" else None


def _added(table: pa.Table, columns: Sequence[Sequence[object]], key: Sequence[str], units: Sequence[str]) -> pa.Table:
    names = (*key, *units)
    schema = pa.schema([table.schema.field(name) for name in names])
    more = pa.Table.from_arrays([pa.array(column, field.type) for column, field in zip(columns, schema)], schema=schema)
    both = pa.concat_tables([table.select(list(names)).cast(schema), more])
    summed = both.group_by(list(key), use_threads=False).aggregate([(name, "sum") for name in units])
    return pa.Table.from_arrays([summed[name if name in key else f"{name}_sum"] for name in names], schema=schema)


class KeptTables:
    """The tables of a desk. Only the writer's thread changes them.

    Parameters
    ----------
    stock, used : Table
        As the ledger's snapshot has them.
    """

    def __init__(self, stock: pa.Table, used: pa.Table) -> None:
        self._stock = stock
        self._used = used
        self._deltas: list[Delta] = []

    @property
    def n_deltas(self) -> int:
        """How many changes wait to be put into the tables."""
        return len(self._deltas)

    def add(self, deltas: Sequence[Delta]) -> None:
        """Take changes, each once and in order."""
        self._deltas.extend(deltas)

    def now(self) -> Tables:
        """Return what there is now; it does not change any more."""
        return Tables(self._stock, self._used, tuple(self._deltas))

    def replace(self, stock: pa.Table, used: pa.Table, n_deltas: int) -> None:
        """Put tables in place that have the first so many changes in them."""
        self._stock, self._used = stock, used
        del self._deltas[:n_deltas]
