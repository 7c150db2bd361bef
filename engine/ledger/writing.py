"""Writing: many requests in one transaction, each undone alone when refused, all started again after a conflict."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from engine.ledger import commands as c
from engine.ledger.applying import apply, find_fault, meet, read_ahead
from engine.ledger.base import Idempotency, LedgerUnavailable, Reply, Request, Response
from engine.ledger.database import Conflict, Database, Poison, Session
from engine.ledger.known import Known
from engine.ledger.outcomes import Outcome, Refused, StockImported
from engine.ledger.records import Delta
from engine.ledger.release_rules import expire_due
from engine.ledger.work import Limits, Work

MAX_ATTEMPTS = 40
MAX_IMPORT_DELTAS = 100_000
T = TypeVar("T")


class Writing:
    """The part of a ledger that changes stock, capacity and reservations."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._limits: dict[str, tuple[int, Limits]] = {}

    def write(self, requests: Sequence[Request]) -> list[Reply]:
        """Do requests in order in one transaction, durable on return; a refused one undoes only itself."""
        return self._write(requests, tell_deltas=True)

    def _write(self, requests: Sequence[Request], *, tell_deltas: bool) -> list[Reply]:
        if not requests:
            return []
        for request in requests:
            if isinstance(request.command, c.ReserveMany) and (request.respond or request.idempotency):
                raise ValueError("ReserveMany with respond or idempotency, expected neither: it cannot be undone")
        try:
            return self._again(lambda: self._attempt(requests, tell_deltas))
        except Poison as error:
            if len(requests) > 1:  # one spoils the transaction of all: each gets its own
                return [reply for request in requests for reply in self.write([request])]
            refused = Refused(reason="invalid", detail=f"a value cannot be stored ({error})")
            return [_answered(requests[0], Reply(outcome=refused))]

    def import_stock(self, request: Request, *, chunk_rows: int = 4000) -> Reply:
        """Do an `ImportStock` in many short transactions."""
        command, tenant, respond = request.command, request.tenant, request.respond
        assert isinstance(command, c.ImportStock)
        if request.idempotency is not None:
            known = self.begin_request(tenant, request.idempotency)
            if known is not None:
                return _answered(request, known)
        fault = find_fault(command)
        if fault is not None or command.rows.num_rows <= chunk_rows:
            return self.write([request])[0]
        rows = _last_of_each(command.rows)
        parts: list[Outcome | None] = []
        deltas: list[Delta] = []
        n_deltas = 0

        def respond_to_all(outcome: Outcome) -> Response:
            assert respond is not None
            return respond(_total([*parts, outcome]))

        for start in range(0, rows.num_rows, chunk_rows):
            part = dataclasses.replace(command, rows=rows.slice(start, chunk_rows))
            is_last = start + chunk_rows >= rows.num_rows
            one = Request(tenant=tenant, command=part)
            if is_last:
                one = dataclasses.replace(request, command=part, respond=respond_to_all if respond else None)
            (reply,) = self._write([one], tell_deltas=n_deltas <= MAX_IMPORT_DELTAS)
            if is_last and not isinstance(reply.outcome, StockImported):
                return reply  # somebody else has answered meanwhile
            parts.append(reply.outcome)
            n_deltas += len(reply.deltas)
            if n_deltas <= MAX_IMPORT_DELTAS:
                deltas += reply.deltas
        kept = tuple(deltas) if n_deltas <= MAX_IMPORT_DELTAS else ()
        return dataclasses.replace(reply, outcome=_total(parts), deltas=kept)

    def begin_request(self, tenant: str, idempotency: Idempotency, *, lease_ms: int = 60_000) -> Reply | None:
        """Mark a key as in flight, before work that ends in `write`."""

        def attempt() -> Reply | None:
            with self.database.writing() as session:
                known = Known(session, self._now(session))
                known.load({(tenant, idempotency.route, idempotency.key)})
                reply = known.answer(tenant, idempotency)
                if reply is None:
                    known.hold(tenant, idempotency, lease_ms)
                    known.flush()
                return reply

        return self._again(attempt)

    def abandon_request(self, tenant: str, idempotency: Idempotency) -> None:
        """Take our marker away."""
        key = tenant, idempotency.route, idempotency.key, idempotency.owner
        with self.database.writing() as session:
            session.change(
                "DELETE FROM idempotency WHERE tenant = ? AND route = ? AND key = ? AND owner = ? AND status IS NULL",
                key,
            )

    def sweep(self, *, limit: int = 1000) -> int:
        """Free holds whose time is over, of all tenants."""

        def attempt() -> int:
            with self.database.writing() as session:
                now_ms = self._now(session)
                rows = session.query(
                    "SELECT tenant FROM reservations WHERE state = 'HELD' AND expires_ms IS NOT NULL"
                    " AND expires_ms <= ? ORDER BY expires_ms LIMIT ?",
                    (now_ms, limit),
                )
                n_freed = 0
                for tenant in sorted({row[0] for row in rows}):
                    work = Work(session, tenant, now_ms)
                    n_freed += expire_due(work, limit)
                    work.flush()
                return n_freed

        return self._again(attempt)

    def _attempt(self, requests: Sequence[Request], tell_deltas: bool) -> list[Reply]:
        with self.database.writing() as session:
            tenants = sorted({request.tenant for request in requests})
            now_ms, version = self._now_and_network(session, tenants[0])
            known = Known(session, now_ms)
            known.load({_key(request) for request in requests if request.idempotency is not None})
            works: dict[str, Work] = {}
            for tenant in tenants:
                works[tenant] = Work(session, tenant, now_ms)
                works[tenant].is_sole = len(requests) == 1
                commands = [request.command for request in requests if request.tenant == tenant]
                if any(isinstance(command, c.Reserve | c.ReserveMany) for command in commands):
                    known_version = version if tenant == tenants[0] else self._now_and_network(session, tenant)[1]
                    works[tenant].limits = self._read_limits(session, tenant, known_version)
                read_ahead(works[tenant], commands)
            replies = []
            ranges = []
            for request in requests:
                work = works[request.tenant]
                start = work.n_entries
                replies.append(_do(work, known, request))
                ranges.append((start, work.n_entries))
            for work in works.values():
                work.flush()
            known.flush()
        return [
            Reply(
                outcome=reply.outcome,
                response=reply.response,
                error=reply.error,
                deltas=works[request.tenant].deltas(start, stop),
            )
            if stop > start and tell_deltas
            else reply
            for request, reply, (start, stop) in zip(requests, replies, ranges)
        ]

    def _read_limits(self, session: Session, tenant: str, version: int) -> Limits:
        kept = self._limits.get(tenant)
        if kept is None or kept[0] != version:
            sql = "SELECT node_id, service_id, shipments, units FROM limits WHERE tenant = ?"
            limits = {(row[0], row[1]): (row[2], row[3]) for row in session.query(sql, (tenant,))}
            kept = self._limits[tenant] = (version, limits)
        return kept[1]

    def _now_and_network(self, session: Session, tenant: str) -> tuple[int, int]:
        """Return the database's clock and the version of a tenant's network, in one look."""
        sql = f"SELECT {self.database.now_sql}, (SELECT network_version FROM tenants WHERE tenant = ?)"
        now_ms, version = session.query(sql, (tenant,))[0]
        return int(now_ms), version or 0

    def _now(self, session: Session) -> int:
        return int(session.query(f"SELECT {self.database.now_sql}")[0][0])

    def _again(self, attempt: Callable[[], T]) -> T:
        """Try until no other transaction comes in between."""
        for number in range(MAX_ATTEMPTS):
            try:
                return attempt()
            except Conflict as error:
                conflict = error
                time.sleep(min(0.05, 0.001 * number))
        raise LedgerUnavailable(f"{MAX_ATTEMPTS} attempts met other transactions, the last: {conflict}") from conflict


