"""Solve a problem: relax, prices and cuts, primal, exact closing, neighbourhoods; stop by proof, gap or time."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor

import numpy as np

from solver.bound import group_minimum, whole_cents
from solver.check import verify
from solver.core import Part, options_of, part_of
from solver.cuts import rounded
from solver.dual import DualAscent
from solver.exact import solve_exact
from solver.greedy import arrival_greedy
from solver.mip import MipLimits
from solver.neighbourhood import NeighbourhoodSearch
from solver.params import SolveParams
from solver.pool import Pool
from solver.primal import Annealing, first_choice
from solver.problem import FloatArray, IntArray, Problem
from solver.result import Result, Termination
from solver.source import MILLI, NO_FLOOR, Prices, Source
from solver.spread import Local, Workers
from solver.stages import FINE, STAGES, WARM_STAGES
from solver.watch import Listener, Watch

SMALL_GROUPS = 400
SMALL_OPTIONS = 20_000
AT_ONCE_OPTIONS = 450
"""Without a source all capacities may be tight, as in the literature's hard instances: there the root of an integer
program alone can take the time, and a search first finds more."""
EXACT_OPTIONS = 12_000
EXACT_LIMIT = 2_000
EXACT_GROUPS = 1_000
IDLE_ROUNDS = 20
"""Neighbourhood rounds without a saving that end the search of a first round; later rounds are more patient."""
FINE_SHARE = 0.4
"""Fine stages take about this part of the time that those before them took."""
CLIMB_RESERVE = 1.5
"""Fine stages are not begun unless so many times what they should take is left: they cannot be cut short."""
CHEAP_GROUPS = 2_000
"""Over so few contested groups, annealing and an attempt at proof are worth a second even if the gap is reached."""


def solve(
    problem: Problem,
    params: SolveParams | None = None,
    *,
    source: Source | None = None,
    executor: Executor | None = None,
    workers: Workers | None = None,
    start_price: FloatArray | None = None,
    on_progress: Listener | None = None,
    interrupt: Callable[[], bool] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """Choose one option for each group within the supply, at least cost, and prove how good the choice is.

    Parameters
    ----------
    problem : Problem
        The listed options. With a source: at least one option a group such that all of them together are feasible;
        option ``i`` has tag ``i``.
    params : SolveParams, optional
        Gap, time limit, seed.
    source : Source, optional
        Answers for options that the problem does not list. Without one there are no others.
    executor : Executor, optional
        Threads to work with; the result does not depend on them.
    workers : Workers, optional
        Where large shards are worked on instead; the result does not depend on them either.
    start_price : float64[n_resources], optional
        Cents a unit to start from, of a similar problem: then the first stages of the ascent are left out.
    on_progress : callable, optional
        Called with a :class:`TracePoint` after each step.
    interrupt : callable, optional
        Asked between steps whether to stop with what there is.
    clock : callable
        Seconds; looked at between steps only.

    Returns
    -------
    Result
    """
    run = _Run(
        problem,
        params or SolveParams(),
        source,
        executor,
        workers or Local(executor.map if executor else map),
        start_price,
        Watch(params or SolveParams(), clock, on_progress, interrupt),
    )
    return run.result(run.go())


class _Run:
    """One run: a pool, the best choice, the best bound."""

    def __init__(
        self,
        problem: Problem,
        params: SolveParams,
        source: Source | None,
        executor: Executor | None,
        workers: Workers,
        start_price: FloatArray | None,
        watch: Watch,
    ) -> None:
        self._params = params
        self._source = source
        self._executor = executor
        self._workers = workers
        self._start_price = start_price
        self._watch = watch
        self._n_resources = problem.n_resources
        self._problem = problem
        self._choice: IntArray | None = None  # by tag
        self._objective: int | None = None
        self._bound: int | None = None
        self._infeasible = False
        self._dual: DualAscent | None = None
        self._climb_seconds = 0.0

    def go(self) -> Termination:
        """Work until there is a reason to stop."""
        watch = self._watch
        problem, source = self._problem, self._source
        if problem.n_groups == 0:
            self._choice, self._objective, self._bound = np.zeros(0, np.int64), 0, 0
            return "optimal"
        groups = np.arange(problem.n_groups)
        zero_floor = np.full(problem.n_groups, NO_FLOOR, np.int64)
        with watch.phase("list"):
            pool = Pool.complete(problem)
            if source is not None:
                pool = Pool(problem=problem, tag=pool.tag, closed=np.zeros(problem.n_groups, np.bool_))
                self._accept(pool, problem.first[:-1])
                small = problem.n_groups <= SMALL_GROUPS
                slack, limit = (NO_FLOOR, EXACT_LIMIT) if small else (0, 1)
                more = source.more(groups, Prices.zero(problem.n_resources), slack=slack, limit=limit, exact=small)
                pool, _ = pool.merged(groups, more, problem.first[:-1], self._executor)
                zero_floor = more.floor
            self._dual = dual = DualAscent(pool, source, watch, self._executor, self._workers, zero_floor)
        self._raise_bound(whole_cents(dual.dual.bound_milli))
        watch.note("list", self._objective, self._bound)
        if not dual.dual.core.any():
            self._accept(pool, dual.cheapest)
            if self._bound == self._objective:
                return "optimal"
        if self._infeasible_listed(pool):
            self._infeasible = True
            return "infeasible"
        at_once = SMALL_OPTIONS if source is not None else AT_ONCE_OPTIONS
        if pool.closed.all() and pool.problem.n_options <= at_once:
            with watch.phase("exact"):
                self._close(pool, 0.5)
            watch.note("exact", self._objective, self._bound)
            if self._infeasible:
                return "infeasible"
            verdict = watch.verdict(self._objective, self._bound)
            if verdict == "optimal" or (verdict in ("interrupted", "time_limit")):
                return verdict
        return self._search(dual)

    def _search(self, dual: DualAscent) -> Termination:
        watch = self._watch
        with watch.phase("prices"):
            if self._start_price is not None:
                dual.start_from(self._start_price)
            if self._source is not None:
                dual.list_core()
            dual.run(STAGES if self._start_price is None else STAGES[WARM_STAGES:])
            dual.certify()
            dual.list_alternatives()
        self._climb_seconds = FINE_SHARE * watch.seconds["prices"]
        self._raise_bound(whole_cents(dual.dual.bound_milli))
        watch.note("prices", self._objective, self._bound)
        with watch.phase("greedy"):
            self._start(dual)
        watch.note("greedy", self._objective, self._bound)
        level = 0.5
        rounds = 0
        while True:
            verdict = watch.verdict(self._objective, self._bound)
            cheap = rounds == 0 and int(dual.dual.core.sum()) <= CHEAP_GROUPS
            if verdict and not (verdict == "gap_reached" and cheap):
                return verdict
            before = (self._objective, self._bound)
            verdict = self._improve(dual, rounds)
            if verdict and not (verdict == "gap_reached" and cheap):
                return verdict
            with watch.phase("exact"):
                self._close_core(dual, level)
            watch.note("exact", self._objective, self._bound)
            if self._infeasible:
                return "infeasible"
            level = min(16.0, level * 2.0)
            rounds += 1
            if rounds > 6 and (self._objective, self._bound) == before:
                return watch.verdict(self._objective, self._bound) or "stalled"

    def _improve(self, dual: DualAscent, rounds: int) -> Termination | None:
        """One round: a descent of annealing, a polish of the prices, and neighbourhoods."""
        watch = self._watch
        if rounds == 0:
            verdict = self._climb_fine(dual)
            if verdict:
                return verdict
        core = self._core(dual)
        if core is None or self._choice is None:
            return None
        part, value, choice, now = core
        with watch.phase("anneal"):
            annealing = Annealing(part.problem, value, choice, self._params.seed * 1000 + rounds, rounds)
            for step in range(annealing.n_steps):
                annealing.descend(step)
                self._accept_part(dual.pool, now, part, annealing.choice)
                watch.note("anneal", self._objective, self._bound)
                verdict = watch.verdict(self._objective, self._bound)
                early = verdict == "gap_reached" and rounds == 0 and part.problem.n_groups <= CHEAP_GROUPS
                if verdict and not (early and step < annealing.n_steps - 1):
                    return verdict
        if 0 < rounds < 3:
            verdict = self._climb_fine(dual)
            if verdict:
                return verdict
        return self._neighbourhoods(dual, rounds)

    def _climb_fine(self, dual: DualAscent) -> Termination | None:
        """Go through the fine stages, if they can be expected to end in time."""
        watch = self._watch
        if watch.seconds_left > CLIMB_RESERVE * self._climb_seconds:
            begin = watch.elapsed_seconds
            with watch.phase("prices"):
                dual.run(FINE)
            self._climb_seconds = watch.elapsed_seconds - begin
            self._raise_bound(whole_cents(dual.dual.bound_milli))
            watch.note("prices", self._objective, self._bound)
        return watch.verdict(self._objective, self._bound)

    def _neighbourhoods(self, dual: DualAscent, rounds: int) -> Termination | None:
        watch = self._watch
        core = self._core(dual)
        if core is None:
            return None
        part, value, choice, now = core
        price = rounded(dual.unit_price)[part.resource]
        with watch.phase("neighbourhoods"):
            search = NeighbourhoodSearch(part.problem, price, value, self._params.seed * 1000 + rounds)
            idle = 0
            seconds = 0.03 if rounds == 0 else 0.1
            limits = MipLimits(max_nodes=20, max_deterministic_seconds=seconds, seed=self._params.seed)
            for _ in range(80 + 40 * rounds):
                choice, saved = search.round(choice, limits, self._executor)
                idle = 0 if saved > 0 else idle + 1
                self._accept_part(dual.pool, now, part, choice)
                watch.note("neighbourhoods", self._objective, self._bound)
                verdict = watch.verdict(self._objective, self._bound)
                if verdict:
                    return verdict
                if idle >= IDLE_ROUNDS * (1 + rounds):
                    break
        return None

    def _start(self, dual: DualAscent) -> None:
        problem = dual.pool.problem
        core = dual.dual.core
        rest = problem.supply - problem.usage_of(dual.cheapest[~core])
        options = options_of(problem, core)
        if options.size == 0:
            return
        part = part_of(problem, options, rest)
        price = dual.unit_price[part.resource]
        choice = first_choice(part.problem, dual.reduced_costs()[options], price, self._params.seed, self._executor)
        if choice is not None:
            self._accept_part(dual.pool, dual.cheapest, part, choice)
        choice = arrival_greedy(problem)
        if (choice >= 0).all():
            self._accept(dual.pool, choice)

    def _core(self, dual: DualAscent) -> tuple[Part, IntArray, IntArray, IntArray] | None:
        """The core as a problem of its own, its reduced costs, the best choice within it and in the pool."""
        if self._choice is None:
            return None
        pool = dual.pool
        problem = pool.problem
        now = self._positions(pool)
        core = dual.dual.core
        options = options_of(problem, core)
        if options.size == 0:
            return None
        part = part_of(problem, options, problem.supply - problem.usage_of(now[~core]))
        return part, dual.reduced_costs()[options], np.searchsorted(options, now[part.group]), now

    def _close(self, pool: Pool, effort: float) -> None:
        """Solve everything that is listed exactly; valid as a bound where everything is."""
        limits = MipLimits(
            max_nodes=max(1, int(100 * effort)), max_deterministic_seconds=effort, seed=self._params.seed
        )
        hint = None if self._choice is None else self._positions(pool)
        exact = solve_exact(pool.problem, hint, limits)
        if exact.bound is None:
            self._infeasible = self._objective is None
            return
        self._raise_bound(exact.bound)
        if exact.choice is not None:
            self._accept(pool, exact.choice)

    def _close_core(self, dual: DualAscent, effort: float) -> None:
        """Reduced-cost fixing: if few options can still be part of a better choice, solve with those alone."""
        if self._bound is None:
            return
        if self._objective is None:
            if dual.pool.closed.all() and dual.pool.problem.n_options <= EXACT_OPTIONS:
                self._close(dual.pool, effort)
            return
        if dual.pool.problem.n_groups > EXACT_GROUPS and not dual.pool.closed.all():
            return
        slack = max(0, self._objective * MILLI - dual.dual.bound_milli) + MILLI
        at_prices, complete, value = dual.complete(slack, EXACT_LIMIT)
        short = self._objective * MILLI - at_prices - complete
        if short > 0:  # these prices prove less than the best known ones: reach as much farther
            at_prices, complete, value = dual.complete(slack + short + MILLI, EXACT_LIMIT)
        self._raise_bound(whole_cents(dual.dual.bound_milli))
        width = self._objective * MILLI - at_prices + MILLI
        pool, problem = dual.pool, dual.pool.problem
        keep = value <= np.repeat(group_minimum(problem, value), np.diff(problem.first)) + width
        now = self._positions(pool)
        keep[now] = True
        n_kept = int(keep.sum())
        hardly_fixed = self._source is None and n_kept > max(AT_ONCE_OPTIONS, problem.n_options // 2)
        if n_kept > EXACT_OPTIONS or (hardly_fixed and effort < 2.0):
            return
        options = np.flatnonzero(keep)
        part = part_of(problem, options)
        limits = MipLimits(max_nodes=max(1, int(20 * effort)), max_deterministic_seconds=effort, seed=self._params.seed)
        exact = solve_exact(part.problem, np.searchsorted(options, now), limits)
        if exact.choice is not None:
            self._accept(pool, options[exact.choice])
        if exact.bound is not None:
            unlisted = whole_cents(at_prices + complete)
            self._raise_bound(min(exact.bound, self._objective, unlisted))

    def _infeasible_listed(self, pool: Pool) -> bool:
        """Whether some group has no option that fits by itself (only where no choice is known)."""
        if self._choice is not None:
            return False
        problem = pool.problem
        option = np.repeat(np.arange(problem.n_options), np.diff(problem.usage_start))
        too_much = problem.usage_amount > problem.supply[problem.usage_resource]
        fits = np.ones(problem.n_options, np.bool_)
        fits[option[too_much]] = False
        return not bool(np.logical_or.reduceat(fits, problem.first[:-1]).all())

    def _positions(self, pool: Pool) -> IntArray:
        """The best choice as options of a pool."""
        assert self._choice is not None
        at = np.empty(int(pool.tag.max()) + 1, np.int64)
        at[pool.tag] = np.arange(pool.tag.size)
        return at[self._choice]

    def _accept_part(self, pool: Pool, base: IntArray, part: Part, choice: IntArray) -> None:
        whole = base.copy()
        whole[part.group] = part.option[choice]
        self._accept(pool, whole)

    def _accept(self, pool: Pool, choice: IntArray) -> None:
        """Keep a choice if it is better; it is checked first."""
        cost = verify(pool.problem, choice)
        if self._objective is None or cost < self._objective:
            self._objective = cost
            self._choice = pool.tag[choice]

    def _raise_bound(self, bound: int) -> None:
        if self._bound is None or bound > self._bound:
            self._bound = bound
        if self._objective is not None and self._bound > self._objective:
            raise AssertionError(f"bound {self._bound} above objective {self._objective}")

    def result(self, termination: Termination) -> Result:
        """Wrap up."""
        price = np.zeros(self._n_resources)
        if self._dual is not None:
            price = self._dual.unit_price
        if self._infeasible:
            self._choice = self._objective = self._bound = None
        return Result(
            choice=self._choice,
            objective=self._objective,
            bound=self._bound,
            price=price,
            termination=termination,
            seconds=dict(self._watch.seconds),
            trace=tuple(self._watch.trace),
        )
