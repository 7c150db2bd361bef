"""Operations, events, webhooks and the journal."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from api.models.common import Model, Reply, Text

BatchTable = Literal["shipments", "allocations", "unallocated", "prices", "refused"]
SimulationTable = Literal["costs", "figures", "certainty", "nodes", "moved", "orders"]
TableName = Literal["summary"] | BatchTable | SimulationTable


class ProgressReply(Reply):
    """Where an operation stands."""

    stage: str
    processed: int
    total: int
    objective_cents: int | None = None
    bound_cents: int | None = None
    gap: float | None = None


class OperationReply(Reply):
    """Long work."""

    operation_id: str
    kind: str
    state: Literal["QUEUED", "RUNNING", "DONE", "FAILED", "CANCELLED"]
    version: int
    cancel_asked: bool
    attempts: int
    progress: ProgressReply | None
    problem: dict[str, Any] | None
    created_at: str
    updated_at: str
    result: str | None


class OperationsReply(Reply):
    """The newest operations."""

    operations: list[OperationReply]


class ResultQuery(Model):
    """Which part of a result, in which form."""

    table: TableName | None = None
    format: Literal["json", "parquet"] = "json"


class ListQuery(Model):
    """How many."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class EventReply(Reply):
    """A CloudEvent."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: str
    data: dict[str, Any]


class EventsReply(Reply):
    """A page of events; go on with ``after=next``."""

    events: list[EventReply]
    next: int


class EntryReply(Reply):
    """A line of the journal: ``quantity`` units went from ``debit`` to ``credit``."""

    entry: int
    at: str
    kind: str
    debit: str
    credit: str
    node_id: str
    item: str
    day: str
    quantity: int
    order_id: str | None
    reservation_id: str | None
    reason_code: str | None
    reference: str | None


class EntriesReply(Reply):
    """A page of the journal; go on with ``after=next``."""

    entries: list[EntryReply]
    next: int


class WebhookBody(Model):
    """A receiver of events."""

    url: Annotated[str, Field(min_length=1, max_length=2000)]
    event_types: Annotated[list[Text], Field(max_length=100, default_factory=list)]


class WebhookReply(Reply):
    """A receiver; its secret is shown once, when it is registered."""

    webhook_id: str
    url: str
    event_types: list[str]
    cursor: int
    failures: int
    created_at: str
    secret: str | None = None


class WebhooksReply(Reply):
    """All receivers."""

    webhooks: list[WebhookReply]


class NetworkReply(Reply):
    """The version that a network got."""

    version: int
    nodes: int
    items: int
    services: int


class HealthReply(Reply):
    """How the service is."""

    status: str
