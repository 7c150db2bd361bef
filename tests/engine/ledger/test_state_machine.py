"""Tests the whole ledger against a plain model: drawn commands, alone and together, over drawn time."""

from __future__ import annotations

import os
import random
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from engine.ledger import outcomes as o
from engine.ledger.base import Idempotency, Reply, Request
from engine.ledger.commands import Command, Reserve, ReserveMany
from engine.ledger.records import Delta
from engine.ledger.sql_ledger import SqlLedger
from tests.engine.ledger.asking import Asking, respond, used_of
from tests.engine.ledger.conftest import BACKENDS
from tests.engine.ledger.drawing import Drawing
from tests.engine.ledger.model import Answer, Model

LONG = bool(os.environ.get("NODEWISE_LONG"))
N_RUNS = {"sqlite": 600 if LONG else 400, "postgres": 400 if LONG else 100}  # 50 steps each


def answer_of(outcome: Any) -> Answer:
    """Return what of an outcome the model tells too."""
    if isinstance(outcome, o.Refused):
        return (outcome.reason,)
    if isinstance(outcome, o.StockSet):
        return ("set", outcome.level.version, outcome.shortage.short if outcome.shortage else 0)
    if isinstance(outcome, o.StockAdjusted):
        return ("adjusted", tuple(shortage.short for shortage in outcome.shortages))
    if isinstance(outcome, o.NetworkStored):
        return ("network", outcome.version)
    if isinstance(outcome, o.Reserved):
        return ("reserved", outcome.order_version)
    if isinstance(outcome, o.ReservationChanged):
        return ("changed", outcome.reservation.state, outcome.reservation.version)
    if isinstance(outcome, o.LinesRejected):
        units = sum(one.open for one in outcome.released)
        return ("rejected", units, tuple(shortage.short for shortage in outcome.shortages))
    assert isinstance(outcome, o.OrderCancelled), outcome
    return ("cancelled", outcome.order_version)


def many_of(single: Sequence[Reserve]) -> ReserveMany:
    """Return the command that reserves for all of them."""
    return ReserveMany(
        reservation_ids=tuple(one.reservation_id for one in single),
        order_ids=tuple(one.order_id for one in single),
        documents=tuple(b"{}" for _ in single),
        positions=tuple(
            (
                number,
                place.node_id,
                place.sku,
                place.ship_date,
                place.quantity,
                place.line_id,
                place.shipment_id,
                place.service_id,
            )
            for number, one in enumerate(single)
            for place in one.positions
        ),
        confirmed=single[0].confirmed,
        ttl_ms=single[0].ttl_ms,
    )


