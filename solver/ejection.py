"""Annealing by ejection: force a good option on a group, evict what blocks it, reinsert the evicted, accept or undo."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from solver.gather import largest_usage
from solver.greedy import NONE, take
from solver.kernels import kernel
from solver.problem import FloatArray, IntArray, Problem, offsets, ranges

MAX_EVICTED = 12
N_SAMPLED = 8
N_WORSE = 3
SPARE = 2.0


class Annealer:
    """A feasible choice that is improved in rounds; keeps the best it has seen.

    Parameters
    ----------
    problem : Problem
        No option names a resource twice (see :func:`solver.pool.merged_usage`).
    value : float64[n_options]
        Reduced cost of each option in cents, which ranks the options of a group.
    choice : int64[n_groups]
        A feasible choice.
    seed : int
        Seed of the moves.
    """

    def __init__(self, problem: Problem, value: FloatArray, choice: IntArray, seed: int) -> None:
        self._option = _ranked(problem.first, value)
        place = np.empty(problem.n_options, np.int64)
        place[self._option] = np.arange(problem.n_options)
        self._now = place[choice]
        self._best = self._now.copy()
        self.cost = self.best_cost = int(problem.cost[choice].sum())
        self._seed = np.uint64(seed * 2 + 1)
        self._first = problem.first
        self._cost = problem.cost[self._option]
        self._value = value[self._option]
        # only what can be over-used matters, and what matters lies together
        hot = largest_usage(problem) > problem.supply
        start, stop = problem.usage_start[self._option], problem.usage_start[self._option + 1]
        entries = ranges(start, stop)
        keep = hot[problem.usage_resource[entries]] & (problem.usage_amount[entries] > 0)
        # and is kept short: moves wait for memory more than for anything else
        self._usage_start = _short(offsets(keep.astype(np.int64))[offsets(stop - start)])
        entries = entries[keep]
        self._usage_row = _short((np.cumsum(hot) - 1)[problem.usage_resource[entries]])
        self._usage_amount = _short(problem.usage_amount[entries])
        self._left = (problem.supply - problem.usage_of(choice))[hot]
        # each group has as many seats as its hungriest option uses rows; those in use are listed by row
        n_seats = np.maximum.reduceat(np.diff(self._usage_start), self._first[:-1])
        self._seat_first = offsets(n_seats.astype(np.int64))
        self._group_of_seat = _short(np.repeat(np.arange(problem.n_groups), np.diff(self._seat_first)))
        self._member_first = offsets(_crowd(self._first, self._usage_start, self._usage_row, self._left.size))

    @property
    def choice(self) -> IntArray:
        """Where the moves stand, int64[n_groups]."""
        return self._option[self._now]

    @property
    def best(self) -> IntArray:
        """The best choice seen, int64[n_groups]."""
        return self._option[self._best]

    def run(self, *, n_moves: int, hot: float, cold: float) -> int:
        """Make moves while the temperature falls from hot to cold (cents); return the best cost seen."""
        state, self.cost, self.best_cost = _anneal(
            self._first,
            self._cost,
            self._usage_start,
            self._usage_row,
            self._usage_amount,
            self._value,
            self._member_first,
            self._seat_first,
            self._group_of_seat,
            self._left,
            self._now,
            self._best,
            self.cost,
            self.best_cost,
            n_moves,
            hot,
            cold,
            self._seed,
        )
        self._seed = np.uint64(state)
        return int(self.best_cost)


@kernel
def _ranked(first: IntArray, value: FloatArray) -> IntArray:
    """Options in order of group, then of value."""
    order = np.empty(value.size, np.int64)
    for group in range(first.size - 1):
        begin, end = first[group], first[group + 1]
        order[begin:end] = begin + np.argsort(value[begin:end], kind="mergesort")
    return order


def _short(numbers: IntArray) -> NDArray[Any]:
    """The same numbers in half the memory, if they are small enough."""
    small = numbers.size == 0 or int(numbers.max()) <= np.iinfo(np.int32).max
    return numbers.astype(np.int32) if small else numbers


@kernel
def _crowd(first: IntArray, usage_start: NDArray[Any], usage_row: NDArray[Any], n_rows: int) -> IntArray:
    """How many groups can use each row."""
    crowd = np.zeros(n_rows, np.int64)
    last = np.full(n_rows, -1, np.int64)
    for group in range(first.size - 1):
        for entry in range(usage_start[first[group]], usage_start[first[group + 1]]):
            row = usage_row[entry]
            if last[row] != group:
                last[row] = group
                crowd[row] += 1
    return crowd


@kernel
def _next(state: np.uint64) -> np.uint64:
    """One step of xorshift64."""
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    return state


@kernel
def _link(option, seat, usage_start, usage_row, member_first, member, count, place):  # type: ignore[no-untyped-def]
    """List the seats of a group, from its first on, under the rows that its option uses."""
    for entry in range(usage_start[option], usage_start[option + 1]):
        row = usage_row[entry]
        at = member_first[row] + count[row]
        member[at] = seat
        place[seat] = at
        count[row] += 1
        seat += 1


@kernel
def _unlink(option, seat, usage_start, usage_row, member_first, member, count, place):  # type: ignore[no-untyped-def]
    for entry in range(usage_start[option], usage_start[option + 1]):
        row = usage_row[entry]
        count[row] -= 1
        moved = member[member_first[row] + count[row]]
        member[place[seat]] = moved
        place[moved] = place[seat]
        seat += 1


@kernel
def _best_fit(  # type: ignore[no-untyped-def]
    group, first, cost, usage_start, usage_resource, usage_amount, value, weight, left
):
    """The option of least cost, prices counted by a weight, that fits."""
    best = NONE
    least = np.inf
    for option in range(first[group], first[group + 1]):
        v = cost[option] + weight * (value[option] - cost[option])
        if v >= least:
            continue
        fits = True
        for entry in range(usage_start[option], usage_start[option + 1]):
            if left[usage_resource[entry]] < usage_amount[entry]:
                fits = False
                break
        if fits:
            best = option
            least = v
    return best, least


@kernel
def _first_fit(  # type: ignore[no-untyped-def]
    group, ceiling, first, usage_start, usage_resource, usage_amount, value, left
):
    """The least reduced cost of a group's options that fit; infinite if none below a ceiling does."""
    for option in range(first[group], first[group + 1]):
        if value[option] >= ceiling:
            break
        fits = True
        for entry in range(usage_start[option], usage_start[option + 1]):
            if left[usage_resource[entry]] < usage_amount[entry]:
                fits = False
                break
        if fits:
            return value[option]
    return np.inf


