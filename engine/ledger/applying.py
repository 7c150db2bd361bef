"""Commands: what each needs to have read, whether its values can be stored at all, and the rule that does it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from engine.ledger import bulk_rules, other_rules, release_rules, reserve_rules, stock_rules
from engine.ledger import commands as c
from engine.ledger.outcomes import Outcome, Refused
from engine.ledger.work import Work

MAX_TEXT = 128
MAX_INT = 2**31 - 1
_RULES: dict[type, Callable[[Work, Any], Outcome]] = {
    c.PutNetwork: other_rules.put_network,
    c.ImportStock: stock_rules.import_stock,
    c.SetOnHand: stock_rules.set_on_hand,
    c.AdjustStock: stock_rules.adjust_stock,
    c.Reserve: reserve_rules.reserve,
    c.ReserveMany: bulk_rules.reserve_many,
    c.Confirm: release_rules.confirm,
    c.Fulfil: release_rules.fulfil,
    c.Release: release_rules.release,
    c.Extend: release_rules.extend,
    c.RejectLines: release_rules.reject_lines,
    c.CancelOrder: release_rules.cancel_order,
    c.CreateOperation: other_rules.create_operation,
    c.CancelOperation: other_rules.cancel_operation,
    c.PutWebhook: other_rules.put_webhook,
    c.DeleteWebhook: other_rules.delete_webhook,
}
_SCARCE = ("insufficient_stock", "insufficient_capacity")
_OF_RESERVATION = (c.Confirm, c.Fulfil, c.Release, c.Extend)
_OF_ORDER = (c.Reserve, c.RejectLines, c.CancelOrder)


def read_ahead(work: Work, commands: Iterable[c.Command]) -> None:
    """Read and lock what commands need, in sets and in one order: orders, reservations, stock, capacity."""
    orders: set[str] = set()
    bookings: set[str] = set()
    cells: set[tuple[str, str]] = set()
    slots: set[tuple[str, str, str]] = set()
    for command in commands:
        if isinstance(command, c.Reserve):
            orders.add(command.order_id)
            bookings.add(command.reservation_id)
            for one in command.positions:
                cells.add((one.node_id, one.sku))
                if one.shipment_id is not None:
                    slots.add((one.node_id, one.ship_date, ""))
                    if one.service_id:
                        slots.add((one.node_id, one.ship_date, one.service_id))
        elif isinstance(command, c.ReserveMany):
            orders.update(command.order_ids)
            bookings.update(command.reservation_ids)
            for _, node_id, sku, day, _, _, shipment_id, service_id in command.positions:
                cells.add((node_id, sku))
                if shipment_id is not None:
                    slots.add((node_id, day, ""))
                    if service_id:
                        slots.add((node_id, day, service_id))
        elif isinstance(command, _OF_RESERVATION):
            bookings.add(command.reservation_id)
        elif isinstance(command, c.RejectLines | c.CancelOrder):
            orders.add(command.order_id)
            if isinstance(command, c.RejectLines):
                cells.update((found.node_id, found.sku) for found in command.found)
        elif isinstance(command, c.SetOnHand):
            cells.add((command.node_id, command.sku))
        elif isinstance(command, c.AdjustStock):
            cells.update((one.node_id, one.sku) for one in command.adjustments)
    work.load_orders(orders)
    work.load_bookings(bookings)
    for booking in work.in_hand():
        for place in booking.places:
            if place.open:
                cells.add((place.node_id, place.sku))
                if place.shipment_id is not None:
                    slots.add((place.node_id, place.ship_date, ""))
                    if place.service_id:
                        slots.add((place.node_id, place.ship_date, place.service_id))
    work.load_cells(cells)
    work.load_slots(slots)


def meet(work: Work, command: c.Command) -> None:
    """Free the holds that a command names and whose time is over; that stays, also when the command is refused."""
    if isinstance(command, _OF_RESERVATION):
        booking = work.booking(command.reservation_id)
        met = [] if booking is None else [booking]
    elif isinstance(command, _OF_ORDER):
        met = work.bookings_of(command.order_id)
    else:
        return
    for booking in met:
        if booking.is_due(work.now_ms):
            release_rules.expire(work, booking)


def apply(work: Work, command: c.Command) -> Outcome:
    """Do a command, or refuse it without a trace; holds whose time is over never stand in its way."""
    fault = find_fault(command)
    if fault is not None:
        return Refused(reason="invalid", detail=fault)
    rule = _RULES[type(command)]
    outcome = rule(work, command)
    if isinstance(outcome, Refused) and outcome.reason in _SCARCE and not work.due_freed:
        work.undo()
        if release_rules.expire_due(work):
            work.mark()
            outcome = rule(work, command)
    if isinstance(outcome, Refused):
        work.undo()
    return outcome


def find_fault(command: c.Command) -> str | None:
    """Return what is wrong with a command's values: the last line of defence, behind whoever parsed them."""
    if isinstance(command, c.Reserve):
        fault = _text("reservation_id", command.reservation_id) or _text("order_id", command.order_id)
        if command.ttl_ms is not None:
            fault = fault or _int("ttl_ms", command.ttl_ms, 1, 2**53)
        for one in command.positions:
            fault = fault or _position(one)
        return fault
    if isinstance(command, c.ReserveMany):
        return _many_fault(command)
    if isinstance(command, c.SetOnHand):
        fault = _text("node_id", command.node_id) or _text("sku", command.sku) or _int("on_hand", command.on_hand)
        fault = fault or _day_or_none(command.available_on) or _sequence(command.source, command.sequence)
        for name, value in (("reserved", command.reserved), ("safety_stock", command.safety_stock)):
            fault = fault or (None if value is None else _int(name, value))
        return fault
    if isinstance(command, c.AdjustStock):
        fault = _sequence(command.source, command.sequence)
        fault = fault or _texts_or_none((command.reason_code, command.reference))
        for change in command.adjustments:
            fault = fault or _text("node_id", change.node_id) or _text("sku", change.sku)
            fault = fault or _int("delta", change.delta, -MAX_INT) or _day_or_none(change.available_on)
        return fault
    if isinstance(command, c.ImportStock):
        return _sequence(command.source, command.sequence) or _rows_fault(command.rows)
    if isinstance(command, c.Extend) and command.ttl_ms is not None:
        return _text("reservation_id", command.reservation_id) or _int("ttl_ms", command.ttl_ms, 1, 2**53)
    if isinstance(command, _OF_RESERVATION):
        return _text("reservation_id", command.reservation_id)
    if isinstance(command, c.RejectLines):
        fault = _text("order_id", command.order_id) or _text("node_id", command.node_id)
        for found in command.found:
            fault = fault or _text("node_id", found.node_id) or _text("sku", found.sku)
            fault = fault or _int("on_hand", found.on_hand)
        return fault
    if isinstance(command, c.CancelOrder):
        return _text("order_id", command.order_id)
    if isinstance(command, c.CreateOperation):
        return _text("operation_id", command.operation_id) or _text("kind", command.kind)
    if isinstance(command, c.CancelOperation):
        return _text("operation_id", command.operation_id)
    if isinstance(command, c.PutWebhook):
        return (
            _text("webhook_id", command.webhook_id)
            or _text("url", command.url, 2048)
            or _text("secret", command.secret)
        )
    return None


