"""Tests the whole ledger against a plain model: drawn commands, alone and together, over drawn time."""

from __future__ import annotations

import os
import uuid
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from engine.ledger import commands as c
from engine.ledger import outcomes as o
from engine.ledger.base import Idempotency, Reply, Request
from engine.ledger.records import Delta
from engine.ledger.sql_ledger import SqlLedger
from tests.engine.ledger.asking import DAY1, DAY2, DAY3, Asking, respond
from tests.engine.ledger.conftest import BACKENDS
from tests.engine.ledger.model import Answer, Model

LONG = bool(os.environ.get("NODEWISE_LONG"))
N_RUNS = {"sqlite": 600 if LONG else 380, "postgres": 400 if LONG else 120}  # 50 steps each
NODES, SKUS, DAYS = ("M", "N"), ("A", "B", "C"), (DAY1, DAY2, DAY3)

node_ids, skus, days = st.sampled_from(NODES), st.sampled_from(SKUS), st.sampled_from(DAYS)
arrivals = st.one_of(st.none(), st.none(), st.sampled_from(DAYS[1:]))
order_ids = st.sampled_from([f"O{number}" for number in range(8)])
names = st.integers(0, 11).map(lambda number: f"r{number}")
rarely = st.one_of(st.none(), st.none(), st.none(), st.integers(0, 3))
times = st.one_of(st.none(), st.integers(1, 5))
positions = st.builds(
    c.Position,
    node_id=node_ids,
    sku=skus,
    ship_date=days,
    quantity=st.integers(1, 4),
    line_id=st.sampled_from(("1", "2", "3")),
    shipment_id=st.sampled_from(("s", "t", None)),
    service_id=st.sampled_from(("fast", None)),
)
limits = st.lists(
    st.builds(
        c.Limit,
        node_id=node_ids,
        service_id=st.sampled_from((None, "fast")),
        shipments_per_day=st.one_of(st.none(), st.integers(0, 4)),
        units_per_day=st.one_of(st.none(), st.integers(2, 9)),
    ),
    max_size=3,
).map(tuple)
counts = st.builds(
    c.SetOnHand,
    node_id=node_ids,
    sku=skus,
    on_hand=st.integers(0, 12),
    available_on=arrivals,
    reserved=rarely,
    safety_stock=rarely,
    if_match=rarely,
    compare_on_hand=rarely,
)
adjustments = st.builds(c.Adjustment, node_id=node_ids, sku=skus, delta=st.integers(-5, 8), available_on=arrivals)
changes = st.builds(c.AdjustStock, adjustments=st.lists(adjustments, min_size=1, max_size=3).map(tuple))
reserves = st.builds(
    c.Reserve,
    reservation_id=names,
    order_id=order_ids,
    positions=st.lists(positions, max_size=4).map(tuple),
    confirmed=st.booleans(),
    ttl_ms=times,
    mode=st.sampled_from(("new", "new", "replace", "add")),
    if_match=rarely,
)
found = st.builds(c.Found, node_id=node_ids, sku=skus, on_hand=st.integers(0, 6))
rejections = st.builds(
    c.RejectLines,
    order_id=order_ids,
    node_id=node_ids,
    line_ids=st.one_of(st.none(), st.just(("1",)), st.just(("1", "2"))),
    found=st.lists(found, max_size=1).map(tuple),
    if_match=rarely,
)
fulfilments = st.builds(
    c.Fulfil, reservation_id=names, shipment_ids=st.one_of(st.none(), st.just(("s",))), if_match=rarely
)
commands = st.one_of(
    counts,
    counts,
    changes,
    reserves,
    reserves,
    reserves,
    reserves,
    st.builds(c.Confirm, reservation_id=names, if_match=rarely),
    fulfilments,
    st.builds(c.Release, reservation_id=names, if_match=rarely),
    st.builds(c.Extend, reservation_id=names, ttl_ms=times, if_match=rarely),
    rejections,
    st.builds(c.CancelOrder, order_id=order_ids, if_match=rarely),
    st.builds(c.PutNetwork, document=st.just(b"{}"), limits=limits, if_match=rarely),
)


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

    @rule(together=st.lists(commands, min_size=1, max_size=3))
    def write(self, together: list[c.Command]) -> None:
        """Write some commands in one transaction."""
        requests = []
        for command in together:
            self.n_keys += 1
            known = Idempotency(route="POST /x", key=f"k{self.n_keys}", body_hash="h")
            requests.append(
                Request(tenant=self.ask.tenant, command=command, idempotency=known, respond=respond)
            )
        replies = self.ask.ledger.write(requests)
        for command, reply in zip(together, replies):
            assert answer_of(reply.outcome) == self.model.do(command), command
            self.take(reply.deltas)
        self.last = (requests[-1], replies[-1])
        self.compare()

    @precondition(lambda self: self.last is not None)
    @rule()
    def write_again(self) -> None:
        """Send the last request once more: the same response, no change."""
        assert self.last is not None
        request, first = self.last
        (again,) = self.ask.ledger.write([request])
        assert (again.replayed, again.response, again.deltas) == (True, first.response, ())
        self.compare()

    @rule(ms=st.integers(1, 3))
    def wait(self, ms: int) -> None:
        """Let time pass."""
        self.ask.pass_ms(ms)
        self.model.now += ms

    @rule()
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
        assert self.ask.used() == model.used()

    def teardown(self) -> None:
        """At the end the reservations are compared, and the ledger checks itself."""
        for name, hold in self.model.holds.items():
            real = self.ask.ledger.reservation(self.ask.tenant, name)
            assert real is not None
            over = hold in self.model._due()
            assert (real.state, real.version) == ("EXPIRED" if over else hold.state, hold.version)
            assert [(one.open, one.fulfilled) for one in real.positions] == [
                (line.open, line.fulfilled) for line in hold.lines
            ]
        self.ask.check()


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_ledger_does_what_the_model_does(backend: str, shared: dict[str, SqlLedger]) -> None:
    """Tests, in hundreds of runs of 50 steps, that outcomes, balances, entries and reservations are the model's."""

    class Machine(LedgerMachine):
        ledger = shared[backend]

    run_state_machine_as_test(  # type: ignore[no-untyped-call]
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