@kernel
def _anneal(  # type: ignore[no-untyped-def]
    first,
    cost,
    usage_start,
    usage_resource,
    usage_amount,
    value,
    member_first,
    seat_first,
    group_of_seat,
    left,
    choice,
    best,
    now,
    best_cost,
    n_moves,
    hot,
    cold,
    seed,
):
    n_groups = first.size - 1
    n_resources = left.size
    member = np.empty(member_first[n_resources], np.int32)
    count = np.zeros(n_resources, np.int64)
    place = np.empty(group_of_seat.size, np.int64)
    for group in range(n_groups):
        _link(choice[group], seat_first[group], usage_start, usage_resource, member_first, member, count, place)
    evicted = np.empty(MAX_EVICTED + 1, np.int64)
    was = np.empty(MAX_EVICTED + 1, np.int64)
    dirty = np.zeros(n_groups, np.bool_)
    dirty_list = np.empty(n_groups, np.int64)
    n_dirty = 0
    for group in range(n_groups):
        if choice[group] != best[group]:
            dirty[group] = True
            dirty_list[n_dirty] = group
            n_dirty += 1
    rate = np.log(cold / hot) / max(1, n_moves)
    temperature = hot
    state = seed
    n_between = max(1024, n_groups // 2)
    displaced = np.empty(n_groups, np.int64)
    n_displaced = 0
    for move in range(n_moves):
        if move % 256 == 0:
            temperature = hot * np.exp(rate * move)
        if move % n_between == 0:
            n_displaced = 0
            for group in range(n_groups):
                if value[choice[group]] - value[first[group]] > 0.5 * temperature:
                    displaced[n_displaced] = group
                    n_displaced += 1
        state = _next(state)
        draw = state >> np.uint64(11)
        if n_displaced > 0 and draw & np.uint64(1):
            group = displaced[np.int64((draw >> np.uint64(1)) % np.uint64(n_displaced))]
        else:
            group = np.int64((draw >> np.uint64(1)) % np.uint64(n_groups))
        start = first[group]
        n_options = first[group + 1] - start
        if n_options < 2:
            continue
        old = choice[group]
        # mostly better options than today's, sometimes one that is a little worse
        state = _next(state)
        u = np.float64(state >> np.uint64(11)) / 9007199254740992.0
        option = start + np.int64(u * u * min(n_options - 1, old - start + N_WORSE))
        if option >= old:
            option += 1
        # a forced option that could not pay even if nobody were evicted is not tried
        state = _next(state)
        u = np.float64(state >> np.uint64(11)) / 9007199254740992.0
        allowed = -temperature * np.log(u + 1e-300)
        if value[option] - value[old] > allowed + SPARE * temperature:
            continue
        state = _next(state)
        weight = np.float64((state >> np.uint64(20)) % np.uint64(3)) * 0.5

        _unlink(old, seat_first[group], usage_start, usage_resource, member_first, member, count, place)
        take(old, -1, usage_start, usage_resource, usage_amount, left)
        fits = take(option, 1, usage_start, usage_resource, usage_amount, left)
        evicted[0] = group
        was[0] = old
        n_evicted = 1
        failed = False
        delta = cost[option] - cost[old]
        lost = value[option] - value[old]
        if not fits:
            for entry in range(usage_start[option], usage_start[option + 1]):
                resource = usage_resource[entry]
                while left[resource] < 0:
                    n_members = count[resource]
                    if n_members == 0 or n_evicted > MAX_EVICTED:
                        failed = True
                        break
                    victim = NONE
                    loss = allowed + SPARE * temperature - lost  # who would lose more is no victim
                    n_tries = min(n_members, N_SAMPLED)
                    state = _next(state)
                    offset = np.int64((state >> np.uint64(11)) % np.uint64(n_members))
                    for i in range(n_tries):
                        which = (offset + i) % n_members
                        if n_members > N_SAMPLED and i > 0:
                            state = _next(state)
                            which = np.int64((state >> np.uint64(11)) % np.uint64(n_members))
                        at = member[member_first[resource] + which]
                        other = np.int64(group_of_seat[at])
                        theirs = choice[other]
                        take(theirs, -1, usage_start, usage_resource, usage_amount, left)
                        ceiling = value[theirs] + loss
                        least = _first_fit(
                            other,
                            ceiling,
                            first,
                            usage_start,
                            usage_resource,
                            usage_amount,
                            value,
                            left,
                        )
                        take(theirs, 1, usage_start, usage_resource, usage_amount, left)
                        worse = least - value[theirs]
                        if worse < loss:
                            loss = worse
                            victim = other
                    if victim == NONE:
                        failed = True
                        break
                    lost += loss
                    theirs = choice[victim]
                    _unlink(theirs, seat_first[victim], usage_start, usage_resource, member_first, member, count, place)
                    take(theirs, -1, usage_start, usage_resource, usage_amount, left)
                    delta -= cost[theirs]
                    choice[victim] = NONE
                    evicted[n_evicted] = victim
                    was[n_evicted] = theirs
                    n_evicted += 1
                if failed:
                    break
        n_back = 1
        if not failed:
            choice[group] = option
            _link(option, seat_first[group], usage_start, usage_resource, member_first, member, count, place)
            while n_back < n_evicted:
                other = evicted[n_back]
                found, _ = _best_fit(other, first, cost, usage_start, usage_resource, usage_amount, value, weight, left)
                if found == NONE:
                    failed = True
                    break
                choice[other] = found
                take(found, 1, usage_start, usage_resource, usage_amount, left)
                _link(found, seat_first[other], usage_start, usage_resource, member_first, member, count, place)
                delta += cost[found]
                n_back += 1
                if delta > allowed + 20.0 * temperature and n_back == n_evicted:
                    failed = True
            if not failed and delta > allowed:
                failed = True
            if failed:
                for i in range(n_back):
                    theirs = choice[evicted[i]]
                    _unlink(
                        theirs, seat_first[evicted[i]], usage_start, usage_resource, member_first, member, count, place
                    )
                    take(theirs, -1, usage_start, usage_resource, usage_amount, left)
        else:
            take(option, -1, usage_start, usage_resource, usage_amount, left)
        if failed:
            for i in range(n_evicted):
                choice[evicted[i]] = was[i]
                take(was[i], 1, usage_start, usage_resource, usage_amount, left)
                _link(was[i], seat_first[evicted[i]], usage_start, usage_resource, member_first, member, count, place)
            continue
        now += delta
        for i in range(n_evicted):
            if not dirty[evicted[i]]:
                dirty[evicted[i]] = True
                dirty_list[n_dirty] = evicted[i]
                n_dirty += 1
        if now < best_cost:
            best_cost = now
            for i in range(n_dirty):
                best[dirty_list[i]] = choice[dirty_list[i]]
                dirty[dirty_list[i]] = False
            n_dirty = 0
    return state, now, best_cost
