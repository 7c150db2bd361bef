"""Contract: networks, operations, receivers of events, credentials, the journal and snapshots."""

from __future__ import annotations

import pytest

from engine.ledger.commands import (
    AdjustStock,
    CancelOperation,
    CreateOperation,
    DeleteWebhook,
    Fulfil,
    Limit,
    PutNetwork,
    PutWebhook,
    Release,
)
from engine.ledger.outcomes import NetworkStored, Refused
from tests.engine.ledger.asking import DAY1, DAY2, Asking, position

KEEP_OUT = 3_600_000  # an hour's lease or delay, which keeps what one test leaves out of the others' way


def test_networks_have_versions(ask: Asking) -> None:
    """Tests that a network is stored whole under the next version, guarded by if_match."""
    ledger, tenant = ask.ledger, ask.tenant
    assert ledger.network(tenant) is None
    assert ask.do(PutNetwork(document=b"one", if_match=0)) == NetworkStored(version=1)
    stale = ask.refused(PutNetwork(document=b"two", if_match=0), "stale_version")
    assert stale.current_version == 1
    outcomes = ask.all(PutNetwork(document=b"two"), PutNetwork(document=b"three", if_match=2))
    assert [outcome.version for outcome in outcomes] == [2, 3]
    current, second = ledger.network(tenant), ledger.network(tenant, 2)
    assert current is not None
    assert second is not None
    assert (current.version, current.document, second.document) == (3, b"three", b"two")
    assert ledger.network_version(tenant) == ledger.changes(tenant, 0).network_version == 3
    assert [event["version"] for event in ask.events("network.changed")] == [1, 2, 3]


def test_limits_hold_for_the_next_request(ask: Asking) -> None:
    """Tests that a reservation in the same transaction as a network is judged by that network."""
    from engine.ledger.commands import Reserve

    ask.count(on_hand=5)
    ask.limit(Limit(node_id="N", shipments_per_day=5))
    outcomes = ask.all(
        PutNetwork(document=b"", limits=(Limit(node_id="N", shipments_per_day=0),)),
        Reserve(reservation_id="x", order_id="O", positions=(position(shipment_id="s"),)),
    )
    assert isinstance(outcomes[1], Refused)


def test_an_operation_from_start_to_end(ask: Asking) -> None:
    """Tests that an operation is claimed once, tells progress, and ends with results."""
    ledger, tenant = ask.ledger, ask.tenant
    created = ask.do(CreateOperation(operation_id="op", kind="batch", request=b"what")).operation
    assert (created.state, created.attempts) == ("QUEUED", 0)
    ask.refused(CreateOperation(operation_id="op", kind="batch", request=b"what"), "exists")
    claimed = ledger.claim_operation("me", lease_ms=1000, tenant=tenant)
    assert claimed is not None
    assert (claimed[0], claimed[1].operation_id, claimed[1].request, claimed[1].state) == (
        tenant,
        "op",
        b"what",
        "RUNNING",
    )
    assert ledger.claim_operation("you", lease_ms=1000, tenant=tenant) is None
    assert ledger.progress_operation(tenant, "op", "you", lease_ms=1000) is None
    told = ledger.progress_operation(tenant, "op", "me", lease_ms=1000, progress=b"{}")
    assert told is not None
    assert (told.progress, told.cancel_asked) == (b"{}", False)
    assert not ledger.finish_operation(tenant, "op", "you", state="DONE")
    assert ledger.finish_operation(tenant, "op", "me", state="DONE", results={"json": b"1", "parquet": b"2"})
    assert not ledger.finish_operation(tenant, "op", "me", state="FAILED")
    assert ledger.operation_result(tenant, "op", "parquet") == b"2"
    assert ledger.operation_result(tenant, "op", "xlsx") is None
    done = ledger.operation(tenant, "op")
    assert done is not None
    assert (done.state, done.progress) == ("DONE", b"{}")
    assert [one.operation_id for one in ledger.operations(tenant)] == ["op"]
    with pytest.raises(ValueError, match="expected DONE"):
        ledger.finish_operation(tenant, "op", "me", state="RUNNING")


