"""The narrow waist: what the rules need of a database, in sets, whatever its dialect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from engine.ledger.base import LedgerError
from engine.ledger.tables import Table

Row = tuple[Any, ...]


class Conflict(LedgerError):
    """Another transaction was there between our reading and our writing: start again."""


class Poison(LedgerError):
    """The database refused a value: one of the requests is at fault, whichever."""


class Session(Protocol):
    """A transaction in progress; SQL has ``?`` for values and is the same for all databases.

    ``is_alone`` tells whether no other transaction can write meanwhile.
    """

    is_alone: bool

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run one statement and return its rows."""

    def change(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement and return how many rows it changed."""

    def select(self, table: Table, by: tuple[str, ...], keys: Sequence[Row], *, lock: bool = False) -> list[Row]:
        """Return all rows, of all columns, that have one of some keys; locked in the order of the table's key."""

    def insert(self, table: Table, rows: Sequence[Row]) -> None:
        """Add rows of all columns; one that is there already is a `Conflict`."""

    def add_units(self, table: Table, rows: Sequence[Row]) -> None:
        """Add amounts above 0 to ``units``, the only column beside the key, of rows that may be new."""

    def update(
        self, table: Table, columns: tuple[str, ...], rows: Sequence[Row], *, same: tuple[str, ...] = ()
    ) -> None:
        """Set columns of rows that have the key and still have the values ``same``; any that has not is a `Conflict`.

        Each row is the new values, then the key, then the values that must be the same.
        """

    def delete(self, table: Table, keys: Sequence[Row]) -> int:
        """Remove rows by key; return how many there were."""


class Database(Protocol):
    """A database that is open: transactions, one after the other or side by side."""

    now_sql: str

    def writing(self) -> AbstractContextManager[Session]:
        """Return a transaction that writes: committed on leaving, rolled back on an exception."""

    def reading(self, *, bulk: bool = False) -> AbstractContextManager[Session]:
        """Return a transaction that reads one consistent state; ``bulk``: large results."""

    def chunks(self, session: Session, sql: str, values: Sequence[Any], size: int) -> Any:
        """Iterate over lists of at most ``size`` rows of a large result."""

    def close(self) -> None:
        """Close every connection."""


def columns_sql(columns: Sequence[str], prefix: str = "") -> str:
    """Return column names with commas between them."""
    return ", ".join(prefix + column for column in columns)


def equal_sql(columns: Sequence[str]) -> str:
    """Return a condition that each column has the value given."""
    return " AND ".join(f"{column} = ?" for column in columns)


def migrate(session: Session, run: Callable[[str], None], migrations: Sequence[str], words: dict[str, str]) -> int:
    """Bring the tables up to date, inside a transaction that shuts others out; return how many migrations ran.

    Raises
    ------
    LedgerCorrupt
        If the tables are newer than this program.
    """
    from engine.ledger.base import LedgerCorrupt

    run("CREATE TABLE IF NOT EXISTS schema_versions (version {int} NOT NULL PRIMARY KEY)".format(**words))
    found = session.query("SELECT coalesce(max(version), 0) FROM schema_versions")[0][0]
    if found > len(migrations):
        raise LedgerCorrupt(f"the ledger's tables have version {found}, expected at most {len(migrations)}: newer")
    for number in range(found + 1, len(migrations) + 1):
        for statement in migrations[number - 1].format(**words).split(";"):
            if statement.strip():
                run(statement)
        session.change("INSERT INTO schema_versions (version) VALUES (?)", (number,))
    return len(migrations) - int(found)
