"""One plan as an operation: its batch, solved, with its figures; nothing is reserved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from api.batch_run import HandedBack, Results
from api.figures import figures_document
from api.packing import pack_batch, table_bytes
from api.plans import batch_of, read_request
from api.solving import SolverProcess
from engine import AllocateParams, Allocation, Batch, Progress, route_in_order
from engine.schema import OUTPUT_TABLES

if TYPE_CHECKING:
    from api.jobs import Job

_MAX_POINTS = 400


class PlanRun:
    """A plan on its way.

    Parameters
    ----------
    job : Job
        The operation.
    solver : SolverProcess
        Where it is solved.
    """

    def __init__(self, job: Job, solver: SolverProcess) -> None:
        self._job = job
        self._solver = solver
        self._request, self._packed = read_request(job.operation.request)
        self._trace: list[dict[str, Any]] = []

    def run(self) -> tuple[str, Results]:
        """Do all of it; returns the state and the results.

        Raises
        ------
        HandedBack, Stopped
            When the work is not wanted any more, or not ours.
        """
        job, about = self._job, self._request.about()
        job.tell(stage="batch", **about)
        batch = batch_of(self._request, self._packed)
        n_orders = batch["orders"].num_rows
        job.tell(stage="compile", total=n_orders)
        if job.is_over():
            raise HandedBack
        allocation = self._allocate(batch)
        job.tell(stage="figures", processed=n_orders)
        return "DONE", plan_results(batch, allocation, job.operation.operation_id, about, self._trace)

    def _allocate(self, batch: Batch) -> Allocation:
        request, service = self._request, self._job.service
        if request.rule == "one_at_a_time":
            self._job.tell(stage="route")
            return route_in_order(batch, n_workers=service.settings.workers)
        params = AllocateParams(
            gap=request.gap,
            time_limit_seconds=request.time_limit_seconds,
            seed=request.seed,
            workers=service.settings.workers,
        )
        solved = self._solver.solve(batch, params, chunk_orders=0, on_progress=self._tell, is_stopped=self._job.is_over)
        return solved.allocation

    def _tell(self, at: Progress) -> None:
        gap = None if at.gap is None or not abs(at.gap) < float("inf") else at.gap
        self._job.tell(stage=at.phase, objective_cents=at.objective_cents, bound_cents=at.bound_cents, gap=gap)
        if at.objective_cents is None and at.bound_cents is None:
            return
        point = {
            "seconds": round(at.elapsed_seconds, 3),
            "phase": at.phase,
            "objective_cents": at.objective_cents,
            "bound_cents": at.bound_cents,
        }
        if len(self._trace) < _MAX_POINTS:
            self._trace.append(point)
        else:
            self._trace[-1] = point


def plan_results(
    batch: Batch,
    allocation: Allocation,
    operation_id: str,
    about: Mapping[str, Any],
    trace: Sequence[Mapping[str, Any]],
) -> Results:
    """Return what is kept of a plan that was solved: its batch, tables and figures."""
    figures = figures_document(batch, allocation, operation_id=operation_id, about=about, trace=trace)
    return {
        "summary": orjson.dumps(allocation.summary),
        "batch": pack_batch(batch),
        "figures": orjson.dumps(figures),
        **{name: table_bytes(allocation[name]) for name in OUTPUT_TABLES},
    }
