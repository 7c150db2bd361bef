"""Prices of resources: smoothed dual ascent over the listed options.

Each group spreads over its options in proportion to exp(-reduced cost / temperature); prices rise where that uses more
than there is. The smoothed dual is concave and its gradient is usage minus supply. Steps are scaled per resource by the
running mean and spread of its gradient (Kingma and Ba, Adam, ICLR 2015): prices differ by orders of magnitude, and a
step in proportion to the gradient takes several times as many rounds. The temperature is lowered in stages.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solver.cuts import Cuts, Steps, enter, leave, steps_of
from solver.gather import Lane, Smooth
from solver.kernels import kernel
from solver.problem import FloatArray, IntArray, Problem
from solver.spread import Local, Workers, option_bounds, spread

MEAN_DECAY = 0.9
SPREAD_DECAY = 0.95


@kernel
def soft_pass(
    first: IntArray,
    cost: FloatArray,
    usage_start: IntArray,
    usage_row: NDArray[np.int32],
    usage_amount: NDArray[np.float32],
    price: FloatArray,
    temperature: float,
    want_share: bool,
) -> tuple[FloatArray, float, FloatArray]:
    """The soft usage of a lane, the sum of its groups' least reduced costs, and (if wanted) each option's share."""
    usage = np.zeros(price.size)
    share = np.zeros(cost.size if want_share else 0)
    true = 0.0
    most = 0
    for group in range(first.size - 1):
        most = max(most, first[group + 1] - first[group])
    value = np.empty(most)
    for group in range(first.size - 1):
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
    return usage, true, share


def eased(
    problem: Problem,
    price: FloatArray,
    cuts: Cuts | None = None,
    core: NDArray[np.bool_] | None = None,
    executor: Executor | None = None,
) -> FloatArray:
    """Lower prices as far as no group's least reduced cost falls.

    An option that is dearer than its group's best by a slack may give up that much of what its resources ask. Each
    price falls by the least part that any option of it can afford, so no option falls by more than its slack; the bound
    gains what the price was paid for.

    Parameters
    ----------
    problem : Problem
        Without cuts.
    price : float64[n_resources + n_cuts]
        Cents a unit, of each resource and then of each cut.
    cuts : Cuts, optional
        None unless given.
    core : bool[n_groups], optional
        The groups that count; all unless given.
    """
    core = np.ones(problem.n_groups, np.bool_) if core is None else core
    usage = (problem.first, problem.cost, problem.usage_start, problem.usage_resource, problem.usage_amount)
    steps = (cuts or Cuts.none()).steps(problem)

    def work(begin: int, end: int) -> FloatArray:
        return np.asarray(_affordable(begin, end, core, *usage, steps, price))

    part = np.minimum.reduce(spread(executor, option_bounds(problem.first), work))
    return price * (1.0 - part)


@kernel
def _affordable(
    begin: int,
    end: int,
    core: NDArray[np.bool_],
    first: IntArray,
    cost: IntArray,
    usage_start: IntArray,
    usage_resource: IntArray,
    usage_amount: IntArray,
    steps: Steps,
    price: FloatArray,
) -> FloatArray:
    """The part of each price that groups ``begin .. end - 1`` can do without."""
    n_resources = steps.first.size - 1
    shift = np.zeros(steps.cut.size, np.int64)
    part = np.ones(price.size)
    most = 0
    for group in range(begin, end):
        most = max(most, first[group + 1] - first[group])
    paid = np.empty(most)
    for group in range(begin, end):
        if not core[group]:
            continue
        enter(group, steps, shift)
        start = first[group]
        n = first[group + 1] - start
        low = np.inf
        for i in range(n):
            paid[i] = 0.0
            for entry in range(usage_start[start + i], usage_start[start + i + 1]):
                resource, amount = usage_resource[entry], usage_amount[entry]
                paid[i] += amount * price[resource]
                for at in range(steps.first[resource], steps.first[resource + 1]):
                    used = steps_of(amount, steps, shift, steps.cut[at])
                    paid[i] += used * price[n_resources + steps.cut[at]]
            low = min(low, cost[start + i] + paid[i])
        for i in range(n):
            if paid[i] > 0.0:
                afford = (cost[start + i] + paid[i] - low) / paid[i]
                if afford < 1.0:
                    for entry in range(usage_start[start + i], usage_start[start + i + 1]):
                        resource, amount = usage_resource[entry], usage_amount[entry]
                        if amount > 0:
                            part[resource] = min(part[resource], afford)
                        for at in range(steps.first[resource], steps.first[resource + 1]):
                            if steps_of(amount, steps, shift, steps.cut[at]) > 0:
                                cut = n_resources + steps.cut[at]
                                part[cut] = min(part[cut], afford)
        leave(group, steps, shift)
    return part


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
        *,
        temperature: float,
        step_cents: float,
        n_steps: int,
        idle: IntArray | None = None,
        idle_supply: FloatArray | None = None,
        workers: Workers | None = None,
    ) -> FloatArray:
        """Climb the smoothed dual of a part of the problem at one temperature.

        Parameters
        ----------
        smooth : Smooth
            The part, prepared.
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
        at = smooth.rows
        workers = workers or Local()
        lanes = [workers.put(lane) for lane in smooth.lanes]
        mean, spread = self._mean[at], self._spread[at]
        scale = np.maximum(smooth.supply, 1.0)
        z = self.price[at]
        idle = np.zeros(0, np.int64) if idle is None else idle
        idle_supply = np.zeros(0) if idle_supply is None else idle_supply
        idle_price = self.price[idle]
        best, best_idle, best_bound = z, idle_price, -np.inf
        for _ in range(n_steps):
            usage, true, _ = _evaluate(workers, lanes, z, temperature, False)
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
        _, true, share = _evaluate(workers, lanes, z, temperature, True)
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


def _evaluate(
    workers: Workers, lanes: list[Any], price: FloatArray, temperature: float, want_share: bool
) -> tuple[FloatArray, float, FloatArray]:
    """Soft usage of each row, the sum of the least reduced costs, and shares; lanes are summed in a fixed order."""
    at_prices = workers.put(price)
    usages, values, shares = zip(
        *workers.call(_lane_pass, [(lane, at_prices, temperature, want_share) for lane in lanes])
    )
    usage = usages[0].copy()
    for other in usages[1:]:
        usage += other
    return usage, sum(values), np.concatenate(shares)


def _lane_pass(
    lane: Lane, price: FloatArray, temperature: float, want_share: bool
) -> tuple[FloatArray, float, FloatArray]:
    answer: tuple[FloatArray, float, FloatArray] = soft_pass(*lane, price, temperature, want_share)
    return answer
