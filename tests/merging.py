"""Larger batches put together from drawn ones, and their optimum by SciPy over complete option lists."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, vstack

from engine import Batch
from engine.compile import compile_batch
from solver.problem import Problem
from solver.source import NO_FLOOR, Prices
from tests.drawing import Document, draw_batch

LISTED = 4000


def merged_batch(seed: int, n_draws: int) -> Document:
    """The network of one draw with the orders of several, supply and capacity short of proportion."""
    merged = draw_batch(seed)
    skus = [item["sku"] for item in merged["items"]]
    nodes = {node["node_id"] for node in merged["nodes"]}
    today = _today(merged)
    for number in range(1, n_draws):
        other = draw_batch(seed + number * 100_000)
        for order in other["orders"]:
            order["order_id"] += f"/{number}"
            for column in ("only_nodes", "not_nodes"):
                words = (order.get(column) or "").split()
                order[column] = " ".join(word for word in words if word in nodes)
            if order.get("deliver_by"):
                promised = date.fromisoformat(order["deliver_by"]) - _today(other)
                order["deliver_by"] = (today + promised).isoformat()
        for line in other["lines"]:
            line["order_id"] += f"/{number}"
            line["sku"] = skus[int(line["sku"]) % len(skus)]
        merged["orders"] += other["orders"]
        merged["lines"] += other["lines"]
    for row in merged["stock"]:
        row["on_hand"] *= max(1, 2 * n_draws // 3)
    for node in merged["nodes"]:
        for column in ("shipments_per_day", "units_per_day"):
            if node.get(column):
                node[column] *= max(1, n_draws // 2)
    for row in merged.get("service_capacity", []):
        row["shipments_per_day"] *= max(1, n_draws // 2)
    return merged


def _today(drawn: Document) -> date:
    return datetime.fromisoformat(drawn["policy"]["as_of"]).date()


class Truth(NamedTuple):
    """What another solver proved of a batch, in cents; low is minus infinity where lists are not complete."""

    low: float
    high: float


def without_large_orders(batch: Batch, most_lines: int) -> Batch:
    """The batch without the orders of more lines, which have too many options to list."""
    counts = Counter(batch["lines"].column("order_id").to_pylist())
    small = pa.array([name for name, n_lines in counts.items() if n_lines <= most_lines])
    kept = {
        name: batch[name].filter(pc.is_in(batch[name].column("order_id"), value_set=small))
        for name in ("orders", "lines")
    }
    return Batch(batch.policy, {**batch.tables, **kept})


def optimum_by_scipy(batch: Batch, *, most_options: int = 30_000, seconds: float = 20.0) -> Truth | None:
    """Enclose the optimum of a batch, or None where that takes too long."""
    compiled = compile_batch(batch)
    problem = compiled.problem
    groups = np.arange(problem.n_groups)
    more = compiled.options.more(groups, Prices.zero(problem.n_resources), slack=NO_FLOOR, limit=LISTED)
    if more.group.size > most_options:
        return None
    cost = np.concatenate((problem.cost, more.cost))
    group = np.concatenate((groups, more.group))
    result = _milp(problem, cost, group, more.usage_start, more.usage_resource, more.usage_amount, seconds)
    if result.x is None:
        return None
    complete = bool((more.floor == NO_FLOOR).all())
    return Truth(result.mip_dual_bound if complete else -np.inf, result.fun)


def _milp(problem: Problem, cost: Any, group: Any, start: Any, resource: Any, amount: Any, seconds: float) -> Any:
    n_groups, n_options = problem.n_groups, cost.size
    one_each = csr_array((np.ones(n_options), (group, np.arange(n_options))), shape=(n_groups, n_options))
    option = n_groups + np.repeat(np.arange(n_options - n_groups), np.diff(start))
    usage = csr_array((amount.astype(float), (resource, option)), shape=(problem.n_resources, n_options))
    low = np.concatenate((np.ones(n_groups), np.full(problem.n_resources, -np.inf)))
    high = np.concatenate((np.ones(n_groups), problem.supply.astype(float)))
    return milp(
        cost.astype(float),
        integrality=np.ones(n_options),
        bounds=Bounds(0.0, 1.0),
        constraints=LinearConstraint(vstack([one_each, usage]).tocsc(), low, high),
        options={"mip_rel_gap": 0.0, "time_limit": seconds},
    )
