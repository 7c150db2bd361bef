"""Why a line is left, judged for its order alone in the empty batch."""

from __future__ import annotations

from datetime import date
from itertools import combinations

from .brute import Calendar, Resource
from .costs import distance_metres, node_may_serve, price_shipment, sellable
from .reading import Batch, Line, Node, Order, Row

Slot = tuple[str, date]


def reasons(document: Row) -> dict[tuple[str, str], str]:
    """Return for every line (order_id, line_id) the reason it has if some of it is left."""
    batch = Batch(document)
    calendar = Calendar(batch)
    return {
        (order.order_id, line_id): reason
        for order in batch.orders.values()
        for line_id, reason in _order_reasons(calendar, order).items()
    }


def _order_reasons(calendar: Calendar, order: Order) -> dict[str, str]:
    if order.held:
        return {line.line_id: "held" for line in order.lines}
    groups: dict[str, list[Line]] = {}
    for index, line in enumerate(order.lines):
        groups.setdefault(line.ship_together or f"line {index} alone", []).append(line)
    found: dict[str, str] = {}
    possible: list[tuple[list[Line], set[Slot]]] = []
    for lines in groups.values():
        reason, slots = _group_reason(calendar, order, lines)
        if reason is None:
            possible.append((lines, slots))
        for line in lines:
            found[line.line_id] = reason or "outbid"
    blocked = order.ship_complete and len(possible) < len(groups)
    last_reason = "ship_complete" if blocked else "outbid"
    if not blocked and _too_few_shipments(calendar, order, possible):
        last_reason = "max_shipments"
    return {line_id: last_reason if reason == "outbid" else reason for line_id, reason in found.items()}


def _splits(calendar: Calendar, lines: list[Line]) -> bool:
    """Tell whether parts of the group may go: one line without a word, where the policy splits lines."""
    return calendar.batch.policy.allow_line_split and lines[0].ship_together is None


def _wanted(lines: list[Line]) -> dict[str, int]:
    """Sum the quantities of every sku of the group."""
    wanted: dict[str, int] = {}
    for line in lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    return wanted


def _sells(calendar: Calendar, node_id: str, lines: list[Line], day: date | None) -> bool:
    """Tell whether the node has the group's units by the day; one unit is enough where lines split."""
    splits = _splits(calendar, lines)
    return all(
        sellable(calendar.batch, node_id, sku, day) >= (1 if splits else units) for sku, units in _wanted(lines).items()
    )


def _group_reason(calendar: Calendar, order: Order, lines: list[Line]) -> tuple[str | None, set[Slot]]:
    """The first of the reasons that only depends on the group, or the slots that can serve it."""
    batch = calendar.batch
    splits = _splits(calendar, lines)

    def candidate(node: Node) -> bool:
        metres = distance_metres(node.lat, node.lon, order.lat, order.lon)
        return all(
            (node.node_id, line.sku) in batch.stock and node_may_serve(batch, node, order, line, metres)
            for line in lines
        )

    nodes = [node for node in batch.nodes.values() if candidate(node)]
    if not nodes:
        return "no_candidate", set()
    shipping = [node for node in nodes if calendar.dates[node.node_id]]
    if splits:
        together = sum(
            sellable(batch, node.node_id, lines[0].sku, calendar.dates[node.node_id][-1]) for node in shipping
        )
        enough = together >= lines[0].quantity
    else:
        enough = any(_sells(calendar, node.node_id, lines, calendar.dates[node.node_id][-1]) for node in shipping)
    if not enough:
        return "no_stock", set()
    served = {
        (node.node_id, day): services
        for node in shipping
        for day in calendar.dates[node.node_id]
        if _sells(calendar, node.node_id, lines, day) and (services := _services(calendar, order, lines, node, day))
    }
    if not served:
        return "no_service", set()
    n_units = 1 if splits else sum(line.quantity for line in lines)
    slots = {
        (node_id, day)
        for (node_id, day), services in served.items()
        if _left(calendar, "node_shipments", node_id, None, day) >= 1
        and _left(calendar, "node_units", node_id, None, day) >= n_units
        and any(_left(calendar, "service_shipments", node_id, service, day) >= 1 for service in services)
    }
    return (None if slots else "no_capacity"), slots


def _services(calendar: Calendar, order: Order, lines: list[Line], node: Node, day: date) -> list[str]:
    """The services that go, carry the group and meet a hard promise."""
    content = [line.quantity if line in lines else 0 for line in order.lines]
    return [
        service.service_id
        for service in calendar.batch.services.values()
        if price_shipment(calendar.batch, order, node, service, day, content) is not None
    ]


def _left(calendar: Calendar, kind: str, node_id: str, service_id: str | None, day: date) -> float:
    """What a slot can give of a kind; infinite without a limit."""
    return calendar.capacity.get(Resource(kind, node_id, None, service_id, day), float("inf"))


def _too_few_shipments(calendar: Calendar, order: Order, groups: list[tuple[list[Line], set[Slot]]]) -> bool:
    """Tell whether all slots could serve every group, one by one, but no max_shipments of them can."""
    slots = sorted(set().union(*(slots for _, slots in groups)))

    def serve(lines: list[Line], its_slots: set[Slot], chosen: tuple[Slot, ...]) -> bool:
        usable = [slot for slot in chosen if slot in its_slots]
        if not _splits(calendar, lines):
            return bool(usable)
        last_day = dict(sorted(usable))
        sku = lines[0].sku
        amounts = (sellable(calendar.batch, node_id, sku, day) for node_id, day in last_day.items())
        return sum(amounts) >= lines[0].quantity

    def enough(n_slots: int) -> bool:
        return any(
            all(serve(lines, its_slots, chosen) for lines, its_slots in groups)
            for chosen in combinations(slots, min(n_slots, len(slots)))
        )

    return enough(len(slots)) and not enough(order.max_shipments)
