"""The dual side of a run: prices and cuts in stages, options asked for as prices need them, the certified bound."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from solver.bound import exact_sum, group_minimum, reduced
from solver.core import cheapest_options, touching
from solver.cuts import Cuts, rounded
from solver.gather import gather, near_best
from solver.pool import Pool
from solver.prices import Ascent, eased
from solver.problem import FloatArray, IntArray
from solver.separation import separate
from solver.source import MILLI, NO_FLOOR, Prices, Source
from solver.spread import MANY_OPTIONS, Local, Mapper, Workers
from solver.stages import STAGES, Stage
from solver.watch import Watch

FIRST_SLACK_CENTS = 300
OPTIONS_A_STAGE = 16
OPTIONS_A_SAMPLED = 48
ALTERNATIVES = 48
ALL_ALTERNATIVES = 3_000_000
LEAST_ALTERNATIVES = 16
ENOUGH_GROUPS = 10_000
ENOUGH_A_RESOURCE = 16
FINEST_SAMPLED = 8.0
"""Stages of lower temperature climb with every group."""
FARTHER = ((100.0, 200), (1000.0, 300), (1e6, 1500))
"""Groups whose floors have to be raised by no more cents are asked about together, for so many options each."""
ALTERNATIVES_SLACK_CENTS = 2_000
SLACK_IN_TEMPERATURES = 6.0
MOST_SLACK_CENTS = 400.0
ENOUGH_OPTIONS = 50_000
"""With fewer, stages climb with all that is listed."""
REACH_IN_TEMPERATURES = 12.0
REACH_IN_STEPS = 1.0


WIDENINGS = 2
MAJORITY = 0.5
QUIET_SHARE = 0.02
"""After a look that finds fewer new options a group than this, one look a stage will do."""
SETTLED_SHARE = 0.05
"""After a look that finds fewer new options a group asked than this, the next one is left out."""
TYPICAL_SPREAD_CENTS = 5000.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Dual:
    """Prices and what they prove.

    Parameters
    ----------
    cuts : Cuts
        The cuts found so far; each is one more resource to the ascent.
    bound_milli : int
        The best bound proved so far, in thousandths of a cent.
    core : bool[n_groups]
        Groups whose cheapest option touches a resource that was ever contested.
    """

    cuts: Cuts
    bound_milli: int
    core: NDArray[np.bool_]


class DualAscent:
    """Climbs stage by stage over a pool that grows.

    ``zero_floor`` tells of each group that no unlisted option costs less (thousandths of a cent); the pool lists a
    cheapest option of each group, or one that is as cheap as any that the source could find.
    """

    def __init__(
        self,
        pool: Pool,
        source: Source | None,
        watch: Watch,
        executor: Executor | None,
        workers: Workers,
        zero_floor: IntArray,
    ) -> None:
        self.pool = pool
        self._zero_floor = zero_floor.copy()
        self._quiet = False
        self._settled = False
        self._is_certified = False
        self._heavy = np.zeros(zero_floor.size, np.bool_) if source is None else source.heavy
        self._sharp = np.zeros(zero_floor.size, np.bool_)
        self._source = source
        self._watch = watch
        self._executor = executor
        self._workers = workers
        problem = pool.problem
        self.cheapest = cheapest_options(problem)
        self._ascent = Ascent(problem.n_resources)
        self._first_price = self._ascent.price
        self._members = np.zeros(zero_floor.size, np.bool_)
        usage = problem.usage_of(self.cheapest)
        self._hot = usage > problem.supply
        self.dual = Dual(
            cuts=Cuts.none(),
            bound_milli=exact_sum(np.minimum(problem.cost[self.cheapest] * MILLI, zero_floor)),
            core=_whole_if_large(touching(problem, self.cheapest, self._hot)),
        )

    @property
    def _map(self) -> Mapper:
        return self._executor.map if self._executor else map

    @property
    def _limit(self) -> int:
        """Options a group to ask for at a time; a sample is small enough to know more of."""
        is_sample = int(self._members.sum()) < int(self.dual.core.sum())
        return OPTIONS_A_SAMPLED if is_sample else OPTIONS_A_STAGE

    @property
    def price(self) -> FloatArray:
        """Cents a unit where the ascent stands, of each resource and then of each cut."""
        return self._ascent.price

    @property
    def unit_price(self) -> FloatArray:
        """What a unit of each resource costs in cents where the ascent stands, cuts counted without their roundings."""
        n_resources = self.pool.problem.n_resources
        cuts, price = self.dual.cuts, self.price
        a_unit = price[n_resources:] * cuts.numerator / cuts.denominator
        return price[:n_resources] + np.bincount(cuts.resource, weights=a_unit, minlength=n_resources)

    def start_from(self, price: FloatArray) -> None:
        """Start at given prices, cents a unit of each resource, and let in the groups that they concern."""
        self._ascent.price = np.maximum(price, 0.0)
        self._first_price = self._ascent.price
        self._widen()

    def list_core(self) -> None:
        """Ask for a first few options of the groups that climb first, at the prices where the ascent began."""
        self._members = self._sample()
        asked = np.flatnonzero(self._members & ~self.pool.closed)
        prices = Cuts.none().prices(rounded(self._first_price), self.pool.problem.supply)
        self._ask(asked, prices, FIRST_SLACK_CENTS * MILLI, self._limit, exact=False)

    def certify(self) -> None:
        """Make sure that there is a certificate, whatever cut the climb short."""
        if not self._is_certified:
            self._look(STAGES[-1], heavy=True, exact=True)

    def list_alternatives(self) -> None:
        """List what core groups could fall back on at today's prices, for the primal."""
        n_core = int(self.dual.core.sum())
        limit = min(ALTERNATIVES, max(LEAST_ALTERNATIVES, ALL_ALTERNATIVES // max(1, n_core)))
        self._list(self.dual.core, ALTERNATIVES_SLACK_CENTS, limit)

    def _list(
        self,
        groups: NDArray[np.bool_],
        slack_cents: float = MOST_SLACK_CENTS,
        limit: int = OPTIONS_A_STAGE,
    ) -> None:
        """List what is good for some groups at today's prices."""
        prices = self.dual.cuts.prices(rounded(self.price), self.pool.problem.supply)
        asked = np.flatnonzero(groups & ~self.pool.closed)
        self._ask(asked, prices, int(slack_cents * MILLI), limit, exact=False)

    def run(self, stages: tuple[Stage, ...]) -> None:
        """Climb through stages; where one says so, let in groups whose cheapest option has got a price, and go back."""
        if self.pool.closed[self.dual.core].all():  # there is nothing to look for
            stages = tuple(replace(stage, n_steps=stage.n_steps * stage.n_looks, n_looks=1) for stage in stages)
        at = n_widenings = 0
        while at < len(stages):
            if not self._climb(stages[at]):
                return
            if stages[at].widen and n_widenings < WIDENINGS and self._widen():
                n_widenings += 1
                self.list_core()
                at = max(0, at - 1)
            else:
                at += 1

    def reduced_costs(self) -> IntArray:
        """Reduced cost of each option at the prices where the ascent stands, in thousandths of a cent."""
        return self._reduced(rounded(self.price))

    def complete(self, slack_milli: int, limit: int) -> tuple[int, int, IntArray]:
        """List the options of all groups within a slack at the prices that prove most.

        Returns
        -------
        bound_milli : int
            What those prices prove.
        slack_milli : int
            Every option whose reduced cost is less than this above its group's best is listed now.
        value : int64[n_options]
            Reduced cost of each option at those prices, in thousandths of a cent.
        """
        price = rounded(self._proof())
        prices = self.dual.cuts.prices(price, self.pool.problem.supply)
        asked = np.flatnonzero(~self.pool.closed)
        floor = self._ask(asked, prices, slack_milli, limit, exact=True)
        bound = self._certify(price, asked, floor)
        value = self._reduced(price)
        least = group_minimum(self.pool.problem, value)[asked]
        beyond = floor - np.minimum(floor, least)
        return bound, int(np.where(self.pool.closed[asked], NO_FLOOR, beyond).min(initial=NO_FLOOR)), value

    def _climb(self, stage: Stage) -> bool:
        """Go through one stage; tells whether there is time for more."""
        members = self._sample() if stage.temperature > FINEST_SAMPLED else self.dual.core
        if int(members.sum()) > int(self._members.sum()) > 0:  # the others have hardly an option listed yet
            self._list(members)
        self._members = members
        sampled = int(members.sum()) < int(self.dual.core.sum())
        for look in range(stage.n_looks):
            last = look == stage.n_looks - 1
            share = self._ascend(stage)
            if share is None:
                return True
            new_cuts = separate(self.pool.problem, share, self._executor) if last and stage.cuts else Cuts.none()
            exact = last and stage.exact and not sampled
            if self._settled and not exact:
                self._settled = False
            elif last or not self._quiet:
                # where most groups are in the core, what the heavy ones want moves all prices
                heavy = bool(self.dual.core.mean() > MAJORITY) or (last and stage.heavy)
                n_new = self._look(stage, heavy=heavy, exact=exact)
                self._quiet = n_new <= QUIET_SHARE * self.pool.problem.n_groups
                self._settled = n_new <= SETTLED_SHARE * int(members.sum())
            if new_cuts.n_cuts:
                cuts = self.dual.cuts.appended(new_cuts)
                self._ascent.extend(cuts.n_cuts - self.dual.cuts.n_cuts)
                self.dual = replace(self.dual, cuts=cuts)
            if self._watch.out_of_time():
                return False
        return True

    def _look(self, stage: Stage, *, heavy: bool, exact: bool) -> int:
        """Ask for options that today's prices make good, or those that prove most; return how many are new.

        Heavy groups are asked about only if wanted.
        """
        who = self.dual.core if exact else self._members
        asked = np.flatnonzero(who & ~self.pool.closed & (~self._heavy | heavy))
        exact = exact or bool(self.pool.closed.all())  # a certificate costs nothing where all is listed
        price = rounded(self._proof() if exact else self.price)
        prices = self.dual.cuts.prices(price, self.pool.problem.supply)
        slack = int(min(MOST_SLACK_CENTS, SLACK_IN_TEMPERATURES * stage.temperature * self._scale()) * MILLI)
        before = self.pool.problem.n_options
        floor = self._ask(asked, prices, slack, self._limit, exact=exact)
        if exact:
            self._ask_farther(asked, price, slack, floor)
            self._certify(price, asked, floor)
        return self.pool.problem.n_options - before

    def _proof(self) -> FloatArray:
        """The best prices of the last climb, lowered as far as costs nothing to the core."""
        return eased(self.pool.problem, self._ascent.best, self.dual.cuts, self.dual.core, self._executor)

    def _ascend(self, stage: Stage) -> FloatArray | None:
        """Climb over the listed options; return the share that each takes of its group (none: there is no core)."""
        problem, dual = self.pool.problem, self.dual
        if not dual.core.any():
            return None
        size = self._scale()
        core, keep = self._members, None
        one_in = int(dual.core.sum()) / int(core.sum())
        if stage.near_only and int(np.diff(problem.first)[core].sum()) > ENOUGH_OPTIONS:
            reach = stage.temperature * REACH_IN_TEMPERATURES + REACH_IN_STEPS * stage.step_cents * stage.n_steps
            keep = near_best(problem, self.reduced_costs(), core, reach * size)
        outside = self.cheapest[~dual.core]
        rest = (dual.cuts.supply(problem) - dual.cuts.usage_of(problem, outside)) / one_in
        smooth = gather(problem, dual.cuts, core, rest, self.price, keep=keep, executor=self._executor)
        is_idle = self.price > 0.0
        is_idle[smooth.rows] = False
        idle = np.flatnonzero(is_idle)
        core_share = self._ascent.climb(
            smooth,
            idle=idle,
            idle_supply=rest[idle],
            temperature=stage.temperature * size,
            step_cents=stage.step_cents * size,
            n_steps=stage.n_steps,
            workers=self._workers if smooth.option.size > MANY_OPTIONS else Local(self._map),
        )
        share = np.zeros(problem.n_options)
        share[outside] = 1.0
        share[smooth.option] = core_share * one_in
        return share

    def _sample(self) -> NDArray[np.bool_]:
        """Groups to climb with while prices are rough: the core, or every so many of it.

        Where many groups want each resource, some of them tell its price as well as all, with as much of the supply.
        """
        n_core, n_resources = int(self.dual.core.sum()), int((self.pool.problem.supply > 0).sum())
        one_in = min(n_core // ENOUGH_GROUPS, n_core // (ENOUGH_A_RESOURCE * max(1, n_resources)))
        every: NDArray[np.bool_] = np.cumsum(self.dual.core) % max(1, one_in) == 0
        return self.dual.core & every

    def _scale(self) -> float:
        """How much options of a group differ here, relative to what the stages are made for."""
        problem = self.pool.problem
        most = np.maximum.reduceat(problem.cost, problem.first[:-1])
        spread = (most - problem.cost[self.cheapest])[self.dual.core]
        return float(np.mean(spread)) / TYPICAL_SPREAD_CENTS if spread.size and spread.any() else 1.0

    def _ask(self, asked: IntArray, prices: Prices, slack: int, limit: int, *, exact: bool) -> IntArray:
        if self._source is None or asked.size == 0:
            return np.full(asked.size, np.iinfo(np.int64).max, np.int64)
        more = self._source.more(asked, prices, slack=slack, limit=limit, exact=exact)
        self.pool, self.cheapest = self.pool.merged(asked, more, self.cheapest, self._executor)
        return more.floor

    def _ask_farther(self, asked: IntArray, price: IntArray, slack: int, floor: IntArray) -> None:
        """Raise floors that lie below what is listed.

        The source does not know of shifts in cuts: what it lists as nearly the best is dearer than it thinks, and what
        comes after that may be the best in truth.
        """
        if self.dual.cuts.shift.size == 0:
            return
        prices = self.dual.cuts.prices(price, self.pool.problem.supply)
        need = group_minimum(self.pool.problem, self._reduced(price))[asked] - floor
        short = np.flatnonzero((need > 0) & ~self.pool.closed[asked] & ~self._heavy[asked])
        least = 0
        for cents, limit in FARTHER:
            most = int(cents * MILLI)
            part = short[(need[short] > least) & (need[short] <= most)]
            if part.size:
                again = self._ask(asked[part], prices, slack + int(need[part].max()), limit, exact=True)
                floor[part] = np.maximum(floor[part], again)
            least = most

    def _certify(self, price: IntArray, asked: IntArray, floor: IntArray) -> int:
        """What these prices prove (thousandths of a cent); raises the bound to it.

        Groups outside the core hold a cheapest option that costs nothing but itself at these prices, if none of its
        resources has a price; prices can only add to the cost of their other options, listed or not. The rest is
        closed or has just been asked about.
        """
        self._is_certified = True
        outside = np.setdiff1d(np.flatnonzero(~self.dual.core & ~self.pool.closed), asked)
        self._sharpen(outside)
        problem = self.pool.problem
        best = group_minimum(problem, self._reduced(price))
        best[asked] = np.minimum(best[asked], floor)
        unlisted = np.minimum(problem.cost[self.cheapest[outside]] * MILLI, self._zero_floor[outside])
        best[outside] = np.minimum(best[outside], unlisted)
        supply = self.dual.cuts.supply(problem)[price > 0]
        paid = sum(int(s) * int(p) for s, p in zip(supply, price[price > 0]))
        bound = exact_sum(best) - paid
        if bound > self.dual.bound_milli:
            self.dual = replace(self.dual, bound_milli=bound)
        return bound

    def _reduced(self, price: IntArray) -> IntArray:
        return reduced(self.pool.problem, price, self.dual.cuts, self._executor)

    def _sharpen(self, outside: IntArray) -> None:
        """Ask exactly about groups outside the core whose floor at no prices is below what they have listed."""
        vague = outside[self._zero_floor[outside] < self.pool.problem.cost[self.cheapest[outside]] * MILLI]
        vague = vague[~self._sharp[vague]]
        if vague.size:
            free = Prices.zero(self.pool.problem.n_resources)
            floor = self._ask(vague, free, 0, 1, exact=True)
            self._zero_floor[vague] = np.maximum(self._zero_floor[vague], floor)
            self._sharp[vague] = True
            self.cheapest[vague] = cheapest_options(self.pool.problem)[vague]

    def _widen(self) -> bool:
        """Let in groups whose cheapest option has got a price or over-uses something; tells whether there are any."""
        self._sharpen(np.flatnonzero(~self.dual.core & ~self.pool.closed))
        problem = self.pool.problem
        price = self.price
        self._hot = self._hot | (problem.usage_of(self.cheapest) > problem.supply)
        self._hot = self._hot | (rounded(price[: problem.n_resources]) > 0)
        for cut in np.flatnonzero(price[problem.n_resources :] > 0.0):
            self._hot[self.dual.cuts.resource[cut]] = True
        wider = _whole_if_large(self.dual.core | touching(problem, self.cheapest, self._hot))
        grew = int(wider.sum()) > int(self.dual.core.sum())
        self.dual = replace(self.dual, core=wider)
        return grew


def _whole_if_large(core: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A core of more than half of the groups is taken to be all of them."""
    return np.ones_like(core) if core.mean() > MAJORITY else core
