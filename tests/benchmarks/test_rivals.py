"""The rivals: what they give is an allocation like any other, and each does what its product is known for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings

from benchmarks.rivals import RIVALS
from benchmarks.rivals.rule import route_by_rule
from engine import Allocation, Batch, parse_batch
from engine.check import check
from engine.generate import GenerateParams, generate
from engine.generate.loads import LoadName
from engine.rules import rule
from engine.rules.fewest import fewest_sites, n_bits
from engine.rules.known import RULES, TWO_PASS
from engine.rules.rule import Pass, Rule
from tests.drawing import Document, batches

REPEATABLE = [name for name, rival in RIVALS.items() if rival.repeatable]
PROGRAMS = [name for name, rival in RIVALS.items() if not rival.repeatable]
HERE = {"lat": 40.0, "lon": -80.0}


def faults(batch: Batch, allocation: Allocation) -> list[str]:
    """What the checker finds."""
    return [str(fault) for fault in check(batch, allocation).faults]


def searched(name: str, batch: Batch, seconds: float) -> Allocation:
    """What a program finds."""
    search = RIVALS[name].search
    assert search is not None
    return search(batch, time_limit_seconds=seconds)


def day(
    stock: dict[str, dict[str, int]],
    orders: Iterable[str],
    *,
    node: dict[str, dict[str, Any]] | None = None,
    order: dict[str, Any] | None = None,
    policy: dict[str, Any] | None = None,
    item: dict[str, Any] | None = None,
    **tables: list[Document],
) -> Batch:
    """A batch in which every parcel costs 500 cents and takes two days.

    ``stock`` tells for each node what it has; nodes are 100 km, 200 km and so on from all customers, in the order of
    their names. Each of ``orders`` is a word whose letters are the items that it wants.
    """
    kilometres = {name: 100 * (i + 1) for i, name in enumerate(sorted(stock))}
    skus = sorted({sku for has in stock.values() for sku in has} | set("".join(orders)))
    document = {
        "policy": {"as_of": "2026-03-02T09:00:00Z", "unallocated_cents": 5000, **(policy or {})},
        "nodes": [
            {"node_id": name, "kind": "dc", "lat": 40.0 + kilometres[name] / 111.2, "lon": -80.0}
            | (node or {}).get(name, {})
            for name in stock
        ],
        "stock": [
            {"node_id": name, "sku": sku, "on_hand": on_hand}
            for name, has in stock.items()
            for sku, on_hand in has.items()
        ],
        "items": [{"sku": sku, "weight_g": 500, **(item or {})} for sku in skus],
        "services": [{"service_id": "ground", "carrier": "acme", "delivery_days": "1111111"}],
        "bands": [{"service_id": "ground", "max_km": 9000, "zone": "all", "transit_days": 2}],
        "rates": [{"service_id": "ground", "zone": "all", "max_weight_g": 30_000, "cents": 500}],
        "orders": [{"order_id": f"{i}{word}", **HERE, **(order or {})} for i, word in enumerate(orders)],
        "lines": [
            {"order_id": f"{i}{word}", "line_id": f"{j}", "sku": sku, "quantity": 1}
            for i, word in enumerate(orders)
            for j, sku in enumerate(word)
        ],
        **tables,
    }
    return parse_batch(document)


def served(batch: Batch, route: str | Rule, **how: bool) -> list[str]:
    """For each order the nodes of its lines, line by line, ``-`` for a line that is left; checked first."""
    allocation = RIVALS[route].route(batch, **how) if isinstance(route, str) else route_by_rule(batch, route, **how)
    assert faults(batch, allocation) == []
    node_of = {
        (row["order_id"], row["line_id"]): row["node_id"] for row in allocation.tables["allocations"].to_pylist()
    }
    words: dict[str, str] = {}
    for line in batch["lines"].to_pylist():
        order_id = line["order_id"]
        words[order_id] = words.get(order_id, "") + node_of.get((order_id, line["line_id"]), "-")
    return list(words.values())


@pytest.mark.parametrize("load", get_args(LoadName))
@pytest.mark.parametrize("name", RIVALS)
def test_every_rival_passes_the_checker(name: str, load: LoadName) -> None:
    """Tests that a rival's allocation of a realistic day holds all rules and states its costs to the cent."""
    batch = generate(GenerateParams(load=load, n_orders=150, n_nodes=24, n_skus=60, seed=3))
    route, search = RIVALS[name].route, RIVALS[name].search
    if search is None:
        allocations = [route(batch, leave_if_dearer=leave) for leave in (True, False)]
    else:
        allocations = [search(batch, time_limit_seconds=1.5)]
    for allocation in allocations:
        assert faults(batch, allocation) == []
        assert allocation.summary["counts"]["orders_allocated"] > (30 if load == "basket" else 100)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(batches())
