"""The network and its stock in memory, as decisions see it; changed in place, rebuilt aside."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime

import numpy as np
import pyarrow as pa

from engine.calendar import day_number
from engine.documents import Batch
from engine.errors import Fault, InputError, shown
from engine.live.capacity import NO_SERVICE, NOTHING_USED, UsedChanges
from engine.live.dates import day_of
from engine.live.prices import LivePrices
from engine.live.state import Base, State, all_stock, all_used, base_of, build_state, contents_of
from engine.live.stock import NO_STOCK, StockChanges
from engine.live.types import CapacityTaken, Decision, Position, StockDelta, UsedDelta
from engine.network import NOW
from engine.rates import pair_of


class Snapshot:
    """A network, its sellable stock and its free capacity, shared by all threads that decide.

    Its supply is at any time what :mod:`engine.network` would compute for the same tables, but for stock rows that wait
    for a rebuild (``waiting``): until then less is counted than there is, never more.

    All methods, and :func:`engine.live.decide`, :func:`engine.live.promise` and :func:`engine.live.explain`, may be
    called from any thread. They take turns, but :meth:`rebuild` works aside and only its last step waits.
    """

    def __init__(self, batch: Batch) -> None:
        """Build from the network documents, the stock (``reserved`` with our reservations) and ``used``.

        Parameters
        ----------
        batch : Batch
            Validated; orders and lines are ignored. ``policy.as_of`` says which ship dates there are.
        """
        self._lock = threading.Lock()
        self._rebuilding = threading.Lock()
        self._journal: list[tuple[StockChanges, UsedChanges]] | None = None
        base, stock, used = base_of(batch)
        self._state = build_state(base, stock, used, batch.policy.as_of)

    @property
    def base(self) -> Base:
        """The network's documents and names, for the other modules of this package; never changes."""
        return self._state.base

    @property
    def as_of(self) -> datetime:
        """The instant whose ship dates the snapshot has."""
        return self._state.as_of

    @property
    def valid_until(self) -> datetime:
        """The first instant at which the ship dates of some node may be others: rebuild then."""
        return self._state.valid_until

    @property
    def waiting(self) -> int:
        """How many stock rows wait for a rebuild: pairs of node and sku, and dates, that were not there before."""
        return self._state.n_waiting

    @property
    def node_ids(self) -> list[str]:
        """The nodes, in the order of the documents."""
        return list(self.base.names.node_id)

    def knows_sku(self, sku: str) -> bool:
        """Whether the network has the item."""
        return sku in self.base.sku_of

    def knows_node(self, node_id: str) -> bool:
        """Whether the network has the node."""
        return node_id in self.base.node_of

    def apply(self, stock: Iterable[StockDelta] = (), used: Iterable[UsedDelta] = ()) -> None:
        """Change stock and used capacity in place, all or nothing.

        Rows that were not there are kept for the next rebuild; what they hold back counts at once.

        Raises
        ------
        InputError
            When a node, sku or service is not in the network; nothing is changed then.
        """
        base = self.base
        stock_rows = [(row.sku, row.node_id, row.available_on, row.on_hand, _held(row)) for row in stock]
        used_rows = [(row.node_id, row.service_id, row.date, row.shipments, row.units) for row in used]
        self._change(stock_changes(base, stock_rows), used_changes(base, used_rows))

    def take(self, decision: Decision) -> None:
        """Count what a decision takes as reserved and used; :func:`engine.live.decide` does so with ``take=True``.

        What it takes of nodes, skus and services that the network does not have is passed over.
        """
        self._change(*taken_changes(self.base, decision.positions, decision.capacity, 1))

    def give_back(self, decision: Decision) -> None:
        """Undo :meth:`take`."""
        self._change(*taken_changes(self.base, decision.positions, decision.capacity, -1))

    def rebuild(self, as_of: datetime | None = None) -> None:
        """Compute everything anew, for another instant perhaps, while decisions go on; then swap.

        Meant for a background thread: when :attr:`valid_until` has come, or rows have waited long enough. Changes that
        arrive meanwhile are kept. A second rebuild waits for the first.
        """
        with self._rebuilding:
            with self._lock:
                base, instant = self._state.base, self._state.as_of if as_of is None else as_of
                contents = contents_of(self._state)
                self._journal = []
            try:
                new = build_state(base, all_stock(contents), all_used(contents), instant)
                with self._lock:
                    for changes in self._journal:
                        new.change(*changes)
                    self._state = new
            finally:
                self._journal = None

    def prices(self, table: pa.Table) -> LivePrices:
        """Map a table ``prices`` of MODEL.md section 4 onto the resources of this snapshot.

        Rows of nodes, skus, services or ship dates that are no more are passed over; a stock price counts for the
        interval that holds its date now.
        """
        return LivePrices(self.base, table)

    def sellable(self, node_id: str, sku: str) -> list[tuple[date | None, int]]:
        """The sellable units of a pair by interval: the day that opens it (None: now), and units by then."""
        with self.locked() as state:
            rows = state.rows
            node, number = state.base.node_of[node_id], state.base.sku_of[sku]
            pair = pair_of(rows.sku_first_pair, rows.pair_node, number, node)
            if pair < 0:
                return []
            its = range(int(rows.pair_first_resource[pair]), int(rows.pair_first_resource[pair + 1]))
            days = [int(rows.stock_day[resource]) for resource in its]
            opens = [None if day == NOW else day_of(day) for day in days]
            return [(day, int(rows.supply[resource])) for day, resource in zip(opens, its)]

    @contextmanager
    def locked(self) -> Iterator[State]:
        """The state, for the other modules of this package; nothing else changes it meanwhile."""
        with self._lock:
            yield self._state

    def record(self, stock: StockChanges, used: UsedChanges) -> None:
        """Note a change that the holder of the lock has made to the state, for a rebuild under way."""
        if self._journal is not None:
            self._journal.append((stock, used))

    @property
    def is_rebuilding(self) -> bool:
        """Whether changes have to be recorded."""
        return self._journal is not None

    def _change(self, stock: StockChanges, used: UsedChanges) -> None:
        with self.locked() as state:
            state.change(stock, used)
            self.record(stock, used)