class LedgerMachine(RuleBasedStateMachine):
    """Commands to a ledger and to the model; after each step all balances must agree."""

    ledger: SqlLedger

    def __init__(self) -> None:
        super().__init__()
        self.ask = Asking(self.ledger, f"machine-{uuid.uuid4().hex}")
        self.model = Model()
        self.balances: Counter[tuple[str, str, str, str]] = Counter()
        self.entry = 0
        self.n_keys = 0
        self.last: tuple[Request, Reply] | None = None

    @initialize(seed=st.integers(0, 2**32 - 1))
    def fill(self, seed: int) -> None:
        """Begin with some stock, and perhaps limits."""
        drawing = Drawing(seed, self.model)
        self.do([drawing.count() for _ in range(8)] + [drawing.network()])

    @rule(seed=st.integers(0, 2**32 - 1))
    def step(self, seed: int) -> None:
        """Do one of the things below; one rule, because hypothesis leaves rules out of some runs."""
        rng = random.Random(seed)
        what = rng.choice(("write", "write", "write", "write", "many", "again", "wait", "sweep"))
        if what == "write":
            drawing = Drawing(seed, self.model)
            self.do([drawing.command() for _ in range(rng.choice((1, 1, 1, 2, 4)))])
        elif what == "many":
            drawing = Drawing(seed, self.model)
            self.reserve_many([drawing.reserve() for _ in range(rng.choice((1, 2, 4)))])
        elif what == "again" and self.last is not None:
            self.write_again(*self.last)
        elif what == "wait":
            ms = rng.randint(1, 3)
            self.ask.pass_ms(ms)
            self.model.now += ms
        elif what == "sweep":
            self.sweep()

    def do(self, together: Sequence[Command]) -> None:
        """Let ledger and model do the same."""
        requests = []
        for command in together:
            self.n_keys += 1
            known = Idempotency(route="POST /x", key=f"k{self.n_keys}", body_hash="h")
            requests.append(Request(tenant=self.ask.tenant, command=command, idempotency=known, respond=respond))
        replies = self.ask.ledger.write(requests)
        for command, reply in zip(together, replies):
            real, expected = answer_of(reply.outcome), self.model.do(command)
            assert real == expected, command
            self.take(reply.deltas)
        self.last = (requests[-1], replies[-1])
        self.compare()

    def reserve_many(self, drawn: Sequence[Reserve]) -> None:
        """Reserve for orders at once: what was reserved the model reserves one by one, the rest changed nothing."""
        first = drawn[0]
        alike = [
            replace(one, mode="new", if_match=None, confirmed=first.confirmed, ttl_ms=first.ttl_ms) for one in drawn
        ]
        command = many_of(alike)
        (reply,) = self.ask.ledger.write([Request(tenant=self.ask.tenant, command=command)])
        assert isinstance(reply.outcome, o.ManyReserved)
        assert reply.outcome.reserved + len(reply.outcome.left) == len(alike)
        for number, one in enumerate(alike):
            if number not in reply.outcome.left:
                assert self.model.do(one) == ("reserved", 1), one
        self.take(reply.deltas)
        self.compare()

    def write_again(self, request: Request, first: Reply) -> None:
        """Send the last request once more: the same response, no change."""
        (again,) = self.ask.ledger.write([request])
        assert (again.replayed, again.response, again.deltas) == (True, first.response, ())
        self.compare()

    def sweep(self) -> None:
        """Free holds whose time is over."""
        n_freed = self.model.sweep()
        assert self.ask.ledger.sweep() >= n_freed
        changes = self.ask.ledger.changes(self.ask.tenant, self.entry)
        self.take(changes.deltas)
        self.compare()

    def take(self, deltas: tuple[Delta, ...]) -> None:
        """Add entries to the balances."""
        for delta in deltas:
            self.entry += 1
            assert delta.entry == self.entry
            self.balances[delta.bucket, delta.node_id, delta.item, delta.day] += delta.change

    def compare(self) -> None:
        """The entries' sums, the model and what the ledger says must be the same, nowhere below 0."""
        model = self.model
        assert min(self.balances.values(), default=0) >= 0
        entries: dict[str, dict[tuple[str, str, str], int]] = {}
        for (bucket, *key), units in self.balances.items():
            if units:
                entries.setdefault(bucket, {})[tuple(key)] = units  # type: ignore[index]
        rows = model.rows.items()
        assert entries.get("on_hand", {}) == {key: row.on_hand for key, row in rows if row.on_hand}
        assert entries.get("external", {}) == {key: row.external for key, row in rows if row.external}
        assert entries.get("safety", {}) == {key: row.safety for key, row in rows if row.safety}
        booked = model.booked()
        assert entries.get("reserved", {}) == dict(booked)
        snapshot = self.ask.ledger.snapshot(self.ask.tenant)
        assert snapshot.entry == self.entry
        held: Counter[tuple[str, str, str]] = Counter()
        for (node_id, sku, _), units in booked.items():
            held[node_id, sku, ""] += units
        columns = snapshot.stock.to_pydict()
        days = ["" if day is None else str(day) for day in columns["available_on"]]
        stock = zip(columns["on_hand"], columns["reserved"], columns["safety_stock"])
        assert dict(zip(zip(columns["node_id"], columns["sku"], days), stock)) == {
            key: (row.on_hand, row.external + held[key], row.safety) for key, row in rows
        }
        assert used_of(snapshot) == model.used()

    def teardown(self) -> None:
        """At the end the reservations are compared, and the ledger checks itself."""
        for name, hold in self.model.holds.items():
            real = self.ask.ledger.reservation(self.ask.tenant, name)
            assert real is not None
            over = hold in self.model._due()
            assert (real.state, real.version) == ("EXPIRED" if over else hold.state, hold.version)
            assert [(one.open, one.fulfilled) for one in real.positions] == [
                (0 if over else line.open, line.fulfilled) for line in hold.lines
            ]
        self.ask.check()


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_ledger_does_what_the_model_does(backend: str, shared: dict[str, SqlLedger]) -> None:
    """Tests, in hundreds of runs of 50 steps, that outcomes, balances, entries and reservations are the model's."""

    class Machine(LedgerMachine):
        ledger = shared[backend]

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=N_RUNS[backend],
            stateful_step_count=50,
            deadline=None,
            derandomize=not LONG,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
