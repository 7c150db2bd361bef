"""The OpenAPI document, from the declarations of the calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from api.answers import JSON
from api.calls import Spec
from api.models.common import ProblemDocument
from api.networks import network_schema
from api.problems import PROBLEM_TYPE, TITLES

TITLE = "nodewise"
DESCRIPTION = "Which node ships which line of which order: inventory, promises, allocations."
_TEMPLATE = "#/components/schemas/{model}"
_EVERYWHERE = (400, 401, 403, 408, 413, 415, 421, 422, 429, 503)
_WITHOUT_CREDENTIAL = (400, 421, 422, 503)
_DESCRIPTIONS = {
    200: "Done.",
    201: "Created.",
    202: "Begun: the Location header says where to look.",
    204: "Done, nothing to say.",
    400: "The body is not JSON.",
    401: "No valid credential.",
    403: "The credential lacks the scope.",
    404: "There is no such thing.",
    405: "The path has no such method.",
    406: "There is no such form.",
    408: "The body did not arrive in time.",
    409: "The state does not allow it; `shortages` lists what is missing.",
    412: "The version is not the current one.",
    413: "The body is too large.",
    415: "The body has a type that the call does not take.",
    421: "The service does not answer to this host.",
    422: "The request does not fit; `errors` lists where.",
    428: "If-Match is needed.",
    429: "Too many requests wait; see Retry-After.",
    503: "The ledger does not answer; see Retry-After.",
}
_PATH_VALUE = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[^\\x00-\\x1f\\x7f]+$"}


def openapi_document(specs: Sequence[Spec]) -> bytes:
    """Return the document as JSON.

    Parameters
    ----------
    specs : sequence of Spec
        All calls.
    """
    found: set[type[BaseModel]] = {*_models(specs), ProblemDocument}
    models = sorted(found, key=lambda model: model.__name__)
    modes = [(model, "validation") for model in models]
    _, definitions = models_json_schema(modes, ref_template=_TEMPLATE)  # type: ignore[arg-type]
    paths: dict[str, dict[str, Any]] = {}
    for spec in specs:
        paths.setdefault(spec.path, {})[spec.method.lower()] = _operation(spec)
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": version("nodewise"),
            "description": DESCRIPTION,
        },
        "tags": [{"name": noun} for noun in dict.fromkeys(spec.noun for spec in specs)],
        "paths": paths,
        "components": {
            "schemas": {**definitions.get("$defs", {}), "Network": network_schema()},
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }
    return orjson.dumps(document)


def _models(specs: Iterable[Spec]) -> Iterable[type[BaseModel]]:
    for spec in specs:
        for model in (spec.body, *spec.answers.values()):
            if isinstance(model, type):
                yield model


def _operation(spec: Spec) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(spec),
        "tags": [spec.noun],
        "summary": spec.summary,
        "parameters": [*_path_parameters(spec), *_query_parameters(spec), *_header_parameters(spec)],
        "responses": {**_answers(spec), **_problems(spec)},
    }
    if spec.description:
        operation["description"] = spec.description
    if spec.has_body:
        operation["requestBody"] = {"required": True, "content": _content(spec)}
    if spec.scope is not None:
        operation["security"] = [{"key": []}, {"bearer": []}, {}]
        operation["x-scope"] = spec.scope
    return operation


def _operation_id(spec: Spec) -> str:
    words = spec.path.replace("{", "").replace("}", "").replace(":", "/").replace(".", "/").split("/")
    return "_".join([spec.method.lower(), *(word for word in words if word and word != "v1")])


def _path_parameters(spec: Spec) -> list[dict[str, Any]]:
    names = [part[1:].partition("}")[0] for part in spec.path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": _PATH_VALUE} for name in names]


def _query_parameters(spec: Spec) -> list[dict[str, Any]]:
    if spec.query is None:
        return []
    schema = spec.query.model_json_schema()
    required = set(schema.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": part}
        for name, part in schema["properties"].items()
    ]


def _header_parameters(spec: Spec) -> list[dict[str, Any]]:
    found = []
    if spec.replays:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "The same key with the same body gets the first response, for 24 hours at least.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"},
            }
        )
    if spec.if_match is not None:
        found.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": spec.if_match == "required",
                "description": "The version that the caller saw, as ETag gave it.",
                "schema": {"type": "string", "pattern": '^"[0-9]{1,18}"$'},
                "example": '"1"',
            }
        )
    return found


def _content(spec: Spec) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for kind in spec.takes:
        name = spec.raw_schema if spec.body is None else spec.body.__name__
        if kind == JSON and name is not None:
            content[kind] = {"schema": {"$ref": _TEMPLATE.format(model=name)}}
            if spec.example is not None:
                content[kind]["example"] = spec.example
        else:
            text = not _is_binary(kind)
            content[kind] = {"schema": {"type": "string"} if text else {"type": "string", "format": "binary"}}
            if text and isinstance(spec.example, dict) and kind in spec.example:
                content[kind]["example"] = spec.example[kind]
    return content


def _is_binary(kind: str) -> bool:
    return any(word in kind for word in ("parquet", "zip", "spreadsheetml"))


def _answers(spec: Spec) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, model in spec.answers.items():
        answer: dict[str, Any] = {"description": _DESCRIPTIONS[status]}
        kinds = model if isinstance(model, tuple) else (model,)
        content: dict[str, Any] = {}
        for kind in kinds:
            if isinstance(kind, type):
                content[JSON] = {"schema": {"$ref": _TEMPLATE.format(model=kind.__name__)}}
                if spec.answer_example is not None:
                    content[JSON]["example"] = spec.answer_example
            elif kind == JSON:
                content[JSON] = {"schema": {"type": "object"}}
            elif kind is not None:
                content[kind] = {"schema": {"type": "string", **({"format": "binary"} if _is_binary(kind) else {})}}
        if content:
            answer["content"] = content
        found[str(status)] = answer
    return found


def _problems(spec: Spec) -> dict[str, Any]:
    usual = _WITHOUT_CREDENTIAL if spec.scope is None else _EVERYWHERE
    statuses = sorted({*usual, *spec.problems, *((409,) if spec.replays else ())} - set(spec.answers))
    if spec.if_match is not None:
        statuses = sorted({*statuses, 412, *((428,) if spec.if_match == "required" else ())})
    schema = {"$ref": _TEMPLATE.format(model=ProblemDocument.__name__)}
    return {
        str(status): {
            "description": _DESCRIPTIONS[status],
            "content": {PROBLEM_TYPE: {"schema": schema, "example": _problem_example(status)}},
        }
        for status in statuses
    }


_KINDS = {
    400: "malformed-json",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    406: "not-acceptable",
    408: "timeout",
    409: "conflict",
    412: "stale",
    413: "too-large",
    415: "unsupported-media-type",
    421: "misdirected",
    422: "invalid",
    428: "precondition-required",
    429: "too-many-requests",
    503: "unavailable",
}


def _problem_example(status: int) -> dict[str, Any]:
    kind = _KINDS[status]
    return {
        "type": f"urn:nodewise:problem:{kind}",
        "title": TITLES[kind],
        "status": status,
        "detail": _DESCRIPTIONS[status],
        "request_id": "9f1c2e7a40-1f",
    }
