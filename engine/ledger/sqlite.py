"""The ledger on SQLite: one writer at a time, readers beside it (write-ahead log), every commit on disk."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from typing import Any

import apsw

from engine.ledger.base import LedgerCorrupt, LedgerUnavailable
from engine.ledger.checkpoints import Checkpoints
from engine.ledger.database import Conflict, Poison, Row, Session, columns_sql, equal_sql, migrate
from engine.ledger.migrations import MIGRATIONS
from engine.ledger.tables import Table

WORDS = {
    "text": "TEXT",
    "int": "INTEGER",
    "blob": "BLOB",
    "compact": "STRICT, WITHOUT ROWID",
    "busy": "STRICT, WITHOUT ROWID",
    "strict": "STRICT",
}
MAX_IDLE = 8
WRITER_CACHE_KIB = 65536
READER_CACHE_KIB = 8192
_CORRUPT = (apsw.CorruptError, apsw.NotADBError)


@lru_cache(maxsize=256)
def _select(table: Table, by: tuple[str, ...]) -> str:
    return f"SELECT {columns_sql(table.columns)} FROM {table.name} WHERE {equal_sql(by)}"


@lru_cache(maxsize=256)
def _insert(table: Table) -> str:
    return f"INSERT INTO {table.name} VALUES ({columns_sql(['?'] * len(table.columns))})"


@lru_cache(maxsize=256)
def _update(table: Table, columns: tuple[str, ...], same: tuple[str, ...]) -> str:
    settings = columns_sql([f"{column} = ?" for column in columns])
    return f"UPDATE {table.name} SET {settings} WHERE {equal_sql(table.key + same)}"


class SqliteSession:
    """One transaction on one connection."""

    is_alone = True

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._cursor = connection.cursor()

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run one statement and return its rows."""
        return self._cursor.execute(sql, tuple(values)).fetchall()

    def change(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement and return how many rows it changed."""
        before = self._connection.total_changes()
        self._cursor.execute(sql, tuple(values))
        return self._connection.total_changes() - before

    def select(self, table: Table, by: tuple[str, ...], keys: Sequence[Row], *, lock: bool = False) -> list[Row]:
        """Return the rows with one of some keys; the writer holds the only lock there is."""
        return self._cursor.executemany(_select(table, by), keys).fetchall() if keys else []

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows of all columns."""
        if rows:
            self._cursor.executemany(_insert(table), rows)

    def add_units(self, table: Table, rows: Sequence[Row]) -> None:
        """Add to ``units`` of rows that may be new."""
        if rows:
            sql = _insert(table) + f" ON CONFLICT DO UPDATE SET units = {table.name}.units + excluded.units"
            self._cursor.executemany(sql, rows)

    def update(
        self, table: Table, columns: tuple[str, ...], rows: Sequence[Row], *, same: tuple[str, ...] = ()
    ) -> None:
        """Set columns of rows by key."""
        if rows:
            before = self._connection.total_changes()
            self._cursor.executemany(_update(table, columns, same), rows)
            changed = self._connection.total_changes() - before
            if changed != len(rows):
                raise Conflict(f"{table.name}: {changed} of {len(rows)} rows were as they had been read")

    def delete(self, table: Table, keys: Sequence[Row]) -> int:
        """Remove rows by key."""
        before = self._connection.total_changes()
        if keys:
            self._cursor.executemany(f"DELETE FROM {table.name} WHERE {equal_sql(table.key)}", keys)
        return self._connection.total_changes() - before


class SqliteDatabase:
    """A database file, or one in memory, for the threads of this process; other processes may use the file too.

    Parameters
    ----------
    path : str
        The file; empty: in memory.
    now_sql : str, optional
        The current instant in milliseconds, in SQL.
    timeout_s : float
        How long to wait for another process's transaction.
    """

    def __init__(self, path: str, *, now_sql: str | None = None, timeout_s: float = 10.0) -> None:
        self.now_sql = now_sql or "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
        self._path = path
        self._timeout_s = timeout_s
        self._lock = threading.RLock()
        self._lock_of_idle = threading.Lock()
        self._idle: list[apsw.Connection] = []  # readers that nobody uses just now
        self._closed = False
        self._checkpoints: Checkpoints | None = None
        with _translated():
            self._writer = self._connect(WRITER_CACHE_KIB)
            with self.writing() as session:
                migrate(session, lambda sql: self._run(sql), MIGRATIONS, WORDS)
            self._checkpoints = Checkpoints(self._writer, self._connect(READER_CACHE_KIB)) if path else None

    def _run(self, sql: str) -> None:
        self._writer.execute(sql)

    def _connect(self, cache_kib: int) -> apsw.Connection:
        connection = apsw.Connection(self._path or ":memory:", statementcachesize=200)
        connection.set_busy_timeout(int(self._timeout_s * 1000))
        if self._path and connection.pragma("journal_mode") != "wal":
            connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
        connection.pragma("cache_size", -cache_kib)
        connection.pragma("foreign_keys", True)
        return connection

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Return a transaction that writes."""
        if not self._lock.acquire(timeout=self._timeout_s):
            raise LedgerUnavailable(f"the database was busy for {self._timeout_s} s")
        try:
            self._check_open()
            with _translated():
                yield from self._within(self._writer, "BEGIN IMMEDIATE")
            if self._checkpoints is not None:
                self._checkpoints.after_commit()
        finally:
            self._lock.release()

    @contextmanager
    def reading(self, *, bulk: bool = False) -> Iterator[Session]:
        """Return a transaction that reads; in memory it waits for the writer."""
        if not self._path:
            with self._lock, _translated():
                self._check_open()
                yield from self._within(self._writer, "BEGIN")
            return
        with self._lock_of_idle:
            self._check_open()
            connection = self._idle.pop() if self._idle else None
        kept = False
        try:
            with _translated():
                if connection is None:
                    connection = self._connect(READER_CACHE_KIB)
                yield from self._within(connection, "BEGIN")
            with self._lock_of_idle:
                kept = not self._closed and len(self._idle) < MAX_IDLE
                if kept:
                    self._idle.append(connection)
        finally:
            if connection is not None and not kept:
                connection.close()

    def _within(self, connection: apsw.Connection, begin: str) -> Iterator[Session]:
        connection.execute(begin)
        try:
            yield SqliteSession(connection)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def chunks(self, session: Session, sql: str, values: Sequence[Any], size: int) -> Iterator[list[Row]]:
        """Iterate over lists of at most ``size`` rows."""
        assert isinstance(session, SqliteSession)
        cursor = session._connection.cursor().execute(sql, tuple(values))
        while rows := list(islice(cursor, size)):
            yield rows

    def _check_open(self) -> None:
        if self._closed:
            raise LedgerUnavailable("the ledger is closed")

    def close(self) -> None:
        """Close every connection."""
        with self._lock, self._lock_of_idle:
            if self._checkpoints is not None and not self._closed:
                self._checkpoints.close()
            self._closed = True
            for connection in [*self._idle, self._writer]:
                connection.close()
            self._idle.clear()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn SQLite's errors into the ledger's."""
    try:
        yield
    except apsw.ConstraintError as error:
        if getattr(error, "extendedresult", 0) in (apsw.SQLITE_CONSTRAINT_UNIQUE, apsw.SQLITE_CONSTRAINT_PRIMARYKEY):
            raise Conflict(str(error)) from error
        raise Poison(str(error)) from error
    except (apsw.MismatchError, apsw.TooBigError, OverflowError, UnicodeEncodeError) as error:
        raise Poison(str(error)) from error
    except _CORRUPT as error:
        raise LedgerCorrupt(f"the database is damaged: {error}") from error
    except apsw.FullError as error:
        raise LedgerUnavailable(f"the disk is full: {error}") from error
    except apsw.BusyError as error:
        raise LedgerUnavailable(f"another process holds the database: {error}") from error
    except (apsw.IOError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError, apsw.NoMemError) as error:
        raise LedgerUnavailable(f"the database cannot be used: {error}") from error
