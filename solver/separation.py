"""Looks for cuts that a fractional choice violates."""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from solver.cuts import Cuts
from solver.kernels import kernel
from solver.problem import FloatArray, IntArray, Problem, offsets
from solver.spread import MANY, even_bounds, spread

MAX_CUT_SUPPLY = 40
"""Rows with more supply than this are close enough to their linear relaxation."""
MIN_VIOLATION = 0.02
LEAST_USED = 0.5
"""Rows of which a smaller part is used are not looked at."""
LEAST_SHARE = 1e-4
"""Smaller shares of an option do not count."""
MOST_DENOMINATOR = 12


def separate(problem: Problem, share: FloatArray, executor: Executor | None = None) -> Cuts:
    """The most violated rounding cut of each resource at a fractional choice.

    For each fraction those groups are shifted that gain most for what they add to the right side.

    Parameters
    ----------
    problem : Problem
        Without cuts; no option names a resource twice.
    share : float64[n_options]
        The share of each group that each option takes.
    executor : Executor, optional
        Threads to look at ranges of resources side by side.
    """
    usage = (problem.usage_start, problem.usage_resource, problem.usage_amount)
    used, several = _soft_usage(*usage, share, problem.n_resources)
    small = (problem.supply > 0) & (problem.supply <= MAX_CUT_SUPPLY) & (used >= LEAST_USED * problem.supply)
    rows = np.flatnonzero(small & several)
    row = np.full(problem.n_resources, -1, np.int64)
    row[rows] = np.arange(rows.size)
    begin, end, groups, amounts, masses = _entries(problem.first, *usage, share, row, rows.size)
    supply = problem.supply[rows]

    def look(low: int, high: int) -> tuple[IntArray, ...]:
        its = begin[low:high], end[low:high]
        at, *cut = _separate(*its, groups, amounts, masses, supply[low:high])
        return (rows[low + at], *cut)

    found = spread(executor, even_bounds(end - begin, MANY), look)
    resource, numerator, denominator, n_shifts, group, shift = map(np.concatenate, zip(*found))
    return Cuts(
        resource=resource,
        numerator=numerator,
        denominator=denominator,
        shift_first=offsets(n_shifts),
        shift_group=group,
        shift=shift,
    )


