"""Rules of what becomes of a reservation: confirmed, fulfilled, released, extended, expired, rejected, cancelled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from engine.ledger.cells import LIVE, Booking, Order, Place
from engine.ledger.commands import CancelOrder, Confirm, Extend, Fulfil, RejectLines, Release
from engine.ledger.outcomes import LinesRejected, OrderCancelled, Refused, ReservationChanged
from engine.ledger.stock_rules import count_found
from engine.ledger.telling import described
from engine.ledger.work import Why, Work


def give_back(work: Work, booking: Booking, places: Sequence[Place], why: Why) -> None:
    """Free what is open of some positions; a shipment's capacity goes with its last position unless some of it left."""
    freed: dict[tuple[str, str, str | None, str], int] = {}
    for place in places:
        if place.open:
            work.book(work.cell(place.node_id, place.sku), place.ship_date, -place.open, why)
            if place.shipment_id is not None:
                key = place.node_id, place.ship_date, place.service_id, place.shipment_id
                freed[key] = freed.get(key, 0) + place.open
            work.put(place, "open", 0)
    kept = {
        (place.node_id, place.ship_date, place.service_id, place.shipment_id)
        for place in booking.places
        if place.open or place.fulfilled
    }
    for key, units in freed.items():
        node_id, day, service_id, _ = key
        work.use(node_id, day, service_id, 0 if key in kept else -1, -units, why)


def expire(work: Work, booking: Booking) -> None:
    """Free a hold whose time is over."""
    give_back(work, booking, booking.places, Why("expire", booking.order_id, booking.reservation_id))
    _become(work, booking, "EXPIRED")


def expire_due(work: Work, limit: int | None = None) -> int:
    """Free every hold of the tenant whose time is over, oldest first; return how many."""
    rows = work.session.query(
        "SELECT reservation_id FROM reservations WHERE tenant = ? AND state = 'HELD' AND expires_ms IS NOT NULL"
        " AND expires_ms <= ? ORDER BY expires_ms" + (" LIMIT ?" if limit is not None else ""),
        (work.tenant, work.now_ms) if limit is None else (work.tenant, work.now_ms, limit),
    )
    work.load_bookings(row[0] for row in rows)
    due = [booking for booking in work.in_hand() if booking.is_due(work.now_ms)]
    work.load_cells((place.node_id, place.sku) for booking in due for place in booking.places)
    for booking in due:
        expire(work, booking)
    work.due_freed = work.due_freed or limit is None
    return len(due)


def confirm(work: Work, command: Confirm) -> ReservationChanged | Refused:
    """HELD to CONFIRMED."""
    booking = _find(work, command.reservation_id, command.if_match, ("CONFIRMED",))
    if isinstance(booking, Refused):
        return booking
    if booking.state == "CONFIRMED":
        return ReservationChanged(reservation=booking.record(), changed=False)
    work.put(booking, "expires_ms", None)
    _become(work, booking, "CONFIRMED")
    return ReservationChanged(reservation=booking.record(), changed=True)


def extend(work: Work, command: Extend) -> ReservationChanged | Refused:
    """Move the end of a hold."""
    booking = _find(work, command.reservation_id, command.if_match)
    if isinstance(booking, Refused):
        return booking
    if booking.state != "HELD":
        return _wrong_state(booking, "HELD")
    work.put(booking, "expires_ms", None if command.ttl_ms is None else work.now_ms + command.ttl_ms)
    _become(work, booking, "HELD", "reservation.extended")
    return ReservationChanged(reservation=booking.record(), changed=True)


def release(work: Work, command: Release) -> ReservationChanged | Refused:
    """Give back what is open."""
    booking = _find(work, command.reservation_id, command.if_match, ("RELEASED",))
    if isinstance(booking, Refused):
        return booking
    if booking.state == "RELEASED":
        return ReservationChanged(reservation=booking.record(), changed=False)
    _release(work, booking)
    return ReservationChanged(reservation=booking.record(), changed=True)


def fulfil(work: Work, command: Fulfil) -> ReservationChanged | Refused:
    """Take what has left out of the stock; a hold of which a part has left is confirmed by that."""
    booking = _find(work, command.reservation_id, command.if_match, ("FULFILLED",))
    if isinstance(booking, Refused):
        return booking
    wanted = booking.places
    if command.shipment_ids is not None:
        wanted = [place for place in booking.places if place.shipment_id in command.shipment_ids]
        unknown = set(command.shipment_ids) - {place.shipment_id for place in wanted}
        if unknown:
            detail = f"reservation {booking.reservation_id} has no shipment {min(unknown)}"
            return Refused(reason="not_found", detail=detail)
    places = [place for place in wanted if place.open]
    if not places and (booking.state == "FULFILLED" or command.shipment_ids is not None):
        return ReservationChanged(reservation=booking.record(), changed=False)
    why = Why("fulfil", booking.order_id, booking.reservation_id)
    uncounted = 0
    for place in places:
        cell = work.cell(place.node_id, place.sku)
        work.book(cell, place.ship_date, -place.open, why)
        left = place.open
        for day in sorted(cell.lots):  # what is there goes first, then what was to come earliest
            lot = cell.lots[day]
            taken = min(left, lot.on_hand)
            if taken:
                work.count(cell, day, "on_hand", -taken, why)
                work.put(lot, "version", lot.version + 1)
                left -= taken
        uncounted += left
        work.put(place, "fulfilled", place.fulfilled + place.open)
        work.put(place, "open", 0)
    done = not any(place.open for place in booking.places)
    work.put(booking, "expires_ms", None)
    _become(work, booking, "FULFILLED" if done else "CONFIRMED", "reservation.fulfilled", uncounted=uncounted)
    return ReservationChanged(reservation=booking.record(), changed=True, uncounted=uncounted)


