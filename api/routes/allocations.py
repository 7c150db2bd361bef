"""Orders: allocated now, looked at, explained, rejected, cancelled."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any
from urllib.parse import quote

from api.answers import Answer, etag, json_answer
from api.calls import Call, Spec
from api.examples import ALLOCATION, ALLOCATION_BODY, EXPLANATION, REJECT_BODY
from api.ledger_answers import TRY_AGAIN, answer_of, json_response, refusal, reservation_name
from api.models.orders import AllocationBody, AllocationReply, CancelledReply, ExplanationReply, RejectBody
from api.models.reservations import NothingBody
from api.order_documents import Kept, allocation_document, kept_allocation, live_reservations, order_of, positions_of
from api.problems import not_found
from api.sourcing import Sourcing
from api.writer import Decide
from engine.ledger import Idempotency, Request, Response
from engine.ledger.commands import CancelOrder, Reserve
from engine.ledger.outcomes import OrderCancelled, Outcome, Refused
from engine.live import Decision, Order, decide, explain


async def allocate(call: Call) -> Answer:
    """Decide one order and reserve what it takes."""
    body: AllocationBody = call.body
    service = call.service
    started = time.perf_counter()
    order = order_of(body.order)
    desk = await service.desk(call.tenant)
    if not body.commit:
        found = await service.reader.look(lambda: decide(desk.snapshot, [order], prices=desk.fresh_prices())[0])
        shown = allocation_document(found.to_document(), state="OPEN", version=0, reservations=[], committed=False)
        return json_answer(shown)
    known = service.idempotency(call)
    hold = body.hold_seconds or service.settings.hold_seconds
    with service.flight(call.tenant, known):
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        item = Decide(
            tenant=call.tenant,
            order=order,
            reserve=_Reserving(call.tenant, order, known, confirmed=body.confirmed, hold_seconds=hold),
            attempts=service.settings.attempts,
            future=future,
        )
        service.writer.submit(item)
        decision, reply = await future
    service.metrics.allocation_seconds.observe(time.perf_counter() - started)
    outcome = "replayed" if reply.replayed else "refused" if isinstance(reply.outcome, Refused) else _result(decision)
    service.metrics.allocations.labels(outcome).inc()
    return answer_of(reply)


def _result(decision: Decision) -> str:
    return "complete" if decision.complete else "partial" if decision.shipments else "unallocated"


class _Reserving:
    """Makes the ledger's request for a decision on a new order."""

    def __init__(
        self, tenant: str, order: Order, known: Idempotency | None, *, confirmed: bool, hold_seconds: int
    ) -> None:
        self._tenant = tenant
        self._order = order
        self._known = known
        self._confirmed = confirmed
        self._ttl_ms = None if confirmed else 1000 * hold_seconds

    def __call__(self, decision: Decision, final: bool) -> Request:
        kept = Kept(order=self._order, decision=decision, barred={})
        document = decision.to_document()

        def respond(outcome: Outcome) -> Response:
            if isinstance(outcome, Refused):
                return _refused(outcome, final)
            shown = allocation_document(
                document,
                state="OPEN",
                version=outcome.order_version,  # type: ignore[union-attr]
                reservations=[reservation_name(outcome.reservation)],  # type: ignore[union-attr]
            )
            version = outcome.order_version  # type: ignore[union-attr]
            return json_response(
                shown, 201, ETag=f'"{version}"', Location=f"/v1/allocations/{quote(self._order.order_id, safe='')}"
            )

        command = Reserve(
            reservation_id=f"r-{secrets.token_hex(10)}",
            order_id=self._order.order_id,
            positions=positions_of(decision),
            confirmed=self._confirmed,
            ttl_ms=self._ttl_ms,
            document=kept.to_bytes(),
        )
        return Request(tenant=self._tenant, command=command, idempotency=self._known, respond=respond)


def _refused(outcome: Refused, final: bool) -> Response:
    if not final and outcome.reason in ("insufficient_stock", "insufficient_capacity"):
        return TRY_AGAIN
    answer = refusal(outcome).answer()
    return Response(status=answer.status, body=answer.body, headers=dict(answer.headers))


async def read_allocation(call: Call) -> Answer:
    """Return how an order is served."""
    record = await call.service.read(call.service.ledger.order, call.tenant, call.path["order_id"])
    if record is None:
        raise not_found(f"the order {call.path['order_id']!r}")
    return json_answer(kept_allocation(record), headers=(etag(record.version),))


