"""Tests that wrong scenarios are refused, with all their faults: file, edit, field, value, what was expected."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine import InputError, parse_batch
from engine.scenario import apply_scenario, parse_scenario, read_scenario, read_scenarios
from tests.engine.small_batch import small_document

TOML = """
description = "two days without ground"

[[edits]]
edit = "close_service"
service_ids = ["ground"]
first = 2026-01-07
last = 2026-01-08

[[edits]]
edit = "set_policy"
policy = { split_cents = 300, as_of = 2026-01-05T10:00:00-05:00 }
"""


def faults(document: Any) -> list[str]:
    """What is wrong with a scenario, which has to be something."""
    with pytest.raises(InputError) as caught:
        parse_scenario(document, "s.json")
    return [fault.message for fault in caught.value.faults]


def refused(*edits: dict[str, Any]) -> list[str]:
    """What the small batch has against some edits."""
    with pytest.raises(InputError) as caught:
        apply_scenario(parse_batch(small_document()), parse_scenario({"name": "s", "edits": list(edits)}))
    return [fault.message for fault in caught.value.faults]


def test_toml_and_json_mean_the_same(tmp_path: Path) -> None:
    """Tests that a scenario reads the same from TOML and from the JSON document that it becomes."""
    (tmp_path / "strike.toml").write_text(TOML)
    scenario = read_scenario(tmp_path / "strike.toml")
    assert scenario.name == "strike"
    (tmp_path / "again.json").write_text(json.dumps(scenario.to_document()))
    again = read_scenario(tmp_path / "again.json")
    assert again.to_document() == scenario.to_document()
    batch = parse_batch(small_document())
    first, second = apply_scenario(batch, scenario), apply_scenario(batch, again)
    assert first.policy == second.policy and first.policy.as_of.isoformat() == "2026-01-05T10:00:00-05:00"
    assert first["closures"].equals(second["closures"]) and first["closures"].num_rows == 4


def test_every_fault_of_a_document() -> None:
    """Tests that each fault of form is reported with its edit, all at once."""
    document = {
        "name": "a b",
        "edits": [
            {"edit": "close"},
            {"edit": "close_node"},
            {"edit": "open_node", "node_id": 5, "note": ""},
            {"edit": "scale_demand", "pct": "120"},
            {"edit": "scale_stock", "pct": 100.005},
            {"edit": "set_capacity", "node_id": "N1"},
            {"edit": "close_service", "service_ids": ["g", "g"], "first": "2026-02-30", "last": "2026-03-01"},
            {"edit": "close_node", "node_id": "N1", "first": "2026-03-02", "last": "2026-03-01"},
            {"edit": "add_node", "node": {"node_id": "x", "working_days": "11"}},
            {"edit": "scale_demand", "pct": 1, "orders": 5},
            7,
        ],
    }
    names = "close_node, open_node, add_node, move_stock, scale_stock, set_capacity, scale_capacity, scale_rates, "
    names += "add_transit_days, close_service, scale_demand, force_nodes, forbid_nodes, set_policy"
    assert faults(document) == [
        's.json: name is "a b", expected 1 to 64 letters, digits, dots, dashes and underscores, the first no dot '
        "or dash",
        f's.json edit 1: edit is "close", expected one of {names}',
        "s.json edit 2: node_id is absent, expected a value",
        "s.json edit 3: node_id is 5, expected a valid string",
        "s.json edit 3: note is an unknown field, expected a field of this edit",
        's.json edit 4: pct is "120", expected a valid number',
        "s.json edit 5: pct is 100.005, expected a percentage of at most two decimals",
        "s.json edit 6: set_capacity, expected either shipments_per_day, units_per_day or both, or hours with a rate "
        "per hour",
        "s.json edit 7: service_ids is a list, expected a list in which nothing is named twice",
        's.json edit 7: first is "2026-02-30", expected a date such as 2026-01-31',
        "s.json edit 8: close_node, expected last to be from 0 to 365 days after first",
        's.json edit 9: node.working_days is "11", expected seven 0 or 1, Monday first',
        "s.json edit 10: orders is 5, expected a table of fields",
        "s.json edit 11: 7, expected an edit: a table with edit, and what that needs",
    ]
    assert faults({"name": "x", "edit": []}) == [
        "s.json: edits is absent, expected a value",
        "s.json: edit is an unknown field, expected name, description and edits",
    ]


def test_unknown_targets() -> None:
    """Tests that what an edit names has to be there: nodes, items, services, orders, regions, policy fields."""
    assert refused(
        {"edit": "close_node", "node_id": "N9"},
        {"edit": "add_node", "node": {"node_id": "N1"}, "like": "N2"},
        {"edit": "add_node", "node": {"node_id": "N3"}, "like": "N9"},
        {"edit": "move_stock", "from_node": "N1", "to_node": "N9", "pct": 1},
        {"edit": "move_stock", "from_node": "N1", "to_node": "N2", "units": 11},
        {"edit": "move_stock", "from_node": "N1", "to_node": "N2", "units": 1, "items": {"skus": ["007", "NA"]}},
        {"edit": "scale_stock", "pct": 1, "items": {"sku_prefix": "x"}},
        {"edit": "scale_rates", "pct": 1, "service_ids": ["air"]},
        {"edit": "add_transit_days", "days": 1, "carriers": ["Ox"]},
        {"edit": "set_capacity", "node_id": "N1", "service_id": "air", "shipments_per_day": 1},
        {"edit": "scale_demand", "pct": 1, "orders": {"order_ids": ["O1", "O9"]}},
        {"edit": "scale_demand", "pct": 1, "orders": {"regions": ["XX"]}},
        {"edit": "forbid_nodes", "node_ids": ["N1"], "orders": {"deliver_from": "2026-02-01"}},
        {"edit": "set_policy", "policy": {"split": 3, "split_cents": -1}},
    ) == [
        "s edit 1: node_id is N9, expected a node_id of nodes",
        "s edit 2: node.node_id is N1, expected one that nodes do not have yet",
        "s edit 3: like is N9, expected a node_id of nodes",
        "s edit 4: to_node is N9, expected a node_id of nodes",
        "s edit 5: units is 11, expected up to 10, what is free of 007",
        "s edit 6: items.skus is NA, expected a sku that has stock there",
        "s edit 7: items.sku_prefix is x, expected what a sku of items begins with",
        "s edit 7: items is no stock row, expected stock of these items at these nodes",
        "s edit 8: service_ids is air, expected a service_id of services",
        "s edit 9: carriers is Ox, expected a carrier of services",
        "s edit 10: service_id is air, expected a service_id of services",
        "s edit 11: orders.order_ids is O9, expected an order_id of orders",
        "s edit 12: orders.regions is XX, expected a region of orders",
        "s edit 12: orders is a selection of no order, expected one of at least one order",
        "s edit 13: orders is a selection of no order, expected one of at least one order",
        "s edit 14: policy.split_cents is -1, expected an integer from 0",
        "s edit 14: policy.split is an unknown field, expected one of as_of, horizon_days, max_shipments, "
        "allow_line_split, split_cents, late_cents_per_day, unallocated_cents, unallocated_value_bp, max_distance_km, "
        "dim_cm3_per_kg, carbon_cents_per_kg",
    ]


def test_what_makes_no_batch() -> None:
    """Tests that values which only the whole batch can judge are blamed on the edit that made them."""
    ok = {"edit": "scale_stock", "pct": 100_000}
    node = {"node_id": "a b", "kind": "dc", "lat": 1, "lon": 2, "timezone": "Mars"}
    assert refused(ok, ok, ok, {"edit": "add_node", "node": node}) == [
        "s edit 3 makes stock row 1: on_hand is 5000000000, expected an integer up to 2147483647",
        "s edit 3 makes stock row 2: on_hand is 5000000000, expected an integer up to 2147483647",
    ]
    assert refused({"edit": "add_node", "node": node}) == [
        "s edit 1 makes nodes row 3: node_id is a b, expected text of 1 to 128 characters without white space",
        "s edit 1 makes nodes row 3: timezone is Mars, expected an IANA time zone such as America/New_York",
    ]


def test_files(tmp_path: Path) -> None:
    """Tests that files that cannot be read, or share a name, are named, all of them at once."""
    (tmp_path / "a.toml").write_text("edits = [")
    (tmp_path / "b.json").write_text('{"edits": [{"edit": "open_node", "edit": "open_node", "node_id": "N1"}]}')
    (tmp_path / "c.yaml").write_text("")
    (tmp_path / "d.toml").write_text('name = "E"\nedits = []')
    (tmp_path / "e.json").write_text('{"edits": []}')
    names = ["a.toml", "b.json", "c.yaml", "d.toml", "e.json", "f.toml"]
    with pytest.raises(InputError) as caught:
        read_scenarios([tmp_path / name for name in names])
    found = {fault.table.removeprefix(f"{tmp_path}/"): fault for fault in caught.value.faults}
    assert set(found) == {"a.toml", "b.json edit 1", "c.yaml", "e.json", "f.toml"}
    assert found["a.toml"].expected == "TOML in UTF-8"
    assert found["b.json edit 1"].value == "given twice"
    assert found["e.json"].column == "name" and "d.toml" in found["e.json"].expected
    assert "No such file" in found["f.toml"].value
