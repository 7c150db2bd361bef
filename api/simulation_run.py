"""One simulation as an operation: snapshot, scenarios, solve one after the other, compare, results."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import orjson
import pyarrow.compute as pc
import pyarrow.parquet as pq

from api.batch_run import HandedBack, Results
from api.models.simulations import SimulationBody
from api.snapshot_batch import snapshot_batch
from api.solving import SolverProcess
from engine import AllocateParams, Batch, Progress
from engine.check import check
from engine.comparison import Plan, compare
from engine.simulation import scenario_batches

if TYPE_CHECKING:
    from api.jobs import Job


def run_simulation(job: Job, solver: SolverProcess) -> tuple[str, Results]:
    """Do all of a simulation; returns the state and the results. Nothing is reserved.

    Parameters
    ----------
    job : Job
        The operation.
    solver : SolverProcess
        Where the plans are solved.

    Raises
    ------
    HandedBack, Stopped
        When the work is not wanted any more, or not ours.
    InputError
        When an edit names what there is not, or makes a batch that is none.
    """
    body = SimulationBody.model_validate_json(job.operation.request)
    settings = job.service.settings
    job.tell(stage="snapshot", total=1 + len(body.scenarios))
    base = snapshot_batch(job.service, job.tenant, body, whole=True)
    batches = {name: _of_ordered(batch) for name, batch in scenario_batches(base, body.scenarios).items()}
    longest = settings.batch_seconds
    params = AllocateParams(
        gap=body.gap,
        time_limit_seconds=min(body.time_limit_seconds or longest, max(longest, 1.0)),
        seed=body.seed,
        workers=settings.workers,
    )
    plans = []
    for name, batch in batches.items():
        _stop_if_over(job)

        def tell(at: Progress, name: str = name) -> None:
            job.tell(
                stage=f"{name}: {at.phase}",
                objective_cents=at.objective_cents,
                bound_cents=at.bound_cents,
                gap=None if at.gap is None or at.gap != at.gap or at.gap == float("inf") else at.gap,
            )

        solved = solver.solve(batch, params, chunk_orders=0, on_progress=tell, is_stopped=job.is_over)
        report = check(batch, solved.allocation)
        if not report.ok:
            raise RuntimeError(f"the allocation of {name} is wrong: {report.faults[0].message}")
        plans.append(Plan(name=name, batch=batch, allocation=solved.allocation))
        job.tell(processed=len(plans))
    _stop_if_over(job)
    job.tell(stage="compare")
    comparison = compare(plans)
    results: Results = {"summary": orjson.dumps(comparison.summary)}
    for name, table in comparison.tables.items():
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="zstd")
        results[name] = sink.getvalue()
    return "DONE", results


def _of_ordered(batch: Batch) -> Batch:
    """Return a batch with the stock of what is ordered only: the rest, which edits may name, changes no plan."""
    stock = batch["stock"]
    ordered = pc.is_in(stock["sku"], value_set=batch["lines"]["sku"].unique())
    return Batch(batch.policy, {**batch.tables, "stock": stock.filter(ordered)})


def _stop_if_over(job: Job) -> None:
    if job.is_over():
        raise HandedBack
