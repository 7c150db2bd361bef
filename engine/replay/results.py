"""What a pass over a stream came to: cost by term, delay of decision, fill, splits, lateness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.allocate import document_shipments
from engine.decode import Chosen, Terms, left_quantities, shipment_terms
from engine.documents import Allocation
from engine.orders import nothing_cents
from engine.replay.play import Played
from engine.replay.turns import Strategy
from engine.replay.world import MINUTE, World

TERMS = (*(name for name in Terms._fields if name.endswith("_cents")), "unallocated_cents")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The figures of one strategy on one stream with one seed.

    Parameters
    ----------
    strategy : str
        Its name.
    seed : int
        Of the draws, and of the stream where it was generated.
    terms : mapping of str to int
        Cents by term of MODEL.md section 3.
    total_cents : int
        Their sum: the sourcing cost, which the clairvoyant bound bounds.
    counts : mapping of str to int
        orders, units, units_allocated, shipments, orders_split, late_shipments, refused (decisions that a node
        refused), changed (decisions changed before they were released).
    delay_minutes_mean, delay_minutes_p95 : float
        From placing an order to the decision that stands.
    settled_minutes_mean : float
        From placing an order to when its decision could not change any more.
    longest_wait_micros : int
        The longest of the latter.
    """

    strategy: str
    seed: int
    terms: Mapping[str, int]
    total_cents: int
    counts: Mapping[str, int]
    delay_minutes_mean: float
    delay_minutes_p95: float
    settled_minutes_mean: float
    longest_wait_micros: int

    @property
    def fill(self) -> float:
        """Share of the units that are shipped."""
        return self.counts["units_allocated"] / max(1, self.counts["units"])

    @property
    def split_share(self) -> float:
        """Share of the orders that come in several shipments."""
        return self.counts["orders_split"] / max(1, self.counts["orders"])

    @property
    def late_share(self) -> float:
        """Share of the shipments that arrive late."""
        return self.counts["late_shipments"] / max(1, self.counts["shipments"])


def outcome_of(world: World, strategy: Strategy, seed: int, played: Played) -> Outcome:
    """Add up what a pass came to."""
    orders, chosen = world.index.orders, played.chosen
    terms = shipment_terms(world.index.network, orders, chosen)
    left, left_cents = left_quantities(orders, chosen)
    totals = {name: int(np.sum(getattr(terms, name))) for name in TERMS if name != "unallocated_cents"}
    totals["unallocated_cents"] = int(left_cents.sum())
    shipments_of = np.bincount(chosen.order, minlength=orders.lat.size)
    delay = (played.decided_at - world.placed_at) / MINUTE
    settled = played.released_at - world.placed_at
    return Outcome(
        strategy=strategy.name,
        seed=seed,
        terms=totals,
        total_cents=sum(totals.values()),
        counts={
            "orders": int(orders.lat.size),
            "units": int(orders.line_quantity.sum()),
            "units_allocated": int((orders.line_quantity - left).sum()),
            "shipments": int(chosen.order.size),
            "orders_split": int((shipments_of > 1).sum()),
            "late_shipments": int((terms.deliver_day > orders.deliver_by[chosen.order]).sum()),
            "refused": played.n_refused,
            "changed": played.n_changed,
        },
        delay_minutes_mean=float(delay.mean()) if delay.size else 0.0,
        delay_minutes_p95=float(np.percentile(delay, 95)) if delay.size else 0.0,
        settled_minutes_mean=float(settled.mean() / MINUTE) if settled.size else 0.0,
        longest_wait_micros=int(settled.max(initial=0)),
    )


def allocation_of(world: World, chosen: Chosen, *, bound_cents: int | None = None) -> Allocation:
    """The documents of what a stream came to, as an allocation of the world's batch (``engine.check`` can judge it).

    Parameters
    ----------
    bound_cents : int or None
        A lower bound; None: one that holds for any allocation.
    """
    network, orders = world.index.network, world.index.orders
    if bound_cents is None:
        most = np.minimum(orders.max_shipments, network.slot_node.size)
        bound_cents = min(0, int(network.node_preference_cents.min(initial=0))) * int(most.sum())
        bound_cents = min(bound_cents, int(nothing_cents(orders).sum()))
    return document_shipments(
        world.batch,
        world.index,
        chosen,
        bound_cents=bound_cents,
        price=np.zeros(network.supply.size),
        termination="stalled",
        seed=0,
    )
