"""Neighbourhood search: groups that share contested resources are chosen anew together, by an integer program."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from solver.balance import typical_regret
from solver.bound import group_minimum
from solver.core import part_of
from solver.kernels import kernel
from solver.mip import MipLimits, solve_mip
from solver.problem import FloatArray, IntArray, Problem, offsets, ranges
from solver.source import MILLI

SIDE_BY_SIDE = 2
"""Neighbourhoods of one round, disjoint; fixed, so that the number of workers changes nothing."""
SLACK_IN_REGRETS = 2.0
FIRST_SIZE = 20.0
LEAST_SIZE = 8.0
MOST_SIZE = 300.0
MOST_OPTIONS = 4_000
"""Options of a neighbourhood, those nearest to the best of their group: no limit stops HiGHS before it has solved the
root, and that once took eight minutes."""
GROWTH = 1.1
MANY_GROUPS = 2_000
"""With fewer groups neighbourhoods are solved one at a time: sharing out what is left over would cost too much."""
CROWDED = 0.5
EVEN_CHANCE = 0.4
"""Chance that a group at its best option is let in; it rises to 1 with the regrets that a group is from there."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Neighbours:
    """Which groups use which resources: CSR arrays of resources by group and groups by resource."""

    resource_first: IntArray
    resource: IntArray
    group_first: IntArray
    group: IntArray


def neighbours_of(problem: Problem, price: IntArray, value_milli: IntArray, slack_milli: int) -> Neighbours:
    """Ties through priced resources between options within a slack of their group's best."""
    group_of_option = problem.group_of_option()
    near = value_milli <= group_minimum(problem, value_milli)[group_of_option] + slack_milli
    entry_group = np.repeat(group_of_option, np.diff(problem.usage_start))
    keep = np.repeat(near, np.diff(problem.usage_start)) & (price[problem.usage_resource] > 0)
    pairs = np.unique(entry_group[keep] * problem.n_resources + problem.usage_resource[keep])
    group, resource = pairs // max(1, problem.n_resources), pairs % max(1, problem.n_resources)
    back = np.argsort(resource, kind="stable")
    return Neighbours(
        resource_first=offsets(np.bincount(group, minlength=problem.n_groups).astype(np.int64)),
        resource=resource,
        group_first=offsets(np.bincount(resource, minlength=problem.n_resources).astype(np.int64)),
        group=group[back],
    )


