"""Jobs: queued operations are claimed, worked on one at a time, and never silently lost."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from api.batch_run import BatchRun, HandedBack
from api.ledger_answers import bad_input
from api.plan_run import PlanRun
from api.problems import Problem
from api.simulation_run import run_simulation
from api.solving import SolverProcess, Stopped
from engine.errors import InputError
from engine.ledger import LedgerUnavailable
from engine.ledger.records import Operation

if TYPE_CHECKING:
    from api.desks import Desk
    from api.models.orders import BatchBody
    from api.service import Service

TABLES = {
    "allocate": ("shipments", "allocations", "unallocated", "prices", "refused"),
    "plan": ("shipments", "allocations", "unallocated", "prices"),
    "simulate": ("costs", "figures", "certainty", "nodes", "moved", "orders"),
}
"""The tables of an operation's result by its kind, besides its summary."""
_log = logging.getLogger("api.jobs")
_IDLE_SECONDS = 0.5
_TELL_SECONDS = 0.25
_RENEW_SECONDS = 2.0
_ATTEMPTS = 3
_BODIES = 4  # that wait at most
_PRICES_APART_SECONDS = 5.0


class Job:
    """An operation that is ours: its lease is renewed and its progress told by a thread of its own.

    Parameters
    ----------
    service : Service
        The parts it works with.
    tenant : str
        Whose it is.
    operation : Operation
        As it was claimed.
    """

    def __init__(self, service: Service, tenant: str, operation: Operation) -> None:
        self.service = service
        self.tenant = tenant
        self.operation = operation
        self.is_cancelled = operation.cancel_asked
        self.is_lost = False
        self._progress: dict[str, Any] = {"stage": "start", "processed": 0, "total": 0}
        self._told = b""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)

    def __enter__(self) -> Job:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        with contextlib.suppress(LedgerUnavailable):
            if not self.is_lost and orjson.dumps(self._progress) != self._told:
                self._renew_once()

    def tell(self, **progress: Any) -> None:
        """Say how it goes; told to the ledger a few times a second."""
        self._progress = {**self._progress, **progress}

    def is_over(self) -> bool:
        """Whether the work is no longer ours to do, or not wanted any more."""
        return self.is_cancelled or self.is_lost or self.service.stopping.is_set()

    def _renew(self) -> None:
        renewed_at = time.monotonic()
        while not self._ended.wait(_TELL_SECONDS):
            is_told = orjson.dumps(self._progress) == self._told
            if is_told and time.monotonic() - renewed_at < _RENEW_SECONDS:
                continue
            with contextlib.suppress(LedgerUnavailable):  # the lease may run out: then another has it
                self._renew_once()
                renewed_at = time.monotonic()

    def _renew_once(self) -> None:
        progress = orjson.dumps(self._progress)
        found = self.service.ledger.progress_operation(
            self.tenant,
            self.operation.operation_id,
            self.service.owner,
            lease_ms=int(1000 * self.service.settings.lease_seconds),
            progress=progress,
        )
        self._told = progress
        if found is None:
            self.is_lost = True
        elif found.cancel_asked:
            self.is_cancelled = True

    def hand_back(self) -> None:
        """Let the lease run out now, so that whoever comes next goes on."""
        self._ended.set()
        self._thread.join()
        self.is_lost = True
        self.service.ledger.progress_operation(self.tenant, self.operation.operation_id, self.service.owner, lease_ms=0)


