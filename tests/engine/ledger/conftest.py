"""Ledgers for tests: each contract test runs on SQLite and on PostgreSQL, in a database or tenant of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.ledger.opening import open_ledger
from engine.ledger.sql_ledger import SqlLedger
from tests.engine.ledger.asking import Asking
from tests.engine.ledger.postgres_server import Server, start_server

BACKENDS = ("sqlite", "postgres")
TEST_CLOCK = "(SELECT now_ms FROM test_clock)"


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Nothing here needs a kernel: do not wait for their compilation."""


@pytest.fixture(scope="session")
def postgres() -> Server:
    """One PostgreSQL server for all tests; it stops with the process."""
    return start_server()


@pytest.fixture(scope="session")
def postgres_url(postgres: Server) -> str:
    """A database that tests share, each with a tenant of its own."""
    return postgres.new_database()


def open_with_clock(url: str) -> SqlLedger:
    """Open a ledger whose clock stands in a table."""
    ledger = open_ledger(url, now_sql=TEST_CLOCK)
    assert isinstance(ledger, SqlLedger)
    with ledger.database.writing() as session:
        session.change("CREATE TABLE IF NOT EXISTS test_clock (now_ms BIGINT NOT NULL)")
        session.change("DELETE FROM test_clock")
        session.change("INSERT INTO test_clock VALUES (?)", (1_000_000,))
    return ledger


@pytest.fixture(scope="session")
def shared(postgres_url: str) -> Iterator[dict[str, SqlLedger]]:
    """One ledger of each kind, opened once."""
    ledgers = {"sqlite": open_with_clock("sqlite://"), "postgres": open_with_clock(postgres_url)}
    yield ledgers
    for ledger in ledgers.values():
        ledger.close()


@pytest.fixture(params=BACKENDS)
def ask(request: pytest.FixtureRequest, shared: dict[str, SqlLedger]) -> Asking:
    """A ledger with an empty tenant and a clock that tests move."""
    return Asking(shared[request.param], f"tenant-{uuid.uuid4().hex[:12]}")


@pytest.fixture(params=BACKENDS)
def fresh_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/ledger.db"
    server: Server = request.getfixturevalue("postgres")
    return server.new_database()
