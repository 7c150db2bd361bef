"""The ledger on PostgreSQL: rows locked in key order, sets of rows as arrays, any number of replicas."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from typing import Any, NamedTuple

import psycopg
from psycopg import errors
from psycopg.rows import tuple_row
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from engine.ledger.base import LedgerCorrupt, LedgerUnavailable
from engine.ledger.database import Conflict, Poison, Row, Session, columns_sql, migrate
from engine.ledger.migrations import MIGRATIONS
from engine.ledger.tables import Table

WORDS = {
    "text": 'TEXT COLLATE "C"',
    "int": "BIGINT",
    "blob": "BYTEA",
    "compact": "",
    "busy": "WITH (fillfactor = 70)",
    "strict": "",
}
_MIGRATION_LOCK = 0x6E6F646577697365  # "nodewise" as a number: nobody else's advisory lock
_MANY = 500  # rows from which on COPY pays: it is a round trip of its own
_Connection = psycopg.Connection[Row]


@lru_cache(maxsize=1024)
def _marked(sql: str) -> str:
    return sql.replace("?", "%s")


def _arrays(table: Table, columns: Sequence[str]) -> str:
    return ", ".join(f"%s::{table.types[column]}[]" for column in columns)


@lru_cache(maxsize=256)
def _select(table: Table, by: tuple[str, ...], lock: bool) -> str:
    joined = " AND ".join(f"t.{column} = u.{column}" for column in by)
    end = f" ORDER BY {columns_sql(table.key, 't.')} FOR UPDATE OF t" if lock else ""
    return (
        f"SELECT {columns_sql(table.columns, 't.')} FROM unnest({_arrays(table, by)}) AS u ({columns_sql(by)})"
        f" JOIN {table.name} t ON {joined}{end}"
    )


@lru_cache(maxsize=256)
def _insert(table: Table) -> str:
    return f"INSERT INTO {table.name} SELECT * FROM unnest({_arrays(table, table.columns)})"


@lru_cache(maxsize=256)
def _update(table: Table, columns: tuple[str, ...], same: tuple[str, ...]) -> str:
    names = [*(f"new_{column}" for column in columns), *table.key, *(f"old_{column}" for column in same)]
    settings = columns_sql([f"{column} = u.new_{column}" for column in columns])
    conditions = [f"t.{column} = u.{column}" for column in table.key]
    conditions += [f"t.{column} = u.old_{column}" for column in same]
    arrays = _arrays(table, columns + table.key + same)
    return (
        f"UPDATE {table.name} t SET {settings} FROM unnest({arrays}) AS u ({columns_sql(names)})"
        f" WHERE {' AND '.join(conditions)}"
    )


class _Write(NamedTuple):
    """A statement that waits to be sent, and how many rows it has to change, where that is known."""

    sql: str
    values: Sequence[Any]
    table: str
    n_rows: int | None


class PostgresSession:
    """One transaction on one connection. Writes gather, and are sent together before anything that has to see them."""

    is_alone = False

    def __init__(self, connection: _Connection, *, binary: bool = False) -> None:
        self._connection = connection
        self._cursor = connection.cursor(row_factory=tuple_row, binary=binary)
        self._waiting: list[_Write] = []

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run one statement and return its rows."""
        self.send()
        return self._cursor.execute(_marked(sql), values).fetchall()

    def change(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement and return how many rows it changed."""
        self.send()
        return self._cursor.execute(_marked(sql), values).rowcount

    def select(self, table: Table, by: tuple[str, ...], keys: Sequence[Row], *, lock: bool = False) -> list[Row]:
        """Return the rows with one of some keys, each key once."""
        if not keys:
            return []
        self.send()
        unique = list(dict.fromkeys(keys))
        return self._cursor.execute(_select(table, by, lock), _columns(table, by, unique)).fetchall()

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows of all columns: many by COPY."""
        if len(rows) < _MANY:
            if rows:
                self._waiting.append(_Write(_insert(table), _columns(table, table.columns, rows), table.name, None))
            return
        self.send()
        with self._cursor.copy(f"COPY {table.name} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def add_units(self, table: Table, rows: Sequence[Row]) -> None:
        """Add to ``units`` of rows that may be new."""
        if rows:
            key = columns_sql(table.key)
            sql = f"{_insert(table)} ON CONFLICT ({key}) DO UPDATE SET units = {table.name}.units + excluded.units"
            self._waiting.append(_Write(sql, _columns(table, table.columns, rows), table.name, None))

    def update(
        self, table: Table, columns: tuple[str, ...], rows: Sequence[Row], *, same: tuple[str, ...] = ()
    ) -> None:
        """Set columns of rows by key."""
        if rows:
            values = _columns(table, columns + table.key + same, rows)
            self._waiting.append(_Write(_update(table, columns, same), values, table.name, len(rows)))

    def delete(self, table: Table, keys: Sequence[Row]) -> int:
        """Remove rows by key."""
        if not keys:
            return 0
        self.send()
        joined = " AND ".join(f"t.{column} = u.{column}" for column in table.key)
        arrays = f"unnest({_arrays(table, table.key)}) AS u ({columns_sql(table.key)})"
        sql = f"DELETE FROM {table.name} t USING {arrays} WHERE {joined}"
        return self._cursor.execute(sql, _columns(table, table.key, keys)).rowcount

    def send(self) -> None:
        """Run the writes that wait, in order and in one round trip; before the commit too."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        done = []
        with self._connection.pipeline() if len(waiting) > 1 else nullcontext():
            for write in waiting:
                done.append(self._connection.execute(write.sql, write.values))
        for cursor, write in zip(done, waiting):
            if write.n_rows is not None and cursor.rowcount != write.n_rows:
                changed = f"{cursor.rowcount} of {write.n_rows} rows were as they had been read"
                raise Conflict(f"{write.table}: {changed}")


def _columns(table: Table, names: Sequence[str], rows: Sequence[Row]) -> list[Any]:
    return [_array(table.types[name], column) for name, column in zip(names, zip(*rows))]


def _array(kind: str, values: Sequence[Any]) -> Any:
    """Return an array as PostgreSQL writes one: the driver, element by element in Python, takes ten times as long."""
    if kind == "bytea":
        return "{" + ",".join(["NULL" if value is None else f'"\\\\x{bytes(value).hex()}"' for value in values]) + "}"
    if kind == "bigint":
        return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"
    if None in values:
        return "{" + ",".join(["NULL" if value is None else f'"{_escaped(value)}"' for value in values]) + "}"
    joined = "".join(values)
    if '"' in joined or "\\" in joined:
        values = [_escaped(value) for value in values]
    return '{"' + '","'.join(values) + '"}'


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


class PostgresDatabase:
    """A PostgreSQL database, through a pool of connections.

    Parameters
    ----------
    url : str
        As libpq reads it.
    now_sql : str, optional
        The current instant in milliseconds, in SQL.
    timeout_s : float
        How long to wait for a connection or a lock.
    n_connections : int
        At most so many.
    """

    def __init__(
        self, url: str, *, now_sql: str | None = None, timeout_s: float = 10.0, n_connections: int = 8
    ) -> None:
        self.now_sql = now_sql or "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
        self._closed = False
        self._cursor_lock = threading.Lock()
        self._n_cursors = 0
        timeout_ms = int(timeout_s * 1000)
        self._pool: ConnectionPool[_Connection] = ConnectionPool(
            url,
            connection_class=psycopg.Connection,
            kwargs={
                "autocommit": False,
                "prepare_threshold": 0,
                "connect_timeout": max(2, int(timeout_s)),
                # sets of keys are joined through the key's index, also before the first ANALYZE
                "options": f"-c lock_timeout={timeout_ms} -c idle_in_transaction_session_timeout=60000"
                " -c enable_hashjoin=off -c enable_mergejoin=off -c enable_seqscan=off -c jit=off"
                " -c synchronous_commit=on -c timezone=UTC -c client_encoding=UTF8",
            },
            min_size=1,
            max_size=n_connections,
            timeout=timeout_s,
            reconnect_timeout=timeout_s,
            open=False,
        )
        try:
            self._pool.open(wait=True, timeout=timeout_s)
            with self.writing() as session:
                self._migrate(session)
        except PoolTimeout as error:
            self.close()
            raise LedgerUnavailable(f"no connection to the database in {timeout_s} s") from error
        except BaseException:
            self.close()
            raise

    def _migrate(self, session: Session) -> None:
        session.query("SELECT pg_advisory_xact_lock(?)", (_MIGRATION_LOCK,))

        def run(sql: str) -> None:
            session.change(sql)

        migrate(session, run, MIGRATIONS, WORDS)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Return a transaction that writes, at READ COMMITTED: every row it relies on is locked or compared."""
        with self._connection() as connection:
            session = PostgresSession(connection)
            yield session
            session.send()

    @contextmanager
    def reading(self, *, bulk: bool = False) -> Iterator[Session]:
        """Return a transaction that reads one state."""
        with self._connection() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            if bulk:
                connection.execute("SET LOCAL enable_seqscan = on")
                connection.execute("SET LOCAL enable_hashjoin = on")
            yield PostgresSession(connection, binary=bulk)

    @contextmanager
    def _connection(self) -> Iterator[_Connection]:
        with _translated():
            if self._closed:
                raise LedgerUnavailable("the ledger is closed")
            with self._pool.connection() as connection:
                yield connection

    def chunks(self, session: Session, sql: str, values: Sequence[Any], size: int) -> Iterator[list[Row]]:
        """Iterate over lists of at most ``size`` rows, through a cursor in the database."""
        assert isinstance(session, PostgresSession)
        with self._cursor_lock:
            self._n_cursors += 1
            name = f"chunks_{self._n_cursors}"
        with session._connection.cursor(name, row_factory=tuple_row, binary=True) as cursor:
            cursor.execute(_marked(sql), values)
            while rows := cursor.fetchmany(size):
                yield rows

    def close(self) -> None:
        """Close every connection."""
        self._closed = True
        self._pool.close()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn PostgreSQL's errors into the ledger's."""
    try:
        yield
    except (errors.SerializationFailure, errors.DeadlockDetected, errors.UniqueViolation) as error:
        raise Conflict(str(error)) from error
    except (errors.IntegrityError, psycopg.DataError, OverflowError, UnicodeEncodeError) as error:
        raise Poison(str(error)) from error
    except errors.DataCorrupted as error:
        raise LedgerCorrupt(f"the database is damaged: {error}") from error
    except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError, PoolTimeout, PoolClosed) as error:
        raise LedgerUnavailable(f"the database cannot be used: {str(error).strip()}") from error
