"""The examples of the OpenAPI document: a small network and what happens on it. The tests send them."""

from __future__ import annotations

from typing import Any

NETWORK: dict[str, Any] = {
    "policy": {"max_shipments": 2, "split_cents": 100},
    "nodes": [
        {"node_id": "east", "kind": "dc", "lat": 40.7, "lon": -74.0, "working_days": "1111111", "cutoff": "23:59"},
        {"node_id": "west", "kind": "store", "lat": 34.1, "lon": -118.2, "working_days": "1111111", "cutoff": "23:59"},
    ],
    "items": [
        {"sku": "mug", "weight_g": 400, "volume_cm3": 900, "value_cents": 1500},
        {"sku": "lamp", "weight_g": 2200, "volume_cm3": 9000, "value_cents": 4900},
    ],
    "services": [{"service_id": "ground", "carrier": "Parcel", "delivery_days": "1111111"}],
    "bands": [
        {"service_id": "ground", "max_km": 1000, "zone": "near", "transit_days": 2},
        {"service_id": "ground", "max_km": 20000, "zone": "far", "transit_days": 5},
    ],
    "rates": [
        {"service_id": "ground", "zone": "near", "max_weight_g": 5000, "cents": 700},
        {"service_id": "ground", "zone": "far", "max_weight_g": 5000, "cents": 1300},
    ],
}
IMPORT_LINES = '{"node_id": "east", "sku": "mug", "on_hand": 40}\n{"node_id": "west", "sku": "mug", "on_hand": 25}\n'
IMPORT_CSV = "node_id,sku,on_hand\neast,lamp,10\nwest,lamp,4\n"

