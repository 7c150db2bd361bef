"""Reading: snapshots for decisions, single records for people, pages of the journal and the outbox."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from engine.ledger import tables
from engine.ledger.cells import Booking, Cell, Lot, Place
from engine.ledger.database import Database, Row, Session
from engine.ledger.records import (
    Availability,
    Changes,
    Delta,
    Entry,
    Event,
    NetworkRecord,
    OrderRecord,
    Reservation,
    Snapshot,
    StockLevel,
)

CHUNK = 20_000  # rows: small enough that other threads get in between
STOCK_SCHEMA = pa.schema(
    [
        ("node_id", pa.string()),
        ("sku", pa.string()),
        ("on_hand", pa.int64()),
        ("reserved", pa.int64()),
        ("safety_stock", pa.int64()),
        ("available_on", pa.date32()),
    ]
)
USED_SCHEMA = pa.schema(
    [
        ("node_id", pa.string()),
        ("service_id", pa.string()),
        ("date", pa.date32()),
        ("shipments", pa.int64()),
        ("units", pa.int64()),
    ]
)


class Reading:
    """The part of a ledger that reads."""

    database: Database

    def now_ms(self) -> int:
        """Return the database's clock."""
        with self.database.reading() as session:
            return self._clock(session)

    def _clock(self, session: Session) -> int:
        return int(session.query(f"SELECT {self.database.now_sql}")[0][0])

    def tenants(self) -> list[str]:
        """Return every tenant that has written."""
        with self.database.reading() as session:
            return [row[0] for row in session.query("SELECT tenant FROM tenants ORDER BY tenant")]

    def network(self, tenant: str, version: int | None = None) -> NetworkRecord | None:
        """Return a network, the current one by default."""
        with self.database.reading() as session:
            number = _tenant(session, tenant)[2] if version is None else version
            rows = session.select(tables.NETWORKS, tables.NETWORKS.key, [(tenant, number)])
        return NetworkRecord(version=rows[0][1], document=bytes(rows[0][2]), created_at_ms=rows[0][3]) if rows else None

    def network_version(self, tenant: str) -> int:
        """Return the current network's version, 0 for none."""
        with self.database.reading() as session:
            return _tenant(session, tenant)[2]

    def last_event(self, tenant: str) -> int:
        """Return the number of the newest event, 0 for none."""
        with self.database.reading() as session:
            return _tenant(session, tenant)[1]

    def snapshot(self, tenant: str) -> Snapshot:
        """Read all stock and all used capacity, consistent with one entry."""
        with self.database.reading(bulk=True) as session:
            entry, _, network_version = _tenant(session, tenant)
            sql = (
                "SELECT node_id, sku, on_hand, external + held, safety, available_on FROM stock WHERE tenant = ?"
                " ORDER BY node_id, sku, available_on"
            )
            chunks = self.database.chunks(session, sql, (tenant,), CHUNK)
            stock = pa.Table.from_batches((_batch(rows, STOCK_SCHEMA) for rows in chunks), STOCK_SCHEMA)
            sql = (
                "SELECT node_id, service_id, ship_date, shipments, units FROM capacity WHERE tenant = ?"
                " AND (shipments > 0 OR units > 0) ORDER BY node_id, service_id, ship_date"
            )
            chunks = self.database.chunks(session, sql, (tenant,), CHUNK)
            used = pa.Table.from_batches((_batch(rows, USED_SCHEMA) for rows in chunks), USED_SCHEMA)
        return Snapshot(entry=entry, network_version=network_version, stock=stock, used=used)

    def changes(self, tenant: str, after: int, *, limit: int = 10_000) -> Changes:
        """Read entries after one as changes of balances."""
        with self.database.reading() as session:
            last, _, network_version = _tenant(session, tenant)
            rows: list[Row] = []
            if last > after:
                rows = session.query(
                    "SELECT entry, debit, credit, node_id, item, day, quantity FROM entries"
                    " WHERE tenant = ? AND entry > ? ORDER BY entry LIMIT ?",
                    (tenant, after, limit),
                )
        deltas = tuple(
            Delta(entry, credit, node_id, item, day, quantity)
            if debit in ("outside", "open")
            else Delta(entry, debit, node_id, item, day, -quantity)
            for entry, debit, credit, node_id, item, day, quantity in rows
        )
        entry = deltas[-1].entry if deltas else max(after, last)
        return Changes(entry=entry, network_version=network_version, complete=entry >= last, deltas=deltas)

    def stock_level(self, tenant: str, node_id: str, sku: str, available_on: str | None = None) -> StockLevel | None:
        """Return one stock row."""
        with self.database.reading() as session:
            cells = _cells(session.select(tables.STOCK, ("tenant", "node_id", "sku"), [(tenant, node_id, sku)]))
        day = available_on or ""
        return cells[0].level(day) if cells and day in cells[0].lots else None

    def availability(
        self, tenant: str, *, skus: Sequence[str], node_ids: Sequence[str] | None = None, by: str | None = None
    ) -> list[Availability]:
        """Return what is there of some skus, at some nodes or all, by node and sku."""
        with self.database.reading() as session:
            if node_ids is None:
                keys: list[Row] = [(tenant, sku) for sku in sorted(set(skus))]
                rows = session.select(tables.STOCK, ("tenant", "sku"), keys)
            else:
                keys = [(tenant, node_id, sku) for node_id in sorted(set(node_ids)) for sku in sorted(set(skus))]
                rows = session.select(tables.STOCK, ("tenant", "node_id", "sku"), keys)
            cells = _cells(rows)
            held = [(tenant, cell.node_id, cell.sku) for cell in cells if cell.held]
            booked: dict[tuple[str, str], dict[str, int]] = {}
            for row in session.select(tables.BOOKED, ("tenant", "node_id", "sku"), held):
                booked.setdefault((row[1], row[2]), {})[row[3]] = row[4]
        return [_available(cell, by or "", booked.get((cell.node_id, cell.sku), {})) for cell in cells]

    def reservation(self, tenant: str, reservation_id: str) -> Reservation | None:
        """Return a reservation."""
        with self.database.reading() as session:
            found = _reservations(session, tenant, "reservation_id", reservation_id)
            return found[0].record(self._clock(session)) if found else None

    def order(self, tenant: str, order_id: str) -> OrderRecord | None:
        """Return an order, its document and its reservations."""
        with self.database.reading() as session:
            rows = session.select(tables.ORDERS, tables.ORDERS.key, [(tenant, order_id)])
            if not rows:
                return None
            now_ms = self._clock(session)
            found = _reservations(session, tenant, "order_id", order_id)
        _, _, state, version, document, updated_ms = rows[0]
        return OrderRecord(
            order_id=order_id,
            state=state,
            version=version,
            document=None if document is None else bytes(document),
            updated_at_ms=updated_ms,
            reservations=tuple(booking.record(now_ms) for booking in found),
        )

    def entries(self, tenant: str, *, after: int = 0, limit: int = 1000) -> list[Entry]:
        """Return a page of the journal."""
        rows = self._page(tables.ENTRIES, "entry", tenant, after, limit)
        names = ("entry", *tables.ENTRIES.columns[2:])
        return [Entry(**dict(zip(names, row[1:]))) for row in rows]

    def events(self, tenant: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
        """Return a page of the outbox."""
        return [event_of(row) for row in self._page(tables.OUTBOX, "event", tenant, after, limit)]

    def _page(self, table: tables.Table, number: str, tenant: str, after: int, limit: int) -> list[Row]:
        with self.database.reading() as session:
            return session.query(
                f"SELECT * FROM {table.name} WHERE tenant = ? AND {number} > ? ORDER BY {number} LIMIT ?",
                (tenant, after, limit),
            )

    def export(self, tenant: str) -> Iterator[tuple[str, pa.Table]]:
        """Yield the ledger as tables, in chunks of one consistent state."""
        exported = (tables.STOCK, tables.RESERVATIONS, tables.POSITIONS, tables.ORDERS, tables.CAPACITY)
        with self.database.reading(bulk=True) as session:
            for table in (*exported, tables.ENTRIES, tables.OUTBOX):
                names = table.columns[1:]
                order = ", ".join(table.key)
                sql = f"SELECT {', '.join(names)} FROM {table.name} WHERE tenant = ? ORDER BY {order}"
                for rows in self.database.chunks(session, sql, (tenant,), CHUNK):
                    types = [_ARROW[table.types[name]] for name in names]
                    columns = [pa.array(column, kind) for column, kind in zip(zip(*rows), types)]
                    yield table.name, pa.Table.from_arrays(columns, names=list(names))


_ARROW = {"text": pa.string(), "bigint": pa.int64(), "bytea": pa.binary()}


def event_of(row: Row) -> Event:
    """Return an event from its row."""
    _, event, at_ms, kind, subject, order_id, data = row
    return Event(event=event, at_ms=at_ms, type=kind, subject=subject, order_id=order_id, data=bytes(data))


def _tenant(session: Session, tenant: str) -> tuple[int, int, int]:
    rows = session.query("SELECT last_entry, last_event, network_version FROM tenants WHERE tenant = ?", (tenant,))
    return (rows[0][0], rows[0][1], rows[0][2]) if rows else (0, 0, 0)


def _batch(rows: list[Row], schema: pa.Schema) -> pa.RecordBatch:
    arrays = []
    for column, field in zip(zip(*rows), schema):
        if field.type == pa.date32():
            if any(column):
                text = pa.array(column, pa.string())
                arrays.append(pc.if_else(pc.equal(text, ""), None, text).cast(pa.date32()))
            else:
                arrays.append(pa.nulls(len(rows), pa.date32()))
        elif field.name == "service_id":
            arrays.append(pa.array([value or None for value in column], pa.string()))
        else:
            arrays.append(pa.array(column, field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _cells(rows: list[Row]) -> list[Cell]:
    cells: dict[tuple[str, str], Cell] = {}
    for row in rows:
        cell = cells.setdefault((row[1], row[2]), Cell(row[1], row[2]))
        cell.lots[row[3]] = Lot((row[4], row[5], row[6], *row[8:]))
        cell.held += row[7]
    return [cells[key] for key in sorted(cells)]


def _available(cell: Cell, by: str, booked: dict[str, int]) -> Availability:
    incoming = tuple((day, lot.on_hand) for day, lot in sorted(cell.lots.items()) if day > by and lot.on_hand)
    external = cell.external()
    return Availability(
        node_id=cell.node_id,
        sku=cell.sku,
        on_hand=cell.supply(by) + external,
        reserved=external + cell.held,
        safety_stock=cell.safety(),
        incoming=incoming,
        available_to_promise=max(0, min(left for _, left in cell.curve(by, booked))),
    )


def _reservations(session: Session, tenant: str, column: str, value: Any) -> list[Booking]:
    rows = session.select(tables.RESERVATIONS, ("tenant", column), [(tenant, value)])
    found = {row[1]: Booking(row[1:], [], row[4]) for row in rows}
    keys = [(tenant, reservation_id) for reservation_id in found]
    for row in session.select(tables.POSITIONS, ("tenant", "reservation_id"), keys):
        found[row[1]].places.append(Place(row[2:], None))
    for booking in found.values():
        booking.places.sort(key=lambda place: place.number)
    return sorted(found.values(), key=lambda booking: (booking.created_ms, booking.reservation_id))
