"""The certified bound: exact integer arithmetic over listed options and floors at given prices."""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np

from solver.cuts import Cuts, steps_of
from solver.kernels import kernel
from solver.problem import IntArray, Problem
from solver.source import MILLI
from solver.spread import FEW, spread


@kernel
def _reduced(
    begin: int,
    end: int,
    cost: IntArray,
    usage_start: IntArray,
    usage_resource: IntArray,
    usage_amount: IntArray,
    cut_first: IntArray,
    cut_of: IntArray,
    numerator: IntArray,
    denominator: IntArray,
    price: IntArray,
    out: IntArray,
) -> float:
    """Write the reduced costs of options ``begin .. end - 1``; return the largest size of one in floating point.

    There sums cannot wrap.
    """
    n_resources = cut_first.size - 1
    largest = 0.0
    for option in range(begin, end):
        total = cost[option] * MILLI
        size = abs(float(cost[option])) * MILLI
        for entry in range(usage_start[option], usage_start[option + 1]):
            resource, amount = usage_resource[entry], usage_amount[entry]
            total += amount * price[resource]
            size += float(amount) * float(price[resource])
            for i in range(cut_first[resource], cut_first[resource + 1]):
                steps = steps_of(amount, numerator, denominator, cut_of[i])
                total += steps * price[n_resources + cut_of[i]]
                size += float(steps) * float(price[n_resources + cut_of[i]])
        out[option] = total
        largest = max(largest, size)
    return largest


def reduced(problem: Problem, price: IntArray, cuts: Cuts | None = None, executor: Executor | None = None) -> IntArray:
    """Reduced cost of each option of a problem at whole prices, in thousandths of a cent.

    Parameters
    ----------
    problem : Problem
        Without cuts.
    price : int64[n_resources + n_cuts]
        Thousandths of a cent a unit, of each resource and then of each cut.
    cuts : Cuts, optional
        None unless given.
    executor : Executor, optional
        Works on ranges of options side by side.

    Raises
    ------
    OverflowError
        If the sums could leave 64 bits.
    """
    out = np.empty(problem.n_options, np.int64)
    usage = (problem.cost, problem.usage_start, problem.usage_resource, problem.usage_amount)
    tables = (cuts or Cuts.none()).by_resource(problem.n_resources)

    def work(begin: int, end: int) -> float:
        return float(_reduced(begin, end, *usage, *tables, price, out))

    largest = max(spread(executor, np.linspace(0, problem.n_options, FEW + 1).astype(int).tolist(), work))
    if largest > 2.0**61:
        raise OverflowError(f"reduced costs up to {largest:.3g} thousandths of a cent, expected below 2^61")
    return out


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
