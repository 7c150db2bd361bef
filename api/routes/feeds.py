"""Events and the journal, page by page."""

from __future__ import annotations

import dataclasses

from api.answers import Answer, json_answer
from api.calls import Call, Spec
from api.cloud_events import cloud_event
from api.examples import ENTRY, EVENT
from api.ledger_answers import instant
from api.models.common import Page
from api.models.feeds import EntriesReply, EventsReply


async def read_events(call: Call) -> Answer:
    """Return events after one."""
    query: Page = call.query
    found = await call.service.read(call.service.ledger.events, call.tenant, after=query.after, limit=query.limit)
    events = [cloud_event(call.tenant, event) for event in found]
    return json_answer({"events": events, "next": found[-1].event if found else query.after})


async def read_entries(call: Call) -> Answer:
    """Return entries of the journal after one."""
    query: Page = call.query
    found = await call.service.read(call.service.ledger.entries, call.tenant, after=query.after, limit=query.limit)
    entries = []
    for entry in found:
        document = dataclasses.asdict(entry)
        document["at"] = instant(document.pop("at_ms"))
        entries.append(document)
    return json_answer({"entries": entries, "next": found[-1].entry if found else query.after})


CALLS = (
    Spec(
        method="GET",
        path="/v1/events",
        noun="events",
        summary="CloudEvents after one, oldest first.",
        answer=read_events,
        scope="read",
        query=Page,
        answers={200: EventsReply},
        answer_example={"events": [EVENT], "next": 1},
    ),
    Spec(
        method="GET",
        path="/v1/ledger/entries",
        noun="ledger",
        summary="The journal after an entry, oldest first.",
        answer=read_entries,
        scope="read",
        query=Page,
        answers={200: EntriesReply},
        answer_example={"entries": [ENTRY], "next": 1},
    ),
)
