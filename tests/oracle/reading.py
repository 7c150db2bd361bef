"""A batch document read the plain way: one small object a row, every default filled in.

Nothing is validated here: the oracle is only asked about documents that the project accepts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

Row = dict[str, Any]


def value_of(row: Row, column: str, default: Any = None) -> Any:
    """Return a cell; absent, null and the empty string mean the default."""
    value = row.get(column)
    return default if value is None or value == "" else value


def words_of(row: Row, column: str) -> frozenset[str]:
    """Return the words of a cell."""
    return frozenset(value_of(row, column, "").split())


def date_of(row: Row, column: str) -> date | None:
    """Return the date of a cell, None where it is null."""
    text = value_of(row, column)
    return None if text is None else date.fromisoformat(text)


@dataclass(frozen=True)
class Policy:
    """The planner's weights and rules."""

    as_of: datetime
    horizon_days: int
    max_shipments: int
    allow_line_split: bool
    split_cents: int
    late_cents_per_day: int
    unallocated_cents: int
    unallocated_value_bp: int
    max_distance_km: float | None
    dim_cm3_per_kg: int
    carbon_cents_per_kg: int


@dataclass(frozen=True)
class Node:
    """A place that ships."""

    node_id: str
    lat: float
    lon: float
    shipments_per_day: int | None
    units_per_day: int | None
    shipment_cents: int
    line_cents: int
    unit_cents: int
    preference_cents: int
    ready_minutes: int
    cutoff: str
    timezone: str
    working_days: str
    offline: bool
    capabilities: frozenset[str]


@dataclass(frozen=True)
class Item:
    """A stock-keeping unit."""

    sku: str
    weight_g: int
    volume_cm3: int
    value_cents: int
    requires: frozenset[str]


@dataclass(frozen=True)
class Service:
    """A carrier service."""

    service_id: str
    fuel_bp: int
    residential_cents: int
    delivery_days: str
    capabilities: frozenset[str]
    carbon_g_per_tonne_km: int


@dataclass(frozen=True)
class StockRow:
    """One row of stock; available_on None is now."""

    on_hand: int
    reserved: int
    safety_stock: int
    available_on: date | None


@dataclass(frozen=True)
class Line:
    """One line of an order; unallocated_cents is a unit's, with the policy's formula filled in."""

    order_id: str
    line_id: str
    sku: str
    quantity: int
    unallocated_cents: int
    ship_together: str | None


@dataclass(frozen=True)
class Order:
    """One order with its lines, in the order of the table."""

    order_id: str
    lat: float
    lon: float
    region: str | None
    residential: bool
    deliver_by: date | None
    hard_promise: bool
    late_cents_per_day: int
    priority_pct: int
    ship_complete: bool
    max_shipments: int
    only_nodes: frozenset[str]
    not_nodes: frozenset[str]
    held: bool
    lines: tuple[Line, ...]