@kernel
def _soft_usage(
    usage_start: IntArray, usage_resource: IntArray, usage_amount: IntArray, share: FloatArray, n_resources: int
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Soft usage of each resource, and whether some option takes several units of it."""
    used = np.zeros(n_resources)
    several = np.zeros(n_resources, np.bool_)
    for option in range(share.size):
        if share[option] > LEAST_SHARE:
            for entry in range(usage_start[option], usage_start[option + 1]):
                used[usage_resource[entry]] += share[option] * usage_amount[entry]
                several[usage_resource[entry]] |= usage_amount[entry] > 1
    return used, several


@kernel
def _entries(
    first: IntArray,
    usage_start: IntArray,
    usage_resource: IntArray,
    usage_amount: IntArray,
    share: FloatArray,
    row: IntArray,
    n_rows: int,
) -> tuple[IntArray, IntArray, IntArray, IntArray, FloatArray]:
    """Who takes which amount of each row with which share: ranges by row, in order of groups."""
    count = np.zeros(n_rows + 1, np.int64)
    for option in range(share.size):
        if share[option] > LEAST_SHARE:
            for entry in range(usage_start[option], usage_start[option + 1]):
                if row[usage_resource[entry]] >= 0 and usage_amount[entry] > 0:
                    count[row[usage_resource[entry]] + 1] += 1
    begin = np.cumsum(count)
    end = begin[:-1].copy()
    groups = np.empty(begin[-1], np.int64)
    amounts = np.empty(begin[-1], np.int64)
    masses = np.empty(begin[-1])
    for group in range(first.size - 1):
        for option in range(first[group], first[group + 1]):
            if share[option] <= LEAST_SHARE:
                continue
            for entry in range(usage_start[option], usage_start[option + 1]):
                at = row[usage_resource[entry]]
                if at < 0 or usage_amount[entry] <= 0:
                    continue
                i = end[at] - 1
                while i >= begin[at] and groups[i] == group and amounts[i] != usage_amount[entry]:
                    i -= 1
                if i < begin[at] or groups[i] != group:
                    i = end[at]
                    groups[i], amounts[i], masses[i] = group, usage_amount[entry], 0.0
                    end[at] += 1
                masses[i] += share[option]
    return begin[:-1].copy(), end, groups, amounts, masses


@kernel
def _separate(
    begin: IntArray, end: IntArray, groups: IntArray, amounts: IntArray, masses: FloatArray, supply: IntArray
) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray, IntArray]:
    out = np.empty((supply.size, 4), np.int64)
    n = 0
    n_entries = (end - begin).sum()
    shifted = np.empty(n_entries, np.int64)
    shifts = np.empty(n_entries, np.int64)
    n_shifts = 0
    for row in range(supply.size):
        b = supply[row]
        size = end[row] - begin[row]
        its, shift = np.empty(size, np.int64), np.empty(size, np.int64)
        gain, net = np.empty(size), np.empty(size)
        best, best_t, best_k, best_n = MIN_VIOLATION, 0, 0, 0
        for k in range(2, min(b + 1, MOST_DENOMINATOR) + 1):
            for t in range(1, k):
                left, n_gains = _shifted(begin[row], end[row], groups, amounts, masses, t, k, its, shift, gain, net)
                order = np.argsort(-net[:n_gains], kind="mergesort")
                taken = 0
                for i in range(n_gains + 1):
                    right = (b * t + taken) // k
                    violation = (left - right) / (right + 1.0)
                    if violation > best + 1e-9:
                        best, best_t, best_k, best_n = violation, t, k, i
                    if i < n_gains:
                        left += gain[order[i]]
                        taken += shift[order[i]]
        if best_k > 0:
            _, n_gains = _shifted(begin[row], end[row], groups, amounts, masses, best_t, best_k, its, shift, gain, net)
            chosen = np.sort(np.argsort(-net[:n_gains], kind="mergesort")[:best_n])
            shifted[n_shifts : n_shifts + best_n] = its[chosen]
            shifts[n_shifts : n_shifts + best_n] = shift[chosen]
            n_shifts += best_n
            out[n, 0], out[n, 1], out[n, 2], out[n, 3] = row, best_t, best_k, best_n
            n += 1
    out = out[:n].copy()
    return (
        out[:, 0].copy(),
        out[:, 1].copy(),
        out[:, 2].copy(),
        out[:, 3].copy(),
        shifted[:n_shifts].copy(),
        shifts[:n_shifts].copy(),
    )


@kernel
def _shifted(
    begin: int,
    end: int,
    groups: IntArray,
    amounts: IntArray,
    masses: FloatArray,
    t: int,
    k: int,
    its: IntArray,
    shift: IntArray,
    gain: FloatArray,
    net: FloatArray,
) -> tuple[float, int]:
    """The left side without shifts, and the number of groups that gain more by their best shift than it costs.

    Written for each of them: the group, the shift, what it adds to the left side, and that less its part of a step of
    the right side.
    """
    left = 0.0
    n = 0
    at = begin
    while at < end:
        after = at
        while after < end and groups[after] == groups[at]:
            left += masses[after] * (amounts[after] * t // k)
            after += 1
        net[n] = 1e-9
        found = False
        for i in range(at, after):
            by = (k - amounts[i] * t % k) % k
            if by == 0:
                continue
            more = 0.0
            for j in range(at, after):
                more += masses[j] * ((amounts[j] * t + by) // k - amounts[j] * t // k)
            if more - by / k > net[n]:
                its[n], shift[n], gain[n], net[n] = groups[at], by, more, more - by / k
                found = True
        n += found
        at = after
    return left, n
