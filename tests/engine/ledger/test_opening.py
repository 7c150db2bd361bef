"""Tests of opening: addresses, migrations, several that start together, tables of a newer program."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engine.ledger import LedgerCorrupt, LedgerUnavailable, open_ledger
from engine.ledger.migrations import MIGRATIONS
from engine.ledger.sql_ledger import SqlLedger
from engine.ledger.tables import ALL_TABLES
from tests.engine.ledger.asking import Asking, position


def opened(url: str) -> SqlLedger:
    """Open a ledger."""
    ledger = open_ledger(url)
    assert isinstance(ledger, SqlLedger)
    return ledger


def test_what_is_written_is_there_after_opening_again(fresh_url: str) -> None:
    """Tests that a ledger that was closed has everything when it is opened again, and no more migrations to do."""
    ledger = opened(fresh_url)
    ask = Asking(ledger, "t")
    ask.count(on_hand=5)
    ask.held(position())
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerUnavailable):
        ledger.now_ms()
    with pytest.raises(LedgerUnavailable):
        ask.count(on_hand=6)
    again = opened(fresh_url)
    assert again.now_ms() > 1_700_000_000_000
    assert Asking(again, "t").promised() == 4
    with again.database.reading() as session:
        versions = session.query("SELECT version FROM schema_versions ORDER BY version")
    assert versions == [(number + 1,) for number in range(len(MIGRATIONS))]
    again.close()


def test_several_that_start_together(fresh_url: str) -> None:
    """Tests that replicas that open an empty database at the same time all get a ledger."""
    ledgers: list[SqlLedger] = []
    errors: list[Exception] = []

    def start() -> None:
        try:
            ledgers.append(opened(fresh_url))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for number, ledger in enumerate(ledgers):
        Asking(ledger, "t").count(on_hand=number)
        ledger.close()


def test_the_tables_are_as_the_program_knows_them(fresh_url: str) -> None:
    """Tests that migrations make the columns, in the order, and the keys that the code writes."""
    ledger = opened(fresh_url)
    with ledger.database.reading() as session:
        for table in ALL_TABLES:
            if fresh_url.startswith("sqlite"):
                rows = session.query(f"SELECT name, pk FROM pragma_table_info('{table.name}')")
                columns, key = [row[0] for row in rows], [row[0] for row in rows if row[1]]
            else:
                rows = session.query(
                    "SELECT column_name FROM information_schema.columns WHERE table_name = ? ORDER BY ordinal_position",
                    (table.name,),
                )
                columns = [row[0] for row in rows]
                rows = session.query(
                    "SELECT column_name FROM information_schema.key_column_usage WHERE table_name = ?"
                    " AND constraint_name = ? ORDER BY ordinal_position",
                    (table.name, f"{table.name}_pkey"),
                )
                key = [row[0] for row in rows]
            assert tuple(columns) == table.columns
            assert tuple(key) == table.key
    ledger.close()


def test_tables_of_a_newer_program(fresh_url: str) -> None:
    """Tests that tables with a later version are not touched."""
    ledger = opened(fresh_url)
    with ledger.database.writing() as session:
        session.change("INSERT INTO schema_versions (version) VALUES (?)", (999,))
    ledger.close()
    with pytest.raises(LedgerCorrupt, match="version 999, expected at most"):
        open_ledger(fresh_url)


def test_addresses(tmp_path: Path) -> None:
    """Tests that an address of no known kind, or where nothing is, says so, without its password."""
    with pytest.raises(ValueError, match="expected sqlite") as caught:
        open_ledger("mysql://me:secret@host/db")
    assert "secret" not in str(caught.value)
    with pytest.raises(LedgerUnavailable):
        open_ledger(f"sqlite:///{tmp_path}/no/such/folder/ledger.db")
    with pytest.raises(LedgerUnavailable):
        open_ledger(f"postgresql:///none?host={tmp_path}", timeout_s=1)
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(b"this is no database, whatever its name" * 100)
    with pytest.raises(LedgerCorrupt):
        open_ledger(f"sqlite:///{damaged}")
