"""Every option of an order, listed by trying everything.

An option is built slot by slot: any content (units of every line) that the order still has may leave
from any later slot on any service. Each set of slots with contents appears exactly once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from .costs import Shipment, price_shipment, sellable, ship_dates, unallocated_cents
from .reading import Batch, Order, Row

MAX_OPTIONS = 60_000
MAX_CONTENTS = 2_000


class TooLarge(Exception):
    """The document is too large to try everything."""


class Resource(NamedTuple):
    """Something options compete for; kind is one of the words of the prices table.

    For stock, date is the available_on that opens the interval between arrivals (None: now).
    """

    kind: str
    node_id: str
    sku: str | None
    service_id: str | None
    date: date | None


class Option(NamedTuple):
    """One complete way to serve one order: shipments, units left of every line, cost terms, resource use."""

    order_id: str
    shipments: tuple[Shipment, ...]
    left: tuple[int, ...]
    split_cents: int
    unallocated_cents: int
    cents: int
    use: dict[Resource, int]

    @property
    def terms(self) -> dict[str, int]:
        """Every cost term by the name it has in the summary."""
        return {
            "freight_cents": sum(shipment.freight_cents for shipment in self.shipments),
            "handling_cents": sum(shipment.handling_cents for shipment in self.shipments),
            "preference_cents": sum(shipment.preference_cents for shipment in self.shipments),
            "split_cents": self.split_cents,
            "late_cents": sum(shipment.late_cents for shipment in self.shipments),
            "carbon_cents": sum(shipment.carbon_cents for shipment in self.shipments),
            "unallocated_cents": self.unallocated_cents,
        }


class Calendar:
    """The slots of a batch and what every resource can give."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.dates = {node_id: ship_dates(batch, node) for node_id, node in batch.nodes.items()}
        self.capacity: dict[Resource, int] = {}
        # (node, sku) -> when each interval between arrivals opens; None is now
        self.openings: dict[tuple[str, str], list[date | None]] = {}
        for (node_id, sku), rows in batch.stock.items():
            arrivals = sorted({row.available_on for row in rows if row.available_on is not None})
            self.openings[node_id, sku] = [None, *arrivals]
            for opening in self.openings[node_id, sku]:
                resource = Resource("stock", node_id, sku, None, opening)
                self.capacity[resource] = sellable(batch, node_id, sku, opening)
        for node_id, node in batch.nodes.items():
            for day in self.dates[node_id]:
                used_shipments, used_units = batch.used.get((node_id, None, day), (0, 0))
                if node.shipments_per_day is not None:
                    resource = Resource("node_shipments", node_id, None, None, day)
                    self.capacity[resource] = max(0, node.shipments_per_day - used_shipments)
                if node.units_per_day is not None:
                    resource = Resource("node_units", node_id, None, None, day)
                    self.capacity[resource] = max(0, node.units_per_day - used_units)
        for (node_id, service_id), shipments_per_day in batch.service_capacity.items():
            for day in self.dates[node_id]:
                used_shipments, _ = batch.used.get((node_id, service_id, day), (0, 0))
                resource = Resource("service_shipments", node_id, None, service_id, day)
                self.capacity[resource] = max(0, shipments_per_day - used_shipments)

    def use_of(self, order: Order, shipment: Shipment) -> dict[Resource, int]:
        """Count what one shipment takes of every limited resource."""
        node_id, day = shipment.node_id, shipment.ship_date
        use = {
            Resource("node_shipments", node_id, None, None, day): 1,
            Resource("node_units", node_id, None, None, day): sum(shipment.quantities),
            Resource("service_shipments", node_id, None, shipment.service_id, day): 1,
        }
        use = {resource: amount for resource, amount in use.items() if resource in self.capacity}
        for line, units in zip(order.lines, shipment.quantities, strict=True):
            openings = self.openings[node_id, line.sku] if units else []
            for opening, next_opening in itertools.zip_longest(openings, openings[1:]):
                # what leaves on a day counts in its own interval and in every later one
                if next_opening is None or day < next_opening:
                    resource = Resource("stock", node_id, line.sku, None, opening)
                    use[resource] = use.get(resource, 0) + units
        return use

    def fits(self, use: dict[Resource, int]) -> bool:
        """Tell whether the use is possible when nothing else is served."""
        return all(amount <= self.capacity[resource] for resource, amount in use.items())

    def has_stock(self, order: Order, node_id: str, day: date, quantities: tuple[int, ...]) -> bool:
        """Tell whether the slot alone can sell these units."""
        wanted: dict[str, int] = {}
        for line, units in zip(order.lines, quantities, strict=True):
            wanted[line.sku] = wanted.get(line.sku, 0) + units
        return all(n <= sellable(self.batch, node_id, sku, day) for sku, n in wanted.items() if n)