class Jobs:
    """Claims operations and works on them.

    Parameters
    ----------
    service : Service
        The parts it works with.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._new = asyncio.Event()
        self._solver = SolverProcess()
        self._working: asyncio.Future[None] | None = None
        self._prices_at = 0.0
        self._bodies: dict[str, BatchBody] = {}

    def look(self, operation_id: str | None = None, body: BatchBody | None = None) -> None:
        """There may be something to do: perhaps an operation whose body need not be read again."""
        if operation_id is not None and body is not None and len(self._bodies) < _BODIES:
            self._bodies[operation_id] = body
        self._new.set()

    async def run(self) -> None:
        """Claim and work until the service stops."""
        service = self._service
        while not service.is_ready:
            await asyncio.sleep(0.1)
        await asyncio.to_thread(self._solver.start)
        while not service.stopping.is_set():
            self._new.clear()  # before looking: what comes meanwhile is looked for at once
            try:
                claimed = await service.read(
                    service.ledger.claim_operation,
                    service.owner,
                    lease_ms=int(1000 * service.settings.lease_seconds),
                )
                if claimed is None:
                    self._bodies.clear()  # others have taken these
                else:
                    service.metrics.operations_waiting.set(1)
                    tenant, operation = claimed
                    await service.desks.open(tenant)
                    self._working = asyncio.get_running_loop().run_in_executor(None, self._work, tenant, operation)
                    await asyncio.shield(self._working)
                    continue
            except LedgerUnavailable:
                pass
            except Exception:
                _log.exception("an operation could not be worked on")
            finally:
                service.metrics.operations_waiting.set(0)
            try:
                await asyncio.wait_for(self._new.wait(), _IDLE_SECONDS)
            except TimeoutError:
                continue

    async def stop(self) -> None:
        """Hand back what is under way, and end the process that solves."""
        self._new.set()
        if self._working is not None:
            await asyncio.wait([self._working], timeout=10.0)
        await asyncio.to_thread(self._solver.stop)

    def _work(self, tenant: str, operation: Operation) -> None:
        service = self._service
        body = self._bodies.pop(operation.operation_id, None)
        with Job(service, tenant, operation) as job:
            state, results, problem = "FAILED", None, None
            try:
                if operation.attempts > _ATTEMPTS:
                    detail = f"interrupted {operation.attempts - 1} times, given up"
                    problem = Problem(503, "unavailable", detail)
                elif operation.kind == "allocate":
                    state, results = BatchRun(job, self._solver, body).run()
                elif operation.kind == "plan":
                    state, results = PlanRun(job, self._solver).run()
                elif operation.kind == "simulate":
                    state, results = run_simulation(job, self._solver)
                else:
                    problem = Problem(422, "invalid", f"this version does not know operations of kind {operation.kind}")
            except (HandedBack, Stopped):
                if service.stopping.is_set() and not job.is_cancelled:
                    job.hand_back()
                    return
                if job.is_lost:
                    return
                state = "CANCELLED"
            except LedgerUnavailable:
                return  # the lease runs out, and the work is done again when the ledger is back
            except InputError as error:
                problem = bad_input(error)
            except Problem as error:
                problem = error
            except Exception as error:
                _log.exception("an operation failed", extra={"operation_id": operation.operation_id})
                problem = Problem(500, "internal", f"the operation failed ({type(error).__name__})")
        service.ledger.finish_operation(
            tenant,
            operation.operation_id,
            service.owner,
            state=state,  # type: ignore[arg-type]
            results=results,
            problem=None if problem is None else problem.answer().body,
        )
        service.metrics.batches.labels(state).inc()
        self._prices_at = 0.0

    async def take_prices(self) -> None:
        """Look for a newer batch, of whatever replica, and take its prices over while they are fresh."""
        service = self._service
        now = time.monotonic()
        if now - self._prices_at < _PRICES_APART_SECONDS:
            return
        self._prices_at = now
        for desk in service.desks.all():
            for operation in await service.read(service.ledger.operations, desk.tenant, limit=20):
                if operation.kind == "allocate" and operation.state == "DONE":
                    await self._take(desk, operation)
                    break

    async def _take(self, desk: Desk, operation: Operation) -> None:
        service = self._service
        if desk.prices_from == operation.operation_id:
            return
        age = (await service.read(service.ledger.now_ms) - operation.updated_at_ms) / 1000
        left = service.settings.prices_fresh_seconds - age
        desk.prices_from = operation.operation_id
        raw = await service.read(service.ledger.operation_result, desk.tenant, operation.operation_id, "prices")
        if raw is None or left <= 0:
            return
        table: pa.Table = pq.read_table(io.BytesIO(raw))
        await service.writer.aside(lambda: desk.set_prices(table, time.monotonic() + left))
