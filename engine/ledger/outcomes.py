"""What became of a command: done, with what a caller wants to tell, or refused, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.ledger.records import (
    Operation,
    OrderState,
    PositionRecord,
    Reservation,
    StockLevel,
    StockShortage,
    Webhook,
)

Reason = Literal[
    "insufficient_stock",
    "insufficient_capacity",
    "stale_version",
    "compare_failed",
    "negative_on_hand",
    "not_found",
    "exists",
    "order_exists",
    "order_cancelled",
    "wrong_state",
    "expired",
    "invalid",
    "key_reused",
    "in_flight",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lack:
    """Units asked of a (node, sku) to ship by a day, all lines of the request together, and what could be had."""

    node_id: str
    sku: str
    ship_date: str
    requested: int
    available: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Overload:
    """Capacity asked of a node (or a service at it) on a day, and what is left."""

    node_id: str
    service_id: str | None
    ship_date: str
    kind: Literal["shipments", "units"]
    requested: int
    available: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """A command that changed nothing.

    Parameters
    ----------
    reason : str
        Which rule; ``key_reused`` (the idempotency key came with another body) and ``in_flight`` (another request
        with the key is at work) are answers to the key, not to the command, and are not stored under it.
    detail : str
        One line for people: key, value and expectation.
    lacks, overloads : tuple
        All that was short, for ``insufficient_stock`` and ``insufficient_capacity``.
    current_version : int, optional
        For ``stale_version``: the version that is current.
    """

    reason: Reason
    detail: str
    lacks: tuple[Lack, ...] = ()
    overloads: tuple[Overload, ...] = ()
    current_version: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkStored:
    """The version that the network got."""

    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StockImported:
    """Rows given, rows that changed something, rows skipped as older than what is there, and shortages that arose."""

    rows: int
    changed: int
    skipped: int
    shortages: tuple[StockShortage, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class StockSet:
    """The row now; ``applied`` is false where a later count of the source was there already."""

    level: StockLevel
    applied: bool
    shortage: StockShortage | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StockAdjusted:
    """The rows now, in the order of the adjustments; how many were applied, and skipped as seen before."""

    levels: tuple[StockLevel, ...]
    applied: int
    skipped: int
    shortages: tuple[StockShortage, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reserved:
    """The new reservation, the ones that it replaced, and the order's version."""

    reservation: Reservation
    replaced: tuple[str, ...]
    order_version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ManyReserved:
    """How many orders were reserved, and the numbers of those that were left alone."""

    reserved: int
    left: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReservationChanged:
    """The reservation now; ``changed`` is false where it was so already.

    ``uncounted`` are units fulfilled beyond what the stock rows had: recorded as found.
    """

    reservation: Reservation
    changed: bool
    uncounted: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class LinesRejected:
    """What was released (``quantity`` is what was open), what the order still holds, and shortages of others."""

    order_id: str
    order_version: int
    released: tuple[PositionRecord, ...]
    reservations: tuple[Reservation, ...]
    shortages: tuple[StockShortage, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderCancelled:
    """The reservations that were released; ``changed`` is false where the order was cancelled already."""

    order_id: str
    state: OrderState
    order_version: int
    released: tuple[str, ...]
    changed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationCreated:
    """The operation, queued."""

    operation: Operation


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationCancelled:
    """The operation now; one that had ended is as it was."""

    operation: Operation


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookStored:
    """The receiver now."""

    webhook: Webhook


@dataclass(frozen=True, kw_only=True, slots=True)
class WebhookDeleted:
    """Which was forgotten."""

    webhook_id: str


Outcome = (
    Refused
    | NetworkStored
    | StockImported
    | StockSet
    | StockAdjusted
    | Reserved
    | ManyReserved
    | ReservationChanged
    | LinesRejected
    | OrderCancelled
    | OperationCreated
    | OperationCancelled
    | WebhookStored
    | WebhookDeleted
)
