"""What orders compete for: dated stock, the slots of nodes and the capacity of services."""

from __future__ import annotations

import numpy as np

from engine.check.claimed import Claimed
from engine.check.columns import (
    BoolArray,
    Finder,
    IntArray,
    Steps,
    by_day,
    join,
    positions,
    running_sums,
    sums,
)
from engine.check.given import Given
from engine.check.report import Findings, day_text

UNLIMITED = 1 << 60


class Stock:
    """What can be sold of each (node, sku) by a date.

    Attributes
    ----------
    pair_node, pair_item : int64[n_pairs]
        The pairs that have stock rows.
    """

    def __init__(self, given: Given) -> None:
        stock = given.stock
        self._n_items = given.items.n
        node = positions(stock.texts("node_id"), given.node_ids)
        item = positions(stock.texts("sku"), given.skus)
        keys, pair = np.unique(join((node, given.nodes.n), (item, given.items.n)), return_inverse=True)
        pair = pair.astype(np.int64)
        self.pair_node, self.pair_item = np.divmod(keys, max(given.items.n, 1))
        self._pairs = Finder(keys)
        self.available = stock.days("available_on")
        self.row_pair = pair
        self._steps = Steps(pair, self.available)
        by_date = self._steps.order
        self._arrived = np.zeros(stock.n, dtype=np.int64)
        self._arrived[by_date] = running_sums(pair[by_date], stock.ints("on_hand")[by_date])
        self._kept = sums(pair, stock.ints("reserved") + stock.ints("safety_stock"), len(keys))

    def pairs(self, node: IntArray, item: IntArray) -> IntArray:
        """Return the pair of each (node, item), or -1 where there is no stock row."""
        return self._pairs.find(np.where((node >= 0) & (item >= 0), node * self._n_items + item, -1))

    def sellable(self, pair: IntArray, day: IntArray) -> IntArray:
        """Return the units that can be sold by a date, 0 for pair -1."""
        row = self._steps.at_most(pair, day)
        units = np.append(self._arrived, 0)[row] - np.append(self._kept, 0)[pair]
        return np.where((row >= 0) & (pair >= 0), np.maximum(units, 0), 0)


class Capacity:
    """What slots and services have left after `used`; absent limits count as `UNLIMITED`."""

    def __init__(self, given: Given) -> None:
        used, limits = given.used, given.service_capacity
        self._n_services = given.services.n
        self.node_shipments, self.node_units = (
            np.where(given.nodes.known(name), given.nodes.ints(name), UNLIMITED)
            for name in ("shipments_per_day", "units_per_day")
        )
        self._limits = Finder(
            self._at_node(
                positions(limits.texts("node_id"), given.node_ids),
                positions(limits.texts("service_id"), given.service_ids),
            )
        )
        self._limit = limits.ints("shipments_per_day")
        node, day = positions(used.texts("node_id"), given.node_ids), used.days("date")
        service = positions(used.texts("service_id"), given.service_ids)
        of_node = ~used.known("service_id")
        self._slots = Finder(by_day(np.where(of_node, node, -1), day))
        self._service_slots = Finder(by_day(np.where(of_node, -1, self._at_node(node, service)), day))
        self._shipments, self._units = used.ints("shipments"), used.ints("units")

    def _at_node(self, node: IntArray, service: IntArray) -> IntArray:
        return np.where((node >= 0) & (service >= 0), node * self._n_services + service, -1)

    def slot(self, node: IntArray, day: IntArray) -> tuple[IntArray, IntArray]:
        """Return the shipments and units that a node has left on a date."""
        row = self._slots.find(by_day(node, day))
        return (
            _left(self.node_shipments[node], np.append(self._shipments, 0)[row]),
            _left(self.node_units[node], np.append(self._units, 0)[row]),
        )

    def service(self, node: IntArray, service: IntArray, day: IntArray) -> IntArray:
        """Return the shipments that a service has left at a node on a date."""
        key = self._at_node(node, service)
        limit = np.append(self._limit, UNLIMITED)[self._limits.find(key)]
        used = np.append(self._shipments, 0)[self._service_slots.find(by_day(key, day))]
        return _left(limit, used)


def _left(limit: IntArray, used: IntArray) -> IntArray:
    return np.where(limit == UNLIMITED, UNLIMITED, np.maximum(limit - used, 0))


