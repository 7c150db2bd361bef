"""Batches: many orders decided as a whole, as an operation."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from api.answers import Answer
from api.calls import Call, Spec
from api.examples import BATCH_BODY, OPERATION
from api.ledger_answers import json_response
from api.models.feeds import OperationReply
from api.models.orders import BatchBody
from api.problems import invalid
from api.routes.operations import operation_document
from engine.ledger import Response
from engine.ledger.commands import CreateOperation
from engine.ledger.outcomes import OperationCreated

_LISTED = 100


async def begin(call: Call) -> Answer:
    """Check a batch and queue it."""
    body: BatchBody = call.body
    limits = call.service.settings.limits
    if len(body.orders) > limits.orders:
        raise invalid(f"there are {len(body.orders)} orders, expected up to {limits.orders}")
    desk = await call.service.desk(call.tenant)
    errors = list(_faults(body, desk.network.node_ids, desk.snapshot.knows_sku, limits.lines))
    if errors:
        raise invalid(f"{len(errors)} faults, or more" if len(errors) == _LISTED else errors[0][1], *errors)
    operation_id = f"op-{secrets.token_hex(10)}"

    def write(outcome: OperationCreated) -> Response:
        place = f"/v1/operations/{operation_id}"
        return json_response(operation_document(outcome.operation), 202, Location=place, Retry_After="1")

    answer = await call.service.command(
        call, CreateOperation(operation_id=operation_id, kind="allocate", request=call.raw), write
    )
    call.service.jobs.look(operation_id, body)
    return answer


def _faults(body: BatchBody, nodes: frozenset[str], knows_sku: object, max_lines: int) -> Iterable[tuple[str, str]]:
    """What only the batch as a whole, or the network, can tell: the first hundred of them."""
    assert callable(knows_sku)
    n_listed = 0
    n_lines: dict[str, int] = {}
    for at, order in enumerate(body.orders):
        if order.order_id in n_lines:
            yield f"/orders/{at}/order_id", f"{order.order_id!r} is given twice"
            n_listed += 1
        n_lines[order.order_id] = 0
        for name in ("only_nodes", "not_nodes"):
            for word in getattr(order, name).split():
                if word not in nodes:
                    yield f"/orders/{at}/{name}", f"the network has no node {word[:80]!r}"
                    n_listed += 1
        if n_listed >= _LISTED:
            return
    known: dict[str, bool] = {}
    seen: set[tuple[str, str]] = set()
    for at, line in enumerate(body.lines):
        key = (line.order_id, line.line_id)
        if line.sku not in known:
            known[line.sku] = knows_sku(line.sku)
        wrong = None
        if line.order_id not in n_lines:
            wrong = "order_id", f"the batch has no order {line.order_id!r}"
        elif key in seen:
            wrong = "line_id", f"{line.line_id!r} of order {line.order_id!r} is given twice"
        elif not known[line.sku]:
            wrong = "sku", f"the network has no item {line.sku!r}"
        else:
            n_lines[line.order_id] += 1
            if n_lines[line.order_id] == max_lines + 1:
                wrong = "order_id", f"the order {line.order_id!r} has more than {max_lines} lines"
        seen.add(key)
        if wrong is not None:
            yield f"/lines/{at}/{wrong[0]}", wrong[1]
            n_listed += 1
            if n_listed >= _LISTED:
                return


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
