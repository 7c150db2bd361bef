"""A small batch and an allocation of it, worked out by hand: a case of every rule, all on one meridian.

One degree of latitude is 111.195 km. It is Monday 2025-03-03, 15:00 UTC: `dc` ships on the 3rd and the 5th
(the 4th is a closure), `store` on the 4th and the 5th (its cut-off has passed), `vendor` on the 3rd and the
4th (both full).
"""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]
Document = dict[str, Any]


def _rows(columns: str, *rows: tuple[Any, ...]) -> list[Row]:
    names = columns.split()
    return [dict(zip(names, row, strict=True)) for row in rows]


def batch_document() -> Document:
    """Return the batch as a JSON document."""
    orders = _rows(
        "order_id lat",
        ("o01", 41),
        ("o02", 43),
        ("o03", 46),
        ("o04", 39),
        ("o05", 41),
        ("o06", 45),
        ("o07", 55),
        ("o08", 41),
        ("o09", 41),
        ("o10", 45),
        ("o11", 41),
        ("o12", 31),
        ("o13", 41),
    )
    for order in orders:
        order["lon"] = -90
    by_id = {order["order_id"]: order for order in orders}
    by_id["o02"] |= {"deliver_by": "2025-03-04", "priority_pct": 150}
    by_id["o03"] |= {"region": "lake", "residential": False}
    by_id["o04"] |= {"ship_complete": True}
    by_id["o05"] |= {"held": True}
    by_id["o06"] |= {"deliver_by": "2025-03-04", "hard_promise": True}
    by_id["o07"] |= {"priority_pct": 50}
    by_id["o08"] |= {"only_nodes": "closed"}
    by_id["o10"] |= {"deliver_by": "2025-03-03", "hard_promise": True}
    by_id["o11"] |= {"ship_complete": True}
    by_id["o12"] |= {"only_nodes": "vendor"}
    by_id["o13"] |= {"max_shipments": 1}
    dc: Row = {
        "node_id": "dc",
        "kind": "dc",
        "lat": 40,
        "lon": -90,
        "timezone": "America/Chicago",
        "shipments_per_day": 8,
        "units_per_day": 20,
        "shipment_cents": 100,
        "line_cents": 20,
        "unit_cents": 5,
        "preference_cents": 10,
        "capabilities": "cold gift",
    }
    store: Row = {
        "node_id": "store",
        "kind": "store",
        "lat": 42,
        "lon": -90,
        "timezone": "America/New_York",
        "cutoff": "09:30",
        "shipment_cents": 50,
        "unit_cents": 10,
        "preference_cents": -15,
    }
    return {
        "policy": {
            "as_of": "2025-03-03T15:00:00+00:00",
            "horizon_days": 2,
            "split_cents": 150,
            "late_cents_per_day": 200,
            "max_distance_km": 2000,
            "carbon_cents_per_kg": 2000,
        },
        "nodes": [
            dc,
            store,
            {"node_id": "closed", "kind": "store", "lat": 41, "lon": -90, "offline": True},
            {"node_id": "vendor", "kind": "vendor", "lat": 30, "lon": -90, "shipments_per_day": 1},
        ],
        "stock": _rows(
            "node_id sku on_hand reserved safety_stock available_on",
            ("dc", "A", 10, 2, 1, None),
            ("dc", "A", 4, 0, 0, "2025-03-05"),
            ("dc", "B", 5, 0, 0, None),
            ("store", "B", 3, 0, 0, None),
            ("store", "D", 4, 0, 0, None),
            ("store", "E", 5, 0, 0, None),
            ("dc", "C", 6, 0, 0, None),
            ("dc", "E", 2, 0, 0, None),
            ("vendor", "D", 10, 0, 0, None),
            ("closed", "E", 10, 0, 0, None),
        ),
        "items": _rows(
            "sku weight_g volume_cm3 value_cents requires",
            ("A", 400, 3000, 2000, ""),
            ("B", 1500, 0, 5000, ""),
            ("C", 800, 0, 3000, "cold"),
            ("D", 700, 0, 1000, ""),
            ("E", 300, 0, 900, ""),
        ),
        "services": _rows(
            "service_id carrier fuel_bp residential_cents delivery_days capabilities carbon_g_per_tonne_km",
            ("ground", "road", 1000, 300, "1111110", "", 60),
            ("air", "wing", 2000, 400, "1111100", "cold", 600),
        ),
        "bands": _rows(
            "service_id max_km zone transit_days",
            ("ground", 150, "z1", 1),
            ("ground", 400, "z2", 2),
            ("ground", 1500, "z4", 4),
            ("air", 2000, "a", 1),
        ),
        "lanes": _rows("node_id region service_id zone transit_days", ("store", "lake", "ground", "z1", 1)),
        "rates": _rows(
            "service_id zone max_weight_g cents",
            ("ground", "z1", 1000, 500),
            ("ground", "z1", 5000, 800),
            ("ground", "z2", 1000, 600),
            ("ground", "z2", 5000, 900),
            ("ground", "z4", 1000, 700),
            ("ground", "z4", 5000, 1100),
            ("air", "a", 2000, 1500),
            ("air", "a", 10000, 2500),
        ),
        "service_capacity": _rows("node_id service_id shipments_per_day", ("dc", "air", 2)),
        "closures": _rows("date node_id service_id", ("2025-03-04", "dc", None), ("2025-03-06", None, "ground")),
        "used": _rows(
            "node_id service_id date shipments units",
            ("dc", None, "2025-03-03", 1, 2),
            ("dc", "air", "2025-03-03", 1, 0),
            ("vendor", None, "2025-03-03", 1, 1),
            ("vendor", None, "2025-03-04", 1, 1),
        ),
        "orders": orders,
        "lines": _rows(
            "order_id line_id sku quantity unallocated_cents ship_together",
            ("o01", "1", "A", 2, None, None),
            ("o02", "1", "A", 3, None, None),
            ("o02", "2", "D", 2, None, None),
            ("o03", "1", "B", 1, None, "gift"),
            ("o03", "2", "E", 1, None, "gift"),
            ("o04", "1", "A", 1, None, None),
            ("o04", "2", "B", 3, None, None),
            ("o05", "1", "B", 1, None, None),
            ("o06", "1", "C", 2, None, None),
            ("o07", "1", "A", 2, None, None),
            ("o08", "1", "E", 1, None, None),
            ("o09", "1", "B", 50, 10, None),
            ("o10", "1", "A", 1, None, None),
            ("o11", "1", "B", 1, None, None),
            ("o11", "2", "D", 99, None, None),
            ("o12", "1", "D", 1, None, None),
            ("o13", "1", "C", 1, None, None),
            ("o13", "2", "D", 1, None, None),
        ),
    }


