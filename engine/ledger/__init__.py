"""The ledger: stock and capacity that nobody can sell twice, on SQLite or PostgreSQL, behind one contract."""

from engine.ledger.base import (
    Idempotency,
    Ledger,
    LedgerCorrupt,
    LedgerError,
    LedgerUnavailable,
    Reply,
    Request,
    Respond,
    Response,
)
from engine.ledger.opening import open_ledger

__all__ = [
    "Idempotency",
    "Ledger",
    "LedgerCorrupt",
    "LedgerError",
    "LedgerUnavailable",
    "Reply",
    "Request",
    "Respond",
    "Response",
    "open_ledger",
]