def _first_beyond(key: IntArray, amount: IntArray, left: IntArray) -> tuple[BoolArray, IntArray]:
    """Return where a key's running total (in row order) first passes `left`, and its whole total."""
    order = np.argsort(key, kind="stable")
    total = running_sums(key[order], amount[order])
    beyond = (key[order] >= 0) & (total > left[order])
    first = beyond & (total - amount[order] <= left[order])
    wrong = np.zeros(len(key), dtype=np.bool_)
    wrong[order[first]] = True
    _, where = np.unique(key, return_inverse=True)
    where = where.astype(np.int64)
    return wrong, sums(where, amount, int(where.max(initial=-1)) + 1)[where]


def check_resources(given: Given, claimed: Claimed, stock: Stock, capacity: Capacity, findings: Findings) -> None:
    """Check that no resource is used beyond its supply; the row is the first that goes beyond it."""
    node, day = claimed.node, claimed.ship_day
    safe = np.maximum(node, 0)
    ones = np.ones(len(node), dtype=np.int64)
    if not given.nodes.n:
        return
    slot = by_day(node, day)
    shipments_left, units_left = capacity.slot(safe, day)
    nodes = claimed.shipments.texts("node_id")
    wrong, total = _first_beyond(slot, ones, shipments_left)
    findings.rows(
        "shipments",
        "node_id",
        wrong,
        lambda row: f"{nodes[row]} with {total[row]} shipments on {day_text(int(day[row]))}",
        lambda row: f"at most {shipments_left[row]} shipments",
    )
    services = claimed.shipments.texts("service_id")
    service_left = capacity.service(node, claimed.service, day)
    of_service = by_day(join((node, given.nodes.n), (claimed.service, given.services.n)), day)
    wrong, with_service = _first_beyond(of_service, ones, service_left)
    findings.rows(
        "shipments",
        "service_id",
        wrong,
        lambda row: (
            f"{services[row]} with {with_service[row]} shipments from {nodes[row]} on {day_text(int(day[row]))}"
        ),
        lambda row: f"at most {service_left[row]} shipments",
    )

    shipment, quantity = claimed.part_shipment, claimed.part_quantity
    part_node, part_day = np.append(node, -1)[shipment], np.append(day, 0)[shipment]
    left = np.append(units_left, 0)[shipment]
    wrong, units = _first_beyond(by_day(part_node, part_day), quantity, left)
    findings.rows(
        "allocations",
        "quantity",
        wrong,
        lambda row: (
            f"{quantity[row]}, {units[row]} units leaving {nodes[int(shipment[row])]} on {day_text(int(part_day[row]))}"
        ),
        lambda row: f"at most {left[row]} units",
    )
    _check_stock(given, claimed, stock, part_node, part_day, findings)


def _check_stock(
    given: Given, claimed: Claimed, stock: Stock, part_node: IntArray, part_day: IntArray, findings: Findings
) -> None:
    item = np.append(given.line_item, -1)[claimed.part_line]
    key = join((part_node, given.nodes.n), (item, given.items.n))
    order = np.lexsort((part_day, key))
    units = running_sums(key[order], claimed.part_quantity[order])
    # what counts on a date is everything shipped up to its end
    sellable = stock.sellable(stock.pairs(part_node, item)[order], part_day[order])
    beyond = (key[order] >= 0) & (units > sellable)
    opens = np.zeros(len(order), dtype=np.bool_)
    at = np.flatnonzero(beyond)
    opens[at[np.unique(key[order][at], return_index=True)[1]]] = True
    wrong = np.zeros(len(order), dtype=np.bool_)
    wrong[order[opens]] = True
    shipped, most = np.zeros((2, len(order)), dtype=np.int64)
    shipped[order], most[order] = units, sellable
    parts = claimed.allocations
    findings.rows(
        "allocations",
        "quantity",
        wrong,
        lambda row: (
            f"{claimed.part_quantity[row]}, at least {shipped[row]} units of "
            f"{parts.texts('sku')[row]} leaving "
            f"{parts.texts('node_id')[row]} by {day_text(int(part_day[row]))}"
        ),
        lambda row: f"at most {most[row]} units by then",
    )
