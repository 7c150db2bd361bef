"""The certified bound: exact integer arithmetic over listed options and floors at given prices."""

from __future__ import annotations

import numpy as np

from solver.kernels import kernel
from solver.problem import IntArray, Problem
from solver.source import MILLI


@kernel
def _reduced(
    cost: IntArray, usage_start: IntArray, usage_resource: IntArray, usage_amount: IntArray, price: IntArray
) -> tuple[IntArray, float]:
    """Reduced cost of each option, and the largest size of one in floating point: there sums cannot wrap."""
    out = np.empty(cost.size, np.int64)
    largest = 0.0
    for option in range(cost.size):
        total = cost[option] * MILLI
        size = abs(float(cost[option])) * MILLI
        for entry in range(usage_start[option], usage_start[option + 1]):
            total += usage_amount[entry] * price[usage_resource[entry]]
            size += float(usage_amount[entry]) * float(price[usage_resource[entry]])
        out[option] = total
        largest = max(largest, size)
    return out, largest


def reduced(problem: Problem, price: IntArray) -> IntArray:
    """Reduced cost of each option of a problem at whole prices, in thousandths of a cent.

    Raises
    ------
    OverflowError
        If the sums could leave 64 bits.
    """
    out, largest = _reduced(problem.cost, problem.usage_start, problem.usage_resource, problem.usage_amount, price)
    if largest > 2.0**61:
        raise OverflowError(f"reduced costs up to {largest:.3g} thousandths of a cent, expected below 2^61")
    return np.asarray(out)


def group_minimum(problem: Problem, values: IntArray) -> IntArray:
    """The least value among each group's options."""
    return np.asarray(np.minimum.reduceat(values, problem.first[:-1]), dtype=np.int64)


def exact_sum(values: IntArray) -> int:
    """Sum of int64 values that cannot overflow."""
    high = values >> 32
    return (int(high.sum()) << 32) + int((values - (high << 32)).sum())


def whole_cents(milli: int) -> int:
    """A bound in thousandths of a cent as whole cents: costs are whole, so it may be rounded up."""
    return -(-milli // MILLI)
