"""Edits of demand: orders copied or left out, and the nodes that may serve them.

Whether an order is among a share of all orders depends on its id and the seed only: the first eight bytes of
BLAKE2b, keyed with the seed, of the id in UTF-8, read as a big-endian integer h, and h * 10000 < share * 2^64 with
the share in basis points. So the same orders are drawn on every machine, whatever else is in the batch, and those
of a smaller share are among those of a larger one.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.batch import Batch
from engine.errors import shown
from engine.kinds import MAX_TEXT
from engine.network import IntArray, codes
from engine.scenario.changing import with_column, with_tables
from engine.scenario.edits import ForbidNodes, ForceNodes, ScaleDemand
from engine.scenario.faults import Faults
from engine.scenario.selecting import Flags, flags, selected_orders
from engine.scenario.selectors import basis_points

A_NODE = "a node_id of nodes"
MAX_COPIES = 20_000_000


def scale_demand(batch: Batch, edit: ScaleDemand, faults: Faults) -> Batch:
    """Copy orders, or leave them out: copies of O are O~2, O~3... with the same lines."""
    orders, lines = batch["orders"], batch["lines"]
    where = selected_orders(batch, edit.orders, faults)
    whole, rest = divmod(basis_points(edit.pct), 10_000)
    n_times = np.ones(orders.num_rows, np.int64)
    n_times[where] = whole
    at = np.flatnonzero(where)
    if rest:
        ids = orders.column("order_id").take(pa.array(at)).to_pylist()
        n_times[at] += drawn(ids, rest, edit.seed)
    if int(n_times.sum()) > MAX_COPIES:
        faults.add("pct", f"{edit.pct:g}, which makes {int(n_times.sum()):,} orders", f"at most {MAX_COPIES:,}")
        return batch
    line_order = codes(lines.column("order_id"), orders.column("order_id").combine_chunks())
    kept_orders, kept_lines = n_times > 0, n_times[line_order] > 0
    source = np.repeat(np.arange(orders.num_rows), np.maximum(n_times - 1, 0))
    names = _names_of_copies(orders.column("order_id"), source, faults)
    if not len(source):
        if kept_orders.all():
            return batch
        return with_tables(batch, orders=orders.filter(pa.array(kept_orders)), lines=lines.filter(pa.array(kept_lines)))
    copied_orders = orders.take(pa.array(source)).set_column(0, orders.schema.field(0), pa.array(names, pa.string()))
    copied_lines = _copied_lines(lines, line_order, source, names)
    return with_tables(
        batch,
        orders=pa.concat_tables([orders.filter(pa.array(kept_orders)), copied_orders]),
        lines=pa.concat_tables([lines.filter(pa.array(kept_lines)), copied_lines]),
    )


def drawn(order_ids: list[str], share_bp: int, seed: int) -> NDArray[np.bool_]:
    """Return which orders are among a share of all; see the head of this file."""
    key = seed.to_bytes(8, "big")
    digests = b"".join([blake2b(name.encode("utf-8"), digest_size=8, key=key).digest() for name in order_ids])
    hashes = np.frombuffer(digests, ">u8")
    first_beyond = -(-share_bp * 2**64 // 10_000)
    return np.asarray(hashes < np.uint64(first_beyond), np.bool_)


def _names_of_copies(order_id: pa.ChunkedArray, source: IntArray, faults: Faults) -> list[str]:
    """Return an id for each copy: the first numbers from 2 on that no other order has."""
    sources = order_id.take(pa.array(source)).to_pylist()
    first = np.flatnonzero(np.diff(source, prepend=-1))
    number = np.arange(len(source)) - np.repeat(first, np.diff(first, append=len(source))) + 2
    names = [f"{name}~{at}" for name, at in zip(sources, number.tolist())]
    taken = flags(pc.is_in(pa.array(names, pa.string()), value_set=order_id.combine_chunks()))
    if taken.any():
        known = {*order_id.to_pylist(), *names}
        for at in np.flatnonzero(taken).tolist():
            names[at] = next(name for n in range(2, 2**31) if (name := f"{sources[at]}~{n}") not in known)
            known.add(names[at])
    longest = max(names, key=len, default="")
    if len(longest) > MAX_TEXT:
        faults.add(
            "pct", f"a copy named {shown(longest)}", f"order ids that leave room for it in {MAX_TEXT} characters"
        )
    return names


def _copied_lines(lines: pa.Table, line_order: IntArray, source: IntArray, names: list[str]) -> pa.Table:
    """Return the lines of each copy, in the order of the copies, then of the lines."""
    by_order = np.argsort(line_order, kind="stable")
    first = np.searchsorted(line_order[by_order], source, side="left")
    n_lines = np.searchsorted(line_order[by_order], source, side="right") - first
    copy = np.repeat(np.arange(len(source)), n_lines)
    within = np.arange(len(copy)) - np.repeat(np.cumsum(n_lines) - n_lines, n_lines)
    rows = lines.take(pa.array(by_order[first[copy] + within]))
    return rows.set_column(0, lines.schema.field(0), pa.array(names, pa.string()).take(pa.array(copy)))


def force_nodes(batch: Batch, edit: ForceNodes, faults: Faults) -> Batch:
    """Let orders be served from some nodes only."""
    unknown = faults.unknown("node_ids", edit.node_ids, batch["nodes"].column("node_id"), A_NODE)
    where = selected_orders(batch, edit.orders, faults)
    if unknown:
        return batch
    forced = frozenset(edit.node_ids)
    orders = with_column(batch["orders"], "only_nodes", " ".join(edit.node_ids), where)
    not_nodes = _reworded(orders.column("not_nodes"), lambda words: [word for word in words if word not in forced])
    return with_tables(batch, orders=with_column(orders, "not_nodes", not_nodes, where & _named_in(orders, forced)))


def forbid_nodes(batch: Batch, edit: ForbidNodes, faults: Faults) -> Batch:
    """Let orders not be served from some nodes."""
    unknown = faults.unknown("node_ids", edit.node_ids, batch["nodes"].column("node_id"), A_NODE)
    where = selected_orders(batch, edit.orders, faults)
    if unknown:
        return batch
    orders = batch["orders"]
    not_nodes = _reworded(orders.column("not_nodes"), lambda words: sorted({*words, *edit.node_ids}))
    return with_tables(batch, orders=with_column(orders, "not_nodes", not_nodes, where))


def _named_in(orders: pa.Table, nodes: frozenset[str]) -> Flags:
    """Return which orders name one of some nodes in ``not_nodes``."""
    encoded = orders.column("not_nodes").combine_chunks().dictionary_encode()
    named = [not nodes.isdisjoint(text.split()) for text in encoded.dictionary.to_pylist()]
    return np.asarray(np.array([*named, False], np.bool_)[encoded.indices.to_numpy(zero_copy_only=False)])


def _reworded(column: pa.ChunkedArray, change: Callable[[list[str]], list[str]]) -> pa.Array:
    """Return words changed, each distinct text once."""
    encoded = column.combine_chunks().dictionary_encode()
    changed = [" ".join(change(text.split())) for text in encoded.dictionary.to_pylist()]
    return pa.array(changed, pa.string()).take(encoded.indices)