def allocation_document() -> Document:
    """Return a right allocation of the batch as a JSON document."""
    shipments = _rows(
        "shipment_id order_id node_id service_id ship_date deliver_date zone distance_km weight_g "
        "freight_cents handling_cents preference_cents split_cents late_cents carbon_cents",
        # 800 + 10% fuel + 300; 100 + 20 + 2 * 5; 2000 * 60 * 800 g * 111195 m / 1e12 = 10.67
        (
            "s1",
            "o01",
            "dc",
            "ground",
            "2025-03-03",
            "2025-03-04",
            "z1",
            111.195,
            1200,
            1180,
            130,
            10,
            0,
            0,
            11,
        ),
        # two days, one too late at 200 cents and 150%
        (
            "s2",
            "o02",
            "dc",
            "ground",
            "2025-03-03",
            "2025-03-05",
            "z2",
            333.585,
            1800,
            1290,
            135,
            10,
            0,
            300,
            48,
        ),
        (
            "s3",
            "o02",
            "store",
            "ground",
            "2025-03-04",
            "2025-03-05",
            "z1",
            111.195,
            1400,
            1180,
            70,
            -15,
            150,
            300,
            19,
        ),
        # by lane, 444.780 km would be z4; not residential
        (
            "s4",
            "o03",
            "store",
            "ground",
            "2025-03-04",
            "2025-03-05",
            "z1",
            444.780,
            1800,
            880,
            70,
            -15,
            0,
            0,
            96,
        ),
        # 5100 g is a parcel of 5000 g and one of 100 g; ground does not deliver on the 6th
        (
            "s5",
            "o04",
            "dc",
            "ground",
            "2025-03-05",
            "2025-03-07",
            "z1",
            111.195,
            5100,
            1730,
            160,
            10,
            0,
            0,
            65,
        ),
        ("s6", "o06", "dc", "air", "2025-03-03", "2025-03-04", "a", 555.975, 1600, 2200, 130, 10, 0, 0, 1067),
        ("s7", "o13", "dc", "air", "2025-03-05", "2025-03-06", "a", 111.195, 800, 2200, 125, 10, 0, 0, 107),
    )
    return {
        "shipments": shipments,
        "allocations": _rows(
            "order_id line_id sku node_id shipment_id quantity",
            ("o01", "1", "A", "dc", "s1", 2),
            ("o02", "1", "A", "dc", "s2", 3),
            ("o02", "2", "D", "store", "s3", 2),
            ("o03", "1", "B", "store", "s4", 1),
            ("o03", "2", "E", "store", "s4", 1),
            ("o04", "1", "A", "dc", "s5", 1),
            ("o04", "2", "B", "dc", "s5", 3),
            ("o06", "1", "C", "dc", "s6", 2),
            ("o13", "1", "C", "dc", "s7", 1),
        ),
        "unallocated": _rows(
            "order_id line_id sku quantity reason unallocated_cents",
            ("o05", "1", "B", 1, "held", 0),
            ("o07", "1", "A", 2, "outbid", 2000),
            ("o08", "1", "E", 1, "no_candidate", 1450),
            ("o09", "1", "B", 50, "no_stock", 500),
            ("o10", "1", "A", 1, "no_service", 2000),
            ("o11", "1", "B", 1, "ship_complete", 3500),
            ("o11", "2", "D", 99, "no_stock", 148500),
            ("o12", "1", "D", 1, "no_capacity", 1500),
            ("o13", "2", "D", 1, "max_shipments", 1500),
        ),
        "prices": _rows(
            "kind node_id sku service_id date cents",
            ("stock", "dc", "A", None, None, 12.5),
            ("stock", "dc", "A", None, "2025-03-05", 3.25),
            ("node_shipments", "dc", None, None, "2025-03-03", 0.5),
            ("node_units", "dc", None, None, "2025-03-05", 1.0),
            ("service_shipments", "dc", None, "air", "2025-03-03", 7.75),
        ),
        "summary": {
            "counts": {
                "orders": 13,
                "lines": 18,
                "units": 173,
                "shipments": 7,
                "orders_allocated": 6,
                "orders_complete": 5,
                "lines_allocated": 9,
                "units_allocated": 16,
                "orders_split": 1,
                "late_shipments": 2,
                "held_orders": 1,
            },
            "terms": {
                "freight_cents": 10660,
                "handling_cents": 820,
                "preference_cents": 20,
                "split_cents": 150,
                "late_cents": 600,
                "carbon_cents": 1413,
                "unallocated_cents": 160950,
            },
            "objective_cents": 174613,
            "bound_cents": 174500,
            "gap": 113 / 174613,
            # 4000 + 13500 + 4950 + 12500 + 5000 + 2500 more without the shipments
            "nothing_cents": 203400,
            "savings_gap": 113 / 28900,
            "termination": "stalled",
            "seed": 0,
            "seconds": {"total": 0.5},
            "versions": {"nodewise": "0.1.0"},
        },
    }
