"""Rounding cuts: rows that every integer choice respects and that fractional ones do not.

For a resource with supply b and any fraction t/k, the sum of floor(amount * t / k) over the chosen options' usage
entries is at most floor(b * t / k) (Chvatal and Gomory). The step function depends on the amount alone, so a cut is a
price on amounts, and options that are not listed yet can be priced exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.kernels import kernel
from solver.problem import FloatArray, IntArray, Problem
from solver.source import MILLI, Prices

MAX_CUT_SUPPLY = 40
"""Rows with more supply than this are close enough to their linear relaxation."""
MIN_VIOLATION = 0.02
LEAST_USED = 0.5
"""Rows of which a smaller part is used are not looked at."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cuts:
    """Rounding cuts ``sum floor(amount * numerator / denominator) <= floor(supply * numerator / denominator)``.

    Parameters
    ----------
    resource, numerator, denominator : int64[n_cuts]
        The row that each cut comes from, and its fraction.
    """

    resource: IntArray
    numerator: IntArray
    denominator: IntArray

    @classmethod
    def none(cls) -> Cuts:
        """No cuts."""
        empty = np.zeros(0, np.int64)
        return cls(resource=empty, numerator=empty, denominator=empty)

    @property
    def n_cuts(self) -> int:
        """Number of cuts."""
        return self.resource.size

    def appended(self, other: Cuts) -> Cuts:
        """These cuts, then those of others that are new."""
        known = set(zip(self.resource.tolist(), self.numerator.tolist(), self.denominator.tolist()))
        others = zip(other.resource.tolist(), other.numerator.tolist(), other.denominator.tolist())
        new = np.array([cut not in known for cut in others], np.bool_)
        return Cuts(
            resource=np.concatenate((self.resource, other.resource[new])),
            numerator=np.concatenate((self.numerator, other.numerator[new])),
            denominator=np.concatenate((self.denominator, other.denominator[new])),
        )

    def by_resource(self, n_resources: int) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """The cuts of each resource as kernels want them: offsets by resource, cuts in order, and the fractions."""
        order = np.argsort(self.resource, kind="stable")
        first = np.searchsorted(self.resource[order], np.arange(n_resources + 1))
        return first, order, self.numerator, self.denominator

    def usage_of(self, problem: Problem, options: IntArray) -> IntArray:
        """Total amount of each resource and each cut that options of a problem use, int64[n_resources + n_cuts]."""
        usage = (problem.usage_start, problem.usage_resource, problem.usage_amount)
        return np.asarray(_usage_with_cuts(options, *usage, *self.by_resource(problem.n_resources)))

    def supply(self, problem: Problem) -> IntArray:
        """What there is of each resource of a problem and each cut, int64[n_resources + n_cuts]."""
        return np.concatenate((problem.supply, self.right_side(problem.supply)))

    def right_side(self, supply: IntArray) -> IntArray:
        """What the left side of each cut may reach."""
        return supply[self.resource] * self.numerator // self.denominator

    def extended(self, problem: Problem) -> Problem:
        """The problem with each cut as one more resource."""
        if self.n_cuts == 0:
            return problem
        usage = (problem.usage_start, problem.usage_resource, problem.usage_amount)
        start, resource, amount = _extended_usage(*usage, *self.by_resource(problem.n_resources))
        return Problem(
            cost=problem.cost,
            first=problem.first,
            usage_start=start,
            usage_resource=resource,
            usage_amount=amount,
            supply=self.supply(problem),
        )

    def prices(self, price: IntArray, supply: IntArray) -> Prices:
        """Prices as functions of the amount, from the price of each resource and then of each cut."""
        n_resources = supply.size
        unit, cut_price = price[:n_resources], price[n_resources:]
        active = np.flatnonzero(cut_price > 0)
        if active.size == 0:
            return Prices(unit, np.zeros(n_resources + 1, np.int64), np.zeros(0, np.int64))
        rows = np.unique(self.resource[active])
        length = np.zeros(n_resources, np.int64)
        length[rows] = supply[rows] + 1
        table_first = np.concatenate((np.zeros(1, np.int64), np.cumsum(length)))
        amount = np.arange(table_first[-1]) - np.repeat(table_first[:-1], length)
        table = amount * np.repeat(unit, length)
        for cut in active.tolist():
            row = self.resource[cut]
            steps = np.arange(supply[row] + 1) * self.numerator[cut] // self.denominator[cut]
            table[table_first[row] : table_first[row + 1]] += cut_price[cut] * steps
        return Prices(unit, table_first, table)


@kernel
def steps_of(amount: int, numerator: IntArray, denominator: IntArray, cut: int) -> int:
    """How much of a cut an amount of its resource uses."""
    return amount * numerator[cut] // denominator[cut]


