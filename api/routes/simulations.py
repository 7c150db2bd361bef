"""Simulations: what if, on the network and stock as they are; an operation that reserves nothing."""

from __future__ import annotations

import secrets

from api.answers import Answer
from api.calls import Call, Spec
from api.examples import SIMULATION_BODY, SIMULATION_OPERATION
from api.ledger_answers import json_response
from api.models.feeds import OperationReply
from api.models.simulations import SimulationBody
from api.order_faults import refuse_faults
from api.routes.operations import operation_document
from engine.ledger import Response
from engine.ledger.commands import CreateOperation
from engine.ledger.outcomes import OperationCreated


async def begin(call: Call) -> Answer:
    """Check a simulation and queue it."""
    body: SimulationBody = call.body
    await refuse_faults(call.service, call.tenant, body)
    operation_id = f"op-{secrets.token_hex(10)}"

    def write(outcome: OperationCreated) -> Response:
        place = f"/v1/operations/{operation_id}"
        return json_response(operation_document(outcome.operation), 202, Location=place, Retry_After="1")

    answer = await call.service.command(
        call, CreateOperation(operation_id=operation_id, kind="simulate", request=call.raw), write
    )
    call.service.jobs.look()
    return answer


CALLS = (
    Spec(
        method="POST",
        path="/v1/simulations",
        noun="simulations",
        summary="Compare scenarios on the current network and stock: an operation that reserves nothing.",
        description=(
            "Each scenario is a list of edits of the batch that the orders make with the network, the stock and the "
            "capacity used as they are now. The batch as it is (base) and what each scenario makes of it are solved "
            "one after the other, and compared. An edit that names what there is not fails the operation, and says "
            "which. The result has the tables costs, figures, certainty, nodes, moved and orders; every difference "
            "is against base."
        ),
        answer=begin,
        scope="simulate",
        body=SimulationBody,
        size="large",
        answers={202: OperationReply},
        example=SIMULATION_BODY,
        answer_example=SIMULATION_OPERATION,
        problems=(409,),
        replays=True,
    ),
)
