"""What could serve a line, or lines that ship together, if their order were alone in the batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from engine.check.columns import NO_DAY, BoolArray, FloatArray, IntArray, sums
from engine.check.given import Given
from engine.check.resources import Capacity, Stock
from engine.check.routes import Routes
from engine.check.rules import Permits

NODES_A_ROUND = 16
PAIRS_A_CHUNK = 1 << 18
NOTHING, CANDIDATE, IN_STOCK, SERVED, FREE = range(5)


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """Lines that are judged together: one line, or the lines of an order that ship together.

    Attributes
    ----------
    order : int64[n]
        Row of `orders`.
    divisible : bool[n]
        Whether a part of it may be served.
    first : int64[n + 1]
        Where the needs of a block begin.
    item, quantity : int64[n_needs]
        Units of an item; two lines of one item in a block are one need.
    of_line : int64[n_lines]
        The block of each line of the batch, -1 where it is not judged.
    """

    order: IntArray
    divisible: BoolArray
    first: IntArray
    item: IntArray
    quantity: IntArray
    of_line: IntArray

    @property
    def n(self) -> int:
        """How many blocks there are."""
        return len(self.order)

    @property
    def units(self) -> IntArray:
        """Units by block."""
        return np.add.reduceat(self.quantity, self.first[:-1]) if self.n else self.quantity


def blocks_of(given: Given, line: IntArray) -> Blocks:
    """Return the blocks that the given lines (rows, ascending) make up."""
    group = given.line_group[line]
    n_groups = int(group.max(initial=-1)) + 1
    names, block = np.unique(np.where(group >= 0, group, n_groups + line), return_inverse=True)
    block = block.astype(np.int64)
    of_line = np.full(given.lines.n, -1, dtype=np.int64)
    of_line[line] = block
    order = np.zeros(len(names), dtype=np.int64)
    order[block] = given.line_order[line]
    need, where = np.unique(block * max(given.items.n, 1) + given.line_item[line], return_inverse=True)
    needing, item = np.divmod(need, max(given.items.n, 1))
    return Blocks(
        order=order,
        divisible=(names >= n_groups) & given.policy.allow_line_split,
        first=np.searchsorted(needing, np.arange(len(names) + 1)).astype(np.int64),
        item=item,
        quantity=sums(where.astype(np.int64), given.line_quantity[line], len(need)),
        of_line=of_line,
    )


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Blocks with a node each, what the node can sell of every need, and how far it is."""

    block: IntArray
    node: IntArray
    need: IntArray
    first: IntArray
    stock: IntArray
    metres: FloatArray


