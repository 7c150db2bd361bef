"""What a ledger holds, as it is read: reservations, stock, orders, entries, events, operations, receivers, keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import pyarrow as pa

State = Literal["HELD", "CONFIRMED", "FULFILLED", "RELEASED", "EXPIRED"]
OrderState = Literal["OPEN", "CANCELLED"]
OperationState = Literal["QUEUED", "RUNNING", "DONE", "FAILED", "CANCELLED"]
Bucket = Literal["on_hand", "external", "safety", "reserved", "shipments", "units"]


class Delta(NamedTuple):
    """One entry as a change of one balance.

    ``on_hand``, ``external`` (MODEL's imported ``reserved``) and ``safety`` change the stock row (node, item = sku,
    day = available_on or "" for now); ``reserved`` changes what we hold of (node, item = sku) to ship on the day;
    ``shipments`` and ``units`` change the capacity used at the node on the day and, where item is not "", that of the
    service ``item`` there too.
    """

    entry: int
    bucket: Bucket
    node_id: str
    item: str
    day: str
    change: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PositionRecord:
    """A position and what became of it: ``quantity`` = ``open`` + ``fulfilled`` + what was released."""

    node_id: str
    sku: str
    ship_date: str
    quantity: int
    line_id: str | None
    shipment_id: str | None
    service_id: str | None
    open: int
    fulfilled: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Reservation:
    """A reservation; ``expires_at_ms`` is None where it does not expire. ``version`` starts at 1."""

    reservation_id: str
    order_id: str
    state: State
    version: int
    expires_at_ms: int | None
    created_at_ms: int
    positions: tuple[PositionRecord, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderRecord:
    """An order: its allocation document and its reservations, oldest first."""

    order_id: str
    state: OrderState
    version: int
    document: bytes | None
    updated_at_ms: int
    reservations: tuple[Reservation, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class StockLevel:
    """One stock row. ``held`` are the units of (node, sku) that live reservations hold, whatever their day."""

    node_id: str
    sku: str
    available_on: str | None
    on_hand: int
    reserved: int
    safety_stock: int
    held: int
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Availability:
    """What is there of a sku at a node.

    Parameters
    ----------
    node_id, sku : str
        Which.
    on_hand : int
        Units available by the day asked about.
    reserved : int
        Units reserved elsewhere and by us.
    safety_stock : int
        Units kept back.
    incoming : tuple of (str, int)
        Later supply, by day.
    available_to_promise : int
        Units that a reservation to ship on the day asked about could take.
    """

    node_id: str
    sku: str
    on_hand: int
    reserved: int
    safety_stock: int
    incoming: tuple[tuple[str, int], ...]
    available_to_promise: int


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderAtRisk:
    """A reservation that holds units of which there are too few."""

    order_id: str
    reservation_id: str
    quantity: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StockShortage:
    """Fewer units than reserved: by how many, and the orders to source elsewhere, last come first."""

    node_id: str
    sku: str
    short: int
    orders: tuple[OrderAtRisk, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkRecord:
    """A stored network."""

    version: int
    document: bytes
    created_at_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One line of the journal: ``quantity`` units went from the account ``debit`` to the account ``credit``."""

    entry: int
    at_ms: int
    kind: str
    debit: str
    credit: str
    node_id: str
    item: str
    day: str
    quantity: int
    order_id: str | None
    reservation_id: str | None
    reason_code: str | None
    reference: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One event of the outbox; ``event`` numbers of a tenant have no gaps and are in the order of commits.

    Types: ``reservation.held``, ``.confirmed``, ``.fulfilled``, ``.released``, ``.expired``, ``.extended``,
    ``order.rejected``, ``order.cancelled``, ``stock.shortage``, ``network.changed``. ``data`` is a JSON object.
    Events about one order have its id and are in order.
    """

    event: int
    at_ms: int
    type: str
    subject: str
    order_id: str | None
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """Long work. ``progress`` and ``problem`` are JSON; ``owner`` holds it until ``lease_until_ms``.

    ``request`` is what was asked, for who claimed it; empty elsewhere, because it can be megabytes long.
    """

    operation_id: str
    kind: str
    state: OperationState
    version: int
    request: bytes
    progress: bytes | None
    problem: bytes | None
    cancel_asked: bool
    owner: str | None
    lease_until_ms: int | None
    attempts: int
    created_at_ms: int
    updated_at_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """A receiver of events and how far it has come: ``cursor`` is the last event that it took."""

    webhook_id: str
    url: str
    secret: str
    event_types: tuple[str, ...]
    cursor: int
    failures: int
    next_attempt_ms: int
    created_at_ms: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """A credential; only the hash of its secret is known here."""

    tenant: str
    key_id: str
    key_hash: str
    scopes: tuple[str, ...]
    created_at_ms: int
    revoked_at_ms: int | None


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Everything a decision needs, as of one entry.

    Parameters
    ----------
    entry : int
        The last entry that is in it: `Ledger.changes` goes on from there.
    network_version : int
        The current network (0: none).
    stock : Table
        MODEL's ``stock``: node_id, sku, on_hand, reserved, safety_stock (int64), available_on (date32, null: now),
        sorted by key. ``reserved`` of a (node, sku)'s first row includes what we hold.
    used : Table
        MODEL's ``used``: node_id, service_id (null: the node's own), date (date32), shipments, units (int64).
    """

    entry: int
    network_version: int
    stock: pa.Table
    used: pa.Table


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Entries after a snapshot, or after earlier changes. ``complete``: no more were there when it was read."""

    entry: int
    network_version: int
    complete: bool
    deltas: tuple[Delta, ...]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A balance that is not what its entries, or its reservations, add up to."""

    tenant: str
    what: str
    key: tuple[str, ...]
    balance: int
    expected: int


@dataclass(frozen=True, kw_only=True)
class VerifyReport:
    """What a check of the ledger found; ``ok`` when nothing."""

    n_entries: int
    n_balances: int
    n_reservations: int
    differences: tuple[Difference, ...]
    n_differences: int

    @property
    def ok(self) -> bool:
        """Whether entries, balances and reservations agree."""
        return self.n_differences == 0