class Batch:
    """A whole document: rows by key."""

    def __init__(self, document: Row) -> None:
        def rows(table: str) -> list[Row]:
            return document.get(table) or []

        self.policy = _policy(document["policy"])
        self.nodes = {row["node_id"]: _node(row) for row in rows("nodes")}
        self.items = {row["sku"]: _item(row) for row in rows("items")}
        self.services = {row["service_id"]: _service(row) for row in rows("services")}

        self.stock: dict[tuple[str, str], list[StockRow]] = {}
        for row in rows("stock"):
            self.stock.setdefault((row["node_id"], row["sku"]), []).append(
                StockRow(
                    on_hand=row["on_hand"],
                    reserved=value_of(row, "reserved", 0),
                    safety_stock=value_of(row, "safety_stock", 0),
                    available_on=date_of(row, "available_on"),
                )
            )
        # service -> (max_km, zone, transit_days) by max_km
        self.bands: dict[str, list[tuple[float, str, int]]] = {}
        for row in rows("bands"):
            band = (row["max_km"], row["zone"], row["transit_days"])
            self.bands.setdefault(row["service_id"], []).append(band)
        for bands in self.bands.values():
            bands.sort()
        self.lanes = {
            (row["node_id"], row["region"], row["service_id"]): (row["zone"], row["transit_days"])
            for row in rows("lanes")
        }
        # (service, zone) -> (max_weight_g, cents) by max_weight_g
        self.rates: dict[tuple[str, str], list[tuple[int, int]]] = {}
        for row in rows("rates"):
            rate = (row["max_weight_g"], row["cents"])
            self.rates.setdefault((row["service_id"], row["zone"]), []).append(rate)
        for rates in self.rates.values():
            rates.sort()
        self.service_capacity = {
            (row["node_id"], row["service_id"]): row["shipments_per_day"] for row in rows("service_capacity")
        }
        self.node_closures: set[tuple[str, date]] = set()
        self.service_closures: set[tuple[str, date]] = set()
        for row in rows("closures"):
            day = date.fromisoformat(row["date"])
            if value_of(row, "node_id") is not None:
                self.node_closures.add((row["node_id"], day))
            else:
                self.service_closures.add((row["service_id"], day))
        # (node, service or None, date) -> (shipments, units)
        self.used = {
            (row["node_id"], value_of(row, "service_id"), date.fromisoformat(row["date"])): (
                value_of(row, "shipments", 0),
                value_of(row, "units", 0),
            )
            for row in rows("used")
        }
        lines: dict[str, list[Line]] = {}
        for row in rows("lines"):
            lines.setdefault(row["order_id"], []).append(self._line(row))
        self.orders = {row["order_id"]: self._order(row, lines.get(row["order_id"], [])) for row in rows("orders")}

    def _line(self, row: Row) -> Line:
        by_value = (self.items[row["sku"]].value_cents * self.policy.unallocated_value_bp + 5000) // 10000
        return Line(
            order_id=row["order_id"],
            line_id=row["line_id"],
            sku=row["sku"],
            quantity=row["quantity"],
            unallocated_cents=value_of(row, "unallocated_cents", self.policy.unallocated_cents + by_value),
            ship_together=value_of(row, "ship_together"),
        )

    def _order(self, row: Row, lines: list[Line]) -> Order:
        return Order(
            order_id=row["order_id"],
            lat=row["lat"],
            lon=row["lon"],
            region=value_of(row, "region"),
            residential=value_of(row, "residential", True),
            deliver_by=date_of(row, "deliver_by"),
            hard_promise=value_of(row, "hard_promise", False),
            late_cents_per_day=value_of(row, "late_cents_per_day", self.policy.late_cents_per_day),
            priority_pct=value_of(row, "priority_pct", 100),
            ship_complete=value_of(row, "ship_complete", False),
            max_shipments=value_of(row, "max_shipments", self.policy.max_shipments),
            only_nodes=words_of(row, "only_nodes"),
            not_nodes=words_of(row, "not_nodes"),
            held=value_of(row, "held", False),
            lines=tuple(lines),
        )


def _policy(row: Row) -> Policy:
    return Policy(
        as_of=datetime.fromisoformat(row["as_of"]),
        horizon_days=value_of(row, "horizon_days", 1),
        max_shipments=value_of(row, "max_shipments", 2),
        allow_line_split=value_of(row, "allow_line_split", False),
        split_cents=value_of(row, "split_cents", 0),
        late_cents_per_day=value_of(row, "late_cents_per_day", 500),
        unallocated_cents=value_of(row, "unallocated_cents", 1000),
        unallocated_value_bp=value_of(row, "unallocated_value_bp", 5000),
        max_distance_km=value_of(row, "max_distance_km"),
        dim_cm3_per_kg=value_of(row, "dim_cm3_per_kg", 5000),
        carbon_cents_per_kg=value_of(row, "carbon_cents_per_kg", 0),
    )


def _node(row: Row) -> Node:
    return Node(
        node_id=row["node_id"],
        lat=row["lat"],
        lon=row["lon"],
        shipments_per_day=value_of(row, "shipments_per_day"),
        units_per_day=value_of(row, "units_per_day"),
        shipment_cents=value_of(row, "shipment_cents", 0),
        line_cents=value_of(row, "line_cents", 0),
        unit_cents=value_of(row, "unit_cents", 0),
        preference_cents=value_of(row, "preference_cents", 0),
        ready_minutes=value_of(row, "ready_minutes", 0),
        cutoff=value_of(row, "cutoff", "17:00"),
        timezone=value_of(row, "timezone", "UTC"),
        working_days=value_of(row, "working_days", "1111100"),
        offline=value_of(row, "offline", False),
        capabilities=words_of(row, "capabilities"),
    )


def _item(row: Row) -> Item:
    return Item(
        sku=row["sku"],
        weight_g=row["weight_g"],
        volume_cm3=value_of(row, "volume_cm3", 0),
        value_cents=value_of(row, "value_cents", 0),
        requires=words_of(row, "requires"),
    )


def _service(row: Row) -> Service:
    return Service(
        service_id=row["service_id"],
        fuel_bp=value_of(row, "fuel_bp", 0),
        residential_cents=value_of(row, "residential_cents", 0),
        delivery_days=value_of(row, "delivery_days", "1111110"),
        capabilities=words_of(row, "capabilities"),
        carbon_g_per_tonne_km=value_of(row, "carbon_g_per_tonne_km", 0),
    )
