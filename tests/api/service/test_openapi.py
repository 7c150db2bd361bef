"""Tests the OpenAPI document: examples that work, and schemathesis over all of it."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api.openapi import openapi_document
from api.routes import ALL_CALLS
from tests.api.service.serving import Server, Shop, shop_of

LONG = os.environ.get("NODEWISE_LONG") == "1"
DOCUMENT = json.loads(openapi_document(ALL_CALLS))
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
NOT_CHECKED = [positive_data_acceptance]
"""What a schema allows may be refused all the same: whether an item is in the network, no schema can say."""


@schemathesis.serializer("application/x-ndjson", "text/csv", "application/vnd.apache.parquet", "application/zip")
def as_it_is(context: Any, value: Any) -> bytes:
    """Bodies that are no JSON are sent as they were drawn."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@pytest.fixture(scope="module")
def fuzzed(server: Server) -> Any:
    """A tenant on which everything may be tried."""
    shop = shop_of(server)
    shop.count(("east", "mug", 1000), ("west", "lamp", 1000))
    yield shop
    shop.http.close()


def _tried(n_examples: int) -> Any:
    return settings(
        max_examples=n_examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )


@SCHEMA.exclude(path=["/v1/network", "/v1/plans"]).parametrize()
@_tried(200 if LONG else 8)
def test_no_request_breaks_the_contract(case: Any, fuzzed: Shop) -> None:
    """Tests that whatever the schema allows, and some that it does not, gets an answer that the document describes."""
    _check(case, fuzzed)


@SCHEMA.include(path="/v1/network").parametrize()
@_tried(50 if LONG else 2)
def test_no_network_breaks_the_contract(case: Any, fuzzed: Shop) -> None:
    """Tests the same of networks, which are large."""
    _check(case, fuzzed)


@SCHEMA.include(path="/v1/plans").parametrize()
@_tried(50 if LONG else 4)
def test_no_plan_breaks_the_contract(case: Any, fuzzed: Shop) -> None:
    """Tests the same of plans; those that begin are cancelled, since they can be large."""
    try:
        _check(case, fuzzed)
    finally:
        for operation in fuzzed.ok("GET", "/v1/operations")["operations"]:
            if operation["state"] in ("QUEUED", "RUNNING"):
                fuzzed.ok("POST", f"/v1/operations/{operation['operation_id']}:cancel", json={})


def _check(case: Any, fuzzed: Shop) -> None:
    key = {"x-api-key": fuzzed.http.headers["x-api-key"]}
    response = case.call(base_url=fuzzed.server.url, headers=key)
    case.validate_response(response, excluded_checks=NOT_CHECKED)


def test_every_call_has_examples() -> None:
    """Tests that each call has a summary, and an example of its body and of its JSON answer."""
    for spec in ALL_CALLS:
        assert spec.summary.endswith("."), spec.path
        if spec.has_body:
            assert spec.example is not None, spec.path
        assert spec.answers, spec.path
        operation = DOCUMENT["paths"][spec.path][spec.method.lower()]
        for status, answer in operation["responses"].items():
            for kind, content in answer.get("content", {}).items():
                shown = kind in ("application/json", "application/problem+json") and "$ref" in content["schema"]
                assert not shown or "example" in content, (spec.path, status)


def test_examples_fit_their_models() -> None:
    """Tests that examples of bodies and answers are what the schemas say."""
    for spec in ALL_CALLS:
        if spec.body is not None:
            spec.body.model_validate_json(json.dumps(spec.example))
        if spec.answer_example is not None:
            for model in spec.answers.values():
                if isinstance(model, type):
                    model.model_validate_json(json.dumps(spec.answer_example))
