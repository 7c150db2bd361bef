"""The certified bound: exact integer arithmetic over listed options and floors at given prices."""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np

from solver.cuts import Cuts, Steps, enter, leave, steps_of
from solver.kernels import kernel
from solver.problem import IntArray, Problem
from solver.source import MILLI
from solver.spread import option_bounds, spread


@kernel
def _reduced(
    begin: int,
    end: int,
    first: IntArray,
    cost: IntArray,
    usage_start: IntArray,
    usage_resource: IntArray,
    usage_amount: IntArray,
    steps: Steps,
    price: IntArray,
    out: IntArray,
) -> float:
    """Write the reduced costs of groups ``begin .. end - 1``; return the largest size of one in floating point.

    There sums cannot wrap.
    """
    n_resources = steps.first.size - 1
    shift = np.zeros(steps.cut.size, np.int64)
    largest = 0.0
    for group in range(begin, end):
        enter(group, steps, shift)
        for option in range(first[group], first[group + 1]):
            total = cost[option] * MILLI
            size = abs(float(cost[option])) * MILLI
            for entry in range(usage_start[option], usage_start[option + 1]):
                resource, amount = usage_resource[entry], usage_amount[entry]
                total += amount * price[resource]
                size += float(amount) * float(price[resource])
                for i in range(steps.first[resource], steps.first[resource + 1]):
                    used = steps_of(amount, steps, shift, steps.cut[i])
                    total += used * price[n_resources + steps.cut[i]]
                    size += float(used) * float(price[n_resources + steps.cut[i]])
            out[option] = total
            largest = max(largest, size)
        leave(group, steps, shift)
    return largest


def reduced(problem: Problem, price: IntArray, cuts: Cuts | None = None, executor: Executor | None = None) -> IntArray:
    """Reduced cost of each option of a problem at whole prices, in thousandths of a cent.

    Parameters
    ----------
    problem : Problem
        Without cuts; no option names a resource twice.
    price : int64[n_resources + n_cuts]
        Thousandths of a cent a unit, of each resource and then of each cut.
    cuts : Cuts, optional
        None unless given.
    executor : Executor, optional
        Works on ranges of groups side by side.

    Raises
    ------
    OverflowError
        If the sums could leave 64 bits.
    """
    out = np.empty(problem.n_options, np.int64)
    usage = (problem.first, problem.cost, problem.usage_start, problem.usage_resource, problem.usage_amount)
    steps = (cuts or Cuts.none()).steps(problem)

    def work(begin: int, end: int) -> float:
        return float(_reduced(begin, end, *usage, steps, price, out))

    largest = max(spread(executor, option_bounds(problem.first), work))
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
