"""Orders, carts and what is decided for them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from api.models.common import Day, Int, Lat, Lon, Model, Quantity, Reply, Seconds, Text, Version, Words


class LineBody(Model):
    """A line of an order; fields as in the table ``lines`` of the sourcing model."""

    line_id: Text
    sku: Text
    quantity: Quantity
    unallocated_cents: Int | None = None
    ship_together: Text | None = None


Lines = Annotated[list[LineBody], Field(min_length=1, max_length=1000)]


class _OrderFields(Model):
    lat: Lat
    lon: Lon
    region: Text | None = None
    residential: bool = True
    deliver_by: Day | None = None
    hard_promise: bool = False
    late_cents_per_day: Int | None = None
    priority_pct: Int = 100
    max_shipments: Int | None = None
    only_nodes: Words = ""
    not_nodes: Words = ""


class OrderBody(_OrderFields):
    """An order with its lines; fields as in the tables ``orders`` and ``lines``."""

    order_id: Text
    ship_complete: bool = False
    held: bool = False
    lines: Lines

    @model_validator(mode="after")
    def _distinct(self) -> OrderBody:
        _refuse_repeated_lines(self.lines)
        return self


class CartBody(_OrderFields):
    """A cart and its destination."""

    cart_id: Text = "cart"
    lines: Lines

    @model_validator(mode="after")
    def _distinct(self) -> CartBody:
        _refuse_repeated_lines(self.lines)
        return self


def _refuse_repeated_lines(lines: list[LineBody]) -> None:
    if len(lines) > 1 and len({line.line_id for line in lines}) < len(lines):
        raise ValueError("a line_id is given twice")


class AllocationBody(Model):
    """An order to allocate now."""

    order: OrderBody
    commit: Annotated[bool, Field(description="False: look only, reserve nothing.")] = True
    confirmed: Annotated[bool, Field(description="Start the reservation as CONFIRMED, which does not expire.")] = False
    hold_seconds: Seconds | None = None


class PromiseBody(Model):
    """A cart to promise."""

    cart: CartBody


class OrderRow(_OrderFields):
    """A row of the table ``orders``."""

    order_id: Text
    ship_complete: bool = False
    held: bool = False


class LineRow(Model):
    """A row of the table ``lines``."""

    order_id: Text
    line_id: Text
    sku: Text
    quantity: Quantity
    unallocated_cents: Int | None = None
    ship_together: Text | None = None


class BatchBody(Model):
    """Orders to allocate together, as the tables ``orders`` and ``lines``."""

    orders: Annotated[list[OrderRow], Field(min_length=1, max_length=100_000)]
    lines: Annotated[list[LineRow], Field(min_length=1, max_length=1_000_000)]
    commit: bool = True
    confirmed: bool = False
    hold_seconds: Seconds | None = None
    gap: Annotated[float, Field(ge=0, le=1)] = 0.005
    time_limit_seconds: Annotated[float | None, Field(gt=0, le=3600)] = None
    seed: Int = 0


class RejectBody(Model):
    """What a node cannot ship of an order, and what was found there."""

    node_id: Text
    line_ids: Annotated[list[Text] | None, Field(min_length=1, max_length=1000)] = None
    found: Annotated[list[FoundBody], Field(max_length=1000, default_factory=list)]
    hold_seconds: Seconds | None = None


class FoundBody(Model):
    """Units of a sku that were counted at the node."""

    sku: Text
    on_hand: Int


class CancelledReply(Reply):
    """An order that takes nothing more."""

    order_id: str
    state: str
    version: Version
    released: list[str]
    changed: bool


class ShipmentReply(Reply):
    """A row of the table ``shipments``."""

    shipment_id: str
    order_id: str
    node_id: str
    service_id: str
    ship_date: str
    deliver_date: str
    zone: str
    distance_km: float
    weight_g: int
    freight_cents: int
    handling_cents: int
    preference_cents: int
    split_cents: int
    late_cents: int
    carbon_cents: int


class AllocatedReply(Reply):
    """A row of the table ``allocations``."""

    order_id: str
    line_id: str
    sku: str
    node_id: str
    shipment_id: str
    quantity: int


class UnallocatedReply(Reply):
    """A row of the table ``unallocated``."""

    order_id: str
    line_id: str
    sku: str
    quantity: int
    reason: str
    unallocated_cents: int


class ReservationName(Reply):
    """A reservation of an order."""

    reservation_id: str
    state: str
    version: int
    expires_at: str | None


class AllocationReply(Reply):
    """How an order is served."""

    order_id: str
    state: str
    version: Version
    committed: bool
    shipments: list[ShipmentReply]
    allocations: list[AllocatedReply]
    unallocated: list[UnallocatedReply]
    terms: dict[str, int]
    objective_cents: int
    reservations: list[ReservationName]


class PromiseOptionReply(Reply):
    """One complete way to serve the cart."""

    service_id: str | None
    deliver_date: str
    cost_cents: int
    shipments: list[ShipmentReply]


class PromiseReply(Reply):
    """What can be offered for a cart."""

    cart_id: str
    options: list[PromiseOptionReply]
    cheapest: PromiseOptionReply | None
    fastest: PromiseOptionReply | None
    lacking: list[UnallocatedReply]


class ExplanationReply(Reply):
    """Why an order is served as it is."""

    order_id: str
    terms: dict[str, int]
    objective_cents: int


RejectBody.model_rebuild()
