"""What a transaction has in hand: rows as they were read, and as they will be written."""

from __future__ import annotations

from typing import Any

from engine.ledger.records import PositionRecord, Reservation, StockLevel

LIVE = ("HELD", "CONFIRMED")


class Lot:
    """One stock row: supply that is available from a day. ``was`` is None until it is in the database."""

    __slots__ = (
        "delta_sequence",
        "external",
        "on_hand",
        "owed",
        "safety",
        "sequence",
        "source",
        "version",
        "was",
    )

    def __init__(self, row: tuple[Any, ...] | None = None) -> None:
        self.on_hand = 0
        self.external = 0
        self.safety = 0
        self.owed = 0  # units that adjustments took before others brought them: on_hand is 0 then
        self.version = 0
        self.source = ""
        self.sequence = -1
        self.delta_sequence = -1
        self.was = row
        if row is not None:
            (
                self.on_hand,
                self.external,
                self.safety,
                self.owed,
                self.version,
                self.source,
                self.sequence,
                self.delta_sequence,
            ) = row

    def now(self) -> tuple[Any, ...]:
        """Return the row's own columns."""
        return (
            self.on_hand,
            self.external,
            self.safety,
            self.owed,
            self.version,
            self.source,
            self.sequence,
            self.delta_sequence,
        )


class Cell:
    """All supply of a sku at a node, and what we hold of it.

    The row available now (day "") is there whenever any is: it has ``held``, the total of ``booked`` over
    ship dates, and whoever reserves locks it first.
    """

    __slots__ = ("booked", "booked_change", "held", "lots", "node_id", "sku", "was_held")

    def __init__(self, node_id: str, sku: str) -> None:
        self.node_id = node_id
        self.sku = sku
        self.lots: dict[str, Lot] = {}
        self.held = 0
        self.was_held = 0
        self.booked: dict[str, int] | None = None  # by ship date; read only where the total does not decide
        self.booked_change: dict[str, int] = {}

    def supply(self, day: str) -> int:
        """Units available by a day, less what is reserved elsewhere (of all days); may be below 0."""
        return sum(lot.on_hand for on, lot in self.lots.items() if on <= day) - self.external()

    def external(self) -> int:
        """Units reserved elsewhere."""
        return sum(lot.external for lot in self.lots.values())

    def safety(self) -> int:
        """Units kept back."""
        return sum(lot.safety for lot in self.lots.values())

    def level(self, day: str) -> StockLevel:
        """Return a row as it is read."""
        lot = self.lots[day]
        return StockLevel(
            node_id=self.node_id,
            sku=self.sku,
            available_on=day or None,
            on_hand=lot.on_hand,
            reserved=lot.external,
            safety_stock=lot.safety,
            held=self.held,
            version=lot.version,
        )

    def curve(self, first: str, booked: dict[str, int]) -> list[tuple[str, int]]:
        """Return, for each day from ``first`` on which it changes, what is neither held nor reserved nor kept back.

        Parameters
        ----------
        first : str
            The day asked about, "" for now.
        booked : dict of str to int
            Units held, by ship date.
        """
        days = sorted({first, *(day for day in (*self.lots, *booked) if day > first)})
        kept = self.safety()
        return [(day, self.supply(day) - kept - sum(n for on, n in booked.items() if on <= day)) for day in days]

    def short(self, booked: dict[str, int]) -> int:
        """Return by how many units what is held exceeds the supply on the worst day; safety stock counts as supply."""
        worst = 0
        for day, units in booked.items():
            if units:
                held = sum(n for on, n in booked.items() if on <= day)
                worst = max(worst, min(held, held - self.supply(day)))
        return worst


class Place:
    """A position of a reservation."""

    __slots__ = (
        "fulfilled",
        "line_id",
        "node_id",
        "number",
        "open",
        "quantity",
        "service_id",
        "ship_date",
        "shipment_id",
        "sku",
        "was",
    )

    def __init__(self, row: tuple[Any, ...], was: tuple[int, int] | None) -> None:
        (
            self.number,
            self.node_id,
            self.sku,
            self.ship_date,
            self.quantity,
            self.line_id,
            self.shipment_id,
            self.service_id,
            self.open,
            self.fulfilled,
        ) = row
        self.was = was

    def record(self, *, over: bool = False) -> PositionRecord:
        """Return it as it is read; ``over``: as if it had been freed."""
        return PositionRecord(
            node_id=self.node_id,
            sku=self.sku,
            ship_date=self.ship_date,
            quantity=self.quantity,
            line_id=self.line_id,
            shipment_id=self.shipment_id,
            service_id=self.service_id,
            open=0 if over else self.open,
            fulfilled=self.fulfilled,
        )


class Booking:
    """A reservation; ``was_version`` is None until it is in the database."""

    __slots__ = (
        "created_ms",
        "expires_ms",
        "order_id",
        "places",
        "reservation_id",
        "state",
        "version",
        "was_version",
    )

    def __init__(self, row: tuple[Any, ...], places: list[Place], was_version: int | None) -> None:
        (
            self.reservation_id,
            self.order_id,
            self.state,
            self.version,
            self.expires_ms,
            self.created_ms,
        ) = row
        self.places = places
        self.was_version = was_version

    def is_due(self, now_ms: int) -> bool:
        """Whether its time is over."""
        return self.state == "HELD" and self.expires_ms is not None and self.expires_ms <= now_ms

    def record(self, now_ms: int | None = None) -> Reservation:
        """Return it as it is read; given an instant, a hold that is over by then reads as EXPIRED."""
        over = now_ms is not None and self.is_due(now_ms)
        return Reservation(
            reservation_id=self.reservation_id,
            order_id=self.order_id,
            state="EXPIRED" if over else self.state,
            version=self.version,
            expires_at_ms=self.expires_ms,
            created_at_ms=self.created_ms,
            positions=tuple([place.record(over=over) for place in self.places]),
        )


class Order:
    """An order's row."""

    __slots__ = ("document", "order_id", "state", "updated_ms", "version", "was_version")

    def __init__(self, order_id: str, row: tuple[Any, ...] | None = None) -> None:
        self.order_id = order_id
        self.state, self.version, self.document, self.updated_ms = row or ("OPEN", 0, None, 0)
        self.was_version: int | None = None if row is None else self.version


class Slot:
    """Capacity used: of a node on a day (service "") or of a service there."""

    __slots__ = ("shipments", "units", "was")

    def __init__(self, was: tuple[int, int] | None = None) -> None:
        self.shipments, self.units = was or (0, 0)
        self.was = was
