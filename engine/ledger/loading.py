"""Rows in hand: what one tenant's part of a transaction has read, and locked, in sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from engine.ledger import tables
from engine.ledger.cells import Booking, Cell, Lot, Order, Place, Slot
from engine.ledger.database import Row, Session

CellKey = tuple[str, str]
SlotKey = tuple[str, str, str]
Limits = dict[tuple[str, str], tuple[int | None, int | None]]


class Rows:
    """One tenant's rows in one transaction.

    Parameters
    ----------
    session : Session
        The transaction.
    tenant : str
        Whose.
    now_ms : int
        The database's clock.
    """

    def __init__(self, session: Session, tenant: str, now_ms: int) -> None:
        self.session = session
        self.tenant = tenant
        self.now_ms = now_ms
        self.limits: Limits = {}
        self.is_sole = False  # whether one request has the transaction for itself
        self.due_freed = False  # nothing is left whose time is over
        self.last_entry = 0
        self._undo: list[tuple[Any, Any, Any]] = []
        self._marks = [0, 0, 0, 0]
        self._cells: dict[CellKey, Cell] = {}
        self._slots: dict[SlotKey, Slot] = {}
        self._orders: dict[str, Order] = {}
        self._bookings: dict[str, Booking | None] = {}
        self._of_order: dict[str, list[Booking]] = {}
        self._tenant_row: dict[str, int] | None = None
        self._entries: list[tuple[Any, ...]] = []
        self._events: list[tuple[Any, ...]] = []
        self._feed: list[Row] = []
        self.made: dict[Row, Row | None] = {}  # operations and receivers that this transaction makes or changes
        self.writes: list[Any] = []  # rare writes, each a function of the session, done at the end

    def load_cells(self, keys: Iterable[CellKey]) -> None:
        """Read and lock stock rows of some (node, sku)."""
        wanted = sorted({key for key in keys if key not in self._cells})
        for key in wanted:
            self._cells[key] = Cell(*key)
        tenant = self.tenant
        if not self.session.is_alone:
            # what came to a cell while we waited for its first row is seen only by a statement after that
            self.session.select(tables.STOCK, tables.STOCK.key, [(tenant, *key, "") for key in wanted], lock=True)
        by = ("tenant", "node_id", "sku")
        for row in self.session.select(tables.STOCK, by, [(tenant, *key) for key in wanted]):
            cell = self._cells[row[1], row[2]]
            cell.lots[row[3]] = Lot((row[4], row[5], row[6], *row[8:]))
            if row[3] == "":
                cell.held = cell.was_held = row[7]

    def cell(self, node_id: str, sku: str) -> Cell:
        """Return what there is of a sku at a node."""
        key = node_id, sku
        if key not in self._cells:
            self.load_cells([key])
        return self._cells[key]

    def booked(self, cell: Cell) -> dict[str, int]:
        """Return what is held of a cell by ship date, this transaction's changes included."""
        if cell.booked is None:
            key = self.tenant, cell.node_id, cell.sku
            rows = self.session.select(tables.BOOKED, ("tenant", "node_id", "sku"), [key])
            cell.booked = {row[3]: row[4] for row in rows}
        total = dict(cell.booked)
        for day, change in cell.booked_change.items():
            total[day] = total.get(day, 0) + change
        return total

    def load_slots(self, keys: Iterable[SlotKey]) -> None:
        """Read and lock used capacity of some (node, day, service)."""
        wanted = sorted({key for key in keys if key not in self._slots})
        for key in wanted:
            self._slots[key] = Slot()
        keyed = [(self.tenant, *key) for key in wanted]
        for row in self.session.select(tables.CAPACITY, tables.CAPACITY.key, keyed, lock=True):
            self._slots[row[1], row[2], row[3]] = Slot((row[4], row[5]))

    def slot(self, node_id: str, day: str, service_id: str) -> Slot:
        """Return the capacity used of a node, or a service there, on a day."""
        key = node_id, day, service_id
        if key not in self._slots:
            self.load_slots([key])
        return self._slots[key]

    def load_orders(self, order_ids: Iterable[str]) -> None:
        """Read and lock orders, and read and lock their reservations."""
        wanted = sorted({order_id for order_id in order_ids if order_id not in self._orders})
        if not wanted:
            return
        for order_id in wanted:
            self._orders[order_id] = Order(order_id)
            self._of_order[order_id] = []
        keys = [(self.tenant, order_id) for order_id in wanted]
        found = self.session.select(tables.ORDERS, tables.ORDERS.key, keys, lock=True)
        for row in found:
            self._orders[row[1]] = Order(row[1], row[2:])
        by = ("tenant", "order_id")
        known = [(self.tenant, row[1]) for row in found]
        self._take_bookings(self.session.select(tables.RESERVATIONS, by, known, lock=True))
        for booking in self._bookings.values():
            if booking is not None and booking.order_id in self._of_order:
                of_order = self._of_order[booking.order_id]
                if booking not in of_order:
                    of_order.append(booking)
        for order_id in wanted:
            self._of_order[order_id].sort(key=lambda booking: (booking.created_ms, booking.reservation_id))

    def load_bookings(self, reservation_ids: Iterable[str]) -> None:
        """Read and lock reservations."""
        wanted = sorted({one for one in reservation_ids if one not in self._bookings})
        for reservation_id in wanted:
            self._bookings[reservation_id] = None
        keys = [(self.tenant, reservation_id) for reservation_id in wanted]
        self._take_bookings(self.session.select(tables.RESERVATIONS, tables.RESERVATIONS.key, keys, lock=True))

    def _take_bookings(self, rows: Sequence[Row]) -> None:
        taken: dict[str, Booking] = {}
        for row in rows:
            if self._bookings.get(row[1]) is None:
                taken[row[1]] = self._bookings[row[1]] = Booking(row[1:], [], row[4])
        keys = [(self.tenant, reservation_id) for reservation_id in taken]
        by = ("tenant", "reservation_id")
        for row in self.session.select(tables.POSITIONS, by, keys):
            taken[row[1]].places.append(Place(row[2:], (row[10], row[11])))
        for booking in taken.values():
            booking.places.sort(key=lambda place: place.number)
            if booking.order_id in self._of_order and booking not in self._of_order[booking.order_id]:
                self._of_order[booking.order_id].append(booking)

    def order(self, order_id: str) -> Order:
        """Return an order; version 0 where it is new."""
        if order_id not in self._orders:
            self.load_orders([order_id])
        return self._orders[order_id]

    def bookings_of(self, order_id: str) -> list[Booking]:
        """Return an order's reservations, oldest first."""
        self.order(order_id)
        return self._of_order[order_id]

    def booking(self, reservation_id: str) -> Booking | None:
        """Return a reservation."""
        if reservation_id not in self._bookings:
            self.load_bookings([reservation_id])
        return self._bookings[reservation_id]

    def in_hand(self) -> list[Booking]:
        """Return the reservations that were read or made: the database may have them otherwise."""
        return [booking for booking in self._bookings.values() if booking is not None]

    def tenant_row(self) -> dict[str, int]:
        """Return last entry, last event and network version, locked; whoever writes waits here, last of all locks."""
        if self._tenant_row is None:
            rows = self.session.select(tables.TENANTS, ("tenant",), [(self.tenant,)], lock=True)
            if not rows:
                self.session.insert(tables.TENANTS, [(self.tenant, 0, 0, 0, 0)])
            self._tenant_row = dict(zip(tables.TENANTS.columns[1:], rows[0][1:] if rows else (0, 0, 0, 0)))
        return self._tenant_row

    def feed_after(self, cell: Cell, day: str, source: str) -> dict[int, int]:
        """Return the adjustments of a source that a row has seen since its last count, by sequence."""
        key = self.tenant, cell.node_id, cell.sku, day, source
        rows = self.session.select(tables.FEED, tables.FEED.key[:5], [key])
        seen = {row[5]: row[6] for row in rows}
        seen.update({row[5]: row[6] for row in self._feed if row[:5] == key})
        return seen
