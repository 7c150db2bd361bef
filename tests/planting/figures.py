"""Plants of single figures: a cent, a gram, an id, a total, the certificate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from engine.documents import Allocation, Batch
from tests.planting.registry import Row, changed, more, plant, replaced, rows_of


def _off(table: str, column: str, by: float = 1) -> None:
    def function(batch: Batch, allocation: Allocation) -> Allocation | None:
        return more(allocation, table, column, by)

    function.__name__ = f"{column}_off"
    plant(table, column)(function)


for _term in ("freight", "handling", "preference", "split", "late", "carbon"):
    _off("shipments", f"{_term}_cents")
_off("shipments", "weight_g")
_off("shipments", "distance_km", 0.001)
_off("unallocated", "unallocated_cents", -1)


def _set(name: str, table: str, column: str, value: Any) -> None:
    def function(batch: Batch, allocation: Allocation) -> Allocation | None:
        return changed(allocation, table, 0, **{column: value})

    function.__name__ = name
    plant(table, column)(function)


_set("wrong_zone", "shipments", "zone", "nowhere")
_set("unknown_order", "shipments", "order_id", "no such order")
_set("unknown_node", "shipments", "node_id", "no-such-node")
_set("unknown_service", "shipments", "service_id", "no such service")
_set("unknown_line", "allocations", "line_id", "no such line")
_set("unknown_shipment", "allocations", "shipment_id", "no such shipment")
_set("wrong_sku", "allocations", "sku", "no such sku")
_set("unknown_unallocated_line", "unallocated", "line_id", "no such line")
_set("nothing_allocated", "allocations", "quantity", 0)
_set("unknown_reason", "unallocated", "reason", "because")
_set("price_of_nothing", "prices", "kind", "wishes")
_set("negative_price", "prices", "cents", -1.0)
_set("price_at_no_node", "prices", "node_id", "no-such-node")


@plant("unallocated", "reason")
def plant_wrong_reason(batch: Batch, allocation: Allocation) -> Allocation | None:
    rows = rows_of(allocation, "unallocated")
    return (
        changed(allocation, "unallocated", 0, reason="held" if rows[0]["reason"] != "held" else "outbid")
        if rows
        else None
    )


def _summary(name: str, column: str, change: Callable[[Row], Row]) -> None:
    def function(batch: Batch, allocation: Allocation) -> Allocation | None:
        return replaced(allocation, summary=change(allocation.summary))

    function.__name__ = name
    plant("summary", column)(function)


_summary("objective_off", "objective_cents", lambda s: {"objective_cents": s["objective_cents"] - 1})
_summary("nothing_off", "nothing_cents", lambda s: {"nothing_cents": s["nothing_cents"] + 1})
_summary("gap_off", "gap", lambda s: {"gap": s["gap"] + 1e-6})
_summary("savings_gap_off", "savings_gap", lambda s: {"savings_gap": math.nextafter(s["savings_gap"], 2) + 1e-6})
_summary(
    "term_off",
    "terms.freight_cents",
    lambda s: {"terms": s["terms"] | {"freight_cents": s["terms"]["freight_cents"] + 1}},
)
_summary("count_off", "counts.units_allocated", lambda s: {"counts": s["counts"] | {"units_allocated": -1}})
_summary("bound_above_objective", "bound_cents", lambda s: {"bound_cents": s["objective_cents"] + 1})
_summary("bound_above_nothing", "bound_cents", lambda s: {"bound_cents": s["nothing_cents"] + 1})
_summary("unknown_termination", "termination", lambda s: {"termination": "finished"})
_summary(
    "not_really_optimal",
    "termination",
    lambda s: {"termination": "optimal", "bound_cents": s["objective_cents"] - 1},
)
_summary(
    "bound_reached_unsaid",
    "termination",
    lambda s: {"termination": "stalled", "bound_cents": s["objective_cents"]},
)
