"""Prices of resources, and the protocol by which a solver asks for options that were not listed yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from solver.kernels import kernel
from solver.problem import IntArray

MILLI = 1000
"""Prices and reduced costs are whole thousandths of a cent, so that every bound is exact integer arithmetic."""

NO_FLOOR = 2**62
"""Floor of a group whose options are all listed."""


class Prices(NamedTuple):
    """What using an amount of a resource costs, in thousandths of a cent; never negative.

    Resource ``r`` asks ``unit[r]`` for each unit, or, where its table is not empty, ``table[table_first[r] + amount]``
    (the last entry for larger amounts). Tables carry the cuts: a rounding cut prices an amount by a step function.
    """

    unit: IntArray
    table_first: IntArray
    table: IntArray

    @classmethod
    def zero(cls, n_resources: int) -> Prices:
        """Prices at which everything is free."""
        return cls(np.zeros(n_resources, np.int64), np.zeros(n_resources + 1, np.int64), np.zeros(0, np.int64))


@kernel
def price_of(unit: IntArray, table_first: IntArray, table: IntArray, resource: int, amount: int) -> int:
    """Price of an amount of a resource, in thousandths of a cent, from the fields of :class:`Prices`."""
    first, last = table_first[resource], table_first[resource + 1]
    if first == last:
        return unit[resource] * amount
    return table[first + min(amount, last - first - 1)]


@dataclass(frozen=True, kw_only=True, eq=False)
class More:
    """Options that were not listed before, sorted by group, and what is known of those still unlisted.

    Parameters
    ----------
    group, cost, tag : int64[n_new]
        Group, cents and the source's own number of each new option.
    usage_start, usage_resource, usage_amount : int64
        Their usage as in :class:`solver.problem.Problem`.
    floor : int64[n_asked]
        For each group asked about: no option of it that is still unlisted has a cost plus price of usage, at the
        prices asked with, below this (thousandths of a cent).
    """

    group: IntArray
    cost: IntArray
    tag: IntArray
    usage_start: IntArray
    usage_resource: IntArray
    usage_amount: IntArray
    floor: IntArray


class Source(Protocol):
    """Answers for the options that a problem does not list.

    Attributes
    ----------
    heavy : bool[n_groups]
        Groups that take far longer to answer for than others; they are asked about less often.
    """

    @property
    def heavy(self) -> NDArray[np.bool_]:
        """See above."""
        ...

    def more(self, groups: IntArray, prices: Prices, *, slack: int, limit: int, exact: bool = True) -> More:
        """List the options of some groups that are good at given prices.

        Parameters
        ----------
        groups : int64[n_asked]
            Groups, rising.
        prices : Prices
            Prices of the problem's resources.
        slack : int
            List every option within so many thousandths of a cent of its group's best at these prices ...
        limit : int
            ... but at most so many a group, the best of them; more only where that lists a group whole.
        exact : bool
            Whether floors are wanted; without, good options of large groups are found faster and their floors are weak.
        """
        ...
