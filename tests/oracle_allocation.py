"""The oracle's solution of a batch document as an allocation document."""

from __future__ import annotations

from typing import Any

from tests.oracle import nothing_cents, reasons, solve
from tests.oracle.costs import unallocated_cents
from tests.oracle.reading import Batch

Document = dict[str, Any]

TERMS = ("freight", "handling", "preference", "split", "late", "carbon", "unallocated")


def oracle_allocation(document: Document) -> Document:
    """Return the exact optimum of a batch, in the form in which an allocation is written."""
    batch, solution, why = Batch(document), solve(document), reasons(document)
    out: Document = {"shipments": [], "allocations": [], "unallocated": [], "prices": []}
    terms = dict.fromkeys((f"{term}_cents" for term in TERMS), 0)
    for order_id, option in solution.chosen.items():
        order = batch.orders[order_id]
        for name, cents in option.terms.items():
            terms[name] += cents
        for number, shipment in enumerate(option.shipments):
            row = shipment._asdict()
            quantities = row.pop("quantities")
            row |= {"shipment_id": f"{order_id}/{number}", "order_id": order_id}
            row["split_cents"] = batch.policy.split_cents if number else 0
            row |= {name: row[name].isoformat() for name in ("ship_date", "deliver_date")}
            out["shipments"].append(row)
            out["allocations"] += [
                {
                    "order_id": order_id,
                    "line_id": line.line_id,
                    "sku": line.sku,
                    "node_id": shipment.node_id,
                    "shipment_id": row["shipment_id"],
                    "quantity": units,
                }
                for line, units in zip(order.lines, quantities, strict=True)
                if units
            ]
        out["unallocated"] += [
            {
                "order_id": order_id,
                "line_id": line.line_id,
                "sku": line.sku,
                "quantity": units,
                "reason": why[order_id, line.line_id],
                "unallocated_cents": unallocated_cents(order, line, units),
            }
            for line, units in zip(order.lines, option.left, strict=True)
            if units
        ]
    out["summary"] = _summary(batch, out, terms, solution.objective_cents, nothing_cents(document))
    return out


def _summary(batch: Batch, out: Document, terms: dict[str, int], objective: int, nothing: int) -> Document:
    orders = batch.orders.values()
    left = {row["order_id"] for row in out["unallocated"]}
    parts, shipments = out["allocations"], out["shipments"]
    of_order = [row["order_id"] for row in shipments]
    counts = {
        "orders": len(orders),
        "lines": sum(len(order.lines) for order in orders),
        "units": sum(line.quantity for order in orders for line in order.lines),
        "shipments": len(shipments),
        "orders_allocated": len(set(of_order)),
        "orders_complete": len(set(of_order) - left),
        "lines_allocated": len({(row["order_id"], row["line_id"]) for row in parts}),
        "units_allocated": sum(row["quantity"] for row in parts),
        "orders_split": len({order_id for order_id in of_order if of_order.count(order_id) > 1}),
        "late_shipments": sum(
            order.deliver_by is not None and row["deliver_date"] > order.deliver_by.isoformat()
            for row in shipments
            for order in (batch.orders[row["order_id"]],)
        ),
        "held_orders": sum(order.held for order in orders),
    }
    return {
        "counts": counts,
        "terms": terms,
        "objective_cents": objective,
        "bound_cents": objective,
        "gap": 0.0,
        "nothing_cents": nothing,
        "savings_gap": 0.0,
        "termination": "optimal",
        "seed": 0,
        "seconds": {"total": 0.0},
        "versions": {"nodewise": "0"},
    }
