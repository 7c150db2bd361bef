"""The certified bound: exact integer arithmetic over listed options and floors at given prices."""

from __future__ import annotations

import numpy as np

from solver.kernels import kernel
from solver.problem import IntArray, Problem
from solver.source import MILLI


@kernel
def reduced_costs(
    cost: IntArray, usage_start: IntArray, usage_resource: IntArray, usage_amount: IntArray, price: IntArray
) -> IntArray:
    """Cost plus price of usage of each option, in thousandths of a cent."""
    out = np.empty(cost.size, np.int64)
    for option in range(cost.size):
        total = cost[option] * MILLI
        for entry in range(usage_start[option], usage_start[option + 1]):
            total += usage_amount[entry] * price[usage_resource[entry]]
        out[option] = total
    return out


def reduced(problem: Problem, price: IntArray) -> IntArray:
    """Reduced cost of each option of a problem at whole prices, in thousandths of a cent.

    Raises
    ------
    OverflowError
        If the sums could leave 64 bits.
    """
    largest = 0.0
    if problem.n_options and problem.usage_resource.size:
        value = problem.usage_amount.astype(np.float64) * price[problem.usage_resource]
        largest = float(
            np.max(np.add.reduceat(np.append(value, 0.0), np.minimum(problem.usage_start[:-1], value.size)))
        )
    costs = float(np.abs(problem.cost).max(initial=0)) * MILLI
    if largest + costs > 2.0**61:
        raise OverflowError(f"reduced costs up to {largest + costs:.3g} thousandths of a cent, expected below 2^61")
    return np.asarray(
        reduced_costs(problem.cost, problem.usage_start, problem.usage_resource, problem.usage_amount, price)
    )


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
