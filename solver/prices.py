"""Prices of resources: smoothed dual ascent over the listed options.

Each group spreads over its options in proportion to exp(-reduced cost / temperature); prices rise where that uses more
than there is. The smoothed dual is concave and its gradient is usage minus supply. Steps are scaled per resource by the
running mean and spread of its gradient (Kingma and Ba, Adam, ICLR 2015): prices differ by orders of magnitude, and a
step in proportion to the gradient takes several times as many rounds. The temperature is lowered in stages.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.kernels import kernel
from solver.problem import FloatArray, IntArray, Problem

MEAN_DECAY = 0.9
SPREAD_DECAY = 0.95
N_SHARDS = 4
"""Fixed, so that sums are taken in the same order for any number of workers."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Smooth:
    """A problem prepared for the ascent: float costs, and only resources that can be over-used."""

    problem: Problem
    cost: FloatArray
    rows: IntArray  # resources with a price, rising
    usage_start: IntArray
    usage_row: NDArray[np.int32]
    usage_amount: NDArray[np.float32]
    supply: FloatArray
    bounds: IntArray  # groups of each shard


def prepare(problem: Problem, price: FloatArray) -> Smooth:
    """Drop resources without a price that all groups together cannot over-use, and turn the rest into floats."""
    rows = np.flatnonzero((largest_usage(problem) > problem.supply) | (price > 0.0))
    compact = np.full(problem.n_resources, -1, np.int64)
    compact[rows] = np.arange(rows.size)
    row = compact[problem.usage_resource]
    keep = (row >= 0) & (problem.usage_amount > 0)
    kept = np.concatenate((np.zeros(1, np.int64), np.cumsum(keep)))
    usage_start = kept[problem.usage_start]
    amount = problem.usage_amount[keep].astype(np.float32)
    size = np.searchsorted(problem.first, np.linspace(0, problem.n_options, N_SHARDS + 1).astype(np.int64))
    return Smooth(
        problem=problem,
        cost=problem.cost.astype(np.float64),
        rows=rows,
        usage_start=usage_start,
        usage_row=row[keep].astype(np.int32),
        usage_amount=amount,
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


@kernel
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


@kernel
def _soft_pass(
    begin: int,
    end: int,
    first: IntArray,
    cost: FloatArray,
    usage_start: IntArray,
    usage_row: NDArray[np.int32],
    usage_amount: NDArray[np.float32],
    price: FloatArray,
    temperature: float,
    usage: FloatArray,
    share: FloatArray,
    want_share: bool,
) -> float:
    """Add the soft usage of some groups to ``usage``; return the sum of their least reduced costs."""
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
        for i in range(n):
            p = value[i] / total
            if want_share:
                share[start + i] = p
            if p > 0.0:
                for entry in range(usage_start[start + i], usage_start[start + i + 1]):
                    usage[usage_row[entry]] += p * usage_amount[entry]
    return true


def eased(problem: Problem, price: FloatArray) -> FloatArray:
    """Lower prices as far as no group's least reduced cost falls.

    An option that is dearer than its group's best by a slack may give up that much of what its resources ask. Each
    price falls by the least part that any option of it can afford, so no option falls by more than its slack; the bound
    gains what the price was paid for.

    Parameters
    ----------
    problem : Problem
        The groups and options that count.
    price : float64[n_resources]
        Cents a unit.
    """
    return np.asarray(
        _eased(
            problem.first,
            problem.cost,
            problem.usage_start,
            problem.usage_resource,
            problem.usage_amount,
            price,
        )
    )


@kernel
def _eased(
    first: IntArray,
    cost: IntArray,
    usage_start: IntArray,
    usage_resource: IntArray,
    usage_amount: IntArray,
    price: FloatArray,
) -> FloatArray:
    part = np.ones(price.size)
    most = 0
    for group in range(first.size - 1):
        most = max(most, first[group + 1] - first[group])
    paid = np.empty(most)
    for group in range(first.size - 1):
        start = first[group]
        n = first[group + 1] - start
        low = np.inf
        for i in range(n):
            paid[i] = 0.0
            for entry in range(usage_start[start + i], usage_start[start + i + 1]):
                paid[i] += usage_amount[entry] * price[usage_resource[entry]]
            low = min(low, cost[start + i] + paid[i])
        for i in range(n):
            if paid[i] > 0.0:
                afford = (cost[start + i] + paid[i] - low) / paid[i]
                if afford < 1.0:
                    for entry in range(usage_start[start + i], usage_start[start + i + 1]):
                        if usage_amount[entry] > 0:
                            part[usage_resource[entry]] = min(part[usage_resource[entry]], afford)
    return price * (1.0 - part)


class Ascent:
    """Prices on their way up, with the running mean and spread of each gradient.

    Parameters
    ----------
    n_resources : int
        Resources of the problem, cuts included.
    """

    def __init__(self, n_resources: int) -> None:
        self.price = np.zeros(n_resources)
        self._mean = np.zeros(n_resources)
        self._spread = np.zeros(n_resources)
        self._n_steps = 0
        self.best = self.price.copy()
        self.bound = -np.inf

    def extend(self, n_more: int) -> None:
        """Let in more resources (cuts), at price zero."""
        more = np.zeros(n_more)
        self.price = np.concatenate((self.price, more))
        self.best = np.concatenate((self.best, more))
        self._mean = np.concatenate((self._mean, more))
        self._spread = np.concatenate((self._spread, more))

    def climb(
        self,
        smooth: Smooth,
        resource: IntArray,
        *,
        temperature: float,
        step_cents: float,
        n_steps: int,
        idle: IntArray | None = None,
        idle_supply: FloatArray | None = None,
        executor: Executor | None = None,
    ) -> FloatArray:
        """Climb the smoothed dual of a part of the problem at one temperature.

        Parameters
        ----------
        smooth : Smooth
            The part, prepared.
        resource : int64[n]
            The number here of each resource of the part.
        temperature, step_cents : float
            In cents: the temperature, and how far a price moves in a step when its gradient keeps its sign.
        idle : int64[n_idle], optional
            Resources that have a price and that no option of the part uses: their prices fall with each step, until
            options that use them are let in again.
        idle_supply : float64[n_idle], optional
            What there is of them.

        Returns
        -------
        float64[n_options]
            The share of its group that each option of the part takes at the last prices. ``best`` are the prices on the
            way with the best bound over the options of the part, ``bound``.
        """
        at = resource[smooth.rows]
        mean, spread = self._mean[at], self._spread[at]
        scale = np.maximum(smooth.supply, 1.0)
        z = self.price[at]
        idle = np.zeros(0, np.int64) if idle is None else idle
        idle_supply = np.zeros(0) if idle_supply is None else idle_supply
        idle_price = self.price[idle]
        best, best_idle, best_bound = z, idle_price, -np.inf
        share = np.zeros(smooth.problem.n_options)
        for _ in range(n_steps):
            usage, true = _evaluate(smooth, z, temperature, share, False, executor)
            bound = true - float(np.sum(smooth.supply * z)) - float(np.sum(idle_supply * idle_price))
            if bound > best_bound:
                best_bound, best, best_idle = bound, z, idle_price
            idle_price = np.maximum(0.0, idle_price - step_cents)
            slope = (usage - smooth.supply) / scale
            self._n_steps += 1
            mean = MEAN_DECAY * mean + (1.0 - MEAN_DECAY) * slope
            spread = SPREAD_DECAY * spread + (1.0 - SPREAD_DECAY) * slope * slope
            unbiased = mean / (1.0 - MEAN_DECAY**self._n_steps)
            typical = np.sqrt(spread / (1.0 - SPREAD_DECAY**self._n_steps)) + 1e-3
            z = np.maximum(0.0, z + step_cents * unbiased / typical)
        _, true = _evaluate(smooth, z, temperature, share, True, executor)
        bound = true - float(np.sum(smooth.supply * z)) - float(np.sum(idle_supply * idle_price))
        if bound > best_bound:
            best_bound, best, best_idle = bound, z, idle_price
        self.bound = best_bound
        self._mean[at], self._spread[at] = mean, spread
        self.price = np.zeros(self.price.size)
        self.best = np.zeros(self.price.size)
        self.price[at], self.price[idle] = z, idle_price
        self.best[at], self.best[idle] = best, best_idle
        return share

    def proof(self, problem: Problem, resource: IntArray) -> FloatArray:
        """The best prices of the last climb, lowered as far as costs nothing to a part of the problem."""
        price = np.zeros(self.best.size)
        price[resource] = eased(problem, self.best[resource])
        return price


def _evaluate(
    smooth: Smooth,
    price: FloatArray,
    temperature: float,
    share: FloatArray,
    want_share: bool,
    executor: Executor | None,
) -> tuple[FloatArray, float]:
    """Soft usage of each row, and the sum of the least reduced costs; shards are summed in a fixed order."""
    usages = np.zeros((N_SHARDS, smooth.rows.size))

    def run(shard: int) -> float:
        return float(
            _soft_pass(
                smooth.bounds[shard],
                smooth.bounds[shard + 1],
                smooth.problem.first,
                smooth.cost,
                smooth.usage_start,
                smooth.usage_row,
                smooth.usage_amount,
                price,
                temperature,
                usages[shard],
                share,
                want_share,
            )
        )

    shards = range(N_SHARDS)
    values = list(executor.map(run, shards) if executor else map(run, shards))
    usage = usages[0]
    for shard in range(1, N_SHARDS):
        usage += usages[shard]
    return usage, sum(values)