class NeighbourhoodSearch:
    """Picks neighbourhoods around the groups that sit farthest from their best option, and solves them.

    Their size follows what the solver can do: it grows while they are solved to the optimum, and shrinks where not.
    """

    def __init__(self, problem: Problem, price: IntArray, value_milli: IntArray, seed: int) -> None:
        self._problem = problem
        self._value = value_milli
        self._regret = typical_regret(problem, value_milli)
        self._slack = int(SLACK_IN_REGRETS * self._regret * MILLI)
        self._least = group_minimum(problem, value_milli)
        self._ties = neighbours_of(problem, price, value_milli, self._slack)
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._tired = np.zeros(problem.n_groups)
        self._size = FIRST_SIZE
        crowd = np.diff(self._ties.group_first)
        self._crowd = float(np.median(crowd[crowd > 0])) if crowd.any() else 0.0

    def round(self, choice: IntArray, limits: MipLimits, executor: Executor | None) -> tuple[IntArray, int]:
        """Solve a few disjoint neighbourhoods; return the better choice and the cents saved."""
        problem = self._problem
        taken = np.zeros(problem.n_groups, np.bool_)
        picks = []
        excess = (self._value[choice] - self._least) / MILLI
        for _ in range(SIDE_BY_SIDE if problem.n_groups >= MANY_GROUPS else 1):
            if taken.all():
                break
            appeal = (excess + 0.5 * self._regret) / (1.0 + self._tired) * self._random.random(problem.n_groups)
            appeal[taken] = -1.0
            centre = int(np.argmax(appeal))
            size = min(int(self._size), problem.n_groups)
            if self._crowd > CROWDED * size:
                # whatever shares a resource shares it with everyone: take the most appealing
                groups = np.argsort(-appeal, kind="stable")[: min(size, int((~taken).sum()))]
                taken[groups] = True
                self._tired[groups] += 1.0
                picks.append(np.sort(groups))
                continue
            groups = _grow(
                centre,
                size,
                taken,
                excess / self._regret,
                self._ties.resource_first,
                self._ties.resource,
                self._ties.group_first,
                self._ties.group,
                self._random.integers(2**62),
            )
            taken[groups] = True
            self._tired[groups] += 1.0
            picks.append(np.sort(groups))
        usage = problem.usage_of(choice)

        def solve(groups: IntArray) -> tuple[IntArray, IntArray, bool]:
            options = ranges(problem.first[groups], problem.first[groups + 1])
            owner = np.repeat(groups, problem.first[groups + 1] - problem.first[groups])
            excess = self._value[options] - self._least[owner]
            reach = self._slack
            if options.size > MOST_OPTIONS:
                reach = min(reach, int(np.partition(excess, MOST_OPTIONS)[MOST_OPTIONS]) - 1)
            options = options[(excess <= reach) | (options == choice[owner])]
            left = problem.supply - usage + problem.usage_of(choice[groups])
            # neighbourhoods solved side by side share what is left over
            share = (
                left
                if len(picks) == 1
                else np.minimum(left, problem.usage_of(choice[groups]) + (problem.supply - usage) // len(picks))
            )
            part = part_of(problem, options, share)
            hint = np.searchsorted(options, choice[groups])
            result = solve_mip(part.problem, hint=hint, limits=limits)
            chosen = choice[groups] if result.choice is None else options[result.choice]
            return groups, chosen, result.status == "optimal"

        better = choice.copy()
        for groups, options, closed in executor.map(solve, picks) if executor else map(solve, picks):
            better[groups] = options
            self._size = max(LEAST_SIZE, self._size * GROWTH if closed else self._size / GROWTH)
        self._size = min(self._size, MOST_SIZE, float(problem.n_groups))
        saved = int(problem.cost[choice].sum()) - int(problem.cost[better].sum())
        return better, saved


@kernel
def _grow(
    centre: int,
    size: int,
    taken: np.ndarray,
    excess: FloatArray,
    resource_first: IntArray,
    resource: IntArray,
    group_first: IntArray,
    group: IntArray,
    seed: int,
) -> IntArray:
    """A connected set of groups around a centre, breadth first, small resources first, at random among equals."""
    out = np.empty(size, np.int64)
    out[0] = centre
    n = 1
    inside = taken.copy()
    inside[centre] = True
    head = 0
    state = np.uint64(seed) | np.uint64(1)
    while head < n and n < size:
        g = out[head]
        head += 1
        first, last = resource_first[g], resource_first[g + 1]
        crowd = np.empty(last - first)
        for i in range(first, last):
            crowd[i - first] = group_first[resource[i] + 1] - group_first[resource[i]]
        for j in np.argsort(crowd):
            r = resource[first + j]
            n_there = group_first[r + 1] - group_first[r]
            state ^= state << np.uint64(13)
            state ^= state >> np.uint64(7)
            state ^= state << np.uint64(17)
            offset = np.int64((state >> np.uint64(11)) % np.uint64(n_there))
            for k in range(min(n_there, 30)):
                other = group[group_first[r] + (offset + k) % n_there]
                if inside[other] or n >= size:
                    continue
                state ^= state << np.uint64(13)
                state ^= state >> np.uint64(7)
                state ^= state << np.uint64(17)
                if np.float64(state >> np.uint64(11)) / 2.0**53 < EVEN_CHANCE + excess[other]:
                    inside[other] = True
                    out[n] = other
                    n += 1
    return out[:n].copy()
