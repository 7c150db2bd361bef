"""Prices of resources: smoothed dual ascent over the listed options.

Each group spreads over its options in proportion to exp(-reduced cost / temperature); prices rise where that uses more
than there is. The smoothed dual is concave and its gradient is usage minus supply, so accelerated steps with restarts
climb it; the temperature is then lowered in stages.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numba import njit

from solver.problem import FloatArray, IntArray, Problem

N_SHARDS = 4
"""Fixed, so that sums are taken in the same order for any number of workers."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Smooth:
    """A problem prepared for the ascent: float costs, and only resources that can be over-used."""

    problem: Problem
    cost: FloatArray
    rows: IntArray  # resources with a price, rising
    usage_start: IntArray
    usage_row: IntArray
    usage_amount: FloatArray
    weight: FloatArray  # [n_options]: total amount over the priced resources
    supply: FloatArray
    bounds: IntArray  # groups of each shard


def prepare(problem: Problem) -> Smooth:
    """Drop resources that all groups together cannot over-use, and turn the rest into floats."""
    rows = np.flatnonzero(largest_usage(problem) > problem.supply)
    compact = np.full(problem.n_resources, -1, np.int64)
    compact[rows] = np.arange(rows.size)
    row = compact[problem.usage_resource]
    keep = (row >= 0) & (problem.usage_amount > 0)
    kept = np.concatenate((np.zeros(1, np.int64), np.cumsum(keep)))
    usage_start = kept[problem.usage_start]
    amount = problem.usage_amount[keep].astype(np.float64)
    weight = np.add.reduceat(np.append(amount, 0.0), np.minimum(usage_start[:-1], amount.size))
    weight[np.diff(usage_start) == 0] = 0.0
    size = np.searchsorted(problem.first, np.linspace(0, problem.n_options, N_SHARDS + 1).astype(np.int64))
    return Smooth(
        problem=problem,
        cost=problem.cost.astype(np.float64),
        rows=rows,
        usage_start=usage_start,
        usage_row=row[keep],
        usage_amount=amount,
        weight=weight,
        supply=problem.supply[rows].astype(np.float64),
        bounds=np.concatenate(([0], size[1:-1], [problem.n_groups])).astype(np.int64),
    )


def largest_usage(problem: Problem) -> IntArray:
    """Usage of each resource if every group took its most hungry option for it (capped far above any supply)."""
    return np.asarray(
        _largest_usage(
            problem.first,
            problem.usage_start,
            problem.usage_resource,
            problem.usage_amount,
            problem.n_resources,
        )
    )


@njit(cache=True, nogil=True)
def _largest_usage(
    first: IntArray, usage_start: IntArray, usage_resource: IntArray, usage_amount: IntArray, n_resources: int
) -> IntArray:
    total = np.zeros(n_resources, np.int64)
    most = np.zeros(n_resources, np.int64)
    here = np.zeros(n_resources, np.int64)
    for group in range(first.size - 1):
        begin, end = usage_start[first[group]], usage_start[first[group + 1]]
        for option in range(first[group], first[group + 1]):
            for entry in range(usage_start[option], usage_start[option + 1]):
                here[usage_resource[entry]] += usage_amount[entry]
            for entry in range(usage_start[option], usage_start[option + 1]):
                resource = usage_resource[entry]
                most[resource] = max(most[resource], here[resource])
                here[resource] = 0
        for entry in range(begin, end):
            resource = usage_resource[entry]
            total[resource] = min(total[resource] + most[resource], np.int64(2) ** 60)
            most[resource] = 0
    return total


@njit(cache=True, nogil=True)
def _soft_pass(
    begin: int,
    end: int,
    first: IntArray,
    cost: FloatArray,
    usage_start: IntArray,
    usage_row: IntArray,
    usage_amount: FloatArray,
    weight: FloatArray,
    price: FloatArray,
    temperature: float,
    usage: FloatArray,
    stiffness: FloatArray,
    share: FloatArray,
    want_share: bool,
    want_stiffness: bool,
) -> tuple[float, float]:
    """Add the soft usage of some groups to ``usage``; return their smoothed and their true minimum."""
    smooth = 0.0
    true = 0.0
    most = 0
    for group in range(begin, end):
        most = max(most, first[group + 1] - first[group])
    value = np.empty(most)
    for group in range(begin, end):
        low = np.inf
        start = first[group]
        n = first[group + 1] - start
        for i in range(n):
            v = cost[start + i]
            for entry in range(usage_start[start + i], usage_start[start + i + 1]):
                v += usage_amount[entry] * price[usage_row[entry]]
            value[i] = v
            low = min(low, v)
        total = 0.0
        for i in range(n):
            excess = (value[i] - low) / temperature
            value[i] = np.exp(-excess) if excess < 30.0 else 0.0
            total += value[i]
        true += low
        smooth += low - temperature * np.log(total)
        for i in range(n):
            p = value[i] / total
            if want_share:
                share[start + i] = p
            if p > 0.0:
                for entry in range(usage_start[start + i], usage_start[start + i + 1]):
                    used = p * usage_amount[entry]
                    usage[usage_row[entry]] += used
                    if want_stiffness:
                        stiffness[usage_row[entry]] += used * weight[start + i]
    return smooth, true


