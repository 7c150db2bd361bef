"""Tests the writer's rounds on a real ledger: lost races, what is given back, and errors that stay with their cause."""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pyarrow as pa
import pytest

from api.desks import Desk, build_desk, utc_now
from api.examples import NETWORK
from api.ledger_answers import TRY_AGAIN
from api.metrics import Metrics
from api.networks import parse_network
from api.order_documents import positions_of
from api.writer import RACED, Commands, Decide, Writer
from engine.errors import InputError
from engine.ledger import Ledger, LedgerUnavailable, Request, Response, open_ledger
from engine.ledger.commands import ImportStock, Position, PutNetwork, Release, Reserve
from engine.ledger.outcomes import Outcome, Refused
from engine.live import Decision, Order, OrderLine

Future = concurrent.futures.Future


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """A ledger with the example network and ten mugs in the east."""
    found = open_ledger("sqlite://")
    network = parse_network(orjson.dumps(NETWORK), utc_now())
    found.write([Request(tenant="t", command=PutNetwork(document=network.document(), limits=network.limits()))])
    rows = pa.table({"node_id": ["east"], "sku": ["mug"], "on_hand": [10]})
    found.import_stock(Request(tenant="t", command=ImportStock(rows=rows)))
    yield found
    found.close()


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    """A desk on it."""
    found = build_desk(ledger, "t", utc_now())
    assert found is not None
    return found


@pytest.fixture
def writer(ledger: Ledger, desk: Desk) -> Iterator[Writer]:
    """A writer that has not begun: what is submitted before goes into its first round."""
    found = Writer(ledger, lambda tenant: desk if tenant == "t" else None, Metrics())
    yield found
    found.stop()


def decide(order_id: str, quantity: int, sku: str = "mug", attempts: int = 3) -> Decide:
    """An order to decide."""
    line = OrderLine(line_id="1", sku=sku, quantity=quantity)

    def reserve(decision: Decision, final: bool) -> Request:
        def respond(outcome: Outcome) -> Response:
            refused = isinstance(outcome, Refused)
            if isinstance(outcome, Refused) and outcome.reason in RACED and not final:
                return TRY_AGAIN
            return Response(status=409 if refused else 201, body=b"")

        command = Reserve(reservation_id=order_id, order_id=order_id, positions=positions_of(decision))
        return Request(tenant="t", command=command, respond=respond)

    order = Order(order_id=order_id, lat=42.36, lon=-71.06, lines=(line,))
    return Decide(tenant="t", order=order, reserve=reserve, attempts=attempts, future=Future())


def taken_by_others(ledger: Ledger, quantity: int) -> None:
    """Reserve behind the desk's back."""
    position = Position(node_id="east", sku="mug", ship_date="2031-01-01", quantity=quantity)
    [reply] = ledger.write(
        [Request(tenant="t", command=Reserve(reservation_id="other", order_id="other", positions=(position,)))]
    )
    assert not isinstance(reply.outcome, Refused)


def sellable(desk: Desk) -> list[int]:
    """What decisions think there is."""
    return [units for _, units in desk.snapshot.sellable("east", "mug")]


def test_a_lost_race_is_decided_again(ledger: Ledger, desk: Desk, writer: Writer) -> None:
    """Tests that after a refusal the order is decided on what is left, and that the snapshot is right afterwards."""
    taken_by_others(ledger, 8)
    items = [decide("1", 2), decide("2", 1)]
    for item in items:
        writer.submit(item)
    writer.start(None)
    found = [item.future.result(timeout=20) for item in items]
    assert [len(decision.shipments) for decision, _ in found] == [1, 0]
    assert sum(item.n_lost for item in items) >= 1
    assert sellable(desk) == [0]
    writer.write_and_wait([Request(tenant="t", command=Release(reservation_id="other"))])
    assert sellable(desk) == [8]


def test_what_expired_is_seen_when_it_is_freed(ledger: Ledger, desk: Desk, writer: Writer) -> None:
    """Tests that a hold that a reservation of ours meets and frees can be decided on at once."""
    position = Position(node_id="east", sku="mug", ship_date="2031-01-01", quantity=8)
    hold = Reserve(reservation_id="hold", order_id="hold", positions=(position,), ttl_ms=1)
    ledger.write([Request(tenant="t", command=hold)])  # the desk does not know of it yet
    time.sleep(0.01)
    item = decide("1", 5)
    writer.submit(item)
    writer.start(None)
    _, reply = item.future.result(timeout=20)
    assert reply.response.status == 201 and -8 in {delta.change for delta in reply.deltas}
    assert sellable(desk) == [5]


def test_the_last_refusal_is_told(ledger: Ledger, desk: Desk, writer: Writer) -> None:
    """Tests that an order out of attempts is refused, and that the snapshot counts nothing of it."""
    taken_by_others(ledger, 8)
    item = decide("1", 3, attempts=1)
    writer.submit(item)
    writer.start(None)
    _, reply = item.future.result(timeout=20)
    assert isinstance(reply.outcome, Refused) and reply.response.status == 409
    assert sellable(desk) == [2]


def test_an_order_that_is_wrong_harms_no_other(desk: Desk, writer: Writer) -> None:
    """Tests that of orders decided together only the one that names an unknown item fails."""
    items = [decide("1", 1), decide("2", 1, sku="cup"), decide("3", 1)]
    for item in items:
        writer.submit(item)
    writer.start(None)
    with pytest.raises(InputError, match="cup"):
        items[1].future.result(timeout=20)
    assert all(items[at].future.result(timeout=20)[1].response.status == 201 for at in (0, 2))
    assert sellable(desk) == [8]


def test_a_command_that_breaks_the_transaction_harms_no_other(ledger: Ledger, desk: Desk, writer: Writer) -> None:
    """Tests that a request that the ledger cannot even try fails alone, and the rest of its round is done."""
    position: Any = Position(node_id="east", sku="mug", ship_date="2031-01-01", quantity=None)  # type: ignore[arg-type]
    broken = Reserve(reservation_id="b", order_id="b", positions=(position,))
    command = Commands(requests=[Request(tenant="t", command=broken)], future=Future())
    order = decide("1", 1)
    writer.submit(command)
    writer.submit(order)
    writer.start(None)
    assert order.future.result(timeout=20)[1].response.status == 201
    with pytest.raises((TypeError, ValueError)):
        command.future.result(timeout=20)
    assert sellable(desk) == [9]


def test_an_outage_takes_nothing(ledger: Ledger, desk: Desk, writer: Writer) -> None:
    """Tests that when the ledger does not answer, orders fail as such and the snapshot counts nothing of them."""
    item = decide("1", 4)
    writer.submit(item)
    ledger.close()
    writer.start(None)
    with pytest.raises(LedgerUnavailable):
        item.future.result(timeout=20)
    assert sellable(desk) == [10]


def test_the_same_order_twice_in_one_round(desk: Desk, writer: Writer) -> None:
    """Tests that of two requests for one order at the same time one gets it."""
    items = [decide("1", 1), decide("1", 1)]
    for item in items:
        writer.submit(item)
    writer.start(None)
    statuses = sorted(item.future.result(timeout=20)[1].response.status for item in items)
    assert statuses == [201, 409]
    assert sellable(desk) == [9]
