"""Contract: requests that come again, markers of what is in flight, responses that cannot be made."""

from __future__ import annotations

from engine.ledger.base import Idempotency, Request, Response
from engine.ledger.commands import Release, Reserve, SetOnHand
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
