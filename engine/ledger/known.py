"""Requests that are known again: idempotency keys, their first responses, and markers of what is in flight."""

from __future__ import annotations

from typing import Any

import orjson

from engine.ledger import tables
from engine.ledger.base import Idempotency, Reply, Response
from engine.ledger.database import Row, Session
from engine.ledger.outcomes import Refused

Key = tuple[str, str, str]


class Known:
    """The keys that one transaction has to do with, of all tenants.

    Parameters
    ----------
    session : Session
        The transaction.
    now_ms : int
        The database's clock.
    """

    def __init__(self, session: Session, now_ms: int) -> None:
        self._session = session
        self._now_ms = now_ms
        self._rows: dict[Key, Row | None] = {}
        self._stored: set[Key] = set()
        self._were: set[Key] = set()

    def load(self, keys: set[Key]) -> None:
        """Read and lock keys."""
        wanted = sorted(keys - self._rows.keys())
        self._rows.update(dict.fromkeys(wanted))
        for row in self._session.select(tables.IDEMPOTENCY, tables.IDEMPOTENCY.key, wanted, lock=True):
            self._rows[row[:3]] = row
            self._were.add(row[:3])

    def answer(self, tenant: str, one: Idempotency) -> Reply | None:
        """Return the answer that a key has already, or None: the request may be done."""
        row = self._rows[tenant, one.route, one.key]
        if row is None:
            return None
        body_hash, owner, lease_until_ms, status = row[3:7]
        free = status is None and lease_until_ms <= self._now_ms
        if body_hash != one.body_hash and not free:
            detail = f"idempotency key {one.key[:80]!a} came with another body, expected the same or a new key"
            return Reply(outcome=Refused(reason="key_reused", detail=detail))
        if status is not None:
            return Reply(outcome=None, response=_response(row), replayed=True)
        if owner == one.owner or free:
            return None
        detail = f"a request with idempotency key {one.key[:80]!a} is in flight"
        return Reply(outcome=Refused(reason="in_flight", detail=detail))

    def hold(self, tenant: str, one: Idempotency, lease_ms: int) -> None:
        """Mark a key as in flight."""
        until_ms = self._now_ms + lease_ms
        self._set(tenant, one, (one.owner, until_ms, None, None, None, self._now_ms))

    def store(self, tenant: str, one: Idempotency, response: Response) -> None:
        """Keep the first response."""
        headers = orjson.dumps(dict(response.headers)) if response.headers else None
        self._set(tenant, one, ("", 0, response.status, headers, response.body, self._now_ms))

    def _set(self, tenant: str, one: Idempotency, rest: tuple[Any, ...]) -> None:
        key = tenant, one.route, one.key
        self._rows[key] = (*key, one.body_hash, *rest)
        self._stored.add(key)

    def flush(self) -> None:
        """Write what was set."""
        rows = [row for row in (self._rows[key] for key in sorted(self._stored)) if row is not None]
        self._session.insert(tables.IDEMPOTENCY, [row for row in rows if row[:3] not in self._were])
        columns = tables.IDEMPOTENCY.columns[3:]
        changed = [(*row[3:], *row[:3]) for row in rows if row[:3] in self._were]
        self._session.update(tables.IDEMPOTENCY, columns, changed)


def _response(row: Row) -> Response:
    headers = {} if row[7] is None else orjson.loads(row[7])
    return Response(status=row[6], body=bytes(row[8]), headers=headers)
