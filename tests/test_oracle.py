"""Tests the oracle itself: every cost term, date and rule against numbers worked out by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.oracle import CONSTRAINTS, Option, features, nothing_cents, options, reasons, solve, solve_by_milp
from tests.oracle.costs import distance_metres, sellable, table_rate_cents
from tests.oracle.reading import Batch

# Tuesday noon; one degree along the equator is 6371.0088 km * pi / 180 = 111.195 km
TUESDAY = "2026-06-16T12:00:00+00:00"


def document(**changes: Any) -> dict[str, Any]:
    """One node, one service and one order of 2 units of 600 g, 111.195 km off; changes edit first rows."""
    tables: dict[str, Any] = {
        "policy": {"as_of": TUESDAY},
        "nodes": [{"node_id": "N", "kind": "dc", "lat": 0, "lon": 0}],
        "stock": [{"node_id": "N", "sku": "A", "on_hand": 10}],
        "items": [{"sku": "A", "weight_g": 600}],
        "services": [{"service_id": "S", "carrier": "c"}],
        "bands": [{"service_id": "S", "max_km": 200, "zone": "2", "transit_days": 1}],
        "rates": [
            {"service_id": "S", "zone": "2", "max_weight_g": 1000, "cents": 500},
            {"service_id": "S", "zone": "2", "max_weight_g": 5000, "cents": 900},
        ],
        "orders": [{"order_id": "O", "lat": 0, "lon": 1, "residential": False}],
        "lines": [{"order_id": "O", "line_id": "1", "sku": "A", "quantity": 2}],
    }
    for table, change in changes.items():
        if isinstance(change, list):
            tables[table] = change
        elif table == "policy":
            tables[table] |= change
        else:
            tables[table][0] |= change
    return tables


def whole(**changes: Any) -> Option:
    """The one option that ships all of the order."""
    (found,) = [option for option in options(document(**changes), "O") if not any(option.left)]
    return found


def terms(**changes: Any) -> dict[str, int]:
    """The terms of that option that are not 0."""
    return {name: cents for name, cents in whole(**changes).terms.items() if cents}


def test_plain_order_costs_its_table_rate() -> None:
    """Tests two units of 600 g: 1200 g fall into the second row, and nothing else costs anything."""
    option = whole()
    assert option.terms == {
        "freight_cents": 900,
        "handling_cents": 0,
        "preference_cents": 0,
        "split_cents": 0,
        "late_cents": 0,
        "carbon_cents": 0,
        "unallocated_cents": 0,
    }
    (shipment,) = option.shipments
    assert shipment.distance_km == 111.195
    assert (shipment.zone, shipment.weight_g) == ("2", 1200)
    assert (shipment.ship_date, shipment.deliver_date) == (date(2026, 6, 16), date(2026, 6, 17))
    assert option.cents == solve(document()).objective_cents == 900
    assert nothing_cents(document()) == 2000


def test_distance_is_rounded_to_metres() -> None:
    """Tests a degree of the equator, a quarter of a meridian, the antipode and no way at all."""
    assert distance_metres(0, 0, 0, 1) == 111_195
    assert distance_metres(0, 0, 90, 0) == 10_007_557
    assert distance_metres(0, 0, 0, 180) == 20_015_114
    assert distance_metres(40.7, -74, 40.7, -74) == 0


@pytest.mark.parametrize(
    ("weight_g", "cents"),
    [
        (1, 500),
        (1000, 500),
        (1001, 900),
        (5000, 900),
        (5001, 1400),
        (6000, 1400),
        (6001, 1800),
        (10000, 1800),
    ],
)
def test_parcels(weight_g: int, cents: int) -> None:
    """Tests rates at the edges of their rows and beyond the last: full parcels and a rest by the table."""
    assert table_rate_cents([(1000, 500), (5000, 900)], weight_g) == cents


def test_dimensional_weight_rounds_up_per_unit() -> None:
    """Tests 2501 cm3 at 5000 cm3/kg: 500.2 g, so 501 g a unit, and the heavier of both weights counts."""
    assert whole(items={"weight_g": 500, "volume_cm3": 2501}).shipments[0].weight_g == 1002
    assert whole(items={"weight_g": 502, "volume_cm3": 2501}).shipments[0].weight_g == 1004
    assert terms(items={"weight_g": 500, "volume_cm3": 2501}) == {"freight_cents": 900}
    assert terms(items={"weight_g": 500, "volume_cm3": 2500}) == {"freight_cents": 500}


def test_fuel_rounds_half_up_and_residential_is_added_after() -> None:
    """Tests 900 cents at 775 bp (69.75), 900 at 5 bp (0.45), 900 at 1 % + 50 (half a cent goes up)."""
    assert terms(services={"fuel_bp": 775}) == {"freight_cents": 970}
    assert terms(services={"fuel_bp": 5}) == {"freight_cents": 900}
    assert terms(services={"fuel_bp": 150}) == {"freight_cents": 914}
    charged = {"fuel_bp": 775, "residential_cents": 410}
    assert terms(services=charged) == {"freight_cents": 970}
    assert terms(services=charged, orders={"residential": True}) == {"freight_cents": 1380}
    assert terms(services=charged, orders={"residential": None}) == {"freight_cents": 1380}


def test_handling_and_preference() -> None:
    """Tests 50 a shipment, 15 a line (two of the same sku are two) and 7 a unit; preference is signed."""
    node = {"shipment_cents": 50, "line_cents": 15, "unit_cents": 7, "preference_cents": -120}
    assert terms(nodes=node) == {"freight_cents": 900, "handling_cents": 79, "preference_cents": -120}
    two = [{"order_id": "O", "line_id": str(n), "sku": "A", "quantity": n} for n in (1, 2)]
    assert terms(nodes=node, lines=two)["handling_cents"] == 50 + 2 * 15 + 3 * 7


def test_carbon() -> None:
    """Tests 40 cents/kg * 5000 g/tkm * 1200 g * 111195 m / 1e12 = 26.69 cents; the actual weight counts."""
    assert terms(
        policy={"carbon_cents_per_kg": 40},
        services={"carbon_g_per_tonne_km": 5000},
        items={"volume_cm3": 4000},
    ) == {"freight_cents": 900, "carbon_cents": 27}


def test_late_counts_calendar_days_and_priority() -> None:
    """Tests Monday for Friday: 3 days of 55 cents at 50 % are 82.5, so 83; a day more without Saturdays."""
    slow = {"bands": [{"service_id": "S", "max_km": 200, "zone": "2", "transit_days": 5}]}
    order = {"deliver_by": "2026-06-19", "late_cents_per_day": 55, "priority_pct": 50}
    option = whole(**slow, services={"delivery_days": "1111100"}, orders=order)
    assert option.shipments[0].deliver_date == date(2026, 6, 23)
    assert option.terms["late_cents"] == 110
    option = whole(**slow, orders=order)
    assert option.shipments[0].deliver_date == date(2026, 6, 22)
    assert option.terms["late_cents"] == 83
    assert whole(**slow, orders={"deliver_by": "2026-06-19"}).terms["late_cents"] == 1500
    assert whole(**slow, orders={"deliver_by": "2026-06-22"}).terms["late_cents"] == 0
    assert whole(**slow).terms["late_cents"] == 0


def test_hard_promise_forbids_what_is_late() -> None:
    """Tests that nothing late is left with a hard promise, and that no date means never late."""
    assert len(options(document(orders={"deliver_by": "2026-06-17", "hard_promise": True}), "O")) == 2
    assert len(options(document(orders={"deliver_by": "2026-06-16", "hard_promise": True}), "O")) == 1
    assert len(options(document(orders={"hard_promise": True}), "O")) == 2


def test_unallocated_rounds_value_then_priority() -> None:
    """Tests 1000 + half of 777 (388.5, so 389) a unit; two units at 33 % are 916.74, so 917."""
    assert nothing_cents(document(items={"value_cents": 777})) == 2 * 1389
    assert nothing_cents(document(items={"value_cents": 777}, orders={"priority_pct": 33})) == 917
    assert nothing_cents(document(items={"value_cents": 777}, orders={"priority_pct": 0})) == 0
    assert nothing_cents(document(items={"value_cents": 777}, lines={"unallocated_cents": 0})) == 0
    policy = {"unallocated_cents": 20, "unallocated_value_bp": 10}
    assert nothing_cents(document(items={"value_cents": 777}, policy=policy)) == 42


def test_held_order_costs_nothing_and_ships_nothing() -> None:
    """Tests that a held order has one option and that the option is free."""
    (only,) = options(document(orders={"held": True}), "O")
    assert (only.shipments, only.left, only.cents) == ((), (2,), 0)


def test_lanes_and_bands() -> None:
    """Tests the edge of a band, the next band, a lane beyond the last, and a zone without rates."""
    near = {"service_id": "S", "max_km": 111.195, "zone": "2", "transit_days": 1}
    short = near | {"max_km": 111.194}
    far = near | {"max_km": 200, "zone": "3", "transit_days": 3}
    assert whole(bands=[far, near]).shipments[0].zone == "2"
    assert len(options(document(bands=[far, short]), "O")) == 1
    assert len(options(document(bands=[short]), "O")) == 1
    lane = {"node_id": "N", "region": "R", "service_id": "S", "zone": "2", "transit_days": 2}
    option = whole(bands=[short], lanes=[lane], orders={"region": "R"})
    assert option.shipments[0].deliver_date == date(2026, 6, 18)
    assert len(options(document(bands=[short], lanes=[lane]), "O")) == 1
    assert len(options(document(lanes=[lane | {"zone": "?"}], orders={"region": "R"}), "O")) == 1


@pytest.mark.parametrize(
    ("changes", "n_options"),
    [
        ({"nodes": {"offline": True}}, 1),
        ({"policy": {"max_distance_km": 111.195}}, 2),
        ({"policy": {"max_distance_km": 111.1949}}, 1),
        ({"orders": {"not_nodes": "M N"}}, 1),
        ({"orders": {"only_nodes": "M"}}, 1),
        ({"orders": {"only_nodes": "M N"}}, 2),
        ({"items": {"requires": "cold"}, "nodes": {"capabilities": "cold"}}, 1),
        ({"items": {"requires": "cold"}, "services": {"capabilities": "cold"}}, 1),
        (
            {
                "items": {"requires": "cold"},
                "nodes": {"capabilities": "hot cold"},
                "services": {"capabilities": "cold"},
            },
            2,
        ),
        ({"policy": {"max_shipments": 0}}, 1),
        ({"policy": {"max_shipments": 0}, "orders": {"max_shipments": 1}}, 2),
        ({"orders": {"max_shipments": 0}}, 1),
        ({"nodes": {"shipments_per_day": 0}}, 1),
        ({"nodes": {"units_per_day": 1}}, 1),
        ({"nodes": {"units_per_day": 2}}, 2),
        ({"service_capacity": [{"node_id": "N", "service_id": "S", "shipments_per_day": 0}]}, 1),
        ({"stock": {"on_hand": 1}}, 1),
        ({"stock": {"reserved": 5, "safety_stock": 3}}, 2),
        ({"stock": {"reserved": 5, "safety_stock": 4}}, 1),
        ({"stock": {"available_on": "2026-06-16"}}, 2),
        ({"stock": {"available_on": "2026-06-17"}}, 1),
        ({"policy": {"allow_line_split": True}}, 3),
        ({"policy": {"allow_line_split": True}, "orders": {"ship_complete": True}}, 2),
        ({"policy": {"allow_line_split": True}, "lines": {"ship_together": "w"}}, 2),
        ({"policy": {"horizon_days": 2}}, 3),
        ({"policy": {"horizon_days": 2, "allow_line_split": True}}, 6),
        ({"policy": {"horizon_days": 2, "allow_line_split": True, "max_shipments": 1}}, 5),
    ],
)
def test_rules_of_an_option(changes: dict[str, Any], n_options: int) -> None:
    """Tests how many options (with the one that ships nothing) are left when a rule is at its edge."""
    assert len(options(document(**changes), "O")) == n_options


def test_used_capacity() -> None:
    """Tests that used capacity counts on its date and for its owner only, and never goes below 0."""

    def n_options(used: dict[str, Any]) -> int:
        limit = [{"node_id": "N", "service_id": "S", "shipments_per_day": 2}]
        nodes = {"shipments_per_day": 2, "units_per_day": 4}
        return len(options(document(nodes=nodes, service_capacity=limit, used=[{"node_id": "N", **used}]), "O"))

    today = {"date": "2026-06-16"}
    assert n_options(today | {"shipments": 1, "units": 2}) == 2
    assert n_options(today | {"shipments": 2}) == 1
    assert n_options(today | {"units": 3}) == 1
    assert n_options(today | {"units": 30}) == 1
    assert n_options({"date": "2026-06-17", "shipments": 2, "units": 4}) == 2
    assert n_options(today | {"service_id": "S", "shipments": 1, "units": 9}) == 2
    assert n_options(today | {"service_id": "S", "shipments": 2}) == 1


def test_ship_together_is_all_or_none() -> None:
    """Tests two lines of one word and one without: the pair never parts."""
    lines = [
        {"order_id": "O", "line_id": "1", "sku": "A", "quantity": 1, "ship_together": "w"},
        {"order_id": "O", "line_id": "2", "sku": "A", "quantity": 2, "ship_together": "w"},
        {"order_id": "O", "line_id": "3", "sku": "A", "quantity": 1},
    ]
    for split in (False, True):
        found = options(document(lines=lines, policy={"allow_line_split": split}), "O")
        assert sorted(option.left for option in found) == [(0, 0, 0), (0, 0, 1), (1, 2, 0), (1, 2, 1)]


def test_sellable_and_arrivals() -> None:
    """Tests 5 now, 4 on the 18th, 6 taken: reservations of later rows count from the start."""
    stock = [
        {"node_id": "N", "sku": "A", "on_hand": 5, "safety_stock": 2},
        {"node_id": "N", "sku": "A", "on_hand": 4, "reserved": 4, "available_on": "2026-06-18"},
    ]
    batch = Batch(document(stock=stock))
    days = [date(2026, 6, day) for day in (16, 17, 18, 19)]
    assert [sellable(batch, "N", "A", day) for day in days] == [0, 0, 3, 3]
    found = options(document(stock=stock, policy={"horizon_days": 3}), "O")
    assert [option.shipments[0].ship_date.day for option in found if option.shipments] == [18]


def test_stock_is_cumulative_over_arrivals() -> None:
    """Tests 2 units now and 2 from the 17th for two orders of 2: one of them waits, the other need not."""
    stock = [
        {"node_id": "N", "sku": "A", "on_hand": 2},
        {"node_id": "N", "sku": "A", "on_hand": 2, "available_on": "2026-06-17"},
    ]
    orders = [
        {"order_id": name, "lat": 0, "lon": 1, "residential": False, "deliver_by": "2026-06-17"} for name in ("P", "Q")
    ]
    lines = [{"order_id": name, "line_id": "1", "sku": "A", "quantity": 2} for name in ("P", "Q")]
    late = document(stock=stock, orders=orders, lines=lines, policy={"horizon_days": 2})
    solution = solve(late)
    assert solution.objective_cents == 900 + 900 + 500
    assert solution.alone_cents == 1800
    assert {"inbound", "late", "full_stock", "competition"} <= features(late, solution)
    three = late | {
        "orders": [*orders, orders[0] | {"order_id": "R"}],
        "lines": [*lines, lines[0] | {"order_id": "R"}],
    }
    assert solve(three).objective_cents == 900 + 900 + 500 + 2000


def test_split_charges_every_shipment_after_the_first() -> None:
    """Tests two lines from two nodes: each 600 g at 500 cents, 250 for the second shipment."""
    split = document(
        policy={"split_cents": 250},
        nodes=[{"node_id": name, "kind": "dc", "lat": 0, "lon": 0} for name in "MN"],
        stock=[
            {"node_id": "M", "sku": "A", "on_hand": 1},
            {"node_id": "N", "sku": "B", "on_hand": 1},
        ],
        items=[{"sku": sku, "weight_g": 600} for sku in "AB"],
        lines=[{"order_id": "O", "line_id": sku, "sku": sku, "quantity": 1} for sku in "AB"],
    )
    found = {option.left: option for option in options(split, "O")}
    assert found[0, 0].terms["split_cents"] == 250
    assert found[0, 0].cents == 1250
    assert found[0, 1].cents == found[1, 0].cents == 1500
    assert len(found) == 4
    assert solve(split).objective_cents == 1250
    assert solve(split | {"orders": [split["orders"][0] | {"max_shipments": 1}]}).objective_cents == 1500


def test_service_capacity_sends_the_second_order_on_the_dearer_service() -> None:
    """Tests one cheap place on a slot for two orders."""
    both = document(
        services=[{"service_id": name, "carrier": "c"} for name in "ST"],
        bands=[{"service_id": name, "max_km": 200, "zone": "2", "transit_days": 1} for name in "ST"],
        rates=[
            {"service_id": "S", "zone": "2", "max_weight_g": 5000, "cents": 500},
            {"service_id": "T", "zone": "2", "max_weight_g": 5000, "cents": 800},
        ],
        service_capacity=[{"node_id": "N", "service_id": "S", "shipments_per_day": 1}],
        orders=[{"order_id": name, "lat": 0, "lon": 1, "residential": False} for name in "PQ"],
        lines=[{"order_id": name, "line_id": "1", "sku": "A", "quantity": 1} for name in "PQ"],
    )
    solution = solve(both)
    assert solution.objective_cents == 1300
    assert features(both, solution) & CONSTRAINTS == {"full_service_shipments", "competition"}


def test_empty_tables_are_no_orders() -> None:
    """Tests a batch of nothing at all."""
    empty = {"policy": {"as_of": TUESDAY}}
    assert solve(empty).objective_cents == solve_by_milp(empty).objective_cents == nothing_cents(empty) == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"orders": {"held": True, "not_nodes": "N"}}, "held"),
        ({"orders": {"not_nodes": "N"}}, "no_candidate"),
        ({"nodes": {"offline": True}}, "no_candidate"),
        ({"stock": []}, "no_candidate"),
        ({"stock": {"on_hand": 1}}, "no_stock"),
        ({"stock": {"available_on": "2026-06-17"}}, "no_stock"),
        ({"nodes": {"working_days": "0000000"}}, "no_stock"),
        ({"bands": []}, "no_service"),
        ({"rates": []}, "no_service"),
        ({"orders": {"deliver_by": "2026-06-16", "hard_promise": True}}, "no_service"),
        ({"items": {"requires": "cold"}, "nodes": {"capabilities": "cold"}}, "no_service"),
        ({"nodes": {"shipments_per_day": 0}}, "no_capacity"),
        ({"nodes": {"units_per_day": 1}}, "no_capacity"),
        ({"nodes": {"units_per_day": 1}, "policy": {"allow_line_split": True}}, "outbid"),
        ({"service_capacity": [{"node_id": "N", "service_id": "S", "shipments_per_day": 0}]}, "no_capacity"),
        ({"orders": {"max_shipments": 0}}, "max_shipments"),
        ({"lines": {"unallocated_cents": 0}}, "outbid"),
    ],
)
def test_reasons(changes: dict[str, Any], reason: str) -> None:
    """Tests the reason of the only line of an order, and the first where several hold."""
    assert reasons(document(**changes)) == {("O", "1"): reason}


def test_reasons_of_several_lines() -> None:
    """Tests a line that cannot be served beside one that could, and two lines that need two shipments."""
    two = document(
        nodes=[{"node_id": name, "kind": "dc", "lat": 0, "lon": 0} for name in "MN"],
        stock=[{"node_id": "M", "sku": "A", "on_hand": 1}, {"node_id": "N", "sku": "B", "on_hand": 1}],
        items=[{"sku": sku, "weight_g": 600} for sku in "AB"],
        lines=[{"order_id": "O", "line_id": sku, "sku": sku, "quantity": 1} for sku in "AB"],
        policy={"max_shipments": 1},
    )
    assert set(reasons(two).values()) == {"max_shipments"}
    assert set(reasons(two | {"policy": {"as_of": TUESDAY}}).values()) == {"outbid"}
    together = [line | {"ship_together": "w"} for line in two["lines"]]
    assert set(reasons(two | {"lines": together}).values()) == {"no_candidate"}
    complete = [two["orders"][0] | {"ship_complete": True}]
    short = [two["lines"][0], two["lines"][1] | {"quantity": 2}]
    assert reasons(two | {"orders": complete, "lines": short}) == {
        ("O", "A"): "ship_complete",
        ("O", "B"): "no_stock",
    }
