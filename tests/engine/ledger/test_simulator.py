"""Tests that every change is done once: seeded clients that repeat, double, delay and mix up what they send."""

from __future__ import annotations

import os
import random
from itertools import pairwise

import pytest

from engine.ledger.base import Idempotency, Reply, Request
from engine.ledger.commands import Adjustment, AdjustStock, Command, SetOnHand
from tests.engine.ledger.asking import Asking, respond
from tests.engine.ledger.drawing import NODES, SKUS, Drawing
from tests.engine.ledger.model import Model

SEEDS = range(40 if os.environ.get("NODEWISE_LONG") else 5)
N_REQUESTS = 120


def deliveries(rng: random.Random, n_requests: int) -> list[int]:
    """Return which request is sent when: each once or more, some long after their time."""
    times = []
    for number in range(n_requests):
        for copy in range(rng.choice((1, 1, 2, 3, 5))):
            times.append((number + copy * rng.random() * 40 + rng.random() * 6, number))
    return [number for _, number in sorted(times)]


@pytest.mark.parametrize("seed", SEEDS)
def test_requests_that_are_repeated_and_reordered(ask: Asking, seed: int) -> None:
    """Tests that each request has one effect and one response, whatever the network does to it.

    What came first of each request is done by the model too: in the end both have the same.
    """
    rng = random.Random(seed)
    model = Model()
    drawing = Drawing(seed, model)
    logical: dict[int, Command] = {number: drawing.count() for number in range(10)}
    logical |= {number: drawing.command() for number in range(10, N_REQUESTS)}
    sent = deliveries(rng, N_REQUESTS)
    first: dict[int, Reply] = {}
    while sent:
        n_together = rng.choice((1, 1, 2, 5, 20))
        together, sent = sent[:n_together], sent[n_together:]
        requests = [
            Request(
                tenant=ask.tenant,
                command=logical[number],
                idempotency=Idempotency(route="POST /x", key=f"k{number}", body_hash=str(number)),
                respond=respond,
            )
            for number in together
        ]
        for number, reply in zip(together, ask.ledger.write(requests)):
            assert reply.error is None
            assert reply.replayed == (number in first)
            if number in first:
                assert reply.response == first[number].response
                assert reply.deltas == ()
            else:
                first[number] = reply
                model.do(logical[number])
    entries = [delta.entry for reply in first.values() for delta in reply.deltas]
    assert sorted(entries) == list(range(1, len(entries) + 1))
    stock = ask.ledger.snapshot(ask.tenant).stock.to_pylist()
    counted = {(row["node_id"], row["sku"], str(row["available_on"] or "")): row["on_hand"] for row in stock}
    assert counted == {key: row.on_hand for key, row in model.rows.items()}
    for name, hold in model.holds.items():
        assert ask.state(name) == hold.state
    ask.check()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_feed_in_any_order(ask: Asking, seed: int) -> None:
    """Tests that counts and changes of a source give the same in whichever order, and however often, they come."""
    rng = random.Random(seed)
    rows = [(node_id, sku) for node_id in NODES for sku in SKUS]
    truth = dict.fromkeys(rows, 0)
    messages: list[Command] = []
    for sequence in range(60):
        node_id, sku = rng.choice(rows)
        if rng.random() < 0.3:
            truth[node_id, sku] = rng.randint(0, 30)
            messages.append(
                SetOnHand(node_id=node_id, sku=sku, on_hand=truth[node_id, sku], source="wms", sequence=sequence)
            )
        else:
            delta = rng.randint(-truth[node_id, sku], 10)
            truth[node_id, sku] += delta
            change = Adjustment(node_id=node_id, sku=sku, delta=delta)
            messages.append(AdjustStock(adjustments=(change,), source="wms", sequence=sequence))
    order = [number for number in range(60) for _ in range(rng.choice((1, 1, 2, 3)))]
    rng.shuffle(order)
    while order:
        n_together = rng.choice((1, 3, 10))
        ask.all(*(messages[number] for number in order[:n_together]))
        order = order[n_together:]
    for node_id, sku in rows:
        level = ask.ledger.stock_level(ask.tenant, node_id, sku)
        assert (0 if level is None else level.on_hand) == truth[node_id, sku]
    ask.check()


def test_events_of_an_order_are_in_order(ask: Asking) -> None:
    """Tests that the events of each order tell its history, without gaps in the numbers."""
    model = Model()
    drawing = Drawing(3, model)
    for _ in range(30):
        commands = [drawing.command() for _ in range(5)]
        for command in commands:
            model.do(command)
        ask.all(*commands)
    events = ask.ledger.events(ask.tenant, limit=10_000)
    assert [event.event for event in events] == list(range(1, len(events) + 1))
    assert all(before.at_ms <= after.at_ms for before, after in pairwise(events))
    began = set()
    for event in events:
        if event.type in ("reservation.held", "reservation.confirmed"):
            began.add(event.order_id)
        elif event.type.startswith(("reservation.", "order.")):
            assert event.order_id in began
