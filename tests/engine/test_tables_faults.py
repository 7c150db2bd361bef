"""Tests that every fault a table can have is refused with its exact message, in every form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.engine.small_batch import FORMS, messages, small_document, write_form

LONG = "x" * 129
SHOWN = "x" * 77 + "..."
TEXT = "text of 1 to 128 characters"
WORD = "text of 1 to 128 characters without white space"
DAY = "a date such as 2026-01-31"
TIME = "a time such as 17:00"
ZONE = "an IANA time zone such as America/New_York"
MASK = "seven 0 or 1, Monday first"
WORDS = "words separated by spaces"
KINDS = "dc, store, 3pl or vendor"

IN_EVERY_FORM: list[tuple[str, int, str, Any, str]] = [
    ("lines", 1, "quantity", -2, "lines row 1: quantity is -2, expected an integer from 1"),
    ("lines", 1, "quantity", 0, "lines row 1: quantity is 0, expected an integer from 1"),
    ("lines", 2, "quantity", None, "lines row 2: quantity is empty, expected an integer from 1"),
    (
        "lines",
        1,
        "quantity",
        2**31,
        "lines row 1: quantity is 2147483648, expected an integer up to 2147483647",
    ),
    ("stock", 3, "on_hand", -1, "stock row 3: on_hand is -1, expected an integer from 0"),
    (
        "nodes",
        1,
        "preference_cents",
        -(2**31),
        "nodes row 1: preference_cents is -2147483648, expected an integer from -2147483647",
    ),
    ("nodes", 1, "lat", 90.5, "nodes row 1: lat is 90.5, expected a number from -90 to 90"),
    ("orders", 1, "lat", -90.25, "orders row 1: lat is -90.25, expected a number from -90 to 90"),
    ("orders", 2, "lon", 181.5, "orders row 2: lon is 181.5, expected a number from -180 to 180"),
    ("orders", 2, "lon", None, "orders row 2: lon is empty, expected a number from -180 to 180"),
    ("bands", 1, "max_km", 0, "bands row 1: max_km is 0, expected a number above 0"),
    ("nodes", 2, "kind", "shop", f"nodes row 2: kind is shop, expected {KINDS}"),
    ("nodes", 2, "kind", "DC", f"nodes row 2: kind is DC, expected {KINDS}"),
    ("nodes", 1, "cutoff", "24:00", f"nodes row 1: cutoff is 24:00, expected {TIME}"),
    ("nodes", 1, "cutoff", "9:00", f"nodes row 1: cutoff is 9:00, expected {TIME}"),
    ("nodes", 1, "cutoff", "17:00\n", f'nodes row 1: cutoff is "17:00\\n", expected {TIME}'),
    ("nodes", 1, "timezone", "Mars/Base", f"nodes row 1: timezone is Mars/Base, expected {ZONE}"),
    ("nodes", 1, "timezone", "../passwd", f"nodes row 1: timezone is ../passwd, expected {ZONE}"),
    ("nodes", 1, "timezone", "America", f"nodes row 1: timezone is America, expected {ZONE}"),
    ("nodes", 1, "working_days", "111110", f"nodes row 1: working_days is 111110, expected {MASK}"),
    ("services", 1, "delivery_days", "1111112", f"services row 1: delivery_days is 1111112, expected {MASK}"),
    ("orders", 1, "deliver_by", "2026-02-30", f"orders row 1: deliver_by is 2026-02-30, expected {DAY}"),
    ("orders", 1, "deliver_by", "20260105", f"orders row 1: deliver_by is 20260105, expected {DAY}"),
    ("closures", 1, "date", "01/19/2026", f"closures row 1: date is 01/19/2026, expected {DAY}"),
    ("closures", 1, "date", None, f"closures row 1: date is empty, expected {DAY}"),
    ("orders", 1, "region", LONG, f"orders row 1: region is {SHOWN}, expected {TEXT}"),
    ("services", 1, "carrier", LONG, f"services row 1: carrier is {SHOWN}, expected {TEXT}"),
    ("services", 1, "carrier", "", f"services row 1: carrier is empty, expected {TEXT}"),
    (
        "nodes",
        1,
        "capabilities",
        "cold\ttall",
        f'nodes row 1: capabilities is "cold\\ttall", expected {WORDS}',
    ),
    ("stock", 2, "node_id", "N9", "stock row 2: node_id is N9, expected a node_id of nodes"),
    ("stock", 3, "sku", "7", "stock row 3: sku is 7, expected a sku of items"),
    ("bands", 2, "service_id", "air", "bands row 2: service_id is air, expected a service_id of services"),
    ("lanes", 1, "node_id", "n1", "lanes row 1: node_id is n1, expected a node_id of nodes"),
    ("lanes", 1, "service_id", "air", "lanes row 1: service_id is air, expected a service_id of services"),
    ("rates", 1, "service_id", "air", "rates row 1: service_id is air, expected a service_id of services"),
    ("rates", 1, "max_weight_g", 0, "rates row 1: max_weight_g is 0, expected an integer from 1"),
    (
        "service_capacity",
        1,
        "node_id",
        "N9",
        "service_capacity row 1: node_id is N9, expected a node_id of nodes",
    ),
    ("used", 2, "service_id", "air", "used row 2: service_id is air, expected a service_id of services"),
    ("used", 1, "node_id", "N9", "used row 1: node_id is N9, expected a node_id of nodes"),
    ("closures", 1, "node_id", "N9", "closures row 1: node_id is N9, expected a node_id of nodes"),
    ("lines", 3, "order_id", "O9", "lines row 3: order_id is O9, expected an order_id of orders"),
    ("lines", 3, "sku", "07", "lines row 3: sku is 07, expected a sku of items"),
    ("orders", 1, "only_nodes", "N1  N7 N8", "orders row 1: only_nodes is N7, expected a node_id of nodes"),
    ("orders", 2, "not_nodes", "N3", "orders row 2: not_nodes is N3, expected a node_id of nodes"),
    (
        "closures",
        1,
        "service_id",
        "ground",
        "closures row 1: both node_id and service_id, expected exactly one of node_id and service_id",
    ),
    (
        "closures",
        2,
        "service_id",
        None,
        "closures row 2: neither of node_id and service_id, expected exactly one of node_id and service_id",
    ),
    ("items", 2, "sku", "007", "items row 2: sku is 007, expected a key that is not in row 1 already"),
    (
        "stock",
        2,
        "available_on",
        None,
        "stock row 2: node_id, sku, available_on is N1, 007, empty, expected a key that is not in row 1 already",
    ),
    (
        "bands",
        2,
        "max_km",
        100.5,
        "bands row 2: service_id, max_km is ground, 100.5, expected a key that is not in row 1 already",
    ),
    (
        "used",
        2,
        "service_id",
        None,
        "used row 2: node_id, service_id, date is N1, empty, 2026-01-05, expected a key that is not in row 1 already",
    ),
    (
        "lines",
        2,
        "line_id",
        "1",
        "lines row 2: order_id, line_id is O1, 1, expected a key that is not in row 1 already",
    ),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("table", "row", "column", "value", "message"), IN_EVERY_FORM)
def test_one_wrong_value_gives_one_message_in_every_form(
    tmp_path: Path, form: str, table: str, row: int, column: str, value: Any, message: str
) -> None:
    """One wrong value gives the same message, whichever form it came in."""
    document = small_document()
    document[table][row - 1][column] = value
    if (table, column) == ("items", "sku"):
        expected = [message, "stock row 3: sku is NA, expected a sku of items"]
        expected.append("lines row 2: sku is NA, expected a sku of items")
        assert sorted(messages(write_form(tmp_path, document, form))) == sorted(expected)
        return
    assert messages(write_form(tmp_path, document, form)) == [message]


@pytest.mark.parametrize("form", FORMS)
def test_a_node_id_with_white_space_is_refused(tmp_path: Path, form: str) -> None:
    """A node_id with white space of any kind is refused: only_nodes could not name it."""
    document = small_document()
    for name in ("a b", "a\u00a0b", "a\u3000b"):
        document["nodes"].append({"node_id": name, "kind": "dc", "lat": 1, "lon": 1})
    assert messages(write_form(tmp_path, document, form)) == [
        f"nodes row 3: node_id is a b, expected {WORD}",
        f'nodes row 4: node_id is "a\\u00a0b", expected {WORD}',
        f'nodes row 5: node_id is "a\\u3000b", expected {WORD}',
    ]


@pytest.mark.parametrize("form", FORMS)
def test_a_closure_that_repeats_is_a_duplicate(tmp_path: Path, form: str) -> None:
    """All columns of closures are its key, null being a value like any other."""
    document = small_document()
    document["closures"] += [{"date": "2026-01-19", "service_id": "ground"}]
    assert messages(write_form(tmp_path, document, form)) == [
        "closures row 3: date, node_id, service_id is 2026-01-19, empty, ground, "
        "expected a key that is not in row 2 already"
    ]


@pytest.mark.parametrize("form", FORMS)
def test_a_key_met_three_times_names_the_first(tmp_path: Path, form: str) -> None:
    """Each repeat of a key names the row that had it first."""
    document = small_document()
    document["orders"] += [{**document["orders"][1]}, {**document["orders"][1]}]
    expected = "expected a key that is not in row 2 already"
    assert messages(write_form(tmp_path, document, form)) == [
        f"orders row 3: order_id is O2, {expected}",
        f"orders row 4: order_id is O2, {expected}",
    ]


@pytest.mark.parametrize("form", FORMS)
def test_all_faults_come_together_in_the_order_of_tables_and_rows(tmp_path: Path, form: str) -> None:
    """All faults of a batch are reported at once, the policy's first, then table by table and row by row."""
    document = small_document()
    document["policy"]["horizon_days"] = 0
    document["nodes"][1]["lat"] = 91.5
    document["nodes"][0]["lon"] = 181.5
    document["lines"][2]["quantity"] = 0
    document["lines"][0]["sku"] = "none"
    document["rates"][0]["cents"] = -1
    assert messages(write_form(tmp_path, document, form)) == [
        "policy: horizon_days is 0, expected an integer from 1",
        "nodes row 1: lon is 181.5, expected a number from -180 to 180",
        "nodes row 2: lat is 91.5, expected a number from -90 to 90",
        "rates row 1: cents is -1, expected an integer from 0",
        "lines row 1: sku is none, expected a sku of items",
        "lines row 3: quantity is 0, expected an integer from 1",
    ]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_absent_columns_and_unknown_columns(tmp_path: Path, form: str) -> None:
    """A required column that is absent, and a column that is unknown, are one fault each."""
    document = small_document()
    document["items"] = [{"sku": row["sku"], "colour": "red"} for row in document["items"]]
    assert messages(write_form(tmp_path, document, form)) == [
        "items: colour is an unknown column, expected one of sku, weight_g, volume_cm3, value_cents, requires",
        "items: weight_g is absent, expected an integer from 1",
    ]


def test_absent_and_unknown_names_in_json(tmp_path: Path) -> None:
    """In JSON a missing name is an empty value of its row; an unknown one is reported once."""
    document = small_document()
    document["items"] = [{"sku": row["sku"], "colour": "red"} for row in document["items"]]
    assert messages(write_form(tmp_path, document, "json")) == [
        "items row 1: colour is an unknown column, expected one of sku, weight_g, volume_cm3, value_cents, requires",
        "items row 1: weight_g is empty, expected an integer from 1",
        "items row 2: weight_g is empty, expected an integer from 1",
    ]


@pytest.mark.parametrize("form", FORMS)
def test_a_missing_table_is_one_fault(tmp_path: Path, form: str) -> None:
    """A missing required table is one fault; what refers to it is not judged."""
    document = small_document()
    del document["items"], document["bands"]
    wanted = "a list of objects" if form == "json" else "items.parquet or items.csv"
    assert messages(write_form(tmp_path, document, form)) == [f"items: missing, expected {wanted}"]
