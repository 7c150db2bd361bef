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
MANY = 400_000


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
        stock = self.stock
        if skus is not None:
            stock = stock.filter(pc.is_in(stock["sku"], value_set=skus))
        counts, uses = _sums(self.deltas, None if skus is None else set(skus.to_pylist()))
        if counts:
            columns = [*zip(*counts), *zip(*counts.values())]
            columns[2] = tuple(date.fromisoformat(day) if day else None for day in columns[2])
            stock = _added(stock, columns, _STOCK_KEY, _STOCK_UNITS)
        used = self.used
        if uses:
            columns = [*zip(*uses), *zip(*uses.values())]
            columns[1] = tuple(service_id or None for service_id in columns[1])
            columns[2] = tuple(date.fromisoformat(day) for day in columns[2])
            used = _added(used, columns, _USED_KEY, _USED_UNITS)
        return stock, used


Sums = dict[tuple[str, str, str], list[int]]


def _sums(deltas: Sequence[Delta], skus: set[str] | None) -> tuple[Sums, Sums]:
    """Add changes up: of stock (of some skus) by node, sku and day; of capacity by node, service and day."""
    counts: Sums = {}
    uses: Sums = {}
    for _, bucket, node_id, item, day, change in deltas:
        column = _COLUMN.get(bucket)
        if column is None:
            for service_id in ("", item) if item else ("",):
                sums = uses.setdefault((node_id, service_id, day), [0, 0])
                sums[bucket == "units"] += change
        elif skus is None or item in skus:
            # what we hold counts against a (node, sku) whatever its rows: it stands on the row of what is there now
            key = node_id, item, "" if bucket == "reserved" else day
            counts.setdefault(key, [0, 0, 0])[column] += change
    return counts, uses


def _added(table: pa.Table, columns: Sequence[Sequence[object]], key: Sequence[str], units: Sequence[str]) -> pa.Table:
    """Add rows of changes to the rows that have their key; only those are grouped."""
    names = (*key, *units)
    schema = pa.schema([table.schema.field(name) for name in names])
    more = pa.Table.from_arrays([pa.array(column, field.type) for column, field in zip(columns, schema)], schema=schema)
    table = table.select(list(names)).cast(schema)
    touched = pc.is_in(_joined(table, key[:2]), value_set=_joined(more, key[:2]))
    both = pa.concat_tables([table.filter(touched), more])
    summed = both.group_by(list(key), use_threads=False).aggregate([(name, "sum") for name in units])
    changed = pa.Table.from_arrays([summed[name if name in key else f"{name}_sum"] for name in names], schema=schema)
    return pa.concat_tables([table.filter(pc.invert(touched)), changed])


def _joined(table: pa.Table, key: Sequence[str]) -> pa.Array:
    """One text for each row's key; two keys that make the same text are grouped without need, and that is all."""
    columns = [pc.fill_null(table[name], "").combine_chunks() for name in key]
    return pc.binary_join_element_wise(*columns, "\x1f")


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
