"""Results of operations as they are looked at: read from the ledger once, a few kept in memory."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from functools import cached_property
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from api.figures import figures_document, rows
from api.packing import unpack_batch
from engine.batch import Allocation, Batch
from engine.comparison import Plan, compare
from engine.explain import Explainer
from engine.ledger import Ledger
from engine.order_rows import order_rows
from engine.schema import OUTPUT_TABLES

MOST_KEPT = 4
MOST_MOVES = 100


class View:
    """One result: the batch, its allocation, and what was computed from both.

    Parameters
    ----------
    batch : Batch
        What was asked for.
    allocation : Allocation
        What was decided.
    """

    def __init__(self, batch: Batch, allocation: Allocation) -> None:
        self.batch = batch
        self.allocation = allocation

    @cached_property
    def orders(self) -> pa.Table:
        """A row for each order."""
        return order_rows(self.batch, self.allocation)


class Views:
    """Finds the results of finished operations; may be asked on any thread.

    Parameters
    ----------
    ledger : Ledger
        Where they are kept.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._views: OrderedDict[tuple[str, str], View] = OrderedDict()
        self._figures: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._explaining = threading.Lock()
        self._explainer: tuple[View, Explainer] | None = None

    def view(self, tenant: str, operation_id: str) -> View | None:
        """Return a result; None where there is none, or not any more."""
        with self._lock:  # two that ask at once need not both read it
            found = self._views.get((tenant, operation_id)) or self._read(tenant, operation_id)
            if found is not None:
                _keep(self._views, (tenant, operation_id), found, MOST_KEPT)
            return found

    def figures(self, tenant: str, operation_id: str, name: str) -> bytes | None:
        """Return the figures of a result as JSON; None where there are none."""
        key = (tenant, operation_id)
        found = self._figures.get(key) or self._ledger.operation_result(tenant, operation_id, "figures")
        if found is None:
            view = self.view(tenant, operation_id)
            if view is None:
                return None
            about: dict[str, Any] = {"name": name, "rule": "whole"}
            document = figures_document(view.batch, view.allocation, operation_id=operation_id, about=about)
            found = orjson.dumps(document)
        with self._lock:
            _keep(self._figures, key, found, 4 * MOST_KEPT)
        return found

    def explanation(self, view: View, order_id: str) -> dict[str, Any]:
        """Why an order of a result is served as it is, as JSON-like data.

        The first question to a result compiles its batch: seconds for a large one. One such is kept.

        Raises
        ------
        InputError
            When there is no such order.
        """
        with self._explaining:
            if self._explainer is None or self._explainer[0] is not view:
                self._explainer = None  # not two of them at a time
                self._explainer = view, Explainer(view.batch, view.allocation)
            return self._explainer[1].order(order_id).to_document()

    def _read(self, tenant: str, operation_id: str) -> View | None:
        names = ("batch", "summary", *OUTPUT_TABLES)
        raw = {name: self._ledger.operation_result(tenant, operation_id, name) for name in names}
        if any(content is None for content in raw.values()):
            return None
        tables = {name: pq.read_table(io.BytesIO(raw[name] or b"")) for name in OUTPUT_TABLES}
        return View(unpack_batch(raw["batch"] or b""), Allocation(tables, orjson.loads(raw["summary"] or b"{}")))


def comparison_document(view: View, baseline: View, limit: int) -> dict[str, Any]:
    """Return what differs between two results, as JSON-like data.

    Parameters
    ----------
    view, baseline : View
        Differences are of the first less the second.
    limit : int
        Orders that are listed: those with the greatest difference in cost.
    """
    plans = [
        Plan(name=name, batch=one.batch, allocation=one.allocation)
        for name, one in (("baseline", baseline), ("plan", view))
    ]
    found = compare(plans)
    inputs = [plan["input_sha256"] for plan in found.summary["plans"]]
    orders = found["orders"]
    size = pc.abs(orders["difference_cents"])
    largest = pc.sort_indices(
        orders.append_column("size", size), sort_keys=[("size", "descending"), ("order_id", "ascending")]
    )
    moved = found["moved"].sort_by(
        [("units", "descending"), ("from_node_id", "ascending"), ("to_node_id", "ascending")]
    )
    return {
        "same_batch": inputs[0] == inputs[1],
        "certainty": found.summary["plans"][1]["certainty"],
        "changed_orders": orders.num_rows,
        "orders": rows(orders.take(largest.slice(0, limit)).drop_columns(["plan"])),
        "moved": rows(moved.slice(0, MOST_MOVES).drop_columns(["plan"])),
    }


def _keep(kept: OrderedDict[tuple[str, str], Any], key: tuple[str, str], value: Any, most: int) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > most:
        kept.popitem(last=False)