def test_rules_pass_the_checker_on_odd_batches(drawn: Document) -> None:
    """Tests all rules on drawn batches: dated stock, several ship dates, groups, splits, closures, capabilities."""
    batch = parse_batch(drawn)
    for each in RULES:
        for leave_if_dearer in (True, False):
            assert faults(batch, route_by_rule(batch, each, leave_if_dearer=leave_if_dearer)) == []


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(batches())
def test_the_programs_pass_the_checker_on_odd_batches(drawn: Document) -> None:
    """Tests the integer programs on drawn batches: no dearer than the rule they start from, and the two agree."""
    batch = parse_batch(drawn)
    found = [searched(name, batch, 10.0) for name in PROGRAMS]
    assert [faults(batch, allocation) for allocation in found] == [[], []]
    least = min(route_by_rule(batch, each).summary["objective_cents"] for each in RULES)
    assert found[0].summary["objective_cents"] == found[1].summary["objective_cents"] <= least


@pytest.mark.parametrize("load", ["calm", "peak", "flash"])
def test_the_programs_agree_at_their_end(load: LoadName) -> None:
    """Tests that HiGHS and CP-SAT, each at its end, have found the same optimum of the same program."""
    batch = generate(GenerateParams(load=load, n_orders=150, n_nodes=24, n_skus=60, seed=3))
    first, second = (searched(name, batch, 30.0).summary for name in PROGRAMS)
    assert first["termination"] == second["termination"] == "stalled"
    assert first["objective_cents"] == second["objective_cents"]


def test_a_program_that_time_ends_says_so() -> None:
    """Tests the time limit: a program with no time to search gives the best rule's allocation, and names the reason."""
    batch = generate(GenerateParams(load="basket", n_orders=150, n_nodes=24, n_skus=60, seed=3))
    least = min(route_by_rule(batch, each).summary["objective_cents"] for each in RULES)
    summary = searched("one_shot_cpsat", batch, 0.001).summary
    assert (summary["termination"], summary["objective_cents"]) == ("time_limit", least)


