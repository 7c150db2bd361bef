"""Sweeps that balance use against supply: groups choose anew in turn, prices answer to every choice at once.

The price of a resource rises with its use and falls where units are left (an augmented Lagrangian: Hestenes 1969,
Powell 1969; for inequalities Rockafellar 1973). Each group in turn gives up its option and takes the one of least cost
at these prices, with Gumbel noise: at a fixed temperature that is a draw from the soft-min over its options. From sweep
to sweep the temperature falls and prices answer more strongly. A sweep costs one pass over the options; some dozens of
them leave a handful of units over-used, at a cost close to the bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.core import cheapest_options
from solver.gather import largest_usage
from solver.kernels import kernel
from solver.problem import FloatArray, IntArray, Problem, offsets
from solver.source import MILLI

N_NOISE = 4096


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How sweeps go from loose to tight.

    Parameters
    ----------
    n_sweeps : int
        Passes over all groups, from 1.
    hot, cold : float
        First and last temperature, relative to the problem's regret (see :func:`typical_regret`).
    soft, hard : float
        First and last answer of a price: by which part of itself (and of the regret) it moves when a resource is used
        twice over, or not at all.
    drift : float
        After a sweep the level of each price moves by this part of its answer.
    """

    n_sweeps: int = 300
    hot: float = 0.3
    cold: float = 0.01
    soft: float = 0.02
    hard: float = 10.0
    drift: float = 0.1


def typical_regret(problem: Problem, value_milli: IntArray) -> float:
    """Cents that a group loses in its second best option by value: the median over groups that have a choice."""
    options = cheapest_options(problem, value_milli)
    several = np.diff(problem.first) > 1
    if not several.any():
        return 1.0
    second = value_milli.copy()
    second[options] = np.iinfo(np.int64).max
    regret = np.minimum.reduceat(second, problem.first[:-1])[several] - value_milli[options][several]
    positive = regret[regret > 0]
    return float(np.median(positive)) / MILLI if positive.size else 1.0


def balance(
    problem: Problem,
    value_milli: IntArray,
    price: FloatArray,
    schedule: Schedule,
    seed: int,
    regret: float | None = None,
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Choose options of about least cost that use about what there is.

    Parameters
    ----------
    problem : Problem
        No option names a resource twice.
    value_milli : int64[n_options]
        Reduced costs in thousandths of a cent; the start is each group's best.
    price : float64[n_resources]
        Cents a unit to start from.
    schedule : Schedule
        From loose to tight.
    seed : int
        Seed of the noise.
    regret : float, optional
        Unit of the temperatures in cents; the problem's own unless given.

    Returns
    -------
    choice : int64[n_groups]
        May over-use some resources by a little.
    price : float64[n_resources]
        Where the prices ended.
    asked : float64[n_resources]
        What one more unit of each resource would be charged: prices that answer to what is over-used now.
    """
    regret = typical_regret(problem, value_milli) if regret is None else regret
    choice = cheapest_options(problem, value_milli)
    hot = largest_usage(problem) > problem.supply
    keep = hot[problem.usage_resource] & (problem.usage_amount > 0)
    usage_start = offsets(keep.astype(np.int64))[problem.usage_start].astype(np.int32)
    usage_row = (np.cumsum(hot) - 1)[problem.usage_resource[keep]].astype(np.int32)
    usage_amount = problem.usage_amount[keep].astype(np.float64)
    supply = problem.supply[hot].astype(np.float64)
    most = np.ones(supply.size)
    np.maximum.at(most, usage_row, usage_amount)
    cost = problem.cost.astype(np.float64)
    noise = np.random.Generator(np.random.PCG64(seed)).gumbel(size=N_NOISE)
    state = np.uint64(seed * 7919 + 1)
    level = price[hot].copy()
    usage = _usage(choice, usage_start, usage_row, usage_amount, supply.size)
    now = level
    for sweep in range(schedule.n_sweeps):
        done = sweep / max(1, schedule.n_sweeps - 1)
        temperature = regret * schedule.hot * (schedule.cold / schedule.hot) ** done
        answer = schedule.soft * (schedule.hard / schedule.soft) ** done
        slope = answer * (level + regret / most) / np.maximum(most, supply)
        over = usage - supply
        if sweep > 0:
            level = np.maximum(0.0, level + schedule.drift * slope * over)
        now = level + slope * over
        state = np.uint64(
            _sweep(
                problem.first,
                cost,
                usage_start,
                usage_row,
                usage_amount,
                choice,
                usage,
                now,
                slope,
                noise,
                temperature,
                state,
            )
        )
    out, asked = price.copy(), price.copy()
    out[hot], asked[hot] = level, np.maximum(0.0, now)
    return choice, out, asked


@kernel
def _usage(
    choice: IntArray,
    usage_start: NDArray[np.int32],
    usage_row: NDArray[np.int32],
    usage_amount: FloatArray,
    n_rows: int,
) -> FloatArray:
    usage = np.zeros(n_rows)
    for option in choice:
        for entry in range(usage_start[option], usage_start[option + 1]):
            usage[usage_row[entry]] += usage_amount[entry]
    return usage


@kernel
def _sweep(
    first: IntArray,
    cost: FloatArray,
    usage_start: NDArray[np.int32],
    usage_row: NDArray[np.int32],
    usage_amount: FloatArray,
    choice: IntArray,
    usage: FloatArray,
    price: FloatArray,
    slope: FloatArray,
    noise: FloatArray,
    temperature: float,
    state: np.uint64,
) -> np.uint64:
    """Every group in turn takes the option of least noisy cost; usage and prices move with it."""
    for group in range(first.size - 1):
        begin, end = first[group], first[group + 1]
        if end - begin < 2:
            continue
        old = choice[group]
        for entry in range(usage_start[old], usage_start[old + 1]):
            usage[usage_row[entry]] -= usage_amount[entry]
            price[usage_row[entry]] -= slope[usage_row[entry]] * usage_amount[entry]
        state ^= state << np.uint64(13)
        state ^= state >> np.uint64(7)
        state ^= state << np.uint64(17)
        shift = np.int64(state >> np.uint64(52)) - begin
        best = old
        least = np.inf
        for option in range(begin, end):
            value = cost[option] - temperature * noise[(option + shift) % N_NOISE]
            if value >= least:
                continue
            for entry in range(usage_start[option], usage_start[option + 1]):
                row = usage_row[entry]
                amount = usage_amount[entry]
                # the mean price over the units it takes; a resource with enough left costs nothing
                value += amount * max(0.0, price[row] + 0.5 * slope[row] * amount)
            if value < least:
                least = value
                best = option
        choice[group] = best
        for entry in range(usage_start[best], usage_start[best + 1]):
            usage[usage_row[entry]] += usage_amount[entry]
            price[usage_row[entry]] += slope[usage_row[entry]] * usage_amount[entry]
    return state
