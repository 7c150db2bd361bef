"""Orders, changes and decisions: plain frozen data, with MODEL.md's names and units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from engine.live.plain import read_rows, rows_document

TERMS = (
    "freight_cents",
    "handling_cents",
    "preference_cents",
    "split_cents",
    "late_cents",
    "carbon_cents",
    "unallocated_cents",
)
"""The terms of the objective, in the order of MODEL.md's documents."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderLine:
    """A line of an order or of a cart; fields as in MODEL.md's table ``lines``."""

    line_id: str
    sku: str
    quantity: int
    unallocated_cents: int | None = None
    ship_together: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """An order with its lines, or a cart; fields as in MODEL.md's table ``orders``, lists of nodes as tuples.

    Types and ranges are the caller's to check (as MODEL.md says them); what needs the network is checked by
    :func:`engine.live.faults_of`.
    """

    order_id: str
    lat: float
    lon: float
    lines: tuple[OrderLine, ...]
    region: str | None = None
    residential: bool = True
    deliver_by: date | None = None
    hard_promise: bool = False
    late_cents_per_day: int | None = None
    priority_pct: int = 100
    ship_complete: bool = False
    max_shipments: int | None = None
    only_nodes: tuple[str, ...] = ()
    not_nodes: tuple[str, ...] = ()
    held: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class StockDelta:
    """A change of one stock row, (node, sku, available_on); a row that was not there begins at zero.

    Reservations of ours count as ``reserved``; it does not matter on which row of a (node, sku) they stand.
    """

    node_id: str
    sku: str
    available_on: date | None = None
    on_hand: int = 0
    reserved: int = 0
    safety_stock: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class UsedDelta:
    """A change of used capacity: of a node's (service_id None) or of a service's at a node, on a ship date."""

    node_id: str
    date: date
    service_id: str | None = None
    shipments: int = 0
    units: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Shipment:
    """A row of MODEL.md's table ``shipments``."""

    shipment_id: str
    order_id: str
    node_id: str
    service_id: str
    ship_date: date
    deliver_date: date
    zone: str
    distance_km: float
    weight_g: int
    freight_cents: int
    handling_cents: int
    preference_cents: int
    split_cents: int
    late_cents: int
    carbon_cents: int

    @property
    def cents(self) -> int:
        """The sum of its terms."""
        return (
            self.freight_cents
            + self.handling_cents
            + self.preference_cents
            + self.split_cents
            + self.late_cents
            + self.carbon_cents
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Allocated:
    """A row of MODEL.md's table ``allocations``: what a shipment carries of a line."""

    order_id: str
    line_id: str
    sku: str
    node_id: str
    shipment_id: str
    quantity: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Unallocated:
    """A row of MODEL.md's table ``unallocated``: what is left of a line, and why."""

    order_id: str
    line_id: str
    sku: str
    quantity: int
    reason: str
    unallocated_cents: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Position:
    """Units of a sku at a node that a shipment takes on its ship date."""

    node_id: str
    sku: str
    ship_date: date
    quantity: int
    line_id: str
    shipment_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CapacityTaken:
    """Capacity of a slot that a shipment takes: the node's (service_id None: shipments and units) or a service's.

    Both are given for every shipment, whether or not there is a limit.
    """

    node_id: str
    service_id: str | None
    date: date
    shipments: int
    units: int
    shipment_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A shipment that an order has already, when the order is decided again (after a rejection, say).

    Parameters
    ----------
    shipment : Shipment
        As it was decided.
    allocations : tuple of Allocated
        What it carries.
    fixed : bool
        Whether it has to stay as it is (picked, handed over). Otherwise the lines stay where they are unless moving
        them makes the whole order cheaper; what the shipment holds counts as free for its own order meanwhile.
    """

    shipment: Shipment
    allocations: tuple[Allocated, ...]
    fixed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Again:
    """How an order is decided again.

    Parameters
    ----------
    standing : tuple of Standing
        All shipments that the order still has; rejected lines are no longer in them. The snapshot still counts what
        they take.
    barred : mapping of str to collection of str
        By line_id, nodes that may not serve that line (they rejected it), though they may serve others.
    """

    standing: tuple[Standing, ...] = ()
    barred: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """How one order is served.

    Parameters
    ----------
    order_id : str
    shipments, allocations, unallocated : tuples
        Rows of MODEL.md section 4. Shipment ids are the order id, a hyphen and a number: unique within the order, and
        never those of a fixed shipment.
    price_cents : float
        What the resources it takes were worth at the prices it was decided at, decimal cents; in no term.
    """

    order_id: str
    shipments: tuple[Shipment, ...]
    allocations: tuple[Allocated, ...]
    unallocated: tuple[Unallocated, ...]
    price_cents: float = 0.0

    @property
    def positions(self) -> tuple[Position, ...]:
        """What all its shipments take of stock, by ship date: taken one by one in this order, each finds enough."""
        ship_date = {row.shipment_id: row.ship_date for row in self.shipments}
        rows = [
            Position(
                node_id=row.node_id,
                sku=row.sku,
                ship_date=ship_date[row.shipment_id],
                quantity=row.quantity,
                line_id=row.line_id,
                shipment_id=row.shipment_id,
            )
            for row in self.allocations
        ]
        if len(self.shipments) > 1:
            rows.sort(key=lambda row: row.ship_date)
        return tuple(rows)

    @property
    def capacity(self) -> tuple[CapacityTaken, ...]:
        """What all its shipments take of slots, two rows each: the node's, and its service's."""
        units = dict.fromkeys((row.shipment_id for row in self.shipments), 0)
        for part in self.allocations:
            units[part.shipment_id] += part.quantity
        return tuple(
            CapacityTaken(
                node_id=row.node_id,
                service_id=service_id,
                date=row.ship_date,
                shipments=1,
                units=units[row.shipment_id],
                shipment_id=row.shipment_id,
            )
            for row in self.shipments
            for service_id in (None, row.service_id)
        )

    @property
    def terms(self) -> dict[str, int]:
        """Each term's total, by its name in :data:`TERMS`."""
        totals = {name: sum(getattr(row, name) for row in self.shipments) for name in TERMS[:-1]}
        totals["unallocated_cents"] = sum(row.unallocated_cents for row in self.unallocated)
        return totals

    @property
    def objective_cents(self) -> int:
        """All terms together."""
        return sum(row.cents for row in self.shipments) + sum(row.unallocated_cents for row in self.unallocated)

    @property
    def complete(self) -> bool:
        """Whether every unit is served."""
        return not self.unallocated

    def to_document(self) -> dict[str, Any]:
        """The decision as JSON-like data: ``order_id``, the three tables, ``terms``, ``objective_cents`` and
        ``price_cents``; dates are ISO text."""
        return {
            "order_id": self.order_id,
            "shipments": rows_document(self.shipments),
            "allocations": rows_document(self.allocations),
            "unallocated": rows_document(self.unallocated),
            "terms": self.terms,
            "objective_cents": self.objective_cents,
            "price_cents": self.price_cents,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Decision:
        """The decision that :meth:`to_document` gave; keys that it does not know are passed over."""
        return cls(
            order_id=document["order_id"],
            shipments=read_rows(Shipment, document["shipments"]),
            allocations=read_rows(Allocated, document["allocations"]),
            unallocated=read_rows(Unallocated, document["unallocated"]),
            price_cents=document.get("price_cents", 0.0),
        )