def test_an_operation_whose_owner_is_gone(ask: Asking) -> None:
    """Tests that another can take over when the lease is over, and that the first owner then learns that it lost."""
    ledger, tenant = ask.ledger, ask.tenant
    ask.do(CreateOperation(operation_id="op", kind="batch", request=b""))
    assert ledger.claim_operation("gone", lease_ms=1000, tenant=tenant, operation_id="op")
    assert (tenant, "op") not in [(one, op.operation_id) for one, op in ledger.stale_operations()]
    ask.pass_ms(1000)
    assert (tenant, "op") in [(one, op.operation_id) for one, op in ledger.stale_operations()]
    taken = ledger.claim_operation("next", lease_ms=KEEP_OUT, tenant=tenant)
    assert taken is not None
    assert taken[1].attempts == 2
    assert ledger.progress_operation(tenant, "op", "gone", lease_ms=1000) is None
    assert ledger.finish_operation(tenant, "op", "next", state="FAILED", problem=b"{}")


def test_cancelling_operations(ask: Asking) -> None:
    """Tests that a queued operation is cancelled at once, and that the owner of a running one is asked to stop."""
    ledger, tenant = ask.ledger, ask.tenant
    ask.all(*(CreateOperation(operation_id=name, kind="batch", request=b"") for name in ("a", "b")))
    queued = ask.do(CancelOperation(operation_id="a")).operation
    assert queued.state == "CANCELLED"
    assert ledger.claim_operation("me", lease_ms=1000, tenant=tenant, operation_id="a") is None
    ledger.claim_operation("me", lease_ms=1000, tenant=tenant)
    running = ask.do(CancelOperation(operation_id="b")).operation
    assert (running.state, running.cancel_asked) == ("RUNNING", True)
    seen = ledger.progress_operation(tenant, "b", "me", lease_ms=1000)
    assert seen is not None
    assert seen.cancel_asked
    assert ledger.finish_operation(tenant, "b", "me", state="CANCELLED")
    ask.refused(CancelOperation(operation_id="nobody"), "not_found")
    made, ended = ask.all(
        CreateOperation(operation_id="both", kind="allocate", request=b"{}"), CancelOperation(operation_id="both")
    )
    assert (made.operation.state, ended.operation.state) == ("QUEUED", "CANCELLED")
    assert ask.do(CancelOperation(operation_id="both")).operation == ended.operation


def test_events_reach_a_receiver_in_order(ask: Asking) -> None:
    """Tests that one deliverer at a time gets the next events, and that a failure is tried again later."""
    ledger, tenant = ask.ledger, ask.tenant
    ask.count(on_hand=50)
    ask.held(position(), order="before")
    ask.do(PutWebhook(webhook_id="w", url="https://example.org", secret="s"))
    for number in range(3):
        ask.held(position(), order=f"O{number}")
    claimed = ledger.claim_webhook("me", lease_ms=1000)
    assert claimed is not None
    owner, webhook, events = claimed
    assert (owner, webhook.webhook_id, [event.order_id for event in events]) == (tenant, "w", ["O0", "O1", "O2"])
    assert ledger.claim_webhook("you", lease_ms=1000) is None
    assert not ledger.advance_webhook(tenant, "w", "you", cursor=events[0].event)
    assert ledger.advance_webhook(tenant, "w", "me", cursor=events[0].event)
    claimed = ledger.claim_webhook("you", lease_ms=1000)
    assert claimed is not None
    assert [event.order_id for event in claimed[2]] == ["O1", "O2"]
    assert ledger.postpone_webhook(tenant, "w", "you", delay_ms=500)
    assert ledger.claim_webhook("you", lease_ms=1000) is None
    ask.pass_ms(500)
    claimed = ledger.claim_webhook("you", lease_ms=1000)
    assert claimed is not None
    assert claimed[1].failures == 1
    ask.pass_ms(1000)
    taken = ledger.claim_webhook("third", lease_ms=1000)
    assert taken is not None
    assert not ledger.advance_webhook(tenant, "w", "you", cursor=claimed[2][-1].event)
    assert ledger.advance_webhook(tenant, "w", "third", cursor=claimed[2][-1].event)
    assert ledger.claim_webhook("third", lease_ms=1000) is None
    assert ask.do(DeleteWebhook(webhook_id="w")).webhook_id == "w"
    ask.refused(DeleteWebhook(webhook_id="w"), "not_found")
    assert ledger.webhooks(tenant) == []


def test_a_receiver_of_some_types(ask: Asking) -> None:
    """Tests that events of other types are passed over, however many, and that a change keeps the place."""
    ledger = ask.ledger
    ask.count(on_hand=500)
    ask.do(PutWebhook(webhook_id="w", url="https://a.org", secret="s", event_types=("reservation.released",)))
    for number in range(120):
        ask.held(position(), order=f"O{number}")
    assert ledger.claim_webhook("me", lease_ms=1000) is None
    ask.do(Release(reservation_id="r1"))
    changed = ask.do(PutWebhook(webhook_id="w", url="https://b.org", secret="s", event_types=("reservation.released",)))
    assert changed.webhook.cursor == 120
    claimed = ledger.claim_webhook("me", lease_ms=1000)
    assert claimed is not None
    assert [(event.type, event.order_id) for event in claimed[2]] == [("reservation.released", "O0")]
    ask.do(DeleteWebhook(webhook_id="w"))


