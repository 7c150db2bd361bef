"""The use case: a batch in, a certified allocation out."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa

from engine.compile import Compiled, Index, compile_batch
from engine.decode import Chosen, Terms, chosen_shipments, left_quantities, output_tables, shipment_terms
from engine.documents import Allocation, Batch
from engine.network import IntArray
from engine.orders import Orders, nothing_cents
from engine.prices import resource_prices
from engine.workers import Mapper, shard_workers, workers
from solver import SolveParams, Termination, TracePoint, solve
from solver.problem import FloatArray
from solver.result import relative_gap

VERSIONED = ("nodewise", "numba", "numpy", "ortools", "pyarrow", "scipy")


@dataclass(frozen=True, kw_only=True)
class AllocateParams:
    """Parameters of :func:`allocate`.

    Parameters
    ----------
    gap : float
        Stop when the certified gap is at most this.
    time_limit_seconds : float
        Looked at between steps.
    seed : int
        Seed of every random move.
    workers : int
        Threads; the result does not depend on them.
    ray_address : str, optional
        Also spread shards over a Ray cluster: its address, or ``local`` for one of our own on this machine, with
        ``workers`` processors. The result does not depend on it.
    ray_least_orders : int
        Batches of fewer orders do without Ray.
    """

    gap: float = 0.005
    time_limit_seconds: float = 60.0
    seed: int = 0
    workers: int = 1
    ray_address: str | None = None
    ray_least_orders: int = 20_000


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run stands."""

    phase: str
    n_orders: int
    objective_cents: int | None
    bound_cents: int | None
    gap: float | None
    elapsed_seconds: float


def allocate(
    batch: Batch,
    params: AllocateParams | None = None,
    *,
    prices: pa.Table | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    interrupt: Callable[[], bool] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Allocation:
    """Choose how every order of a batch is served, and certify how good the choice is.

    Parameters
    ----------
    batch : Batch
        A validated batch.
    params : AllocateParams, optional
        Gap, time limit, seed, workers.
    prices : Table, optional
        The table prices of an earlier batch on a similar network, to start from.
    on_progress : callable, optional
        Called with a :class:`Progress` after each step.
    interrupt : callable, optional
        Asked between steps whether to stop with the best allocation so far.
    clock : callable
        Seconds; looked at between steps only.

    Returns
    -------
    Allocation
        The tables and summary of MODEL.md section 4.

    Raises
    ------
    InputError
        If figures are so large that costs would not be exact.
    """
    params = params or AllocateParams()
    start = clock()

    def tell(point: TracePoint) -> None:
        if on_progress is not None:
            on_progress(
                Progress(
                    phase=point.phase,
                    n_orders=batch["orders"].num_rows,
                    objective_cents=point.objective,
                    bound_cents=point.bound,
                    gap=relative_gap(point.objective, point.bound),
                    elapsed_seconds=clock() - start,
                )
            )

    ray_address = params.ray_address if batch["orders"].num_rows >= params.ray_least_orders else None
    with (
        workers(params.workers) as executor,
        shard_workers(executor, ray_address, params.workers) as spread,
    ):
        parallel = map if executor is None else executor.map
        tell(TracePoint(phase="compile", elapsed_seconds=0.0, objective=None, bound=None))
        compiled = compile_batch(batch, workers=spread)
        compiling = clock() - start
        result = solve(
            compiled.problem,
            SolveParams(
                gap=params.gap,
                time_limit_seconds=max(0.001, params.time_limit_seconds - compiling),
                seed=params.seed,
            ),
            source=compiled.options,
            executor=executor,
            workers=spread,
            start_price=None if prices is None else resource_prices(prices, compiled.network, compiled.names),
            on_progress=tell,
            interrupt=interrupt,
            clock=clock,
        )
        decoding = clock()
        assert result.choice is not None and result.bound is not None
        allocation = document(
            batch,
            compiled,
            result.choice,
            bound_cents=result.bound,
            price=result.price,
            termination=result.termination,
            seed=params.seed,
            parallel=parallel,
        )
    objective = allocation.summary["objective_cents"]
    if not result.bound <= objective <= (result.objective or 0):
        raise AssertionError(f"decoded to {objective} cents, solved to {result.objective}, bound {result.bound}")
    allocation.summary["trace"] = [
        {
            "phase": point.phase,
            "seconds": compiling + point.elapsed_seconds,
            "objective_cents": point.objective,
            "bound_cents": point.bound,
        }
        for point in result.trace
    ]
    allocation.summary["seconds"] = {
        "compile": compiling,
        **result.seconds,
        "decode": clock() - decoding,
        "total": clock() - start,
    }
    return allocation


def document(
    batch: Batch,
    compiled: Compiled,
    tags: IntArray,
    *,
    bound_cents: int,
    price: FloatArray,
    termination: Termination,
    seed: int,
    parallel: Mapper = map,
) -> Allocation:
    """The output documents of a choice (a tag for each order), without the seconds."""
    chosen = chosen_shipments(compiled, tags)
    return document_shipments(
        batch,
        compiled,
        chosen,
        bound_cents=bound_cents,
        price=price,
        termination=termination,
        seed=seed,
        parallel=parallel,
    )


def document_shipments(
    batch: Batch,
    index: Index,
    chosen: Chosen,
    *,
    bound_cents: int,
    price: FloatArray,
    termination: Termination,
    seed: int,
    parallel: Mapper = map,
) -> Allocation:
    """The output documents of chosen shipments, wherever they come from, without the seconds."""
    orders = index.orders
    terms = shipment_terms(index.network, orders, chosen)
    tables = output_tables(batch, index, chosen, terms, price, parallel)
    left, left_cents = left_quantities(orders, chosen)
    totals = {name: int(np.sum(getattr(terms, name))) for name in Terms._fields if name.endswith("_cents")}
    totals["unallocated_cents"] = int(left_cents.sum())
    objective = sum(totals.values())
    nothing = int(nothing_cents(orders).sum())
    summary: dict[str, Any] = {
        "counts": _counts(orders, chosen, terms, left),
        "terms": totals,
        "objective_cents": objective,
        "bound_cents": bound_cents,
        "gap": (objective - bound_cents) / max(1, abs(objective)),
        "nothing_cents": nothing,
        "savings_gap": (objective - bound_cents) / max(1, nothing - bound_cents),
        "termination": "optimal" if objective == bound_cents else termination,
        "seed": seed,
        "seconds": {},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in VERSIONED}},
    }
    return Allocation(tables, summary)


def _counts(orders: Orders, chosen: Chosen, terms: Terms, left: IntArray) -> dict[str, int]:
    n_orders = orders.lat.size
    order_of_line = np.repeat(np.arange(n_orders), np.diff(orders.line_first))
    shipments_of = np.bincount(chosen.order, minlength=n_orders)
    short = np.bincount(order_of_line, weights=left > 0, minlength=n_orders) > 0
    late = terms.deliver_day > orders.deliver_by[chosen.order]
    return {
        "orders": n_orders,
        "lines": orders.line_sku.size,
        "units": int(orders.line_quantity.sum()),
        "shipments": chosen.order.size,
        "orders_allocated": int((shipments_of > 0).sum()),
        "orders_complete": int(((shipments_of > 0) & ~short).sum()),
        "lines_allocated": int((left < orders.line_quantity).sum()),
        "units_allocated": int((orders.line_quantity - left).sum()),
        "orders_split": int((shipments_of > 1).sum()),
        "late_shipments": int(late.sum()),
        "held_orders": int(orders.held.sum()),
    }
