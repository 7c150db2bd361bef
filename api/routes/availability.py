"""What is there, and what can be promised of it."""

from __future__ import annotations

import dataclasses
from typing import Any

from api.answers import Answer, json_answer
from api.calls import Call, Spec
from api.examples import AVAILABILITY
from api.models.inventory import AvailabilityBody, AvailabilityReply


async def query(call: Call) -> Answer:
    """Look up skus at nodes."""
    body: AvailabilityBody = call.body
    found = await call.service.read(
        call.service.ledger.availability,
        call.tenant,
        skus=body.skus,
        node_ids=body.node_ids,
        by=body.by,
    )
    rows: list[dict[str, Any]] = []
    for row in found:
        document = dataclasses.asdict(row)
        document["incoming"] = [{"available_on": day, "on_hand": units} for day, units in row.incoming]
        rows.append(document)
    return json_answer({"availability": rows})


CALLS = (
    Spec(
        method="POST",
        path="/v1/availability:query",
        noun="availability",
        summary="On hand, reserved, kept back, incoming and available to promise, by node and sku.",
        answer=query,
        scope="read",
        body=AvailabilityBody,
        answers={200: AvailabilityReply},
        example={"skus": ["mug"], "node_ids": ["east"]},
        answer_example=AVAILABILITY,
    ),
)