class Serving:
    """Answers which (node, date, service) could serve a block alone in the empty batch."""

    def __init__(
        self, given: Given, routes: Routes, permits: Permits, stock: Stock, capacity: Capacity, blocks: Blocks
    ) -> None:
        self.given, self.routes, self.permits = given, routes, permits
        self.stock, self.capacity, self.blocks = stock, capacity, blocks
        self.dates = permits.ship_dates.table
        self._last = self.dates.max(axis=1, initial=NO_DAY)
        self._offline = given.nodes.bools("offline")
        by_item = np.argsort(stock.pair_item, kind="stable")
        self._node_of = stock.pair_node[by_item]
        self._begins = np.searchsorted(stock.pair_item[by_item], np.arange(given.items.n + 1))
        self._lead = blocks.item[blocks.first[:-1]]
        self.n_nodes = self._begins[self._lead + 1] - self._begins[self._lead]

    def pairs(self, block: IntArray, begin: int, end: int) -> Iterator[tuple[IntArray, IntArray]]:
        """Yield (block, node) for nodes `begin` to `end` of those with stock of the block's first item."""
        count = np.clip(self.n_nodes[block], begin, end) - begin
        starts = np.cumsum(count) - count
        for low in range(0, int(count.sum()), PAIRS_A_CHUNK):
            at = np.arange(low, min(low + PAIRS_A_CHUNK, int(count.sum())))
            which = np.searchsorted(starts, at, side="right") - 1
            chosen = block[which]
            place = self._begins[self._lead[chosen]] + begin + at - starts[which]
            yield chosen, self._node_of[place]

    def candidates(self, block: IntArray, node: IntArray) -> Pairs:
        """Return the pairs whose node is eligible for, and has stock rows of, every need."""
        given, blocks = self.given, self.blocks
        order = blocks.order[block]
        fine = ~self._offline[node] & ~self.permits.choosers.refuse(order, node)
        block, node, order = block[fine], node[fine], order[fine]
        metres = self.routes.metres(node, order)
        if given.policy.max_distance_km is not None:
            near = ~(metres / 1000.0 > given.policy.max_distance_km)
            block, node, metres = block[near], node[near], metres[near]
        need, first = _ranges(blocks.first[block], blocks.first[block + 1])
        holder = np.repeat(node, np.diff(first))
        stock = self.stock.pairs(holder, blocks.item[need])
        able = (stock >= 0) & ~self.permits.node_capabilities.missing(blocks.item[need], holder)
        keep = every(able, first)
        kept = np.repeat(keep, np.diff(first))
        size = np.diff(first)[keep]
        return Pairs(
            block=block[keep],
            node=node[keep],
            need=need[kept],
            first=np.concatenate(([0], np.cumsum(size))).astype(np.int64),
            stock=stock[kept],
            metres=metres[keep],
        )

    def sold(self, pairs: Pairs, day: IntArray) -> tuple[IntArray, BoolArray]:
        """Return what each need can be sold by a date (by pair), and whether that is enough for the pair."""
        units = self.stock.sellable(pairs.stock, np.repeat(day, np.diff(pairs.first)))
        wanted = np.where(
            self.blocks.divisible[pairs.block].repeat(np.diff(pairs.first)),
            1,
            self.blocks.quantity[pairs.need],
        )
        return units, every(units >= wanted, pairs.first)

    def last_day(self, pairs: Pairs) -> IntArray:
        """Return the last ship date of each pair's node, `NO_DAY` where it has none."""
        return np.asarray(self._last[pairs.node])

    def offers(self, pairs: Pairs) -> Iterator[tuple[int, int, BoolArray, BoolArray]]:
        """Yield date rank, service, and by pair whether that serves it, and whether also capacity is left."""
        order = self.blocks.order[pairs.block]
        wanted = np.where(self.blocks.divisible[pairs.block], 1, self.blocks.units[pairs.block])
        ways = []
        for service in range(self.given.services.n):
            other = np.full(len(order), service, dtype=np.int64)
            zone, transit = self.routes.zone(pairs.node, order, other, pairs.metres)
            item = self.blocks.item[pairs.need]
            lacks = self.permits.service_capabilities.missing(item, np.full(len(item), service, dtype=np.int64))
            way = np.flatnonzero((zone >= 0) & every(~lacks, pairs.first))
            if len(way):
                ways.append((service, way, zone[way], transit[way]))
        for rank in range(self.dates.shape[1]):
            day = self.dates[pairs.node, rank]
            _, stocked = self.sold(pairs, day)
            stocked &= day != NO_DAY
            shipments, units = self.capacity.slot(pairs.node, day)
            room = (shipments >= 1) & (units >= wanted)
            for service, every_way, zone, transit in ways:
                here = stocked[every_way]
                way = every_way[here]
                other = np.full(len(way), service, dtype=np.int64)
                deliver_day = self.routes.deliveries.deliver(other, day[way], transit[here])
                goes = self.routes.goes(order[way], zone[here], deliver_day, day[way])
                serves, free = np.zeros((2, len(order)), dtype=np.bool_)
                serves[way] = goes
                free[way] = goes & room[way] & (self.capacity.service(pairs.node[way], other, day[way]) >= 1)
                yield rank, service, serves, free

    def levels(self) -> tuple[IntArray, IntArray]:
        """Return how far each block comes (NOTHING to FREE), and what its nodes together sell of it."""
        blocks = self.blocks
        level, together = np.zeros((2, blocks.n), dtype=np.int64)
        begin = 0
        open_blocks = np.flatnonzero(self.n_nodes > 0)
        while len(open_blocks):
            for block, node in self.pairs(open_blocks, begin, begin + NODES_A_ROUND):
                pairs = self.candidates(block, node)
                reached, units = self._reach(pairs)
                np.maximum.at(level, pairs.block, reached)
                together += sums(pairs.block, units, blocks.n)
            begin += NODES_A_ROUND
            enough = ~blocks.divisible | (together >= blocks.quantity[blocks.first[:-1]])
            done = (level == FREE) & enough
            open_blocks = open_blocks[~done[open_blocks] & (self.n_nodes[open_blocks] > begin)]
        return level, together

    def _reach(self, pairs: Pairs) -> tuple[IntArray, IntArray]:
        last = self.last_day(pairs)
        units, stocked = self.sold(pairs, last)
        first_need = np.where(last != NO_DAY, units[pairs.first[:-1]], 0) if len(last) else units
        reached = np.where(stocked & (last != NO_DAY), IN_STOCK, CANDIDATE)
        at = np.flatnonzero(reached == IN_STOCK)
        some = _subset(pairs, at)
        best = np.full(len(at), IN_STOCK, dtype=np.int64)
        for _, _, serves, free in self.offers(some):
            best = np.maximum(best, np.where(free, FREE, np.where(serves, SERVED, IN_STOCK)))
            if (best == FREE).all():
                break
        reached[at] = best
        return reached.astype(np.int64), first_need


def _subset(pairs: Pairs, at: IntArray) -> Pairs:
    which, first = _ranges(pairs.first[at], pairs.first[at + 1])
    return Pairs(
        block=pairs.block[at],
        node=pairs.node[at],
        need=pairs.need[which],
        first=first,
        stock=pairs.stock[which],
        metres=pairs.metres[at],
    )


def _ranges(begin: IntArray, end: IntArray) -> tuple[IntArray, IntArray]:
    """Return all of begin..end one after another, and where each range begins in that."""
    size = end - begin
    first = np.concatenate(([0], np.cumsum(size))).astype(np.int64)
    return np.arange(first[-1]) - np.repeat(first[:-1] - begin, size), first


def every(truth: BoolArray, first: IntArray) -> BoolArray:
    """Return for each range (none of them empty) whether all its members are true."""
    if len(first) < 2:
        return np.zeros(0, dtype=np.bool_)
    return np.asarray(np.logical_and.reduceat(truth, first[:-1]))