async def explain_allocation(call: Call) -> Answer:
    """Return why an order is served as it is."""
    service = call.service
    desk = await service.desk(call.tenant)
    record = await service.read(service.ledger.order, call.tenant, call.path["order_id"])
    if record is None or record.document is None:
        raise not_found(f"a decision on the order {call.path['order_id']!r}")
    kept = Kept.from_bytes(record.document)
    taken = record.state == "OPEN" and bool(live_reservations(record.reservations))
    found = await service.reader.look(
        lambda: explain(desk.snapshot, kept.order, kept.decision, prices=desk.fresh_prices(), taken=taken)
    )
    return json_answer(found.to_document(), headers=(etag(record.version),))


async def reject(call: Call) -> Answer:
    """Take lines away from a node that cannot ship them, and source them elsewhere."""
    body: RejectBody = call.body
    known = call.service.idempotency(call)
    with call.service.flight(call.tenant, known):
        return await Sourcing(call.service, call.tenant).reject(
            call.path["order_id"],
            node_id=body.node_id,
            line_ids=body.line_ids,
            found={found.sku: found.on_hand for found in body.found},
            hold_seconds=body.hold_seconds,
            if_match=call.if_match(),
            known=known,
        )


async def cancel(call: Call) -> Answer:
    """Release all that an order holds."""
    order_id = call.path["order_id"]

    def write(outcome: OrderCancelled) -> Response:
        document = {
            "order_id": outcome.order_id,
            "state": outcome.state,
            "version": outcome.order_version,
            "released": list(outcome.released),
            "changed": outcome.changed,
        }
        return json_response(document, ETag=f'"{outcome.order_version}"')

    record = await call.service.read(call.service.ledger.order, call.tenant, order_id)
    if record is None:
        raise not_found(f"the order {order_id!r}")
    return await call.service.command(call, CancelOrder(order_id=order_id, if_match=call.if_match()), write)


CALLS = (
    Spec(
        method="POST",
        path="/v1/allocations",
        noun="allocations",
        summary="Allocate one order now, and reserve stock and capacity for it.",
        description=(
            "The order gets its best option on what is left, at the prices of the last batch while they are fresh. "
            "What cannot be served is listed in `unallocated` with a reason: that is a result, not an error. "
            "With `commit: false` nothing is reserved."
        ),
        answer=allocate,
        scope="allocate",
        body=AllocationBody,
        answers={201: AllocationReply, 200: AllocationReply},
        example=ALLOCATION_BODY,
        answer_example=ALLOCATION,
        replays=True,
    ),
    Spec(
        method="GET",
        path="/v1/allocations/{order_id}",
        noun="allocations",
        summary="How an order is served.",
        answer=read_allocation,
        scope="read",
        answers={200: AllocationReply},
        answer_example=ALLOCATION,
        problems=(404,),
    ),
    Spec(
        method="GET",
        path="/v1/allocations/{order_id}/explanation",
        noun="allocations",
        summary="Why an order is served as it is: terms, prices, rival nodes and what blocks them.",
        answer=explain_allocation,
        scope="read",
        answers={200: ExplanationReply},
        answer_example=EXPLANATION,
        problems=(404, 409),
    ),
    Spec(
        method="POST",
        path="/v1/allocations/{order_id}:reject",
        noun="allocations",
        summary="A node cannot ship lines of an order: record what was found, and source them elsewhere.",
        description=(
            "The node serves these lines no more. Other lines stay where they are unless moving them makes the whole "
            "order cheaper; shipments that have left stay."
        ),
        answer=reject,
        scope="allocate",
        body=RejectBody,
        answers={200: AllocationReply},
        example=REJECT_BODY,
        answer_example=ALLOCATION,
        problems=(404, 409),
        replays=True,
        if_match="optional",
    ),
    Spec(
        method="POST",
        path="/v1/allocations/{order_id}:cancel",
        noun="allocations",
        summary="Cancel an order: all that it holds is released.",
        answer=cancel,
        scope="allocate",
        body=NothingBody,
        answers={200: CancelledReply},
        example={},
        answer_example={
            "order_id": "1001",
            "state": "CANCELLED",
            "version": 2,
            "released": ["r-5f0c"],
            "changed": True,
        },
        problems=(404, 409),
        replays=True,
        if_match="optional",
    ),
)
