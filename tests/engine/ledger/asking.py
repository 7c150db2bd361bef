"""Shorthand for tests: ask a ledger for one thing, in few words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson

from engine.ledger.base import Idempotency, Reply, Request, Response
from engine.ledger.commands import Command, Limit, Position, PutNetwork, Reserve, SetOnHand
from engine.ledger.outcomes import Outcome, Refused, Reserved
from engine.ledger.records import Reservation, Snapshot
from engine.ledger.sql_ledger import SqlLedger

T = TypeVar("T")
DAY1, DAY2, DAY3, DAY5 = "2026-11-27", "2026-11-28", "2026-11-29", "2026-12-01"


def respond(outcome: Outcome) -> Response:
    """Make a response that tells the outcome in full."""
    status = 409 if isinstance(outcome, Refused) else 200
    return Response(status=status, body=repr(outcome).encode(), headers={"x-outcome": type(outcome).__name__})


def position(sku: str = "A", quantity: int = 1, day: str = DAY1, node: str = "N", **more: Any) -> Position:
    """Return a position; by default of sku A at node N, without capacity."""
    return Position(node_id=node, sku=sku, ship_date=day, quantity=quantity, **more)


def used_of(snapshot: Snapshot) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Return used capacity: shipments and units by node, service or "", and day."""
    rows = snapshot.used.to_pylist()
    return {
        (row["node_id"], row["service_id"] or "", str(row["date"])): (row["shipments"], row["units"]) for row in rows
    }


@dataclass
class Asking:
    """A tenant of a ledger.

    Parameters
    ----------
    ledger : SqlLedger
        With the tests' clock.
    tenant : str
        Whose.
    """

    ledger: SqlLedger
    tenant: str
    n_reservations: int = field(default=0)

    def reply(self, command: Command, key: str | None = None, body: str = "body", owner: str = "") -> Reply:
        """Do one command, perhaps under an idempotency key."""
        known = None if key is None else Idempotency(route="POST /x", key=key, body_hash=body, owner=owner)
        request = Request(tenant=self.tenant, command=command, idempotency=known, respond=respond)
        return self.ledger.write([request])[0]

    def do(self, command: Command) -> Any:
        """Do one command and return its outcome."""
        return self.reply(command).outcome

    def all(self, *commands: Command) -> list[Any]:
        """Do commands in one transaction."""
        requests = [Request(tenant=self.tenant, command=command) for command in commands]
        return [reply.outcome for reply in self.ledger.write(requests)]

    def refused(self, command: Command, reason: str) -> Refused:
        """Do one command that is to be refused."""
        outcome = self.do(command)
        assert isinstance(outcome, Refused), outcome
        assert outcome.reason == reason, outcome
        return outcome

    def count(self, sku: str = "A", on_hand: int = 10, day: str | None = None, node: str = "N", **more: Any) -> None:
        """Record a count."""
        self.do(SetOnHand(node_id=node, sku=sku, on_hand=on_hand, available_on=day, **more))

    def reserve(self, *positions: Position, order: str = "O", **more: Any) -> Any:
        """Reserve for an order under the next reservation id, r1, r2..."""
        self.n_reservations += 1
        return self.do(
            Reserve(reservation_id=f"r{self.n_reservations}", order_id=order, positions=tuple(positions), **more)
        )

    def held(self, *positions: Position, **more: Any) -> Reservation:
        """Reserve what can be reserved."""
        outcome = self.reserve(*positions, **more)
        assert isinstance(outcome, Reserved), outcome
        return outcome.reservation

    def limit(self, *limits: Limit) -> None:
        """Put a network with these limits."""
        self.do(PutNetwork(document=b"{}", limits=limits))

    def state(self, reservation_id: str) -> str:
        """Return a reservation's state."""
        found = self.ledger.reservation(self.tenant, reservation_id)
        assert found is not None
        return found.state

    def promised(self, sku: str = "A", by: str | None = None, node: str = "N") -> int:
        """Return what is available to promise."""
        found = self.ledger.availability(self.tenant, skus=[sku], node_ids=[node], by=by)
        return found[0].available_to_promise if found else 0

    def on_hand(self, sku: str = "A", day: str | None = None, node: str = "N") -> int:
        """Return a row's count."""
        found = self.ledger.stock_level(self.tenant, node, sku, day)
        assert found is not None
        return found.on_hand

    def used(self) -> dict[tuple[str, str, str], tuple[int, int]]:
        """Return used capacity: shipments and units by node, service or "", and day."""
        return used_of(self.ledger.snapshot(self.tenant))

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """Return what events of some types tell."""
        found = self.ledger.events(self.tenant, limit=10_000)
        return [orjson.loads(event.data) for event in found if event.type in kinds]

    def pass_ms(self, ms: int) -> None:
        """Let time pass."""
        with self.ledger.database.writing() as session:
            session.change("UPDATE test_clock SET now_ms = now_ms + ?", (ms,))

    def check(self) -> None:
        """Verify the tenant's part of the ledger."""
        report = self.ledger.verify(self.tenant)
        assert report.ok, report.differences
