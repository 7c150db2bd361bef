"""Operations: long work that any replica can tell about, stream and cancel."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from api.answers import JSON, Answer, Stream, json_answer
from api.calls import Call, Spec
from api.examples import OPERATION
from api.imports import PARQUET
from api.jobs import TABLES
from api.ledger_answers import instant, json_response
from api.models.feeds import ListQuery, OperationReply, OperationsReply, ResultQuery
from api.models.reservations import NothingBody
from api.problems import Problem, not_found
from engine.ledger import Response
from engine.ledger.commands import CancelOperation
from engine.ledger.outcomes import OperationCancelled
from engine.ledger.records import Operation

_ENDED = ("DONE", "FAILED", "CANCELLED")
_POLL_SECONDS = 0.2
_ALIVE_SECONDS = 10.0
EVENT_STREAM = "text/event-stream"


def operation_document(found: Operation) -> dict[str, Any]:
    """Return an operation as a caller sees it."""
    has_result = found.kind in TABLES and (
        found.state == "DONE" or (found.state == "CANCELLED" and found.kind == "allocate")
    )
    return {
        "operation_id": found.operation_id,
        "kind": found.kind,
        "state": found.state,
        "version": found.version,
        "cancel_asked": found.cancel_asked,
        "attempts": found.attempts,
        "progress": None if found.progress is None else orjson.loads(found.progress),
        "problem": None if found.problem is None else orjson.loads(found.problem),
        "created_at": instant(found.created_at_ms),
        "updated_at": instant(found.updated_at_ms),
        "result": f"/v1/operations/{found.operation_id}/result" if has_result else None,
    }


async def _find(call: Call) -> Operation:
    operation_id = call.path["operation_id"]
    found = await call.service.read(call.service.ledger.operation, call.tenant, operation_id)
    if found is None:
        raise not_found(f"the operation {operation_id!r}")
    return found


async def read_operation(call: Call) -> Answer:
    """Return an operation."""
    found = await _find(call)
    headers = () if found.state in _ENDED else (("Retry-After", "1"),)
    return json_answer(operation_document(found), headers=headers)


async def list_operations(call: Call) -> Answer:
    """Return the newest operations."""
    found = await call.service.read(call.service.ledger.operations, call.tenant, limit=call.query.limit)
    return json_answer({"operations": [operation_document(operation) for operation in found]})


async def stream_operation(call: Call) -> Stream:
    """Stream an operation's progress until it ends."""
    first = await _find(call)
    return Stream(chunks=_progress(call, first), media_type=EVENT_STREAM)


async def _progress(call: Call, found: Operation) -> AsyncIterator[bytes]:
    service, version, silent = call.service, -1, 0.0
    while True:
        if found.version != version:
            version, silent = found.version, 0.0
            name = "end" if found.state in _ENDED else "progress"
            yield b"event: %s\nid: %d\ndata: %s\n\n" % (
                name.encode(),
                version,
                orjson.dumps(operation_document(found)),
            )
            if found.state in _ENDED:
                return
        if service.stopping.is_set():
            return
        await asyncio.sleep(_POLL_SECONDS)
        silent += _POLL_SECONDS
        if silent >= _ALIVE_SECONDS:
            silent = 0.0
            yield b": alive\n\n"  # and the way to learn that the client is gone
        again = await service.read(service.ledger.operation, call.tenant, found.operation_id)
        if again is None:
            return
        found = again


async def cancel_operation(call: Call) -> Answer:
    """Ask an operation to end."""
    kind = (await _find(call)).kind  # what is unknown now is not to be remembered as such under a key
    call.principal.require("simulate" if kind in ("plan", "simulate") else "allocate")

    def write(outcome: OperationCancelled) -> Response:
        return json_response(operation_document(outcome.operation))

    answer = await call.service.command(call, CancelOperation(operation_id=call.path["operation_id"]), write)
    call.service.jobs.look()
    return answer


async def read_result(call: Call) -> Answer:
    """Return what an operation found."""
    found = await _find(call)
    if found.state not in ("DONE", "CANCELLED"):
        raise Problem(409, "conflict", f"the operation is {found.state}: it has no result")
    service, query = call.service, call.query
    if query.format == "parquet":
        if query.table is None or query.table == "summary":
            raise Problem(406, "not-acceptable", "Parquet holds one table: say which")
        raw = await service.read(service.ledger.operation_result, call.tenant, found.operation_id, query.table)
        if raw is None:
            raise not_found(f"the table {query.table} of the result")
        return Answer(body=raw, media_type=PARQUET)
    names = ("summary", *TABLES.get(found.kind, ())) if query.table is None else (query.table,)
    document: dict[str, Any] = {}
    for name in names:
        raw = await service.read(service.ledger.operation_result, call.tenant, found.operation_id, name)
        if raw is None:
            raise not_found("the result" if query.table is None else f"the table {query.table} of the result")
        document[name] = await asyncio.to_thread(_rows, name, raw)
    return json_answer(document)


def _rows(name: str, raw: bytes) -> Any:
    if name == "summary":
        return orjson.loads(raw)
    table: pa.Table = pq.read_table(io.BytesIO(raw))
    return table.to_pylist()


CALLS = (
    Spec(
        method="GET",
        path="/v1/operations",
        noun="operations",
        summary="The newest operations.",
        answer=list_operations,
        scope="read",
        query=ListQuery,
        answers={200: OperationsReply},
        answer_example={"operations": [OPERATION]},
    ),
    Spec(
        method="GET",
        path="/v1/operations/{operation_id}",
        noun="operations",
        summary="State, progress and problem of an operation.",
        answer=read_operation,
        scope="read",
        answers={200: OperationReply},
        answer_example=OPERATION,
        problems=(404,),
    ),
    Spec(
        method="GET",
        path="/v1/operations/{operation_id}/events",
        noun="operations",
        summary="Progress as server-sent events: `progress` each time it changes, `end` at the end.",
        answer=stream_operation,
        scope="read",
        answers={200: EVENT_STREAM},
        streams=True,
        problems=(404,),
    ),
    Spec(
        method="POST",
        path="/v1/operations/{operation_id}:cancel",
        noun="operations",
        summary="Ask an operation to end; what it has reserved by then stays.",
        answer=cancel_operation,
        scope="allocate",
        or_scope="simulate",
        description="A simulation needs the scope simulate, anything else the scope allocate.",
        body=NothingBody,
        answers={200: OperationReply},
        example={},
        answer_example=OPERATION,
        problems=(404,),
        replays=True,
    ),
    Spec(
        method="GET",
        path="/v1/operations/{operation_id}/result",
        noun="operations",
        summary="What an operation found: everything as JSON, or one table as JSON or Parquet.",
        answer=read_result,
        scope="read",
        query=ResultQuery,
        answers={200: (JSON, PARQUET)},
        problems=(404, 406, 409),
    ),
)
