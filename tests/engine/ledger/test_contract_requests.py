"""Contract: requests that come again, markers of what is in flight, responses that cannot be made."""

from __future__ import annotations

from engine.ledger.base import Idempotency, Request, Response
from engine.ledger.commands import CreateOperation, DeleteWebhook, PutWebhook, Release, Reserve, SetOnHand
from engine.ledger.outcomes import Outcome, Refused, Reserved
from tests.engine.ledger.asking import Asking, position


def reserve(number: int = 1, quantity: int = 1) -> Reserve:
    """Return a reservation of its own order."""
    return Reserve(reservation_id=f"x{number}", order_id=f"O{number}", positions=(position(quantity=quantity),))


def marker(owner: str, key: str = "k", body: str = "body") -> Idempotency:
    """Return a key with an owner."""
    return Idempotency(route="POST /x", key=key, body_hash=body, owner=owner)


def test_a_replay_returns_the_first_response(ask: Asking) -> None:
    """Tests that a key does its command once, and answers with status, headers and body of then."""
    ask.count(on_hand=5)
    first = ask.reply(reserve(), key="k")
    assert isinstance(first.outcome, Reserved)
    ask.do(Release(reservation_id="x1"))
    again = ask.reply(reserve(), key="k")
    assert (again.replayed, again.outcome, again.response, again.deltas) == (True, None, first.response, ())
    assert ask.promised() == 5
    ask.check()


def test_a_refusal_is_replayed_too(ask: Asking) -> None:
    """Tests that a refused command is refused again under its key, although it could be done by now."""
    first = ask.reply(reserve(), key="k")
    assert first.response is not None
    assert first.response.status == 409
    ask.count(on_hand=5)
    again = ask.reply(reserve(), key="k")
    assert (again.replayed, again.response) == (True, first.response)
    assert isinstance(ask.do(reserve()), Reserved)


def test_the_same_key_with_another_body(ask: Asking) -> None:
    """Tests that it is refused and not stored, and that other routes and tenants have keys of their own."""
    ask.count(on_hand=5)
    first = ask.reply(reserve(), key="k")
    other = ask.reply(reserve(2), key="k", body="other")
    assert isinstance(other.outcome, Refused)
    assert other.outcome.reason == "key_reused"
    assert ask.reply(reserve(), key="k").response == first.response
    request = Request(
        tenant=ask.tenant,
        command=reserve(3),
        idempotency=Idempotency(route="POST /y", key="k", body_hash="z"),
        respond=lambda outcome: Response(status=200, body=b""),
    )
    assert isinstance(ask.ledger.write([request])[0].outcome, Reserved)
    stranger = Asking(ask.ledger, ask.tenant + "-other")
    assert stranger.reply(reserve(), key="k").replayed is False


def test_the_same_key_twice_in_one_transaction(ask: Asking) -> None:
    """Tests that two requests with one key that are written together are done once."""
    ask.count(on_hand=5)
    request = Request(
        tenant=ask.tenant,
        command=reserve(),
        idempotency=marker(""),
        respond=lambda outcome: Response(status=201, body=b"made"),
    )
    first, second = ask.ledger.write([request, request])
    assert (first.replayed, second.replayed) == (False, True)
    assert second.response == Response(status=201, body=b"made")
    ask.check()


def test_in_flight(ask: Asking) -> None:
    """Tests that a marker keeps others out until its lease is over, and lets its owner in."""
    ask.count(on_hand=5)
    assert ask.ledger.begin_request(ask.tenant, marker("me"), lease_ms=1000) is None
    assert ask.ledger.begin_request(ask.tenant, marker("me"), lease_ms=1000) is None
    waiting = ask.ledger.begin_request(ask.tenant, marker("you"))
    assert waiting is not None
    assert isinstance(waiting.outcome, Refused)
    assert waiting.outcome.reason == "in_flight"
    assert ask.reply(reserve(), key="k").outcome.reason == "in_flight"  # type: ignore[union-attr]
    mine = ask.reply(reserve(), key="k", owner="me")
    assert isinstance(mine.outcome, Reserved)
    yours = ask.ledger.begin_request(ask.tenant, marker("you"))
    assert yours is not None
    assert (yours.replayed, yours.response) == (True, mine.response)


def test_take_over(ask: Asking) -> None:
    """Tests that another may go on where an owner went, and that the first then finds the response of the other."""
    ask.count(on_hand=5)
    assert ask.ledger.begin_request(ask.tenant, marker("gone"), lease_ms=1000) is None
    ask.pass_ms(1000)
    assert ask.ledger.begin_request(ask.tenant, marker("next"), lease_ms=1000) is None
    late = ask.reply(reserve(2), key="k", owner="gone")
    assert isinstance(late.outcome, Refused)
    done = ask.reply(reserve(), key="k", owner="next")
    assert ask.reply(reserve(2), key="k", owner="gone").response == done.response
    ask.check()


def test_giving_up(ask: Asking) -> None:
    """Tests that an owner can take its marker away, and nobody else's, and no response."""
    assert ask.ledger.begin_request(ask.tenant, marker("me")) is None
    ask.ledger.abandon_request(ask.tenant, marker("you"))
    assert ask.ledger.begin_request(ask.tenant, marker("you")) is not None
    ask.ledger.abandon_request(ask.tenant, marker("me"))
    assert ask.ledger.begin_request(ask.tenant, marker("you")) is None
    ask.count(on_hand=5)
    done = ask.reply(reserve(), key="k", owner="you")
    ask.ledger.abandon_request(ask.tenant, marker("you"))
    ask.ledger.abandon_request(ask.tenant, marker(""))
    assert ask.reply(reserve(), key="k").response == done.response


