"""Drawn batches against the brute force, by seed and mode: `python -m tests.campaign --seeds 0:5000`."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import AllocateParams, Allocation, Batch, allocate, parse_batch
from engine.allocate import document
from engine.check import check
from engine.compile import compile_batch
from engine.network import IntArray
from solver import More, Prices, SolveParams, Source, solve
from tests.drawing import Document, draw_batch
from tests.oracle import CONSTRAINTS, Solution, features, nothing_cents, reasons
from tests.oracle import solve as brute_force
from tests.stopping import Polls, Ticks, as_if_large

CERTAIN_REASONS = {"held", "no_candidate", "no_stock", "no_service", "no_capacity", "ship_complete"}
JUDGED_REASONS = {"max_shipments", "outbid"}
"""Both may be said where lines that could each be served want the same stock or capacity."""


class Short:
    """A source that lists a few options at a time, however many are asked for."""

    def __init__(self, source: Source, most: int) -> None:
        self._source = source
        self._most = most

    @property
    def heavy(self) -> NDArray[np.bool_]:
        """See :class:`solver.source.Source`."""
        return self._source.heavy

    def more(self, groups: IntArray, prices: Prices, *, slack: int, limit: int, exact: bool = True) -> More:
        """See :meth:`solver.source.Source.more`."""
        return self._source.more(groups, prices, slack=slack, limit=min(limit, self._most), exact=exact)


def allocate_short(batch: Batch, most: int, params: SolveParams | None = None, **hooks: Any) -> Allocation:
    """Allocate with option lists cut short: at most so many new options an order each time."""
    compiled = compile_batch(batch)
    result = solve(compiled.problem, params, source=Short(compiled.options, most), **hooks)
    assert result.choice is not None and result.bound is not None and result.objective is not None
    assert (result.termination == "optimal") == (result.objective == result.bound)
    allocation = document(
        batch,
        compiled,
        result.choice,
        bound_cents=result.bound,
        price=result.price,
        termination=result.termination,
        seed=0,
    )
    assert allocation.summary["objective_cents"] <= result.objective
    return allocation


EXACT = AllocateParams(gap=0.0, time_limit_seconds=600.0)


def _as_if_large(batch: Batch, seed: int) -> Allocation:
    with as_if_large():
        return allocate(batch, EXACT)


def _short(batch: Batch, seed: int) -> Allocation:
    return allocate_short(batch, 1 + seed % 3, SolveParams(gap=0.0, time_limit_seconds=600.0))


def _short_as_if_large(batch: Batch, seed: int) -> Allocation:
    with as_if_large():
        return _short(batch, seed)


def _hurried(batch: Batch, seed: int) -> Allocation:
    """Out of time after a number of looks at the clock."""
    with as_if_large():
        return allocate(batch, AllocateParams(time_limit_seconds=0.5 + 2 * (seed % 40)), clock=Ticks(1.0))


def _interrupted(batch: Batch, seed: int) -> Allocation:
    with as_if_large():
        return allocate(batch, EXACT, interrupt=Polls(seed % 25))


MODES: dict[str, Callable[[Batch, int], Allocation]] = {
    "plain": lambda batch, seed: allocate(batch),
    "large": _as_if_large,
    "short": _short,
    "short-large": _short_as_if_large,
    "hurried": _hurried,
    "interrupted": _interrupted,
}
ALWAYS_OPTIMAL = {"plain"}


class Judgement(NamedTuple):
    """What a run showed: what is wrong with it, how it ended and what its optimum exercises."""

    wrong: list[str]
    termination: str
    is_optimal: bool
    features: set[str]


def judge(drawn: Document, allocation: Allocation, *, optimal: bool, solution: Solution | None = None) -> Judgement:
    """Compare an allocation of a drawn batch with the brute force, and check it."""
    solution = solution or brute_force(drawn)
    summary = allocation.summary
    best, objective, bound = solution.objective_cents, summary["objective_cents"], summary["bound_cents"]
    wrong = []
    if not bound <= best <= objective:
        wrong.append(f"bound {bound}, optimum {best}, objective {objective}")
    if optimal and not bound == best == objective:
        wrong.append(f"not optimal: bound {bound}, optimum {best}, objective {objective}")
    if (summary["termination"] == "optimal") != (bound == objective):
        wrong.append(f"termination {summary['termination']} with bound {bound}, objective {objective}")
    if optimal and summary["termination"] != "optimal":
        wrong.append(f"termination {summary['termination']}")
    if summary["nothing_cents"] != nothing_cents(drawn):
        wrong.append(f"nothing_cents {summary['nothing_cents']}, expected {nothing_cents(drawn)}")
    if sum(summary["terms"].values()) != objective:
        wrong.append(f"terms {summary['terms']} do not add up to {objective}")
    wrong += [f"check: {fault.message}" for fault in check(parse_batch(drawn), allocation).faults]
    wrong += wrong_reasons(drawn, allocation)
    return Judgement(wrong, summary["termination"], objective == best, features(drawn, solution))


def wrong_reasons(drawn: Document, allocation: Allocation) -> list[str]:
    """Reasons that differ from the brute force's own where those are certain."""
    expected = reasons(drawn)
    wrong = []
    for row in allocation.tables["unallocated"].to_pylist():
        reason = expected[row["order_id"], row["line_id"]]
        said = row["reason"]
        if said != reason and not {said, reason} <= JUDGED_REASONS:
            wrong.append(f"reason of {row['order_id']} {row['line_id']}: {said}, expected {reason}")
    return wrong


def run(seed: int, size: str, mode: str) -> Judgement:
    """Draw the batch of a seed, allocate it in a mode, and judge the outcome."""
    drawn = draw_batch(seed, size)
    try:
        allocation = MODES[mode](parse_batch(drawn), seed)
        return judge(drawn, allocation, optimal=mode in ALWAYS_OPTIMAL)
    except Exception:
        return Judgement([traceback.format_exc()], "failed", False, set())


def main(argv: list[str] | None = None) -> int:
    """Run a range of seeds and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0:1000", help="A:B, the seeds from A up to and without B")
    parser.add_argument("--sizes", default="tiny,small", help="sizes of the draws, separated by commas")
    parser.add_argument("--modes", default="plain", help="of " + ",".join(MODES))
    arguments = parser.parse_args(argv)
    begin, end = (int(part) for part in arguments.seeds.split(":"))
    n_wrong = 0
    for mode in arguments.modes.split(","):
        for size in arguments.sizes.split(","):
            start = time.monotonic()
            terminations: Counter[str] = Counter()
            n_disagree = n_best = n_ship = n_constraints = 0
            for seed in range(begin, end):
                judgement = run(seed, size, mode)
                terminations[judgement.termination] += 1
                n_best += judgement.is_optimal
                n_ship += "ships" in judgement.features
                n_constraints += len(judgement.features & CONSTRAINTS)
                if judgement.wrong:
                    n_disagree += 1
                    print(f"seed {seed} {size} {mode}: " + "; ".join(judgement.wrong), flush=True)
            n = max(1, end - begin)
            print(
                f"{mode} {size}: {end - begin} examples, {n_disagree} disagreements,"
                f" {time.monotonic() - start:.1f} s; best {n_best / n:.1%}, ships {n_ship / n:.1%},"
                f" constraints {n_constraints / n:.1f}; {dict(terminations)}",
                flush=True,
            )
            n_wrong += n_disagree
    return 1 if n_wrong else 0


if __name__ == "__main__":
    sys.exit(main())
