"""Reservations: HELD, CONFIRMED, FULFILLED, RELEASED, EXPIRED."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from api.answers import Answer, etag, json_answer
from api.calls import Call, Spec
from api.examples import RESERVATION, RESERVE_BODY
from api.ledger_answers import json_response, reservation_document
from api.models.reservations import ExtendBody, FulfilBody, NothingBody, ReservationReply, ReserveBody
from api.problems import not_found
from engine.ledger import Response
from engine.ledger.commands import Command, Confirm, Extend, Fulfil, Position, Release, Reserve
from engine.ledger.outcomes import ReservationChanged, Reserved


async def reserve(call: Call) -> Answer:
    """Reserve positions for an order, all or none."""
    body: ReserveBody = call.body
    hold = body.hold_seconds or call.service.settings.hold_seconds
    command = Reserve(
        reservation_id=body.reservation_id or f"r-{secrets.token_hex(10)}",
        order_id=body.order_id,
        positions=tuple(
            Position(
                node_id=row.node_id,
                sku=row.sku,
                ship_date=row.ship_date,
                quantity=row.quantity,
                line_id=row.line_id,
                shipment_id=row.shipment_id,
                service_id=row.service_id,
            )
            for row in body.positions
        ),
        confirmed=body.confirmed,
        ttl_ms=None if body.confirmed else 1000 * hold,
        mode="add" if body.add else "new",
    )

    def write(outcome: Reserved) -> Response:
        found = outcome.reservation
        place = f"/v1/reservations/{quote(found.reservation_id, safe='')}"
        return json_response(reservation_document(found), 201, ETag=f'"{found.version}"', Location=place)

    return await call.service.command(call, command, write)


async def read_reservation(call: Call) -> Answer:
    """Return a reservation."""
    reservation_id = call.path["reservation_id"]
    found = await call.service.read(call.service.ledger.reservation, call.tenant, reservation_id)
    if found is None:
        raise not_found(f"the reservation {reservation_id!r}")
    return json_answer(reservation_document(found), headers=(etag(found.version),))


def _changing(command_of: Callable[[Call], Command]) -> Callable[[Call], Any]:
    async def change(call: Call) -> Answer:
        def write(outcome: ReservationChanged) -> Response:
            found = outcome.reservation
            document = {**reservation_document(found), "uncounted": outcome.uncounted}
            return json_response(document, ETag=f'"{found.version}"')

        return await call.service.command(call, command_of(call), write)

    return change


def _confirm(call: Call) -> Command:
    return Confirm(reservation_id=call.path["reservation_id"], if_match=call.if_match())


def _fulfil(call: Call) -> Command:
    body: FulfilBody = call.body
    return Fulfil(
        reservation_id=call.path["reservation_id"],
        shipment_ids=None if body.shipment_ids is None else tuple(body.shipment_ids),
        if_match=call.if_match(),
    )


def _release(call: Call) -> Command:
    return Release(reservation_id=call.path["reservation_id"], if_match=call.if_match())


def _extend(call: Call) -> Command:
    body: ExtendBody = call.body
    return Extend(reservation_id=call.path["reservation_id"], ttl_ms=1000 * body.hold_seconds, if_match=call.if_match())


def _verb(verb: str, summary: str, body: type, example: Any, command_of: Callable[[Call], Command]) -> Spec:
    return Spec(
        method="POST",
        path=f"/v1/reservations/{{reservation_id}}:{verb}",
        noun="reservations",
        summary=summary,
        answer=_changing(command_of),
        scope="allocate",
        body=body,
        answers={200: ReservationReply},
        example=example,
        answer_example=RESERVATION,
        problems=(404, 409),
        replays=True,
        if_match="optional",
    )


CALLS = (
    Spec(
        method="POST",
        path="/v1/reservations",
        noun="reservations",
        summary="Reserve given positions for an order: all of them or none.",
        description="Positions with the same shipment, node, service and day are one shipment, and take its capacity.",
        answer=reserve,
        scope="allocate",
        body=ReserveBody,
        answers={201: ReservationReply},
        example=RESERVE_BODY,
        answer_example=RESERVATION,
        problems=(409,),
        replays=True,
    ),
    Spec(
        method="GET",
        path="/v1/reservations/{reservation_id}",
        noun="reservations",
        summary="A reservation; one whose time is over reads as EXPIRED.",
        answer=read_reservation,
        scope="read",
        answers={200: ReservationReply},
        answer_example=RESERVATION,
        problems=(404,),
    ),
    _verb("confirm", "HELD to CONFIRMED: it does not expire any more.", NothingBody, {}, _confirm),
    _verb(
        "fulfill",
        "Goods have left: their units leave the stock.",
        FulfilBody,
        {"shipment_ids": ["1001-1"]},
        _fulfil,
    ),
    _verb("release", "Give back what is open, stock and capacity.", NothingBody, {}, _release),
    _verb("extend", "Hold for so long from now on.", ExtendBody, {"hold_seconds": 900}, _extend),
)
