"""A neighbourhood as the oracle sees it: options listed from the documents, dealt out by scipy's integer program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csc_array

from engine.documents import Batch, batch_to_document
from engine.explain import Named
from engine.live import Decision
from tests.oracle.brute import Calendar, Option, TooLarge, add_use, order_options
from tests.oracle.brute import Resource as OracleResource
from tests.oracle.costs import Shipment
from tests.oracle.reading import Batch as OracleBatch


class Oracle:
    """The options of the orders of a batch; each is worked out once."""

    def __init__(self, batch: Batch) -> None:
        document = batch_to_document(batch)
        self._batch = OracleBatch(document)
        self._calendar = Calendar(self._batch)
        self._known: dict[str, list[Option] | None] = {}

    def options(self, order_id: str) -> list[Option] | None:
        """Every option of an order; None where there are too many."""
        if order_id not in self._known:
            try:
                self._known[order_id] = list(order_options(self._calendar, self._batch.orders[order_id]))
            except TooLarge:
                self._known[order_id] = None
        return self._known[order_id]

    def left(self, decisions: Iterable[Decision]) -> dict[OracleResource, int]:
        """What some decisions leave of every resource."""
        left = dict(self._calendar.capacity)
        for decision in decisions:
            for resource, amount in self.use(decision).items():
                left[resource] -= amount
        return left

    def use(self, decision: Decision) -> dict[OracleResource, int]:
        """What a decision takes."""
        order = self._batch.orders[decision.order_id]
        total: dict[OracleResource, int] = {}
        for row in decision.shipments:
            its = [part for part in decision.allocations if part.shipment_id == row.shipment_id]
            parts = {part.line_id: part.quantity for part in its}
            quantities = tuple(parts.get(line.line_id, 0) for line in order.lines)
            where = (row.node_id, row.ship_date, row.service_id, row.deliver_date, row.zone)
            shipment = Shipment(*where, 0.0, 0, quantities, 0, 0, 0, 0, 0)
            total = add_use(total, self._calendar.use_of(order, shipment))
        return total


class Deal:
    """Some orders and what there is for them; the first one is asked about."""

    def __init__(self, listed: Sequence[Sequence[Option]], capacity: Mapping[OracleResource, int]) -> None:
        self.columns = [option for options in listed for option in options]
        self.own = np.arange(len(self.columns)) < len(listed[0])
        self.cents = np.array([float(option.cents) for option in self.columns])
        names = sorted({name for option in self.columns for name in option.use}, key=str)
        self._row = {name: row for row, name in enumerate(names)}
        self._capacity = np.array([float(capacity[name]) for name in names])
        group = np.repeat(np.arange(len(listed)), [len(options) for options in listed])
        entries = [
            (self._row[name], column, amount)
            for column, option in enumerate(self.columns)
            for name, amount in option.use.items()
        ]
        rows, cols, amounts = np.array(entries, np.int64).reshape(-1, 3).T
        n = len(self.columns)
        self._use = csc_array((amounts.astype(float), (rows, cols)), shape=(len(names), n))
        self._one = csc_array((np.ones(n), (group, np.arange(n))), shape=(len(listed), n))

    @property
    def constraints(self) -> list[LinearConstraint]:
        """One option an order, within the capacities."""
        return self._limits(self._capacity)

    def _limits(self, capacity: np.ndarray) -> list[LinearConstraint]:
        one = LinearConstraint(self._one, 1.0, 1.0)
        return [one, LinearConstraint(self._use, -np.inf, capacity)] if capacity.size else [one]

    def shipments_from(self, node_id: str) -> np.ndarray:
        """How many shipments of the first order's options leave a node; none of the others'."""
        counts = [sum(one.node_id == node_id for one in option.shipments) for option in self.columns]
        return np.where(self.own, counts, 0)

    def least(
        self, cents: np.ndarray | float = 0.0, barred: np.ndarray | None = None, more: Mapping[Named, int] | None = None
    ) -> float:
        """The least cost with something added to the cost of options, some barred, and more of resources."""
        capacity = self._capacity.copy()
        for named, units in (more or {}).items():
            for name, row in self._row.items():
                same = (name.kind, name.node_id, name.sku, name.service_id) == (
                    named.kind,
                    named.node_id,
                    named.sku,
                    named.service_id,
                )
                later = named.kind == "stock" and (named.date is None or (name.date and name.date >= named.date))
                if same and (later or name.date == named.date):
                    capacity[row] += units
        upper = np.ones(len(self.columns)) if barred is None else np.where(barred, 0.0, 1.0)
        found = milp(
            self.cents + cents,
            integrality=np.ones(len(self.columns)),
            bounds=Bounds(0.0, upper),
            constraints=self._limits(capacity),
            options={"mip_rel_gap": 0.0},
        )
        assert found.status == 0, found.message
        return float(round(found.fun))
