"""What if: a base and its scenarios, each solved and checked, side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from engine.allocate import AllocateParams, Progress, allocate
from engine.batch import Batch
from engine.check import check
from engine.comparison import Plan
from engine.scenario import Scenario, apply_scenario

BASE = "base"


def scenario_batches(base: Batch, scenarios: Sequence[Scenario]) -> dict[str, Batch]:
    """Return the base, by the name ``base``, and what each scenario makes of it, by theirs.

    Parameters
    ----------
    base : Batch
        What the scenarios start from.
    scenarios : sequence of Scenario
        Their names differ, and none is ``base``.

    Raises
    ------
    InputError
        When an edit names what there is not, or makes a batch that is none.
    """
    return {BASE: base, **{scenario.name: apply_scenario(base, scenario) for scenario in scenarios}}


def solve_side_by_side(
    batches: dict[str, Batch],
    params: AllocateParams,
    *,
    on_progress: Callable[[str, Progress], None] | None = None,
    interrupt: Callable[[], bool] | None = None,
) -> list[Plan]:
    """Solve and check several batches, as many at a time as there are workers.

    Parameters
    ----------
    batches : dict of str to Batch
        What to solve, by name.
    params : AllocateParams
        Gap, time limit and seed hold for each of them; the workers are shared. Unless a time limit cuts a run
        short, the result does not depend on the workers.
    on_progress : callable, optional
        Called with a name and its progress, from the thread that solves it.
    interrupt : callable, optional
        Asked whether to stop; what has not begun then ends at once, with everything unallocated.

    Returns
    -------
    list of Plan
        In the order of the batches.

    Raises
    ------
    RuntimeError
        When the check of a result finds a fault, which is a bug.
    """
    n_parallel = max(1, min(params.workers, len(batches)))
    each = replace(params, workers=max(1, params.workers // n_parallel))
    given_up = threading.Event()

    def stop() -> bool:
        return given_up.is_set() or (interrupt is not None and interrupt())

    def solve(name: str) -> Plan:
        def tell(progress: Progress) -> None:
            if on_progress is not None:
                on_progress(name, progress)

        allocation = allocate(batches[name], each, on_progress=tell, interrupt=stop)
        report = check(batches[name], allocation)
        if not report.ok:
            raise RuntimeError(f"the allocation of {name} is wrong: {report.faults[0].message}")
        return Plan(name=name, batch=batches[name], allocation=allocation)

    executor = ThreadPoolExecutor(n_parallel, thread_name_prefix="plan")
    try:
        plans = list(executor.map(solve, batches))
    except BaseException:
        given_up.set()
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    executor.shutdown()
    return plans
