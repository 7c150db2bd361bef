"""From chosen options back to documents: shipments, allocations, unallocated, prices."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.calendar import NO_DAY
from engine.combinations import level_of, piece_shifts
from engine.compile import Compiled, Index
from engine.documents import Batch
from engine.listing import Options
from engine.network import NOW, IntArray, Network
from engine.options import recorded
from engine.orders import Orders, build_orders
from engine.rates import carbon_cents, distance_m, freight_cents, late_cents
from engine.reasons import REASONS, reasons_of, service_route
from engine.shipments import Shipments
from engine.workers import Mapper
from solver.kernels import kernel


class Chosen(NamedTuple):
    """The chosen shipments, sorted by order, and what each line got; one row a shipment and one a served line."""

    order: IntArray
    slot: IntArray
    service: IntArray
    row_shipment: IntArray
    row_line: IntArray
    row_quantity: IntArray


class Terms(NamedTuple):
    """What each chosen shipment costs and how it goes."""

    metres: IntArray
    zone: IntArray
    deliver_day: IntArray
    weight_g: IntArray
    freight_cents: IntArray
    handling_cents: IntArray
    preference_cents: IntArray
    split_cents: IntArray
    late_cents: IntArray
    carbon_cents: IntArray

    @property
    def total_cents(self) -> int:
        """All terms of all shipments."""
        return sum(int(np.sum(getattr(self, name))) for name in self._fields if name.endswith("_cents"))


def chosen_shipments(compiled: Compiled, tags: IntArray) -> Chosen:
    """Look up the shipments behind the chosen option (tag) of each order."""
    options = compiled.options
    places = options.places_of(tags)
    orders_handle = options.given[1]
    calls = [
        (orders_handle, shipments, *wanted) for shipments, (here, wanted) in zip(options.shipments, places) if here.size
    ]
    parts = options.workers.call(_unpacked, calls)
    if not parts:
        return Chosen(*(np.zeros(0, np.int64) for _ in Chosen._fields))
    shifts = np.cumsum([0, *(part.order.size for part in parts)])
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Chosen._fields}
    joined["row_shipment"] = np.concatenate([part.row_shipment + shift for part, shift in zip(parts, shifts.tolist())])
    chosen = Chosen(**joined)
    return with_preferred_services(compiled, chosen)


def _unpacked(orders: Orders, shipments: Shipments, record: IntArray, begin: int, end: int, *blocks: Options) -> Chosen:
    """The shipments of some records of a shard, one a row."""
    found = recorded(record, begin, end, *blocks)
    order = np.repeat(found.order, np.diff(found.first))
    chosen: Chosen = _unpack(orders, shipments, order, found.visit, found.code, found.service)
    return chosen


@kernel
def _unpack(
    orders: Orders, shipments: Shipments, order: IntArray, visits: IntArray, code: IntArray, service: IntArray
) -> Chosen:
    n = order.size
    slot = np.empty(n, np.int64)
    n_rows = 0
    for i in range(n):
        n_rows += shipments.stop_first[visits[i] + 1] - shipments.stop_first[visits[i]]
    row_shipment = np.empty(n_rows, np.int64)
    row_line = np.empty(n_rows, np.int64)
    row_quantity = np.empty(n_rows, np.int64)
    n_rows = 0
    for i in range(n):
        visit = visits[i]
        slot[i] = shipments.visit_slot[visit]
        shifts = piece_shifts(orders.piece_first, orders.piece_levels, order[i])
        for stop in range(shipments.stop_first[visit], shipments.stop_first[visit + 1]):
            line = shipments.stop_line[stop]
            level = level_of(code[i], shifts, orders.line_piece[line])
            if level > 0:
                row_shipment[n_rows] = i
                row_line[n_rows] = line
                row_quantity[n_rows] = level * orders.line_step[line]
                n_rows += 1
    return Chosen(
        order,
        slot,
        service,
        row_shipment[:n_rows].copy(),
        row_line[:n_rows].copy(),
        row_quantity[:n_rows].copy(),
    )


def with_preferred_services(index: Index, chosen: Chosen) -> Chosen:
    """Move shipments to a service that is free and better: cheaper, or as cheap and earlier, or of smaller id."""
    network, orders = index.network, index.orders
    if not (network.slot_service_resource >= 0).any():
        return chosen
    left = network.supply.copy()
    resource = network.slot_service_resource[chosen.slot, chosen.service]
    np.subtract.at(left, resource[resource >= 0], 1)
    service = chosen.service.copy()
    while move_services(network, orders, chosen, service, left):
        pass
    return chosen._replace(service=service)


@kernel
def _loads(network: Network, orders: Orders, chosen: Chosen) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Billable and actual grams, units and lines of each shipment."""
    n = chosen.order.size
    billable = np.zeros(n, np.int64)
    actual = np.zeros(n, np.int64)
    units = np.zeros(n, np.int64)
    lines = np.zeros(n, np.int64)
    for row in range(chosen.row_line.size):
        shipment, line = chosen.row_shipment[row], chosen.row_line[row]
        sku = orders.line_sku[line]
        billable[shipment] += chosen.row_quantity[row] * network.item_billable_g[sku]
        actual[shipment] += chosen.row_quantity[row] * network.item_weight_g[sku]
        units[shipment] += chosen.row_quantity[row]
        lines[shipment] += 1
    return billable, actual, units, lines


