"""The options of every order: answers ``more`` for the solver, and remembers what each listed option means."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.few_visits import MOST_VISITS
from engine.listing import Listing, Options, joined
from engine.network import IntArray, Network
from engine.orders import Orders, nothing_cents
from engine.packed_pricing import price_packed
from engine.pricing import price_orders
from engine.shipments import MAX_LISTED_PIECES, Shipments, list_shipments
from engine.usage import option_columns
from solver.problem import ranges
from solver.source import More, Prices

ORDERS_PER_SHARD = 8192
LEAST_ORDERS = 256
N_SHARDS = 24
"""Orders are dealt to so many shards, larger ones beyond; whatever the workers, so that nothing depends on those."""

Mapper = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""Like the builtin ``map``: applies a function to shards, in order, perhaps side by side."""


class OrderOptions:
    """A :class:`solver.source.Source` over the orders of a batch.

    An option is recorded once, under a number (its tag) that stays; ``shipments_of`` tells the shipments behind it.
    """

    def __init__(
        self,
        network: Network,
        orders: Orders,
        *,
        parallel: Mapper = map,
        listed_pieces: int = MAX_LISTED_PIECES,
        searched_shipments: int = MOST_VISITS,
    ) -> None:
        self.network = network
        self.orders = orders
        self._parallel = parallel
        self._searched_shipments = searched_shipments
        n_orders = orders.lat.size
        size = min(ORDERS_PER_SHARD, max(LEAST_ORDERS, -(-n_orders // N_SHARDS)))
        bounds = [*range(0, n_orders, size), n_orders]
        self._begins = np.array(bounds[:-1], np.int64)
        runs = list(pairwise(bounds))

        def shipments(run: tuple[int, int]) -> Shipments:
            return list_shipments(network, orders, *run, listed_pieces=listed_pieces)

        self.shards: list[Shipments] = list(parallel(shipments, runs))
        self._ends = np.array(bounds[1:], np.int64)
        # records: option numbers in the order they were listed; the first n_orders of them serve nothing
        self._piece_values = np.zeros(orders.piece_levels.size + n_orders, np.int64)
        empty = np.zeros(0, np.int64)
        self.records = Options(
            np.arange(n_orders, dtype=np.int64), np.zeros(n_orders + 1, np.int64), empty, empty, empty, empty
        )
        self._index_records()

    @property
    def heavy(self) -> NDArray[np.bool_]:
        """See :class:`solver.source.Source`: the orders that are packed into more than a few shipments."""
        packed = np.concatenate([np.zeros(0, np.bool_), *(shard.packed for shard in self.shards)])
        return packed & (self.orders.max_shipments > self._searched_shipments)

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

    def more(self, groups: IntArray, prices: Prices, *, slack: int, limit: int, exact: bool = True) -> More:
        """See :meth:`solver.source.Source.more`."""
        cuts = np.searchsorted(groups, np.append(self._begins, self._ends[-1:]))

        def price(shard: int) -> tuple[Listing, Any]:
            begin = int(self._begins[shard])
            asked = groups[cuts[shard] : cuts[shard + 1]]
            packed = self.shards[shard].packed[asked - begin]
            given = (self.network, self.orders, self.shards[shard], begin)
            known = (self._known_first, self._known, self.records)
            listing: Listing = price_orders(*given, asked[~packed], prices, slack, limit, *known)
            if packed.any():
                large = price_packed(
                    *given,
                    asked[packed],
                    prices,
                    slack,
                    limit,
                    exact,
                    self._searched_shipments,
                    self._piece_values,
                    *known,
                )
                listing = joined(asked, packed, large, listing)
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
        group = np.concatenate([listing.options.order for listing, _ in parts])
        tag = np.arange(self.records.order.size, self.records.order.size + group.size)
        self._record([listing.options for listing, _ in parts])
        return More(
            group=group,
            cost=np.concatenate([columns[0] for _, columns in parts]),
            tag=tag,
            usage_start=_chain([columns[1] for _, columns in parts]),
            usage_resource=np.concatenate([columns[2] for _, columns in parts]),
            usage_amount=np.concatenate([columns[3] for _, columns in parts]),
            floor=np.concatenate([listing.floor for listing, _ in parts]),
        )

    def shipments_of(self, tags: IntArray) -> Options:
        """The shipments of recorded options; visits are numbered within the shard of their order."""
        start, stop = self.records.first[tags], self.records.first[tags + 1]
        entries = ranges(start, stop)
        return Options(
            self.records.order[tags],
            np.concatenate((np.zeros(1, np.int64), np.cumsum(stop - start))),
            *(column[entries] for column in self.records[2:]),
        )

    def shard_of(self, orders: IntArray) -> IntArray:
        """The shard that holds each order."""
        return np.asarray(np.searchsorted(self._begins, orders, side="right") - 1, dtype=np.int64)

    def _columns(self, listing: Listing, shard: int) -> Any:
        return option_columns(self.network, self.orders, self.shards[shard], listing.options)

    def _record(self, new: list[Options]) -> None:
        blocks = [self.records, *new]
        self.records = Options(
            np.concatenate([block.order for block in blocks]),
            _chain([block.first for block in blocks]),
            *(np.concatenate([block[i] for block in blocks]) for i in range(2, len(Options._fields))),
        )
        self._index_records()

    def _index_records(self) -> None:
        n_orders = self.orders.lat.size
        self._known = np.argsort(self.records.order, kind="stable")
        counts = np.bincount(self.records.order, minlength=n_orders)
        self._known_first = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))


def _chain(offsets: list[IntArray]) -> IntArray:
    """Join the offsets of consecutive CSR blocks."""
    ends = np.cumsum([0, *(int(block[-1]) for block in offsets)])
    return np.concatenate([offsets[0][:1], *(block[1:] + end for block, end in zip(offsets, ends.tolist()))])
