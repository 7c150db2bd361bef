"""Rules of reserving: what is there by each day, what a node and a service can take, all or nothing."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from engine.ledger.cells import LIVE, Booking, Cell, Place
from engine.ledger.commands import Position, Reserve
from engine.ledger.outcomes import Lack, Overload, Refused, Reserved
from engine.ledger.release_rules import give_back
from engine.ledger.telling import described
from engine.ledger.work import Why, Work

Shipment = tuple[str, str, str | None, str | None]  # node, day, service, shipment


def reserve(work: Work, command: Reserve) -> Reserved | Refused:
    """Take stock and capacity for an order."""
    order_id, reservation_id = command.order_id, command.reservation_id
    order = work.order(order_id)
    if command.if_match is not None and command.if_match != order.version:
        detail = f"order {order_id}: version is {order.version}, expected {command.if_match}"
        return Refused(reason="stale_version", detail=detail, current_version=order.version)
    if order.state == "CANCELLED":
        return Refused(reason="order_cancelled", detail=f"order {order_id} is cancelled, expected an open one")
    if work.booking(reservation_id) is not None:
        return Refused(reason="exists", detail=f"reservation {reservation_id} exists, expected a new reservation_id")
    former = [booking for booking in work.bookings_of(order_id) if booking.state in LIVE]
    if command.mode == "new":
        held = former or [booking for booking in work.bookings_of(order_id) if booking.state == "FULFILLED"]
        if held:
            detail = f"order {order_id} has reservation {held[0].reservation_id}, expected none"
            return Refused(reason="order_exists", detail=detail)
    replaced = former if command.mode == "replace" else []
    for booking in replaced:
        give_back(work, booking, booking.places, Why("release", order_id, booking.reservation_id))
        work.put(booking, "state", "FULFILLED" if any(place.fulfilled for place in booking.places) else "RELEASED")
        work.put(booking, "version", booking.version + 1)
    lacks = _find_lacks(work, command.positions)
    if lacks:
        return Refused(reason="insufficient_stock", detail=_tell_lacks(lacks), lacks=tuple(lacks))
    shipments = shipments_of(command.positions)
    overloads = _find_overloads(work, shipments)
    if overloads:
        return Refused(reason="insufficient_capacity", detail=_tell_overloads(overloads), overloads=tuple(overloads))
    booking = _take(work, command, shipments)
    work.put(order, "version", order.version + 1)
    work.put(order, "updated_ms", work.now_ms)
    if command.document is not None:
        work.put(order, "document", command.document)
    kind = "reservation.confirmed" if command.confirmed else "reservation.held"
    names = tuple([former.reservation_id for former in replaced])
    work.emit(kind, order_id, order_id, orjson.dumps(described(booking, replaced=names)))
    return Reserved(reservation=booking.record(), replaced=names, order_version=order.version)


def shipments_of(positions: Sequence[Position | Place]) -> dict[Shipment, int]:
    """Return the units of each shipment of some positions."""
    shipments: dict[Shipment, int] = {}
    for one in positions:
        if one.shipment_id is not None:
            key = one.node_id, one.ship_date, one.service_id, one.shipment_id
            shipments[key] = shipments.get(key, 0) + one.quantity
    return shipments


def _find_lacks(work: Work, positions: Sequence[Position]) -> list[Lack]:
    """Return what cannot be had, the positions of each (node, sku) taken together."""
    asked: dict[tuple[str, str], dict[str, int]] = {}
    for one in positions:
        days = asked.setdefault((one.node_id, one.sku), {})
        days[one.ship_date] = days.get(one.ship_date, 0) + one.quantity
    lacks: list[Lack] = []
    for (node_id, sku), days in asked.items():
        cell = work.cell(node_id, sku)
        first = min(days)
        lots = cell.lots
        if len(lots) == 1:  # nearly always: all is there now
            lot = lots[""]
            if lot.on_hand - lot.external - lot.safety - cell.held >= sum(days.values()):
                continue
        elif cell.supply(first) - cell.safety() - cell.held >= sum(days.values()):
            continue  # enough on the first day, whatever the days of what is held
        lack = _lack_of(cell, days, work.booked(cell))
        if lack is not None:
            lacks.append(lack)
    return lacks


def _lack_of(cell: Cell, days: dict[str, int], booked: dict[str, int]) -> Lack | None:
    """Return what lacks on the first day that a request cannot have.

    Units that ship on day d are taken from what is there by d and every later day: on each day t from d on, the
    supply by t must cover what ships by t.
    """
    curve = cell.curve(min(days), {day: booked.get(day, 0) + days.get(day, 0) for day in (*booked, *days)})
    if all(left >= 0 for _, left in curve):
        return None
    for day in sorted(days):
        worst = min(left for on, left in curve if on >= day)
        if worst < 0:
            available = max(0, days[day] + worst)
            requested = days[day]
            return Lack(node_id=cell.node_id, sku=cell.sku, ship_date=day, requested=requested, available=available)
    return None


def _find_overloads(work: Work, shipments: dict[Shipment, int]) -> list[Overload]:
    """Return the capacity that is asked for beyond the limits of the network."""
    asked: dict[tuple[str, str, str], tuple[int, int]] = {}
    for (node_id, day, service_id, _), units in shipments.items():
        for service in ("", service_id) if service_id else ("",):
            n, total = asked.get((node_id, day, service), (0, 0))
            asked[node_id, day, service] = (n + 1, total + units)
    overloads = []
    for (node_id, day, service), (n_shipments, units) in asked.items():
        limit = work.limits.get((node_id, service))
        if limit is None:
            continue
        slot = work.slot(node_id, day, service)
        pairs = (("shipments", n_shipments, slot.shipments, limit[0]), ("units", units, slot.units, limit[1]))
        for kind, wanted, used, most in pairs:
            if most is not None and used + wanted > most:
                overloads.append(
                    Overload(
                        node_id=node_id,
                        service_id=service or None,
                        ship_date=day,
                        kind="shipments" if kind == "shipments" else "units",
                        requested=wanted,
                        available=max(0, most - used),
                    )
                )
    return overloads


def _take(work: Work, command: Reserve, shipments: dict[Shipment, int]) -> Booking:
    places = [
        Place(
            (
                number,
                one.node_id,
                one.sku,
                one.ship_date,
                one.quantity,
                one.line_id,
                one.shipment_id,
                one.service_id,
                one.quantity,
                0,
            ),
            None,
        )
        for number, one in enumerate(command.positions)
    ]
    expires_ms = None if command.confirmed or command.ttl_ms is None else work.now_ms + command.ttl_ms
    state = "CONFIRMED" if command.confirmed else "HELD"
    row = (command.reservation_id, command.order_id, state, 1, expires_ms, work.now_ms)
    booking = Booking(row, places, None)
    why = Why("reserve", command.order_id, command.reservation_id)
    for place in places:
        work.book(work.cell(place.node_id, place.sku), place.ship_date, place.quantity, why)
    for (node_id, day, service_id, _), units in shipments.items():
        work.use(node_id, day, service_id, 1, units, why)
    work.add_booking(booking)
    return booking


def _tell_lacks(lacks: list[Lack]) -> str:
    one = lacks[0]
    return f"{one.node_id} {one.sku}: {one.available} units can ship on {one.ship_date}, expected {one.requested}" + (
        f" (and {len(lacks) - 1} more)" if len(lacks) > 1 else ""
    )


def _tell_overloads(overloads: list[Overload]) -> str:
    one = overloads[0]
    place = one.node_id if one.service_id is None else f"{one.node_id} {one.service_id}"
    return f"{place}: {one.available} {one.kind} are left on {one.ship_date}, expected {one.requested}"
