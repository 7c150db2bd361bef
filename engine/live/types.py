"""What goes into and comes out of real-time decisions: plain frozen data, with MODEL.md's names and units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, TypeVar

Row = TypeVar("Row")

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
            shipments=_read_rows(Shipment, document["shipments"]),
            allocations=_read_rows(Allocated, document["allocations"]),
            unallocated=_read_rows(Unallocated, document["unallocated"]),
            price_cents=document.get("price_cents", 0.0),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PromiseOption:
    """One complete way to serve a cart.

    Parameters
    ----------
    service_id : str or None
        The service of all its shipments; None where they differ.
    deliver_date : date
        When the last shipment arrives.
    shipments, allocations : tuples
        Rows of MODEL.md section 4.
    cost_cents : int
        All terms together.
    """

    service_id: str | None
    deliver_date: date
    shipments: tuple[Shipment, ...]
    allocations: tuple[Allocated, ...]
    cost_cents: int

    @property
    def terms(self) -> dict[str, int]:
        """Each term's total, by its name in :data:`TERMS`."""
        return {name: sum(getattr(row, name, 0) for row in self.shipments) for name in TERMS}

    def to_document(self) -> dict[str, Any]:
        """JSON-like data; dates are ISO text."""
        return {
            "service_id": self.service_id,
            "deliver_date": self.deliver_date.isoformat(),
            "cost_cents": self.cost_cents,
            "terms": self.terms,
            "shipments": rows_document(self.shipments),
            "allocations": rows_document(self.allocations),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Promise:
    """What could be offered for a cart.

    Parameters
    ----------
    order_id : str
        The cart's.
    options : tuple of PromiseOption
        By service_id, then deliver_date: for each service the cheapest way for all shipments to go by it and be there
        by each date, where a later date is cheaper than any earlier one.
    cheapest, fastest : PromiseOption or None
        Over all services, which may differ between shipments: the least cost (then the earlier), and the earliest date
        (then the cheaper). None where the cart cannot be served whole.
    lacking : tuple of Unallocated
        Where the cart cannot be served whole: which lines stand in the way, and why.
    """

    order_id: str
    options: tuple[PromiseOption, ...]
    cheapest: PromiseOption | None
    fastest: PromiseOption | None
    lacking: tuple[Unallocated, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """JSON-like data; dates are ISO text."""
        return {
            "order_id": self.order_id,
            "options": [option.to_document() for option in self.options],
            "cheapest": None if self.cheapest is None else self.cheapest.to_document(),
            "fastest": None if self.fastest is None else self.fastest.to_document(),
            "lacking": rows_document(self.lacking),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class ResourcePrice:
    """A row of MODEL.md's table ``prices``, as it counted: ``amount`` units were asked for at ``cents`` each."""

    kind: str
    node_id: str
    sku: str | None
    service_id: str | None
    date: date | None
    cents: float
    amount: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Obstacle:
    """Why a node cannot serve a line.

    Parameters
    ----------
    line_id : str or None
        None: every line, for the same reason.
    reason : str
        ``held``, ``offline``, ``not_nodes``, ``only_nodes``, ``too_far``, ``capability``, ``no_candidate``,
        ``no_ship_date``, ``no_stock``, ``no_service``, ``no_capacity``, ``hard_promise``, ``ship_together``,
        ``ship_complete``, ``max_shipments``, or ``rejected``.
    detail : str
        A phrase for people, with the figures: ``2 sellable by 2026-03-09, 5 wanted``.
    """

    line_id: str | None
    reason: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rival:
    """The best option that ships something from a node that was not chosen, or why there is none.

    Parameters
    ----------
    node_id : str
    option : Decision or None
        The best option with a shipment from the node, other nodes helping where that is best; None: it cannot.
    difference : mapping of str to int
        By term, what that option costs more than the chosen one (negative: less), in cents.
    difference_cents : int
        All of it: how much dearer.
    price_difference_cents : float
        How much more the resources it takes are worth.
    obstacles : tuple of Obstacle
        Why the node cannot serve lines: all of them where ``option`` is None, else those it cannot serve.
    """

    node_id: str
    option: Decision | None
    difference: Mapping[str, int]
    difference_cents: int
    price_difference_cents: float
    obstacles: tuple[Obstacle, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Why an order is served as it is.

    Parameters
    ----------
    order_id : str
    terms : mapping of str to int
        The chosen option, term by term.
    objective_cents : int
        Its sum.
    price_cents : float
        What the resources it takes are worth besides.
    prices : tuple of ResourcePrice
        Prices above zero that counted for the chosen option.
    rivals : tuple of Rival
        Nodes with a stock row of some line of the order that the chosen option does not ship from: first those that
        could, by cost and price, then the others by node_id.
    """

    order_id: str
    terms: Mapping[str, int]
    objective_cents: int
    price_cents: float
    prices: tuple[ResourcePrice, ...]
    rivals: tuple[Rival, ...]

    def to_document(self) -> dict[str, Any]:
        """JSON-like data; dates are ISO text."""
        return {
            "order_id": self.order_id,
            "terms": dict(self.terms),
            "objective_cents": self.objective_cents,
            "price_cents": self.price_cents,
            "prices": rows_document(self.prices),
            "rivals": [
                {
                    "node_id": rival.node_id,
                    "option": None if rival.option is None else rival.option.to_document(),
                    "difference": dict(rival.difference),
                    "difference_cents": rival.difference_cents,
                    "price_difference_cents": rival.price_difference_cents,
                    "obstacles": rows_document(rival.obstacles),
                }
                for rival in self.rivals
            ],
        }


def rows_document(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Rows of one kind as a list of objects, dates as ISO text."""
    found = tuple(rows)
    if not found:
        return []
    names = tuple(item.name for item in fields(found[0]))
    return [{name: _plain(getattr(row, name)) for name in names} for row in found]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _read_rows(kind: type[Row], rows: Iterable[Mapping[str, Any]]) -> tuple[Row, ...]:
    names = tuple(item.name for item in fields(kind))  # type: ignore[arg-type]
    return tuple(kind(**{name: _read(name, row[name]) for name in names}) for row in rows)


def _read(name: str, value: Any) -> Any:
    return date.fromisoformat(value) if name.endswith("_date") and isinstance(value, str) else value
