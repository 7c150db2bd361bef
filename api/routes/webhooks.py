"""Webhooks: receivers of events, at allowed hosts only."""

from __future__ import annotations

import secrets
from typing import Any

from api.answers import Answer, json_answer
from api.calls import Call, Spec
from api.examples import WEBHOOK
from api.ledger_answers import instant, json_response
from api.models.feeds import WebhookBody, WebhookReply, WebhooksReply
from api.problems import not_found
from api.targets import check_target
from engine.ledger import Response
from engine.ledger.commands import DeleteWebhook, PutWebhook
from engine.ledger.outcomes import WebhookStored
from engine.ledger.records import Webhook


def webhook_document(found: Webhook) -> dict[str, Any]:
    """Return a receiver as a caller sees it, without its secret."""
    return {
        "webhook_id": found.webhook_id,
        "url": found.url,
        "event_types": list(found.event_types),
        "cursor": found.cursor,
        "failures": found.failures,
        "created_at": instant(found.created_at_ms),
    }


async def register(call: Call) -> Answer:
    """Register a receiver, if its host is allowed."""
    body: WebhookBody = call.body
    await check_target(body.url, call.service.settings.webhooks)
    webhook_id, secret = f"wh-{secrets.token_hex(8)}", f"whsec_{secrets.token_urlsafe(32)}"

    def write(outcome: WebhookStored) -> Response:
        document = {**webhook_document(outcome.webhook), "secret": secret}
        return json_response(document, 201, Location=f"/v1/webhooks/{webhook_id}")

    command = PutWebhook(webhook_id=webhook_id, url=body.url, secret=secret, event_types=tuple(body.event_types))
    return await call.service.command(call, command, write)


async def list_webhooks(call: Call) -> Answer:
    """Return all receivers."""
    found = await call.service.read(call.service.ledger.webhooks, call.tenant)
    return json_answer({"webhooks": [webhook_document(webhook) for webhook in found]})


async def read_webhook(call: Call) -> Answer:
    """Return one receiver, and how far it has come."""
    found = await call.service.read(call.service.ledger.webhooks, call.tenant)
    for webhook in found:
        if webhook.webhook_id == call.path["webhook_id"]:
            return json_answer(webhook_document(webhook))
    raise not_found("the webhook")


async def delete_webhook(call: Call) -> Answer:
    """Forget a receiver."""

    def write(outcome: object) -> Response:
        return Response(status=204, body=b"")

    return await call.service.command(call, DeleteWebhook(webhook_id=call.path["webhook_id"]), write)


CALLS = (
    Spec(
        method="POST",
        path="/v1/webhooks",
        noun="webhooks",
        summary="Register a receiver of events; its secret is shown this once.",
        description=(
            "Events arrive as CloudEvents, at least once, in order for each order_id, signed with HMAC-SHA256 "
            "(`webhook-id`, `webhook-timestamp`, `webhook-signature`)."
        ),
        answer=register,
        scope="admin",
        body=WebhookBody,
        answers={201: WebhookReply},
        example={"url": "https://hooks.example.com/nodewise", "event_types": ["reservation.held"]},
        answer_example=WEBHOOK,
        replays=True,
    ),
    Spec(
        method="GET",
        path="/v1/webhooks",
        noun="webhooks",
        summary="All receivers.",
        answer=list_webhooks,
        scope="admin",
        answers={200: WebhooksReply},
        answer_example={"webhooks": [WEBHOOK]},
    ),
    Spec(
        method="GET",
        path="/v1/webhooks/{webhook_id}",
        noun="webhooks",
        summary="A receiver, and how far it has come.",
        answer=read_webhook,
        scope="admin",
        answers={200: WebhookReply},
        answer_example=WEBHOOK,
        problems=(404,),
    ),
    Spec(
        method="DELETE",
        path="/v1/webhooks/{webhook_id}",
        noun="webhooks",
        summary="Forget a receiver.",
        answer=delete_webhook,
        scope="admin",
        answers={204: None},
        problems=(404,),
    ),
)
