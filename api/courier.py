"""The courier: delivers events to receivers, signed, in order, again and again until they are taken."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import orjson

from api.cloud_events import CLOUD_EVENT, cloud_event, signature
from api.targets import NotAllowed, resolve
from engine.ledger import LedgerUnavailable
from engine.ledger.records import Event, Webhook

if TYPE_CHECKING:
    import httpx

    from api.service import Service

_log = logging.getLogger("api.courier")
_IDLE_SECONDS = 0.5
_LEASE_MS = 60_000
_SEND_SECONDS = 5.0
_LONGEST_SECONDS = 3600.0
_AT_ONCE = 100  # events of one claim: less than the lease, even at the slowest


class Courier:
    """Delivers for all tenants. A receiver is leased while it is served, so its events stay in order.

    Parameters
    ----------
    service : Service
        The parts it works with.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    async def run(self) -> None:
        """Deliver until the service stops."""
        import httpx

        service = self._service
        async with httpx.AsyncClient(timeout=_SEND_SECONDS, follow_redirects=False, trust_env=False) as client:
            while not service.stopping.is_set():
                try:
                    claimed = await service.read(service.ledger.claim_webhook, service.owner, lease_ms=_LEASE_MS)
                    if claimed is None:
                        await asyncio.sleep(_IDLE_SECONDS)
                        continue
                    await self._serve(client, *claimed)
                except LedgerUnavailable:
                    await asyncio.sleep(2 * _IDLE_SECONDS)
                except Exception:
                    _log.exception("events could not be delivered")
                    await asyncio.sleep(2 * _IDLE_SECONDS)

    async def _serve(self, client: httpx.AsyncClient, tenant: str, webhook: Webhook, events: Sequence[Event]) -> None:
        service = self._service
        cursor, failed = webhook.cursor, False
        deadline = time.monotonic() + _LEASE_MS / 2000
        for event in events[:_AT_ONCE]:
            if webhook.event_types and not _wanted(event.type, webhook.event_types):
                cursor = event.event
                continue
            if time.monotonic() > deadline:
                break
            failed = not await self._send(client, tenant, webhook, event)
            service.metrics.webhooks_sent.labels("failed" if failed else "delivered").inc()
            if failed:
                break
            cursor = event.event
        ledger = service.ledger
        if cursor > webhook.cursor or not failed:  # a failure after progress is tried again, and counted, next time
            await service.read(ledger.advance_webhook, tenant, webhook.webhook_id, service.owner, cursor=cursor)
            return
        seconds = service.settings.webhooks.attempts_apart_seconds * 2 ** min(webhook.failures, 12)
        delay_ms = int(1000 * min(seconds, _LONGEST_SECONDS))
        await service.read(ledger.postpone_webhook, tenant, webhook.webhook_id, service.owner, delay_ms=delay_ms)

    async def _send(self, client: httpx.AsyncClient, tenant: str, webhook: Webhook, event: Event) -> bool:
        import httpx

        body = orjson.dumps(cloud_event(tenant, event))
        message_id, timestamp = f"{webhook.webhook_id}-{event.event}", int(time.time())
        try:
            target = await resolve(webhook.url, self._service.settings.webhooks)
            headers = {
                "host": target.host,
                "content-type": CLOUD_EVENT,
                "webhook-id": message_id,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": signature(webhook.secret, message_id, timestamp, body),
            }
            name = target.host.partition(":")[0]
            async with client.stream(
                "POST", target.url, content=body, headers=headers, extensions={"sni_hostname": name}
            ) as response:
                status = response.status_code
        except (httpx.HTTPError, OSError, NotAllowed) as error:
            _log.warning(
                "an event was not taken",
                extra={"webhook_id": webhook.webhook_id, "event": event.event, "error": type(error).__name__},
            )
            return False
        return 200 <= status < 300


def _wanted(kind: str, wanted: Sequence[str]) -> bool:
    return kind in wanted or f"nodewise.{kind}" in wanted
