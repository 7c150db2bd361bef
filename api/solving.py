"""A process of its own for batches, so that solving one never holds up a request."""

from __future__ import annotations

import gc
import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection

from api.chunks import Chunk, prepare_chunks
from engine import AllocateParams, Allocation, Batch, Progress

_ASK_SECONDS = 0.05


class SolverGone(Exception):
    """The process that solved ended before its work was done."""


class Stopped(Exception):
    """The work was no longer wanted."""


@dataclass(kw_only=True)
class Solved:
    """A batch's allocation, and what is to be kept and reserved for each order.

    Parameters
    ----------
    allocation : Allocation
        Tables and summary.
    chunks : iterator of Chunk
        Every order, in the order of the table; nothing when nothing is to be reserved. They are prepared while the
        ones before are reserved.
    """

    allocation: Allocation
    chunks: Iterator[Chunk]


class SolverProcess:
    """Solves one batch at a time; started when first needed, and again should it have ended."""

    def __init__(self) -> None:
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._owes = False  # whether it still sends what belongs to an earlier batch
        self._changing = threading.RLock()  # the service may stop it while it is being started

    def start(self) -> Connection:
        """Start the process if it does not run."""
        with self._changing:
            return self._started()

    def _started(self) -> Connection:
        runs = self._process is not None and self._process.is_alive() and not self._owes
        if runs and self._connection is not None:
            return self._connection
        self.stop()
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), name="nodewise-solver", daemon=True)
        self._process.start()
        theirs.close()
        self._connection = ours
        return ours

    def stop(self) -> None:
        """End the process, whatever it does."""
        with self._changing:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            if self._process is not None:
                self._process.terminate()
                self._process.join(5.0)
                self._process = None
            self._owes = False

    def solve(
        self,
        batch: Batch,
        params: AllocateParams,
        *,
        chunk_orders: int,
        on_progress: Callable[[Progress], None],
        is_stopped: Callable[[], bool],
    ) -> Solved:
        """Solve a batch.

        Parameters
        ----------
        batch : Batch
            What to solve.
        params : AllocateParams
            How.
        chunk_orders : int
            Orders of which documents and positions come together; 0: none are wanted.
        on_progress : callable
            Told how it goes.
        is_stopped : callable
            Asked whether the work is still wanted.

        Raises
        ------
        SolverGone
            When the process ended.
        Stopped
            When the work was no longer wanted.
        """
        try:
            connection = self.start()
            tables = {name: batch[name] for name in batch.tables}
            connection.send((batch.policy.to_document(), tables, params, chunk_orders))
            while True:
                while not connection.poll(_ASK_SECONDS):
                    if is_stopped():
                        self.stop()
                        raise Stopped
                kind, content = connection.recv()
                if kind == "progress":
                    on_progress(content)
                elif kind == "failed":
                    raise content
                else:
                    self._owes = chunk_orders > 0
                    chunks = self._chunks(connection) if self._owes else iter(())
                    return Solved(allocation=Allocation(*content), chunks=chunks)
        except (EOFError, OSError) as error:
            self.stop()
            raise SolverGone("the process that solved the batch ended") from error

    def _chunks(self, connection: Connection) -> Iterator[Chunk]:
        try:
            while chunk := connection.recv():
                yield chunk
            self._owes = False
        except (EOFError, OSError) as error:
            raise SolverGone("the process that solved the batch ended") from error


def _serve(connection: Connection) -> None:
    """The process: take a batch, answer, until the other end is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the service decides when this ends
    from engine.batch import Policy
    from engine.warm import load_kernels

    load_kernels()
    gc.freeze()
    gc.disable()  # a batch makes millions of rows and no cycles; what there is goes after each
    while True:
        try:
            policy, tables, params, chunk_orders = connection.recv()
        except (EOFError, OSError):
            return
        try:
            _work(connection, Batch(Policy.model_validate(policy), tables), params, chunk_orders)
        except OSError:
            return
        except Exception as error:
            connection.send(("failed", error))
        del tables
        gc.collect()


def _work(connection: Connection, batch: Batch, params: AllocateParams, chunk_orders: int) -> None:
    from engine import allocate

    allocation = allocate(batch, params, on_progress=lambda at: connection.send(("progress", at)))
    connection.send(("done", (dict(allocation.tables), allocation.summary)))
    if chunk_orders:
        for chunk in prepare_chunks(batch, allocation, chunk_orders):
            connection.send(chunk)
        connection.send(None)
