"""The batch as the checker reads it: columns, references between tables as row numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.check.columns import (
    BoolArray,
    Columns,
    Finder,
    IntArray,
    exactly,
    join,
    positions,
)

if TYPE_CHECKING:
    from engine.documents import Batch


class Given:
    """A batch with its references resolved.

    Attributes
    ----------
    policy : Policy
        The planner's weights and rules.
    nodes, stock, items, services, bands, lanes, rates : Columns
    service_capacity, closures, used, orders, lines : Columns
        The tables.
    node_ids, skus, service_ids, order_ids : pyarrow.Array
        The keys, by row.
    line_order, line_item : int64[n_lines]
        Rows of `orders` and `items`.
    line_unit_cents : int64[n_lines]
        Cost of leaving one unit of the line out, before priority.
    max_shipments, late_cents_per_day : int64[n_orders]
        The order's own, or the policy's.
    """

    def __init__(self, batch: Batch) -> None:
        policy = self.policy = batch.policy
        self.nodes = Columns(batch.tables["nodes"])
        self.stock = Columns(batch.tables["stock"])
        self.items = Columns(batch.tables["items"])
        self.services = Columns(batch.tables["services"])
        self.bands = Columns(batch.tables["bands"])
        self.lanes = Columns(batch.tables["lanes"])
        self.rates = Columns(batch.tables["rates"])
        self.service_capacity = Columns(batch.tables["service_capacity"])
        self.closures = Columns(batch.tables["closures"])
        self.used = Columns(batch.tables["used"])
        self.orders = Columns(batch.tables["orders"])
        self.lines = Columns(batch.tables["lines"])
        self.node_ids = self.nodes.texts("node_id")
        self.skus = self.items.texts("sku")
        self.service_ids = self.services.texts("service_id")
        self.order_ids = self.orders.texts("order_id")

        lines, orders, items = self.lines, self.orders, self.items
        self.line_order = positions(lines.texts("order_id"), self.order_ids)
        self.line_item = positions(lines.texts("sku"), self.skus)
        self.line_quantity = lines.ints("quantity")
        own_value = exactly(
            lambda value: (value * policy.unallocated_value_bp + 5000) // 10000 + policy.unallocated_cents,
            items.ints("value_cents"),
        )
        own = lines.known("unallocated_cents")
        self.line_unit_cents = np.where(own, lines.ints("unallocated_cents"), own_value[self.line_item])
        self._line_words = lines.texts("line_id").dictionary_encode().dictionary
        self._line_finder = Finder(self._line_key(self.line_order, lines.texts("line_id")))

        self.max_shipments = np.where(orders.known("max_shipments"), orders.ints("max_shipments"), policy.max_shipments)
        self.late_cents_per_day = np.where(
            orders.known("late_cents_per_day"), orders.ints("late_cents_per_day"), policy.late_cents_per_day
        )
        self.deliver_by = orders.days("deliver_by")
        self.hard_promise = orders.bools("hard_promise")
        self.priority_pct = orders.ints("priority_pct", 100)
        self.held = orders.bools("held")
        self.ship_complete = orders.bools("ship_complete")
        self.line_group = self._ship_together()

    def _line_key(self, order: IntArray, line_id: pa.Array) -> IntArray:
        word = positions(line_id, self._line_words)
        return join((order, self.orders.n), (word, len(self._line_words)))

    def find_lines(self, order: IntArray, line_id: pa.Array) -> IntArray:
        """Return the row of `lines` for each (order row, line_id), or -1."""
        return self._line_finder.find(self._line_key(order, line_id))

    def _ship_together(self) -> IntArray:
        """Return a group number for each line with a ship_together word (within its order), or -1."""
        words = self.lines.texts("ship_together").dictionary_encode()
        word = np.asarray(pc.fill_null(words.indices, -1).to_numpy(zero_copy_only=False), dtype=np.int64)
        key = join((self.line_order, self.orders.n), (word, len(words.dictionary)))
        return np.where(key >= 0, np.unique(key, return_inverse=True)[1], -1).astype(np.int64)


class Capabilities:
    """Which capabilities items require and a table's rows have."""

    def __init__(self, items: Columns, holders: Columns) -> None:
        requires = pc.fill_null(items.texts("requires"), "").dictionary_encode()
        offers = pc.fill_null(holders.texts("capabilities"), "").dictionary_encode()
        self._requires = [frozenset(text.split()) for text in requires.dictionary.to_pylist()]
        self._offers = [frozenset(text.split()) for text in offers.dictionary.to_pylist()]
        self._of_item = np.asarray(requires.indices.to_numpy(), dtype=np.int64)
        self._of_holder = np.asarray(offers.indices.to_numpy(), dtype=np.int64)
        self._nothing_required = not any(self._requires)

    def missing(self, item: IntArray, holder: IntArray) -> BoolArray:
        """Return whether the holder lacks what the item requires, pair by pair (rows, all known)."""
        if self._nothing_required or len(item) == 0:
            return np.zeros(len(item), dtype=np.bool_)
        pair = self._of_item[item] * len(self._offers) + self._of_holder[holder]
        distinct, where = np.unique(pair, return_inverse=True)
        lacking = [
            not self._requires[requires] <= self._offers[offers]
            for requires, offers in zip(
                *(part.tolist() for part in np.divmod(distinct, len(self._offers))), strict=True
            )
        ]
        return np.asarray(lacking, dtype=np.bool_)[where]


class Choosers:
    """Which nodes an order names in `only_nodes` or `not_nodes`."""

    def __init__(self, given: Given) -> None:
        self._n_nodes = given.nodes.n
        self._only = self._pairs(given, "only_nodes")
        self._not = self._pairs(given, "not_nodes")
        self._limited = np.zeros(given.orders.n, dtype=np.bool_)
        self._limited[pc_rows(given.orders.texts("only_nodes"))] = True

    @staticmethod
    def _pairs(given: Given, name: str) -> Finder:
        texts = given.orders.texts(name)
        row = pc_rows(texts)
        lists = pc.split_pattern(texts.take(pa.array(row)), " ")
        order = row[np.asarray(pc.list_parent_indices(lists).to_numpy(), dtype=np.int64)]
        node = positions(pc.list_flatten(lists), given.node_ids)
        return Finder(join((order, given.orders.n), (node, given.nodes.n)))

    def refuse(self, order: IntArray, node: IntArray) -> BoolArray:
        """Return whether the order does not want the node, pair by pair."""
        key = order * self._n_nodes + node
        named = self._only.find(key) >= 0
        return (self._limited[order] & ~named) | (self._not.find(key) >= 0)


def pc_rows(words: pa.Array) -> IntArray:
    """Return the rows whose list of words is not empty."""
    filled = pc.not_equal(pc.utf8_trim(pc.fill_null(words, ""), " "), "")
    return np.flatnonzero(np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.bool_)).astype(np.int64)
