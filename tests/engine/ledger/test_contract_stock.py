"""Contract: counts, changes of counts, feeds that come late or twice, shortages."""

from __future__ import annotations

import datetime

import pyarrow as pa

from engine.ledger.base import Request
from engine.ledger.commands import Adjustment, AdjustStock, ImportStock, SetOnHand
from engine.ledger.outcomes import Refused, StockAdjusted, StockImported, StockSet
from tests.engine.ledger.asking import DAY1, DAY2, DAY3, Asking, position


def feed(sequence: int, delta: int, source: str = "wms", **more: str) -> AdjustStock:
    """Return an adjustment of a feed."""
    return AdjustStock(
        adjustments=(Adjustment(node_id="N", sku="A", delta=delta),), source=source, sequence=sequence, **more
    )


def counted(sequence: int, on_hand: int, source: str = "wms") -> SetOnHand:
    """Return a count of a feed."""
    return SetOnHand(node_id="N", sku="A", on_hand=on_hand, source=source, sequence=sequence)


def test_a_count_with_if_match(ask: Asking) -> None:
    """Tests that versions of a row start at 1, go up with each change, and guard it."""
    new = ask.do(SetOnHand(node_id="N", sku="A", on_hand=5, if_match=0))
    assert isinstance(new, StockSet)
    assert (new.level.version, new.level.on_hand) == (1, 5)
    stale = ask.refused(SetOnHand(node_id="N", sku="A", on_hand=6, if_match=0), "stale_version")
    assert stale.current_version == 1
    assert ask.do(SetOnHand(node_id="N", sku="A", on_hand=6, if_match=1)).level.version == 2
    assert ask.do(SetOnHand(node_id="N", sku="A", on_hand=6)).level.version == 2
    ask.held(position())
    assert ask.do(SetOnHand(node_id="N", sku="A", on_hand=7, if_match=2)).level.version == 3
    ask.check()


def test_a_count_with_compare_on_hand(ask: Asking) -> None:
    """Tests that a count can be made to depend on the count that was seen."""
    ask.count(on_hand=5)
    ask.refused(SetOnHand(node_id="N", sku="A", on_hand=9, compare_on_hand=4), "compare_failed")
    ask.do(SetOnHand(node_id="N", sku="A", on_hand=9, compare_on_hand=5))
    ask.do(SetOnHand(node_id="N", sku="B", on_hand=9, compare_on_hand=0))
    assert (ask.on_hand(), ask.on_hand("B")) == (9, 9)


def test_a_count_leaves_what_it_does_not_name(ask: Asking) -> None:
    """Tests that reserved and safety stock stay as they are unless given."""
    ask.count(on_hand=5, reserved=1, safety_stock=2)
    level = ask.do(SetOnHand(node_id="N", sku="A", on_hand=6)).level
    assert (level.reserved, level.safety_stock) == (1, 2)
    level = ask.do(SetOnHand(node_id="N", sku="A", on_hand=6, reserved=0)).level
    assert (level.reserved, level.safety_stock, level.version) == (0, 2, 3)
    ask.check()


def test_a_recount_below_what_is_reserved(ask: Asking) -> None:
    """Tests that it is accepted and recorded, and that the orders that ship last, came last, are named to make up."""
    ask.count(on_hand=10)
    ask.held(position(quantity=4, day=DAY2), order="O1")
    ask.pass_ms(1)
    ask.held(position(quantity=3, day=DAY1), order="O2")
    ask.pass_ms(1)
    ask.held(position(quantity=3, day=DAY2), order="O3")
    outcome = ask.do(SetOnHand(node_id="N", sku="A", on_hand=6))
    assert ask.on_hand() == 6
    assert outcome.shortage.short == 4
    assert [(order.order_id, order.quantity) for order in outcome.shortage.orders] == [("O3", 3), ("O1", 4)]
    (event,) = ask.events("stock.shortage")
    assert (event["node_id"], event["sku"], event["short"], len(event["orders"])) == ("N", "A", 4, 2)
    assert isinstance(ask.reserve(position(), order="O4"), Refused)
    assert ask.do(SetOnHand(node_id="N", sku="A", on_hand=6)).shortage is None
    assert len(ask.events("stock.shortage")) == 1
    assert ask.do(SetOnHand(node_id="N", sku="A", on_hand=10)).shortage is None
    ask.check()


def test_a_shortage_is_judged_by_day(ask: Asking) -> None:
    """Tests that supply that comes after a shipment does not cover it, and safety stock does."""
    ask.count(on_hand=5, safety_stock=0)
    ask.count(on_hand=5, day=DAY3)
    ask.held(position(quantity=5, day=DAY1), order="O1")
    ask.held(position(quantity=5, day=DAY3), order="O2")
    assert ask.do(SetOnHand(node_id="N", sku="A", on_hand=5, safety_stock=4)).shortage is None
    outcome = ask.do(SetOnHand(node_id="N", sku="A", on_hand=3))
    assert outcome.shortage.short == 2
    late = ask.do(SetOnHand(node_id="N", sku="A", on_hand=4, available_on=DAY3))
    assert late.shortage.short == 3
    ask.check()


def test_adjustments(ask: Asking) -> None:
    """Tests that changes are all made or none, with reason and reference in the journal."""
    ask.count("A", 5)
    both = (Adjustment(node_id="N", sku="A", delta=-2), Adjustment(node_id="N", sku="B", delta=3))
    done = ask.do(AdjustStock(adjustments=both, reason_code="damaged", reference="doc 7"))
    assert isinstance(done, StockAdjusted)
    assert [level.on_hand for level in done.levels] == [3, 3]
    entry = ask.ledger.entries(ask.tenant)[-1]
    assert (entry.kind, entry.reason_code, entry.reference, entry.quantity) == ("adjust", "damaged", "doc 7", 3)
    too_much = (Adjustment(node_id="N", sku="B", delta=1), Adjustment(node_id="N", sku="A", delta=-4))
    ask.refused(AdjustStock(adjustments=too_much), "negative_on_hand")
    assert (ask.on_hand("A"), ask.on_hand("B")) == (3, 3)
    ask.check()


