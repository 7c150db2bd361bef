"""Rules of counts: absolute ones, changes, feeds that come late or twice, and what is short after them."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from engine.ledger import tables
from engine.ledger.bulk_counts import count_plain_rows
from engine.ledger.cells import Booking, Cell, Lot
from engine.ledger.commands import AdjustStock, Found, ImportStock, SetOnHand
from engine.ledger.outcomes import Refused, StockAdjusted, StockImported, StockSet
from engine.ledger.records import OrderAtRisk, StockShortage
from engine.ledger.work import Why, Work

MAX_COUNT = 2**31 - 1


def set_on_hand(work: Work, command: SetOnHand) -> StockSet | Refused:
    """Record one absolute count."""
    cell = work.cell(command.node_id, command.sku)
    day = command.available_on or ""
    lot = cell.lots.get(day)
    version = lot.version if lot is not None else 0
    on_hand = lot.on_hand if lot is not None else 0
    if command.if_match is not None and command.if_match != version:
        detail = f"{command.node_id} {command.sku}: version is {version}, expected {command.if_match}"
        return Refused(reason="stale_version", detail=detail, current_version=version)
    if command.compare_on_hand is not None and command.compare_on_hand != on_hand:
        detail = f"{command.node_id} {command.sku}: on_hand is {on_hand}, expected {command.compare_on_hand}"
        return Refused(reason="compare_failed", detail=detail, current_version=version)
    why = Why("count", reference=_reference(command.source, command.sequence))
    given = command.on_hand, command.reserved, command.safety_stock
    applied, changed = _count(work, cell, day, given, command.source, command.sequence, why)
    shortage = find_shortage(work, cell) if changed else None
    return StockSet(level=cell.level(day), applied=applied, shortage=shortage)


def import_stock(work: Work, command: ImportStock) -> StockImported | Refused:
    """Record many absolute counts."""
    rows = stock_rows(command)
    why = Why("count", reference=_reference(command.source, command.sequence))
    n_changed, n_skipped, others = 0, 0, list(rows)
    if work.is_sole:
        n_changed, n_skipped, others = count_plain_rows(work, rows, command.source, command.sequence, why)
    work.load_cells((node_id, sku) for node_id, sku, _ in others)
    touched: dict[tuple[str, str], Cell] = {}
    for node_id, sku, day in others:
        cell = work.cell(node_id, sku)
        given = rows[node_id, sku, day]
        applied, changed = _count(work, cell, day, given, command.source, command.sequence, why)
        n_skipped += not applied
        n_changed += changed
        if changed and cell.held:
            touched[node_id, sku] = cell
    shortages = [find_shortage(work, cell) for cell in touched.values()]
    return StockImported(
        rows=len(rows),
        changed=n_changed,
        skipped=n_skipped,
        shortages=tuple(shortage for shortage in shortages if shortage is not None),
    )


def stock_rows(command: ImportStock) -> dict[tuple[str, str, str], tuple[int, int, int]]:
    """Return the counts of an import by key: the last of rows with the same key."""
    table = command.rows
    n = table.num_rows
    zeros = [0] * n

    def column(name: str) -> list[int]:
        if name not in table.column_names:
            return zeros
        return [value or 0 for value in table.column(name).to_pylist()]

    days = [""] * n
    if "available_on" in table.column_names:
        days = ["" if day is None else str(day) for day in table.column("available_on").to_pylist()]
    keys = zip(table.column("node_id").to_pylist(), table.column("sku").to_pylist(), days)
    return dict(zip(keys, zip(column("on_hand"), column("reserved"), column("safety_stock"))))


def adjust_stock(work: Work, command: AdjustStock) -> StockAdjusted | Refused:
    """Change counts: all of the adjustments that are new, or none."""
    changes: dict[tuple[str, str, str], int] = {}
    for one in command.adjustments:
        key = one.node_id, one.sku, one.available_on or ""
        changes[key] = changes.get(key, 0) + one.delta
    why = Why("adjust", reason_code=command.reason_code, reference=command.reference)
    n_skipped = 0
    touched: dict[tuple[str, str], Cell] = {}
    for (node_id, sku, day), change in changes.items():
        cell = work.cell(node_id, sku)
        lot = work.add_lot(cell, day)
        if command.source is not None and command.sequence is not None:
            if not _is_new(work, cell, day, lot, command.source, command.sequence):
                n_skipped += 1
                if not lot.version:
                    work.put(lot, "version", 1)
                continue
            work.add_feed(cell, day, command.source, command.sequence, change)
            if lot.source in ("", command.source):
                work.put(lot, "source", command.source)
                work.put(lot, "delta_sequence", max(lot.delta_sequence, command.sequence))
        total = lot.on_hand - lot.owed + change
        if total < 0 and command.source is None:
            detail = f"{node_id} {sku}: on_hand is {lot.on_hand} and changes by {change}, expected 0 or more after it"
            return Refused(reason="negative_on_hand", detail=detail)
        if total > MAX_COUNT:
            detail = f"{node_id} {sku}: on_hand would be {total}, expected at most {MAX_COUNT}"
            return Refused(reason="invalid", detail=detail)
        _set_total(work, cell, day, total, why)
        touched[node_id, sku] = cell
    shortages = [find_shortage(work, cell) for cell in touched.values()]
    levels = [work.cell(one.node_id, one.sku).level(one.available_on or "") for one in command.adjustments]
    return StockAdjusted(
        levels=tuple(levels),
        applied=len(changes) - n_skipped,
        skipped=n_skipped,
        shortages=tuple(shortage for shortage in shortages if shortage is not None),
    )


def count_found(work: Work, order_id: str, found: Iterable[Found]) -> tuple[StockShortage, ...]:
    """Record what was counted where lines could not be shipped."""
    shortages = []
    for one in found:
        cell = work.cell(one.node_id, one.sku)
        _, changed = _count(work, cell, "", (one.on_hand, None, None), None, None, Why("found", order_id))
        shortage = find_shortage(work, cell) if changed else None
        if shortage is not None:
            shortages.append(shortage)
    return tuple(shortages)


def find_shortage(work: Work, cell: Cell) -> StockShortage | None:
    """Return, and tell, by how much what is held exceeds the supply, with the orders that would make up for it.

    The orders that ship last and came last are named first, until they hold as many units as are short.
    """
    if cell.held <= cell.supply(""):
        return None
    short = cell.short(work.booked(cell))
    if short <= 0:
        return None
    left = short
    at_risk: list[OrderAtRisk] = []
    for _, booking, quantity in sorted(_holders(work, cell), key=_last_first, reverse=True):
        if left <= 0:
            break
        at_risk.append(OrderAtRisk(order_id=booking.order_id, reservation_id=booking.reservation_id, quantity=quantity))
        left -= quantity
    shortage = StockShortage(node_id=cell.node_id, sku=cell.sku, short=short, orders=tuple(at_risk))
    orders = [{"order_id": o.order_id, "reservation_id": o.reservation_id, "quantity": o.quantity} for o in at_risk]
    data = {"node_id": cell.node_id, "sku": cell.sku, "short": short, "orders": orders}
    work.emit("stock.shortage", f"{cell.node_id}/{cell.sku}", None, orjson.dumps(data))
    return shortage


def _last_first(holder: tuple[str, Booking, int]) -> tuple[str, int, str]:
    return holder[0], holder[1].created_ms, holder[1].reservation_id


def _holders(work: Work, cell: Cell) -> list[tuple[str, Booking, int]]:
    """Return last ship date, reservation and open units of each that holds some of a cell."""
    rows = work.session.query(
        "SELECT p.reservation_id, r.order_id, p.ship_date, p.open, r.created_ms FROM positions p"
        " JOIN reservations r ON r.tenant = p.tenant AND r.reservation_id = p.reservation_id"
        " WHERE p.tenant = ? AND p.node_id = ? AND p.sku = ? AND p.open > 0",
        (work.tenant, cell.node_id, cell.sku),
    )
    in_hand = {booking.reservation_id: booking for booking in work.in_hand()}
    held: dict[str, tuple[str, Booking, int]] = {}

    def add(booking: Booking, day: str, units: int) -> None:
        last, _, total = held.get(booking.reservation_id, ("", booking, 0))
        held[booking.reservation_id] = (max(last, day), booking, total + units)

    for reservation_id, order_id, ship_date, units, created_ms in rows:
        if reservation_id not in in_hand:
            add(Booking((reservation_id, order_id, "", 0, None, created_ms), [], 0), ship_date, units)
    for booking in in_hand.values():
        for place in booking.places:
            if place.open and place.node_id == cell.node_id and place.sku == cell.sku:
                add(booking, place.ship_date, place.open)
    return list(held.values())


def _count(
    work: Work,
    cell: Cell,
    day: str,
    given: tuple[int, int | None, int | None],
    source: str | None,
    sequence: int | None,
    why: Why,
) -> tuple[bool, bool]:
    """Set a row to a count; return whether it was applied, and whether it changed anything."""
    on_hand, external, safety = given
    total = on_hand
    lot = cell.lots.get(day)
    if source is not None and sequence is not None:
        if lot is not None and lot.source == source and sequence <= lot.sequence:
            return False, False
        later = -1  # the last adjustment of the source that came before this count, but belongs after it
        if lot is not None and (lot.source != source or lot.delta_sequence > sequence):
            seen = work.feed_after(cell, day, source)
            total += sum(delta for number, delta in seen.items() if number > sequence)
            later = max((number for number in seen if number > sequence), default=-1)
            _forget(work, cell, day, source, [number for number in seen if number <= sequence])
        lot = work.add_lot(cell, day)
        work.put(lot, "delta_sequence", later)
        work.put(lot, "source", source)
        work.put(lot, "sequence", sequence)
    lot = work.add_lot(cell, day)
    before = lot.version, lot.on_hand, lot.owed
    changed = False
    if external is not None and external != lot.external:
        work.count(cell, day, "external", external - lot.external, why)
        changed = True
    if safety is not None and safety != lot.safety:
        work.count(cell, day, "safety", safety - lot.safety, why)
        changed = True
    if changed or before != (max(1, lot.version), max(0, total), max(0, -total)):
        _set_total(work, cell, day, total, why)
        changed = True
    return True, changed


def _set_total(work: Work, cell: Cell, day: str, total: int, why: Why) -> None:
    """Set a row's count, or what it owes where adjustments took more than is known to be there."""
    lot = cell.lots[day]
    work.count(cell, day, "on_hand", max(0, total) - lot.on_hand, why)
    work.put(lot, "owed", max(0, -total))
    work.put(lot, "version", lot.version + 1)


def _is_new(work: Work, cell: Cell, day: str, lot: Lot, source: str, sequence: int) -> bool:
    """Whether a row has neither counted after, nor seen, an adjustment of a source."""
    if lot.source == source and sequence <= lot.sequence:
        return False
    if lot.source == source and sequence > max(lot.sequence, lot.delta_sequence):
        return True
    return sequence not in work.feed_after(cell, day, source)


def _forget(work: Work, cell: Cell, day: str, source: str, sequences: list[int]) -> None:
    """Drop adjustments that a count has in it."""
    if sequences:
        keys = [(work.tenant, cell.node_id, cell.sku, day, source, sequence) for sequence in sequences]
        work.writes.append(lambda session: session.delete(tables.FEED, keys))


def _reference(source: str | None, sequence: int | None) -> str | None:
    return None if source is None else f"{source}:{sequence}"
