"""Simulations: what if, on the network and stock as they are; an operation that reserves nothing."""

from __future__ import annotations

import math
import secrets

from api.answers import Answer
from api.calls import Call, Spec
from api.examples import SIMULATION_BODY, SIMULATION_OPERATION
from api.ledger_answers import json_response
from api.models.feeds import OperationReply
from api.models.simulations import SimulationBody
from api.order_faults import refuse_faults
from api.problems import invalid
from api.routes.operations import operation_document
from engine.ledger import Response
from engine.ledger.commands import CreateOperation
from engine.ledger.outcomes import OperationCreated
from engine.scenario.edits import ScaleDemand


async def begin(call: Call) -> Answer:
    """Check a simulation and queue it."""
    body: SimulationBody = call.body
    await refuse_faults(call.service, call.tenant, body)
    _refuse_crowds(body, call.service.settings.limits.orders)
    operation_id = f"op-{secrets.token_hex(10)}"

    def write(outcome: OperationCreated) -> Response:
        place = f"/v1/operations/{operation_id}"
        return json_response(operation_document(outcome.operation), 202, Location=place, Retry_After="1")

    answer = await call.service.command(
        call, CreateOperation(operation_id=operation_id, kind="simulate", request=call.raw), write
    )
    call.service.jobs.look()
    return answer


def _refuse_crowds(body: SimulationBody, most: int) -> None:
    """Refuse a scenario that could make more orders than a batch may have, before it makes them."""
    for at, scenario in enumerate(body.scenarios):
        growth = math.prod(max(1.0, edit.pct / 100) for edit in scenario.edits if isinstance(edit, ScaleDemand))
        n_orders = math.ceil(len(body.orders) * min(growth, 1e9))
        if n_orders > most:
            detail = f"scenario {scenario.name} makes up to {n_orders} orders, expected up to {most}"
            raise invalid(detail, (f"/scenarios/{at}/edits", detail))


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
