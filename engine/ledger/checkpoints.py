"""Checkpoints of SQLite's write-ahead log beside the writer, so that no commit has to wait for one."""

from __future__ import annotations

import logging
import threading

import apsw

LOGGER = logging.getLogger(__name__)
SOON_PAGES = 1000  # of the log, from which on the thread copies them into the database
LATE_PAGES = 20_000  # from which on the writer copies what is left: only then can the log begin anew


class Checkpoints:
    """A thread that copies the log into the database while the writer goes on.

    Under steady load there is always something newer in the log than what was copied, so that it would never begin
    anew: when it is long, the writer copies the few pages that are left.

    Parameters
    ----------
    writer, own : Connection
        The writer's connection, and one for the thread, which is closed with it.
    """

    def __init__(self, writer: apsw.Connection, own: apsw.Connection) -> None:
        self._writer = writer
        self._own = own
        self._wanted = threading.Event()
        self._stopped = False
        self._n_pages = 0
        writer.set_wal_hook(self._committed)
        own.set_busy_timeout(0)
        self._thread = threading.Thread(target=self._run, name="ledger-checkpoints", daemon=True)
        self._thread.start()

    def _committed(self, connection: apsw.Connection, name: str, n_pages: int) -> int:
        self._n_pages = n_pages
        if n_pages >= SOON_PAGES:
            self._wanted.set()
        return apsw.SQLITE_OK

    def after_commit(self) -> None:
        """Let the writer do its part, outside of a transaction."""
        if self._n_pages >= LATE_PAGES:
            self._n_pages = 0
            _copy(self._writer)

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            if self._stopped:
                return
            _copy(self._own)

    def close(self) -> None:
        """Stop the thread."""
        self._stopped = True
        self._wanted.set()
        self._thread.join()
        self._own.close()


def _copy(connection: apsw.Connection) -> None:
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    except apsw.BusyError:
        pass  # another process is at it
    except apsw.Error as error:
        LOGGER.warning("the log could not be copied into the database: %s", error)
