"""The examples of plans and their results in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from api.examples import ALLOCATION

PLAN_BODY: dict[str, Any] = {
    "name": "a small peak",
    "generate": {"load": "peak", "orders": 20, "nodes": 5, "skus": 10, "seed": 1},
    "time_limit_seconds": 5.0,
}
_KPIS = {"objective_cents": 700, "bound_cents": 700, "gap": 0.0, "orders": 1, "shipments": 1, "fill_rate": 1.0}
FIGURES: dict[str, Any] = {
    "operation_id": "op-7d1e",
    "name": "a small peak",
    "summary": {"termination": "optimal"},
    "kpis": _KPIS,
    "nodes": [{"node_id": "east", "lat": 40.7, "lon": -74.0, "shipments": 1, "cost_cents": 700}],
    "flows": [{"node_id": "east", "node_lat": 40.7, "node_lon": -74.0, "cell_lat": 43.0, "cell_lon": -71.0}],
    "prices": [],
    "trace": [{"seconds": 0.1, "objective_cents": 700, "bound_cents": 700}],
}
_ORDER: dict[str, Any] = {"order_id": "1001", "state": "complete", "nodes": "east", "units": 2, "cost_cents": 700}
ORDERS: dict[str, Any] = {"total": 1, "page": 1, "pages": 1, "orders": [_ORDER]}
ORDER: dict[str, Any] = {
    "order": _ORDER,
    "lines": [{"order_id": "1001", "line_id": "1", "sku": "mug", "quantity": 2}],
    **{name: ALLOCATION[name] for name in ("shipments", "allocations", "unallocated")},
}
PLAN_EXPLANATION: dict[str, Any] = {"order_id": "1001", "alternatives": [], "others": [], "regret_cents": 0}
COMPARISON: dict[str, Any] = {
    "baseline": "op-55aa",
    "same_batch": True,
    "certainty": {"difference_cents": -120, "low_cents": -120, "high_cents": -100},
    "changed_orders": 1,
    "orders": [{"order_id": "1001", "changes": "node", "nodes_before": "west", "nodes_after": "east"}],
    "moved": [{"from_node_id": "west", "to_node_id": "east", "units": 2, "orders": 1}],
}
