"""Reserving for many orders at once: sums decide, rows are made in columns, and what is contended is left alone."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from engine.ledger import tables
from engine.ledger.cells import Cell
from engine.ledger.commands import PositionRow, ReserveMany
from engine.ledger.database import Row
from engine.ledger.outcomes import ManyReserved
from engine.ledger.work import Why, Work

_CellKey = tuple[str, str]
_SlotKey = tuple[str, str, str]
_Shipment = tuple[int, str, str, str | None, str]  # order, node, day, service, shipment


def reserve_many(work: Work, command: ReserveMany) -> ManyReserved:
    """Take stock and capacity for every order that is new and fits whatever of the others fits.

    If all that is asked of a row fits, each order's part of it does, in whatever order they come: so sums decide for
    all at once. An order that asks for anything of a row where the sum does not fit is left to the rules of single
    orders.
    """
    units = _units(command.positions)
    left = _known_orders(work, command)
    contended = _contended_cells(work, command.positions)
    full = {key for key, asked in _slots(units).items() if not _fits(work, key, asked)}
    for number, node_id, sku, *_ in command.positions:
        if (node_id, sku) in contended:
            left.add(number)
    for number, node_id, day, service_id, _ in units:
        if full and any((node_id, day, service) in full for service in _services(service_id)):
            left.add(number)
    _take(work, command, units, left)
    return ManyReserved(reserved=len(command.order_ids) - len(left), left=tuple(sorted(left)))


def _known_orders(work: Work, command: ReserveMany) -> set[int]:
    """Return the orders that are not new, or come twice."""
    seen: set[str] = set()
    known = set()
    for number, (reservation_id, order_id) in enumerate(zip(command.reservation_ids, command.order_ids)):
        if (
            work.order(order_id).version
            or work.booking(reservation_id) is not None
            or {order_id, reservation_id} & seen
        ):
            known.add(number)
        seen.update((order_id, reservation_id))
    return known


def _units(positions: Sequence[PositionRow]) -> dict[_Shipment, int]:
    """Return the units of each shipment."""
    units: dict[_Shipment, int] = {}
    for number, node_id, _, day, quantity, _, shipment_id, service_id in positions:
        if shipment_id is not None:
            key = number, node_id, day, service_id, shipment_id
            units[key] = units.get(key, 0) + quantity
    return units


def _contended_cells(work: Work, positions: Sequence[PositionRow]) -> set[_CellKey]:
    """Return the (node, sku) of which more is asked than there is on the first day that anybody asks for."""
    asked: dict[_CellKey, int] = {}
    first: dict[_CellKey, str] = {}
    for _, node_id, sku, day, quantity, *_ in positions:
        key = node_id, sku
        asked[key] = asked.get(key, 0) + quantity
        if day < first.get(key, "~"):
            first[key] = day
    return {key for key, wanted in asked.items() if _free(work.cell(*key), first[key]) < wanted}


def _free(cell: Cell, day: str) -> int:
    if len(cell.lots) == 1:  # nearly always: all is there now
        lot = cell.lots[""]
        return lot.on_hand - lot.external - lot.safety - cell.held
    return cell.supply(day) - cell.safety() - cell.held


def _services(service_id: str | None) -> tuple[str, ...]:
    return ("", service_id) if service_id else ("",)


def _slots(units: dict[_Shipment, int]) -> dict[_SlotKey, list[int]]:
    """Return the shipments and units that are asked of each capacity."""
    asked: dict[_SlotKey, list[int]] = {}
    for (_, node_id, day, service_id, _), n_units in units.items():
        for service in _services(service_id):
            sums = asked.setdefault((node_id, day, service), [0, 0])
            sums[0] += 1
            sums[1] += n_units
    return asked


def _fits(work: Work, key: _SlotKey, asked: list[int]) -> bool:
    limit = work.limits.get((key[0], key[2]))
    if limit is None:
        return True
    slot = work.slot(*key)
    used = slot.shipments + asked[0], slot.units + asked[1]
    return all(most is None or n <= most for n, most in zip(used, limit))


def _take(work: Work, command: ReserveMany, units: dict[_Shipment, int], left: set[int]) -> None:
    """Change balances in memory, and write what is new at once: whoever comes later in the transaction reads it."""
    expires_ms = None if command.confirmed or command.ttl_ms is None else work.now_ms + command.ttl_ms
    state = "CONFIRMED" if command.confirmed else "HELD"
    taken = [row for row in command.positions if row[0] not in left]
    shipments = {key: n_units for key, n_units in units.items() if key[0] not in left}
    places = _book(work, command, taken)
    for slot, (n_shipments, n_units) in _slots(shipments).items():
        used = work.slot(*slot)
        used.shipments += n_shipments
        used.units += n_units
    whys = [Why("reserve", *names) for names in zip(command.order_ids, command.reservation_ids)]
    for (number, node_id, day, service_id, _), n_units in shipments.items():
        work.enter_use(whys[number], node_id, day, service_id, 1, n_units)
    kind = "reservation.confirmed" if command.confirmed else "reservation.held"
    tenant, now_ms = work.tenant, work.now_ms
    reservations: list[Row] = []
    orders: list[Row] = []
    for number, (own, order_id) in enumerate(zip(command.reservation_ids, command.order_ids)):
        if number in left:
            continue
        reservations.append((tenant, own, order_id, state, 1, expires_ms, now_ms))
        orders.append((tenant, order_id, "OPEN", 1, command.documents[number], now_ms))
        event = {
            "reservation_id": own,
            "order_id": order_id,
            "state": state,
            "version": 1,
            "expires_at_ms": expires_ms,
            "positions": places[number],
            "replaced": (),
        }
        work.emit(kind, order_id, order_id, orjson.dumps(event))
        work.forget(order_id, own)
    work.session.insert(tables.RESERVATIONS, reservations)
    work.session.insert(tables.ORDERS, orders)


def _book(work: Work, command: ReserveMany, taken: Sequence[PositionRow]) -> list[list[dict[str, object]]]:
    """Book positions and write them; return, by order, what events tell of them."""
    owns, order_ids = command.reservation_ids, command.order_ids
    told: list[list[dict[str, object]]] = [[] for _ in order_ids]
    rows: list[Row] = []
    tenant = work.tenant
    for number, node_id, sku, day, quantity, line_id, shipment_id, service_id in taken:
        cell = work.cell(node_id, sku)
        cell.held += quantity
        cell.booked_change[day] = cell.booked_change.get(day, 0) + quantity
        its = told[number]
        own = owns[number]
        rows.append((tenant, own, len(its), node_id, sku, day, quantity, line_id, shipment_id, service_id, quantity, 0))
        its.append(
            {
                "node_id": node_id,
                "sku": sku,
                "ship_date": day,
                "quantity": quantity,
                "line_id": line_id,
                "shipment_id": shipment_id,
                "service_id": service_id,
                "open": quantity,
                "fulfilled": 0,
            }
        )
    work.enter_bookings(
        "reserve", [(node, sku, day, n, order_ids[at], owns[at]) for at, node, sku, day, n, *_ in taken]
    )
    work.session.insert(tables.POSITIONS, rows)
    return told
