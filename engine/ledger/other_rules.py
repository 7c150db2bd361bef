"""Rules of what stands beside stock: networks and their limits, operations, receivers of events."""

from __future__ import annotations

import orjson

from engine.ledger import tables
from engine.ledger.commands import CancelOperation, CreateOperation, DeleteWebhook, PutNetwork, PutWebhook
from engine.ledger.database import Row, Session
from engine.ledger.outcomes import (
    NetworkStored,
    OperationCancelled,
    OperationCreated,
    Refused,
    WebhookDeleted,
    WebhookStored,
)
from engine.ledger.records import Operation, Webhook
from engine.ledger.work import Work

REQUEST = "request"
"""The name under which an operation's request is kept among its results."""


def put_network(work: Work, command: PutNetwork) -> NetworkStored | Refused:
    """Store a network and put its limits in force."""
    row = work.tenant_row()
    current = row["network_version"]
    if command.if_match is not None and command.if_match != current:
        detail = f"network: version is {current}, expected {command.if_match}"
        return Refused(reason="stale_version", detail=detail, current_version=current)
    version = current + 1
    limits = {(one.node_id, one.service_id or ""): (one.shipments_per_day, one.units_per_day) for one in command.limits}
    tenant, now_ms = work.tenant, work.now_ms

    def write(session: Session) -> None:
        session.insert(tables.NETWORKS, [(tenant, version, command.document, now_ms)])
        session.change("DELETE FROM limits WHERE tenant = ?", (tenant,))
        session.insert(tables.LIMITS, [(tenant, *key, *limit) for key, limit in limits.items()])

    work.put_key(row, "network_version", version)
    work.put(work, "limits", limits)
    work.writes.append(write)
    work.emit("network.changed", "network", None, orjson.dumps({"version": version}))
    return NetworkStored(version=version)


def create_operation(work: Work, command: CreateOperation) -> OperationCreated | Refused:
    """Queue long work."""
    key = work.tenant, command.operation_id
    known = work.session.select(tables.OPERATIONS, tables.OPERATIONS.key, [key])
    if known or key in work.made:
        detail = f"operation {command.operation_id} exists, expected a new operation_id"
        return Refused(reason="exists", detail=detail)
    now_ms = work.now_ms
    row = (*key, command.kind, "QUEUED", 1, b"", None, None, 0, None, None, 0, now_ms, now_ms)
    work.put_key(work.made, key, row)
    work.writes.append(lambda session: session.insert(tables.OPERATIONS, [row]))
    # beside the row, which is written anew with each sign of life: a request can be megabytes long
    work.writes.append(lambda session: session.insert(tables.RESULTS, [(*key, REQUEST, command.request)]))
    return OperationCreated(operation=operation_of(row))


def cancel_operation(work: Work, command: CancelOperation) -> OperationCancelled | Refused:
    """Ask long work to end."""
    key = work.tenant, command.operation_id
    row = work.made.get(key)
    if row is None:
        found = work.session.select(tables.OPERATIONS, tables.OPERATIONS.key, [key], lock=True)
        if not found:
            return Refused(reason="not_found", detail=f"operation {command.operation_id} is unknown")
        row = found[0]
    state, version, asked = row[3], row[4], row[8]
    if state != "QUEUED" and (state != "RUNNING" or asked):
        return OperationCancelled(operation=operation_of(row))
    ended = "CANCELLED" if state == "QUEUED" else state
    now = (*row[:3], ended, version + 1, *row[5:8], 1, *row[9:13], work.now_ms)
    changed = (ended, version + 1, 1, work.now_ms, *key, version)
    columns = ("state", "version", "cancel_asked", "updated_ms")
    work.put_key(work.made, key, now)
    work.writes.append(lambda session: session.update(tables.OPERATIONS, columns, [changed], same=("version",)))
    return OperationCancelled(operation=operation_of(now))


def put_webhook(work: Work, command: PutWebhook) -> WebhookStored | Refused:
    """Register a receiver, or change it."""
    key = work.tenant, command.webhook_id
    row = _webhook(work, command.webhook_id)
    types = " ".join(command.event_types)
    if row is None:
        last_event = work.tenant_row()["last_event"]
        row = (*key, command.url, command.secret, types, last_event, 0, 0, None, 0, work.now_ms)
    else:
        row = (*key, command.url, command.secret, types, *row[5:])
    _write_webhook(work, key, row)
    return WebhookStored(webhook=webhook_of(row))


def delete_webhook(work: Work, command: DeleteWebhook) -> WebhookDeleted | Refused:
    """Forget a receiver."""
    if _webhook(work, command.webhook_id) is None:
        return Refused(reason="not_found", detail=f"webhook {command.webhook_id} is unknown")
    _write_webhook(work, (work.tenant, command.webhook_id), None)
    return WebhookDeleted(webhook_id=command.webhook_id)


def _webhook(work: Work, webhook_id: str) -> Row | None:
    key = work.tenant, webhook_id
    if key in work.made:
        return work.made[key]
    rows = work.session.select(tables.WEBHOOKS, tables.WEBHOOKS.key, [key], lock=True)
    return rows[0] if rows else None


def _write_webhook(work: Work, key: Row, row: Row | None) -> None:
    def write(session: Session) -> None:
        session.delete(tables.WEBHOOKS, [key])
        if row is not None:
            session.insert(tables.WEBHOOKS, [row])

    work.put_key(work.made, key, row)
    work.writes.append(write)


def operation_of(row: Row) -> Operation:
    """Return an operation from its row."""
    _, operation_id, kind, state, version, request, progress, problem, cancel_asked, owner = row[:10]
    lease_until_ms, attempts, created_ms, updated_ms = row[10:]
    return Operation(
        operation_id=operation_id,
        kind=kind,
        state=state,
        version=version,
        request=request,
        progress=progress,
        problem=problem,
        cancel_asked=bool(cancel_asked),
        owner=owner,
        lease_until_ms=lease_until_ms,
        attempts=attempts,
        created_at_ms=created_ms,
        updated_at_ms=updated_ms,
    )


def webhook_of(row: Row) -> Webhook:
    """Return a receiver from its row."""
    _, webhook_id, url, secret, types, last_event, failures, next_attempt_ms, _, _, created_ms = row
    return Webhook(
        webhook_id=webhook_id,
        url=url,
        secret=secret,
        event_types=tuple(types.split()),
        cursor=last_event,
        failures=failures,
        next_attempt_ms=next_attempt_ms,
        created_at_ms=created_ms,
    )
