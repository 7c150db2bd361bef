"""Plans: batches solved to be looked at, as operations; nothing is reserved."""

from __future__ import annotations

import asyncio
import secrets

from api.answers import Answer
from api.calls import Call, Spec
from api.examples import OPERATION
from api.examples_plans import PLAN_BODY
from api.ledger_answers import json_response
from api.models.feeds import OperationReply
from api.models.plans import PlanBody, PlanOptions
from api.packing import ZIP, read_packed
from api.plans import KIND, PlanRequest, edited, generated, request_of
from api.problems import invalid, not_found
from api.routes.operations import operation_document
from engine.batch import Batch
from engine.documents import parse_batch
from engine.ledger import Response
from engine.ledger.commands import CreateOperation
from engine.ledger.outcomes import OperationCreated

_LONGEST_NAME = 128


async def begin(call: Call) -> Answer:
    """Check what is to be solved, and queue it."""
    body: PlanBody = call.body
    if body.generate is not None and body.scenario is None:
        wanted = body.generate
        name = f"{wanted.load}, {wanted.orders:,} orders, {wanted.nodes:,} nodes"
        return await _queue(call, request_of(body, name, generate=wanted.model_dump()), None)
    name, batch = await _given(call, body)
    changed = await asyncio.to_thread(edited, batch, body.scenario)
    if body.scenario is not None:
        name = str(body.scenario.get("name") or f"{name}, edited")[:_LONGEST_NAME]
    return await _queue(call, request_of(body, name, base=body.base, scenario=body.scenario), changed)


async def _given(call: Call, body: PlanBody) -> tuple[str, Batch]:
    """The batch that edits are made to, and what to call it."""
    if body.generate is not None:
        return "generated batch", await asyncio.to_thread(generated, body.generate)
    if body.batch is not None:
        return "uploaded batch", await asyncio.to_thread(parse_batch, dict(body.batch))
    assert body.base is not None
    view = await call.service.read(call.service.views.view, call.tenant, body.base)
    if view is None:
        raise not_found(f"the result of the operation {body.base!r}")
    return "the same batch", view.batch


async def begin_packed(call: Call) -> Answer:
    """Check a batch that came as a ZIP, and queue it."""
    options: PlanOptions = call.query
    batch = await asyncio.to_thread(read_packed, call.raw)
    return await _queue(call, request_of(options, "uploaded batch"), batch)


async def _queue(call: Call, request: PlanRequest, batch: Batch | None) -> Answer:
    limit = call.service.settings.limits.orders
    if batch is not None and not 1 <= batch["orders"].num_rows <= limit:
        raise invalid(f"there are {batch['orders'].num_rows} orders, expected 1 to {limit}")
    operation_id = f"op-{secrets.token_hex(10)}"

    def write(outcome: OperationCreated) -> Response:
        place = f"/v1/operations/{operation_id}"
        return json_response(operation_document(outcome.operation), 202, Location=place, Retry_After="1")

    raw = await asyncio.to_thread(request.to_bytes, batch)
    command = CreateOperation(operation_id=operation_id, kind=KIND, request=raw)
    answer = await call.service.command(call, command, write)
    call.service.jobs.look()
    return answer


_DESCRIPTION = (
    "A plan is solved on its own batch, not on the ledger, and reserves nothing. The batch is generated, given whole, "
    "or taken from another operation, with the edits of a scenario. Its result can be looked at for a day."
)
CALLS = (
    Spec(
        method="POST",
        path="/v1/plans",
        noun="plans",
        summary="Solve a batch to look at it: an operation.",
        description=_DESCRIPTION,
        answer=begin,
        scope="simulate",
        body=PlanBody,
        size="large",
        answers={202: OperationReply},
        example=PLAN_BODY,
        answer_example={**OPERATION, "kind": KIND},
        problems=(404, 409),
        replays=True,
    ),
    Spec(
        method="POST",
        path="/v1/plans:import",
        noun="plans",
        summary="The same with a batch as a ZIP: its folder of tables, or one JSON document.",
        description=_DESCRIPTION,
        answer=begin_packed,
        scope="simulate",
        query=PlanOptions,
        takes=(ZIP,),
        size="large",
        answers={202: OperationReply},
        example={ZIP: "a ZIP file"},
        answer_example={**OPERATION, "kind": KIND},
        problems=(409,),
        replays=True,
    ),
)
