"""Promises: what could be offered for a cart. Nothing is written."""

from __future__ import annotations

from api.answers import Answer, json_answer
from api.calls import Call, Spec
from api.examples import PROMISE, PROMISE_BODY
from api.models.orders import PromiseBody, PromiseReply
from api.order_documents import cart_of


async def promise(call: Call) -> Answer:
    """Return the dated, costed ways to serve a cart."""
    body: PromiseBody = call.body
    desk = await call.service.desk(call.tenant)
    found = await call.service.reader.promise(desk, cart_of(body.cart))
    document = found.to_document()
    document["cart_id"] = document.pop("order_id")
    return json_answer(document)


CALLS = (
    Spec(
        method="POST",
        path="/v1/promises",
        noun="promises",
        summary="Dated, costed options for a cart, by service; nothing is reserved.",
        description=(
            "From stock, inbound supply and free capacity: for each service the cheapest way to be there by each date, "
            "and the cheapest and the fastest way over all services. `lacking` says what stands in the way."
        ),
        answer=promise,
        scope="read",
        body=PromiseBody,
        answers={200: PromiseReply},
        example=PROMISE_BODY,
        answer_example=PROMISE,
        problems=(409,),
    ),
)
