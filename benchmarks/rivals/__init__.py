"""What others do: the rules of today's order management systems, and one large program, scored as we are.

Every rival turns a batch into an allocation that passes ``engine.check``; ``python -m benchmarks.rivals`` runs one on a
batch folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from benchmarks.rivals import rules
from engine.documents import Allocation, Batch

__all__ = ["RIVALS", "Rival", "Router", "Searcher"]


class Router(Protocol):
    """Routes a batch; ``leave_if_dearer``: whether orders that cost more to serve than to leave are left."""

    def __call__(self, batch: Batch, *, leave_if_dearer: bool = True) -> Allocation: ...


class Searcher(Protocol):
    """Routes a batch by a search that time ends."""

    def __call__(
        self, batch: Batch, *, leave_if_dearer: bool = True, time_limit_seconds: float = ..., n_threads: int = ...
    ) -> Allocation: ...


@dataclass(frozen=True, kw_only=True)
class Rival:
    """A way to route a batch.

    Parameters
    ----------
    name : str
        Its key in :data:`RIVALS`.
    product : str
        Whose documented behaviour it restates.
    description : str
        What it does, in a few words.
    route : Router
        Routes a batch.
    search : Searcher or None
        The same with a time limit, for those that search; None: a rule.
    """

    name: str
    product: str
    description: str
    route: Router
    search: Searcher | None = None

    @property
    def repeatable(self) -> bool:
        """Whether the same batch always gives the same allocation."""
        return self.search is None


RIVALS: Mapping[str, Rival] = MappingProxyType(
    {
        rival.name: rival
        for rival in (
            Rival(
                name="nearest_node",
                product="Magento, distance priority",
                description="each line from the nearest node that has it",
                route=rules.nearest_node,
            ),
            Rival(
                name="priority_order",
                product="Magento, source priority; Saleor, sorting order",
                description="nodes in a fixed order",
                route=rules.priority_order,
            ),
            Rival(
                name="most_stock_first",
                product="Saleor, prioritise high stock",
                description="the node with most left of what is wanted first",
                route=rules.most_stock_first,
            ),
            Rival(
                name="fewest_splits_then_nearest",
                product="Salesforce, fewest splits; Shopify, Spree",
                description="the fewest nodes that have the order, of those the nearest",
                route=rules.fewest_splits_then_nearest,
            ),
            Rival(
                name="single_node_else_multi_by_distance",
                product="HotWax, order routing",
                description="the nearest node that has all, else split by distance",
                route=rules.single_node_else_multi_by_distance,
            ),
            Rival(
                name="cheapest_feasible",
                product="greedy by cost",
                description="each order, as it comes, its cheapest option that still fits",
                route=rules.cheapest_feasible,
            ),
            Rival(
                name="two_pass_batches",
                product="Dynamics 365, distributed order management",
                description="batches of 1,500 lines: one node and in time first, then what is left",
                route=rules.two_pass_batches,
            ),
            Rival(
                name="one_shot_mip",
                product="HiGHS",
                description="the options listed as one integer program, five minutes from the best rule on",
                route=rules.one_shot_mip,
                search=rules.one_shot_mip,
            ),
            Rival(
                name="one_shot_cpsat",
                product="CP-SAT",
                description="the same program, in the solver of OR-Tools",
                route=rules.one_shot_cpsat,
                search=rules.one_shot_cpsat,
            ),
        )
    }
)