@kernel
def _freight(network: Network, orders: Orders, order: int, service: int, rate: int, weight_g: int) -> int:
    surcharge = network.service_residential_cents[service] if orders.residential[order] else np.int64(0)
    return freight_cents(
        network.rate_first,
        network.rate_max_g,
        network.rate_cents,
        rate,
        weight_g,
        network.service_fuel_bp[service],
        surcharge,
    )


@kernel
def _late(orders: Orders, order: int, deliver_day: int) -> int:
    n_days = deliver_day - orders.deliver_by[order]
    return late_cents(orders.late_cents_per_day[order], n_days, orders.priority_pct[order])


@kernel
def _carbon(network: Network, service: int, weight_g: int, metres: int) -> int:
    return carbon_cents(network.carbon_cents_per_kg, network.service_carbon_g[service], weight_g, metres)


@kernel
def move_services(network: Network, orders: Orders, chosen: Chosen, service: IntArray, left: IntArray) -> bool:
    """Move each shipment, in turn, to the service preferred among those with capacity left; tell whether any moved.

    ``service`` is overwritten; ``left`` is by resource, and kept up to date.
    """
    billable, actual, _, _ = _loads(network, orders, chosen)
    n_services = network.service_fuel_bp.size
    n_words = network.item_requires.shape[1]
    requires = np.zeros((chosen.order.size, n_words), np.uint64)
    for row in range(chosen.row_line.size):
        for word in range(n_words):
            sku = orders.line_sku[chosen.row_line[row]]
            requires[chosen.row_shipment[row], word] |= network.item_requires[sku, word]
    moved = False
    for i in range(chosen.order.size):
        order, slot = chosen.order[i], chosen.slot[i]
        node = network.slot_node[slot]
        metres = distance_m(orders.lat[order], orders.lon[order], network.node_lat[node], network.node_lon[node])
        best = service[i]
        best_cents = np.int64(0)
        best_day = np.int64(0)
        for look in range(n_services + 1):
            other = service[i] if look == 0 else look - 1
            if look > 0 and other == service[i]:
                continue
            resource = network.slot_service_resource[slot, other]
            if look > 0 and resource >= 0 and left[resource] < 1:
                continue
            carries = True
            for word in range(n_words):
                carries = carries and not (requires[i, word] & ~network.service_capabilities[other, word])
            rate, transit, _ = service_route(network, orders, order, node, other, metres)
            if rate < 0 or not carries:
                continue
            day = network.deliver_day[other, network.slot_day_index[slot], transit]
            if day == NO_DAY or (orders.hard_promise[order] and day > orders.deliver_by[order]):
                continue
            cents = _freight(network, orders, order, other, rate, billable[i])
            cents += _late(orders, order, day) + _carbon(network, other, actual[i], metres)
            if look == 0 or (cents, day, other) < (best_cents, best_day, best):
                best, best_cents, best_day = other, cents, day
        if best != service[i]:
            resource = network.slot_service_resource[slot, service[i]]
            if resource >= 0:
                left[resource] += 1
            resource = network.slot_service_resource[slot, best]
            if resource >= 0:
                left[resource] -= 1
            service[i] = best
            moved = True
    return moved


