"""The ledger over a database: its parts put together."""

from __future__ import annotations

from engine.ledger.checking import Checking
from engine.ledger.database import Database
from engine.ledger.operations import Operations
from engine.ledger.purging import Purging
from engine.ledger.reading import Reading
from engine.ledger.receivers import Receivers
from engine.ledger.writing import Writing


class SqlLedger(Writing, Reading, Operations, Purging, Receivers, Checking):
    """A `Ledger` over any database that has the narrow waist of `engine.ledger.database`.

    Parameters
    ----------
    database : Database
        Open, its tables up to date.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()
