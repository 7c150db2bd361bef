"""Counts of stock: imported whole, set one by one, adjusted."""

from __future__ import annotations

import asyncio
import dataclasses

from api.answers import Answer, etag, json_answer
from api.calls import Call, Spec
from api.examples import ADJUST_BODY, COUNT, COUNT_BODY, IMPORT_CSV, IMPORT_LINES, LEVEL
from api.imports import CSV, JSON_LINES, PARQUET, check_known, read_stock
from api.ledger_answers import answer_of, json_response, responding, shortage_document
from api.models.inventory import (
    AdjustBody,
    AdjustReply,
    CountBody,
    CountReply,
    ImportQuery,
    ImportReply,
    LevelQuery,
    LevelReply,
)
from api.problems import Problem, invalid, not_found
from engine.ledger import Request, Response
from engine.ledger.commands import Adjustment, AdjustStock, ImportStock, SetOnHand
from engine.ledger.outcomes import StockAdjusted, StockImported, StockSet

_LISTED_SHORTAGES = 1000
_LEASE_MS = 120_000


async def import_stock(call: Call) -> Answer:
    """Count many rows."""
    service, query = call.service, call.query
    if (query.source is None) != (query.sequence is None):
        raise invalid("source and sequence go together")
    desk = await service.desk(call.tenant)
    rows = await asyncio.to_thread(read_stock, call.raw, call.media_type, service.settings.limits.import_rows)
    await asyncio.to_thread(check_known, rows, desk.network)
    known = service.idempotency(call)

    def write(outcome: StockImported) -> Response:
        listed = [shortage_document(shortage) for shortage in outcome.shortages[:_LISTED_SHORTAGES]]
        counts = {"rows": outcome.rows, "changed": outcome.changed, "skipped": outcome.skipped}
        return json_response({**counts, "shortages": listed})

    command = ImportStock(rows=rows, source=query.source, sequence=query.sequence)
    request = Request(tenant=call.tenant, command=command, idempotency=known, respond=responding(write))
    with service.flight(call.tenant, known):
        if known is not None:
            first = await service.read(service.ledger.begin_request, call.tenant, known, lease_ms=_LEASE_MS)
            if first is not None:
                return answer_of(first)
        try:
            reply = await service.read(service.ledger.import_stock, request)
        except BaseException:
            if known is not None:
                await service.read(service.ledger.abandon_request, call.tenant, known)
            raise
    await service.desks.refresh(call.tenant)
    return answer_of(reply)


async def set_count(call: Call) -> Answer:
    """Count one row."""
    body: CountBody = call.body
    if_match = call.if_match()
    if if_match is None and body.compare_on_hand is None and body.source is None and not _matches_any(call):
        detail = 'send If-Match with the row\'s version ("0" for a new row), compare_on_hand, or a source sequence'
        raise Problem(428, "precondition-required", detail)
    if (body.source is None) != (body.sequence is None):
        raise invalid("source and sequence go together")
    await _check_known(call, call.path["node_id"], call.path["sku"])

    def write(outcome: StockSet) -> Response:
        document = {
            "level": dataclasses.asdict(outcome.level),
            "applied": outcome.applied,
            "shortage": shortage_document(outcome.shortage),
        }
        return json_response(document, ETag=f'"{outcome.level.version}"')

    command = SetOnHand(
        node_id=call.path["node_id"],
        sku=call.path["sku"],
        on_hand=body.on_hand,
        available_on=body.available_on,
        reserved=body.reserved,
        safety_stock=body.safety_stock,
        if_match=if_match,
        compare_on_hand=body.compare_on_hand,
        source=body.source,
        sequence=body.sequence,
    )
    return await call.service.command(call, command, write)


def _matches_any(call: Call) -> bool:
    return call.headers.get(b"if-match", b"").strip() == b"*"


