"""One batch as an operation: snapshot, solve, reserve in chunks, decide once more what lost its stock, results."""

from __future__ import annotations

import concurrent.futures
import io
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from api.chunks import Chunk
from api.ledger_answers import refusal
from api.models.orders import BatchBody
from api.order_documents import Kept, positions_of
from api.packing import pack_batch
from api.snapshot_batch import snapshot_batch, table_of, typed_table
from api.solving import Solved, SolverProcess
from api.writer import RACED, Decide
from engine import AllocateParams, Batch, Progress
from engine.ledger import Request
from engine.ledger.commands import Position, Reserve, ReserveMany
from engine.ledger.outcomes import ManyReserved, Refused
from engine.live import Decision
from engine.schema import OUTPUT_TABLES

if TYPE_CHECKING:
    from api.jobs import Job

_MADE = ("shipments", "allocations", "unallocated")
_REFUSED = pa.schema([("order_id", pa.string()), ("reason", pa.string()), ("detail", pa.string())])
Results = dict[str, bytes]


class HandedBack(Exception):
    """The work ends here: it was cancelled, the service stops, or another has it."""


class BatchRun:
    """A batch on its way.

    Parameters
    ----------
    job : Job
        The operation.
    solver : SolverProcess
        Where it is solved.
    body : BatchBody, optional
        What is asked for, where that is at hand; read from the operation otherwise.
    """

    def __init__(self, job: Job, solver: SolverProcess, body: BatchBody | None = None) -> None:
        self._job = job
        self._service = job.service
        self._ledger = job.service.ledger
        self._tenant = job.tenant
        self._solver = solver
        self._body = body or BatchBody.model_validate_json(job.operation.request)
        self._ttl_ms = (
            None if self._body.confirmed else 1000 * (self._body.hold_seconds or job.service.settings.hold_seconds)
        )
        self._number = {order.order_id: at for at, order in enumerate(self._body.orders)}
        self._changed: dict[str, dict[str, Any]] = {}
        self._refused: dict[str, tuple[str, str]] = {}
        self._batch: Batch
        self._began = time.monotonic()
        self._seconds: dict[str, float] = {}

    def run(self) -> tuple[str, Results]:
        """Do all of it; returns the state and the results.

        Raises
        ------
        HandedBack, Stopped
            When the work is not wanted any more, or not ours.
        """
        body, job = self._body, self._job
        job.tell(stage="snapshot", total=len(body.orders))
        done = self._done_before() if job.operation.attempts > 1 and body.commit else {}
        solved = self._solve(frozenset(done))
        self._spent("solve")
        for order_id, document in done.items():
            self._changed[order_id] = document
        state = "DONE"
        with concurrent.futures.ThreadPoolExecutor(1) as beside:
            packed = beside.submit(pack_batch, self._batch)
            if body.commit:
                state = self._reserve(solved.chunks, [name for name in self._number if name not in done])
            self._spent("reserve")
            job.tell(stage="results")
            summary = solved.allocation.summary
            self._service.metrics.batch_gap.set(summary["gap"])
            return state, self._results(solved, packed.result())

    def _spent(self, stage: str) -> None:
        now = time.monotonic()
        self._seconds[stage] = round(now - self._began, 3)
        self._began = now

    def _stop_if_over(self) -> None:
        if self._job.is_over():
            raise HandedBack

    def _done_before(self) -> dict[str, dict[str, Any]]:
        """Decisions that this operation had reserved before it was interrupted, by order."""
        done = {}
        for order_id in self._number:
            self._stop_if_over()
            if self._ledger.reservation(self._tenant, self._reservation_id(order_id)) is not None:
                record = self._ledger.order(self._tenant, order_id)
                if record is not None and record.document is not None:
                    done[order_id] = orjson.loads(record.document)["decision"]
        return done

    def _reservation_id(self, order_id: str) -> str:
        return f"{self._job.operation.operation_id}-{self._number[order_id]}"

    def _solve(self, without: frozenset[str]) -> Solved:
        body, job = self._body, self._job
        batch = snapshot_batch(self._service, self._tenant, body, without)
        self._batch = self._with_all_orders(batch) if without else batch
        self._stop_if_over()
        self._spent("read")
        longest = self._service.settings.batch_seconds
        params = AllocateParams(
            gap=body.gap,
            time_limit_seconds=min(body.time_limit_seconds or longest, max(longest, 1.0)),
            seed=body.seed,
            workers=self._service.settings.workers,
        )
        return self._solver.solve(
            batch,
            params,
            chunk_orders=self._service.settings.chunk_orders if body.commit else 0,
            on_progress=self._tell,
            is_stopped=job.is_over,
        )

    def _tell(self, at: Progress) -> None:
        self._job.tell(
            stage=at.phase,
            objective_cents=at.objective_cents,
            bound_cents=at.bound_cents,
            gap=None if at.gap is None or at.gap != at.gap or at.gap == float("inf") else at.gap,
        )

    def _with_all_orders(self, batch: Batch) -> Batch:
        """The batch with the orders that were decided before an interruption: results are of all."""
        orders = table_of([row.__dict__ for row in self._body.orders], "orders")
        lines = table_of([row.__dict__ for row in self._body.lines], "lines")
        return Batch(batch.policy, {**batch.tables, "orders": orders, "lines": lines})

    def _reserve(self, chunks: Iterator[Chunk], waiting: list[str]) -> str:
        job, size = self._job, self._service.settings.chunk_orders
        n_done = len(self._body.orders) - len(waiting)
        job.tell(stage="reserve", processed=n_done)
        lost: list[bytes] = []
        n_seen = 0
        for chunk in chunks:
            if job.is_over():
                return self._cut_short([*waiting[n_seen:], *map(_order_id, lost)])
            n_seen += len(chunk.order_ids)
            lost.extend(self._reserve_one_by_one(chunk, self._reserve_together(chunk)))
            job.tell(processed=n_done + n_seen - len(lost))
        job.tell(stage="second pass")
        for first in range(0, len(lost), size):
            if job.is_over():
                return self._cut_short([_order_id(document) for document in lost[first:]])
            self._again(lost[first : first + size])
        job.tell(processed=len(self._body.orders))
        return "DONE"

    def _reserve_together(self, chunk: Chunk) -> Sequence[int]:
        """Reserve what nobody else asks for too; return the numbers of the other orders."""
        command = ReserveMany(
            reservation_ids=tuple([self._reservation_id(order_id) for order_id in chunk.order_ids]),
            order_ids=chunk.order_ids,
            documents=chunk.documents,
            positions=chunk.positions,
            confirmed=self._body.confirmed,
            ttl_ms=self._ttl_ms,
        )
        [reply] = self._service.writer.write_and_wait([Request(tenant=self._tenant, command=command)])
        if isinstance(reply.outcome, ManyReserved):
            return reply.outcome.left
        return range(len(chunk.order_ids))

    def _reserve_one_by_one(self, chunk: Chunk, left: Sequence[int]) -> list[bytes]:
        """Reserve orders as single ones; return the documents of those that lost their stock."""
        if not left:
            return []
        positions: dict[int, list[Position]] = {number: [] for number in left}
        for number, node_id, sku, ship_date, quantity, line_id, shipment_id, service_id in chunk.positions:
            if number in positions:
                positions[number].append(
                    Position(
                        node_id=node_id,
                        sku=sku,
                        ship_date=ship_date,
                        quantity=quantity,
                        line_id=line_id,
                        shipment_id=shipment_id,
                        service_id=service_id,
                    )
                )
        requests = [
            Request(
                tenant=self._tenant,
                command=self._command(chunk.order_ids[number], tuple(positions[number]), chunk.documents[number]),
            )
            for number in left
        ]
        lost = []
        for number, reply in zip(left, self._service.writer.write_and_wait(requests)):
            if reply.error is not None:
                raise reply.error
            if isinstance(reply.outcome, Refused):
                if reply.outcome.reason in RACED:
                    lost.append(chunk.documents[number])
                else:
                    self._refused[chunk.order_ids[number]] = (reply.outcome.reason, reply.outcome.detail)
        return lost

    def _cut_short(self, order_ids: Sequence[str]) -> str:
        if not self._job.is_cancelled:
            raise HandedBack
        for order_id in order_ids:
            self._refused[order_id] = ("cancelled", "the operation was cancelled before")
        return "CANCELLED"

    def _command(self, order_id: str, positions: tuple[Position, ...], document: bytes) -> Reserve:
        return Reserve(
            reservation_id=self._reservation_id(order_id),
            order_id=order_id,
            positions=positions,
            confirmed=self._body.confirmed,
            ttl_ms=self._ttl_ms,
            document=document,
        )

    def _again(self, lost: Sequence[bytes]) -> None:
        """Decide once more, on what is left now, each order that lost its stock."""
        waiting = []
        for raw in lost:
            kept = Kept.from_bytes(raw)
            future: concurrent.futures.Future[Any] = concurrent.futures.Future()

            def reserve(decision: Decision, final: bool, kept: Kept = kept) -> Request:
                document = Kept(order=kept.order, decision=decision, barred={}).to_bytes()
                command = self._command(kept.order.order_id, positions_of(decision), document)
                return Request(tenant=self._tenant, command=command)

            self._service.writer.submit(
                Decide(tenant=self._tenant, order=kept.order, reserve=reserve, attempts=1, future=future)
            )
            waiting.append((kept.order.order_id, future))
        for order_id, future in waiting:
            decision, reply = future.result()
            if isinstance(reply.outcome, Refused):
                self._refused[order_id] = (reply.outcome.reason, refusal(reply.outcome).detail)
            else:
                self._changed[order_id] = decision.to_document()

    def _results(self, solved: Solved, packed: bytes) -> Results:
        tables = {name: solved.allocation[name] for name in OUTPUT_TABLES}
        gone = pa.array([*self._changed, *self._refused], pa.string())
        if len(gone):
            for name in _MADE:
                table = tables[name]
                kept = table.filter(pc.invert(pc.is_in(table["order_id"], value_set=gone)))
                rows = [row for document in self._changed.values() for row in document[name]]
                tables[name] = pa.concat_tables([kept, typed_table(rows, OUTPUT_TABLES[name].arrow_schema)])
        tables["refused"] = pa.Table.from_pylist(
            [{"order_id": name, "reason": why, "detail": detail} for name, (why, detail) in self._refused.items()],
            schema=_REFUSED,
        )
        n_orders = len(self._body.orders)
        summary = {
            **solved.allocation.summary,
            "committed": {
                "orders": n_orders - len(self._refused) if self._body.commit else 0,
                "decided_again": len(self._changed),
                "refused": len(self._refused),
            },
            "service_seconds": self._seconds,
        }
        results: Results = {"summary": orjson.dumps(summary), "batch": packed}
        for name, table in tables.items():
            sink = io.BytesIO()
            pq.write_table(table, sink, compression="zstd")
            results[name] = sink.getvalue()
        return results


def _order_id(document: bytes) -> str:
    return Kept.from_bytes(document).order.order_id