@kernel
def shipment_terms(network: Network, orders: Orders, chosen: Chosen) -> Terms:
    """Every cost term of the chosen shipments."""
    n = chosen.order.size
    billable, actual, units, lines = _loads(network, orders, chosen)
    terms = Terms(
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        billable,
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
    )
    for i in range(n):
        order, slot, service = chosen.order[i], chosen.slot[i], chosen.service[i]
        node = network.slot_node[slot]
        metres = distance_m(orders.lat[order], orders.lon[order], network.node_lat[node], network.node_lon[node])
        rate, transit, zone = service_route(network, orders, order, node, service, metres)
        day = network.deliver_day[service, network.slot_day_index[slot], transit]
        terms.metres[i] = metres
        terms.zone[i] = zone
        terms.deliver_day[i] = day
        terms.freight_cents[i] = _freight(network, orders, order, service, rate, billable[i])
        terms.handling_cents[i] = (
            network.node_shipment_cents[node]
            + network.node_line_cents[node] * lines[i]
            + network.node_unit_cents[node] * units[i]
        )
        terms.preference_cents[i] = network.node_preference_cents[node]
        if i > 0 and chosen.order[i - 1] == order:
            terms.split_cents[i] = network.split_cents
        terms.late_cents[i] = _late(orders, order, day)
        terms.carbon_cents[i] = _carbon(network, service, actual[i], metres)
    return terms


def left_quantities(orders: Orders, chosen: Chosen) -> tuple[IntArray, IntArray]:
    """Units left of each line, and what they cost, int64[n_lines]."""
    left = orders.line_quantity.copy()
    np.subtract.at(left, chosen.row_line, chosen.row_quantity)
    order = np.repeat(np.arange(orders.lat.size), np.diff(orders.line_first))
    cents = (orders.line_unallocated_cents * left * orders.priority_pct[order] + 50) // 100
    return left, np.where(orders.held[order], 0, cents)


