"""What events tell of a reservation."""

from __future__ import annotations

from engine.ledger.cells import Booking


def described(booking: Booking, **more: object) -> dict[str, object]:
    """Return a reservation as an event tells of it."""
    positions = [
        {
            "node_id": place.node_id,
            "sku": place.sku,
            "ship_date": place.ship_date,
            "quantity": place.quantity,
            "line_id": place.line_id,
            "shipment_id": place.shipment_id,
            "service_id": place.service_id,
            "open": place.open,
            "fulfilled": place.fulfilled,
        }
        for place in booking.places
    ]
    return {
        "reservation_id": booking.reservation_id,
        "order_id": booking.order_id,
        "state": booking.state,
        "version": booking.version,
        "expires_at_ms": booking.expires_ms,
        "positions": positions,
        **more,
    }
