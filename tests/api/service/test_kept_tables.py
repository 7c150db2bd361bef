"""Tests that what a desk keeps in memory is at any time what the ledger holds."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import closing
from typing import Any

import orjson
import pyarrow as pa

from api.desks import Desk, build_desk, utc_now
from api.examples import NETWORK
from api.networks import parse_network
from api.order_documents import positions_of
from engine.ledger import Ledger, Request, open_ledger
from engine.ledger.commands import (
    Adjustment,
    AdjustStock,
    Command,
    Fulfil,
    ImportStock,
    PutNetwork,
    Release,
    Reserve,
    SetOnHand,
)
from engine.ledger.outcomes import Refused
from engine.live import Order, OrderLine, decide

NODES, SKUS = ("east", "west"), ("mug", "lamp")


def write(ledger: Ledger, command: Command) -> Any:
    """Do one command; returns the reply."""
    [reply] = ledger.write([Request(tenant="t", command=command)])
    return reply


def sums(stock: pa.Table, used: pa.Table) -> tuple[Counter[Any], Counter[Any]]:
    """What tables add up to, by key."""
    units: Counter[Any] = Counter()
    for row in stock.to_pylist():
        for name in ("on_hand", "safety_stock"):
            units[row["node_id"], row["sku"], row["available_on"], name] += row[name]
        units[row["node_id"], row["sku"], "reserved"] += row["reserved"]
    taken: Counter[Any] = Counter()
    for row in used.to_pylist():
        for name in ("shipments", "units"):
            taken[row["node_id"], row["service_id"], row["date"], name] += row[name]
    return +units, +taken


def sellable(desk: Desk) -> dict[Any, Any]:
    """What decisions think there is."""
    return {(node, sku): desk.snapshot.sellable(node, sku) for node in NODES for sku in SKUS}


def test_desks_follow_the_ledger() -> None:
    """Tests that two desks that write in turns, and one that is built anew, hold the same stock and capacity."""
    draw = random.Random(5)
    network = parse_network(orjson.dumps(NETWORK), utc_now())
    with closing(open_ledger("sqlite://")) as ledger:
        write(ledger, PutNetwork(document=network.document(), limits=network.limits()))
        rows = {"node_id": [*NODES, *NODES], "sku": ["mug", "mug", "lamp", "lamp"], "on_hand": [60, 60, 60, 60]}
        write(ledger, ImportStock(rows=pa.table(rows)))
        desks = [build_desk(ledger, "t", utc_now()) for _ in range(2)]
        live: list[str] = []
        for number in range(120):
            desk = draw.choice(desks)
            assert desk is not None
            _one(ledger, desk, draw, number, live)
        fresh = build_desk(ledger, "t", utc_now())
        assert fresh is not None
        read = ledger.snapshot("t")
        for desk in desks:
            assert desk is not None
            desk.catch_up(ledger)
            assert desk.entry == fresh.entry
            assert sums(*desk.tables.now().current()) == sums(read.stock, read.used)
            desk.snapshot.rebuild(utc_now())
            assert sellable(desk) == sellable(fresh)
            tables = desk.tables.now()
            desk.tables.replace(*tables.current(), len(tables.deltas))
            assert desk.tables.n_deltas == 0
            only = desk.tables.now().current(pa.array(["mug"]))
            assert set(only[0]["sku"].to_pylist()) == {"mug"}
            assert sums(*desk.tables.now().current()) == sums(read.stock, read.used)


def _one(ledger: Ledger, desk: Desk, draw: random.Random, number: int, live: list[str]) -> None:
    kind = draw.randrange(6)
    if kind <= 2:
        lines = (OrderLine(line_id="1", sku=draw.choice(SKUS), quantity=draw.randint(1, 4)),)
        order = Order(order_id=f"o{number}", lat=40.0, lon=-100.0 + draw.random(), lines=lines)
        [decision] = decide(desk.snapshot, [order], take=True)
        command = Reserve(reservation_id=order.order_id, order_id=order.order_id, positions=positions_of(decision))
        reply = write(ledger, command)
        if isinstance(reply.outcome, Refused):
            desk.snapshot.give_back(decision)
            desk.catch_up(ledger)
            return
        live.append(order.order_id)
        if reply.deltas:
            desk.note(reply.deltas, decision)
            desk.settle(ledger)
        return
    if kind == 3 and live:
        name = live.pop(draw.randrange(len(live)))
        reply = write(ledger, draw.choice((Release(reservation_id=name), Fulfil(reservation_id=name))))
    elif kind == 4:
        change = Adjustment(node_id=draw.choice(NODES), sku=draw.choice(SKUS), delta=draw.randint(-1, 5))
        reply = write(ledger, AdjustStock(adjustments=(change,)))
    else:
        day = draw.choice((None, "2031-03-03"))
        command = SetOnHand(
            node_id=draw.choice(NODES),
            sku=draw.choice(SKUS),
            on_hand=draw.randint(40, 80),
            available_on=day,
            safety_stock=draw.randint(0, 3),
        )
        reply = write(ledger, command)
    if reply.deltas and draw.random() < 0.7:  # else it comes with the journal
        desk.note(reply.deltas, None)
        desk.settle(ledger)
