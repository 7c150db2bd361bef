"""Explanations of a batch: plain frozen data, with MODEL.md's names and units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.live.answers import Obstacle, ResourcePrice, Rival
from engine.live.plain import rows_document
from engine.live.types import TERMS, Decision


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """A resource by the words of MODEL.md's table ``prices``.

    Parameters
    ----------
    kind : str
        ``stock``, ``node_shipments``, ``node_units`` or ``service_shipments``.
    node_id : str
    sku, service_id : str or None
        Of stock, and of a service's capacity.
    date : date or None
        The ship date of a slot; of stock, the day that opens the interval (None: now).
    """

    kind: str
    node_id: str
    sku: str | None
    service_id: str | None
    date: date | None

    def to_document(self) -> dict[str, Any]:
        """JSON-like data; dates are ISO text."""
        return dict(rows_document([self])[0])


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """An order that has what another one wanted.

    Parameters
    ----------
    order_id : str
    amount : int
        How much of the resource it takes.
    give_up_cents : int
        What serving it without costs more, everything else as it is.
    instead : tuple of str
        The nodes it would then ship from; none: it would be left out.
    """

    order_id: str
    amount: int
    give_up_cents: int
    instead: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A resource that an option needs and of which the other orders leave too little.

    Parameters
    ----------
    resource : Named
    amount, left : int
        How much the option needs, and how much is left by all other orders.
    price_cents : float
        The allocation's price of a unit.
    n_holders : int
        How many orders hold it.
    holders : tuple of Holder
        Those that give it up at the least cost, cheapest first.
    """

    resource: Named
    amount: int
    left: int
    price_cents: float
    n_holders: int
    holders: tuple[Holder, ...]

    def to_document(self) -> dict[str, Any]:
        """JSON-like data; dates are ISO text."""
        return {
            **self.resource.to_document(),
            "amount": self.amount,
            "left": self.left,
            "price_cents": self.price_cents,
            "n_holders": self.n_holders,
            "holders": rows_document(self.holders),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A smallest change that flips a decision: with it every best way ships from the node, with one less not.

    Parameters
    ----------
    amount : int
        Cents that each shipment from ``node_id`` would have to be cheaper (``resource`` None), or units of a resource
        that there would have to be more.
    node_id : str
        The node that the order would then ship from.
    resource : Named or None
    """

    amount: int
    node_id: str
    resource: Named | None = None

    def to_document(self) -> dict[str, Any]:
        """JSON-like data; dates are ISO text."""
        resource = None if self.resource is None else self.resource.to_document()
        return {"amount": self.amount, "node_id": self.node_id, "resource": resource}


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """Another order of the neighbourhood that is served otherwise."""

    before: Decision
    after: Decision

    @property
    def order_id(self) -> str:
        """The order."""
        return self.before.order_id

    @property
    def cents(self) -> int:
        """How much dearer it gets."""
        return self.after.objective_cents - self.before.objective_cents

    def to_document(self) -> dict[str, Any]:
        """JSON-like data; dates are ISO text."""
        return {
            "order_id": self.order_id,
            "cents": self.cents,
            "before": self.before.to_document(),
            "after": self.after.to_document(),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Alternative:
    """A rival node, with the neighbourhood decided anew so that the order ships from it.

    Parameters
    ----------
    rival : Rival
        The node's best option if the order were alone in the batch; or that it only lacks stock.
    option : Decision or None
        How the order is then served; None: what the orders outside the neighbourhood hold leaves no way.
    moves : tuple of Move
        What other orders of the neighbourhood then do instead.
    total_cents : int
        What both cost more than the allocation (negative: less).
    wanted : tuple of Wanted
        What the option that the node would have alone lacks, and who holds it.
    flip_cents : int or None
        By how much each shipment from the node would have to be cheaper for the order to ship from it; zero or less:
        it would already be better.
    changes : tuple of Change
        Units of a resource that would do the same.
    proven : bool
        Whether the figures are optima, proved; else they are the best found.
    """

    rival: Rival
    option: Decision | None
    moves: tuple[Move, ...]
    total_cents: int
    wanted: tuple[Wanted, ...]
    flip_cents: int | None
    changes: tuple[Change, ...]
    proven: bool

    @property
    def node_id(self) -> str:
        """The node."""
        return self.rival.node_id

    def difference(self, decision: Decision) -> dict[str, int]:
        """By term, what the option costs more than a decision, in cents; empty where there is none."""
        if self.option is None:
            return {}
        own = decision.terms
        return {name: cents - own[name] for name, cents in self.option.terms.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderExplanation:
    """Why an order is served as it is.

    Parameters
    ----------
    decision : Decision
        How it is served.
    prices : tuple of ResourcePrice
        Prices above zero of what it takes.
    price_cents : float
        What that is worth together.
    alternatives : tuple of Alternative
        The rival nodes of least cost and price, studied.
    others : tuple of Rival
        The other rival nodes, each with its best option if the order were alone, or why it has none.
    stays_cents : mapping of str to int
        By node that it ships from: how much dearer each shipment from there has to get for the order to leave it.
        Without a node that leaving is impossible from, and empty where the decision is not the best.
    neighbours : tuple of str
        The other orders that were decided anew together with it; all others stay as they are.
    n_others : int
        How many stay as they are.
    regret_cents : int
        What deciding them anew would save: zero, but for what the allocation's gap leaves open.
    proven : bool
        Whether that is an optimum, proved.
    """

    decision: Decision
    prices: tuple[ResourcePrice, ...]
    price_cents: float
    alternatives: tuple[Alternative, ...]
    others: tuple[Rival, ...]
    stays_cents: Mapping[str, int]
    neighbours: tuple[str, ...]
    n_others: int
    regret_cents: int
    proven: bool

    @property
    def order_id(self) -> str:
        """The order."""
        return self.decision.order_id

    @property
    def smallest(self) -> Change | None:
        """The cheapest change of a rate that flips the decision; None where none does."""
        rates = [one for one in self.alternatives if one.flip_cents is not None]
        if not rates:
            return None
        best = min(rates, key=lambda one: (one.flip_cents, one.node_id))
        return Change(amount=int(best.flip_cents or 0), node_id=best.node_id)

    def to_document(self) -> dict[str, Any]:
        """JSON-like data; dates are ISO text."""
        return {
            "order_id": self.order_id,
            "decision": self.decision.to_document(),
            "price_cents": self.price_cents,
            "prices": rows_document(self.prices),
            "stays_cents": dict(self.stays_cents),
            "smallest_change": None if self.smallest is None else self.smallest.to_document(),
            "alternatives": [
                {
                    **rival_document(one.rival),
                    "with_neighbours": None if one.option is None else one.option.to_document(),
                    "difference_with_neighbours": one.difference(self.decision),
                    "moves": [move.to_document() for move in one.moves],
                    "total_cents": one.total_cents,
                    "wanted": [wanted.to_document() for wanted in one.wanted],
                    "flip_cents": one.flip_cents,
                    "changes": [change.to_document() for change in one.changes],
                    "proven": one.proven,
                }
                for one in self.alternatives
            ],
            "others": [rival_document(rival) for rival in self.others],
            "neighbours": list(self.neighbours),
            "n_others": self.n_others,
            "regret_cents": self.regret_cents,
            "proven": self.proven,
        }


def rival_document(rival: Rival) -> dict[str, Any]:
    """JSON-like data of a rival node."""
    obstacles: tuple[Obstacle, ...] = rival.obstacles
    return {
        "node_id": rival.node_id,
        "option": None if rival.option is None else rival.option.to_document(),
        "difference": {name: rival.difference[name] for name in TERMS if name in rival.difference},
        "difference_cents": rival.difference_cents,
        "price_difference_cents": rival.price_difference_cents,
        "obstacles": rows_document(obstacles),
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Worth:
    """What one more unit of a resource would save.

    Parameters
    ----------
    resource : Named
    price_cents : float
        Its price: no more than what a unit less, or more, is worth on average.
    supply, n_holders : int
        How much there is, and how many orders hold it.
    saves_cents : int
        What one more unit saves, its neighbourhood being decided anew with and without it.
    neighbours : tuple of str
        The orders that were decided anew; all others stay as they are.
    proven : bool
        Whether both are optima, proved.
    moves : tuple of Move
        Who is served otherwise with it.
    whole_low_cents, whole_high_cents : int or None
        Where the whole batch was solved anew: the saving is between these, proved.
    """

    resource: Named
    price_cents: float
    supply: int
    n_holders: int
    saves_cents: int
    neighbours: tuple[str, ...]
    proven: bool
    moves: tuple[Move, ...]
    whole_low_cents: int | None = None
    whole_high_cents: int | None = None

    def to_document(self) -> dict[str, Any]:
        """JSON-like data; dates are ISO text."""
        return {
            **self.resource.to_document(),
            "price_cents": self.price_cents,
            "supply": self.supply,
            "n_holders": self.n_holders,
            "saves_cents": self.saves_cents,
            "neighbours": list(self.neighbours),
            "proven": self.proven,
            "moves": [move.to_document() for move in self.moves],
            "whole_low_cents": self.whole_low_cents,
            "whole_high_cents": self.whole_high_cents,
        }
