"""The orders that are served otherwise than before: how, why, and what that costs, term by term."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.comparison.causes import causes_of
from engine.comparison.moves import Moves
from engine.figures import SHIPMENT_TERMS, TERMS
from engine.network import IntArray, codes, days, ints

if TYPE_CHECKING:
    from engine.comparison.comparing import Plan

NO_DATE = -(2**31)
CHANGES = ("node", "service", "date", "unallocated", "served", "added", "removed", "cost")
_SIDES = ("before", "after")


def changed_orders(base: Plan, plan: Plan, moves: Moves) -> pa.Table:
    """Return a row for every order that is not served as before, or not at the same cost.

    Parameters
    ----------
    base, plan : Plan
        The baseline, and what is compared with it.
    moves : Moves
        Which units moved (`engine.comparison.moves`).

    Returns
    -------
    Table
        order_id; changes: words of `CHANGES` (node: units left a node for another; service: other services;
        date: the last delivery is on another day; unallocated, served: units that were served are not any more,
        or the other way round; added, removed: units only one plan asks for; cost: nothing but the cost);
        why: words of `engine.comparison.causes.CAUSES`, empty where nothing left a node, service or date; nodes,
        services, delivered (the last date), units (shipped) and reasons, each ``_before`` and ``_after``; the
        difference of each term, and difference_cents, their sum. Baseline orders in their order, then added ones.
    """
    n = len(moves.order_ids)
    sides = [_served(one, moves.order_ids) for one in (base, plan)]
    differences = {term: sides[1][term] - sides[0][term] for term in TERMS}
    total = sum(differences.values(), np.zeros(n, np.int64))
    is_shipped = (sides[0]["units"] > 0) & (sides[1]["units"] > 0)

    n_nodes = moves.n_nodes
    from_node, to_node = moves.source < n_nodes, moves.target < n_nodes
    kinds = {
        "node": _any(moves.order, from_node & to_node, n),
        "service": is_shipped & _differ(sides, "services"),
        "date": is_shipped & (sides[0]["delivered"] != sides[1]["delivered"]),
        "unallocated": _any(moves.order, from_node & (moves.target == n_nodes), n),
        "served": _any(moves.order, to_node & (moves.source == n_nodes), n),
        "added": _any(moves.order, moves.source == n_nodes + 1, n),
        "removed": _any(moves.order, moves.target == n_nodes + 1, n),
    }
    is_other = np.any(list(kinds.values()), axis=0)
    kinds["cost"] = (total != 0) & ~is_other
    rows = np.flatnonzero(is_other | kinds["cost"])
    stayed = kinds["service"] | kinds["date"] | (kinds["cost"] & is_shipped)
    columns: dict[str, Any] = {
        "order_id": moves.order_ids.take(pa.array(rows)),
        "changes": _words(kinds, rows),
        "why": _words(causes_of(base.batch, plan.batch, base.allocation, moves, stayed), rows),
    }
    for name in ("nodes", "services", "delivered", "units", "reasons"):
        for side, label in zip(sides, _SIDES):
            columns[f"{name}_{label}"] = _shown(name, side[name], rows)
    columns |= {f"{term.removesuffix('_cents')}_difference_cents": differences[term][rows] for term in TERMS}
    columns["difference_cents"] = total[rows]
    return pa.table(columns)


def _served(plan: Plan, order_ids: pa.Array) -> dict[str, Any]:
    """Return how each order is served, and its terms; orders that a plan lacks have nothing."""
    n, allocation = len(order_ids), plan.allocation
    shipments, parts, left = (allocation[name] for name in ("shipments", "allocations", "unallocated"))
    order, part_order, left_order = (codes(table.column("order_id"), order_ids) for table in (shipments, parts, left))
    delivered = np.full(n, NO_DATE, np.int64)
    np.maximum.at(delivered, order, days(shipments, "deliver_date", NO_DATE))
    found: dict[str, Any] = {name: _sums(order, ints(shipments, name), n) for name in SHIPMENT_TERMS}
    found["unallocated_cents"] = _sums(left_order, ints(left, "unallocated_cents"), n)
    found["units"] = _sums(part_order, ints(parts, "quantity"), n)
    found["delivered"] = delivered
    found["nodes"] = _joined(order, shipments.column("node_id"), n)
    found["services"] = _joined(order, shipments.column("service_id"), n)
    found["reasons"] = _joined(left_order, left.column("reason"), n)
    return found


def _sums(index: IntArray, amount: IntArray, n: int) -> IntArray:
    total = np.zeros(n, np.int64)
    np.add.at(total, index, amount)
    return total


def _any(index: IntArray, marked: NDArray[np.bool_], n: int) -> NDArray[np.bool_]:
    found = np.zeros(n, np.bool_)
    found[index[marked]] = True
    return found


def _joined(order: IntArray, names: pa.ChunkedArray, n: int) -> pa.Array:
    """Return the distinct names of each order, sorted, with a space between."""
    encoded = names.combine_chunks().dictionary_encode()
    words = np.array(encoded.dictionary.to_pylist(), object)
    rank = np.argsort(np.argsort(words)) if len(words) else np.zeros(0, np.int64)
    word = rank[encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)]
    key = np.unique(order * max(1, len(words)) + word)
    first = np.searchsorted(key // max(1, len(words)), np.arange(n + 1))
    by_rank = pa.array(sorted(words.tolist()), pa.string())
    lists = pa.ListArray.from_arrays(pa.array(first, pa.int32()), by_rank.take(pa.array(key % max(1, len(words)))))
    return pc.binary_join(lists, " ")


def _differ(sides: list[dict[str, Any]], name: str) -> NDArray[np.bool_]:
    differ = pc.not_equal(sides[0][name], sides[1][name])
    return np.asarray(differ.to_numpy(zero_copy_only=False), np.bool_)


def _shown(name: str, values: Any, rows: IntArray) -> Any:
    if isinstance(values, pa.Array):
        return values.take(pa.array(rows))
    if name != "delivered":
        return values[rows]
    return pa.array(values[rows].astype(np.int32), mask=values[rows] == NO_DATE).cast(pa.date32())


def _words(kinds: dict[str, NDArray[np.bool_]], rows: IntArray) -> pa.Array:
    """Return for each row the names whose flag is set, with a space between."""
    number = np.zeros(len(rows), np.int64)
    for bit, flag in enumerate(kinds.values()):
        number |= flag[rows].astype(np.int64) << bit
    texts = [" ".join(name for bit, name in enumerate(kinds) if code >> bit & 1) for code in range(1 << len(kinds))]
    return pa.array(texts, pa.string()).take(pa.array(number))
