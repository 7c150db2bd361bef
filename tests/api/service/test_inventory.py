"""Tests counts: imports in three forms, versions, what comes late or twice, recounts below what is reserved."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.api.service.serving import LINES, Shop

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"


def as_parquet(**columns: Any) -> bytes:
    """A Parquet file of these columns."""
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


FORMS = {
    "lines": (
        LINES,
        '{"node_id": "east", "sku": "mug", "on_hand": 7}\n{"node_id": "west", "sku": "mug", "on_hand": 8}',
    ),
    "csv": (CSV, "node_id,sku,on_hand\neast,mug,7\nwest,mug,8\n"),
    "parquet": (PARQUET, as_parquet(node_id=["east", "west"], sku=["mug", "mug"], on_hand=[7, 8])),
}


@pytest.mark.parametrize("form", FORMS)
def test_three_forms_mean_the_same(shop: Shop, form: str) -> None:
    """Tests that counts arrive the same way by JSON lines, CSV and Parquet, and are decided on at once."""
    kind, raw = FORMS[form]
    found = shop.ok("POST", "/v1/inventory:import", content=raw, headers={"content-type": kind})
    assert found == {"rows": 2, "changed": 2, "skipped": 0, "shortages": []}
    assert shop.promised("mug") == {"east": 7, "west": 8}
    assert shop.order("1", ("mug", 7))["unallocated"] == []


WRONG: dict[str, tuple[str, Any]] = {
    "unknown column": (CSV, "node_id,sku,on_hand,colour\neast,mug,7,red\n"),
    "unknown field": (LINES, '{"node_id": "east", "sku": "mug", "on_hand": 7, "colour": "red"}'),
    "missing column": (CSV, "node_id,sku\neast,mug\n"),
    "a fraction": (LINES, '{"node_id": "east", "sku": "mug", "on_hand": 7.5}'),
    "text for a number": (LINES, '{"node_id": "east", "sku": "mug", "on_hand": "7"}'),
    "below 0": (CSV, "node_id,sku,on_hand\neast,mug,-1\n"),
    "unknown node": (CSV, "node_id,sku,on_hand\nnorth,mug,1\n"),
    "unknown sku": (CSV, "node_id,sku,on_hand\neast,cup,1\n"),
    "a key twice": (CSV, "node_id,sku,on_hand\neast,mug,1\neast,mug,2\n"),
    "empty": (LINES, ""),
    "no JSON": (LINES, "{"),
    "a list": (LINES, "[1]"),
    "no Parquet": (PARQUET, b"PAR1 not really PAR1"),
    "nested": (PARQUET, as_parquet(node_id=["east"], sku=["mug"], on_hand=[[1]])),
    "a pickle": (PARQUET, b"\x80\x04K\x01."),
    "a float column": (PARQUET, as_parquet(node_id=["east"], sku=["mug"], on_hand=[1.5])),
    "a NUL": (LINES, '{"node_id": "east", "sku": "m\\u0000g", "on_hand": 7}'),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_import_counts_nothing(shop: Shop, name: str) -> None:
    """Tests that an import with any fault is refused whole."""
    kind, raw = WRONG[name]
    before = shop.ok("GET", "/v1/ledger/entries")
    shop.refused(422, "POST", "/v1/inventory:import", content=raw, headers={"content-type": kind})
    assert shop.ok("GET", "/v1/ledger/entries") == before


def test_imports_in_the_wrong_order(shop: Shop) -> None:
    """Tests that a count that was overtaken by a later one of its source changes nothing."""
    shop.count(("east", "mug", 7), params={"source": "wms", "sequence": 5})
    found = shop.count(("east", "mug", 3), params={"source": "wms", "sequence": 4})
    assert found["skipped"] == 1 and shop.promised("mug") == {"east": 7}
    shop.count(("east", "mug", 9), params={"source": "wms", "sequence": 6})
    assert shop.promised("mug") == {"east": 9}


def test_adjustments_are_applied_once(shop: Shop) -> None:
    """Tests that a source sequence that was seen changes nothing, however often it comes."""
    shop.count(("east", "mug", 7))
    change = {"node_id": "east", "sku": "mug", "delta": -2}
    body = {"adjustments": [change], "reason_code": "damage", "reference": "D1", "source": "wms", "sequence": 1}
    assert shop.ok("POST", "/v1/inventory:adjust", json=body)["applied"] == 1
    assert shop.ok("POST", "/v1/inventory:adjust", json=body)["skipped"] == 1
    assert shop.promised("mug") == {"east": 5}
    too_many = {"adjustments": [change, {**change, "delta": -6}]}
    shop.refused(409, "POST", "/v1/inventory:adjust", json=too_many)
    assert shop.promised("mug") == {"east": 5}
    entry = shop.ok("GET", "/v1/ledger/entries")["entries"][-1]
    assert entry["reason_code"] == "damage" and entry["reference"] == "D1" and entry["quantity"] == 2


def test_a_count_needs_to_know_what_it_replaces(shop: Shop) -> None:
    """Tests versions of rows: missing 428, stale 412, and compare_on_hand in their place."""
    row = "/v1/inventory/east/mug"
    shop.refused(428, "PUT", row, json={"on_hand": 5})
    shop.refused(404, "GET", row)
    assert shop.ok("PUT", row, json={"on_hand": 5}, headers={"if-match": '"0"'})["level"]["version"] == 1
    shop.refused(412, "PUT", row, json={"on_hand": 6}, headers={"if-match": '"0"'})
    tag = shop.http.get(row).headers["etag"]
    assert shop.ok("PUT", row, json={"on_hand": 6}, headers={"if-match": tag})["level"]["on_hand"] == 6
    shop.refused(412, "PUT", row, json={"on_hand": 7, "compare_on_hand": 5})
    assert shop.ok("PUT", row, json={"on_hand": 7, "compare_on_hand": 6})["level"]["on_hand"] == 7
    shop.refused(422, "PUT", "/v1/inventory/east/cup", json={"on_hand": 7, "compare_on_hand": 6})


def test_a_recount_below_what_is_reserved(shop: Shop) -> None:
    """Tests that the truth is accepted, and told as a shortage with the orders to source elsewhere."""
    shop.count(("east", "mug", 5))
    shop.order("1", ("mug", 4))
    found = shop.ok("PUT", "/v1/inventory/east/mug", json={"on_hand": 1, "compare_on_hand": 5})
    assert found["shortage"]["short"] == 3
    assert [order["order_id"] for order in found["shortage"]["orders"]] == ["1"]
    kinds = [event["type"] for event in shop.ok("GET", "/v1/events?limit=1000")["events"]]
    assert "nodewise.stock.shortage" in kinds
    assert shop.promised("mug") == {"east": 0}
    assert shop.order("2", ("mug", 1))["shipments"] == []


def test_what_arrives_later_can_be_promised_later(shop: Shop) -> None:
    """Tests that inbound supply is incoming, and sold by its date."""
    row = "/v1/inventory/east/mug"
    shop.ok("PUT", row, json={"on_hand": 4, "available_on": "2031-03-03"}, headers={"if-match": '"0"'})
    query = {"skus": ["mug"]}
    now = shop.ok("POST", "/v1/availability:query", json=query)["availability"][0]
    assert now["available_to_promise"] == 0 and now["incoming"] == [{"available_on": "2031-03-03", "on_hand": 4}]
    then = shop.ok("POST", "/v1/availability:query", json={**query, "by": "2031-03-03"})["availability"][0]
    assert then["available_to_promise"] == 4
    assert shop.http.get(row, params={"available_on": "2031-03-03"}).json()["on_hand"] == 4