def test_responses_of_500_are_not_stored(ask: Asking) -> None:
    """Tests that a response of 500, or one that cannot be made, undoes its command and leaves the key free."""
    ask.count(on_hand=1)

    def fail(outcome: Outcome) -> Response:
        raise RuntimeError("no response")

    for respond in (fail, lambda outcome: Response(status=503, body=b"")):
        good = Request(tenant=ask.tenant, command=SetOnHand(node_id="N", sku="B", on_hand=1))
        bad = Request(tenant=ask.tenant, command=reserve(), idempotency=marker(""), respond=respond)
        replies = ask.ledger.write([bad, good])
        assert replies[1].error is None
        assert ask.promised() == 1
        assert ask.ledger.reservation(ask.tenant, "x1") is None
    assert isinstance(replies[0].outcome, Reserved)
    assert isinstance(ask.reply(reserve(), key="k").outcome, Reserved)
    ask.check()


def test_purge(ask: Asking) -> None:
    """Tests that responses are kept for as long as asked, and then forgotten."""
    ask.count(on_hand=5)
    ask.reply(reserve(), key="k")
    ask.pass_ms(86_400_000)
    ask.ledger.purge()
    assert ask.reply(reserve(), key="k").replayed
    ask.pass_ms(1)
    ask.ledger.purge()
    assert ask.reply(reserve(), key="k").replayed is False


def test_purge_of_events(ask: Asking) -> None:
    """Tests that only old events go that every receiver has, that the newest stays, and that nothing is missed."""
    ledger, tenant = ask.ledger, ask.tenant
    ask.count(on_hand=50)
    for number in range(4):
        ask.held(position(), order=f"O{number}")
    ask.do(PutWebhook(webhook_id="w", url="https://a.org", secret="s", event_types=()))
    for number in range(4, 8):
        ask.held(position(), order=f"O{number}")
    ask.pass_ms(10_000)
    ask.held(position(), order="new")
    for keep_ms, kept in ((10_001, range(1, 10)), (10_000, range(1, 10)), (9_999, range(5, 10))):
        ledger.purge(keep_events_ms=keep_ms)
        assert [event.event for event in ledger.events(tenant)] == list(kept)
    claimed = ledger.claim_webhook("me", lease_ms=1000)
    assert claimed is not None
    assert [event.event for event in claimed[2]] == [5, 6, 7, 8, 9]
    assert ledger.advance_webhook(tenant, "w", "me", cursor=9)
    ledger.purge(keep_events_ms=0)
    assert [event.event for event in ledger.events(tenant)] == [9]
    ask.pass_ms(1)
    ledger.purge(keep_events_ms=0)
    assert [event.event for event in ledger.events(tenant)] == [9]
    ask.held(position(), order="newer")
    assert [event.event for event in ledger.events(tenant, after=9)] == [10]
    assert len(ledger.entries(tenant)) == 11
    ask.check()
    ask.do(DeleteWebhook(webhook_id="w"))


def test_purge_of_operations(ask: Asking) -> None:
    """Tests that what an old operation was asked and found goes, and that it happened stays."""
    ledger, tenant = ask.ledger, ask.tenant
    for name in ("old", "waits"):
        ask.do(CreateOperation(operation_id=name, kind="allocate", request=b"{}"))
    assert ledger.claim_operation("me", lease_ms=10, tenant=tenant, operation_id="old")
    assert ledger.finish_operation(tenant, "old", "me", state="DONE", results={"summary": b"s"})
    assert ledger.operation_result(tenant, "old", "request") == b"{}"
    ask.pass_ms(86_400_001)
    ledger.purge()
    assert ledger.operation_result(tenant, "old", "summary") is None
    assert ledger.operation_result(tenant, "old", "request") is None
    old = ledger.operation(tenant, "old")
    assert old is not None and old.state == "DONE"
    claimed = ledger.claim_operation("me", lease_ms=10, tenant=tenant)
    assert claimed is not None
    assert (claimed[1].operation_id, claimed[1].request) == ("waits", b"{}")


def test_replies_carry_their_changes(ask: Asking) -> None:
    """Tests that the deltas of replies are the entries that were written, numbered without gaps."""
    requests = [
        Request(tenant=ask.tenant, command=SetOnHand(node_id="N", sku="A", on_hand=5)),
        Request(tenant=ask.tenant, command=reserve(1, 9)),
        Request(tenant=ask.tenant, command=reserve(2, 2)),
        Request(tenant=ask.tenant, command=Release(reservation_id="x2")),
    ]
    told = [delta for reply in ask.ledger.write(requests) for delta in reply.deltas]
    changes = ask.ledger.changes(ask.tenant, 0)
    assert (tuple(told), changes.complete, changes.entry) == (changes.deltas, True, 3)
    assert [delta.entry for delta in told] == [1, 2, 3]
    assert [(delta.bucket, delta.change) for delta in told] == [("on_hand", 5), ("reserved", 2), ("reserved", -2)]
