"""Events as CloudEvents 1.0, and their signatures as Standard Webhooks has them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import quote

import orjson

from api.ledger_answers import instant
from engine.ledger.records import Event

CLOUD_EVENT = "application/cloudevents+json"


def cloud_event(tenant: str, event: Event) -> dict[str, Any]:
    """Return an event of the outbox as a CloudEvent; source and id together are unique.

    Parameters
    ----------
    tenant : str
        Whose event it is.
    event : Event
        As the ledger has it.
    """
    return {
        "specversion": "1.0",
        "id": str(event.event),
        "source": f"/nodewise/{quote(tenant, safe='')}",
        "type": f"nodewise.{event.type}",
        "subject": event.subject,
        "time": instant(event.at_ms),
        "datacontenttype": "application/json",
        "sequence": f"{event.event:019d}",
        "data": orjson.loads(event.data),
    }


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of ``webhook-signature``.

    Parameters
    ----------
    secret : str
        The receiver's, as it was shown once.
    message_id : str
        The value of ``webhook-id``.
    timestamp : int
        The value of ``webhook-timestamp``: seconds since 1970.
    body : bytes
        What is sent.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
