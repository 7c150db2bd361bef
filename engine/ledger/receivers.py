"""Receivers of events, each served by one deliverer at a time, and credentials."""

from __future__ import annotations

from collections.abc import Sequence

from engine.ledger import tables
from engine.ledger.database import Database, Row, Session
from engine.ledger.other_rules import webhook_of
from engine.ledger.reading import event_of
from engine.ledger.records import ApiKey, Event, Webhook

BATCH = 100  # events that a deliverer takes at once
_OURS = "tenant = ? AND webhook_id = ? AND owner = ?"


class Receivers:
    """The part of a ledger that knows who listens and who may ask."""

    database: Database

    def webhooks(self, tenant: str) -> list[Webhook]:
        """Return the receivers, oldest first."""
        sql = "SELECT * FROM webhooks WHERE tenant = ? ORDER BY created_ms, webhook_id"
        with self.database.reading() as session:
            return [webhook_of(row) for row in session.query(sql, (tenant,))]

    def claim_webhook(self, owner: str, *, lease_ms: int) -> tuple[str, Webhook, list[Event]] | None:
        """Take a receiver that has undelivered events and whose time has come."""
        with self.database.writing() as session:
            now_ms = self._moment(session)
            rows = session.query(
                "SELECT w.* FROM webhooks w JOIN tenants t ON t.tenant = w.tenant"
                " WHERE w.last_event < t.last_event AND w.lease_until_ms <= ? AND w.next_attempt_ms <= ?"
                " ORDER BY w.next_attempt_ms, w.tenant, w.webhook_id LIMIT 20",
                (now_ms, now_ms),
            )
            for row in rows:
                claimed = self._claim(session, row, owner, now_ms, lease_ms)
                if claimed is not None:
                    return claimed
        return None

    def _claim(
        self, session: Session, row: Row, owner: str, now_ms: int, lease_ms: int
    ) -> tuple[str, Webhook, list[Event]] | None:
        tenant, webhook_id = row[:2]
        cursor = row[5]
        webhook = webhook_of(row)
        page: list[Row] = []
        wanted: list[Event] = []
        while not wanted:  # pass over what it does not want
            page = session.query(
                "SELECT * FROM outbox WHERE tenant = ? AND event > ? ORDER BY event LIMIT ?", (tenant, cursor, BATCH)
            )
            if not page:
                break
            events = [event_of(found) for found in page]
            wanted = [event for event in events if not webhook.event_types or event.type in webhook.event_types]
            cursor = wanted[0].event - 1 if wanted else events[-1].event
        until_ms = now_ms + lease_ms if wanted else 0
        taken = session.change(
            "UPDATE webhooks SET owner = ?, lease_until_ms = ?, last_event = ?"
            " WHERE tenant = ? AND webhook_id = ? AND lease_until_ms <= ? AND last_event = ?",
            (owner, until_ms, cursor, tenant, webhook_id, now_ms, row[5]),
        )
        if not taken or not wanted:
            return None
        return tenant, webhook_of((*row[:5], cursor, *row[6:])), wanted

    def advance_webhook(self, tenant: str, webhook_id: str, owner: str, *, cursor: int) -> bool:
        """Record that all up to an event arrived, and give the lease back; False when it is not ours any more."""
        with self.database.writing() as session:
            changed = session.change(
                "UPDATE webhooks SET last_event = ?, failures = 0, next_attempt_ms = 0, owner = NULL,"
                f" lease_until_ms = 0 WHERE {_OURS} AND last_event <= ?",
                (cursor, tenant, webhook_id, owner, cursor),
            )
            return changed > 0

    def postpone_webhook(self, tenant: str, webhook_id: str, owner: str, *, delay_ms: int) -> bool:
        """Record a failure: nobody tries again before the delay is over."""
        with self.database.writing() as session:
            changed = session.change(
                "UPDATE webhooks SET failures = failures + 1, next_attempt_ms = ?, owner = NULL, lease_until_ms = 0"
                f" WHERE {_OURS}",
                (self._moment(session) + delay_ms, tenant, webhook_id, owner),
            )
            return changed > 0

    def put_key(self, tenant: str, key_id: str, key_hash: str, scopes: Sequence[str]) -> ApiKey:
        """Store a credential, by the hash of its secret."""
        with self.database.writing() as session:
            row = (tenant, key_id, key_hash, " ".join(scopes), self._moment(session), None)
            session.delete(tables.API_KEYS, [(tenant, key_id)])
            session.insert(tables.API_KEYS, [row])
        return _key_of(row)

    def find_key(self, key_hash: str) -> ApiKey | None:
        """Return the credential with this hash, of whatever tenant, unless revoked."""
        with self.database.reading() as session:
            rows = session.query("SELECT * FROM api_keys WHERE key_hash = ? AND revoked_ms IS NULL", (key_hash,))
        return _key_of(rows[0]) if rows else None

    def keys(self, tenant: str | None = None) -> list[ApiKey]:
        """Return credentials, of one tenant or all."""
        where, values = ("", ()) if tenant is None else (" WHERE tenant = ?", (tenant,))
        with self.database.reading() as session:
            rows = session.query(f"SELECT * FROM api_keys{where} ORDER BY tenant, created_ms, key_id", values)
        return [_key_of(row) for row in rows]

    def revoke_key(self, tenant: str, key_id: str) -> bool:
        """Revoke a credential for good; False when there is none."""
        with self.database.writing() as session:
            changed = session.change(
                "UPDATE api_keys SET revoked_ms = ? WHERE tenant = ? AND key_id = ? AND revoked_ms IS NULL",
                (self._moment(session), tenant, key_id),
            )
            return changed > 0

    def _moment(self, session: Session) -> int:
        return int(session.query(f"SELECT {self.database.now_sql}")[0][0])


def _key_of(row: Row) -> ApiKey:
    tenant, key_id, key_hash, scopes, created_ms, revoked_ms = row
    return ApiKey(
        tenant=tenant,
        key_id=key_id,
        key_hash=key_hash,
        scopes=tuple(scopes.split()),
        created_at_ms=created_ms,
        revoked_at_ms=revoked_ms,
    )
