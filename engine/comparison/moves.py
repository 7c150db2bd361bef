"""Which unit went where: the places of every unit in two plans, and how they pair."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.batch import Allocation, Batch
from engine.keys import key_text
from engine.network import IntArray, codes, ints

UNALLOCATED, NOT_ASKED = "(unallocated)", "(not asked)"
_LINE = ("order_id", "line_id")


class Moves(NamedTuple):
    """Units that are not where they were; places are nodes, then `UNALLOCATED`, then `NOT_ASKED`.

    A row is a number of units of one line. The units of a line that left their places are paired with
    the places that got some in the order of the nodes: which of several alike went where is nobody's to say.
    """

    places: pa.Array
    order_ids: pa.Array  # of both plans: those of the first, then what only the second has
    skus: pa.Array
    order: IntArray
    sku: IntArray
    source: IntArray
    target: IntArray
    units: IntArray
    value_cents: IntArray  # of all the units of the row, at the value of the plan that asks for them

    @property
    def n_nodes(self) -> int:
        """How many of the places are nodes."""
        return len(self.places) - 2


def find_moves(base: Batch, before: Allocation, other: Batch, after: Allocation) -> Moves:
    """Pair the places of all units in two plans.

    Parameters
    ----------
    base, before : Batch, Allocation
        The baseline.
    other, after : Batch, Allocation
        The plan compared with it.
    """
    places = pa.concat_arrays(
        [_together(base["nodes"], other["nodes"], "node_id"), pa.array([UNALLOCATED, NOT_ASKED], pa.string())]
    )
    order_ids = _together(base["orders"], other["orders"], "order_id")
    skus = _together(base["items"], other["items"], "sku")
    keys = [key_text(batch["lines"], _LINE) for batch in (base, other)]
    only_after = keys[1].filter(pc.invert(pc.is_in(keys[1], value_set=keys[0])))
    line_keys = pa.concat_arrays([keys[0], only_after])
    n_lines, n_places = len(line_keys), len(places)

    asked = np.zeros((2, n_lines), np.int64)
    line_order, line_sku, value = (np.zeros(n_lines, np.int64) for _ in range(3))
    where: list[tuple[IntArray, IntArray]] = []
    # the second side last: where both ask for a line, its value is what the plan says
    for side, (batch, allocation) in enumerate(((base, before), (other, after))):
        lines, parts, left = batch["lines"], allocation["allocations"], allocation["unallocated"]
        at = codes(pa.chunked_array([keys[side]]), line_keys)
        asked[side, at] = ints(lines, "quantity")
        line_order[at] = codes(lines.column("order_id"), order_ids)
        line_sku[at] = codes(lines.column("sku"), skus)
        item = codes(lines.column("sku"), batch["items"].column("sku").combine_chunks())
        value[at] = ints(batch["items"], "value_cents")[item]
        part_line, left_line = (codes(pa.chunked_array([key_text(table, _LINE)]), line_keys) for table in (parts, left))
        place = np.concatenate((codes(parts.column("node_id"), places), np.full(left.num_rows, n_places - 2, np.int64)))
        key = np.concatenate((part_line, left_line)) * n_places + place
        where.append((key, np.concatenate((ints(parts, "quantity"), ints(left, "quantity")))))
    for side in (0, 1):
        short = np.flatnonzero(asked[side] < asked[1 - side])
        key = np.concatenate((where[side][0], short * n_places + n_places - 1))
        where[side] = key, np.concatenate((where[side][1], (asked[1 - side] - asked[side])[short]))

    key = np.concatenate((where[0][0], where[1][0]))
    found, at = np.unique(key, return_inverse=True)
    gain = np.zeros(len(found), np.int64)
    np.subtract.at(gain, at[: len(where[0][0])], where[0][1])
    np.add.at(gain, at[len(where[0][0]) :], where[1][1])
    source, target, units, line = _paired(found // n_places, found % n_places, gain)
    return Moves(
        places=places,
        order_ids=order_ids,
        skus=skus,
        order=line_order[line],
        sku=line_sku[line],
        source=source,
        target=target,
        units=units,
        value_cents=value[line] * units,
    )


def _together(first: pa.Table, second: pa.Table, column: str) -> pa.Array:
    a, b = first.column(column).combine_chunks(), second.column(column).combine_chunks()
    return pa.concat_arrays([a, b.filter(pc.invert(pc.is_in(b, value_set=a)))])


def _paired(line: IntArray, place: IntArray, gain: IntArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Pair what places lost with what others of the same line gained; rows are sorted by line, then place.

    As much is gained as lost in every line, so both are cut at the same totals, line after line.
    """
    lost, got = np.flatnonzero(gain < 0), np.flatnonzero(gain > 0)
    lost_by, got_by = np.cumsum(-gain[lost]), np.cumsum(gain[got])
    ends = np.union1d(lost_by, got_by)
    starts = np.concatenate((np.zeros(1, np.int64), ends))[:-1]
    source = lost[np.searchsorted(lost_by, starts, side="right")]
    target = got[np.searchsorted(got_by, starts, side="right")]
    return place[source], place[target], ends - starts, line[source]


def moved_units(moves: Moves) -> pa.Table:
    """Return the matrix of moves as rows: from_node_id, to_node_id, units, value_cents and orders concerned."""
    n_places, n_orders = len(moves.places), max(1, len(moves.order_ids))
    pair, at = np.unique(moves.source * n_places + moves.target, return_inverse=True)
    units, value = np.zeros(len(pair), np.int64), np.zeros(len(pair), np.int64)
    np.add.at(units, at, moves.units)
    np.add.at(value, at, moves.value_cents)
    concerned = np.unique(at * n_orders + moves.order) // n_orders
    return pa.table(
        {
            "from_node_id": moves.places.take(pa.array(pair // n_places)),
            "to_node_id": moves.places.take(pa.array(pair % n_places)),
            "units": units,
            "value_cents": value,
            "orders": np.bincount(concerned, minlength=len(pair)),
        }
    )