def _position(one: c.Position) -> str | None:
    return _place_fault(one.node_id, one.sku, one.ship_date, one.quantity, one.line_id, one.shipment_id, one.service_id)


def _place_fault(
    node_id: str,
    sku: str,
    ship_date: str,
    quantity: int,
    line_id: str | None,
    shipment_id: str | None,
    service_id: str | None,
) -> str | None:
    if (  # nearly always, and quickly: the same few values come again and again
        _is_text(node_id)
        and _is_text(sku)
        and _is_day(ship_date)
        and 1 <= quantity <= MAX_INT
        and (line_id is None or _is_text(line_id))
        and (shipment_id is None or _is_text(shipment_id))
        and (service_id is None or _is_text(service_id))
    ):
        return None
    return (
        _text("node_id", node_id)
        or _text("sku", sku)
        or _day("ship_date", ship_date)
        or _int("quantity", quantity, 1)
        or _texts_or_none((line_id, shipment_id, service_id))
    )


def _many_fault(command: c.ReserveMany) -> str | None:
    n_orders = len(command.order_ids)
    if not len(command.reservation_ids) == len(command.documents) == n_orders:
        return f"reservation_ids, order_ids and documents differ in number, expected {n_orders} of each"
    for name, values in (("reservation_id", command.reservation_ids), ("order_id", command.order_ids)):
        for value in values:
            fault = _text(name, value)
            if fault is not None:
                return fault
    if command.ttl_ms is not None:
        fault = _int("ttl_ms", command.ttl_ms, 1, 2**53)
        if fault is not None:
            return fault
    last = 0
    for number, *_ in command.positions:
        if not last <= number < n_orders:
            return f"a position is of order {number}, expected {last} to {n_orders - 1}: in the sequence of the orders"
        last = number
    for _, node_id, sku, day, quantity, line_id, shipment_id, service_id in command.positions:
        fault = _place_fault(node_id, sku, day, quantity, line_id, shipment_id, service_id)
        if fault is not None:
            return fault
    return None


