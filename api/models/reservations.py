"""Reservations and how they change."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.models.common import Day, Model, Quantity, Reply, Seconds, Text, Version


class PositionBody(Model):
    """Units of one sku that leave one node on one day."""

    node_id: Text
    sku: Text
    ship_date: Day
    quantity: Quantity
    line_id: Text | None = None
    shipment_id: Text | None = None
    service_id: Text | None = None


class ReserveBody(Model):
    """What to reserve for an order: all of it or nothing."""

    reservation_id: Annotated[Text | None, Field(description="One of yours; otherwise the service draws one.")] = None
    order_id: Text
    positions: Annotated[list[PositionBody], Field(min_length=1, max_length=1000)]
    confirmed: bool = False
    hold_seconds: Seconds | None = None
    add: Annotated[bool, Field(description="Whether the order may have reservations already.")] = False


class FulfilBody(Model):
    """Which shipments have left; none given: all."""

    shipment_ids: Annotated[list[Text] | None, Field(min_length=1, max_length=1000)] = None


class ExtendBody(Model):
    """How long to hold from now on."""

    hold_seconds: Seconds


class NothingBody(Model):
    """Nothing needs to be said."""


class PositionReply(Reply):
    """A position, and what is still open of it."""

    node_id: str
    sku: str
    ship_date: str
    quantity: int
    line_id: str | None
    shipment_id: str | None
    service_id: str | None
    open: int
    fulfilled: int


class ReservationReply(Reply):
    """A reservation."""

    reservation_id: str
    order_id: str
    state: str
    version: Version
    expires_at: str | None
    created_at: str
    positions: list[PositionReply]