def _do(work: Work, known: Known, request: Request) -> Reply:
    """Do one request inside the transaction."""
    key = request.idempotency
    if key is not None:
        reply = known.answer(request.tenant, key)
        if reply is not None:
            return _answered(request, reply)
    meet(work, request.command)
    work.mark()
    outcome = apply(work, request.command)
    reply = _answered(request, Reply(outcome=outcome))
    if reply.error is not None or (reply.response is not None and reply.response.status >= 500):
        work.undo()
    elif key is not None and reply.response is not None:
        known.store(request.tenant, key, reply.response)
    return reply


def _answered(request: Request, reply: Reply) -> Reply:
    """Add the response that the request wants made from the outcome."""
    if request.respond is None or reply.outcome is None:
        return reply
    try:
        return Reply(outcome=reply.outcome, response=request.respond(reply.outcome))
    except Exception as error:
        return Reply(outcome=None, error=error)


def _key(request: Request) -> tuple[str, str, str]:
    assert request.idempotency is not None
    return request.tenant, request.idempotency.route, request.idempotency.key


def _last_of_each(rows: pa.Table) -> pa.Table:
    """Sort counts by key and keep the last of each."""
    # by sku first: the rows of a part are then neighbours in the index by sku, and nearly so in the table itself
    names = [name for name in ("sku", "node_id", "available_on") if name in rows.column_names]
    rows = rows.take(pc.sort_indices(rows, [(name, "ascending") for name in names])).combine_chunks()
    if rows.num_rows < 2:
        return rows
    same = None
    for name in names:
        column = rows.column(name).cast(pa.string())
        column = column.fill_null("")
        equal = pc.equal(column.slice(0, rows.num_rows - 1), column.slice(1))
        same = equal if same is None else pc.and_(same, equal)
    keep = pa.chunked_array([*pc.invert(same).chunks, pa.array([True])])
    return rows.filter(keep)


def _total(outcomes: Sequence[Outcome | None]) -> Outcome:
    """Add the parts of an import up; a refusal stands for all."""
    parts = []
    for outcome in outcomes:
        if not isinstance(outcome, StockImported):
            assert outcome is not None
            return outcome
        parts.append(outcome)
    return StockImported(
        rows=sum(part.rows for part in parts),
        changed=sum(part.changed for part in parts),
        skipped=sum(part.skipped for part in parts),
        shortages=tuple(shortage for part in parts for shortage in part.shortages),
    )
