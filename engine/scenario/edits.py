"""What a scenario can change: one type for each kind of edit."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from engine.kinds import INT_MAX
from engine.scenario.selectors import (
    Day,
    Document,
    Int,
    ItemSelector,
    Limit,
    OrderSelector,
    Pct,
    Share,
    Text,
    Texts,
    two_decimals,
)

MAX_EDITS = 1000
MAX_CLOSED_DAYS = 366


def _in_order(first: date, last: date) -> None:
    if not 0 <= (last - first).days < MAX_CLOSED_DAYS:
        raise ValueError(f"last to be from 0 to {MAX_CLOSED_DAYS - 1} days after first")


class CloseNode(Document):
    """Take a node out: offline, or, with ``first`` and ``last``, closed on those days."""

    edit: Literal["close_node"]
    node_id: Text
    first: Day | None = None
    last: Day | None = None

    @model_validator(mode="after")
    def _days(self) -> CloseNode:
        if self.first is not None and self.last is not None:
            _in_order(self.first, self.last)
        elif self.first is not None or self.last is not None:
            raise ValueError("both of first and last, or neither")
        return self


class OpenNode(Document):
    """Put a node that is offline into operation."""

    edit: Literal["open_node"]
    node_id: Text


class NewNode(Document):
    """The columns of a new node; those that are absent are the model's, or the like node's."""

    node_id: Text
    kind: Literal["dc", "store", "3pl", "vendor"] | None = None
    lat: Annotated[float | None, Field(ge=-90, le=90)] = None
    lon: Annotated[float | None, Field(ge=-180, le=180)] = None
    shipments_per_day: Int | None = None
    units_per_day: Int | None = None
    shipment_cents: Int | None = None
    line_cents: Int | None = None
    unit_cents: Int | None = None
    preference_cents: Annotated[int | None, Field(ge=-INT_MAX, le=INT_MAX)] = None
    ready_minutes: Int | None = None
    cutoff: Annotated[str | None, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")] = None
    timezone: Text | None = None
    working_days: Annotated[str | None, Field(pattern="^[01]{7}$")] = None
    offline: bool | None = None
    capabilities: str | None = None


class AddNode(Document):
    """Add a node.

    Parameters
    ----------
    node : NewNode
        Its columns.
    like : str
        A node from which it has every column that is not given, and copies of lanes, service capacity and closures.
    stock_from : str
        A node whose stock it gets a copy of; the other keeps its own.
    stock_pct : float
        How much of each stock row is copied (``on_hand`` and ``safety_stock``, rounded down; nothing is reserved).
    items : ItemSelector
        Of which items.
    """

    edit: Literal["add_node"]
    node: NewNode
    like: Text | None = None
    stock_from: Text | None = None
    stock_pct: Pct = 100.0
    items: ItemSelector | None = None

    @model_validator(mode="after")
    def _is_somewhere(self) -> AddNode:
        if self.like is None and None in (self.node.kind, self.node.lat, self.node.lon):
            raise ValueError("kind, lat and lon of the node, or like")
        if self.items is not None and self.stock_from is None:
            raise ValueError("stock_from beside items")
        return self


class MoveStock(Document):
    """Move stock from a node to another: what is on hand there less what is reserved, row by row.

    Parameters
    ----------
    from_node, to_node : str
        Where from, and where to.
    items : ItemSelector
        Of which items.
    pct : float
        How much of each row, rounded down.
    units : int
        Or so many units of each item, the earliest first; an error where there are fewer.
    """

    edit: Literal["move_stock"]
    from_node: Text
    to_node: Text
    items: ItemSelector | None = None
    pct: Share | None = None
    units: Int | None = None

    @model_validator(mode="after")
    def _one_way(self) -> MoveStock:
        if (self.pct is None) == (self.units is None):
            raise ValueError("one of pct and units")
        if self.from_node == self.to_node:
            raise ValueError("from_node and to_node to differ")
        return self


class ScaleStock(Document):
    """Scale what is on hand, row by row: (on_hand * pct / 100), halves up.

    Parameters
    ----------
    pct : float
        100 changes nothing.
    node_ids : list of str
        At which nodes; absent: all.
    items : ItemSelector
        Of which items.
    """

    edit: Literal["scale_stock"]
    pct: Pct
    node_ids: Texts | None = None
    items: ItemSelector | None = None


class SetCapacity(Document):
    """Set what a node can do in a day, directly or by staffing.

    Parameters
    ----------
    node_id : str
        The node.
    service_id : str
        With it: the capacity of the service at the node (shipments only).
    shipments_per_day, units_per_day : int or "unlimited"
        The capacity.
    hours, people : float and int
        Staffing: hours of work a day (to the minute) of each of so many people...
    shipments_per_hour, units_per_hour : int
        ... who each do so much in an hour: hours * people * rate, rounded down.
    """

    edit: Literal["set_capacity"]
    node_id: Text
    service_id: Text | None = None
    shipments_per_day: Limit | None = None
    units_per_day: Limit | None = None
    hours: Annotated[float | None, Field(ge=0, le=24)] = None
    people: Annotated[int, Field(ge=0, le=100_000)] = 1
    shipments_per_hour: Annotated[int | None, Field(ge=0, le=100_000)] = None
    units_per_hour: Annotated[int | None, Field(ge=0, le=100_000)] = None

    @model_validator(mode="after")
    def _one_way(self) -> SetCapacity:
        direct = self.shipments_per_day is not None or self.units_per_day is not None
        rates = self.shipments_per_hour is not None or self.units_per_hour is not None
        if direct == rates or rates != (self.hours is not None):
            raise ValueError("either shipments_per_day, units_per_day or both, or hours with a rate per hour")
        if self.service_id is not None and (self.units_per_day is not None or self.units_per_hour is not None):
            raise ValueError("shipments only where service_id is given")
        return self

    def limit(self, what: Literal["shipments", "units"]) -> Limit | None:
        """Return the new limit of shipments or units; None: it stays."""
        if self.hours is None:
            return self.shipments_per_day if what == "shipments" else self.units_per_day
        rate = self.shipments_per_hour if what == "shipments" else self.units_per_hour
        return None if rate is None else round(60 * self.hours) * self.people * rate // 60


class ScaleCapacity(Document):
    """Scale what nodes can do in a day, (limit * pct / 100) rounded down; what has no limit stays so.

    Parameters
    ----------
    pct : float
        100 changes nothing.
    node_ids : list of str
        Of which nodes; absent: all.
    kinds : list of str
        Of nodes of which kind; absent: all.
    """

    edit: Literal["scale_capacity"]
    pct: Pct
    node_ids: Texts | None = None
    kinds: Annotated[list[Literal["dc", "store", "3pl", "vendor"]], Field(min_length=1)] | None = None


class _OfServices(Document):
    service_ids: Texts | None = None
    carriers: Texts | None = None

    @model_validator(mode="after")
    def _one_way(self) -> _OfServices:
        if (self.service_ids is None) == (self.carriers is None):
            raise ValueError("one of service_ids and carriers")
        return self


class ScaleRates(_OfServices):
    """Scale the rate tables of services, row by row: (cents * pct / 100), halves up; fuel follows, surcharges stay."""

    edit: Literal["scale_rates"]
    pct: Pct


class AddTransitDays(_OfServices):
    """Add transit days to all bands and lanes of services, or take some off (to 0 at least)."""

    edit: Literal["add_transit_days"]
    days: Annotated[int, Field(ge=-366, le=366)]


class CloseService(_OfServices):
    """Let services not deliver from the first to the last day: a strike."""

    edit: Literal["close_service"]
    first: Day
    last: Day

    @model_validator(mode="after")
    def _days(self) -> CloseService:
        _in_order(self.first, self.last)
        return self


class ScaleDemand(Document):
    """Scale demand: orders are copied or left out, each whole.

    An order has pct // 100 copies (itself the first), and one more when the hash of its id and the seed says
    so, which it does for a share pct % 100 of all ids; see `engine.scenario.demand`.

    Parameters
    ----------
    pct : float
        100 changes nothing.
    orders : OrderSelector
        Which.
    seed : int
        Another seed draws other orders.
    """

    edit: Literal["scale_demand"]
    pct: Annotated[float, Field(ge=0, le=10_000), AfterValidator(two_decimals)]
    orders: OrderSelector | None = None
    seed: Int = 0


class ForceNodes(Document):
    """Let orders be served from these nodes only: ``only_nodes`` becomes this list, ``not_nodes`` loses them."""

    edit: Literal["force_nodes"]
    node_ids: Texts
    orders: OrderSelector | None = None


class ForbidNodes(Document):
    """Let orders not be served from these nodes: they are added to ``not_nodes``."""

    edit: Literal["forbid_nodes"]
    node_ids: Texts
    orders: OrderSelector | None = None


class SetPolicy(Document):
    """Change fields of the policy; ``max_distance_km = "unlimited"`` lifts that limit.

    Parameters
    ----------
    policy : dict
        Fields of the policy and their new values.
    """

    edit: Literal["set_policy"]
    policy: Annotated[dict[str, Any], Field(min_length=1, max_length=100)]


Edit = Annotated[
    CloseNode
    | OpenNode
    | AddNode
    | MoveStock
    | ScaleStock
    | SetCapacity
    | ScaleCapacity
    | ScaleRates
    | AddTransitDays
    | CloseService
    | ScaleDemand
    | ForceNodes
    | ForbidNodes
    | SetPolicy,
    Field(discriminator="edit"),
]


class Scenario(Document):
    """A base with stated edits, for what-if.

    Parameters
    ----------
    name : str
        Its name: letters, digits, dot, dash and underscore, as it names a folder.
    description : str
        For people.
    edits : list of edits
        What changes, in this order.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$")]
    description: Annotated[str, Field(max_length=10_000)] = ""
    edits: Annotated[list[Edit], Field(max_length=MAX_EDITS)]

    def to_document(self) -> dict[str, Any]:
        """Return the scenario as a JSON document that says what it said."""
        return self.model_dump(mode="json", exclude_unset=True)
