"""Batches: many orders decided as a whole, as an operation."""

from __future__ import annotations

import secrets

from api.answers import Answer
from api.calls import Call, Spec
from api.examples import BATCH_BODY, OPERATION
from api.ledger_answers import json_response
from api.models.feeds import OperationReply
from api.models.orders import BatchBody
from api.order_faults import refuse_faults
from api.routes.operations import operation_document
from engine.ledger import Response
from engine.ledger.commands import CreateOperation
from engine.ledger.outcomes import OperationCreated


async def begin(call: Call) -> Answer:
    """Check a batch and queue it."""
    body: BatchBody = call.body
    await refuse_faults(call.service, call.tenant, body)
    operation_id = f"op-{secrets.token_hex(10)}"

    def write(outcome: OperationCreated) -> Response:
        place = f"/v1/operations/{operation_id}"
        return json_response(operation_document(outcome.operation), 202, Location=place, Retry_After="1")

    answer = await call.service.command(
        call, CreateOperation(operation_id=operation_id, kind="allocate", request=call.raw), write
    )
    call.service.jobs.look(operation_id, body)
    return answer


CALLS = (
    Spec(
        method="POST",
        path="/v1/allocations:batch",
        noun="allocations",
        summary="Allocate many orders as a whole: an operation.",
        description=(
            "Orders and lines are the tables of the sourcing model. Decisions are reserved in chunks; an order is "
            "reserved whole or not at all; one whose stock went meanwhile is decided once more."
        ),
        answer=begin,
        scope="allocate",
        body=BatchBody,
        size="large",
        answers={202: OperationReply},
        example=BATCH_BODY,
        answer_example=OPERATION,
        problems=(409,),
        replays=True,
    ),
)
