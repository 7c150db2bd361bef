"""The options of every order: answers ``more`` for the solver, and remembers what each listed option means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from engine.network import IntArray, Network
from engine.orders import Orders, nothing_cents
from engine.pricing import Listing, price_orders
from engine.shipments import Shipments, list_shipments
from engine.usage import option_columns
from solver.problem import ranges
from solver.source import More, Prices

ORDERS_PER_SHARD = 8192

Mapper = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""Like the builtin ``map``: applies a function to shards, in order, perhaps side by side."""


class OrderOptions:
    """A :class:`solver.source.Source` over the orders of a batch.

    An option is recorded once, under a number (its tag) that stays; ``offers_of`` tells the shipments behind it.
    """

    def __init__(self, network: Network, orders: Orders, *, parallel: Mapper = map) -> None:
        self.network = network
        self.orders = orders
        self._parallel = parallel
        n_orders = orders.lat.size
        bounds = [*range(0, n_orders, ORDERS_PER_SHARD), n_orders]
        self._begins = np.array(bounds[:-1], np.int64)
        runs = list(pairwise(bounds))
        self.shards: list[Shipments] = list(parallel(lambda run: list_shipments(network, orders, run[0], run[1]), runs))
        self._visit_of_offer = [
            np.repeat(np.arange(shard.visit_slot.size), np.diff(shard.offer_first)) for shard in self.shards
        ]
        self._ends = np.array(bounds[1:], np.int64)
        # records: option numbers in the order they were listed; the first n_orders of them serve nothing
        self.record_order = np.arange(n_orders, dtype=np.int64)
        self.record_first = np.zeros(n_orders + 1, np.int64)
        self.record_offer = np.zeros(0, np.int64)
        self._index_records()

    def nothing(self) -> More:
        """The option of each order that serves nothing; listed before all others."""
        orders, empty = np.arange(self.orders.lat.size), np.zeros(0, np.int64)
        cost = nothing_cents(self.orders)
        return More(
            group=orders,
            cost=cost,
            tag=orders,
            usage_start=np.zeros(orders.size + 1, np.int64),
            usage_resource=empty,
            usage_amount=empty,
            floor=empty,
        )

    def more(self, groups: IntArray, prices: Prices, *, slack: int, limit: int) -> More:
        """See :meth:`solver.source.Source.more`."""
        cuts = np.searchsorted(groups, np.append(self._begins, self._ends[-1:]))

        def price(shard: int) -> tuple[Listing, Any]:
            listing = price_orders(
                self.network,
                self.orders,
                self.shards[shard],
                int(self._begins[shard]),
                groups[cuts[shard] : cuts[shard + 1]],
                prices,
                slack,
                limit,
                self._known_first,
                self._known,
                self.record_first,
                self.record_offer,
            )
            return listing, self._columns(listing, shard)

        parts = list(self._parallel(price, range(len(self.shards))))
        if not parts:
            empty = np.zeros(0, np.int64)
            return More(
                group=empty,
                cost=empty,
                tag=empty,
                usage_start=np.zeros(1, np.int64),
                usage_resource=empty,
                usage_amount=empty,
                floor=empty,
            )
        group = np.concatenate([listing.order for listing, _ in parts])
        tag = np.arange(self.record_order.size, self.record_order.size + group.size)
        self._record([listing for listing, _ in parts])
        return More(
            group=group,
            cost=np.concatenate([columns[0] for _, columns in parts]),
            tag=tag,
            usage_start=_chain([columns[1] for _, columns in parts]),
            usage_resource=np.concatenate([columns[2] for _, columns in parts]),
            usage_amount=np.concatenate([columns[3] for _, columns in parts]),
            floor=np.concatenate([listing.floor for listing, _ in parts]),
        )

    def offers_of(self, tags: IntArray) -> tuple[IntArray, IntArray]:
        """Offsets and offers (numbered within their shard) of recorded options."""
        start, stop = self.record_first[tags], self.record_first[tags + 1]
        return np.concatenate((np.zeros(1, np.int64), np.cumsum(stop - start))), self.record_offer[ranges(start, stop)]

    def shard_of(self, orders: IntArray) -> IntArray:
        """The shard that holds each order."""
        return np.asarray(np.searchsorted(self._begins, orders, side="right") - 1, dtype=np.int64)

    def visit_of_offer(self, shard: int) -> IntArray:
        """The visit of each offer of a shard."""
        return self._visit_of_offer[shard]

    def shard_begin(self, shard: int) -> int:
        """The first order of a shard."""
        return int(self._begins[shard])

    def _columns(self, listing: Listing, shard: int) -> Any:
        return option_columns(
            self.network,
            self.orders,
            self.shards[shard],
            int(self._begins[shard]),
            self._visit_of_offer[shard],
            listing.order,
            listing.offer_first,
            listing.offer,
        )

    def _record(self, listings: list[Listing]) -> None:
        self.record_order = np.concatenate([self.record_order, *(listing.order for listing in listings)])
        self.record_first = _chain([self.record_first, *(listing.offer_first for listing in listings)])
        self.record_offer = np.concatenate([self.record_offer, *(listing.offer for listing in listings)])
        self._index_records()

    def _index_records(self) -> None:
        n_orders = self.orders.lat.size
        self._known = np.argsort(self.record_order, kind="stable")
        counts = np.bincount(self.record_order, minlength=n_orders)
        self._known_first = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))


def _chain(offsets: list[IntArray]) -> IntArray:
    """Join the offsets of consecutive CSR blocks."""
    ends = np.cumsum([0, *(int(block[-1]) for block in offsets)])
    return np.concatenate([offsets[0][:1], *(block[1:] + end for block, end in zip(offsets, ends.tolist()))])
