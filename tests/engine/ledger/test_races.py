"""Tests that nothing is sold twice when several processes, threads and replicas want the last of it."""

from __future__ import annotations

import threading
import time

from engine.ledger import LedgerUnavailable, open_ledger
from engine.ledger.base import Request
from engine.ledger.commands import Limit, Release, Reserve, SetOnHand
from engine.ledger.group import GroupCommit
from engine.ledger.outcomes import Refused, Reserved
from engine.ledger.sql_ledger import SqlLedger
from engine.ledger.stock_rules import set_on_hand
from engine.ledger.work import Work
from tests.engine.ledger import working
from tests.engine.ledger.asking import DAY1, DAY2, Asking, position


def test_eight_processes_race_for_200_units(fresh_url: str) -> None:
    """Tests that of 200 units, and of 40 slots of a day, exactly so many are sold by 8 processes at once."""
    ledger = open_ledger(fresh_url)
    assert isinstance(ledger, SqlLedger)
    ask = Asking(ledger, "t")
    ask.count("scarce", 200)
    ask.count("plenty", 10_000, node="M")
    ask.limit(Limit(node_id="M", shipments_per_day=100), Limit(node_id="M", service_id="fast", shipments_per_day=40))
    started = [working.start(working.race, fresh_url, "t", runner, 40) for runner in range(8)]
    for _, pipe in started:
        assert pipe.recv() == "ready"
    for _, pipe in started:
        pipe.send("go")
    had = [pipe.recv() for _, pipe in started]
    for process, _ in started:
        process.join()
        assert process.exitcode == 0
    assert sum(stock for stock, _ in had) == 200
    assert sum(slots for _, slots in had) == 40
    assert ask.promised("scarce") == 0
    assert ask.used()["M", "fast", DAY1] == (40, 40)
    ask.check()
    ledger.close()


def test_threads_that_share_a_transaction(fresh_url: str) -> None:
    """Tests that requests of threads are gathered into common transactions, each with its own answer."""
    ledger = open_ledger(fresh_url)
    assert isinstance(ledger, SqlLedger)
    ask = Asking(ledger, "t")
    ask.count(on_hand=100)
    group = GroupCommit(ledger)
    outcomes: dict[str, object] = {}

    def ask_for(runner: int) -> None:
        for number in range(10):
            name = f"x{runner}-{number}"
            command = Reserve(reservation_id=name, order_id=name, positions=(position(),))
            outcomes[name] = group.write([Request(tenant="t", command=command)])[0].outcome

    threads = [threading.Thread(target=ask_for, args=(runner,)) for runner in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(outcome, Reserved) for outcome in outcomes.values()) == 100
    assert sum(isinstance(outcome, Refused) for outcome in outcomes.values()) == 60
    for name, outcome in outcomes.items():
        assert not isinstance(outcome, Reserved) or outcome.reservation.reservation_id == name
    ask.check()
    ledger.close()


def test_all_that_share_a_transaction_learn_of_its_failure(fresh_url: str) -> None:
    """Tests that an outage reaches every thread that waits, and that none waits for ever."""
    ledger = open_ledger(fresh_url)
    group = GroupCommit(ledger, max_requests=3)
    ledger.close()
    errors: list[Exception] = []

    def ask_for(runner: int) -> None:
        command = Reserve(reservation_id=f"x{runner}", order_id="O", positions=(position(),))
        try:
            group.write([Request(tenant="t", command=command)])
        except LedgerUnavailable as error:
            errors.append(error)

    threads = [threading.Thread(target=ask_for, args=(runner,)) for runner in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(errors) == 16


def test_what_came_while_waiting_for_a_lock_is_seen(fresh_url: str) -> None:
    """Tests that a reservation that waits for another transaction sees the stock row that it added."""
    ledger = open_ledger(fresh_url)
    assert isinstance(ledger, SqlLedger)
    ask = Asking(ledger, "t")
    ask.count(on_hand=5)
    outcomes: list[object] = []
    thread = threading.Thread(target=lambda: outcomes.append(ask.reserve(position(quantity=5))))
    with ledger.database.writing() as session:
        work = Work(session, "t", ledger.now_ms() if not session.is_alone else 0)
        set_on_hand(work, SetOnHand(node_id="N", sku="A", on_hand=0, reserved=3, available_on=DAY2))
        work.flush()
        thread.start()
        time.sleep(0.3)
        assert outcomes == []
    thread.join()
    (outcome,) = outcomes
    assert isinstance(outcome, Refused)
    assert outcome.lacks[0].available == 2
    ask.check()
    ledger.close()


def test_replicas_that_take_and_give_back(fresh_url: str) -> None:
    """Tests that two ledgers on one database, whose requests lock rows in any order, neither stick nor oversell."""
    ledgers = [open_ledger(fresh_url) for _ in range(2)]
    assert isinstance(ledgers[0], SqlLedger)
    ask = Asking(ledgers[0], "t")
    skus = [f"sku-{number}" for number in range(6)]
    for sku in skus:
        ask.count(sku, 20)
    errors: list[Exception] = []

    def run(runner: int) -> None:
        try:
            for number in range(30):
                name = f"x{runner}-{number}"
                order = skus if runner % 2 else skus[::-1]
                positions = tuple(position(sku, 1 + (number + runner) % 3, shipment_id="s") for sku in order)
                requests = [
                    Request(tenant="t", command=Reserve(reservation_id=name, order_id=name, positions=positions))
                ]
                if number:
                    requests.append(Request(tenant="t", command=Release(reservation_id=f"x{runner}-{number - 1}")))
                ledgers[runner % 2].write(requests)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(runner,)) for runner in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    ask.check()
    assert all(ask.promised(sku) >= 0 for sku in skus)
    numbers = [entry.entry for entry in ledgers[1].entries("t", limit=100_000)]
    assert numbers == list(range(1, len(numbers) + 1))
    for ledger in ledgers:
        ledger.close()
