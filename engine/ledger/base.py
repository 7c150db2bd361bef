"""The contract of a ledger: one protocol, whatever database is under it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from engine.ledger.commands import Command
from engine.ledger.outcomes import Outcome
from engine.ledger.records import (
    ApiKey,
    Availability,
    Changes,
    Delta,
    Entry,
    Event,
    NetworkRecord,
    Operation,
    OperationState,
    OrderRecord,
    Reservation,
    Snapshot,
    StockLevel,
    VerifyReport,
    Webhook,
)


class LedgerError(Exception):
    """Something that is no answer to a command."""


class LedgerUnavailable(LedgerError):
    """The database cannot be reached, is full, or did not let us in for too long.

    Nothing of the call was acknowledged. Where the connection broke during the commit it may be
    there all the same: a request with an idempotency key can be sent again safely.
    """


class LedgerCorrupt(LedgerError):
    """The database holds what no transaction of ours can have written, or a newer version's tables."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Idempotency:
    """What makes a request known again.

    Parameters
    ----------
    route, key : str
        With the tenant, the scope of a key.
    body_hash : str
        A hash of the request's body: the same key with another hash is refused as ``key_reused``.
    owner : str, optional
        Who holds the in-flight marker, where `Ledger.begin_request` set one: a name that no other call uses.
    """

    route: str
    key: str
    body_hash: str
    owner: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Response:
    """What the caller of the service gets; stored under the idempotency key unless the status is 500 or above."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


Respond = Callable[[Outcome], Response]


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One command of one tenant.

    Parameters
    ----------
    tenant : str
        Whose ledger.
    command : Command
        What to do.
    idempotency : Idempotency, optional
        Without it the command is done each time it comes.
    respond : callable, optional
        Makes the response from the outcome, inside the transaction; it must be quick and do nothing else. When it
        raises, the request is rolled back and the error is in `Reply.error`. A status of 500 or above rolls the
        request back too.
    """

    tenant: str
    command: Command
    idempotency: Idempotency | None = None
    respond: Respond | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """The answer to one request.

    Parameters
    ----------
    outcome : Outcome or None
        What became of it; None for a replay or an error.
    response : Response or None
        What `Request.respond` made, or the first response where this is a replay.
    replayed : bool
        Whether the key was known: nothing was done.
    deltas : tuple of Delta
        What the request changed, in order, entries without gaps within one call's replies of a tenant. A snapshot
        that is at entry n can take them when the first is n + 1; otherwise `Ledger.changes` has what is missing.
    error : Exception or None
        What `Request.respond` raised.
    """

    outcome: Outcome | None
    response: Response | None = None
    replayed: bool = False
    deltas: tuple[Delta, ...] = ()
    error: Exception | None = None


