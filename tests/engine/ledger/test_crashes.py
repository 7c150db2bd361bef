"""Tests that what was acknowledged is there, once, after a kill, a restart of the database and a full disk."""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path

import pytest

from engine.ledger import LedgerUnavailable, open_ledger
from engine.ledger.base import Request
from engine.ledger.commands import Reserve
from engine.ledger.database import Conflict, Poison
from engine.ledger.outcomes import Reserved
from engine.ledger.sql_ledger import SqlLedger
from engine.ledger.tables import STOCK
from tests.engine.ledger import working
from tests.engine.ledger.asking import Asking, position
from tests.engine.ledger.postgres_server import start_server

LONG = bool(os.environ.get("NODEWISE_LONG"))
N_KILLS = 100 if LONG else 4
SIZE = 5  # reservations in a group


def ready(url: str, timeout_s: float = 10) -> Asking:
    """Open a ledger with plenty of stock."""
    ledger = open_ledger(url, timeout_s=timeout_s)
    assert isinstance(ledger, SqlLedger)
    ask = Asking(ledger, "t")
    ask.count("A", 1_000_000)
    ask.count("B", 1_000_000)
    return ask


def check_groups(ask: Asking, last_acknowledged: int) -> int:
    """Check that every acknowledged group is there, whole and once; return the number of the next group."""
    with ask.ledger.database.reading() as session:
        rows = session.query("SELECT reservation_id, state FROM reservations WHERE tenant = 't'")
    there: dict[int, dict[str, str]] = {}
    for name, state in rows:
        there.setdefault(int(name[1:].partition("-")[0]), {})[name] = state
    newest = max(there, default=-1)
    assert sorted(there) == list(range(newest + 1))
    assert newest >= last_acknowledged
    for number, group in there.items():
        assert len(group) == SIZE
        assert set(group.values()) == {"HELD" if number == newest else "CONFIRMED"}
    n_orders = SIZE * (newest + 1)
    stock = {row["sku"]: row["reserved"] for row in ask.ledger.snapshot("t").stock.to_pylist()}
    assert stock == {"A": n_orders, "B": 2 * n_orders}
    assert next(iter(ask.used().values()), (0, 0)) == (n_orders, 3 * n_orders)
    ask.check()
    for number in range(max(0, newest - 1), newest + 1):
        for reply in ask.ledger.write(working.group_of(number, SIZE)):
            assert reply.replayed, reply
            assert reply.response is not None
            assert reply.response.status == 200
    return newest + 1


def test_kill_in_the_middle_of_writing(fresh_url: str) -> None:
    """Tests that a writer that is killed loses nothing that it acknowledged, and does nothing twice."""
    ask = ready(fresh_url)
    rng = random.Random(7)
    first = 0
    for _ in range(N_KILLS):
        process, pipe = working.start(working.load, fresh_url, first, SIZE)
        assert pipe.recv() == "ready"
        assert pipe.poll(30)  # it has begun, however busy the machine is
        time.sleep(rng.random() * 0.15)
        process.kill()
        process.join()
        acknowledged = first - 1
        try:
            while pipe.poll():
                acknowledged = pipe.recv()
        except EOFError:
            pass
        pipe.close()
        time.sleep(0.02)  # PostgreSQL may still be at the last statement of the dead
        first = check_groups(ask, acknowledged)
    assert first > N_KILLS
    ask.ledger.close()


def test_a_transaction_that_fails_leaves_nothing(fresh_url: str) -> None:
    """Tests that whatever goes wrong inside a transaction, nothing of it stays, and the next one works."""
    ask = ready(fresh_url)
    before = ask.ledger.snapshot("t")
    with pytest.raises(RuntimeError, match="in the middle"), ask.ledger.database.writing() as session:
        session.change("UPDATE stock SET on_hand = 1")
        raise RuntimeError("in the middle")
    with pytest.raises(Conflict), ask.ledger.database.writing() as session:
        session.change("UPDATE stock SET on_hand = 1")
        session.update(STOCK, ("on_hand",), [(2, "t", "N", "unknown", "")])
    with pytest.raises(Poison), ask.ledger.database.writing() as session:
        session.change("UPDATE stock SET on_hand = 1 WHERE sku = 'A'")
        session.change("UPDATE stock SET on_hand = -1 WHERE sku = 'B'")
    assert ask.ledger.snapshot("t").stock.equals(before.stock)
    ask.held(position("A"))
    ask.check()
    ask.ledger.close()


def test_restart_of_the_database() -> None:
    """Tests that writers get a clear error while PostgreSQL is down, go on when it is back, and nothing is lost."""
    server = start_server(ours=True)
    ask = ready(server.new_database(), timeout_s=2)
    acknowledged: list[str] = []
    errors: list[Exception] = []
    stop = threading.Event()

    def run(runner: int) -> None:
        number = 0
        while not stop.is_set():
            name = f"x{runner}-{number}"
            command = Reserve(reservation_id=name, order_id=name, positions=(position("A"),))
            number += 1
            try:
                outcome = ask.ledger.write([Request(tenant="t", command=command)])[0].outcome
            except Exception as error:
                errors.append(error)
                time.sleep(0.05)
                continue
            assert isinstance(outcome, Reserved)
            acknowledged.append(name)

    threads = [threading.Thread(target=run, args=(runner,)) for runner in range(3)]
    for thread in threads:
        thread.start()
    _wait_for(lambda: len(acknowledged) > 50)
    server.stop("immediate")
    _wait_for(lambda: bool(errors))
    server.start()
    n_before = len(acknowledged)
    _wait_for(lambda: len(acknowledged) > n_before + 50)
    stop.set()
    for thread in threads:
        thread.join()
    assert {type(error) for error in errors} == {LedgerUnavailable}
    for name in acknowledged:
        assert ask.state(name) == "HELD"
    ask.check()
    ask.ledger.close()
    server.handle.cleanup()


def test_full_disk(tmp_path: Path) -> None:
    """Tests that a full disk is a clear error that changes nothing, and that writing goes on when there is room."""
    ask = ready(f"sqlite:///{tmp_path}/ledger.db")

    def pages(most: int) -> None:
        with ask.ledger.database.writing() as session:
            session.query(f"PRAGMA max_page_count = {most}")

    acknowledged = -1
    pages(150)
    with pytest.raises(LedgerUnavailable, match="full"):
        for number in range(1000):
            ask.ledger.write(working.group_of(number, SIZE))
            acknowledged = number
    assert acknowledged > 0
    for _ in range(3):
        with pytest.raises(LedgerUnavailable, match="full"):
            ask.ledger.write(working.group_of(acknowledged + 1, 50))
    assert check_groups(ask, acknowledged) == acknowledged + 1
    pages(1_000_000)
    ask.ledger.write(working.group_of(acknowledged + 1, SIZE))
    assert check_groups(ask, acknowledged + 1) == acknowledged + 2
    ask.ledger.close()


def _wait_for(condition: object) -> None:
    assert callable(condition)
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)
