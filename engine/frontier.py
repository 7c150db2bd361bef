"""Cost against one quantity (carbon, splits, lateness, units left out) as a curve of certified points.

A point is an allocation at some weight of the quantity. Its bound proves a line below which no allocation is: at weight
``w`` every allocation costs at least ``bound - w * quantity`` besides the quantity. The highest of all those lines is
the certified envelope; the true frontier lies between it and the points.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.allocate import AllocateParams, allocate
from engine.documents import Allocation, Batch
from engine.network import codes, days, ints

Over = Literal["carbon", "split", "late", "unallocated"]
TERM: Mapping[str, str] = {
    "carbon": "carbon_cents",
    "split": "split_cents",
    "late": "late_cents",
    "unallocated": "unallocated_cents",
}
WEIGHT: Mapping[str, str] = {
    "carbon": "carbon_cents_per_kg",
    "split": "split_cents",
    "late": "late_cents_per_day",
    "unallocated": "unallocated_cents",
}
"""The policy's field that weighs the quantity."""
UNIT: Mapping[str, str] = {
    "carbon": "kg of carbon",
    "split": "shipments after an order's first",
    "late": "late days, times priority",
    "unallocated": "units left out, times priority",
}
MOST: Mapping[str, int] = {"carbon": 2_000, "split": 2_000, "late": 5_000, "unallocated": 20_000}
"""The highest weight, where none is given."""


