"""The unit of work: one tenant's part of one transaction, rows read in sets, changed in memory, written in sets.

Every change of a balance goes through `Work.count`, `Work.book` or `Work.use`, which write the entry with it. A
refused request is undone in memory to where it began: the savepoint of that request.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from engine.ledger import tables
from engine.ledger.cells import Booking, Cell, Lot
from engine.ledger.database import Conflict, Row
from engine.ledger.loading import Limits, Rows
from engine.ledger.records import Delta

__all__ = ["Limits", "Why", "Work"]

_MISSING: Any = object()
_COUNTED = ("on_hand", "external", "safety", "owed", "version", "source", "sequence", "delta_sequence")


class Why(NamedTuple):
    """What an entry says about its cause."""

    kind: str
    order_id: str | None = None
    reservation_id: str | None = None
    reason_code: str | None = None
    reference: str | None = None


class Work(Rows):
    """Rows in hand that can be changed, undone to a mark, and written."""

    # -- savepoints

    def mark(self) -> None:
        """Begin a savepoint: what came before stays."""
        self._undo.clear()
        self._marks = [len(self._entries), len(self._events), len(self._feed), len(self.writes)]

    def undo(self) -> None:
        """Go back to the mark."""
        for target, name, old in reversed(self._undo):
            if type(target) is not dict:
                setattr(target, name, old)
            elif old is _MISSING:
                del target[name]
            else:
                target[name] = old
        self._undo.clear()
        for kept, n in zip((self._entries, self._events, self._feed, self.writes), self._marks):
            del kept[n:]

    def put(self, target: Any, name: str, value: Any) -> None:
        """Set an attribute so that it can be undone."""
        self._undo.append((target, name, getattr(target, name)))
        setattr(target, name, value)

    def put_key(self, target: dict[Any, Any], key: Any, value: Any) -> None:
        """Set a key of a dict so that it can be undone."""
        self._undo.append((target, key, target.get(key, _MISSING)))
        target[key] = value

    # -- changing

    def add_lot(self, cell: Cell, day: str) -> Lot:
        """Return a stock row, new where it has to be."""
        if "" not in cell.lots:
            self.put_key(cell.lots, "", Lot())
            cell.lots[""].version = 1 if day else 0
        if day not in cell.lots:
            self.put_key(cell.lots, day, Lot())
        return cell.lots[day]

    def count(self, cell: Cell, day: str, bucket: str, change: int, why: Why) -> None:
        """Change ``on_hand``, ``external`` or ``safety`` of a stock row."""
        if change:
            lot = cell.lots[day]
            self.put(lot, bucket, getattr(lot, bucket) + change)
            self._enter(why, bucket, "outside", cell.node_id, cell.sku, day, change)

    def book(self, cell: Cell, ship_date: str, change: int, why: Why) -> None:
        """Change what we hold of a sku at a node."""
        self.put(cell, "held", cell.held + change)
        self.put_key(cell.booked_change, ship_date, cell.booked_change.get(ship_date, 0) + change)
        self._enter(why, "reserved", "open", cell.node_id, cell.sku, ship_date, change)

    def enter_count(self, why: Why, node_id: str, sku: str, on_hand: int, external: int, safety: int) -> None:
        """Write the entries of changes of a row that is available now, which `count_in_bulk` writes."""
        if external:
            self._enter(why, "external", "outside", node_id, sku, "", external)
        if safety:
            self._enter(why, "safety", "outside", node_id, sku, "", safety)
        if on_hand:
            self._enter(why, "on_hand", "outside", node_id, sku, "", on_hand)

    def enter_added(self, why: Why, bucket: str, added: list[tuple[str, str, int]]) -> None:
        """Write the entries of units added to rows that are available now: node, sku and how many."""
        kind, *cause = why
        start = (self.now_ms, kind, "outside", bucket)
        self._entries += [(*start, node_id, sku, "", units, *cause) for node_id, sku, units in added]

    def count_in_bulk(self, new: list[Row], changed: list[Row]) -> None:
        """Write stock rows that are not in hand; see `_flush_stock` for what is in them."""
        self.writes.append(lambda session: session.insert(tables.STOCK, new))
        same = ("held", "on_hand", "version")
        self.writes.append(lambda session: session.update(tables.STOCK, (*_COUNTED, "held"), changed, same=same))

    def enter_bookings(self, kind: str, booked: list[tuple[str, str, str, int, str, str]]) -> None:
        """Write the entries of units that are held: node, sku, ship date, units, order and reservation."""
        start = (self.now_ms, kind, "open", "reserved")
        self._entries += [(*start, *row, None, None) for row in booked]

    def forget(self, order_id: str, reservation_id: str) -> None:
        """Let go of an order and a reservation whose rows are written: who needs them reads them."""
        self._orders.pop(order_id, None)
        self._of_order.pop(order_id, None)
        self._bookings.pop(reservation_id, None)

    def use(self, node_id: str, day: str, service_id: str | None, shipments: int, units: int, why: Why) -> None:
        """Change the capacity used of a node and, with a service, of the service there."""
        for service in ("", service_id) if service_id else ("",):
            slot = self.slot(node_id, day, service)
            self.put(slot, "shipments", slot.shipments + shipments)
            self.put(slot, "units", slot.units + units)
        self.enter_use(why, node_id, day, service_id, shipments, units)

    def enter_use(self, why: Why, node_id: str, day: str, service_id: str | None, shipments: int, units: int) -> None:
        """Write the entries of a change of used capacity."""
        if shipments:
            self._enter(why, "shipments", "open", node_id, service_id or "", day, shipments)
        if units:
            self._enter(why, "units", "open", node_id, service_id or "", day, units)

    def _enter(self, why: Why, bucket: str, contra: str, node_id: str, item: str, day: str, change: int) -> None:
        debit, credit = (contra, bucket) if change > 0 else (bucket, contra)
        kind, order_id, reservation_id, reason_code, reference = why
        self._entries.append(
            (
                self.now_ms,
                kind,
                debit,
                credit,
                node_id,
                item,
                day,
                abs(change),
                order_id,
                reservation_id,
                reason_code,
                reference,
            )
        )

    def add_booking(self, booking: Booking) -> None:
        """Put a new reservation in the books."""
        self.put_key(self._bookings, booking.reservation_id, booking)
        of_order = self._of_order[booking.order_id]
        self.put_key(self._of_order, booking.order_id, [*of_order, booking])

    def add_feed(self, cell: Cell, day: str, source: str, sequence: int, delta: int) -> None:
        """Remember that a row has seen an adjustment of a source."""
        self._feed.append((self.tenant, cell.node_id, cell.sku, day, source, sequence, delta))

    def emit(self, kind: str, subject: str, order_id: str | None, data: bytes) -> None:
        """Put an event in the outbox."""
        self._events.append((self.now_ms, kind, subject, order_id, data))

    # -- writing

    @property
    def n_entries(self) -> int:
        """How many entries there are so far."""
        return len(self._entries)

    def deltas(self, start: int, stop: int) -> tuple[Delta, ...]:
        """Return entries as changes, numbered; after `flush`."""
        first = self.last_entry - len(self._entries) + 1
        result = []
        for number in range(start, stop):
            _, _, debit, credit, node_id, item, day, quantity = self._entries[number][:8]
            gained = debit in ("outside", "open")
            bucket, change = (credit, quantity) if gained else (debit, -quantity)
            result.append(Delta(first + number, bucket, node_id, item, day, change))
        return tuple(result)

    def flush(self) -> None:
        """Write everything, and number entries and events, last: the commit must follow."""
        self._flush_stock()
        self._flush_capacity()
        self._flush_bookings()
        self._flush_orders()
        for write in self.writes:
            write(self.session)
        self._flush_numbers()

    def _flush_stock(self) -> None:
        new: list[Row] = []
        heads: list[Row] = []
        others: list[Row] = []
        more: list[Row] = []
        less: list[Row] = []
        tenant = self.tenant
        for (node_id, sku), cell in self._cells.items():
            for day, lot in cell.lots.items():
                now = lot.now()
                key = (tenant, node_id, sku, day)
                if lot.was is None:
                    held = cell.held if day == "" else 0
                    new.append((*key, *now[:3], held, *now[3:]))
                elif day == "" and cell.held != cell.was_held and now == lot.was:
                    heads.append((cell.held, *key, cell.was_held, lot.was[0], lot.was[4]))
                elif now != lot.was or (day == "" and cell.held != cell.was_held):
                    held, was_held = (cell.held, cell.was_held) if day == "" else (0, 0)
                    others.append((*now, held, *key, was_held, lot.was[0], lot.was[4]))
            for day, change in cell.booked_change.items():
                if change > 0:
                    more.append((tenant, node_id, sku, day, change))
                elif change < 0:
                    less.append((change, tenant, node_id, sku, day))
        same = ("held", "on_hand", "version")
        self.session.insert(tables.STOCK, new)
        self.session.update(tables.STOCK, ("held",), heads, same=same)
        self.session.update(tables.STOCK, (*_COUNTED, "held"), others, same=same)
        self.session.add_units(tables.BOOKED, more)
        self._book_less(less)
        self.session.insert(tables.FEED, self._feed)

    def _book_less(self, less: list[Row]) -> None:
        """Lower what is booked: read again, because only the total need have been read before."""
        if not less:
            return
        keys = [row[1:] for row in less]
        found = {row[:4]: row[4] for row in self.session.select(tables.BOOKED, tables.BOOKED.key, keys)}
        left = []
        gone = []
        for change, *key in less:
            before = found.get(tuple(key))
            if before is None or before + change < 0:
                raise Conflict(f"booked {key[1:]}: {before} units, expected at least {-change}")
            if before + change:
                left.append((before + change, *key, before))
            else:
                gone.append(tuple(key))
        self.session.update(tables.BOOKED, ("units",), left, same=("units",))
        if self.session.delete(tables.BOOKED, gone) != len(gone):
            raise Conflict("booked: a row went meanwhile")

    def _flush_capacity(self) -> None:
        new: list[Row] = []
        changed: list[Row] = []
        for key, slot in self._slots.items():
            if slot.was is None:
                if slot.shipments or slot.units:
                    new.append((self.tenant, *key, slot.shipments, slot.units))
            elif (slot.shipments, slot.units) != slot.was:
                changed.append((slot.shipments, slot.units, self.tenant, *key, *slot.was))
        self.session.insert(tables.CAPACITY, new)
        self.session.update(tables.CAPACITY, ("shipments", "units"), changed, same=("shipments", "units"))

    def _flush_bookings(self) -> None:
        new: list[Row] = []
        new_places: list[Row] = []
        changed: list[Row] = []
        changed_places: list[Row] = []
        tenant = self.tenant
        for booking in self._bookings.values():
            if booking is None or booking.version == booking.was_version:
                continue
            own = booking.reservation_id
            if booking.was_version is None:
                new.append(
                    (
                        tenant,
                        own,
                        booking.order_id,
                        booking.state,
                        booking.version,
                        booking.expires_ms,
                        booking.created_ms,
                    )
                )
            else:
                changed.append((booking.state, booking.version, booking.expires_ms, tenant, own, booking.was_version))
            for place in booking.places:
                if place.was is None:
                    new_places.append(
                        (
                            tenant,
                            own,
                            place.number,
                            place.node_id,
                            place.sku,
                            place.ship_date,
                            place.quantity,
                            place.line_id,
                            place.shipment_id,
                            place.service_id,
                            place.open,
                            place.fulfilled,
                        )
                    )
                elif (place.open, place.fulfilled) != place.was:
                    changed_places.append((place.open, place.fulfilled, tenant, own, place.number, *place.was))
        self.session.insert(tables.RESERVATIONS, new)
        self.session.insert(tables.POSITIONS, new_places)
        columns = ("state", "version", "expires_ms")
        self.session.update(tables.RESERVATIONS, columns, changed, same=("version",))
        counted = ("open", "fulfilled")
        self.session.update(tables.POSITIONS, counted, changed_places, same=counted)

    def _flush_orders(self) -> None:
        new: list[Row] = []
        changed: list[Row] = []
        for order in self._orders.values():
            if order.version == (order.was_version or 0):
                continue
            row = (order.state, order.version, order.document, order.updated_ms)
            if order.was_version is None:
                new.append((self.tenant, order.order_id, *row))
            else:
                changed.append((*row, self.tenant, order.order_id, order.was_version))
        self.session.insert(tables.ORDERS, new)
        columns = ("state", "version", "document", "updated_ms")
        self.session.update(tables.ORDERS, columns, changed, same=("version",))

    def _flush_numbers(self) -> None:
        n_entries, n_events = len(self._entries), len(self._events)
        if not n_entries and not n_events and self._tenant_row is None:
            return
        entry, event = self._take_numbers(n_entries, n_events)
        tenant = self.tenant
        rows = [(tenant, number, *rest) for number, rest in enumerate(self._entries, entry + 1)]
        self.session.insert(tables.ENTRIES, rows)
        rows = [(tenant, number, *rest) for number, rest in enumerate(self._events, event + 1)]
        self.session.insert(tables.OUTBOX, rows)
        self.last_entry = entry + n_entries

    def _take_numbers(self, n_entries: int, n_events: int) -> tuple[int, int]:
        """Lock the tenant's row, raise its numbers, and return what they were."""
        if self._tenant_row is None:  # nearly always: one statement is enough
            rows = self.session.query(
                "UPDATE tenants SET last_entry = last_entry + ?, last_event = last_event + ? WHERE tenant = ?"
                " RETURNING last_entry, last_event",
                (n_entries, n_events, self.tenant),
            )
            if rows:
                return rows[0][0] - n_entries, rows[0][1] - n_events
        row = self.tenant_row()
        entry, event = row["last_entry"], row["last_event"]
        columns = ("last_entry", "last_event", "network_version")
        values = (entry + n_entries, event + n_events, row["network_version"], self.tenant)
        self.session.update(tables.TENANTS, columns, [values])
        return entry, event
