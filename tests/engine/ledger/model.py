"""A ledger as one would write it without a database, speed or concurrency: what the real one must agree with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from engine.ledger import commands as c

Answer = tuple[Any, ...]


@dataclass
class Line:
    """A position of a reservation."""

    position: c.Position
    open: int
    fulfilled: int = 0


@dataclass
class Hold:
    """A reservation."""

    order_id: str
    number: int
    state: str
    expires: int | None
    lines: list[Line]
    version: int = 1


@dataclass
class Row:
    """A stock row."""

    on_hand: int = 0
    external: int = 0
    safety: int = 0
    version: int = 1


@dataclass
class Model:
    """All of one tenant."""

    now: int = 0
    rows: dict[tuple[str, str, str], Row] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    limits: dict[tuple[str, str], tuple[int | None, int | None]] = field(default_factory=dict)
    network: int = 0
    n_names: int = 0

    # -- what is there

    def supply(self, node: str, sku: str, day: str) -> int:
        """Units by a day that nobody else has reserved."""
        rows = [(on, row) for (n, s, on), row in self.rows.items() if (n, s) == (node, sku)]
        return sum(row.on_hand for on, row in rows if on <= day) - sum(row.external for _, row in rows)

    def safety(self, node: str, sku: str) -> int:
        """Units kept back."""
        return sum(row.safety for (n, s, _), row in self.rows.items() if (n, s) == (node, sku))

    def open_lines(self, node: str, sku: str) -> list[tuple[str, Line]]:
        """Lines that hold units of a sku at a node."""
        return [
            (name, line)
            for name, hold in self.holds.items()
            for line in hold.lines
            if line.open and (line.position.node_id, line.position.sku) == (node, sku)
        ]

    def booked(self) -> Counter[tuple[str, str, str]]:
        """Units held by node, sku and day."""
        total: Counter[tuple[str, str, str]] = Counter()
        for hold in self.holds.values():
            for line in hold.lines:
                one = line.position
                total[one.node_id, one.sku, one.ship_date] += line.open
        return +total

    def used(self) -> dict[tuple[str, str, str], tuple[int, int]]:
        """Capacity used, by node, service or "" and day."""
        n_shipments: Counter[tuple[str, str, str]] = Counter()
        units: Counter[tuple[str, str, str]] = Counter()
        seen: set[Any] = set()
        for name, hold in self.holds.items():
            for line in hold.lines:
                one = line.position
                taken = line.open + line.fulfilled
                if one.shipment_id is None or not taken:
                    continue
                for service in {"", one.service_id or ""}:
                    units[one.node_id, service, one.ship_date] += taken
                    key = (name, one.node_id, one.ship_date, one.service_id, one.shipment_id, service)
                    if key not in seen:
                        seen.add(key)
                        n_shipments[one.node_id, service, one.ship_date] += 1
        return {key: (n_shipments[key], units[key]) for key in n_shipments}

    # -- what is asked

    def do(self, command: c.Command) -> Answer:
        """Do a command; the answer is a name and what must be the same in the real outcome."""
        answer: Answer = getattr(self, f"do_{type(command).__name__.lower()}")(command)
        return answer

    def do_setonhand(self, command: c.SetOnHand) -> Answer:
        """Record a count."""
        key = command.node_id, command.sku, command.available_on or ""
        row = self.rows.get(key)
        if command.if_match is not None and command.if_match != (row.version if row else 0):
            return ("stale_version",)
        if command.compare_on_hand is not None and command.compare_on_hand != (row.on_hand if row else 0):
            return ("compare_failed",)
        after = Row(
            on_hand=command.on_hand,
            external=_either(command.reserved, row.external if row else 0),
            safety=_either(command.safety_stock, row.safety if row else 0),
            version=1 if row is None else row.version,
        )
        changed = row != after
        if row is not None and changed:
            after.version += 1
        self._put(key, after)
        short = self.short(command.node_id, command.sku) if changed else 0
        return ("set", after.version, max(0, short))

    def do_adjuststock(self, command: c.AdjustStock) -> Answer:
        """Change counts, all or none."""
        changes: Counter[tuple[str, str, str]] = Counter()
        for one in command.adjustments:
            changes[one.node_id, one.sku, one.available_on or ""] += one.delta
        for key, change in changes.items():
            if (self.rows[key].on_hand if key in self.rows else 0) + change < 0:
                return ("negative_on_hand",)
        for key, change in changes.items():
            row = self.rows.get(key)
            if row is None:
                self._put(key, Row(on_hand=change))
            else:
                row.on_hand += change
                row.version += 1
        pairs = dict.fromkeys((node, sku) for node, sku, _ in changes)
        shorts = [self.short(node, sku) for node, sku in pairs]
        return ("adjusted", tuple(short for short in shorts if short > 0))

    def _put(self, key: tuple[str, str, str], row: Row) -> None:
        self.rows.setdefault((key[0], key[1], ""), Row())
        self.rows[key] = row

    def short(self, node: str, sku: str) -> int:
        """By how much what is held exceeds the supply on the worst day."""
        lines = [line for _, line in self.open_lines(node, sku)]
        worst = 0
        for day in {line.position.ship_date for line in lines}:
            held = sum(line.open for line in lines if line.position.ship_date <= day)
            worst = max(worst, held - max(0, self.supply(node, sku, day)))
        return worst

    def do_putnetwork(self, command: c.PutNetwork) -> Answer:
        """Put limits in force."""
        if command.if_match is not None and command.if_match != self.network:
            return ("stale_version",)
        self.network += 1
        self.limits = {
            (one.node_id, one.service_id or ""): (one.shipments_per_day, one.units_per_day) for one in command.limits
        }
        return ("network", self.network)

    def do_reserve(self, command: c.Reserve) -> Answer:
        """Take all positions or none."""
        self._expire(hold for hold in self.holds.values() if hold.order_id == command.order_id)
        if command.if_match is not None and command.if_match != self.orders.get(command.order_id, 0):
            return ("stale_version",)
        if command.order_id in self.cancelled:
            return ("order_cancelled",)
        if command.reservation_id in self.holds:
            return ("exists",)
        former = [hold for hold in self.holds.values() if hold.order_id == command.order_id]
        live = [hold for hold in former if hold.state in ("HELD", "CONFIRMED")]
        if command.mode == "new" and (live or any(hold.state == "FULFILLED" for hold in former)):
            return ("order_exists",)
        kept = [(hold, hold.state, hold.version, [line.open for line in hold.lines]) for hold in live]
        if command.mode == "replace":
            for hold in live:
                self._end(hold)
        refusal = self._refusal(command)
        if refusal:
            for hold, state, version, opens in kept:  # as if nothing had been tried
                hold.state, hold.version = state, version
                for line, units in zip(hold.lines, opens):
                    line.open = units
            if not self._due():
                return (refusal,)
            self._expire(self.holds.values())
            return self.do_reserve(command)
        self.holds[command.reservation_id] = Hold(
            order_id=command.order_id,
            number=len(self.holds),
            state="CONFIRMED" if command.confirmed else "HELD",
            expires=None if command.confirmed or command.ttl_ms is None else self.now + command.ttl_ms,
            lines=[Line(one, one.quantity) for one in command.positions],
        )
        self.orders[command.order_id] = self.orders.get(command.order_id, 0) + 1
        return ("reserved", self.orders[command.order_id])

    def _refusal(self, command: c.Reserve) -> str | None:
        """Why the positions cannot be had, if they cannot."""
        for node, sku in {(one.node_id, one.sku) for one in command.positions}:
            asked = [one for one in command.positions if (one.node_id, one.sku) == (node, sku)]
            booked = [(line.position.ship_date, line.open) for _, line in self.open_lines(node, sku)]
            wanted = [*booked, *((one.ship_date, one.quantity) for one in asked)]
            first = min(one.ship_date for one in asked)
            days = {first, *(day for day, _ in wanted), *(on for n, s, on in self.rows if (n, s) == (node, sku))}
            for day in days:
                left = self.supply(node, sku, day) - self.safety(node, sku) - sum(n for on, n in wanted if on <= day)
                if day >= first and left < 0:
                    return "insufficient_stock"
        before = self.used()
        trial = Model(
            holds={**self.holds, "?": Hold("", 0, "HELD", None, [Line(p, p.quantity) for p in command.positions])}
        )
        for (node, service, day), (n_shipments, units) in trial.used().items():
            if (n_shipments, units) == before.get((node, service, day), (0, 0)):
                continue
            most_shipments, most_units = self.limits.get((node, service), (None, None))
            asked_before = before.get((node, service, day), (0, 0))
            if most_shipments is not None and n_shipments > max(most_shipments, 0) and n_shipments > asked_before[0]:
                return "insufficient_capacity"
            if most_units is not None and units > most_units and units > asked_before[1]:
                return "insufficient_capacity"
        return None

    def do_confirm(self, command: c.Confirm) -> Answer:
        """HELD to CONFIRMED."""
        hold = self._find(command.reservation_id, command.if_match, "CONFIRMED")
        if isinstance(hold, tuple):
            return hold
        if hold.state == "CONFIRMED":
            return ("changed", hold.state, hold.version)
        hold.expires = None
        return self._become(hold, "CONFIRMED")

    def do_extend(self, command: c.Extend) -> Answer:
        """Move the end of a hold."""
        hold = self._find(command.reservation_id, command.if_match)
        if isinstance(hold, tuple):
            return hold
        if hold.state != "HELD":
            return ("wrong_state",)
        hold.expires = None if command.ttl_ms is None else self.now + command.ttl_ms
        return self._become(hold, "HELD")

    def do_release(self, command: c.Release) -> Answer:
        """Give back what is open."""
        hold = self._find(command.reservation_id, command.if_match, "RELEASED")
        if isinstance(hold, tuple):
            return hold
        if hold.state != "RELEASED":
            self._end(hold)
        return ("changed", hold.state, hold.version)

    def do_fulfil(self, command: c.Fulfil) -> Answer:
        """Take what left out of stock."""
        hold = self._find(command.reservation_id, command.if_match, "FULFILLED")
        if isinstance(hold, tuple):
            return hold
        lines = hold.lines
        if command.shipment_ids is not None:
            lines = [line for line in hold.lines if line.position.shipment_id in command.shipment_ids]
            if {line.position.shipment_id for line in lines} != set(command.shipment_ids):
                return ("not_found",)
        going = [line for line in lines if line.open]
        if not going and (hold.state == "FULFILLED" or command.shipment_ids is not None):
            return ("changed", hold.state, hold.version)
        for line in going:
            one = line.position
            left = line.open
            for node, sku, day in sorted(self.rows):
                row = self.rows[node, sku, day]
                taken = min(left, row.on_hand) if (node, sku) == (one.node_id, one.sku) else 0
                if taken:
                    row.on_hand -= taken
                    row.version += 1
                    left -= taken
            line.fulfilled += line.open
            line.open = 0
        hold.expires = None
        return self._become(hold, "CONFIRMED" if any(line.open for line in hold.lines) else "FULFILLED")

    def do_rejectlines(self, command: c.RejectLines) -> Answer:
        """Release a node's lines of an order and record what was found."""
        self._expire(hold for hold in self.holds.values() if hold.order_id == command.order_id)
        if command.order_id not in self.orders:
            return ("not_found",)
        if command.if_match is not None and command.if_match != self.orders[command.order_id]:
            return ("stale_version",)
        touched: dict[str, Hold] = {}
        units = 0
        names: set[str | None] = set()
        for name, hold in self.holds.items():
            if hold.order_id != command.order_id:
                continue
            for line in hold.lines:
                named = command.line_ids is None or line.position.line_id in command.line_ids
                if line.open and line.position.node_id == command.node_id and named:
                    touched[name] = hold
                    names.add(line.position.line_id)
        if not touched or set(command.line_ids or ()) - names:
            return ("not_found",)
        for hold in touched.values():
            for line in hold.lines:
                named = command.line_ids is None or line.position.line_id in command.line_ids
                if line.position.node_id == command.node_id and named:
                    units += line.open
                    line.open = 0
            hold.version += 1
            if not any(line.open for line in hold.lines):
                hold.state = "FULFILLED" if any(line.fulfilled for line in hold.lines) else "RELEASED"
        self.orders[command.order_id] += 1
        shorts = []
        for found in command.found:
            key = found.node_id, found.sku, ""
            row = self.rows.get(key)
            if row is None:
                self._put(key, Row(on_hand=found.on_hand))
            elif row.on_hand != found.on_hand:
                row.on_hand = found.on_hand
                row.version += 1
            else:
                continue
            shorts.append(self.short(found.node_id, found.sku))
        return ("rejected", units, tuple(short for short in shorts if short > 0))

    def do_cancelorder(self, command: c.CancelOrder) -> Answer:
        """Release all that an order holds, for good."""
        self._expire(hold for hold in self.holds.values() if hold.order_id == command.order_id)
        if command.order_id not in self.orders:
            return ("not_found",)
        if command.if_match is not None and command.if_match != self.orders[command.order_id]:
            return ("stale_version",)
        if command.order_id not in self.cancelled:
            for hold in self.holds.values():
                if hold.order_id == command.order_id and hold.state in ("HELD", "CONFIRMED"):
                    self._end(hold)
            self.cancelled.add(command.order_id)
            self.orders[command.order_id] += 1
        return ("cancelled", self.orders[command.order_id])

    # -- time

    def sweep(self) -> int:
        """Free the holds whose time is over."""
        due = self._due()
        self._expire(due)
        return len(due)

    def _due(self) -> list[Hold]:
        return [
            hold
            for hold in self.holds.values()
            if hold.state == "HELD" and hold.expires is not None and hold.expires <= self.now
        ]

    def _expire(self, holds: Any) -> None:
        among = {id(hold) for hold in holds}
        for hold in self._due():
            if id(hold) in among:
                self._end(hold)
                hold.state = "EXPIRED"

    def _end(self, hold: Hold) -> None:
        for line in hold.lines:
            line.open = 0
        self._become(hold, "FULFILLED" if any(line.fulfilled for line in hold.lines) else "RELEASED")

    def _become(self, hold: Hold, state: str) -> Answer:
        hold.state = state
        hold.version += 1
        return ("changed", hold.state, hold.version)

    def _find(self, name: str, if_match: int | None, also: str = "") -> Hold | Answer:
        hold = self.holds.get(name)
        if hold is None:
            return ("not_found",)
        self._expire([hold])
        if hold.state == also and if_match is None:
            return hold
        if if_match is not None and if_match != hold.version:
            return ("stale_version",)
        if hold.state == "EXPIRED":
            return ("expired",)
        return hold if hold.state in ("HELD", "CONFIRMED", also) else ("wrong_state",)


def _either(value: int | None, other: int) -> int:
    return other if value is None else value