@kernel
def _usage_with_cuts(
    options: IntArray,
    usage_start: IntArray,
    usage_resource: IntArray,
    usage_amount: IntArray,
    cut_first: IntArray,
    cut_of: IntArray,
    numerator: IntArray,
    denominator: IntArray,
) -> IntArray:
    n_resources = cut_first.size - 1
    out = np.zeros(n_resources + cut_of.size, np.int64)
    for option in options:
        for entry in range(usage_start[option], usage_start[option + 1]):
            resource, amount = usage_resource[entry], usage_amount[entry]
            out[resource] += amount
            for i in range(cut_first[resource], cut_first[resource + 1]):
                out[n_resources + cut_of[i]] += steps_of(amount, numerator, denominator, cut_of[i])
    return out


@kernel
def _extended_usage(
    usage_start: IntArray,
    usage_resource: IntArray,
    usage_amount: IntArray,
    cut_first: IntArray,
    cut_of: IntArray,
    numerator: IntArray,
    denominator: IntArray,
) -> tuple[IntArray, IntArray, IntArray]:
    n_resources = cut_first.size - 1
    extra = 0
    for entry in range(usage_resource.size):
        extra += cut_first[usage_resource[entry] + 1] - cut_first[usage_resource[entry]]
    start = np.zeros(usage_start.size, np.int64)
    resource = np.empty(usage_resource.size + extra, np.int64)
    amount = np.empty(usage_resource.size + extra, np.int64)
    n = 0
    for option in range(usage_start.size - 1):
        for entry in range(usage_start[option], usage_start[option + 1]):
            row = usage_resource[entry]
            resource[n] = row
            amount[n] = usage_amount[entry]
            n += 1
            for i in range(cut_first[row], cut_first[row + 1]):
                cut = cut_of[i]
                steps = steps_of(usage_amount[entry], numerator, denominator, cut)
                if steps > 0:
                    resource[n] = n_resources + cut
                    amount[n] = steps
                    n += 1
        start[option + 1] = n
    return start, resource[:n].copy(), amount[:n].copy()


def separate(problem: Problem, share: FloatArray) -> Cuts:
    """The most violated rounding cut of each resource at a fractional choice.

    Parameters
    ----------
    problem : Problem
        Without cuts.
    share : float64[n_options]
        The share of each group that each option takes.
    """
    usage = (problem.usage_start, problem.usage_resource, problem.usage_amount)
    used = _soft_usage(*usage, share, problem.n_resources)
    small = (problem.supply > 0) & (problem.supply <= MAX_CUT_SUPPLY) & (used >= LEAST_USED * problem.supply)
    rows = np.flatnonzero(small)
    row = np.full(problem.n_resources, -1, np.int64)
    row[rows] = np.arange(rows.size)
    at, numerator, denominator = _separate(_masses(*usage, share, row, rows.size), problem.supply[rows])
    return Cuts(resource=rows[at], numerator=numerator, denominator=denominator)


@kernel
def _soft_usage(
    usage_start: IntArray, usage_resource: IntArray, usage_amount: IntArray, share: FloatArray, n_resources: int
) -> FloatArray:
    used = np.zeros(n_resources)
    for option in range(share.size):
        if share[option] > 0.0:
            for entry in range(usage_start[option], usage_start[option + 1]):
                used[usage_resource[entry]] += share[option] * usage_amount[entry]
    return used


@kernel
def _masses(
    usage_start: IntArray,
    usage_resource: IntArray,
    usage_amount: IntArray,
    share: FloatArray,
    row: IntArray,
    n_rows: int,
) -> FloatArray:
    """The share with which each amount of each row is used."""
    mass = np.zeros((n_rows, MAX_CUT_SUPPLY + 1))
    for option in range(share.size):
        if share[option] > 0.0:
            for entry in range(usage_start[option], usage_start[option + 1]):
                at = row[usage_resource[entry]]
                if at >= 0 and 0 < usage_amount[entry] <= MAX_CUT_SUPPLY:
                    mass[at, usage_amount[entry]] += share[option]
    return mass


@kernel
def _separate(mass: FloatArray, supply: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    out = np.empty((mass.shape[0], 3), np.int64)
    n = 0
    for row in range(mass.shape[0]):
        b = supply[row]
        if b <= 0 or b >= mass.shape[1]:
            continue
        used = 0.0
        several = False
        for amount in range(1, b + 1):
            used += amount * mass[row, amount]
            several = several or (amount > 1 and mass[row, amount] > 1e-6)
        if not several or used < LEAST_USED * b:
            continue
        best = MIN_VIOLATION
        best_t = best_k = 0
        for k in range(2, b + 2):
            for t in range(1, k):
                right = b * t // k
                left = 0.0
                for amount in range(1, b + 1):
                    left += mass[row, amount] * (amount * t // k)
                violation = (left - right) / (right + 1.0)
                if violation > best + 1e-9:
                    best, best_t, best_k = violation, t, k
        if best_k > 0:
            out[n, 0], out[n, 1], out[n, 2] = row, best_t, best_k
            n += 1
    return out[:n, 0].copy(), out[:n, 1].copy(), out[:n, 2].copy()


def rounded(price: FloatArray) -> IntArray:
    """Prices in cents as whole thousandths, never negative."""
    return np.asarray(np.rint(np.maximum(price, 0.0) * MILLI), dtype=np.int64)
