"""Operations: long work that lives in the database, owned by whoever renews its lease."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.ledger import tables
from engine.ledger.database import Database, Session
from engine.ledger.other_rules import REQUEST, operation_of
from engine.ledger.records import Operation, OperationState

_ALL = ", ".join(tables.OPERATIONS.columns)
_FREE = "(state = 'QUEUED' OR (state = 'RUNNING' AND lease_until_ms <= ?))"
_OURS = "tenant = ? AND operation_id = ? AND owner = ? AND state = 'RUNNING'"


class Operations:
    """The part of a ledger that keeps long work."""

    database: Database

    def operation(self, tenant: str, operation_id: str) -> Operation | None:
        """Return an operation, without its result."""
        with self.database.reading() as session:
            return self._read(session, tenant, operation_id)

    def operations(self, tenant: str, *, limit: int = 100) -> list[Operation]:
        """Return the newest operations."""
        sql = f"SELECT {_ALL} FROM operations WHERE tenant = ? ORDER BY created_ms DESC, operation_id LIMIT ?"
        with self.database.reading() as session:
            return [operation_of(row) for row in session.query(sql, (tenant, limit))]

    def stale_operations(self) -> list[tuple[str, Operation]]:
        """Return the RUNNING operations whose lease is over, with their tenants."""
        sql = (
            f"SELECT {_ALL} FROM operations WHERE state = 'RUNNING' AND lease_until_ms <= {self.database.now_sql}"
            " ORDER BY created_ms"
        )
        with self.database.reading() as session:
            return [(row[0], operation_of(row)) for row in session.query(sql)]

    def claim_operation(
        self, owner: str, *, lease_ms: int, tenant: str | None = None, operation_id: str | None = None
    ) -> tuple[str, Operation] | None:
        """Take the oldest operation that is QUEUED, or RUNNING with a lease that is over."""
        with self.database.writing() as session:
            now_ms = self._instant(session)
            conditions, values = [_FREE], [now_ms]
            for column, value in (("tenant", tenant), ("operation_id", operation_id)):
                if value is not None:
                    conditions.append(f"{column} = ?")
                    values.append(value)  # type: ignore[arg-type]
            where = " AND ".join(conditions)
            sql = f"SELECT tenant, operation_id FROM operations WHERE state IN ('QUEUED', 'RUNNING') AND {where}"
            for key in session.query(f"{sql} ORDER BY created_ms, operation_id LIMIT 20", values):
                taken = session.change(
                    "UPDATE operations SET state = 'RUNNING', owner = ?, lease_until_ms = ?, attempts = attempts + 1,"
                    f" version = version + 1, updated_ms = ? WHERE tenant = ? AND operation_id = ? AND {_FREE}",
                    (owner, now_ms + lease_ms, now_ms, *key, now_ms),
                )
                operation = self._read(session, *key) if taken else None
                if operation is not None:
                    return key[0], self._with_request(session, key[0], operation)
        return None

    def _with_request(self, session: Session, tenant: str, operation: Operation) -> Operation:
        rows = session.select(tables.RESULTS, tables.RESULTS.key, [(tenant, operation.operation_id, REQUEST)])
        return replace(operation, request=bytes(rows[0][3])) if rows else operation  # older ones have it in the row

    def progress_operation(
        self, tenant: str, operation_id: str, owner: str, *, lease_ms: int, progress: bytes | None = None
    ) -> Operation | None:
        """Renew the lease and tell progress; None when it is not ours any more."""
        with self.database.writing() as session:
            now_ms = self._instant(session)
            changed = session.change(
                "UPDATE operations SET lease_until_ms = ?, progress = coalesce(?, progress), version = version + 1,"
                f" updated_ms = ? WHERE {_OURS}",
                (now_ms + lease_ms, progress, now_ms, tenant, operation_id, owner),
            )
            return self._read(session, tenant, operation_id) if changed else None

    def finish_operation(
        self,
        tenant: str,
        operation_id: str,
        owner: str,
        *,
        state: OperationState,
        results: Mapping[str, bytes] | None = None,
        problem: bytes | None = None,
    ) -> bool:
        """End an operation that is ours, with named results; False when it is not ours."""
        if state not in ("DONE", "FAILED", "CANCELLED"):
            raise ValueError(f"state is {state}, expected DONE, FAILED or CANCELLED")
        with self.database.writing() as session:
            now_ms = self._instant(session)
            changed = session.change(
                "UPDATE operations SET state = ?, problem = ?, lease_until_ms = NULL, version = version + 1,"
                f" updated_ms = ? WHERE {_OURS}",
                (state, problem, now_ms, tenant, operation_id, owner),
            )
            if changed:
                if REQUEST in (results or {}):
                    raise ValueError(f"a result is named {REQUEST}, expected another name")
                rows = [(tenant, operation_id, name, data) for name, data in (results or {}).items()]
                session.insert(tables.RESULTS, rows)
            return changed > 0

    def operation_result(self, tenant: str, operation_id: str, name: str) -> bytes | None:
        """Return one named result."""
        with self.database.reading() as session:
            rows = session.select(tables.RESULTS, tables.RESULTS.key, [(tenant, operation_id, name)])
        return bytes(rows[0][3]) if rows else None

    def _instant(self, session: Session) -> int:
        return int(session.query(f"SELECT {self.database.now_sql}")[0][0])

    def _read(self, session: Session, tenant: str, operation_id: str) -> Operation | None:
        rows: list[Any] = session.select(tables.OPERATIONS, tables.OPERATIONS.key, [(tenant, operation_id)])
        return operation_of(rows[0]) if rows else None