def contents(batch: Batch, order: Order) -> list[tuple[int, ...]]:
    """All contents (units of every line) that one shipment of the order may have by the splitting rules."""
    groups: dict[str, list[int]] = {}
    for index, line in enumerate(order.lines):
        groups.setdefault(line.ship_together or f"line {index} alone", []).append(index)
    choices: list[list[dict[int, int]]] = []
    for indices in groups.values():
        line = order.lines[indices[0]]
        if line.ship_together is None and batch.policy.allow_line_split:
            choices.append([{indices[0]: units} for units in range(line.quantity + 1)])
        else:
            choices.append([{}, {index: order.lines[index].quantity for index in indices}])
    n_contents = 1
    for choice in choices:
        n_contents *= len(choice)
    if n_contents > MAX_CONTENTS:
        raise TooLarge(f"order {order.order_id}: {n_contents} contents of a shipment")
    found = []
    for chosen in itertools.product(*choices):
        units_of = {index: units for part in chosen for index, units in part.items()}
        found.append(tuple(units_of.get(index, 0) for index in range(len(order.lines))))
    return [content for content in found if any(content)]


def shipments_by_slot(calendar: Calendar, order: Order) -> list[list[tuple[Shipment, dict[Resource, int]]]]:
    """For every slot, all shipments of the order that could leave it if nothing else did."""
    batch = calendar.batch
    slots = []
    for node_id, node in batch.nodes.items():
        for day in calendar.dates[node_id]:
            priced = []
            for content in contents(batch, order):
                if not calendar.has_stock(order, node_id, day, content):
                    continue
                for service in batch.services.values():
                    shipment = price_shipment(batch, order, node, service, day, content)
                    if shipment is None:
                        continue
                    use = calendar.use_of(order, shipment)
                    if calendar.fits(use):
                        priced.append((shipment, use))
            if priced:
                slots.append(priced)
    return slots


def add_use(use: dict[Resource, int], more: dict[Resource, int]) -> dict[Resource, int]:
    """Sum two uses."""
    total = dict(use)
    for resource, amount in more.items():
        total[resource] = total.get(resource, 0) + amount
    return total


def order_options(calendar: Calendar, order: Order, dearest_cents: int | None = None) -> Iterator[Option]:
    """Yield every option of an order, the one that ships nothing first.

    With dearest_cents, options that cost that much or more are left out (except the first): they can
    never be better than shipping nothing, which takes no resource.
    """
    quantities = tuple(line.quantity for line in order.lines)
    left_cents = [[unallocated_cents(order, line, units) for units in range(line.quantity + 1)] for line in order.lines]
    count = 0

    def option(shipments: tuple[Shipment, ...], left: tuple[int, ...], use: dict[Resource, int]) -> Option:
        split = calendar.batch.policy.split_cents * max(0, len(shipments) - 1)
        unserved = sum(cents[units] for cents, units in zip(left_cents, left, strict=True))
        cents = sum(shipment.cents for shipment in shipments) + split + unserved
        return Option(order.order_id, shipments, left, split, unserved, cents, use)

    yield option((), quantities, {})
    if order.held or not order.lines:
        return
    slots = shipments_by_slot(calendar, order)

    def extend(
        first_slot: int, shipments: tuple[Shipment, ...], left: tuple[int, ...], use: dict[Resource, int]
    ) -> Iterator[Option]:
        nonlocal count
        if len(shipments) == order.max_shipments or not any(left):
            return
        for index in range(first_slot, len(slots)):
            for shipment, shipment_use in slots[index]:
                rest = tuple(n - units for n, units in zip(left, shipment.quantities, strict=True))
                if min(rest) < 0:
                    continue
                total_use = add_use(use, shipment_use) if shipments else shipment_use
                if shipments and not calendar.fits(total_use):
                    continue
                count += 1
                if count > MAX_OPTIONS:
                    raise TooLarge(f"order {order.order_id}: more than {MAX_OPTIONS} options")
                if not (order.ship_complete and any(rest)):
                    found = option((*shipments, shipment), rest, total_use)
                    if dearest_cents is None or found.cents < dearest_cents:
                        yield found
                yield from extend(index + 1, (*shipments, shipment), rest, total_use)

    yield from extend(0, (), quantities, {})


def options(document: Row, order_id: str) -> list[Option]:
    """Every complete way to serve the order that the model allows and the resources alone permit."""
    batch = Batch(document)
    return list(order_options(Calendar(batch), batch.orders[order_id]))