def reject_lines(work: Work, command: RejectLines) -> LinesRejected | Refused:
    """Release an order's lines at a node that cannot ship them, and record what was found there."""
    order = _find_order(work, command.order_id, command.if_match)
    if isinstance(order, Refused):
        return order
    live = [booking for booking in work.bookings_of(order.order_id) if booking.state in LIVE]
    rejected = []
    for booking in live:
        places = [
            place
            for place in booking.places
            if place.open
            and place.node_id == command.node_id
            and (command.line_ids is None or place.line_id in command.line_ids)
        ]
        if places:
            rejected.append((booking, places))
    missing = set(command.line_ids or ()) - {place.line_id for _, places in rejected for place in places}
    if missing or not rejected:
        what = f"line {min(missing)}" if missing else "no line"
        detail = f"order {order.order_id}: {what} is open at {command.node_id}, expected what it has to ship"
        return Refused(reason="not_found", detail=detail.replace("no line is", "nothing is"))
    released = tuple(place.record() for _, places in rejected for place in places)
    for booking, places in rejected:
        give_back(work, booking, places, Why("reject", order.order_id, booking.reservation_id))
        if any(place.open for place in booking.places):
            _become(work, booking, booking.state, None)
        else:
            _become(work, booking, _ended(booking), None)
    _touch(work, order, command.document)
    shortages = count_found(work, order.order_id, command.found)
    data = {
        "order_id": order.order_id,
        "node_id": command.node_id,
        "version": order.version,
        "lines": [{"line_id": place.line_id, "sku": place.sku, "quantity": place.open} for place in released],
        "found": [{"sku": found.sku, "on_hand": found.on_hand} for found in command.found],
    }
    work.emit("order.rejected", order.order_id, order.order_id, orjson.dumps(data))
    return LinesRejected(
        order_id=order.order_id,
        order_version=order.version,
        released=released,
        reservations=tuple(booking.record() for booking in live),
        shortages=shortages,
    )


def cancel_order(work: Work, command: CancelOrder) -> OrderCancelled | Refused:
    """Release all that an order holds, for good."""
    order = _find_order(work, command.order_id, command.if_match)
    if isinstance(order, Refused):
        return order
    if order.state == "CANCELLED":
        return OrderCancelled(
            order_id=order.order_id, state=order.state, order_version=order.version, released=(), changed=False
        )
    live = [booking for booking in work.bookings_of(order.order_id) if booking.state in LIVE]
    for booking in live:
        _release(work, booking)
    work.put(order, "state", "CANCELLED")
    _touch(work, order, command.document)
    released = tuple(booking.reservation_id for booking in live)
    data = {"order_id": order.order_id, "version": order.version, "released": released}
    work.emit("order.cancelled", order.order_id, order.order_id, orjson.dumps(data))
    return OrderCancelled(
        order_id=order.order_id, state="CANCELLED", order_version=order.version, released=released, changed=True
    )


def _find(work: Work, reservation_id: str, if_match: int | None, also: tuple[str, ...] = ()) -> Booking | Refused:
    """Return a reservation that is live, or in a state where a repetition changes nothing."""
    booking = work.booking(reservation_id)
    if booking is None:
        return Refused(reason="not_found", detail=f"reservation {reservation_id} is unknown")
    if booking.state in also and if_match is None:
        return booking
    if if_match is not None and if_match != booking.version:
        detail = f"reservation {reservation_id}: version is {booking.version}, expected {if_match}"
        return Refused(reason="stale_version", detail=detail, current_version=booking.version)
    if booking.state == "EXPIRED":
        return Refused(reason="expired", detail=f"reservation {reservation_id} has expired")
    if booking.state not in (*LIVE, *also):
        return _wrong_state(booking, " or ".join(LIVE))
    return booking


def _find_order(work: Work, order_id: str, if_match: int | None) -> Order | Refused:
    order = work.order(order_id)
    if not order.version:
        return Refused(reason="not_found", detail=f"order {order_id} is unknown")
    if if_match is not None and if_match != order.version:
        detail = f"order {order_id}: version is {order.version}, expected {if_match}"
        return Refused(reason="stale_version", detail=detail, current_version=order.version)
    return order


def _wrong_state(booking: Booking, expected: str) -> Refused:
    detail = f"reservation {booking.reservation_id} is {booking.state}, expected {expected}"
    return Refused(reason="wrong_state", detail=detail)


def _release(work: Work, booking: Booking) -> None:
    give_back(work, booking, booking.places, Why("release", booking.order_id, booking.reservation_id))
    _become(work, booking, _ended(booking), "reservation.released")


def _ended(booking: Booking) -> str:
    return "FULFILLED" if any(place.fulfilled for place in booking.places) else "RELEASED"


def _become(work: Work, booking: Booking, state: str, event: str | None = "", **more: Any) -> None:
    """Change the state (or only the version), and tell it unless ``event`` is None."""
    work.put(booking, "state", state)
    work.put(booking, "version", booking.version + 1)
    if event is not None:
        kind = event or f"reservation.{state.lower()}"
        work.emit(kind, booking.order_id, booking.order_id, orjson.dumps(described(booking, **more)))


def _touch(work: Work, order: Order, document: bytes | None) -> None:
    work.put(order, "version", order.version + 1)
    work.put(order, "updated_ms", work.now_ms)
    if document is not None:
        work.put(order, "document", document)
