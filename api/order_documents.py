"""Orders and decisions: from bodies to what the engine takes, and to the documents that are kept and shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from api.ledger_answers import reservation_name
from api.models.orders import CartBody, OrderBody
from engine.ledger.commands import Position
from engine.ledger.records import OrderRecord, Reservation
from engine.live import Decision, Order, OrderLine


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is kept of an order.

    Parameters
    ----------
    order : Order
        As it came.
    decision : Decision
        How it is served.
    barred : dict of str to tuple of str
        By line, the nodes that could not ship it.
    """

    order: Order
    decision: Decision
    barred: dict[str, tuple[str, ...]]

    def to_bytes(self) -> bytes:
        """Return the document that the ledger keeps."""
        return orjson.dumps(
            {
                "order": order_document(self.order),
                "decision": self.decision.to_document(),
                "barred": self.barred,
            }
        )

    @classmethod
    def from_bytes(cls, raw: bytes) -> Kept:
        """Read what the ledger kept."""
        found = orjson.loads(raw)
        return cls(
            order=order_from_document(found["order"]),
            decision=Decision.from_document(found["decision"]),
            barred={line: tuple(nodes) for line, nodes in found["barred"].items()},
        )


def _lines(body: OrderBody | CartBody) -> tuple[OrderLine, ...]:
    return tuple(
        OrderLine(
            line_id=line.line_id,
            sku=line.sku,
            quantity=line.quantity,
            unallocated_cents=line.unallocated_cents,
            ship_together=line.ship_together,
        )
        for line in body.lines
    )


def order_of(body: OrderBody) -> Order:
    """Return the order of a body."""
    return Order(
        order_id=body.order_id,
        lat=body.lat,
        lon=body.lon,
        lines=_lines(body),
        region=body.region,
        residential=body.residential,
        deliver_by=None if body.deliver_by is None else date.fromisoformat(body.deliver_by),
        hard_promise=body.hard_promise,
        late_cents_per_day=body.late_cents_per_day,
        priority_pct=body.priority_pct,
        ship_complete=body.ship_complete,
        max_shipments=body.max_shipments,
        only_nodes=tuple(body.only_nodes.split()),
        not_nodes=tuple(body.not_nodes.split()),
        held=body.held,
    )


def cart_of(body: CartBody) -> Order:
    """Return a cart as an order."""
    return Order(
        order_id=body.cart_id,
        lat=body.lat,
        lon=body.lon,
        lines=_lines(body),
        region=body.region,
        residential=body.residential,
        deliver_by=None if body.deliver_by is None else date.fromisoformat(body.deliver_by),
        hard_promise=body.hard_promise,
        late_cents_per_day=body.late_cents_per_day,
        priority_pct=body.priority_pct,
        max_shipments=body.max_shipments,
        only_nodes=tuple(body.only_nodes.split()),
        not_nodes=tuple(body.not_nodes.split()),
    )


ORDER_FIELDS = (
    "order_id",
    "lat",
    "lon",
    "region",
    "residential",
    "hard_promise",
    "late_cents_per_day",
    "priority_pct",
    "ship_complete",
    "max_shipments",
    "held",
)
LINE_FIELDS = ("line_id", "sku", "quantity", "unallocated_cents", "ship_together")


def order_document(order: Order) -> dict[str, Any]:
    """Return an order as JSON-like data."""
    document: dict[str, Any] = {name: getattr(order, name) for name in ORDER_FIELDS}
    document["deliver_by"] = None if order.deliver_by is None else order.deliver_by.isoformat()
    document["only_nodes"] = " ".join(order.only_nodes)
    document["not_nodes"] = " ".join(order.not_nodes)
    document["lines"] = [{name: getattr(line, name) for name in LINE_FIELDS} for line in order.lines]
    return document


def order_from_document(found: dict[str, Any]) -> Order:
    """Return the order of `order_document`."""
    fields = {name: found[name] for name in ORDER_FIELDS}
    return Order(
        **fields,
        deliver_by=None if found["deliver_by"] is None else date.fromisoformat(found["deliver_by"]),
        only_nodes=tuple(found["only_nodes"].split()),
        not_nodes=tuple(found["not_nodes"].split()),
        lines=tuple(OrderLine(**{name: line[name] for name in LINE_FIELDS}) for line in found["lines"]),
    )


def positions_of(decision: Decision, fixed: frozenset[str] = frozenset()) -> tuple[Position, ...]:
    """Return what the ledger has to take for a decision; shipments that have left already take nothing.

    Parameters
    ----------
    decision : Decision
        The decision.
    fixed : frozenset of str
        Shipments that have left.
    """
    service_of = {row.shipment_id: row.service_id for row in decision.shipments}
    return tuple(
        Position(
            node_id=position.node_id,
            sku=position.sku,
            ship_date=position.ship_date.isoformat(),
            quantity=position.quantity,
            line_id=position.line_id,
            shipment_id=position.shipment_id,
            service_id=service_of[position.shipment_id],
        )
        for position in decision.positions
        if position.shipment_id not in fixed
    )


def allocation_document(
    decision: dict[str, Any], *, state: str, version: int, reservations: list[dict[str, Any]], committed: bool = True
) -> dict[str, Any]:
    """Return an allocation as a caller sees it, from the document of its decision."""
    return {
        **decision,
        "state": state,
        "version": version,
        "committed": committed,
        "reservations": reservations,
    }


def kept_allocation(record: OrderRecord) -> dict[str, Any]:
    """Return an order of the ledger as a caller sees it."""
    decision: dict[str, Any] = {"order_id": record.order_id, **_NOTHING}
    if record.document is not None:
        decision = orjson.loads(record.document)["decision"]
    return allocation_document(
        decision,
        state=record.state,
        version=record.version,
        reservations=[reservation_name(found) for found in record.reservations],
    )


_NOTHING: dict[str, Any] = {
    "shipments": [],
    "allocations": [],
    "unallocated": [],
    "terms": {},
    "objective_cents": 0,
}


def live_reservations(reservations: tuple[Reservation, ...]) -> list[Reservation]:
    """Return the reservations that still hold something."""
    return [found for found in reservations if found.state in ("HELD", "CONFIRMED")]
