"""From what the ledger says to what a caller gets: outcomes and refusals as answers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson

from api.answers import JSON, Answer
from api.problems import PROBLEM_TYPE, Problem
from engine.errors import InputError
from engine.ledger import Reply, Response
from engine.ledger.outcomes import Outcome, Refused
from engine.ledger.records import Reservation, StockShortage

_CONFLICT = (409, "conflict")
_PROBLEMS = {
    "insufficient_stock": (409, "insufficient-stock"),
    "insufficient_capacity": (409, "insufficient-stock"),
    "stale_version": (412, "stale"),
    "compare_failed": (412, "stale"),
    "negative_on_hand": _CONFLICT,
    "not_found": (404, "not-found"),
    "exists": _CONFLICT,
    "order_exists": _CONFLICT,
    "order_cancelled": _CONFLICT,
    "wrong_state": _CONFLICT,
    "expired": _CONFLICT,
    "invalid": (422, "invalid"),
    "key_reused": (422, "key-reused"),
    "in_flight": (409, "in-flight"),
}
TRY_AGAIN = Response(status=599, body=b"")
"""Said inside a transaction to have nothing stored of a refusal that is not the last word."""


def refusal(refused: Refused) -> Problem:
    """Return the problem that tells a refusal."""
    status, kind = _PROBLEMS[refused.reason]
    members: dict[str, Any] = {"reason": refused.reason}
    if refused.lacks or refused.overloads:
        members["shortages"] = shortages(refused)
    if refused.current_version is not None:
        members["current_version"] = refused.current_version
    headers = (("Retry-After", "1"),) if refused.reason == "in_flight" else ()
    return Problem(status, kind, refused.detail, headers, **members)


def shortages(refused: Refused) -> list[dict[str, Any]]:
    """Return what there was too little of."""
    found: list[dict[str, Any]] = [
        {
            "kind": "stock",
            "node_id": lack.node_id,
            "sku": lack.sku,
            "service_id": None,
            "date": lack.ship_date,
            "wanted": lack.requested,
            "available": lack.available,
        }
        for lack in refused.lacks
    ]
    found.extend(
        {
            "kind": over.kind,
            "node_id": over.node_id,
            "sku": None,
            "service_id": over.service_id,
            "date": over.ship_date,
            "wanted": over.requested,
            "available": over.available,
        }
        for over in refused.overloads
    )
    return found


def responding(write: Callable[[Any], Response]) -> Callable[[Outcome], Response]:
    """Return a `Request.respond` that tells refusals as problems, and writes everything else itself."""

    def respond(outcome: Outcome) -> Response:
        if isinstance(outcome, Refused):
            answer = refusal(outcome).answer()
            return Response(status=answer.status, body=answer.body, headers=dict(answer.headers))
        return write(outcome)

    return respond


def json_response(document: Any, status: int = 200, **headers: str) -> Response:
    """Return a document as a response that the ledger stores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, body=orjson.dumps(document), headers=named)


def answer_of(reply: Reply) -> Answer:
    """Return what the caller gets.

    Raises
    ------
    Problem
        When the idempotency key was refused.
    Exception
        What the writing of the response raised.
    """
    if reply.error is not None:
        raise reply.error
    if reply.response is None:
        assert isinstance(reply.outcome, Refused)
        raise refusal(reply.outcome)
    response = reply.response
    headers = tuple(response.headers.items())
    if reply.replayed:
        headers = (*headers, ("Idempotency-Replayed", "true"))
    kind = PROBLEM_TYPE if response.status >= 400 else JSON
    return Answer(status=response.status, body=response.body, headers=headers, media_type=kind)


def bad_input(error: InputError) -> Problem:
    """Return the problem that lists the faults of a document."""
    faults = [dataclasses.asdict(fault) for fault in error.faults]
    errors = [
        {"pointer": fault.table if fault.row is None else f"{fault.table}/{fault.row}", "detail": fault.message}
        for fault in error.faults
    ]
    detail = error.faults[0].message if error.n_faults == 1 else f"{error.n_faults} faults"
    return Problem(422, "invalid", detail, errors=errors, faults=faults, n_errors=error.n_faults)


def instant(milliseconds: int | None) -> str | None:
    """Return an instant as ISO text."""
    if milliseconds is None:
        return None
    if milliseconds > 253_402_300_799_000:
        return "9999-12-31T23:59:59.000+00:00"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")


def reservation_document(found: Reservation) -> dict[str, Any]:
    """Return a reservation as a caller sees it."""
    return {
        "reservation_id": found.reservation_id,
        "order_id": found.order_id,
        "state": found.state,
        "version": found.version,
        "expires_at": instant(found.expires_at_ms),
        "created_at": instant(found.created_at_ms),
        "positions": [dataclasses.asdict(position) for position in found.positions],
    }


def reservation_name(found: Reservation) -> dict[str, Any]:
    """Return a reservation in short."""
    return {
        "reservation_id": found.reservation_id,
        "state": found.state,
        "version": found.version,
        "expires_at": instant(found.expires_at_ms),
    }


def shortage_document(found: StockShortage | None) -> dict[str, Any] | None:
    """Return a shortage of stock as a caller sees it."""
    return None if found is None else dataclasses.asdict(found)
