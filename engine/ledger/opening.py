"""Opening a ledger by its address."""

from __future__ import annotations

from engine.ledger.base import Ledger
from engine.ledger.sql_ledger import SqlLedger


def open_ledger(url: str, *, now_sql: str | None = None, timeout_s: float = 10.0) -> Ledger:
    """Open a ledger, creating or migrating its tables where needed; safe when several replicas start together.

    Parameters
    ----------
    url : str
        ``sqlite:///path/to/file`` (three slashes for a relative path, four for an absolute one), ``sqlite://`` (in
        memory, for one process) or ``postgresql://...`` as libpq reads it.
    now_sql : str, optional
        An SQL expression for the current instant in milliseconds, instead of the database's clock: for tests that
        move time.
    timeout_s : float, optional
        How long to wait for a lock or a connection before `LedgerUnavailable`.

    Raises
    ------
    ValueError
        If the address is of no known kind.
    LedgerUnavailable
        If the database cannot be reached.
    LedgerCorrupt
        If its tables are newer than this program.
    """
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        from engine.ledger.sqlite import SqliteDatabase

        return SqlLedger(SqliteDatabase(rest.removeprefix("/"), now_sql=now_sql, timeout_s=timeout_s))
    if scheme in ("postgresql", "postgres"):
        from engine.ledger.postgres import PostgresDatabase

        return SqlLedger(PostgresDatabase(url, now_sql=now_sql, timeout_s=timeout_s))
    shown = url.partition("@")[2] or url  # no password in messages
    raise ValueError(f"database is {shown}, expected sqlite:///PATH or postgresql://...")
