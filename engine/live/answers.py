"""Promises and explanations: plain frozen data, with MODEL.md's names and units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.live.plain import rows_document
from engine.live.types import TERMS, Allocated, Decision, Shipment, Unallocated


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
