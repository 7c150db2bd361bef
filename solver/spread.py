"""Spreads work over ranges of groups: fixed ranges, so that nothing depends on who works on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from itertools import pairwise
from typing import Any, Protocol, TypeVar

import numpy as np

from solver.problem import IntArray

Answer = TypeVar("Answer")
Mapper = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""Like the builtin ``map``: applies a function to shards, in order, perhaps side by side."""

FEW, MANY = 4, 16
MANY_OPTIONS = 1_000_000


class Workers(Protocol):
    """Where shards are worked on: threads here, or processes that may be on other machines.

    Functions are named by modules, their arguments arrays in tuples; they change none of them. What they return depends
    on the arguments alone, so that a call may be repeated by another worker where one died.
    """

    def put(self, value: Any) -> Any:
        """A handle on a value that calls will want; the value itself where workers share this memory."""
        ...

    def call(self, function: Callable[..., Answer], calls: Sequence[tuple[Any, ...]]) -> list[Answer]:
        """Make calls side by side; handles among the arguments are replaced by their values."""
        ...

    def keep(
        self, function: Callable[..., tuple[Any, Answer]], calls: Sequence[tuple[Any, ...]]
    ) -> list[tuple[Any, Answer]]:
        """As :meth:`call`, for functions that return a pair: of its first part only a handle comes back."""
        ...


class Local:
    """Workers that share this memory.

    Parameters
    ----------
    parallel : callable
        Like ``map``.
    """

    def __init__(self, parallel: Mapper = map) -> None:
        self._parallel = parallel

    def put(self, value: Any) -> Any:
        """See :class:`Workers`."""
        return value

    def call(self, function: Callable[..., Answer], calls: Sequence[tuple[Any, ...]]) -> list[Answer]:
        """See :class:`Workers`."""
        return list(self._parallel(lambda arguments: function(*arguments), calls))

    keep = call


def even_bounds(weight: IntArray, n_ranges: int) -> list[int]:
    """Cut groups into consecutive ranges of about equal weight; return the ``n_ranges + 1`` ends.

    Parameters
    ----------
    weight : int64[n_groups]
        From 0.
    n_ranges : int
        From 1.
    """
    total = np.cumsum(weight)
    wanted = np.linspace(0, int(total[-1]) if total.size else 0, n_ranges + 1)[1:-1]
    return [0, *np.searchsorted(total, wanted).tolist(), weight.size]


def option_bounds(first: IntArray) -> list[int]:
    """Ranges of groups with about as many options each."""
    counts = np.diff(first)
    return even_bounds(counts, MANY if int(first[-1]) > MANY_OPTIONS else FEW)


def spread(executor: Executor | None, bounds: list[int], work: Callable[[int, int], Answer]) -> list[Answer]:
    """Do ``work(begin, end)`` for each range between two bounds, side by side where there is an executor."""
    pairs = list(pairwise(bounds))
    if executor is None or len(pairs) == 1:
        return [work(begin, end) for begin, end in pairs]
    return list(executor.map(work, *zip(*pairs)))
