"""Rounding cuts: rows that every integer choice respects and that fractional ones do not.

For a resource with supply b, any fraction t/k and any shifts s < k of some groups, the sum over the options chosen of
floor((amount * t + s) / k) is at most floor((b * t + sum of s) / k). That is a Chvatal-Gomory cut: the resource's row
counts t/k, the rows "one option a group" count s/k. Without shifts the steps depend on the amount alone; with them a
cut can say that of two amounts only one fits (a cover), and extend that to others.

A shift can only add to what an amount uses, so pricing an unlisted option without shifts proves no more than is true.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from solver.kernels import kernel
from solver.problem import FloatArray, IntArray, Problem, offsets, ranges
from solver.source import MILLI, Prices


class Steps(NamedTuple):
    """Cuts as kernels want them: by resource, with the shifts by group.

    Kernels go group by group; :func:`enter` writes the shifts of a group where :func:`steps_of` finds them, and
    :func:`leave` takes them away.
    """

    first: IntArray
    cut: IntArray
    numerator: IntArray
    denominator: IntArray
    shift_first: IntArray
    shift_cut: IntArray
    shift: IntArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Cuts:
    """Rounding cuts, each one more resource of the problem that they were made for.

    Parameters
    ----------
    resource, numerator, denominator : int64[n_cuts]
        The row that each cut comes from, and its fraction.
    shift_first : int64[n_cuts + 1]
        Shifts of a cut are a contiguous range.
    shift_group, shift : int64[n_shifts]
        Groups, rising within a cut, and by how much their amounts, times the numerator, are lifted before they are
        rounded down: from 1 to the denominator less 1.
    """

    resource: IntArray
    numerator: IntArray
    denominator: IntArray
    shift_first: IntArray
    shift_group: IntArray
    shift: IntArray

    @classmethod
    def none(cls) -> Cuts:
        """No cuts."""
        empty = np.zeros(0, np.int64)
        return cls.plain(empty, empty, empty)

    @classmethod
    def plain(cls, resource: IntArray, numerator: IntArray, denominator: IntArray) -> Cuts:
        """Cuts without shifts."""
        empty = np.zeros(0, np.int64)
        return cls(
            resource=resource,
            numerator=numerator,
            denominator=denominator,
            shift_first=np.zeros(resource.size + 1, np.int64),
            shift_group=empty,
            shift=empty,
        )

    @property
    def n_cuts(self) -> int:
        """Number of cuts."""
        return self.resource.size

    def of(self, which: IntArray) -> Cuts:
        """Some of these cuts."""
        start, stop = self.shift_first[which], self.shift_first[which + 1]
        entries = ranges(start, stop)
        return Cuts(
            resource=self.resource[which],
            numerator=self.numerator[which],
            denominator=self.denominator[which],
            shift_first=offsets(stop - start),
            shift_group=self.shift_group[entries],
            shift=self.shift[entries],
        )

    def appended(self, other: Cuts) -> Cuts:
        """These cuts, then those of others that are new."""
        known = set(self._keys())
        new = other.of(np.flatnonzero([key not in known for key in other._keys()]))
        return Cuts(
            resource=np.concatenate((self.resource, new.resource)),
            numerator=np.concatenate((self.numerator, new.numerator)),
            denominator=np.concatenate((self.denominator, new.denominator)),
            shift_first=np.concatenate((self.shift_first, self.shift_first[-1] + new.shift_first[1:])),
            shift_group=np.concatenate((self.shift_group, new.shift_group)),
            shift=np.concatenate((self.shift, new.shift)),
        )

    def _keys(self) -> list[tuple[int, int, int, bytes, bytes]]:
        first = self.shift_first.tolist()
        spans = [slice(begin, end) for begin, end in pairwise(first)]
        lifted = [(self.shift_group[span].tobytes(), self.shift[span].tobytes()) for span in spans]
        plain = zip(self.resource.tolist(), self.numerator.tolist(), self.denominator.tolist())
        return [(*one, *other) for one, other in zip(plain, lifted)]

    def steps(self, problem: Problem) -> Steps:
        """These cuts as kernels want them."""
        order = np.argsort(self.resource, kind="stable")
        first = np.searchsorted(self.resource[order], np.arange(problem.n_resources + 1))
        by_group = np.argsort(self.shift_group, kind="stable")
        cut = np.repeat(np.arange(self.n_cuts), np.diff(self.shift_first))
        return Steps(
            first=first,
            cut=order,
            numerator=self.numerator,
            denominator=self.denominator,
            shift_first=np.searchsorted(self.shift_group[by_group], np.arange(problem.n_groups + 1)),
            shift_cut=cut[by_group],
            shift=self.shift[by_group],
        )

    def usage_of(self, problem: Problem, options: IntArray) -> IntArray:
        """Total amount of each resource and each cut that options of a problem use, int64[n_resources + n_cuts]."""
        usage = (problem.first, problem.usage_start, problem.usage_resource, problem.usage_amount)
        return np.asarray(_usage_with_cuts(options, *usage, self.steps(problem)))

    def supply(self, problem: Problem) -> IntArray:
        """What there is of each resource of a problem and each cut, int64[n_resources + n_cuts]."""
        return np.concatenate((problem.supply, self.right_side(problem.supply)))

    def right_side(self, supply: IntArray) -> IntArray:
        """What the left side of each cut may reach."""
        shifted = offsets(self.shift)[self.shift_first]
        return (supply[self.resource] * self.numerator + np.diff(shifted)) // self.denominator

    def extended(self, problem: Problem) -> Problem:
        """The problem with each cut as one more resource."""
        if self.n_cuts == 0:
            return problem
        usage = (problem.first, problem.usage_start, problem.usage_resource, problem.usage_amount)
        start, resource, amount = _extended_usage(*usage, self.steps(problem))
        return Problem(
            cost=problem.cost,
            first=problem.first,
            usage_start=start,
            usage_resource=resource,
            usage_amount=amount,
            supply=self.supply(problem),
        )

    def prices(self, price: IntArray, supply: IntArray) -> Prices:
        """Prices as functions of the amount, from the price of each resource and then of each cut; without shifts."""
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
def enter(group: int, steps: Steps, shift: IntArray) -> None:
    """Write the shifts of a group into int64[n_cuts]."""
    for i in range(steps.shift_first[group], steps.shift_first[group + 1]):
        shift[steps.shift_cut[i]] = steps.shift[i]


@kernel
def leave(group: int, steps: Steps, shift: IntArray) -> None:
    """Take them away."""
    for i in range(steps.shift_first[group], steps.shift_first[group + 1]):
        shift[steps.shift_cut[i]] = 0


@kernel
def steps_of(amount: int, steps: Steps, shift: IntArray, cut: int) -> int:
    """How much of a cut an amount of its resource uses, in the group whose shifts are given."""
    return (amount * steps.numerator[cut] + shift[cut]) // steps.denominator[cut]


@kernel
def _usage_with_cuts(
    options: IntArray,
    first: IntArray,
    usage_start: IntArray,
    usage_resource: IntArray,
    usage_amount: IntArray,
    steps: Steps,
) -> IntArray:
    n_resources = steps.first.size - 1
    out = np.zeros(n_resources + steps.cut.size, np.int64)
    shift = np.zeros(steps.cut.size, np.int64)
    for option in options:
        group = np.searchsorted(first, option, side="right") - 1
        enter(group, steps, shift)
        for entry in range(usage_start[option], usage_start[option + 1]):
            resource, amount = usage_resource[entry], usage_amount[entry]
            out[resource] += amount
            for i in range(steps.first[resource], steps.first[resource + 1]):
                out[n_resources + steps.cut[i]] += steps_of(amount, steps, shift, steps.cut[i])
        leave(group, steps, shift)
    return out


@kernel
def _extended_usage(
    first: IntArray,
    usage_start: IntArray,
    usage_resource: IntArray,
    usage_amount: IntArray,
    steps: Steps,
) -> tuple[IntArray, IntArray, IntArray]:
    n_resources = steps.first.size - 1
    extra = 0
    for entry in range(usage_resource.size):
        extra += steps.first[usage_resource[entry] + 1] - steps.first[usage_resource[entry]]
    start = np.zeros(usage_start.size, np.int64)
    resource = np.empty(usage_resource.size + extra, np.int64)
    amount = np.empty(usage_resource.size + extra, np.int64)
    shift = np.zeros(steps.cut.size, np.int64)
    n = 0
    for group in range(first.size - 1):
        enter(group, steps, shift)
        for option in range(first[group], first[group + 1]):
            for entry in range(usage_start[option], usage_start[option + 1]):
                row = usage_resource[entry]
                resource[n] = row
                amount[n] = usage_amount[entry]
                n += 1
                for i in range(steps.first[row], steps.first[row + 1]):
                    used = steps_of(usage_amount[entry], steps, shift, steps.cut[i])
                    if used > 0:
                        resource[n] = n_resources + steps.cut[i]
                        amount[n] = used
                        n += 1
            start[option + 1] = n
        leave(group, steps, shift)
    return start, resource[:n].copy(), amount[:n].copy()


def rounded(price: FloatArray) -> IntArray:
    """Prices in cents as whole thousandths, never negative."""
    return np.asarray(np.rint(np.maximum(price, 0.0) * MILLI), dtype=np.int64)