def test_credentials(ask: Asking) -> None:
    """Tests that a credential is found by its hash only, until it is revoked."""
    ledger, tenant = ask.ledger, ask.tenant
    made = ledger.put_key(tenant, "k1", f"hash-{tenant}", ["read", "allocate"])
    assert ledger.find_key(f"hash-{tenant}") == made
    assert (made.tenant, made.scopes) == (tenant, ("read", "allocate"))
    ledger.put_key(tenant, "k1", f"new-{tenant}", ["read"])
    assert ledger.find_key(f"hash-{tenant}") is None
    assert ledger.revoke_key(tenant, "k1")
    assert not ledger.revoke_key(tenant, "k1")
    assert ledger.find_key(f"new-{tenant}") is None
    (kept,) = ledger.keys(tenant)
    assert kept.revoked_at_ms is not None
    everybody = ledger.keys()
    assert kept in everybody


def test_a_snapshot_and_what_comes_after(ask: Asking) -> None:
    """Tests that a snapshot with the changes since equals the next snapshot."""
    ask.count("A", 5, reserved=1, safety_stock=2)
    ask.count("A", 7, day=DAY2)
    ask.count("B", 3, day=DAY1)
    ask.held(position("A", 2, shipment_id="s", service_id="fast"), confirmed=True)
    first = ask.ledger.snapshot(ask.tenant)
    rows = [tuple(str(value) for value in row.values()) for row in first.stock.to_pylist()]
    assert rows == [
        ("N", "A", "5", "3", "2", "None"),
        ("N", "A", "7", "0", "0", DAY2),
        ("N", "B", "0", "0", "0", "None"),
        ("N", "B", "3", "0", "0", DAY1),
    ]
    assert first.used.to_pylist()[1] == {
        "node_id": "N",
        "service_id": "fast",
        "date": first.used.column("date")[0].as_py(),
        "shipments": 1,
        "units": 2,
    }
    ask.do(Fulfil(reservation_id="r1"))
    changes = ask.ledger.changes(ask.tenant, first.entry)
    assert [(one.bucket, one.item, one.day, one.change) for one in changes.deltas] == [
        ("reserved", "A", DAY1, -2),
        ("on_hand", "A", "", -2),
    ]
    assert changes.entry == ask.ledger.snapshot(ask.tenant).entry
    part = ask.ledger.changes(ask.tenant, 0, limit=2)
    assert (part.entry, part.complete) == (2, False)
    nothing = ask.ledger.changes(ask.tenant, changes.entry)
    assert (nothing.entry, nothing.complete, nothing.deltas) == (changes.entry, True, ())


def test_pages_of_the_journal(ask: Asking) -> None:
    """Tests that entries and events are numbered from 1 without gaps, and come in pages."""
    ask.count(on_hand=50)
    for number in range(5):
        ask.held(position(), order=f"O{number}")
    ledger, tenant = ask.ledger, ask.tenant
    pages = [ledger.entries(tenant, after=after, limit=2) for after in (0, 2, 4, 6)]
    assert [entry.entry for page in pages for entry in page] == [1, 2, 3, 4, 5, 6]
    last = pages[2][-1]
    assert (last.debit, last.credit, last.kind, last.order_id, last.reservation_id) == (
        "open",
        "reserved",
        "reserve",
        "O4",
        "r5",
    )
    assert [event.event for event in ledger.events(tenant, after=3)] == [4, 5]
    assert ledger.last_event(tenant) == 5
    assert tenant in ledger.tenants()


def test_export(ask: Asking) -> None:
    """Tests that an export has every row of the tenant."""
    ask.count(on_hand=50)
    ask.held(position(), document=b"\x00\xff")
    ask.do(AdjustStock(adjustments=()))
    tables = dict(ask.ledger.export(ask.tenant))
    assert {name: table.num_rows for name, table in tables.items()} == {
        "stock": 1,
        "reservations": 1,
        "positions": 1,
        "orders": 1,
        "entries": 2,
        "outbox": 1,
    }
    assert tables["orders"].column("document").to_pylist() == [b"\x00\xff"]
