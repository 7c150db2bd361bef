"""The options of every order: answers ``more`` for the solver, and remembers what each listed option means."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.listing import Listing, Options, joined
from engine.network import IntArray, Network
from engine.orders import Orders, nothing_cents
from engine.packed_pricing import price_packed
from engine.pricing import price_orders
from engine.shipments import MAX_LISTED_PIECES, Shipments, list_shipments
from engine.usage import option_columns
from engine.visit_search import MOST_VISITS
from engine.workers import Mapper
from solver.problem import ranges
from solver.source import More, Prices
from solver.spread import Local, Workers

ORDERS_PER_SHARD = 8192
LEAST_ORDERS = 256
N_SHARDS = 24
"""Orders are dealt to so many shards, larger ones beyond; whatever the workers, so that nothing depends on those."""


class Found(NamedTuple):
    """What pricing a shard brings back: tables for the solver, and what packed orders start from next time."""

    order: IntArray
    cost: IntArray
    usage_start: IntArray
    usage_resource: IntArray
    usage_amount: IntArray
    floor: IntArray
    piece_values: IntArray


class OrderOptions:
    """A :class:`solver.source.Source` over the orders of a batch.

    An option is recorded once, under a number (its tag) that stays; ``shipments_of`` tells the shipments behind it. The
    shipments and the records of a shard stay with the workers, and no call changes what an earlier one left there.
    """

    def __init__(
        self,
        network: Network,
        orders: Orders,
        *,
        parallel: Mapper = map,
        workers: Workers | None = None,
        listed_pieces: int = MAX_LISTED_PIECES,
        searched_shipments: int = MOST_VISITS,
    ) -> None:
        self.network = network
        self.orders = orders
        self.workers = workers or Local(parallel)
        self._searched_shipments = searched_shipments
        n_orders = orders.lat.size
        size = min(ORDERS_PER_SHARD, max(LEAST_ORDERS, -(-n_orders // N_SHARDS)))
        self.bounds = [*range(0, n_orders, size), n_orders]
        runs = list(pairwise(self.bounds))
        self.given = (self.workers.put(network), self.workers.put(orders))
        kept = self.workers.keep(_shipments, [(*self.given, *run, listed_pieces) for run in runs])
        self.shipments = [handle for handle, _ in kept]
        self._packed = np.concatenate([np.zeros(0, np.bool_), *(packed for _, packed in kept)])
        self._values = [np.zeros(_n_values(orders, *run), np.int64) for run in runs]
        # records of a shard: blocks of options in the order they were listed; the first serve nothing
        self._blocks: list[list[Any]] = [[] for _ in runs]
        self._n_records = np.array([end - begin for begin, end in runs], np.int64)
        self._shard = np.repeat(np.arange(len(runs)), self._n_records)
        self._record = np.arange(n_orders) - np.repeat(np.array(self.bounds[:-1], np.int64), self._n_records)

    @property
    def heavy(self) -> NDArray[np.bool_]:
        """See :class:`solver.source.Source`: the orders that are packed into more than a few shipments."""
        return self._packed & (self.orders.max_shipments > self._searched_shipments)

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
        cuts = np.searchsorted(groups, self.bounds)
        asked = [groups[a:b] for a, b in pairwise(cuts.tolist())]
        shards = [shard for shard, its in enumerate(asked) if its.size]
        at_prices = self.workers.put(prices)
        how = (slack, limit, exact, self._searched_shipments)
        calls = [
            (
                *self.given,
                self.shipments[shard],
                self.bounds[shard],
                self.bounds[shard + 1],
                asked[shard],
                at_prices,
                *how,
                self._values[shard],
                *self._blocks[shard],
            )
            for shard in shards
        ]
        kept = self.workers.keep(_priced, calls)
        found = [answer for _, answer in kept]
        for shard, (block, answer) in zip(shards, kept):
            self._values[shard] = answer.piece_values
            if answer.order.size:
                self._blocks[shard].append(block)
        group = _joined([answer.order for answer in found])
        tag = np.arange(self._record.size, self._record.size + group.size)
        self._number(shards, [answer.order.size for answer in found])
        return More(
            group=group,
            cost=_joined([answer.cost for answer in found]),
            tag=tag,
            usage_start=_chain([answer.usage_start for answer in found]),
            usage_resource=_joined([answer.usage_resource for answer in found]),
            usage_amount=_joined([answer.usage_amount for answer in found]),
            floor=_joined([answer.floor for answer in found]),
        )

    def places_of(self, tags: IntArray) -> list[tuple[IntArray, tuple[Any, ...]]]:
        """For each shard, which of some options it holds, and what :func:`recorded` wants to tell their shipments."""
        shard, record = self._shard[tags], self._record[tags]
        here = [np.flatnonzero(shard == number) for number in range(len(self.shipments))]
        runs = pairwise(self.bounds)
        return [(its, (record[its], *run, *blocks)) for its, run, blocks in zip(here, runs, self._blocks)]

    def shipments_of(self, tags: IntArray) -> Options:
        """The shipments of some options of the first shard, which is all there is of a few orders."""
        record = self._record[tags]
        return self.workers.call(recorded, [(record, self.bounds[0], self.bounds[1], *self._blocks[0])])[0]

    def _number(self, shards: list[int], n_new: list[int]) -> None:
        first = self._n_records[shards]
        counts = np.array(n_new, np.int64)
        self._shard = np.concatenate((self._shard, np.repeat(np.array(shards, np.int64), counts)))
        self._record = np.concatenate((self._record, ranges(first, first + counts)))
        self._n_records[shards] += counts


def recorded(record: IntArray, begin: int, end: int, *blocks: Options) -> Options:
    """The shipments behind records of a shard; visits are numbered within the shard."""
    records = _records(begin, end, blocks)
    start, stop = records.first[record], records.first[record + 1]
    entries = ranges(start, stop)
    return Options(
        records.order[record],
        np.concatenate((np.zeros(1, np.int64), np.cumsum(stop - start))),
        *(column[entries] for column in records[2:]),
    )


def _shipments(
    network: Network, orders: Orders, begin: int, end: int, listed_pieces: int
) -> tuple[Shipments, NDArray[np.bool_]]:
    shipments = list_shipments(network, orders, begin, end, listed_pieces=listed_pieces)
    return shipments, shipments.packed


def _priced(
    network: Network,
    orders: Orders,
    shipments: Shipments,
    begin: int,
    end: int,
    asked: IntArray,
    prices: Prices,
    slack: int,
    limit: int,
    exact: bool,
    searched_shipments: int,
    piece_values: IntArray,
    *blocks: Options,
) -> tuple[Options, Found]:
    """What a shard lists anew: the options for its records, and what the solver wants to know of them."""
    records = _records(begin, end, blocks)
    is_asked = np.zeros(end - begin, np.bool_)
    is_asked[asked - begin] = True
    known = np.flatnonzero(is_asked[records.order - begin])
    known = known[np.argsort(records.order[known], kind="stable")]
    known_first = np.searchsorted(records.order[known], np.arange(begin, end + 1))
    its_known = (known_first, known, records)
    packed = shipments.packed[asked - begin]
    given = (network, orders, shipments, begin)
    listing: Listing = price_orders(*given, asked[~packed], prices, slack, limit, *its_known)
    if packed.any():
        piece_values = piece_values.copy()
        wide = (exact, searched_shipments, piece_values)
        large: Listing = price_packed(*given, asked[packed], prices, slack, limit, *wide, *its_known)
        listing = joined(asked, packed, large, listing)
    cost, start, resource, amount = option_columns(network, orders, shipments, listing.options)
    found = Found(listing.options.order, cost, start, resource, amount, listing.floor, piece_values)
    return listing.options, found


def _records(begin: int, end: int, blocks: tuple[Options, ...]) -> Options:
    """The records of a shard in one; the first serve nothing, one an order."""
    empty = np.zeros(0, np.int64)
    nothing = Options(np.arange(begin, end), np.zeros(end - begin + 1, np.int64), empty, empty, empty, empty)
    if not blocks:
        return nothing
    parts = [nothing, *blocks]
    return Options(
        _joined([part.order for part in parts]),
        _chain([part.first for part in parts]),
        *(_joined([part[i] for part in parts]) for i in range(2, len(Options._fields))),
    )


def _n_values(orders: Orders, begin: int, end: int) -> int:
    return int(orders.piece_first[end] - orders.piece_first[begin]) + end - begin


def _joined(parts: list[IntArray]) -> IntArray:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def _chain(offsets: list[IntArray]) -> IntArray:
    """Join the offsets of consecutive CSR blocks."""
    if not offsets:
        return np.zeros(1, np.int64)
    ends = np.cumsum([0, *(int(block[-1]) for block in offsets)])
    return np.concatenate([offsets[0][:1], *(block[1:] + end for block, end in zip(offsets, ends.tolist()))])