def _held(row: StockDelta) -> int:
    return row.reserved + row.safety_stock


def _day(day: date | None) -> int:
    return NOW if day is None else day_number(day)


def _unknown(table: str, row: int, column: str, name: str, expected: str) -> Fault:
    return Fault(table=table, row=row, column=column, value=shown(name), expected=expected)


def stock_changes(base: Base, rows: Sequence[tuple[str, str, date | None, int, int]]) -> StockChanges:
    """Rows of (sku, node_id, available_on, on_hand, held) in numbers."""
    if not rows:
        return NO_STOCK
    faults = []
    for i, row in enumerate(rows, 1):
        if row[1] not in base.node_of:
            faults.append(_unknown("stock", i, "node_id", row[1], "a node_id of nodes"))
        if row[0] not in base.sku_of:
            faults.append(_unknown("stock", i, "sku", row[0], "a sku of items"))
    if faults:
        raise InputError(faults)
    numbers = [(base.sku_of[sku], base.node_of[node_id], _day(day), *rest) for sku, node_id, day, *rest in rows]
    return StockChanges(*np.array(numbers, np.int64).T.copy())


def used_changes(base: Base, rows: Sequence[tuple[str, str | None, date, int, int]]) -> UsedChanges:
    """Rows of (node_id, service_id, date, shipments, units) in numbers."""
    if not rows:
        return NOTHING_USED
    faults = []
    for i, row in enumerate(rows, 1):
        if row[0] not in base.node_of:
            faults.append(_unknown("used", i, "node_id", row[0], "a node_id of nodes"))
        if row[1] is not None and row[1] not in base.service_of:
            faults.append(_unknown("used", i, "service_id", row[1], "a service_id of services"))
    if faults:
        raise InputError(faults)
    numbers = [
        (base.node_of[node_id], NO_SERVICE if service_id is None else base.service_of[service_id], _day(day), *rest)
        for node_id, service_id, day, *rest in rows
    ]
    return UsedChanges(*np.array(numbers, np.int64).T.copy())


def taken_changes(
    base: Base, positions: Iterable[Position], capacity: Iterable[CapacityTaken], sign: int
) -> tuple[StockChanges, UsedChanges]:
    """What taking (sign 1) or giving back (-1) changes: units reserved, capacity used.

    What a decision took of nodes, skus and services that the network no longer has is passed over.
    """
    nodes, skus, services = base.node_of, base.sku_of, base.service_of
    return (
        stock_changes(
            base,
            [
                (row.sku, row.node_id, None, 0, sign * row.quantity)
                for row in positions
                if row.node_id in nodes and row.sku in skus
            ],
        ),
        used_changes(
            base,
            [
                (row.node_id, row.service_id, row.date, sign * row.shipments, sign * row.units)
                for row in capacity
                if row.node_id in nodes and (row.service_id is None or row.service_id in services)
            ],
        ),
    )
