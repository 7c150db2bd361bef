"""Ruin and recreate: groups give up their options and get the best that fits into what is left, priced anew.

The listed options of a group are few of very many; once scarce resources are taken, the best option that still fits is
often not among them. So the source is asked again, at prices that no option can pay for more of a resource than is
left of it.
"""

from __future__ import annotations

import numpy as np

from solver.kernels import kernel
from solver.problem import IntArray
from solver.source import Prices, price_of

OUT_OF_REACH_MILLI = 2**40
MAX_COUNTED = 64
"""Of resources with more left than this, what is left is not told to the source."""


def within(prices: Prices, left: IntArray) -> Prices:
    """Prices that put amounts above what is left out of reach.

    Parameters
    ----------
    prices : Prices
        Prices of the resources.
    left : int64[n_resources]
        What is left of each.
    """
    return Prices(prices.unit, *_within(prices.unit, prices.table_first, prices.table, left))


@kernel
def _within(unit: IntArray, table_first: IntArray, table: IntArray, left: IntArray) -> tuple[IntArray, IntArray]:
    n_resources = unit.size
    first = np.zeros(n_resources + 1, np.int64)
    for r in range(n_resources):
        length = table_first[r + 1] - table_first[r]
        if left[r] <= MAX_COUNTED:
            length = max(np.int64(0), left[r]) + 2
        first[r + 1] = first[r] + length
    out = np.empty(first[n_resources], np.int64)
    for r in range(n_resources):
        if left[r] <= MAX_COUNTED:
            for amount in range(max(np.int64(0), left[r]) + 1):
                out[first[r] + amount] = price_of(unit, table_first, table, r, amount)
            out[first[r + 1] - 1] = OUT_OF_REACH_MILLI
        else:
            out[first[r] : first[r + 1]] = table[table_first[r] : table_first[r + 1]]
    return first, out