@pytest.mark.parametrize("name", REPEATABLE)
def test_same_batch_gives_the_same_allocation(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that a rule decides the same again, also where visits are listed for a few orders at a time."""
    batch = generate(GenerateParams(load="peak", n_orders=200, n_nodes=20, n_skus=40, seed=5))
    first = RIVALS[name].route(batch)
    monkeypatch.setattr(rule, "ORDERS_PER_RUN", 7)
    again = RIVALS[name].route(batch)
    assert all(first[table].equals(again[table]) for table in first.tables)
    assert first.summary["terms"] == again.summary["terms"]


@pytest.mark.parametrize("name", RIVALS)
def test_rivals_name_the_product_they_follow(name: str) -> None:
    """Tests that a rival is listed under its name, and that its docstring names every product it restates."""
    rival = RIVALS[name]
    assert rival.name == name
    if name != "cheapest_feasible":
        products = [part.split(",")[0].split()[0] for part in rival.product.split(";")]
        assert all(product in (rival.route.__doc__ or "") for product in products)


def test_nearest_node_takes_each_line_from_the_nearest_that_has_it() -> None:
    """Tests distance priority: the nearer node serves though it is dearer, and what it lacks comes from the next."""
    batch = day({"A": {"x": 1}, "B": {"x": 1, "y": 1}, "C": {"x": 9, "y": 9}}, ["xy", "x"], node=dear("A"))
    assert served(batch, "nearest_node") == ["AB", "B"]


def test_last_shipment_goes_to_the_node_with_most_of_the_rest() -> None:
    """Tests that the limit on shipments is kept so that few lines are lost: B, though nearer, has only one of two."""
    batch = day({"A": {"x": 1}, "B": {"y": 1}, "C": {"y": 1, "z": 1}}, ["xyz"])
    assert served(batch, "nearest_node") == ["ACC"]
    batch = day({"A": {"x": 1}, "B": {"y": 1}, "C": {"y": 1, "z": 1}}, ["xyz"], policy={"max_shipments": 3})
    assert served(batch, "nearest_node") == ["ABC"]


def test_priority_order_follows_the_nodes_table() -> None:
    """Tests source priority: the first node of the table serves while it has stock, wherever it is."""
    batch = day({"C": {"x": 1}, "B": {"x": 1}, "A": {"x": 1}}, ["x", "x", "x", "x"])
    assert served(batch, "priority_order") == ["C", "B", "A", "-"]


def test_most_stock_first_takes_from_the_fullest_node() -> None:
    """Tests high stock: counted when the order's turn comes, over what it wants, the nearer first among equals."""
    batch = day({"A": {"x": 2, "y": 9}, "B": {"x": 3}}, ["x", "x", "x", "x"])
    assert served(batch, "most_stock_first") == ["B", "A", "B", "A"]


def test_fewest_splits_prefers_one_far_node_to_two_near_ones() -> None:
    """Tests fewest splits: one node before two, the nearest of those that need as many."""
    stock = {"A": {"x": 2}, "B": {"y": 2}, "C": {"x": 1, "y": 1}, "D": {"x": 1, "y": 1}, "E": {"x": 9, "y": 0}}
    batch = day(stock, ["xy", "xy", "xy"])
    assert served(batch, "fewest_splits_then_nearest") == ["CC", "DD", "AB"]


def test_fewest_splits_takes_most_lines_where_no_set_has_all() -> None:
    """Tests that of an order which needs more shipments than it may have, as many lines as possible are served."""
    batch = day({"A": {"w": 1}, "B": {"x": 1}, "C": {"y": 1, "z": 1}}, ["wxyz"])
    assert served(batch, "fewest_splits_then_nearest") == ["A-CC"]
    batch = day({"A": {"w": 1}, "B": {"x": 1}, "C": {"y": 1, "z": 1}}, ["wxyz"], order={"ship_complete": True})
    assert served(batch, "fewest_splits_then_nearest") == ["----"]


def test_single_node_else_multi_by_distance() -> None:
    """Tests the two rules in turn: the nearest node that has all; where there is none, node after node by distance."""
    batch = day({"A": {"x": 2}, "B": {"x": 1, "y": 2}, "C": {"x": 1, "y": 1}}, ["xy", "xy", "xy"])
    assert served(batch, "single_node_else_multi_by_distance") == ["BB", "CC", "AB"]


def test_cheapest_feasible_takes_the_cheapest_that_is_left() -> None:
    """Tests greedy routing by cost: the cheapest node first, though farther, then the next."""
    batch = day({"A": {"x": 9}, "B": {"x": 1}}, ["x", "x"], node=dear("A"))
    assert served(batch, "cheapest_feasible") == ["B", "A"]


def test_two_passes_serve_whole_orders_first() -> None:
    """Tests that within a batch an order from one node comes before an earlier one that needs two."""
    batch = day({"A": {"x": 1}, "B": {"y": 1}}, ["xy", "x"])
    assert served(batch, "two_pass_batches") == ["-B", "A"]
    assert served(batch, replace(TWO_PASS, batch_lines=2)) == ["AB", "-"]


def test_first_pass_is_in_time() -> None:
    """Tests that the nearest node is passed over where its parcel would come late, and taken if no other has any."""
    batch = day(
        {"A": {"x": 9}, "B": {"x": 1}},
        ["x", "x"],
        order={"deliver_by": "2026-03-05", "region": "R"},
        lanes=[{"node_id": "A", "region": "R", "service_id": "ground", "zone": "all", "transit_days": 9}],
    )
    assert served(batch, "two_pass_batches") == ["B", "A"]
    assert served(batch, "nearest_node") == ["A", "A"]


@pytest.mark.parametrize("name", ["nearest_node", "fewest_splits_then_nearest", "two_pass_batches"])
def test_dear_orders_are_left_unless_told_otherwise(name: str) -> None:
    """Tests that an order which costs more to serve than to leave is left, and shipped where nobody asks for cost."""
    batch = day({"A": {"x": 1}}, ["x"], policy={"unallocated_cents": 499})
    assert served(batch, name) == ["-"]
    assert served(batch, name, leave_if_dearer=False) == ["A"]
    batch = day({"A": {"x": 1}}, ["x"], policy={"unallocated_cents": 500})
    assert served(batch, name) == ["A"]


def test_shipments_take_the_cheapest_date_and_service() -> None:
    """Tests that a shipment waits for a day on which the cheap service has room, and takes the first of equal days."""
    services = [{"service_id": name, "carrier": "acme", "delivery_days": "1111111"} for name in ("air", "ground")]
    batch = day(
        {"A": {"x": 9}},
        ["x", "x", "x"],
        policy={"horizon_days": 2},
        services=services,
        bands=[{"service_id": s, "max_km": 9000, "zone": "all", "transit_days": 1} for s in ("air", "ground")],
        rates=[
            {"service_id": s, "zone": "all", "max_weight_g": 9000, "cents": cents}
            for s, cents in (("air", 900), ("ground", 500))
        ],
        service_capacity=[{"node_id": "A", "service_id": "ground", "shipments_per_day": 1}],
    )
    allocation = RIVALS["nearest_node"].route(batch)
    assert faults(batch, allocation) == []
    rows = allocation["shipments"].select(["service_id", "ship_date"]).to_pylist()
    assert [(row["service_id"], row["ship_date"].day) for row in rows] == [("ground", 2), ("ground", 3), ("air", 2)]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_programs_look_ahead(name: str) -> None:
    """Tests that a program keeps the only piece for a later order that would cost more to leave."""
    lines = [
        {"order_id": "0x", "line_id": "0", "sku": "x", "quantity": 1, "unallocated_cents": 600},
        {"order_id": "1x", "line_id": "0", "sku": "x", "quantity": 1, "unallocated_cents": 5000},
    ]
    batch = day({"A": {"x": 1}}, ["x", "x"], lines=lines)
    assert served(batch, "cheapest_feasible") == ["A", "-"]
    assert served(batch, name) == ["-", "A"]


def dear(node_id: str) -> dict[str, dict[str, Any]]:
    """A node with high handling costs."""
    return {node_id: {"shipment_cents": 300}}


@pytest.mark.parametrize("seed", range(100))
def test_fewest_sites_is_what_trying_all_sets_finds(seed: int) -> None:
    """Tests the search for fewest nodes against all sets: most lines, then fewest nodes, then least distance."""
    rng = np.random.default_rng(seed)
    n, n_lines, most = int(rng.integers(1, 13)), int(rng.integers(2, 7)), int(rng.integers(1, 5))
    mask = rng.integers(0, 2**n_lines, n) & rng.integers(0, 2**n_lines, n)
    metres = np.sort(rng.integers(0, 50, n))
    chosen = np.zeros(n, np.int64)
    size = fewest_sites(mask, metres, most, chosen)

    def value(sites: tuple[int, ...]) -> tuple[int, int, int]:
        lines = int(np.bitwise_or.reduce(mask[list(sites)])) if sites else 0
        return -lines.bit_count(), len(sites), int(metres[list(sites)].sum())

    everything = (sites for k in range(most + 1) for sites in combinations(range(n), k))
    assert value(tuple(chosen[:size].tolist())) == min(value(sites) for sites in everything)


def test_two_sites_at_middling_distance_beat_a_near_and_a_far_one() -> None:
    """Tests that the total distance of a set counts, not that of its nearest site."""
    chosen = np.zeros(4, np.int64)
    size = fewest_sites(np.array([0b0011, 0b0101, 0b1010, 0b1100]), np.array([0, 10, 12, 30]), 2, chosen)
    assert chosen[:size].tolist() == [1, 2]


def test_search_for_fewest_sites_ends() -> None:
    """Tests that a search with far too many sets is cut short, and then still covers what the nodes have."""
    rng = np.random.default_rng(0)
    mask = np.array([sum(1 << int(i) for i in rng.choice(40, 4, replace=False)) for _ in range(300)])
    chosen = np.zeros(300, np.int64)
    size = fewest_sites(mask, np.arange(300), 20, chosen)
    assert size <= 20
    assert np.bitwise_or.reduce(mask[chosen[:size]]) == np.bitwise_or.reduce(mask)


def test_lines_are_counted_to_the_last_bit() -> None:
    """Tests how many lines a set holds."""
    assert [n_bits(mask) for mask in (0, 1, 2**61, 2**62 - 1)] == [0, 1, 1, 62]


def test_orders_with_very_many_lines_are_walked() -> None:
    """Tests that an order with more lines than a set can hold is still served."""
    words = "".join(chr(ord("A") + i) for i in range(26)) + "".join(chr(ord("a") + i) for i in range(26)) + "0123456789"
    batch = day({"A": dict.fromkeys(words, 1), "B": {"!": 1, "?": 1}}, [words + "!?"])
    assert served(batch, "fewest_splits_then_nearest") == ["A" * 62 + "BB"]


def test_batches_hold_whole_orders_and_at_most_so_many_lines() -> None:
    """Tests how orders are put into batches: none is torn, and one that is too large stands alone."""
    line_first = np.array([0, 2, 3, 8, 9, 9, 10])
    assert rule._batches(line_first, 3).tolist() == [0, 2, 3, 6]
    assert rule._batches(line_first, 1).tolist() == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(("rank", "in_time"), [("table", False), ("distance", True)])
def test_impossible_passes_are_refused(rank: rule.Rank, in_time: bool) -> None:
    """Tests that a pass which the search for fewest nodes cannot do is refused."""
    with pytest.raises(ValueError, match="expected"):
        Pass(rank=rank, search="fewest", in_time=in_time)
