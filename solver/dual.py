"""The dual side of a run: prices and cuts in stages, options asked for as prices need them, the certified bound."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from solver.bound import exact_sum, group_minimum, reduced
from solver.core import cheapest_options, options_of, part_of, touching
from solver.cuts import Cuts, rounded, separate
from solver.pool import Pool
from solver.prices import ascend, prepare
from solver.problem import FloatArray, IntArray
from solver.source import MILLI, NO_FLOOR, Prices, Source
from solver.watch import Watch

FIRST_SLACK_CENTS = 300
OPTIONS_A_STAGE = 24
SLACK_IN_TEMPERATURES = 6.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Stage:
    """One stage of the ascent: temperature in cents, most steps, and whether to look for cuts after it."""

    temperature: float
    n_steps: int
    cuts: bool


STAGES = (
    Stage(temperature=200.0, n_steps=60, cuts=False),
    Stage(temperature=100.0, n_steps=60, cuts=False),
    Stage(temperature=50.0, n_steps=80, cuts=True),
    Stage(temperature=25.0, n_steps=80, cuts=True),
    Stage(temperature=12.0, n_steps=100, cuts=True),
    Stage(temperature=6.0, n_steps=120, cuts=True),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Dual:
    """Prices and what they prove.

    Parameters
    ----------
    price : float64[n_resources + n_cuts]
        Cents a unit where the ascent stands, of each resource and then of each cut.
    cuts : Cuts
        The cuts that ``price`` counts.
    bound_milli : int
        The best bound proved so far, in thousandths of a cent.
    core : bool[n_groups]
        Groups whose cheapest option touches a resource that was ever contested.
    """

    price: FloatArray
    cuts: Cuts
    bound_milli: int
    core: NDArray[np.bool_]


class DualAscent:
    """Climbs stage by stage over a pool that grows.

    ``zero_floor`` tells of each group that no unlisted option costs less (thousandths of a cent); the pool lists a
    cheapest option of each group, or one that is as cheap as any that the source could find.
    """

    def __init__(
        self, pool: Pool, source: Source | None, watch: Watch, executor: Executor | None, zero_floor: IntArray
    ) -> None:
        self.pool = pool
        self._zero_floor = zero_floor
        self._source = source
        self._watch = watch
        self._executor = executor
        problem = pool.problem
        self.cheapest = cheapest_options(problem)
        usage = problem.usage_of(self.cheapest)
        self._hot = usage > problem.supply
        self.dual = Dual(
            price=np.zeros(problem.n_resources),
            cuts=Cuts.none(),
            bound_milli=exact_sum(np.minimum(problem.cost[self.cheapest] * MILLI, zero_floor)),
            core=touching(problem, self.cheapest, self._hot),
        )

    def list_core(self) -> None:
        """Ask for a first few options of every core group."""
        asked = np.flatnonzero(self.dual.core & ~self.pool.closed)
        self._ask(asked, Prices.zero(self.pool.problem.n_resources), FIRST_SLACK_CENTS * MILLI, OPTIONS_A_STAGE)

    def run(self, stages: tuple[Stage, ...]) -> None:
        """Climb through stages; afterwards let in groups whose cheapest option has got a price, and go on."""
        for stage in stages:
            self._climb(stage)
            if self._watch.out_of_time():
                return
        while self._widen():
            self.list_core()
            for stage in stages[-3:]:
                self._climb(stage)
                if self._watch.out_of_time():
                    return

    def reduced_costs(self) -> IntArray:
        """Reduced cost of each option at the prices where the ascent stands, in thousandths of a cent."""
        return reduced(self.dual.cuts.extended(self.pool.problem), rounded(self.dual.price))

    def complete(self, slack_milli: int, limit: int) -> tuple[int, int]:
        """List the options of all groups within a slack at today's prices.

        Returns
        -------
        bound_milli : int
            What today's prices prove.
        slack_milli : int
            Every option whose reduced cost is less than this above its group's best is listed now.
        """
        price = rounded(self.dual.price)
        prices = self.dual.cuts.prices(price, self.pool.problem.supply)
        asked = np.flatnonzero(~self.pool.closed)
        floor = self._ask(asked, prices, slack_milli, limit)
        bound = self._certify(price, asked, floor)
        least = group_minimum(self.pool.problem, self.reduced_costs())[asked]
        beyond = floor - np.minimum(floor, least)
        return bound, int(np.where(self.pool.closed[asked], NO_FLOOR, beyond).min(initial=NO_FLOOR))

    def _climb(self, stage: Stage) -> None:
        problem, dual = self.pool.problem, self.dual
        ext = dual.cuts.extended(problem)
        options = options_of(problem, dual.core)
        if options.size == 0:
            return
        rest = ext.supply - ext.usage_of(self.cheapest[~dual.core])
        part = part_of(ext, options, rest)
        smooth = prepare(part.problem)
        point = ascend(
            smooth,
            dual.price[part.resource],
            temperature=stage.temperature,
            n_steps=stage.n_steps,
            executor=self._executor,
        )
        climbed = np.zeros(ext.n_resources)
        climbed[part.resource] = point.price
        self.dual = dual = replace(dual, price=climbed)
        price = rounded(climbed)
        share = np.zeros(problem.n_options)
        share[self.cheapest[~dual.core]] = 1.0
        share[options] = point.share
        asked = np.flatnonzero(dual.core & ~self.pool.closed)
        prices = dual.cuts.prices(price, problem.supply)
        slack = int(SLACK_IN_TEMPERATURES * stage.temperature * MILLI)
        floor = self._ask(asked, prices, slack, OPTIONS_A_STAGE)
        self._certify(price, asked, floor)
        if stage.cuts:
            cuts = dual.cuts.appended(separate(problem, share))
            more = np.zeros(cuts.n_cuts - dual.cuts.n_cuts)
            self.dual = replace(self.dual, cuts=cuts, price=np.concatenate((self.dual.price, more)))

    def _ask(self, asked: IntArray, prices: Prices, slack: int, limit: int) -> IntArray:
        if self._source is None or asked.size == 0:
            return np.full(asked.size, np.iinfo(np.int64).max, np.int64)
        more = self._source.more(asked, prices, slack=slack, limit=limit)
        self.pool, self.cheapest = self.pool.merged(asked, more, self.cheapest)
        return more.floor

    def _certify(self, price: IntArray, asked: IntArray, floor: IntArray) -> int:
        """What these prices prove (thousandths of a cent); raises the bound to it.

        Groups outside the core hold a cheapest option that costs nothing but itself at these prices, if none of its
        resources has a price; prices can only add to the cost of their other options, listed or not. The rest is
        closed or has just been asked about.
        """
        ext = self.dual.cuts.extended(self.pool.problem)
        value = reduced(ext, price)
        best = group_minimum(ext, value)
        best[asked] = np.minimum(best[asked], floor)
        outside = np.setdiff1d(np.flatnonzero(~self.dual.core & ~self.pool.closed), asked)
        unlisted = np.minimum(ext.cost[self.cheapest[outside]] * MILLI, self._zero_floor[outside])
        best[outside] = np.minimum(best[outside], unlisted)
        paid = sum(int(s) * int(p) for s, p in zip(ext.supply[price > 0], price[price > 0]))
        bound = exact_sum(best) - paid
        if bound > self.dual.bound_milli:
            self.dual = replace(self.dual, bound_milli=bound)
        return bound

    def _widen(self) -> bool:
        problem = self.pool.problem
        self._hot = self._hot | (rounded(self.dual.price[: problem.n_resources]) > 0)
        for cut in np.flatnonzero(self.dual.price[problem.n_resources :] > 0.0):
            self._hot[self.dual.cuts.resource[cut]] = True
        wider = self.dual.core | touching(problem, self.cheapest, self._hot)
        grew = int(wider.sum()) > int(self.dual.core.sum())
        self.dual = replace(self.dual, core=wider)
        return grew
