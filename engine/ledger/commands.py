"""What a ledger can be asked to change: plain values, checked for shape by whoever parsed them.

Days are ISO 8601 text (``2026-11-27``), instants are whole milliseconds since 1970 by the database's clock, and
``None`` for ``available_on`` means now. Identifiers come from the caller: nothing here draws a random one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """Units of one sku that leave one node on one day.

    Parameters
    ----------
    node_id, sku : str
        What is taken, and where.
    ship_date : str
        The day it leaves, ISO text.
    quantity : int
        Units, from 1.
    line_id : str, optional
        The order's line it serves.
    shipment_id : str, optional
        The shipment it goes in. The positions of one reservation with the same shipment, node, service and day are one
        shipment: it takes one of the node's (and the service's) shipments that day and its units. Without
        a shipment no capacity is taken.
    service_id : str, optional
        The carrier service of the shipment; without it only the node's own capacity counts.
    """

    node_id: str
    sku: str
    ship_date: str
    quantity: int
    line_id: str | None = None
    shipment_id: str | None = None
    service_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """What a node (``service_id`` None) or a service at a node can take in a day; None: no limit."""

    node_id: str
    service_id: str | None = None
    shipments_per_day: int | None = None
    units_per_day: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PutNetwork:
    """Store a network as the next version; its limits hold for every reservation from then on.

    Parameters
    ----------
    document : bytes
        The network as the service stores it.
    limits : tuple of Limit
        All of them: what is not listed has no limit.
    if_match : int, optional
        The version that the caller saw (0: none yet); another current version is refused as ``stale_version``.
    """

    document: bytes
    limits: tuple[Limit, ...] = ()
    if_match: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportStock:
    """Absolute counts of many rows.

    Parameters
    ----------
    rows : Table
        Columns ``node_id``, ``sku``, ``on_hand`` and, if present, ``reserved``, ``safety_stock``, ``available_on``
        (as in MODEL's ``stock``; an absent column is its default). The last of rows with the same key counts.
    source, sequence : str and int, optional
        Where the counts come from and their place in that stream. A row that a later sequence of the
        same source has counted already is skipped; adjustments of the same source that came before their count, but
        belong after it, are kept on top.
    """

    rows: pa.Table
    source: str | None = None
    sequence: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SetOnHand:
    """One absolute count.

    Parameters
    ----------
    node_id, sku, available_on
        The row; it is created when it is new.
    on_hand : int
        Units counted, from 0; below what is reserved is accepted and comes back as a shortage.
    reserved, safety_stock : int, optional
        Units reserved elsewhere and kept back; None leaves them as they are.
    if_match : int, optional
        The row's version as the caller saw it (0: no such row); else ``stale_version``.
    compare_on_hand : int, optional
        The count as the caller saw it; else ``compare_failed``.
    source, sequence : str and int, optional
        As for `ImportStock`.
    """

    node_id: str
    sku: str
    on_hand: int
    available_on: str | None = None
    reserved: int | None = None
    safety_stock: int | None = None
    if_match: int | None = None
    compare_on_hand: int | None = None
    source: str | None = None
    sequence: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Adjustment:
    """A change of one count: units received (above 0) or lost (below 0)."""

    node_id: str
    sku: str
    delta: int
    available_on: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AdjustStock:
    """Changes of counts, all or none; one that would leave a count below 0 is refused as ``negative_on_hand``.

    Parameters
    ----------
    adjustments : tuple of Adjustment
        The changes.
    reason_code, reference : str, optional
        Kept in the journal.
    source, sequence : str and int, optional
        Their place in a stream: a (source, sequence) that a row has seen changes it no more; one that is earlier
        than the row's last count of that source is in that count already and changes nothing.
    """

    adjustments: tuple[Adjustment, ...]
    reason_code: str | None = None
    reference: str | None = None
    source: str | None = None
    sequence: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reserve:
    """Take stock and capacity for an order: all positions or none.

    Parameters
    ----------
    reservation_id : str
        A new one; a known one is refused as ``exists``.
    order_id : str
        Whose it is.
    positions : tuple of Position
        What it takes; may be empty (an order that is wholly unallocated has a document all the same).
    confirmed : bool, optional
        Start as CONFIRMED (which never expires) instead of HELD.
    ttl_ms : int, optional
        How long it is held, by the database's clock; None: until it is released.
    document : bytes, optional
        The allocation document to keep for the order; None keeps the former one.
    mode : {"new", "replace", "add"}, optional
        ``new`` is refused as ``order_exists`` when the order has a live or fulfilled reservation; ``replace``
        releases those in the same transaction, and what they free may be taken at once; ``add`` leaves them.
    if_match : int, optional
        The order's version as the caller saw it (0: unknown order); else ``stale_version``.
    """

    reservation_id: str
    order_id: str
    positions: tuple[Position, ...]
    confirmed: bool = False
    ttl_ms: int | None = None
    document: bytes | None = None
    mode: Literal["new", "replace", "add"] = "new"
    if_match: int | None = None


PositionRow = tuple[int, str, str, str, int, str | None, str | None, str | None]
"""Number of the order among those given, then node, sku, ship date, quantity, line, shipment and service."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReserveMany:
    """Reserve for many orders at once, each as `Reserve` with mode ``new`` would, but never refused for lack.

    Orders that are new, and that fit whatever of the others fits, are reserved; the rest is left untouched, and
    named: send those as `Reserve`, one by one. So a batch that nobody raced costs a few statements, and the rules for
    the rest are those of single orders.

    Parameters
    ----------
    reservation_ids, order_ids : tuple of str
        By order.
    documents : tuple of bytes
        By order: the allocation documents.
    positions : tuple of PositionRow
        Of all orders, those of one order together, in the sequence of the orders.
    confirmed : bool, optional
        As for `Reserve`, for all of them.
    ttl_ms : int, optional
        As for `Reserve`, for all of them.
    """

    reservation_ids: tuple[str, ...]
    order_ids: tuple[str, ...]
    documents: tuple[bytes, ...]
    positions: tuple[PositionRow, ...]
    confirmed: bool = False
    ttl_ms: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Confirm:
    """HELD to CONFIRMED; a CONFIRMED one stays as it is. ``if_match`` is the reservation's version."""

    reservation_id: str
    if_match: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fulfil:
    """Goods have left: reserved units leave the stock too; capacity stays used. HELD and CONFIRMED may be fulfilled.

    Parameters
    ----------
    reservation_id : str
        Which.
    shipment_ids : tuple of str, optional
        Only these shipments; the reservation is FULFILLED when nothing is open any more. None: all that is open.
    if_match : int, optional
        The reservation's version.
    """

    reservation_id: str
    shipment_ids: tuple[str, ...] | None = None
    if_match: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """Give back what is open, stock and capacity: HELD or CONFIRMED to RELEASED; a RELEASED one stays as it is."""

    reservation_id: str
    if_match: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Extend:
    """Let a HELD one expire ``ttl_ms`` from now instead (None: never)."""

    reservation_id: str
    ttl_ms: int | None
    if_match: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was counted at a node that could not ship."""

    node_id: str
    sku: str
    on_hand: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectLines:
    """A node cannot ship lines of an order: their open units there are released, the counts found are recorded.

    Parameters
    ----------
    order_id, node_id : str
        Whose lines, and where; an order without them there is refused as ``not_found``.
    line_ids : tuple of str, optional
        Which lines; None: all that the node has open for the order.
    found : tuple of Found, optional
        Counts, as `SetOnHand` with ``available_on`` None: units that the node really has, rejected lines included.
    document : bytes, optional
        The order's new allocation document.
    if_match : int, optional
        The order's version.
    """

    order_id: str
    node_id: str
    line_ids: tuple[str, ...] | None = None
    found: tuple[Found, ...] = ()
    document: bytes | None = None
    if_match: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelOrder:
    """Release all that an order holds; it takes nothing more (``order_cancelled``). A repetition changes nothing."""

    order_id: str
    document: bytes | None = None
    if_match: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateOperation:
    """Queue long work: ``kind`` says what, ``request`` is what it needs to start, or to start again."""

    operation_id: str
    kind: str
    request: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelOperation:
    """Ask long work to end: what is QUEUED is CANCELLED at once, the owner of what is RUNNING sees it was asked."""

    operation_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PutWebhook:
    """Register a receiver of events, or change it; a new one starts after the newest event.

    Parameters
    ----------
    webhook_id, url, secret : str
        Which, where to, and the key for signatures.
    event_types : tuple of str, optional
        Only these; empty: all.
    """

    webhook_id: str
    url: str
    secret: str
    event_types: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteWebhook:
    """Forget a receiver."""

    webhook_id: str


Command = (
    PutNetwork
    | ImportStock
    | SetOnHand
    | AdjustStock
    | Reserve
    | ReserveMany
    | Confirm
    | Fulfil
    | Release
    | Extend
    | RejectLines
    | CancelOrder
    | CreateOperation
    | CancelOperation
    | PutWebhook
    | DeleteWebhook
)
