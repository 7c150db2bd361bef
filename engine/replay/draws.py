"""The luck of a run: which node says no to which order, the same whatever was decided before."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.network import IntArray
from engine.replay.world import World


@dataclass(frozen=True, kw_only=True, eq=False)
class Draws:
    """Answers of nodes. A node that says no to an order always does: it is a property of the pair.

    Parameters
    ----------
    order, node : uint64
        A hash of each id, and of the seed with the order's.
    below : uint64[n_nodes]
        A node says no where the hash of the pair is below this.
    """

    order: NDArray[np.uint64]
    node: NDArray[np.uint64]
    below: NDArray[np.uint64]

    def rejects(self, order: IntArray, node: IntArray) -> NDArray[np.bool_]:
        """Whether each node says no to each order, pair by pair."""
        with np.errstate(over="ignore"):
            mixed = _mixed(self.order[order] ^ self.node[node])
        return np.asarray((mixed >> np.uint64(11)) < self.below[node], np.bool_)

    def all_rejected(self) -> tuple[IntArray, IntArray]:
        """Every order and node that will not serve it, sorted by order."""
        orders, nodes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        may = np.flatnonzero(self.below > 0)
        step = max(1, 4_000_000 // max(1, may.size))
        for begin in range(0, self.order.size if may.size else 0, step):
            order = np.arange(begin, min(begin + step, self.order.size))
            says_no = self.rejects(np.repeat(order, may.size), np.tile(may, order.size)).reshape(-1, may.size)
            at, which = np.nonzero(says_no)
            orders.append(order[at])
            nodes.append(may[which])
        return np.concatenate(orders), np.concatenate(nodes)


def draws_of(world: World, *, seed: int, reject_bp: int) -> Draws:
    """The draws of a seed.

    Parameters
    ----------
    reject_bp : int
        How often nodes say no for which the stream has no figure, in basis points.
    """
    bp = np.where(world.reject_bp < 0, reject_bp, world.reject_bp)
    order_ids: list[str] = world.batch["orders"]["order_id"].to_pylist()
    with np.errstate(over="ignore"):
        seeded = _mixed(_hashes(order_ids) + np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15))
    return Draws(
        order=seeded,
        node=_hashes(world.index.names.node_id),
        below=np.array([rate * 2**53 // 10_000 for rate in bp.tolist()], np.uint64),
    )


def _hashes(ids: list[str]) -> NDArray[np.uint64]:
    joined = b"".join(hashlib.blake2b(name.encode(), digest_size=8).digest() for name in ids)
    return np.frombuffer(joined, "<u8").astype(np.uint64)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of splitmix64 (Steele, Lea and Flood, 2014): every bit depends on every bit."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
