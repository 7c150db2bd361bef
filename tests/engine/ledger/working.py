"""Work for other processes: they race for the last units, and are killed in the middle of writing."""

from __future__ import annotations

import multiprocessing
from multiprocessing.connection import Connection
from typing import Any

from engine.ledger import open_ledger
from engine.ledger.base import Idempotency, Request, Response
from engine.ledger.commands import Confirm, Reserve
from engine.ledger.outcomes import Outcome, Refused, Reserved
from tests.engine.ledger.asking import DAY1, position

ROUTE = "POST /reservations"


def start(target: Any, *arguments: Any) -> tuple[Any, Connection]:
    """Start a process that was not forked from one with open databases; return it and a pipe to it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.engine.ledger.working"])
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def race(pipe: Connection, url: str, tenant: str, runner: int, n_orders: int) -> None:
    """Try to reserve one unit for each of many orders, then one shipment each; tell how many were had."""
    ledger = open_ledger(url, timeout_s=60)
    pipe.send("ready")
    pipe.recv()
    had = []
    for kind, one in (
        ("stock", position("scarce", 1)),
        ("slots", position("plenty", 1, node="M", shipment_id="s", service_id="fast")),
    ):
        n_had = 0
        for number in range(n_orders):
            name = f"{kind}-{runner}-{number}"
            command = Reserve(reservation_id=name, order_id=name, positions=(one,))
            outcome = ledger.write([Request(tenant=tenant, command=command)])[0].outcome
            assert isinstance(outcome, Reserved | Refused)
            n_had += isinstance(outcome, Reserved)
        had.append(n_had)
    pipe.send(had)
    ledger.close()


def respond(outcome: Outcome) -> Response:
    """Make a response that tells which reservation it is about."""
    assert not isinstance(outcome, Refused), outcome
    reservation = outcome.reservation  # type: ignore[union-attr]
    return Response(status=200, body=f"{reservation.reservation_id} {reservation.state}".encode())


def group_of(number: int, size: int) -> list[Request]:
    """Return the requests of a group: reservations, and confirmations of those of the group before."""
    requests = []
    for place in range(size):
        name = f"g{number}-{place}"
        positions = (position("A", 1, line_id="1", shipment_id="s"), position("B", 2, line_id="2", shipment_id="s"))
        reserve = Reserve(reservation_id=name, order_id=name, positions=positions, document=b"x" * 500)
        requests.append(_keyed(reserve, f"reserve {name}"))
        if number:
            former = f"g{number - 1}-{place}"
            requests.append(_keyed(Confirm(reservation_id=former), f"confirm {former}"))
    return requests


def _keyed(command: Reserve | Confirm, key: str) -> Request:
    known = Idempotency(route=ROUTE, key=key, body_hash=key)
    return Request(tenant="t", command=command, idempotency=known, respond=respond)


def load(pipe: Connection, url: str, first: int, size: int) -> None:
    """Write group after group without end, and tell each that is acknowledged."""
    ledger = open_ledger(url)
    pipe.send("ready")
    number = first
    while True:
        ledger.write(group_of(number, size))
        pipe.send(number)
        number += 1


__all__ = ["DAY1", "ROUTE", "group_of", "load", "race", "start"]