_SHIPMENT: dict[str, Any] = {
    "shipment_id": "1001-1",
    "order_id": "1001",
    "node_id": "east",
    "service_id": "ground",
    "ship_date": "2026-11-26",
    "deliver_date": "2026-11-28",
    "zone": "near",
    "distance_km": 306.107,
    "weight_g": 800,
    "freight_cents": 700,
    "handling_cents": 0,
    "preference_cents": 0,
    "split_cents": 0,
    "late_cents": 0,
    "carbon_cents": 0,
}
_ALLOCATED = {
    "order_id": "1001",
    "line_id": "1",
    "sku": "mug",
    "node_id": "east",
    "shipment_id": "1001-1",
    "quantity": 2,
}
_TERMS = {
    "freight_cents": 700,
    "handling_cents": 0,
    "preference_cents": 0,
    "split_cents": 0,
    "late_cents": 0,
    "carbon_cents": 0,
    "unallocated_cents": 0,
}
ALLOCATION_BODY: dict[str, Any] = {
    "order": {
        "order_id": "1001",
        "lat": 42.36,
        "lon": -71.06,
        "lines": [{"line_id": "1", "sku": "mug", "quantity": 2}],
    },
    "hold_seconds": 900,
}
ALLOCATION: dict[str, Any] = {
    "order_id": "1001",
    "state": "OPEN",
    "version": 1,
    "committed": True,
    "shipments": [_SHIPMENT],
    "allocations": [_ALLOCATED],
    "unallocated": [],
    "terms": _TERMS,
    "objective_cents": 700,
    "reservations": [
        {
            "reservation_id": "r-5f0c",
            "state": "HELD",
            "version": 1,
            "expires_at": "2026-11-26T12:15:00.000+00:00",
        }
    ],
}
EXPLANATION: dict[str, Any] = {"order_id": "1001", "terms": _TERMS, "objective_cents": 700}
REJECT_BODY: dict[str, Any] = {"node_id": "east", "line_ids": ["1"], "found": [{"sku": "mug", "on_hand": 0}]}
PROMISE_BODY: dict[str, Any] = {
    "cart": {"lat": 42.36, "lon": -71.06, "lines": [{"line_id": "1", "sku": "mug", "quantity": 2}]}
}
_OPTION = {
    "service_id": "ground",
    "deliver_date": "2026-11-28",
    "cost_cents": 700,
    "shipments": [{**_SHIPMENT, "shipment_id": "cart-1", "order_id": "cart"}],
}
PROMISE: dict[str, Any] = {
    "cart_id": "cart",
    "options": [_OPTION],
    "cheapest": _OPTION,
    "fastest": _OPTION,
    "lacking": [],
}
BATCH_BODY: dict[str, Any] = {
    "orders": [
        {"order_id": "2001", "lat": 42.36, "lon": -71.06},
        {"order_id": "2002", "lat": 37.77, "lon": -122.42},
    ],
    "lines": [
        {"order_id": "2001", "line_id": "1", "sku": "lamp", "quantity": 1},
        {"order_id": "2002", "line_id": "1", "sku": "mug", "quantity": 1},
    ],
    "time_limit_seconds": 10.0,
}
OPERATION: dict[str, Any] = {
    "operation_id": "op-7d1e",
    "kind": "allocate",
    "state": "RUNNING",
    "version": 3,
    "cancel_asked": False,
    "attempts": 1,
    "progress": {
        "stage": "prices",
        "processed": 0,
        "total": 2,
        "objective_cents": 2000,
        "bound_cents": 2000,
        "gap": 0.0,
    },
    "problem": None,
    "created_at": "2026-11-26T12:00:00.000+00:00",
    "updated_at": "2026-11-26T12:00:01.000+00:00",
    "result": None,
}
SIMULATION_BODY: dict[str, Any] = {
    "scenarios": [
        {
            "name": "west-closed",
            "description": "A day without the node in the west.",
            "edits": [
                {"edit": "close_node", "node_id": "west"},
                {"edit": "scale_demand", "pct": 120, "orders": {"near": {"lat": 37.8, "lon": -122.4, "km": 500}}},
            ],
        }
    ],
    "orders": BATCH_BODY["orders"],
    "lines": BATCH_BODY["lines"],
    "time_limit_seconds": 10.0,
}
SIMULATION_OPERATION: dict[str, Any] = {
    **OPERATION,
    "operation_id": "op-5c2a",
    "kind": "simulate",
    "progress": {**OPERATION["progress"], "stage": "base: prices"},
}
RESERVE_BODY: dict[str, Any] = {
    "order_id": "3001",
    "positions": [{"node_id": "east", "sku": "mug", "ship_date": "2026-11-26", "quantity": 1}],
    "hold_seconds": 600,
}
RESERVATION: dict[str, Any] = {
    "reservation_id": "r-5f0c",
    "order_id": "3001",
    "state": "HELD",
    "version": 1,
    "expires_at": "2026-11-26T12:10:00.000+00:00",
    "created_at": "2026-11-26T12:00:00.000+00:00",
    "positions": [
        {
            "node_id": "east",
            "sku": "mug",
            "ship_date": "2026-11-26",
            "quantity": 1,
            "line_id": None,
            "shipment_id": None,
            "service_id": None,
            "open": 1,
            "fulfilled": 0,
        }
    ],
}
LEVEL: dict[str, Any] = {
    "node_id": "east",
    "sku": "mug",
    "available_on": None,
    "on_hand": 40,
    "reserved": 0,
    "safety_stock": 0,
    "held": 2,
    "version": 1,
}
COUNT_BODY: dict[str, Any] = {"on_hand": 38, "compare_on_hand": 40}
COUNT: dict[str, Any] = {"level": {**LEVEL, "on_hand": 38, "version": 2}, "applied": True, "shortage": None}
ADJUST_BODY: dict[str, Any] = {
    "adjustments": [{"node_id": "east", "sku": "mug", "delta": 12}],
    "reason_code": "receipt",
    "reference": "PO-77",
    "source": "wms-east",
    "sequence": 1,
}
AVAILABILITY: dict[str, Any] = {
    "availability": [
        {
            "node_id": "east",
            "sku": "mug",
            "on_hand": 40,
            "reserved": 2,
            "safety_stock": 0,
            "incoming": [],
            "available_to_promise": 38,
        }
    ]
}
WEBHOOK: dict[str, Any] = {
    "webhook_id": "wh-01",
    "url": "https://hooks.example.com/nodewise",
    "event_types": ["reservation.held"],
    "cursor": 0,
    "failures": 0,
    "created_at": "2026-11-26T12:00:00.000+00:00",
}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/nodewise/default",
    "type": "nodewise.reservation.held",
    "subject": "r-5f0c",
    "time": "2026-11-26T12:00:00.000+00:00",
    "datacontenttype": "application/json",
    "data": {"order_id": "1001"},
}
ENTRY: dict[str, Any] = {
    "entry": 1,
    "at": "2026-11-26T12:00:00.000+00:00",
    "kind": "reserve",
    "debit": "sellable",
    "credit": "reserved",
    "node_id": "east",
    "item": "mug",
    "day": "2026-11-26",
    "quantity": 2,
    "order_id": "1001",
    "reservation_id": "r-5f0c",
    "reason_code": None,
    "reference": None,
}
