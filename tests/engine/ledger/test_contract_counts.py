"""Tests that an import which has its transaction for itself does exactly what the rules of single counts do."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa

from engine.ledger.base import Request
from engine.ledger.commands import Adjustment, AdjustStock, Command, ImportStock, Reserve
from engine.ledger.outcomes import StockImported
from tests.engine.ledger.asking import DAY2, Asking, position

SKUS = ("A", "B", "C", "D")
NODES = ("N", "M")


def drawn(rng: random.Random, at: int) -> Command:
    """A command that leaves rows in all the states that an import may find."""
    what = rng.random()
    node, sku = rng.choice(NODES), rng.choice(SKUS)
    feed: dict[str, Any] = {"source": rng.choice(("wms", "pos")), "sequence": rng.randint(1, 12)}
    if what < 0.25:
        one = Adjustment(node_id=node, sku=sku, delta=rng.randint(-6, 6))
        return AdjustStock(adjustments=(one,), **feed)
    if what < 0.5:
        places = (position(sku, rng.randint(1, 3), node=node, line_id="1"),)
        return Reserve(reservation_id=f"r{at}", order_id=f"o{at}", positions=places)
    n = rng.randint(1, 6)
    rows = pa.table(
        {
            "node_id": [rng.choice(NODES) for _ in range(n)],
            "sku": [rng.choice(SKUS) for _ in range(n)],
            "on_hand": [rng.randint(0, 8) for _ in range(n)],
            "reserved": [rng.choice((None, 0, 1)) for _ in range(n)],
            "safety_stock": [rng.choice((0, 0, 2)) for _ in range(n)],
            "available_on": [rng.choice((None, None, None, DAY2)) for _ in range(n)],
        }
    )
    return ImportStock(rows=rows, **(feed if rng.random() < 0.6 else {}))


def state(ask: Asking) -> Any:
    """All rows, entries and events of a tenant."""
    with ask.ledger.database.reading() as session:
        stock = session.query(
            "SELECT node_id, sku, available_on, on_hand, external, safety, held, owed, version, source, sequence,"
            " delta_sequence FROM stock WHERE tenant = ? ORDER BY node_id, sku, available_on",
            (ask.tenant,),
        )
        feed = session.query(
            "SELECT node_id, sku, available_on, source, sequence, delta FROM feed WHERE tenant = ?"
            " ORDER BY node_id, sku, available_on, source, sequence",
            (ask.tenant,),
        )
    entries = [
        (one.kind, one.debit, one.credit, one.node_id, one.item, one.day, one.quantity, one.reference)
        for one in ask.ledger.entries(ask.tenant, limit=10_000)
    ]
    events = [(one.type, one.subject, one.data) for one in ask.ledger.events(ask.tenant, limit=10_000)]
    return stock, feed, sorted(entries, key=str), sorted(events)


def test_same_as_the_rules(ask: Asking) -> None:
    """Tests drawn imports, alone in a transaction and not, among adjustments and reservations."""
    rng = random.Random(11)
    twin = Asking(ask.ledger, f"{ask.tenant}-twin")
    nothing = AdjustStock(adjustments=())
    for at in range(150):
        command = drawn(rng, at)
        alone, (shared, _) = ask.do(command), twin.all(command, nothing)
        assert repr(alone) == repr(shared)
        if isinstance(alone, StockImported):
            assert state(ask) == state(twin)
    ask.check()
    twin.check()


def test_parts_are_the_whole(ask: Asking) -> None:
    """Tests that an import in parts, one of them cut short and sent again, is the import."""
    rows = pa.table(
        {
            "node_id": [node for node in NODES for _ in range(50)],
            "sku": [f"s{number:02d}" for number in range(50)] * 2,
            "on_hand": list(range(100)),
        }
    )
    command = ImportStock(rows=rows, source="wms", sequence=3)
    half = ImportStock(rows=rows.slice(0, 40), source="wms", sequence=3)
    ask.ledger.import_stock(Request(tenant=ask.tenant, command=half), chunk_rows=11)
    reply = ask.ledger.import_stock(Request(tenant=ask.tenant, command=command), chunk_rows=11)
    assert isinstance(reply.outcome, StockImported)
    assert (reply.outcome.rows, reply.outcome.changed, reply.outcome.skipped) == (100, 60, 40)
    stock = ask.ledger.snapshot(ask.tenant).stock.to_pylist()
    assert {(row["node_id"], row["sku"]): row["on_hand"] for row in stock} == {
        (row["node_id"], row["sku"]): row["on_hand"] for row in rows.to_pylist()
    }
    empty = ask.ledger.import_stock(Request(tenant=ask.tenant, command=ImportStock(rows=rows.slice(0, 0))))
    assert empty.outcome == StockImported(rows=0, changed=0, skipped=0, shortages=())
    assert [delta.entry for delta in reply.deltas] == list(range(40, 100))  # one row has 0 units: no entry
    ask.check()


def test_a_count_that_an_adjustment_overtook(ask: Asking) -> None:
    """Tests that an adjustment of the source which belongs after a count stays on top of it, plain row or not."""
    rows = pa.table({"node_id": ["N"], "sku": ["A"], "on_hand": [10]})
    ask.do(ImportStock(rows=rows, source="wms", sequence=2))
    later = (Adjustment(node_id="N", sku="A", delta=3),)
    ask.do(AdjustStock(adjustments=later, source="wms", sequence=5))
    ask.do(ImportStock(rows=rows, source="wms", sequence=3))
    assert ask.on_hand("A") == 13
    ask.do(ImportStock(rows=rows, source="wms", sequence=6))
    assert ask.on_hand("A") == 10
    ask.check()