@dataclass(frozen=True, kw_only=True, eq=False)
class SoftPoint:
    """Where an ascent stands: prices of the problem's resources, shares of options, and the listed bound in cents."""

    price: FloatArray
    share: FloatArray
    bound: float


def ascend(
    smooth: Smooth,
    price: FloatArray,
    *,
    temperature: float,
    n_steps: int,
    executor: Executor | None = None,
    tolerance: float = 0.0,
) -> SoftPoint:
    """Climb the smoothed dual at one temperature from given prices.

    Parameters
    ----------
    price : float64[n_resources]
        Cents a unit to start from.
    temperature : float
        In cents.
    n_steps : int
        The most steps to take.
    tolerance : float
        Stop when the mean overuse and complementary slack, relative to supply, are below it.

    Returns
    -------
    SoftPoint
        The prices with the best true bound over the listed options, and the shares at the last point.
    """
    problem = smooth.problem
    n_rows = smooth.rows.size
    y = price[smooth.rows].copy()
    z = y.copy()
    best_y, best_bound = y.copy(), -np.inf
    momentum = 1.0
    stiffness = np.zeros(n_rows)
    floor = np.maximum(smooth.supply, 1.0) * (
        np.average(smooth.weight, weights=smooth.weight) if smooth.weight.any() else 1.0
    )
    share = np.zeros(problem.n_options)
    last = -np.inf
    for step in range(n_steps):
        fresh = step % 10 == 0
        usage, new_stiffness, soft, true = _evaluate(smooth, z, temperature, share, False, fresh, executor)
        bound = true - float(smooth.supply @ z)
        smoothed = soft - float(smooth.supply @ z)
        if bound > best_bound:
            best_bound, best_y = bound, z.copy()
        if fresh:
            stiffness = np.maximum(new_stiffness, 0.5 * floor)
        slope = usage - smooth.supply
        if tolerance and step > 10:
            over = np.where(z > 0.0, np.abs(slope), np.maximum(slope, 0.0)).sum()
            if over < tolerance * smooth.supply.sum():
                break
        following = np.maximum(0.0, z + temperature * slope / stiffness)
        if smoothed < last or float(slope @ (following - y)) < 0.0:
            momentum = 1.0
        last = smoothed
        larger = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * momentum * momentum))
        z = np.maximum(0.0, following + (momentum - 1.0) / larger * (following - y))
        y, momentum = following, larger
    _, _, _, true = _evaluate(smooth, y, temperature, share, True, False, executor)
    bound = true - float(smooth.supply @ y)
    if bound > best_bound:
        best_bound, best_y = bound, y
    full = np.zeros(problem.n_resources)
    full[smooth.rows] = best_y
    return SoftPoint(price=full, share=share, bound=best_bound)


def _evaluate(
    smooth: Smooth,
    price: FloatArray,
    temperature: float,
    share: FloatArray,
    want_share: bool,
    want_stiffness: bool,
    executor: Executor | None,
) -> tuple[FloatArray, FloatArray, float, float]:
    n_rows = smooth.rows.size
    usages = np.zeros((N_SHARDS, n_rows))
    stiffs = np.zeros((N_SHARDS, n_rows))

    def run(shard: int) -> tuple[float, float]:
        value: tuple[float, float] = _soft_pass(
            smooth.bounds[shard],
            smooth.bounds[shard + 1],
            smooth.problem.first,
            smooth.cost,
            smooth.usage_start,
            smooth.usage_row,
            smooth.usage_amount,
            smooth.weight,
            price,
            temperature,
            usages[shard],
            stiffs[shard],
            share,
            want_share,
            want_stiffness,
        )
        return value

    shards = range(N_SHARDS)
    values = list(executor.map(run, shards) if executor else map(run, shards))
    usage, stiff = usages[0], stiffs[0]
    for shard in range(1, N_SHARDS):
        usage += usages[shard]
        stiff += stiffs[shard]
    return usage, stiff, sum(v[0] for v in values), sum(v[1] for v in values)
