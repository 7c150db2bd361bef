"""An allocation on the arrays of its batch: what each order costs and takes, who holds what, and what is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.documents import Allocation, Batch
from engine.errors import Fault, InputError, shown
from engine.explain.answers import Named
from engine.live.dates import day_of
from engine.live.plain import read_rows
from engine.live.prices import KINDS, LivePrices
from engine.live.snapshot import Snapshot
from engine.live.state import State
from engine.live.types import Allocated, Decision, Order, OrderLine, Shipment, Unallocated
from engine.network import NOW, IntArray, codes, days, ints
from solver.problem import offsets, ranges

COST_COLUMNS = ("freight_cents", "handling_cents", "preference_cents", "split_cents", "late_cents", "carbon_cents")


class Standing:
    """What stands in an allocation, by order and by resource.

    Attributes
    ----------
    state : State
        The network as :mod:`engine.live` sees it, nothing taken.
    cents : int64[n_orders]
        What each order costs.
    usage_first, usage_resource, usage_amount : int64
        CSR: what each order takes; a resource may be named several times.
    left : int64[n_resources]
        What all orders together leave.
    price_milli : int64[n_resources]
        The allocation's prices, in thousandths of a cent.
    """

    def __init__(self, batch: Batch, allocation: Allocation) -> None:
        """Put an allocation beside its batch.

        Raises
        ------
        InputError
            When the allocation is not of this batch: it names what the batch does not have, or over-uses a resource.
        """
        self.batch, self.allocation = batch, allocation
        self.snapshot = Snapshot(batch)
        with self.snapshot.locked() as state:
            self.state: State = state
        self.live_prices: LivePrices = self.snapshot.prices(allocation["prices"])
        self.price_milli: IntArray = self.live_prices.on(state).unit
        self.order_ids = batch["orders"].column("order_id").combine_chunks()
        self.n_orders = len(self.order_ids)
        lines_order = codes(batch["lines"].column("order_id"), self.order_ids)
        self._line_first, self._line_rows = _grouped(lines_order, self.n_orders)
        owner = {
            name: self._orders_of(name, allocation[name].column("order_id"))
            for name in ("shipments", "allocations", "unallocated")
        }
        self._rows = {name: _grouped(order, self.n_orders) for name, order in owner.items()}
        self.cents = self._cents(owner)
        self._take(owner)
        self.holder_first, by_resource = _grouped(self.usage_resource, state.network.supply.size)
        order = np.repeat(np.arange(self.n_orders), np.diff(self.usage_first))
        self._holder, self._held = order[by_resource], self.usage_amount[by_resource]

    def number_of(self, order_id: str) -> int:
        """The number of an order.

        Raises
        ------
        InputError
            When there is none of that id; names those that look like it.
        """
        found = int(pc.index(self.order_ids, pa.scalar(order_id, pa.string())).as_py())
        if found < 0:
            near = _near(order_id, self.order_ids)
            expected = f"an order of the batch, such as {' or '.join(near)}" if near else "an order of the batch"
            raise InputError(
                [Fault(table="orders", row=None, column="order_id", value=shown(order_id), expected=expected)]
            )
        return found

    def orders_of(self, numbers: Sequence[int]) -> list[Order]:
        """Orders of the batch as plain data."""
        at = np.asarray(numbers, np.int64)
        first, last = self._line_first[at], self._line_first[at + 1]
        rows = pa.array(self._line_rows[ranges(first, last)])
        lines = iter(self.batch["lines"].drop_columns("order_id").take(rows).to_pylist())
        out = []
        for n_lines, row in zip((last - first).tolist(), self.batch["orders"].take(pa.array(at)).to_pylist()):
            row["lines"] = tuple(OrderLine(**next(lines)) for _ in range(n_lines))
            for name in ("only_nodes", "not_nodes"):
                row[name] = tuple((row[name] or "").split())
            out.append(Order(**row))
        return out

    def decision_of(self, number: int) -> Decision:
        """How an order is served."""
        rows = {name: self._rows_of(name, number) for name in self._rows}
        return Decision(
            order_id=self.order_ids[number].as_py(),
            shipments=read_rows(Shipment, rows["shipments"]),
            allocations=read_rows(Allocated, rows["allocations"]),
            unallocated=read_rows(Unallocated, rows["unallocated"]),
        )

    def usage_of(self, numbers: Sequence[int]) -> IntArray:
        """What some orders take together, int64[n_resources]."""
        at = np.asarray(numbers, np.int64)
        entries = ranges(self.usage_first[at], self.usage_first[at + 1])
        usage = np.zeros(self.left.size, np.int64)
        np.add.at(usage, self.usage_resource[entries], self.usage_amount[entries])
        return usage

    def holders_of(self, resource: int) -> tuple[IntArray, IntArray]:
        """The orders that hold a resource, rising, and how much."""
        its = slice(int(self.holder_first[resource]), int(self.holder_first[resource + 1]))
        order, at = np.unique(self._holder[its], return_inverse=True)
        held = np.zeros(order.size, np.int64)
        np.add.at(held, at, self._held[its])
        return order, held

    def name_of(self, resource: int) -> Named:
        """A resource in words."""
        network, names = self.state.network, self.state.base.names
        n_stock = int(network.pair_first_resource[-1])
        if resource < n_stock:
            pair = int(np.searchsorted(network.pair_first_resource, resource, side="right")) - 1
            sku = int(np.searchsorted(network.sku_first_pair, pair, side="right")) - 1
            day = int(network.stock_day[resource])
            return Named(
                kind=KINDS[0],
                node_id=names.node_id[int(network.pair_node[pair])],
                sku=self.state.base.skus[sku],
                service_id=None,
                date=None if day == NOW else day_of(day),
            )
        columns = (network.slot_shipments_resource, network.slot_units_resource, network.slot_service_resource)
        number = next(at for at, column in enumerate(columns) if (column == resource).any())
        where = np.argwhere(columns[number] == resource)[0].tolist()
        slot, service = where[0], where[1] if len(where) > 1 else None
        return Named(
            kind=KINDS[1 + number],
            node_id=names.node_id[int(network.slot_node[slot])],
            sku=None,
            service_id=None if service is None else names.service_id[service],
            date=day_of(int(network.slot_day[slot])),
        )

    def together(self, resource: int) -> list[int]:
        """The resources that one more unit of this one raises: a unit on hand counts in all later intervals."""
        network = self.state.network
        if resource >= int(network.pair_first_resource[-1]):
            return [resource]
        pair = int(np.searchsorted(network.pair_first_resource, resource, side="right")) - 1
        return list(range(resource, int(network.pair_first_resource[pair + 1])))

    def _rows_of(self, name: str, number: int) -> list[dict[str, Any]]:
        first, rows = self._rows[name]
        its = rows[first[number] : first[number + 1]]
        found: list[dict[str, Any]] = self.allocation[name].take(pa.array(its)).to_pylist()
        for row in found:
            for column in ("ship_date", "deliver_date"):
                if column in row:
                    row[column] = row[column].isoformat()
        return found

    def _orders_of(self, table: str, column: pa.ChunkedArray) -> IntArray:
        order = codes(column, self.order_ids)
        self._refuse(table, "order_id", column, order < 0, "an order of the batch")
        return order

    def _refuse(self, table: str, name: str, column: pa.ChunkedArray, wrong: Any, expected: str) -> None:
        rows = np.flatnonzero(wrong)
        if rows.size:
            value = shown(str(column[int(rows[0])].as_py()))
            raise InputError([Fault(table=table, row=int(rows[0]) + 1, column=name, value=value, expected=expected)])

    def _cents(self, owner: dict[str, IntArray]) -> IntArray:
        cents = np.zeros(self.n_orders, np.int64)
        for name in COST_COLUMNS:
            np.add.at(cents, owner["shipments"], ints(self.allocation["shipments"], name))
        np.add.at(cents, owner["unallocated"], ints(self.allocation["unallocated"], "unallocated_cents"))
        return cents

    def _take(self, owner: dict[str, IntArray]) -> None:
        """Work out what each order takes, from the tables."""
        network, names = self.state.network, self.state.base.names
        shipments, parts = self.allocation["shipments"], self.allocation["allocations"]
        node = codes(shipments.column("node_id"), pa.array(names.node_id, pa.string()))
        service = codes(shipments.column("service_id"), pa.array(names.service_id, pa.string()))
        day = days(shipments, "ship_date", NOW)
        span = int(network.slot_day.max(initial=0)) + 2
        slot_key = network.slot_node * span + network.slot_day
        slot = np.searchsorted(slot_key, node * span + day)
        known = (node >= 0) & (slot < slot_key.size)
        known[known] = slot_key[slot[known]] == (node * span + day)[known]
        self._refuse("shipments", "node_id", shipments.column("node_id"), node < 0, "a node of the batch")
        self._refuse("shipments", "service_id", shipments.column("service_id"), service < 0, "a service of the batch")
        self._refuse("shipments", "ship_date", shipments.column("ship_date"), ~known, "a ship date of its node")
        shipment = codes(parts.column("shipment_id"), shipments.column("shipment_id").combine_chunks())
        expected = "a shipment_id of shipments"
        self._refuse("allocations", "shipment_id", parts.column("shipment_id"), shipment < 0, expected)
        quantity = ints(parts, "quantity")
        units = np.zeros(node.size, np.int64)
        np.add.at(units, shipment, quantity)
        taken = [self._stock_taken(owner["allocations"], node[shipment], day[shipment], quantity)]
        for resource, amount in (
            (network.slot_shipments_resource[slot], np.ones(node.size, np.int64)),
            (network.slot_units_resource[slot], units),
            (network.slot_service_resource[slot, service], np.ones(node.size, np.int64)),
        ):
            limited = resource >= 0
            taken.append((owner["shipments"][limited], resource[limited], amount[limited]))
        order, resource, amount = (np.concatenate(columns) for columns in zip(*taken))
        by_order = np.argsort(order, kind="stable")
        self.usage_first = offsets(np.bincount(order, minlength=self.n_orders).astype(np.int64))
        self.usage_resource, self.usage_amount = resource[by_order], amount[by_order]
        self.left = network.supply.copy()
        np.subtract.at(self.left, resource, amount)
        if (self.left < 0).any():
            worst = self.name_of(int(np.argmin(self.left)))
            over = f"{-int(self.left.min())} more of {worst.kind} at {worst.node_id} than there is"
            raise InputError(
                [Fault(table="allocation", row=None, column=None, value=over, expected="an allocation of this batch")]
            )

    def _stock_taken(
        self, order: IntArray, node: IntArray, day: IntArray, quantity: IntArray
    ) -> tuple[IntArray, IntArray, IntArray]:
        """Orders, stock intervals and units: a shipment counts in the interval of its day and in all later ones."""
        network, parts = self.state.network, self.allocation["allocations"]
        sku = codes(parts.column("sku"), self.state.base.names.sku)
        n_nodes = network.node_lat.size
        pair_sku = np.repeat(np.arange(network.sku_first_pair.size - 1), np.diff(network.sku_first_pair))
        keys = pair_sku * n_nodes + network.pair_node
        pair = np.searchsorted(keys, sku * n_nodes + node)
        known = (sku >= 0) & (pair < keys.size)
        known[known] = keys[pair[known]] == (sku * n_nodes + node)[known]
        self._refuse("allocations", "sku", parts.column("sku"), ~known, "an item with stock at the node")
        first, last = network.pair_first_resource[pair], network.pair_first_resource[pair + 1]
        row = np.repeat(np.arange(pair.size), last - first)
        resource = ranges(first, last)
        opens = np.append(network.stock_day[resource][1:], 0)
        ends = np.append(row[1:] != row[:-1], True) if row.size else np.zeros(0, np.bool_)
        counts = ends | (opens > day[row])  # the next interval opens later: this one is open that day, or later itself
        return order[row[counts]], resource[counts], quantity[row[counts]]


def _grouped(key: IntArray, n: int) -> tuple[IntArray, IntArray]:
    """Offsets by key, and the rows of each key in the order they came."""
    return offsets(np.bincount(key, minlength=n).astype(np.int64)), np.argsort(key, kind="stable")


def _near(order_id: str, order_ids: pa.Array) -> list[str]:
    from difflib import get_close_matches

    half = order_id[: max(1, len(order_id) // 2)]
    like = order_ids.filter(pc.starts_with(order_ids, half)) if len(order_ids) > 20_000 else order_ids
    return get_close_matches(order_id, like[:20_000].to_pylist(), n=3, cutoff=0.7)