async def read_count(call: Call) -> Answer:
    """Return one row."""
    service = call.service
    node_id, sku = call.path["node_id"], call.path["sku"]
    level = await service.read(service.ledger.stock_level, call.tenant, node_id, sku, call.query.available_on)
    if level is None:
        raise not_found(f"a stock row of {sku!r} at {node_id!r}")
    return json_answer(dataclasses.asdict(level), headers=(etag(level.version),))


async def adjust(call: Call) -> Answer:
    """Change counts, all or none."""
    body: AdjustBody = call.body
    if (body.source is None) != (body.sequence is None):
        raise invalid("source and sequence go together")
    for at, change in enumerate(body.adjustments):
        await _check_known(call, change.node_id, change.sku, f"/adjustments/{at}")

    def write(outcome: StockAdjusted) -> Response:
        return json_response(
            {
                "levels": [dataclasses.asdict(level) for level in outcome.levels],
                "applied": outcome.applied,
                "skipped": outcome.skipped,
                "shortages": [shortage_document(shortage) for shortage in outcome.shortages],
            }
        )

    command = AdjustStock(
        adjustments=tuple(
            Adjustment(
                node_id=change.node_id,
                sku=change.sku,
                delta=change.delta,
                available_on=change.available_on,
            )
            for change in body.adjustments
        ),
        reason_code=body.reason_code,
        reference=body.reference,
        source=body.source,
        sequence=body.sequence,
    )
    return await call.service.command(call, command, write)


async def _check_known(call: Call, node_id: str, sku: str, pointer: str = "") -> None:
    desk = await call.service.desk(call.tenant)
    if node_id not in desk.network.node_ids:
        raise invalid(f"the network has no node {node_id!r}", (f"{pointer}/node_id", "is not in the network"))
    if not desk.snapshot.knows_sku(sku):
        raise invalid(f"the network has no item {sku!r}", (f"{pointer}/sku", "is not in the network"))


CALLS = (
    Spec(
        method="POST",
        path="/v1/inventory:import",
        noun="inventory",
        summary="Absolute counts of up to 1,000,000 rows, as JSON lines, CSV or Parquet.",
        description=(
            "Columns are those of the table `stock`. With `source` and `sequence` an import that was overtaken "
            "changes nothing. Counts below what is reserved are accepted and come back as shortages. Large imports "
            "are written in parts: after a crash, send the import again."
        ),
        answer=import_stock,
        scope="inventory:write",
        query=ImportQuery,
        takes=(JSON_LINES, CSV, PARQUET),
        size="large",
        answers={200: ImportReply},
        example={JSON_LINES: IMPORT_LINES, CSV: IMPORT_CSV},
        answer_example={"rows": 2, "changed": 2, "skipped": 0, "shortages": []},
        problems=(409,),
        replays=True,
    ),
    Spec(
        method="PUT",
        path="/v1/inventory/{node_id}/{sku}",
        noun="inventory",
        summary="The absolute count of one row.",
        description=(
            'Needs If-Match with the row\'s version (`"0"` for a new row, `*` for whatever is there), '
            "`compare_on_hand`, or `source` and `sequence`."
        ),
        answer=set_count,
        scope="inventory:write",
        body=CountBody,
        answers={200: CountReply},
        example=COUNT_BODY,
        answer_example=COUNT,
        problems=(409, 412, 428),
        replays=True,
        if_match="optional",
    ),
    Spec(
        method="GET",
        path="/v1/inventory/{node_id}/{sku}",
        noun="inventory",
        summary="One row, with its version.",
        answer=read_count,
        scope="read",
        query=LevelQuery,
        answers={200: LevelReply},
        answer_example=LEVEL,
        problems=(404,),
    ),
    Spec(
        method="POST",
        path="/v1/inventory:adjust",
        noun="inventory",
        summary="Changes of counts, all or none; a source sequence that was seen changes nothing.",
        answer=adjust,
        scope="inventory:write",
        body=AdjustBody,
        answers={200: AdjustReply},
        example=ADJUST_BODY,
        answer_example={"levels": [LEVEL], "applied": 1, "skipped": 0, "shortages": []},
        problems=(409,),
        replays=True,
    ),
)
