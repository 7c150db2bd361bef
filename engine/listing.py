"""Options that pricing finds: their shipments in arrays, and what is known of those it does not list."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.network import IntArray
from solver.kernels import kernel
from solver.problem import offsets, ranges


class Options(NamedTuple):
    """Options of orders: those of option ``i`` are shipments ``first[i] .. first[i + 1] - 1``, in order of visit."""

    order: IntArray
    first: IntArray
    visit: IntArray  # within the shard that holds the order
    code: IntArray
    service: IntArray
    cents: IntArray  # freight, handling, preference, late, carbon


class Listing(NamedTuple):
    """Options found, and the floor of each order asked about."""

    options: Options
    floor: IntArray


@kernel
def is_known(records: Options, known: IntArray, visit: IntArray, code: IntArray, service: IntArray) -> bool:
    """Whether one of some records holds just these shipments."""
    for record in known:
        first = records.first[record]
        same = records.first[record + 1] - first == visit.size
        for i in range(visit.size if same else 0):
            same = same and records.visit[first + i] == visit[i]
            same = same and records.code[first + i] == code[i] and records.service[first + i] == service[i]
        if same:
            return True
    return False


def joined(asked: IntArray, first: NDArray[np.bool_], one: Listing, other: Listing) -> Listing:
    """Put two answers together, by order: ``one`` for the asked orders marked ``first``, ``other`` for the rest."""
    floor = np.empty(asked.size, np.int64)
    floor[first], floor[~first] = one.floor, other.floor
    order = np.concatenate((one.options.order, other.options.order))
    by_order = np.argsort(order, kind="stable")
    length = np.concatenate((np.diff(one.options.first), np.diff(other.options.first)))
    start = np.concatenate((one.options.first[:-1], other.options.first[:-1] + one.options.first[-1]))[by_order]
    entries = ranges(start, start + length[by_order])
    columns = (np.concatenate((one.options[i], other.options[i]))[entries] for i in range(2, len(Options._fields)))
    return Listing(Options(order[by_order], offsets(length[by_order]), *columns), floor)
