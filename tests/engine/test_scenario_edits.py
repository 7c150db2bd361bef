"""Tests each edit on one small batch: the rows that change, those that are added, and that no other does."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pyarrow.compute as pc

from engine import Batch, parse_batch
from engine.generate import GenerateParams, generate
from engine.scenario import apply_scenario, parse_scenario
from engine.scenario.demand import drawn
from engine.scenario.edits import Edit
from tests.engine.small_batch import small_document

Row = dict[str, Any]


def changed(batch: Batch, *edits: Row) -> Batch:
    """The batch that some edits make."""
    return apply_scenario(batch, parse_scenario({"name": "test", "edits": list(edits)}))


def differences(edit: Row, *before: Row) -> dict[str, tuple[list[Row], list[Row]]]:
    """By table, the rows that an edit of the small batch took away and those that it put there."""
    batch = changed(parse_batch(small_document()), *before)
    after = changed(batch, edit)
    found = {}
    for name in batch.tables:
        old, new = batch[name].to_pylist(), after[name].to_pylist()
        if old != new:
            found[name] = ([row for row in old if row not in new], [row for row in new if row not in old])
        elif batch.policy == after.policy:
            assert after[name] is batch[name] or old == new
    return found


def only(found: dict[str, tuple[list[Row], list[Row]]], table: str, *columns: str) -> tuple[list[Any], list[Any]]:
    """The differences, which are of one table, by some of its columns."""
    assert list(found) == [table]
    before, after = ([tuple(row[name] for name in columns) for row in rows] for rows in found[table])
    return before, after


def test_nodes() -> None:
    """Tests that a node is closed, for good or for days, and opened."""
    assert only(differences({"edit": "close_node", "node_id": "N1"}), "nodes", "node_id", "offline") == (
        [("N1", False)],
        [("N1", True)],
    )
    assert only(differences({"edit": "open_node", "node_id": "N2"}), "nodes", "node_id", "offline") == (
        [("N2", True)],
        [("N2", False)],
    )
    shut = {"edit": "close_node", "node_id": "N1", "first": "2026-01-18", "last": "2026-01-20"}
    days = only(differences(shut), "closures", "date", "node_id", "service_id")
    # the 19th is closed already
    assert days == ([], [(date(2026, 1, 18), "N1", None), (date(2026, 1, 20), "N1", None)])


def test_a_node_is_added() -> None:
    """Tests a new node with columns, lanes, capacity and closures of another, and a share of its stock."""
    node = {"node_id": "N3", "lat": 30, "lon": -90, "units_per_day": 9}
    found = differences({"edit": "add_node", "node": node, "like": "N1", "stock_from": "N1", "stock_pct": 50})
    assert set(found) == {"nodes", "lanes", "service_capacity", "closures", "stock"}
    assert all(before == [] for before, _ in found.values())
    (added,) = found["nodes"][1]
    assert (added["node_id"], added["kind"], added["lat"], added["units_per_day"]) == ("N3", "dc", 30.0, 9)
    assert added["capabilities"] == "cold tall"
    assert [(row["node_id"], row["region"]) for row in found["lanes"][1]] == [("N3", "PA")]
    assert [row["shipments_per_day"] for row in found["service_capacity"][1]] == [7]
    assert [row["node_id"] for row in found["closures"][1]] == ["N3"]
    stock = [(row["sku"], row["on_hand"], row["reserved"], row["available_on"]) for row in found["stock"][1]]
    assert stock == [("007", 2, 0, date(2026, 1, 9)), ("007", 2, 0, None)]
    bare = differences({"edit": "add_node", "node": {"node_id": "N3", "kind": "store", "lat": 1, "lon": 2}})
    assert list(bare) == ["nodes"] and bare["nodes"][1][0]["cutoff"] == "17:00"


def test_stock() -> None:
    """Tests that stock is moved by share and by units, to rows that are there and to new ones, and scaled."""
    by_share = {"edit": "move_stock", "from_node": "N1", "to_node": "N2", "pct": 50}
    columns = ("node_id", "sku", "available_on", "on_hand")
    before, after = only(differences(by_share), "stock", *columns)
    first, later = (None, date(2026, 1, 9))
    assert before == [("N1", "007", first, 5), ("N1", "007", later, 5)]
    assert after == [
        *[("N1", "007", first, 3), ("N1", "007", later, 3)],
        *[("N2", "007", later, 2), ("N2", "007", first, 2)],
    ]
    by_units = {"edit": "move_stock", "from_node": "N1", "to_node": "N2", "units": 7}
    _, after = only(differences(by_units, by_share | {"pct": 20}), "stock", *columns)
    assert after == [
        *[("N1", "007", first, 0), ("N1", "007", later, 1)],
        *[("N2", "007", later, 4), ("N2", "007", first, 5)],
    ]
    scaled = {"edit": "scale_stock", "pct": 150, "items": {"sku_prefix": "00"}}
    assert only(differences(scaled), "stock", "on_hand") == ([(5,), (5,)], [(8,), (8,)])
    required = {"edit": "scale_stock", "pct": 0, "items": {"requires": "cold"}}
    assert list(differences(required)) == []  # NA has nothing on hand


def test_reserved_stock_stays() -> None:
    """Tests that what is reserved is not moved."""
    document = small_document()
    document["stock"][0] |= {"reserved": 4}
    batch = changed(parse_batch(document), {"edit": "move_stock", "from_node": "N1", "to_node": "N2", "pct": 100})
    rows = {
        (row["node_id"], row["available_on"]): row["on_hand"]
        for row in batch["stock"].to_pylist()
        if row["sku"] == "007"
    }
    later = date(2026, 1, 9)
    assert rows == {("N1", None): 4, ("N1", later): 0, ("N2", None): 1, ("N2", later): 5}


def test_capacity() -> None:
    """Tests limits set, by staffing too, lifted and scaled, of nodes and of services at them."""
    node = {"edit": "set_capacity", "node_id": "N1"}
    columns = ("shipments_per_day", "units_per_day")
    assert only(differences({**node, "shipments_per_day": 10}), "nodes", *columns)[1] == [(10, None)]
    staffed = {**node, "hours": 7.75, "people": 3, "shipments_per_hour": 11, "units_per_hour": 20}
    assert only(differences(staffed), "nodes", *columns)[1] == [(255, 465)]
    lifted = {**node, "shipments_per_day": "unlimited"}
    assert only(differences(lifted, {**node, "shipments_per_day": 10}), "nodes", *columns) == (
        [(10, None)],
        [(None, None)],
    )
    fewer = {"edit": "scale_capacity", "pct": 66.67, "kinds": ["dc"]}
    assert only(differences(fewer, {**node, "shipments_per_day": 10}), "nodes", *columns)[1] == [(6, None)]
    service = {**node, "service_id": "ground"}
    assert only(differences({**service, "shipments_per_day": 2}), "service_capacity", "shipments_per_day") == (
        [(7,)],
        [(2,)],
    )
    assert only(differences({**service, "shipments_per_day": "unlimited"}), "service_capacity", "node_id") == (
        [("N1",)],
        [],
    )
    new = {**service, "node_id": "N2", "hours": 2, "shipments_per_hour": 3}
    assert only(differences(new), "service_capacity", "node_id", "shipments_per_day") == ([], [("N2", 6)])


def test_services() -> None:
    """Tests rates, transit days and days without delivery, by service and by carrier."""
    dearer = {"edit": "scale_rates", "pct": 110.1, "service_ids": ["ground"]}
    assert only(differences(dearer), "rates", "cents") == ([(500,)], [(551,)])
    slower = differences({"edit": "add_transit_days", "days": 2, "carriers": ['Ox, "Cart" & Co']})
    assert [row["transit_days"] for row in slower["bands"][1]] == [2, 5]
    assert [row["transit_days"] for row in slower["lanes"][1]] == [3]
    faster = differences({"edit": "add_transit_days", "days": -2, "service_ids": ["ground"]})
    assert [row["transit_days"] for row in faster["bands"][1]] == [1]
    strike = {"edit": "close_service", "service_ids": ["ground"], "first": "2026-01-07", "last": "2026-01-08"}
    assert only(differences(strike), "closures", "date", "service_id") == (
        [],
        [(date(2026, 1, 7), "ground"), (date(2026, 1, 8), "ground")],
    )


def test_orders_choose_nodes() -> None:
    """Tests that nodes are forced and forbidden for the orders that are meant."""
    forced = {"edit": "force_nodes", "node_ids": ["N2"], "orders": {"order_ids": ["O1"]}}
    forbidden = {"edit": "forbid_nodes", "node_ids": ["N2", "N1"], "orders": {"regions": ["PA"]}}
    columns = ("order_id", "only_nodes", "not_nodes")
    assert only(differences(forced), "orders", *columns)[1] == [("O1", "N2", "")]
    assert only(differences(forbidden), "orders", *columns)[1] == [("O2", "", "N1 N2")]
    again = {"edit": "force_nodes", "node_ids": ["N1"]}
    assert only(differences(again, forbidden), "orders", *columns)[1] == [("O1", "N1", ""), ("O2", "N1", "N2")]


def test_policy() -> None:
    """Tests that any field of the policy is changed, and a limit lifted."""
    batch = parse_batch(small_document())
    after = changed(batch, {"edit": "set_policy", "policy": {"split_cents": 7, "max_distance_km": "unlimited"}})
    assert (after.policy.split_cents, after.policy.max_distance_km) == (7, None)
    assert after.policy.as_of == batch.policy.as_of and after.policy.horizon_days == batch.policy.horizon_days
    assert all(after[name] is batch[name] for name in batch.tables)


def test_selectors() -> None:
    """Tests which orders each criterion means, alone and together with others."""
    batch = parse_batch(small_document())
    meant = {
        ("O1",): [
            {"order_ids": ["O1"]},
            {"items": {"skus": ["NA"]}},
            {"items": {"requires": "cold"}},
            {"deliver_to": "2026-01-08"},
            {"deliver_from": "2026-01-08", "items": {"sku_prefix": "0"}},
            {"near": {"lat": 41.25, "lon": -80.5, "km": 0}},
        ],
        ("O2",): [{"regions": ["PA"]}, {"near": {"lat": 40, "lon": -80, "km": 112}}],
        ("O1", "O2"): [{}, {"near": {"lat": 41, "lon": -80, "km": 60}}, {"items": {"skus": ["007"]}}],
    }
    for orders, selectors in meant.items():
        for selector in selectors:
            after = changed(batch, {"edit": "force_nodes", "node_ids": ["N2"], "orders": selector})
            rows = after["orders"].filter(pc.equal(after["orders"].column("only_nodes"), "N2"))
            assert tuple(rows.column("order_id").to_pylist()) == orders, selector


def test_demand_in_copies() -> None:
    """Tests that copies have names of their own, the same columns and lines, and come last."""
    document = small_document()
    document["orders"].append({"order_id": "O1~2", "lat": 0, "lon": 0})
    batch = changed(parse_batch(document), {"edit": "scale_demand", "pct": 300, "orders": {"order_ids": ["O1"]}})
    orders = batch["orders"].to_pylist()
    assert [row["order_id"] for row in orders] == ["O1", "O2", "O1~2", "O1~3", "O1~4"]
    copies = [row for row in orders if row["order_id"] in ("O1~3", "O1~4")]
    assert all({**row, "order_id": "O1"} == orders[0] for row in copies)
    lines = Counter(
        (row["order_id"], row["line_id"], row["sku"], row["quantity"]) for row in batch["lines"].to_pylist()
    )
    assert all(lines[name, "1", "007", 2] == lines[name, "2", "NA", 1] == 1 for name in ("O1", "O1~3", "O1~4"))
    assert sum(lines.values()) == 7
    none = changed(batch, {"edit": "scale_demand", "pct": 0})
    assert none["orders"].num_rows == none["lines"].num_rows == 0


def test_demand_by_hash() -> None:
    """Tests that draws are stable, near their share, nested, and others with another seed."""
    names = [f"o{number}" for number in range(20_000)]
    shares = {bp: drawn(names, bp, 0) for bp in (1, 1000, 3333, 9999)}
    for bp, chosen in shares.items():
        assert abs(chosen.mean() - bp / 10_000) < 0.012
    assert not (shares[1000] & ~shares[3333]).any() and not (shares[3333] & ~shares[9999]).any()
    assert 0.05 < (shares[1000] & drawn(names, 1000, 1)).mean() / 0.1 < 0.15
    # what a release changes here, every earlier scenario would draw otherwise
    assert [name for name, chosen in zip(names[:40], shares[1000]) if chosen] == GOLDEN


GOLDEN = ["o1", "o5", "o7", "o8", "o27", "o33", "o38"]


def test_demand_of_a_generated_day() -> None:
    """Tests that scaling a day scales its orders by about as much, and keeps every order's lines whole."""
    batch = generate(GenerateParams(load="peak", n_orders=2000, n_nodes=5, n_skus=30, seed=2))
    for pct in (25, 80, 120, 275.5):
        after = changed(batch, {"edit": "scale_demand", "pct": pct})
        assert abs(after["orders"].num_rows / 2000 - pct / 100) < 0.04
        assert set(after["lines"].column("order_id").to_pylist()) == set(after["orders"].column("order_id").to_pylist())
        per_line = after["lines"].num_rows / after["orders"].num_rows
        assert abs(per_line - batch["lines"].num_rows / 2000) < 0.1


def test_every_edit_is_tested() -> None:
    """Tests that the list of edits has not grown unnoticed."""
    assert len(Edit.__origin__.__args__) == 14  # type: ignore[attr-defined]
