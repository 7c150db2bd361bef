"""Spreads work over ranges of groups: fixed ranges, so that nothing depends on who works on them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from itertools import pairwise
from typing import TypeVar

import numpy as np

from solver.problem import IntArray

Answer = TypeVar("Answer")

FEW, MANY = 4, 16
MANY_OPTIONS = 1_000_000


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
