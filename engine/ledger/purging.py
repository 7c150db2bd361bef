"""Forgetting what is old and was only ever lent: responses, results, events that arrived. Entries stay."""

from __future__ import annotations

from itertools import takewhile

from engine.ledger.database import Database, Row

_AT_ONCE = 500  # rows in a transaction: nobody waits long for it
_OVER = "state IN ('DONE', 'FAILED', 'CANCELLED')"


class Purging:
    """The part of a ledger that forgets."""

    database: Database

    def purge(self, *, keep_ms: int = 86_400_000, keep_events_ms: int | None = None) -> int:
        """Forget what is old, in many short transactions; return how many rows went."""
        with self.database.reading() as session:
            now_ms = int(session.query(f"SELECT {self.database.now_sql}")[0][0])
            tenants = [row[0] for row in session.query("SELECT tenant FROM tenants ORDER BY tenant")]
        n_rows = self._purge_responses(now_ms - keep_ms) + self._purge_operations(now_ms - keep_ms)
        if keep_events_ms is not None:
            n_rows += sum(self._purge_events(tenant, now_ms - keep_events_ms) for tenant in tenants)
        return n_rows

    def _purge_responses(self, before_ms: int) -> int:
        with self.database.reading() as session:
            keys = session.query(
                "SELECT tenant, route, key FROM idempotency WHERE created_ms < ? AND lease_until_ms < ?"
                " ORDER BY tenant, route, key",
                (before_ms, before_ms),
            )
        return self._change_each(
            "DELETE FROM idempotency WHERE tenant = ? AND route = ? AND key = ? AND created_ms < ?"
            " AND lease_until_ms < ?",
            [(*key, before_ms, before_ms) for key in keys],
        )

    def _purge_operations(self, before_ms: int) -> int:
        """Forget what operations that ended were asked, and found: the record of them stays."""
        with self.database.reading() as session:
            names = session.query(
                "SELECT r.tenant, r.operation_id, r.name FROM results r JOIN operations o ON o.tenant = r.tenant"
                f" AND o.operation_id = r.operation_id WHERE {_OVER} AND o.updated_ms < ?",
                (before_ms,),
            )
        return self._change_each("DELETE FROM results WHERE tenant = ? AND operation_id = ? AND name = ?", names)

    def _purge_events(self, tenant: str, before_ms: int) -> int:
        n_rows = 0
        while True:
            with self.database.writing() as session:
                (last,) = session.query("SELECT last_event FROM tenants WHERE tenant = ?", (tenant,))[0]
                arrived = session.query("SELECT MIN(last_event) FROM webhooks WHERE tenant = ?", (tenant,))[0][0]
                upto = min(last - 1, last if arrived is None else arrived)  # the newest says how far numbers are
                page = session.query(
                    "SELECT event, at_ms FROM outbox WHERE tenant = ? AND event <= ? ORDER BY event LIMIT ?",
                    (tenant, upto, _AT_ONCE),
                )
                # only up to the first that is not old, so that what is left has no gaps
                old = list(takewhile(lambda row: row[1] < before_ms, page))
                if not old:
                    return n_rows
                last_old = old[-1][0]
                n_gone = session.change("DELETE FROM outbox WHERE tenant = ? AND event <= ?", (tenant, last_old))
                sql = "UPDATE tenants SET forgotten_events = forgotten_events + ? WHERE tenant = ?"
                session.change(sql, (n_gone, tenant))
                n_rows += n_gone

    def _change_each(self, sql: str, keys: list[Row]) -> int:
        n_rows = 0
        for first in range(0, len(keys), _AT_ONCE):
            with self.database.writing() as session:
                n_rows += sum(session.change(sql, key) for key in keys[first : first + _AT_ONCE])
        return n_rows
