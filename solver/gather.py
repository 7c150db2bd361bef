"""What the price ascent works on: the options that count, costs and usage as floats, cuts as resources, by range."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from solver.cuts import Cuts, Steps, enter, leave, steps_of
from solver.kernels import kernel
from solver.problem import FloatArray, IntArray, Problem, offsets
from solver.source import MILLI
from solver.spread import FEW, MANY, MANY_OPTIONS, even_bounds, spread

CAP = 2**60


class Lane(NamedTuple):
    """A range of groups, prepared for the ascent; ``first`` and ``usage_start`` begin at 0."""

    first: IntArray
    cost: FloatArray
    usage_start: IntArray
    usage_row: NDArray[np.int32]
    usage_amount: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Smooth:
    """A problem prepared for the ascent: only options that count, and only resources that can be over-used.

    Parameters
    ----------
    lanes : list of Lane
        Consecutive ranges of the groups; fixed by the problem, so that sums are taken in the same order whoever works.
    option : int64[n_options]
        The number in the problem of each option of the lanes, in order.
    rows : int64[n_rows]
        Resources with a price, rising; cuts are numbered after the problem's resources.
    supply : float64[n_rows]
        What there is of them, less what groups outside use.
    """

    lanes: list[Lane]
    option: IntArray
    rows: IntArray
    supply: FloatArray


def gather(
    problem: Problem,
    cuts: Cuts,
    core: NDArray[np.bool_],
    rest: FloatArray,
    price: FloatArray,
    *,
    keep: NDArray[np.bool_] | None = None,
    executor: Executor | None = None,
) -> Smooth:
    """Prepare the core of a problem for the ascent.

    Parameters
    ----------
    problem : Problem
        Without cuts.
    cuts : Cuts
        Each is one more resource.
    core : bool[n_groups]
        The groups that take part.
    rest : float64[n_resources + n_cuts]
        What there is for them of each resource and cut.
    price : float64[n_resources + n_cuts]
        Resources without a price that all groups together cannot over-use are dropped.
    keep : bool[n_options], optional
        The options that take part; all those of the core unless given. Each group of the core has one.
    """
    if keep is None:
        keep = np.repeat(core, np.diff(problem.first))
    kept_first = offsets(keep.astype(np.int64))[problem.first]
    counts = np.diff(kept_first)
    n_lanes = MANY if int(kept_first[-1]) > MANY_OPTIONS else FEW
    bounds = even_bounds(counts, n_lanes)
    usage = (problem.first, problem.usage_start, problem.usage_resource, problem.usage_amount)
    steps = cuts.steps(problem)

    def demand(begin: int, end: int) -> IntArray:
        return np.asarray(_demand(begin, end, keep, *usage, steps))

    total = np.zeros(rest.size, np.int64)
    for one in spread(executor, bounds, demand):
        total = np.minimum(total + one, CAP)
    rows = np.flatnonzero((total > rest) | ((price > 0.0) & (total > 0)))
    row = np.full(rest.size, -1, np.int32)
    row[rows] = np.arange(rows.size, dtype=np.int32)

    def fill(begin: int, end: int) -> tuple[IntArray, Lane]:
        found = _fill(begin, end, keep, problem.cost, *usage, steps, row)
        return found[0], Lane(*found[1:])

    lanes = spread(executor, bounds, fill)
    return Smooth(
        lanes=[lane for _, lane in lanes],
        option=np.concatenate([option for option, _ in lanes]),
        rows=rows,
        supply=rest[rows],
    )


def largest_usage(problem: Problem) -> IntArray:
    """Usage of each resource if every group took its most hungry option for it (capped far above any supply)."""
    everything = np.ones(problem.n_options, np.bool_)
    usage = (problem.first, problem.usage_start, problem.usage_resource, problem.usage_amount)
    steps = Cuts.none().steps(problem)
    return np.asarray(_demand(0, problem.n_groups, everything, *usage, steps))


@kernel
def _demand(
    begin: int,
    end: int,
    keep: NDArray[np.bool_],
    first: IntArray,
    usage_start: IntArray,
    usage_resource: IntArray,
    usage_amount: IntArray,
    steps: Steps,
) -> IntArray:
    """Usage of each resource and cut if every group took its most hungry option for it."""
    n_resources = steps.first.size - 1
    size = n_resources + steps.cut.size
    shift = np.zeros(steps.cut.size, np.int64)
    total = np.zeros(size, np.int64)
    most = np.zeros(size, np.int64)
    here = np.zeros(size, np.int64)
    for group in range(begin, end):
        enter(group, steps, shift)
        for option in range(first[group], first[group + 1]):
            if not keep[option]:
                continue
            for entry in range(usage_start[option], usage_start[option + 1]):
                resource, amount = usage_resource[entry], usage_amount[entry]
                here[resource] += amount
                for i in range(steps.first[resource], steps.first[resource + 1]):
                    here[n_resources + steps.cut[i]] += steps_of(amount, steps, shift, steps.cut[i])
            for entry in range(usage_start[option], usage_start[option + 1]):
                resource = usage_resource[entry]
                most[resource] = max(most[resource], here[resource])
                here[resource] = 0
                for i in range(steps.first[resource], steps.first[resource + 1]):
                    cut = n_resources + steps.cut[i]
                    most[cut] = max(most[cut], here[cut])
                    here[cut] = 0
        leave(group, steps, shift)
        for option in range(first[group], first[group + 1]):
            if not keep[option]:
                continue
            for entry in range(usage_start[option], usage_start[option + 1]):
                resource = usage_resource[entry]
                total[resource] = min(total[resource] + most[resource], CAP)
                most[resource] = 0
                for i in range(steps.first[resource], steps.first[resource + 1]):
                    cut = n_resources + steps.cut[i]
                    total[cut] = min(total[cut] + most[cut], CAP)
                    most[cut] = 0
    return total


@kernel
def _fill(
    begin: int,
    end: int,
    keep: NDArray[np.bool_],
    cost: IntArray,
    first: IntArray,
    usage_start: IntArray,
    usage_resource: IntArray,
    usage_amount: IntArray,
    steps: Steps,
    row: NDArray[np.int32],
) -> tuple[IntArray, IntArray, FloatArray, IntArray, NDArray[np.int32], NDArray[np.float32]]:
    """The options that count of some groups, and the fields of their :class:`Lane`."""
    n_resources = steps.first.size - 1
    shift = np.zeros(steps.cut.size, np.int64)
    n_groups = n_options = n_entries = 0
    for group in range(begin, end):
        before = n_options
        for option in range(first[group], first[group + 1]):
            if not keep[option]:
                continue
            n_options += 1
            for entry in range(usage_start[option], usage_start[option + 1]):
                resource, amount = usage_resource[entry], usage_amount[entry]
                n_entries += amount > 0 and row[resource] >= 0
                for i in range(steps.first[resource], steps.first[resource + 1]):
                    n_entries += row[n_resources + steps.cut[i]] >= 0
        n_groups += n_options > before
    out_option = np.empty(n_options, np.int64)
    out_first = np.zeros(n_groups + 1, np.int64)
    out_cost = np.empty(n_options)
    out_start = np.zeros(n_options + 1, np.int64)
    out_row = np.empty(n_entries, np.int32)
    out_amount = np.empty(n_entries, np.float32)
    n_groups = n_options = n_entries = 0
    for group in range(begin, end):
        before = n_options
        enter(group, steps, shift)
        for option in range(first[group], first[group + 1]):
            if not keep[option]:
                continue
            out_option[n_options] = option
            out_cost[n_options] = cost[option]
            for entry in range(usage_start[option], usage_start[option + 1]):
                resource, amount = usage_resource[entry], usage_amount[entry]
                if amount > 0 and row[resource] >= 0:
                    out_row[n_entries], out_amount[n_entries] = row[resource], amount
                    n_entries += 1
                for i in range(steps.first[resource], steps.first[resource + 1]):
                    used = steps_of(amount, steps, shift, steps.cut[i])
                    if used > 0 and row[n_resources + steps.cut[i]] >= 0:
                        out_row[n_entries], out_amount[n_entries] = row[n_resources + steps.cut[i]], used
                        n_entries += 1
            n_options += 1
            out_start[n_options] = n_entries
        leave(group, steps, shift)
        if n_options > before:
            n_groups += 1
            out_first[n_groups] = n_options
    return out_option, out_first, out_cost, out_start, out_row[:n_entries].copy(), out_amount[:n_entries].copy()


def near_best(
    problem: Problem, value_milli: IntArray, core: NDArray[np.bool_], reach_cents: float
) -> NDArray[np.bool_]:
    """Options of the core within reach of their group's best by value, or that use nothing, bool[n_options]."""
    return np.asarray(_near_best(problem.first, problem.usage_start, value_milli, core, int(reach_cents * MILLI)))


@kernel
def _near_best(
    first: IntArray, usage_start: IntArray, value: IntArray, core: NDArray[np.bool_], reach: int
) -> NDArray[np.bool_]:
    keep = np.zeros(value.size, np.bool_)
    for group in range(first.size - 1):
        if not core[group]:
            continue
        least = value[first[group]]
        for option in range(first[group], first[group + 1]):
            least = min(least, value[option])
        for option in range(first[group], first[group + 1]):
            # what a group falls back on counts however far prices go
            keep[option] = value[option] <= least + reach or usage_start[option] == usage_start[option + 1]
    return keep
