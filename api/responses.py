"""Answers as FastAPI sends them."""

from __future__ import annotations

from fastapi import Response
from fastapi.responses import StreamingResponse

from api.answers import Answer, Stream
from api.problems import PROBLEM_TYPE


def response_of(answer: Answer | Stream, request_id: str) -> Response:
    """Return an answer, ready to send.

    Parameters
    ----------
    answer : Answer or Stream
        What the call answers.
    request_id : str
        Told in every problem.
    """
    headers = dict(answer.headers)
    if isinstance(answer, Stream):
        headers.update({"content-type": answer.media_type, "x-accel-buffering": "no"})
        return StreamingResponse(answer.chunks, headers=headers)
    body = answer.body
    if answer.media_type == PROBLEM_TYPE and b'"request_id"' not in body[-120:]:
        body = body[:-1] + b',"request_id":"' + request_id.encode() + b'"}'
    if body:
        headers["content-type"] = answer.media_type
    return Response(body, answer.status, headers)
