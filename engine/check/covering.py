"""Whether the lines of an order that could be served one by one need more shipments than it may have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from engine.check.columns import BoolArray, IntArray
from engine.check.serving import PAIRS_A_CHUNK, Serving

MAX_ORDERS = 5_000
MAX_STEPS = 5_000
MOST_BITS = 62

Shipment = tuple[int, int]
"""A node and the blocks (bits) that one shipment from it could serve."""


def most_shipments_decide(
    serving: Serving, possible: BoolArray, concerned: BoolArray, says_limit: BoolArray
) -> IntArray:
    """Return for each order 1 where the limit is certainly too low, -1 where certainly not, else 0.

    Judged for orders in `concerned`; beyond the first 5,000 of them nothing is certain.
    """
    given, blocks = serving.given, serving.blocks
    n_possible = np.bincount(blocks.order[possible], minlength=given.orders.n)
    most = given.max_shipments
    verdict = np.where(n_possible > most, 0, np.where(says_limit, 0, -1)).astype(np.int64)
    verdict[most == 0] = 1
    orders = np.flatnonzero(concerned & (verdict == 0))[:MAX_ORDERS]
    chosen = np.zeros(given.orders.n, dtype=np.bool_)
    chosen[orders] = True
    block = np.flatnonzero(possible & chosen[blocks.order])
    for part in _chunks(serving, block):
        place = _places(serving, part)
        slots = _slots(serving, part, place, by_service=False)
        alone = _by_order(slots)
        of_order = blocks.order[part]
        opens = np.flatnonzero(place == 0)
        for start, size in zip(opens.tolist(), np.diff(opens, append=len(part)).tolist(), strict=True):
            order = int(of_order[start])
            if size > MOST_BITS:
                continue
            everything, limit = (1 << size) - 1, int(most[order])
            if _cover(everything, [(0, bits) for bits in alone.get(order, ())], limit, distinct=False) is False:
                verdict[order] = 1
            elif says_limit[order]:
                joint = _joint(serving, part[start : start + size])
                if _cover(everything, joint, limit, distinct=True):
                    verdict[order] = -1
    return verdict


def _chunks(serving: Serving, block: IntArray) -> Iterable[IntArray]:
    """Yield the blocks in parts of whole orders with not too many nodes."""
    block = block[np.argsort(serving.blocks.order[block], kind="stable")]
    order = serving.blocks.order[block]
    size = np.cumsum(serving.n_nodes[block]) // PAIRS_A_CHUNK
    opens = np.flatnonzero(np.diff(order, prepend=-1) != 0)
    cuts = opens[np.flatnonzero(np.diff(size[opens], prepend=-1) != 0)]
    yield from (part for part in np.split(block, cuts) if len(part))


def _places(serving: Serving, block: IntArray) -> IntArray:
    """Return the place of each block among those of its order (blocks sorted by order)."""
    order = serving.blocks.order[block]
    starts = np.flatnonzero(np.diff(order, prepend=-1) != 0)
    return np.arange(len(block)) - np.repeat(starts, np.diff(starts, append=len(block)))


@dataclass(frozen=True, kw_only=True)
class Slots:
    """Slots of orders and the blocks, as bits, that each could serve one by one."""

    order: IntArray
    node: IntArray
    rank: IntArray
    bits: IntArray


def _slots(serving: Serving, block: IntArray, place: IntArray, *, by_service: bool) -> Slots:
    """Return the slots of every order, once for each service if asked."""
    blocks, n_nodes, n_ranks = serving.blocks, serving.given.nodes.n, serving.dates.shape[1]
    n_services = serving.given.services.n if by_service else 1
    bit = np.zeros(blocks.n, dtype=np.int64)
    bit[block] = np.int64(1) << np.minimum(place, MOST_BITS)
    keys, bits = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for some, node in serving.pairs(block, 0, n_nodes):
        pairs = serving.candidates(some, node)
        slot = (blocks.order[pairs.block] * n_nodes + pairs.node) * n_ranks
        for rank, offers in groupby(serving.offers(pairs), key=lambda offer: offer[0]):
            able = [(service, free) for _, service, _, free in offers]
            if not by_service:
                able = [(0, np.logical_or.reduce([free for _, free in able]))]
            for service, free in able:
                keys.append((slot[free] + rank) * n_services + service)
                bits.append(bit[pairs.block[free]])
    key = np.concatenate(keys)
    ranked = np.argsort(key, kind="stable")
    key = key[ranked]
    opens = np.flatnonzero(np.diff(key, prepend=-1) != 0)
    of_slot = np.concatenate(bits)[ranked]
    place_of = np.divmod(key[opens] // n_services, n_ranks) if len(opens) else (key, key)
    order, node = np.divmod(place_of[0], max(n_nodes, 1))
    return Slots(
        order=order,
        node=node,
        rank=place_of[1],
        bits=np.bitwise_or.reduceat(of_slot, opens) if len(opens) else of_slot,
    )


def _by_order(slots: Slots) -> dict[int, list[int]]:
    """Return for each order the different bits of its slots."""
    ranked = np.lexsort((slots.bits, slots.order))
    order, bits = slots.order[ranked], slots.bits[ranked]
    new = (np.diff(order, prepend=-1) != 0) | (np.diff(bits, prepend=-1) != 0)
    masks: dict[int, list[int]] = defaultdict(list)
    for whose, some in zip(order[new].tolist(), bits[new].tolist(), strict=True):
        masks[whose].append(some)
    return masks


def _joint(serving: Serving, block: IntArray) -> set[Shipment]:
    """Return for each slot of an order blocks that one shipment could certainly serve together."""
    members = block.tolist()
    slots = _slots(serving, block, np.arange(len(block)), by_service=True)
    shipments: set[Shipment] = set()
    for node, rank, bits in zip(slots.node.tolist(), slots.rank.tolist(), slots.bits.tolist(), strict=True):
        wanted = [place for place in range(len(members)) if bits >> place & 1]
        taken = _fitting(serving, node, rank, [members[place] for place in wanted])
        shipments.add((node, sum(1 << place for place in wanted if members[place] in taken)))
    return shipments


def _fitting(serving: Serving, node: int, rank: int, members: list[int]) -> list[int]:
    """Return members that a slot has stock and units for together, taken greedily in their order."""
    blocks = serving.blocks
    day = serving.dates[node, rank]
    _, units_left = (int(left[0]) for left in serving.capacity.slot(np.array([node]), np.array([day])))
    left: dict[int, int] = {}
    taken = []
    for index in members:
        needs = range(int(blocks.first[index]), int(blocks.first[index + 1]))
        wanted = {int(blocks.item[need]): int(blocks.quantity[need]) for need in needs}
        for item in wanted:
            if item not in left:
                pair = serving.stock.pairs(np.array([node]), np.array([item]))
                left[item] = int(serving.stock.sellable(pair, np.array([day]))[0])
        if all(left[item] >= units for item, units in wanted.items()) and sum(wanted.values()) <= units_left:
            taken.append(index)
            units_left -= sum(wanted.values())
            for item, units in wanted.items():
                left[item] -= units
    return taken


def _cover(everything: int, shipments: Iterable[Shipment], limit: int, *, distinct: bool) -> bool | None:
    """Return whether at most `limit` shipments cover all bits (None: not found out).

    With `distinct`, no two from one node, so that they cannot want the same stock.
    """
    options = sorted(set(shipments), key=lambda shipment: (-shipment[1].bit_count(), shipment))
    if not distinct:
        kept: list[Shipment] = []
        for node, mask in options:
            if not any(mask & other == mask for _, other in kept):
                kept.append((node, mask))
        options = kept
    steps = 0

    def search(missing: int, used: frozenset[int], depth: int) -> bool | None:
        nonlocal steps
        if not missing:
            return True
        if not depth:
            return False
        lowest = missing & -missing
        known: bool | None = False
        for node, mask in options:
            if mask & lowest and not (distinct and node in used):
                steps += 1
                if steps > MAX_STEPS:
                    return None
                found = search(missing & ~mask, used | {node}, depth - 1)
                if found:
                    return True
                if found is None:
                    known = None
        return known

    return search(everything, frozenset(), limit)