class Ledger(Protocol):
    """Stock, capacity, reservations and what belongs to them; of many tenants, for many threads at once.

    Every call is a transaction of its own. All raise `LedgerUnavailable` when the database does not answer.
    """

    def write(self, requests: Sequence[Request]) -> list[Reply]:
        """Do requests in order in one transaction, durable on return; a refused one undoes only itself.

        Raises
        ------
        LedgerUnavailable
            Nothing of any of them was done (but see there).
        """

    def import_stock(self, request: Request, *, chunk_rows: int = 4000) -> Reply:
        """Do an `ImportStock` in many short transactions, so that others get in between.

        More than 100,000 changes are not in the reply's ``deltas``: read `changes`, or a new snapshot.
        A crash leaves the first part of the rows counted; the same call again ends the work. The response is stored
        with the last part. Put a marker before it (`begin_request`) where it has an idempotency key.
        """

    def begin_request(self, tenant: str, idempotency: Idempotency, *, lease_ms: int = 60_000) -> Reply | None:
        """Mark a key as in flight, in a short transaction of its own, before work that ends in `write`.

        Returns
        -------
        Reply or None
            None: go on (the marker is ours for ``lease_ms``; then another may take over). Otherwise the first
            response (``replayed``), or `Refused` with ``in_flight`` or ``key_reused``.
        """

    def abandon_request(self, tenant: str, idempotency: Idempotency) -> None:
        """Take our marker away after a failure that is not to be stored."""

    def now_ms(self) -> int:
        """Return the database's clock; also the cheapest proof that it answers."""

    def network(self, tenant: str, version: int | None = None) -> NetworkRecord | None:
        """Return a network, the current one by default."""

    def network_version(self, tenant: str) -> int:
        """Return the current network's version, 0 for none."""

    def snapshot(self, tenant: str) -> Snapshot:
        """Read all stock and all used capacity, consistent with one entry."""

    def changes(self, tenant: str, after: int, *, limit: int = 10_000) -> Changes:
        """Read entries after one as changes of balances."""

    def stock_level(self, tenant: str, node_id: str, sku: str, available_on: str | None = None) -> StockLevel | None:
        """Return one stock row."""

    def availability(
        self, tenant: str, *, skus: Sequence[str], node_ids: Sequence[str] | None = None, by: str | None = None
    ) -> list[Availability]:
        """Return what is there of some skus, at some nodes or all, by node and sku.

        ``by`` is the day asked about; None: only what is there now counts as on hand, and promised is what could
        ship on any day.
        """

    def reservation(self, tenant: str, reservation_id: str) -> Reservation | None:
        """Return a reservation; a HELD one whose time is over reads as EXPIRED."""

    def order(self, tenant: str, order_id: str) -> OrderRecord | None:
        """Return an order, its document and its reservations."""

    def entries(self, tenant: str, *, after: int = 0, limit: int = 1000) -> list[Entry]:
        """Return a page of the journal."""

    def events(self, tenant: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
        """Return a page of the outbox."""

    def last_event(self, tenant: str) -> int:
        """Return the number of the newest event, 0 for none."""

    def sweep(self, *, limit: int = 1000) -> int:
        """Free holds whose time is over, of all tenants; return how many. Rules do not wait for it."""

    def purge(self, *, keep_ms: int = 86_400_000, keep_events_ms: int | None = None) -> int:
        """Forget what is old, in many short transactions; return how many rows went.

        Parameters
        ----------
        keep_ms : int
            How long responses under idempotency keys, and requests and results of operations that ended, are kept.
        keep_events_ms : int, optional
            How long events are kept that every receiver has got, the newest excepted; None: for good. Entries are
            never forgotten.
        """

    def tenants(self) -> list[str]:
        """Return every tenant that has written."""

    def operation(self, tenant: str, operation_id: str) -> Operation | None:
        """Return an operation, without its result."""

    def operations(self, tenant: str, *, limit: int = 100) -> list[Operation]:
        """Return the newest operations."""

    def claim_operation(
        self, owner: str, *, lease_ms: int, tenant: str | None = None, operation_id: str | None = None
    ) -> tuple[str, Operation] | None:
        """Take the oldest operation that is QUEUED, or RUNNING with a lease that is over; return its tenant and it.

        ``attempts`` counts the claims, so that the owner can tell a first start from a take-over.
        """

    def progress_operation(
        self, tenant: str, operation_id: str, owner: str, *, lease_ms: int, progress: bytes | None = None
    ) -> Operation | None:
        """Renew the lease and tell progress; None when it is not ours any more: stop. Look at ``cancel_asked``."""

    def finish_operation(
        self,
        tenant: str,
        operation_id: str,
        owner: str,
        *,
        state: OperationState,
        results: Mapping[str, bytes] | None = None,
        problem: bytes | None = None,
    ) -> bool:
        """End an operation that is ours as DONE, FAILED or CANCELLED, with named results; False when it is not ours."""

    def operation_result(self, tenant: str, operation_id: str, name: str) -> bytes | None:
        """Return one named result."""

    def stale_operations(self) -> list[tuple[str, Operation]]:
        """Return the RUNNING operations whose lease is over, with their tenants."""

    def webhooks(self, tenant: str) -> list[Webhook]:
        """Return the receivers, oldest first."""

    def claim_webhook(self, owner: str, *, lease_ms: int) -> tuple[str, Webhook, list[Event]] | None:
        """Take a receiver that has undelivered events and whose time has come; return tenant, receiver and next events.

        Events of other types than it wants are passed over. While the lease lasts nobody else delivers to it: so
        they arrive in order.
        """

    def advance_webhook(self, tenant: str, webhook_id: str, owner: str, *, cursor: int) -> bool:
        """Record that all up to an event arrived, and give the lease back; False when it is not ours any more."""

    def postpone_webhook(self, tenant: str, webhook_id: str, owner: str, *, delay_ms: int) -> bool:
        """Record a failure: nobody tries again before the delay is over."""

    def put_key(self, tenant: str, key_id: str, key_hash: str, scopes: Sequence[str]) -> ApiKey:
        """Store a credential, by the hash of its secret; a known ``key_id`` gets the new hash and scopes."""

    def find_key(self, key_hash: str) -> ApiKey | None:
        """Return the credential with this hash, of whatever tenant, unless revoked."""

    def keys(self, tenant: str | None = None) -> list[ApiKey]:
        """Return credentials, of one tenant or all."""

    def revoke_key(self, tenant: str, key_id: str) -> bool:
        """Revoke a credential for good; False when there is none."""

    def verify(self, tenant: str | None = None) -> VerifyReport:
        """Check that entries, balances and reservations agree, in one consistent read."""

    def rebuild(self, tenant: str | None = None) -> VerifyReport:
        """Set every balance to what its entries add up to; return what was wrong before."""

    def export(self, tenant: str) -> Iterator[tuple[str, pa.Table]]:
        """Yield the ledger as tables (stock, reservations, positions, orders, capacity, entries, events) in chunks."""

    def close(self) -> None:
        """Let go of the database; calls after it raise `LedgerUnavailable`."""


__all__ = [
    "Idempotency",
    "Ledger",
    "LedgerCorrupt",
    "LedgerError",
    "LedgerUnavailable",
    "Reply",
    "Request",
    "Respond",
    "Response",
]