def _text(name: str, value: str, longest: int = MAX_TEXT) -> str | None:
    if _can_be_stored(value, longest):
        return None
    return f"{name} is {value[:80]!a}, expected text of 1 to {longest} characters without NUL"


def _can_be_stored(value: str, longest: int = MAX_TEXT) -> bool:
    if not 0 < len(value) <= longest or "\x00" in value:
        return False
    try:
        return value.isascii() or bool(value.encode())
    except UnicodeEncodeError:
        return False


_is_text = lru_cache(maxsize=100_000)(_can_be_stored)


@lru_cache(maxsize=10_000)
def _is_day(value: str) -> bool:
    try:
        return datetime.date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _texts_or_none(values: Sequence[str | None]) -> str | None:
    for value in values:
        if value is not None:
            fault = _text("a text", value)
            if fault is not None:
                return fault
    return None


def _int(name: str, value: int, low: int = 0, high: int = MAX_INT) -> str | None:
    return None if low <= value <= high else f"{name} is {value}, expected an integer from {low} to {high}"


def _day(name: str, value: str) -> str | None:
    if _is_day(value):
        return None
    return f"{name} is {value[:80]!a}, expected a date such as 2026-11-27"


def _day_or_none(value: str | None) -> str | None:
    return None if value is None else _day("available_on", value)


def _sequence(source: str | None, sequence: int | None) -> str | None:
    if (source is None) != (sequence is None):
        return "source and sequence: one is missing, expected both or none"
    if source is None or sequence is None:
        return None
    return _text("source", source) or _int("sequence", sequence, 0, 2**53)


def _rows_fault(rows: pa.Table) -> str | None:
    for name in ("node_id", "sku", "on_hand"):
        if name not in rows.column_names:
            return f"rows: column {name} is missing"
        if rows.column(name).null_count:
            return f"rows: column {name} has an empty cell, expected a value in each"
    for name in ("node_id", "sku"):
        for value in pc.unique(rows.column(name)).to_pylist():
            fault = _text(name, value)
            if fault is not None:
                return fault
    for name in ("on_hand", "reserved", "safety_stock"):
        if name in rows.column_names and rows.column(name).null_count < rows.num_rows:
            ends = pc.min_max(rows.column(name))  # of those that are given
            fault = _int(name, ends["min"].as_py()) or _int(name, ends["max"].as_py())
            if fault is not None:
                return fault
    if "available_on" in rows.column_names:
        for day in set(pc.unique(rows.column("available_on")).to_pylist()) - {None}:
            fault = _day("available_on", str(day))
            if fault is not None:
                return fault
    return None
