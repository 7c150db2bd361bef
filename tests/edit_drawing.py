"""Edits drawn from a seed: for a whole batch, with unknown targets now and then, or for one half of everything."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from engine import Batch

Edit = dict[str, Any]
KINDS = ("dc", "store", "3pl", "vendor")


class EditDraw:
    """Draws edits for a batch.

    With ``half`` 0 or 1, what they name is of one half of the nodes, items, services, orders and policy fields:
    edits of different halves touch different things.
    """

    def __init__(self, rng: random.Random, batch: Batch, half: int | None = None, unknown: float = 0.0) -> None:
        self.rng = rng
        self.unknown = unknown
        self.half = half
        self.today = batch.policy.as_of.date()
        self.nodes = self.mine(batch["nodes"].column("node_id").to_pylist())
        self.skus = self.mine(batch["items"].column("sku").to_pylist())
        self.services = self.mine(batch["services"].column("service_id").to_pylist())
        self.orders = self.mine(batch["orders"].column("order_id").to_pylist())
        self.regions = sorted(set(batch["orders"].column("region").to_pylist()) - {None})

    def mine(self, names: list[str]) -> list[str]:
        return names if self.half is None else names[self.half :: 2]

    def one(self, names: list[str]) -> str:
        if not names or self.rng.random() < self.unknown:
            return "unknown"
        return self.rng.choice(names)

    def some(self, names: list[str]) -> list[str]:
        return sorted({self.one(names) for _ in range(self.rng.randint(1, 3))})

    def day(self, low: int = -2, high: int = 6) -> str:
        return (self.today + timedelta(days=self.rng.randint(low, high))).isoformat()

    def days(self) -> Edit:
        first, length = self.rng.randint(-2, 4), self.rng.randint(0, 3)
        return {
            "first": (self.today + timedelta(days=first)).isoformat(),
            "last": (self.today + timedelta(days=first + length)).isoformat(),
        }

    def pct(self) -> float:
        return self.rng.choice([0, 1, 33.33, 50, 99.99, 100, 100.01, 150, 300])

    def order_selector(self) -> Edit:
        if self.half is not None:
            return {"order_ids": self.some(self.orders)}
        found: Edit = {}
        if self.rng.random() < 0.3:
            found["order_ids"] = self.some(self.orders)
        if self.rng.random() < 0.3:
            found["regions"] = self.some(self.regions)
        if self.rng.random() < 0.3:
            found["near"] = {"lat": self.rng.choice([34, 40.5]), "lon": self.rng.choice([-75, -118.5]), "km": 2000}
        if self.rng.random() < 0.3:
            found["items"] = self.item_selector()
        if self.rng.random() < 0.3:
            found["deliver_from"] = self.day()
        if self.rng.random() < 0.3:
            found["deliver_to"] = self.day()
        return found

    def item_selector(self) -> Edit:
        if self.half is not None:
            return {"skus": self.some(self.skus)}
        return self.rng.choice([{"skus": self.some(self.skus)}, {"sku_prefix": "0"}, {"requires": "cold"}, {}])

    def edit(self) -> Edit:
        """Draw one edit."""
        makers = [
            self.close_node,
            self.open_node,
            self.add_node,
            self.move_stock,
            self.scale_stock,
            self.set_capacity,
            self.scale_capacity,
            self.scale_rates,
            self.add_transit_days,
            self.close_service,
            self.scale_demand,
            self.force_nodes,
            self.forbid_nodes,
            self.set_policy,
        ]
        make = self.rng.choice(makers)
        return {"edit": make.__name__, **make()}

    def close_node(self) -> Edit:
        return {"node_id": self.one(self.nodes), **(self.days() if self.rng.random() < 0.5 else {})}

    def open_node(self) -> Edit:
        return {"node_id": self.one(self.nodes)}

    def add_node(self) -> Edit:
        name = f"new{self.half or 0}{self.rng.randint(0, 1)}"
        edit: Edit = {"node": {"node_id": name, "kind": self.rng.choice(KINDS), "lat": 39.0, "lon": -95.5}}
        if self.rng.random() < 0.5:
            edit |= {"like": self.one(self.nodes)}
        if self.rng.random() < 0.7:
            edit |= {"stock_from": self.one(self.nodes), "stock_pct": self.pct()}
        return edit

    def move_stock(self) -> Edit:
        how = {"pct": self.rng.choice([0, 40, 100])} if self.rng.random() < 0.7 else {"units": self.rng.randint(0, 2)}
        found = {"from_node": self.one(self.nodes), "to_node": self.one(self.nodes), **how}
        return found | ({"items": self.item_selector()} if self.rng.random() < 0.5 else {})

    def scale_stock(self) -> Edit:
        return {"pct": self.pct(), "node_ids": self.some(self.nodes)}

    def set_capacity(self) -> Edit:
        node = {"node_id": self.one(self.nodes)}
        if self.rng.random() < 0.3:
            staffing = {"hours": 7.5, "people": 2, "shipments_per_hour": self.rng.randint(0, 3)}
            return node | staffing
        limit = self.rng.choice([0, 1, 5, "unlimited"])
        if self.rng.random() < 0.4:
            return node | {"service_id": self.one(self.services), "shipments_per_day": limit}
        return node | {self.rng.choice(["shipments_per_day", "units_per_day"]): limit}

    def scale_capacity(self) -> Edit:
        return {"pct": self.pct(), "node_ids": self.some(self.nodes)}

    def scale_rates(self) -> Edit:
        return {"pct": self.pct(), "service_ids": self.some(self.services)}

    def add_transit_days(self) -> Edit:
        return {"days": self.rng.randint(-2, 3), "service_ids": self.some(self.services)}

    def close_service(self) -> Edit:
        return {"service_ids": self.some(self.services), **self.days()}

    def scale_demand(self) -> Edit:
        return {"pct": self.pct(), "orders": self.order_selector(), "seed": self.rng.randint(0, 3)}

    def force_nodes(self) -> Edit:
        return {"node_ids": self.some(self.nodes), "orders": self.order_selector()}

    def forbid_nodes(self) -> Edit:
        return {"node_ids": self.some(self.nodes), "orders": self.order_selector()}

    def set_policy(self) -> Edit:
        fields = [
            {"split_cents": self.rng.randint(0, 500)},
            {"late_cents_per_day": self.rng.randint(0, 500)},
            {"max_distance_km": self.rng.choice([3000, 1500.5, "unlimited"])},
            {"carbon_cents_per_kg": self.rng.randint(0, 90)},
        ]
        return {"policy": self.rng.choice(self.mine(fields))}