def output_tables(
    batch: Batch,
    index: Index,
    chosen: Chosen,
    terms: Terms,
    price: NDArray[np.float64],
    parallel: Mapper = map,
) -> dict[str, pa.Table]:
    """The four output tables of MODEL.md section 4."""
    names, orders, network = index.names, index.orders, index.network
    order_id = batch["orders"].column("order_id").combine_chunks()
    node_id, service_id = pa.array(names.node_id, pa.string()), pa.array(names.service_id, pa.string())
    width = len(str(max(1, chosen.order.size)))
    number = pc.cast(pa.array(np.arange(1, chosen.order.size + 1)), pa.string())
    shipment_id = pc.binary_join_element_wise("S", pc.utf8_lpad(number, width, "0"), "")
    node = network.slot_node[chosen.slot]
    shipments = pa.table(
        {
            "shipment_id": shipment_id,
            "order_id": order_id.take(pa.array(chosen.order)),
            "node_id": node_id.take(pa.array(node)),
            "service_id": service_id.take(pa.array(chosen.service)),
            "ship_date": _dates(network.slot_day[chosen.slot]),
            "deliver_date": _dates(terms.deliver_day),
            "zone": pa.array(names.zone, pa.string()).take(pa.array(terms.zone)),
            "distance_km": pa.array(terms.metres / 1000.0),
            "weight_g": terms.weight_g,
            "freight_cents": terms.freight_cents,
            "handling_cents": terms.handling_cents,
            "preference_cents": terms.preference_cents,
            "split_cents": terms.split_cents,
            "late_cents": terms.late_cents,
            "carbon_cents": terms.carbon_cents,
        }
    )
    by_line = np.lexsort((chosen.row_shipment, chosen.row_line))
    line = chosen.row_line[by_line]
    shipment = chosen.row_shipment[by_line]
    line_table = batch["lines"]
    rows = pa.array(orders.line_row[line])
    allocations = pa.table(
        {
            "order_id": line_table.column("order_id").take(rows),
            "line_id": line_table.column("line_id").take(rows),
            "sku": line_table.column("sku").take(rows),
            "node_id": node_id.take(pa.array(node[shipment])),
            "shipment_id": shipment_id.take(pa.array(shipment)),
            "quantity": chosen.row_quantity[by_line],
        }
    )
    left, left_cents = left_quantities(orders, chosen)
    missing = np.flatnonzero(left > 0)
    judged = build_orders(batch, names) if orders.folded.any() else orders
    reason = reasons_of(network, judged, left > 0, parallel)[missing]
    rows = pa.array(orders.line_row[missing])
    unallocated = pa.table(
        {
            "order_id": line_table.column("order_id").take(rows),
            "line_id": line_table.column("line_id").take(rows),
            "sku": line_table.column("sku").take(rows),
            "quantity": left[missing],
            "reason": pa.array(REASONS, pa.string()).take(pa.array(reason)),
            "unallocated_cents": left_cents[missing],
        }
    )
    tables: dict[str, Any] = {"shipments": shipments, "allocations": allocations, "unallocated": unallocated}
    return {**tables, "prices": _prices(index, price)}


def _dates(day_numbers: IntArray) -> pa.Array:
    return pa.array(day_numbers.astype(np.int32)).cast(pa.date32())


def _prices(index: Index, price: NDArray[np.float64]) -> pa.Table:
    """Resources with a dual price above zero, in the order stock, node shipments, node units, service shipments."""
    network, names = index.network, index.names
    n_stock = int(network.pair_first_resource[-1])
    n_skus = network.sku_first_pair.size - 1
    n = network.supply.size
    kind = np.zeros(n, np.int64)
    node = np.zeros(n, np.int64)
    sku = np.full(n, -1, np.int64)
    service = np.full(n, -1, np.int64)
    day = np.zeros(n, np.int64)
    pair = np.repeat(np.arange(network.pair_node.size), np.diff(network.pair_first_resource))
    node[:n_stock] = network.pair_node[pair]
    sku[:n_stock] = np.repeat(np.arange(n_skus), np.diff(network.sku_first_pair))[pair]
    day[:n_stock] = network.stock_day
    for number, column in ((1, network.slot_shipments_resource), (2, network.slot_units_resource)):
        slot = np.flatnonzero(column >= 0)
        at = column[slot]
        kind[at], node[at], day[at] = number, network.slot_node[slot], network.slot_day[slot]
    slot, which = np.nonzero(network.slot_service_resource >= 0)
    at = network.slot_service_resource[slot, which]
    kind[at], node[at], day[at], service[at] = 3, network.slot_node[slot], network.slot_day[slot], which
    shown = np.flatnonzero(price > 0)
    kinds = pa.array(["stock", "node_shipments", "node_units", "service_shipments"])

    def named(values: pa.Array, number: IntArray) -> pa.Array:
        return values.take(pa.array(number[shown], mask=number[shown] < 0))

    now = day[shown] == NOW
    return pa.table(
        {
            "kind": kinds.take(pa.array(kind[shown])),
            "node_id": named(pa.array(names.node_id, pa.string()), node),
            "sku": named(names.sku, sku),
            "service_id": named(pa.array(names.service_id, pa.string()), service),
            "date": pa.array(np.where(now, 0, day[shown]).astype(np.int32), mask=now).cast(pa.date32()),
            "cents": price[shown],
        }
    )
