"""How the service is: alive, ready, measured. No credential is asked for."""

from __future__ import annotations

import asyncio

from api.answers import Answer, json_answer
from api.calls import Call, Spec
from api.metrics import METRICS_TYPE
from api.models.feeds import HealthReply
from api.problems import Problem
from engine.ledger import LedgerUnavailable

_READY_SECONDS = 2.0


async def livez(call: Call) -> Answer:
    """Say that the process answers; asks nobody."""
    return json_answer({"status": "alive"})


async def readyz(call: Call) -> Answer:
    """Say whether requests can be answered: asks the database."""
    service = call.service
    if service.stopping.is_set() or not service.is_ready:
        raise Problem(503, "unavailable", "starting or stopping", (("Retry-After", "1"),))
    try:
        async with asyncio.timeout(_READY_SECONDS):
            await service.read(service.ledger.now_ms)
    except (LedgerUnavailable, TimeoutError):
        service.metrics.ledger_up.set(0)
        raise Problem(503, "unavailable", "the ledger does not answer", (("Retry-After", "1"),)) from None
    service.metrics.ledger_up.set(1)
    return json_answer({"status": "ready"})


async def metrics(call: Call) -> Answer:
    """Return what is measured."""
    return Answer(body=call.service.metrics.text(), media_type=METRICS_TYPE)


CALLS = (
    Spec(
        method="GET",
        path="/livez",
        noun="health",
        summary="The process answers.",
        answer=livez,
        scope=None,
        answers={200: HealthReply},
        answer_example={"status": "alive"},
    ),
    Spec(
        method="GET",
        path="/readyz",
        noun="health",
        summary="The service can answer: the ledger does, and snapshots are there.",
        answer=readyz,
        scope=None,
        answers={200: HealthReply},
        answer_example={"status": "ready"},
    ),
    Spec(
        method="GET",
        path="/metrics",
        noun="health",
        summary="What Prometheus reads.",
        answer=metrics,
        scope=None,
        answers={200: METRICS_TYPE.split(";")[0]},
    ),
)
