"""Counts, changes of counts, and what can be promised."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.models.common import Change, Day, Int, Model, Reply, Text, Version

Sequence = Annotated[int, Field(ge=0, le=2**62)]
Skus = Annotated[list[Text], Field(min_length=1, max_length=1000)]


class CountBody(Model):
    """An absolute count of one stock row."""

    on_hand: Int
    available_on: Day | None = None
    reserved: Int | None = None
    safety_stock: Int | None = None
    compare_on_hand: Annotated[Int | None, Field(description="The count that the caller saw, instead of If-Match.")] = (
        None
    )
    source: Text | None = None
    sequence: Sequence | None = None


class AdjustmentBody(Model):
    """A change of one count."""

    node_id: Text
    sku: Text
    delta: Change
    available_on: Day | None = None


class AdjustBody(Model):
    """Changes of counts, all or none."""

    adjustments: Annotated[list[AdjustmentBody], Field(min_length=1, max_length=1000)]
    reason_code: Text | None = None
    reference: Text | None = None
    source: Text | None = None
    sequence: Sequence | None = None


class ImportQuery(Model):
    """Where counts come from."""

    source: Text | None = None
    sequence: Sequence | None = None


class LevelQuery(Model):
    """Which row of a node and sku."""

    available_on: Day | None = None


class AvailabilityBody(Model):
    """What to look up."""

    skus: Skus
    node_ids: Annotated[list[Text] | None, Field(min_length=1, max_length=1000)] = None
    by: Annotated[Day | None, Field(description="Supply that can ship by this day; none: what is there now.")] = None


class LevelReply(Reply):
    """One stock row; ``held`` are the units of its node and sku that reservations of ours hold."""

    node_id: str
    sku: str
    available_on: str | None
    on_hand: int
    reserved: int
    safety_stock: int
    held: int
    version: Version


class AtRiskReply(Reply):
    """A reservation of which units are missing."""

    order_id: str
    reservation_id: str
    quantity: int


class ShortReply(Reply):
    """Fewer units than are reserved, and the orders to source elsewhere."""

    node_id: str
    sku: str
    short: int
    orders: list[AtRiskReply]


class CountReply(Reply):
    """The row as it is now."""

    level: LevelReply
    applied: bool
    shortage: ShortReply | None


class AdjustReply(Reply):
    """The rows as they are now."""

    levels: list[LevelReply]
    applied: int
    skipped: int
    shortages: list[ShortReply]


class ImportReply(Reply):
    """What an import did."""

    rows: int
    changed: int
    skipped: int
    shortages: list[ShortReply]


class IncomingReply(Reply):
    """Units that can ship from a day on."""

    available_on: str
    on_hand: int


class AvailableReply(Reply):
    """What is there of a sku at a node."""

    node_id: str
    sku: str
    on_hand: int
    reserved: int
    safety_stock: int
    incoming: list[IncomingReply]
    available_to_promise: int


class AvailabilityReply(Reply):
    """What is there, by node and sku."""

    availability: list[AvailableReply]
