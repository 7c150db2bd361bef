"""Tests of what JSON can get wrong: types, repeated names, the policy, texts that are no document."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from engine.documents import parse_batch
from engine.errors import InputError
from tests.engine.small_batch import small_document

DAY = "a date such as 2026-01-31"
INSTANT = "a date and time with offset such as 2026-01-31T09:00:00-05:00"
TEXT = "text of 1 to 128 characters"
UP_TO = "an integer up to 2147483647"
TABLES = "nodes, stock, items, services, bands, lanes, rates, service_capacity, closures, used, orders, lines"


def faults(data: Any) -> list[str]:
    """Return the messages about a document, which has to have some."""
    with pytest.raises(InputError) as caught:
        parse_batch(data)
    return [fault.message for fault in caught.value.faults]


def text_with(table: str, row: int, column: str, raw: str) -> str:
    """Return the small batch as JSON text, one value replaced by raw text."""
    document = small_document()
    document[table][row - 1][column] = "@@"
    return json.dumps(document).replace('"@@"', raw)


@pytest.mark.parametrize(
    ("table", "column", "raw", "value", "expected"),
    [
        ("lines", "quantity", "5000.5", "5000.5", "an integer from 1"),
        ("lines", "quantity", "5.0", "5.0", "an integer from 1"),
        ("lines", "quantity", "1e3", "1000.0", "an integer from 1"),
        ("lines", "quantity", '"5"', '"5"', "an integer from 1"),
        ("lines", "quantity", "true", "true", "an integer from 1"),
        ("lines", "quantity", "[1]", "a list", "an integer from 1"),
        ("lines", "quantity", '{"a": 1}', "an object", "an integer from 1"),
        ("lines", "quantity", "NaN", "nan", "an integer from 1"),
        ("lines", "quantity", "9" * 5000, "a huge integer", UP_TO),
        ("lines", "quantity", "9" * 30, "9" * 30, UP_TO),
        ("lines", "quantity", '""', "empty", "an integer from 1"),
        ("lines", "sku", "7", "7", TEXT),
        ("lines", "sku", "false", "false", TEXT),
        ("orders", "lat", "NaN", "nan", "a number from -90 to 90"),
        ("orders", "lat", "-Infinity", "-inf", "a number from -90 to 90"),
        ("orders", "lat", "1e999", "inf", "a number from -90 to 90"),
        ("orders", "lat", '"41.5"', '"41.5"', "a number from -90 to 90"),
        ("orders", "lat", "true", "true", "a number from -90 to 90"),
        ("bands", "max_km", "Infinity", "inf", "a number above 0"),
        ("bands", "max_km", "1" * 400, "a huge integer", "a number above 0"),
        ("orders", "held", "1", "1", "true or false"),
        ("orders", "held", '"true"', '"true"', "true or false"),
        ("orders", "deliver_by", "20260105", "20260105", DAY),
        ("orders", "deliver_by", '"2026-01-05T00:00:00"', "2026-01-05T00:00:00", DAY),
        ("orders", "region", r'"\ud800"', r'"\ud800"', "Unicode text"),
        ("nodes", "working_days", "1111100", "1111100", "seven 0 or 1, Monday first"),
    ],
)
def test_a_wrong_type_is_refused(table: str, column: str, raw: str, value: str, expected: str) -> None:
    """A value of the wrong JSON type is refused, and the message shows it as it stands."""
    assert faults(text_with(table, 1, column, raw)) == [f"{table} row 1: {column} is {value}, expected {expected}"]


@pytest.mark.parametrize(
    ("field", "raw", "value", "expected"),
    [
        ("horizon_days", "0", "0", "an integer from 1"),
        ("horizon_days", "1.0", "1.0", "an integer from 1"),
        ("max_shipments", "true", "true", "an integer from 0"),
        ("split_cents", '"5"', '"5"', "an integer from 0"),
        ("split_cents", "1e3", "1000.0", "an integer from 0"),
        ("late_cents_per_day", "-1", "-1", "an integer from 0"),
        ("unallocated_cents", "2147483648", "2147483648", UP_TO),
        ("unallocated_value_bp", "9" * 5000, "a huge integer", UP_TO),
        ("unallocated_value_bp", "NaN", "nan", "an integer from 0"),
        ("dim_cm3_per_kg", "0", "0", "an integer from 1"),
        ("carbon_cents_per_kg", "[]", "a list", "an integer from 0"),
        ("allow_line_split", "0", "0", "true or false"),
        ("max_distance_km", "0", "0", "a number above 0"),
        ("max_distance_km", "Infinity", "inf", "a number above 0"),
        ("max_distance_km", "9" * 5000, "a huge integer", "a number above 0"),
        ("as_of", '"2026-01-05"', "2026-01-05", INSTANT),
        ("as_of", '"2026-01-05T09:00:00"', "2026-01-05T09:00:00", INSTANT),
        ("as_of", '"2026-02-30T09:00:00Z"', "2026-02-30T09:00:00Z", INSTANT),
        ("as_of", '"2026-01-05T09:00:00.1234567Z"', "2026-01-05T09:00:00.1234567Z", INSTANT),
        ("as_of", '"0001-01-01T00:00:00+14:00"', "0001-01-01T00:00:00+14:00", INSTANT),
        ("as_of", "1767600000", "1767600000", INSTANT),
        ("as_of", '""', "empty", INSTANT),
        ("as_of", "null", "empty", INSTANT),
    ],
)
def test_a_wrong_policy_field_is_refused(field: str, raw: str, value: str, expected: str) -> None:
    """A policy field of the wrong type or range is refused under its name."""
    document = small_document()
    document["policy"][field] = "@@"
    text = json.dumps(document).replace('"@@"', raw)
    assert faults(text) == [f"policy: {field} is {value}, expected {expected}"]


def test_policy_fields_missing_and_unknown() -> None:
    """A policy without as_of, with a field that is unknown: two faults, each with its name."""
    document = small_document()
    document["policy"] = {"as_off": 1}
    assert sorted(faults(document)) == [
        "policy: as_of is absent, expected " + INSTANT,
        "policy: as_off is an unknown field, expected one of as_of, horizon_days, max_shipments, "
        "allow_line_split, split_cents, late_cents_per_day, unallocated_cents, unallocated_value_bp, "
        "max_distance_km, dim_cm3_per_kg, carbon_cents_per_kg",
    ]


def test_null_and_empty_text_mean_the_default() -> None:
    """A null and an empty text mean the default, in the policy and in columns of every kind."""
    document = small_document()
    document["policy"] = {"as_of": "2026-01-05T09:00:00Z", "max_shipments": None, "split_cents": ""}
    columns = ["shipments_per_day", "cutoff", "timezone", "working_days", "offline", "capabilities"]
    for name in columns:
        document["nodes"][0][name] = ""
        document["nodes"][1][name] = None
    batch = parse_batch(document)
    assert (batch.policy.max_shipments, batch.policy.split_cents) == (2, 0)
    defaults = dict(zip(columns, [None, "17:00", "UTC", "1111100", False, ""], strict=True))
    assert batch["nodes"].select(columns).to_pylist() == [defaults, defaults]


def test_the_instant_keeps_offset_and_microseconds() -> None:
    """as_of keeps its microseconds and its offset."""
    as_of = parse_batch(small_document()).policy.as_of
    assert as_of == datetime(2026, 1, 5, 9, 0, 0, 123456, timezone(timedelta(hours=-5)))
    assert as_of.utcoffset() == timedelta(hours=-5)


def test_repeated_names_are_refused() -> None:
    """A name that stands twice in an object is refused, wherever the object is."""
    text = json.dumps(small_document())
    assert faults(text.replace('"line_id": "2"', '"line_id": "2", "line_id": "2"')) == [
        "lines row 2: line_id is given twice, expected each name once"
    ]
    assert faults(text.replace('"horizon_days": 2', '"horizon_days": 2, "horizon_days": 3')) == [
        "policy: horizon_days is given twice, expected each name once"
    ]
    assert faults(text[:-1] + ', "lanes": []}') == ["batch: lanes is given twice, expected each name once"]


def test_tables_of_the_wrong_shape() -> None:
    """A table that is no list, a row that is no object, and a table that is unknown are refused."""
    document = small_document()
    document["bands"] = {"zone": "1"}
    document["lanes"] = "none"
    document["used"] += [5, None, ["x"]]
    document["colour"] = []
    document["rates"] = None
    assert faults(document) == [
        "bands: an object, expected a list of objects",
        'lanes: "none", expected a list of objects',
        "rates: missing, expected a list of objects",
        "used row 3: 5, expected an object",
        "used row 4: empty, expected an object",
        "used row 5: a list, expected an object",
        f"colour: unknown table, expected one of {TABLES}",
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "batch: Expecting value in line 1, column 1, expected JSON"),
        (b'{"policy": ', "batch: Expecting value in line 1, column 12, expected JSON"),
        (b"[1, 2]", "batch: a list, expected a JSON object"),
        (b'"text"', 'batch: "text", expected a JSON object'),
        (b"null", "batch: empty, expected a JSON object"),
        (b'{"a": "\xff"}', "batch: byte 0xff at 7, expected UTF-8 text"),
        (b"[" * 200_000, "batch: values nested too deeply, expected an object of tables"),
        (b'{"a":' * 200_000, "batch: values nested too deeply, expected an object of tables"),
        (bytes(range(256)), "batch: byte 0x80 at 128, expected UTF-8 text"),
    ],
)
def test_what_is_no_document_is_refused(data: bytes, message: str) -> None:
    """Text that is no JSON object is one fault, never a traceback."""
    assert faults(data) == [message]


def test_an_empty_document_lists_what_is_missing() -> None:
    """An empty object lacks the policy and the required tables, and no optional one."""
    assert faults({}) == ["policy: missing, expected an object"] + [
        f"{name}: missing, expected a list of objects"
        for name in ("nodes", "stock", "items", "services", "rates", "orders", "lines")
    ]


def test_a_nested_value_deep_in_a_cell_is_a_fault_of_its_row() -> None:
    """A deeply nested value in a cell is refused like any other wrong type."""
    assert faults(text_with("lines", 3, "sku", "[" * 300 + "]" * 300)) == [
        f"lines row 3: sku is a list, expected {TEXT}"
    ]


def test_a_dict_may_hold_what_json_cannot() -> None:
    """A document given as a dict is held to the types of JSON."""
    document = small_document()
    document["lines"][0]["quantity"] = 10**6000
    document["lines"][1]["quantity"] = object
    document["orders"][0]["lat"] = -(10**6000)
    assert faults(document) == [
        "orders row 1: lat is a huge integer, expected a number from -90 to 90",
        "lines row 1: quantity is a huge integer, expected an integer up to 2147483647",
        "lines row 2: quantity is <class 'object'>, expected an integer from 1",
    ]
    document = small_document()
    document["policy"] |= {"split_cents": 10**6000, "max_distance_km": 10**6000}
    assert faults(document) == [
        "policy: split_cents is a huge integer, expected an integer up to 2147483647",
        "policy: max_distance_km is a huge integer, expected a number above 0",
    ]