@dataclass(frozen=True, kw_only=True)
class FrontierParams:
    """Parameters of :func:`frontier`.

    Parameters
    ----------
    over : str
        ``carbon``, ``split``, ``late`` or ``unallocated``.
    n_points : int
        How many allocations, at least 2: at weight zero, at the highest, and between where least is known.
    most_cents : int or None
        The highest weight, in cents a unit of the quantity; None: see :data:`MOST`.
    run : AllocateParams
        For each allocation.

    Raises
    ------
    ValueError
        If a value is out of range.
    """

    over: Over
    n_points: int = 7
    most_cents: int | None = None
    run: AllocateParams = field(default_factory=AllocateParams)

    def __post_init__(self) -> None:
        if self.over not in TERM:
            raise ValueError(f"over is {self.over!r}, expected one of {', '.join(TERM)}")
        if self.n_points < 2:
            raise ValueError(f"n_points is {self.n_points}, expected an integer from 2")
        if self.most_cents is not None and not 1 <= self.most_cents < 2**31:
            raise ValueError(f"most_cents is {self.most_cents}, expected an integer from 1 to {2**31 - 1}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Line:
    """A proof: every allocation costs at least ``floor_cents - weight_cents * quantity`` besides the quantity.

    ``floor_cents`` is the bound at this weight, less what rounding each charge to a cent can add.
    """

    weight_cents: int
    floor_cents: float

    def at(self, quantity: float) -> float:
        """The least other cost that the line allows at a quantity."""
        return self.floor_cents - self.weight_cents * quantity


@dataclass(frozen=True, kw_only=True, eq=False)
class Point:
    """An allocation on the curve.

    Parameters
    ----------
    weight_cents : int
        At which weight it was found.
    quantity : float
        How much of the quantity it has.
    other_cents : int
        All other terms.
    objective_cents, bound_cents : int
        With the quantity at its weight.
    envelope_cents : float
        No allocation with at most this quantity has other terms below it, proved by all runs together.
    termination : str
        Of its run.
    allocation : Allocation
        Itself; costs in its tables are at its weight.
    """

    weight_cents: int
    quantity: float
    other_cents: int
    objective_cents: int
    bound_cents: int
    envelope_cents: float
    termination: str
    allocation: Allocation

    @property
    def within_cents(self) -> float:
        """How far above the true frontier it can be."""
        return self.other_cents - self.envelope_cents

    def to_document(self) -> dict[str, Any]:
        """The figures, as a row of a table."""
        return {
            "weight_cents": self.weight_cents,
            "quantity": self.quantity,
            "other_cents": self.other_cents,
            "objective_cents": self.objective_cents,
            "bound_cents": self.bound_cents,
            "envelope_cents": self.envelope_cents,
            "within_cents": self.within_cents,
            "termination": self.termination,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Frontier:
    """A curve of cost against a quantity.

    Parameters
    ----------
    over : str
        The quantity.
    points : tuple of Point
        By falling quantity, rising cost; what another allocation beats in both is dropped.
    lines : tuple of Line
        What is proved, by rising weight.
    n_dropped : int
        Allocations that were beaten.
    """

    over: Over
    points: tuple[Point, ...]
    lines: tuple[Line, ...]
    n_dropped: int

    def envelope(self, quantity: float) -> float:
        """No allocation with at most this quantity has other terms below this, in cents."""
        return max(line.at(quantity) for line in self.lines)

    def to_document(self) -> dict[str, Any]:
        """JSON-like data."""
        return {
            "over": self.over,
            "unit": UNIT[self.over],
            "points": [point.to_document() for point in self.points],
            "lines": [{"weight_cents": line.weight_cents, "floor_cents": line.floor_cents} for line in self.lines],
            "n_dropped": self.n_dropped,
        }

    def table(self) -> pa.Table:
        """The points as a table."""
        return pa.Table.from_pylist([point.to_document() for point in self.points])


def frontier(
    batch: Batch,
    params: FrontierParams,
    *,
    on_point: Callable[[int, Point], None] | None = None,
    interrupt: Callable[[], bool] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Frontier:
    """Sweep the weight of a quantity, and certify how near to the best possible curve the points are.

    Parameters
    ----------
    batch : Batch
    params : FrontierParams
    on_point : callable, optional
        Called after each allocation with how many there are and the newest; its envelope is that of then.
    interrupt : callable, optional
        Asked whether to stop, within a run and between runs; the points so far are right.
    clock : callable
        Seconds.

    Returns
    -------
    Frontier
        The first weights are zero, the highest, and the policy's own; each one after that is the slope of the curve
        where points and envelope are farthest apart. Ends early where no whole weight is left to try.

    Raises
    ------
    InputError
        As for :func:`engine.allocate.allocate`.
    """
    found: dict[int, tuple[Point, Line]] = {}

    def run(weight: int) -> None:
        weighted = weigh(batch, params.over, weight)
        allocation = allocate(weighted, params.run, interrupt=interrupt, clock=clock)
        summary = allocation.summary
        line = Line(
            weight_cents=weight, floor_cents=summary["bound_cents"] - _rounding_cents(weighted, params.over, weight)
        )
        point = Point(
            weight_cents=weight,
            quantity=quantity_of(weighted, allocation, params.over),
            other_cents=summary["objective_cents"] - summary["terms"][TERM[params.over]],
            objective_cents=summary["objective_cents"],
            bound_cents=summary["bound_cents"],
            envelope_cents=0.0,
            termination=summary["termination"],
            allocation=allocation,
        )
        found[weight] = (point, line)
        if on_point is not None:
            lines = [its for _, its in found.values()]
            on_point(len(found), replace(point, envelope_cents=max(its.at(point.quantity) for its in lines)))

    most = MOST[params.over] if params.most_cents is None else params.most_cents
    own = int(getattr(batch.policy, WEIGHT[params.over]))
    for weight in dict.fromkeys((0, most, *((own,) if 0 < own < most else ()))):
        if len(found) < params.n_points and not (found and interrupt is not None and interrupt()):
            run(weight)
    while len(found) < params.n_points and not (interrupt is not None and interrupt()):
        weight_next = _next_weight(found)
        if weight_next is None:
            break
        run(weight_next)
    return _curve(params.over, found)


def weigh(batch: Batch, over: Over, weight: int) -> Batch:
    """The batch with a quantity weighed the same in every order, in cents a unit."""
    policy = batch.policy.model_copy(update={WEIGHT[over]: weight})
    tables = dict(batch.tables)
    if over == "late":
        tables["orders"] = _without(tables["orders"], "late_cents_per_day")
    if over == "unallocated":
        policy = policy.model_copy(update={"unallocated_value_bp": 0})
        tables["lines"] = _without(tables["lines"], "unallocated_cents")
    return Batch(policy, tables)


def quantity_of(batch: Batch, allocation: Allocation, over: Over) -> float:
    """How much an allocation has of a quantity; see :data:`UNIT`."""
    shipments, orders = allocation["shipments"], batch["orders"]
    order_ids = orders.column("order_id").combine_chunks()
    if over == "split":
        n_orders = len(pc.unique(shipments.column("order_id")))
        return float(shipments.num_rows - n_orders)
    if over == "late":
        order = codes(shipments.column("order_id"), order_ids)
        late = days(shipments, "deliver_date", 0) - days(orders, "deliver_by", 2**62)[order]
        return float((np.maximum(0, late) * ints(orders, "priority_pct")[order]).sum()) / 100.0
    if over == "unallocated":
        left = allocation["unallocated"]
        order = codes(left.column("order_id"), order_ids)
        counts = ~orders.column("held").to_numpy()[order]
        return float((ints(left, "quantity") * ints(orders, "priority_pct")[order] * counts).sum()) / 100.0
    parts, services = allocation["allocations"], batch["services"]
    item = codes(parts.column("sku"), batch["items"].column("sku").combine_chunks())
    shipment = codes(parts.column("shipment_id"), shipments.column("shipment_id").combine_chunks())
    grams = np.zeros(shipments.num_rows)
    np.add.at(grams, shipment, (ints(parts, "quantity") * ints(batch["items"], "weight_g")[item]).astype(np.float64))
    service = codes(shipments.column("service_id"), services.column("service_id").combine_chunks())
    metres = shipments.column("distance_km").to_numpy() * 1000.0
    return float((ints(services, "carbon_g_per_tonne_km")[service] * grams * metres).sum()) / 1e12


def _rounding_cents(batch: Batch, over: Over, weight: int) -> float:
    """What rounding can add to ``weight * quantity``: half a cent for each charge that may not be whole."""
    if over == "split" or weight == 0:
        return 0.0
    orders, lines = batch["orders"], batch["lines"]
    order = codes(lines.column("order_id"), orders.column("order_id").combine_chunks())
    n_lines = np.bincount(order, minlength=orders.num_rows)
    n_units = np.bincount(order, weights=ints(lines, "quantity"), minlength=orders.num_rows)
    charges = n_lines
    if over != "unallocated":  # one for each shipment, of which none is empty
        most = pc.fill_null(orders.column("max_shipments"), batch.policy.max_shipments).to_numpy()
        charges = np.minimum(most, n_units if batch.policy.allow_line_split else n_lines)
    if over == "carbon":
        return 0.5 * float(charges.sum())
    uneven = (weight * ints(orders, "priority_pct")) % 100 != 0
    return 0.5 * float(charges[uneven].sum())


def _without(table: pa.Table, column: str) -> pa.Table:
    at = table.schema.get_field_index(column)
    return table.set_column(at, table.schema.field(at), pa.nulls(table.num_rows, table.schema.field(at).type))


def _next_weight(found: dict[int, tuple[Point, Line]]) -> int | None:
    """The slope between two neighbours of the curve that the envelope lies farthest below; None: all are tried."""
    best: tuple[float, int] | None = None
    weights = sorted(found)
    for low, high in pairwise(weights):
        (cheap, low_line), (lean, high_line) = found[low], found[high]
        saved, cost = cheap.quantity - lean.quantity, lean.other_cents - cheap.other_cents
        if saved <= 0 or cost <= 0:
            continue
        weight = round(cost / saved)
        if weight <= low or weight >= high:
            weight = (low + high) // 2
        if weight in found:
            continue
        meet = (high_line.floor_cents - low_line.floor_cents) / (high - low)
        chord = cheap.other_cents + (cheap.quantity - meet) * cost / saved
        unknown = chord - low_line.at(meet)
        if best is None or unknown > best[0]:
            best = unknown, weight
    return None if best is None else best[1]


def _curve(over: Over, found: dict[int, tuple[Point, Line]]) -> Frontier:
    lines = tuple(found[weight][1] for weight in sorted(found))
    envelope = Frontier(over=over, points=(), lines=lines, n_dropped=0).envelope
    points = [replace(point, envelope_cents=envelope(point.quantity)) for point, _ in found.values()]
    points.sort(key=lambda point: (point.quantity, point.other_cents, point.weight_cents))
    kept: list[Point] = []
    for point in points:
        if not kept or point.other_cents < kept[-1].other_cents:
            kept.append(point)
    return Frontier(over=over, points=tuple(reversed(kept)), lines=lines, n_dropped=len(points) - len(kept))