def test_a_feed_that_comes_twice(ask: Asking) -> None:
    """Tests that the same sequence of a source changes nothing the second time, within a transaction too."""
    ask.count(on_hand=5)
    assert ask.do(feed(1, 3)).applied == 1
    assert ask.do(feed(1, 3)).skipped == 1
    outcomes = ask.all(feed(2, 1), feed(2, 1), feed(3, 1))
    assert [outcome.applied for outcome in outcomes] == [1, 0, 1]
    assert ask.do(feed(2, 1, source="shop")).applied == 1
    assert ask.on_hand() == 11
    ask.check()


def test_a_feed_that_comes_late(ask: Asking) -> None:
    """Tests that counts and changes give the same in whichever order they come."""
    ask.do(feed(5, 4))
    ask.do(feed(7, -2))
    first = ask.do(counted(6, 10))
    assert (first.applied, ask.on_hand()) == (True, 8)
    assert ask.do(feed(5, 4)).skipped == 1
    assert ask.do(feed(4, 100)).skipped == 1
    assert ask.do(counted(3, 50)).applied is False
    assert ask.do(counted(6, 99)).applied is False
    ask.do(feed(8, -3))
    assert ask.on_hand() == 5
    assert ask.do(counted(8, 6)).applied
    assert ask.on_hand() == 6
    ask.check()


def test_changes_that_come_before_what_they_take_from(ask: Asking) -> None:
    """Tests that a feed may take first and bring later: the count is 0 meanwhile, and right in the end."""
    assert ask.do(feed(2, -4)).levels[0].on_hand == 0
    ask.do(feed(3, 1))
    assert ask.on_hand() == 0
    ask.do(feed(1, 10))
    assert ask.on_hand() == 7
    ask.check()


def test_import_of_many_rows(ask: Asking) -> None:
    """Tests that an import sets, in chunks, what it names; the last of rows with the same key counts."""
    ask.count("sku-0003", 99)
    n = 30
    rows = pa.table(
        {
            "node_id": ["N"] * (n + 1),
            "sku": [f"sku-{number:04d}" for number in (*range(n), 5)],
            "on_hand": [*range(n), 500],
            "reserved": [None] * (n + 1),
            "available_on": pa.array([None] * n + [None], pa.date32()),
        }
    )
    reply = ask.ledger.import_stock(Request(tenant=ask.tenant, command=ImportStock(rows=rows)), chunk_rows=7)
    assert isinstance(reply.outcome, StockImported)
    assert (reply.outcome.rows, reply.outcome.changed) == (n, n)
    assert (ask.on_hand("sku-0003"), ask.on_hand("sku-0005"), ask.on_hand("sku-0029")) == (3, 500, 29)
    again = ask.ledger.import_stock(Request(tenant=ask.tenant, command=ImportStock(rows=rows)))
    assert isinstance(again.outcome, StockImported)
    assert again.outcome.changed == 0
    ask.check()


def test_import_of_a_feed(ask: Asking) -> None:
    """Tests that an import knows its place in a feed, dates, and tells the shortages it makes."""
    ask.count(on_hand=9)
    ask.held(position(quantity=9))
    table = {"node_id": ["N", "N"], "sku": ["A", "A"], "on_hand": [4, 20]}
    rows = pa.table({**table, "available_on": pa.array([None, datetime.date(2026, 11, 29)], pa.date32())})
    done = ask.do(ImportStock(rows=rows, source="wms", sequence=5))
    assert (done.changed, done.skipped, len(done.shortages)) == (2, 0, 1)
    assert ask.on_hand(day=DAY3) == 20
    done = ask.do(ImportStock(rows=rows, source="wms", sequence=4))
    assert (done.changed, done.skipped) == (0, 2)
    ask.check()


def test_import_that_cannot_be(ask: Asking) -> None:
    """Tests that an import with a bad cell is refused whole."""
    good = {"node_id": ["N", "N"], "sku": ["A", "B"], "on_hand": [4, 20]}
    for bad in (
        {**good, "on_hand": [1, -1]},
        {**good, "sku": ["A", None]},
        {**good, "sku": ["A", "x" * 129]},
        {"node_id": ["N"], "sku": ["A"]},
        {**good, "available_on": [None, "soon"]},
    ):
        ask.refused(ImportStock(rows=pa.table(bad)), "invalid")
    assert ask.ledger.entries(ask.tenant) == []


def test_availability(ask: Asking) -> None:
    """Tests the query: by sku over nodes, with what comes later, as of now and by a day."""
    ask.count("A", 5, reserved=1, safety_stock=1)
    ask.count("A", 7, day=DAY2)
    ask.count("A", 3, node="M")
    ask.held(position("A", 2))
    both = ask.ledger.availability(ask.tenant, skus=["A", "unknown"])
    assert [(one.node_id, one.on_hand) for one in both] == [("M", 3), ("N", 5)]
    now = both[1]
    assert (now.reserved, now.safety_stock, now.incoming, now.available_to_promise) == (3, 1, ((DAY2, 7),), 1)
    (then,) = ask.ledger.availability(ask.tenant, skus=["A"], node_ids=["N"], by=DAY2)
    assert (then.on_hand, then.incoming, then.available_to_promise) == (12, (), 8)
