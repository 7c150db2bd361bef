"""Commands drawn for a model's state: most of them make sense, some do not."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Literal, TypeVar

from engine.ledger import commands as c
from tests.engine.ledger.asking import DAY1, DAY2, DAY3
from tests.engine.ledger.model import Model

NODES, SKUS, DAYS = ("M", "N"), ("A", "B", "C"), (DAY1, DAY2, DAY3)
T = TypeVar("T")


class Drawing:
    """Draws commands.

    Parameters
    ----------
    seed : int
        What is drawn depends on it and the model alone.
    model : Model
        What there is.
    """

    def __init__(self, seed: int, model: Model) -> None:
        self._rng = random.Random(seed)
        self._model = model

    def command(self) -> c.Command:
        """Draw any command."""
        draws: tuple[Callable[[], c.Command], ...] = (
            *(self.reserve,) * 8,
            *(self.fulfil, self.confirm, self.release, self.reject, self.count) * 2,
            self.adjust,
            self.extend,
            self.cancel,
            self.network,
        )
        return self._one(draws)()

    def count(self) -> c.SetOnHand:
        """Draw a count."""
        return c.SetOnHand(
            node_id=self._one(NODES),
            sku=self._one(SKUS),
            on_hand=self._one((0, 1, 5, 10, 20)) + self._rng.randint(0, 3),
            available_on=self._one((None, None, DAY2, DAY3)),
            reserved=self._rarely(0, 2),
            safety_stock=self._rarely(0, 2),
            if_match=self._rarely(0, 3, 8),
            compare_on_hand=self._rarely(0, 8, 12),
        )

    def adjust(self) -> c.AdjustStock:
        """Draw changes of counts."""
        changes = [
            c.Adjustment(
                node_id=self._one(NODES),
                sku=self._one(SKUS),
                delta=self._rng.randint(-3, 6),
                available_on=self._one((None, None, DAY2)),
            )
            for _ in range(self._rng.randint(1, 3))
        ]
        return c.AdjustStock(adjustments=tuple(changes))

    def reserve(self) -> c.Reserve:
        """Draw a reservation, most often of a new order, under a new name."""
        self._model.n_names += 1
        new = f"r{self._model.n_names}"
        modes: tuple[Literal["new", "replace", "add"], ...] = ("new", "new", "new", "replace", "add")
        mode = self._one(modes)
        order_id = f"O{self._rng.randint(0, 200)}"
        if self._rng.random() < (0.1 if mode == "new" else 0.8):
            live = [hold.order_id for hold in self._model.holds.values() if hold.state in ("HELD", "CONFIRMED")]
            order_id = self._one(live or ["O1"])
        return c.Reserve(
            reservation_id=new if self._rng.random() < 0.97 else self._hold(),
            order_id=order_id,
            positions=tuple(self._position() for _ in range(self._one((0, 1, 1, 2, 2, 3)))),
            confirmed=self._rng.random() < 0.3,
            ttl_ms=self._one((None, 1, 2, 3, 6)),
            mode=mode,
            if_match=self._rarely(0, 2, 10),
        )

    def _position(self) -> c.Position:
        return c.Position(
            node_id=self._one(NODES),
            sku=self._one(SKUS),
            ship_date=self._one(DAYS),
            quantity=self._rng.randint(1, 3),
            line_id=self._one(("1", "2", "3")),
            shipment_id=self._one(("s", "t", "s", None)),
            service_id=self._one(("fast", None)),
        )

    def confirm(self) -> c.Confirm:
        """Draw a confirmation."""
        return c.Confirm(reservation_id=self._hold(), if_match=self._rarely(1, 2, 8))

    def release(self) -> c.Release:
        """Draw a release."""
        return c.Release(reservation_id=self._hold(), if_match=self._rarely(1, 2, 8))

    def extend(self) -> c.Extend:
        """Draw an extension."""
        return c.Extend(reservation_id=self._hold(), ttl_ms=self._one((None, 1, 5)), if_match=self._rarely(1, 2, 8))

    def fulfil(self) -> c.Fulfil:
        """Draw a fulfilment, whole or of one shipment."""
        shipment_ids = self._one((None, None, ("s",), ("t",)))
        return c.Fulfil(reservation_id=self._hold(), shipment_ids=shipment_ids, if_match=self._rarely(1, 2, 8))

    def reject(self) -> c.RejectLines:
        """Draw a short pick."""
        order_id, node_id = self._order(), self._one(NODES)
        holds = self._model.holds.values()
        pairs = [(hold.order_id, line.position.node_id) for hold in holds for line in hold.lines if line.open]
        if pairs and self._rng.random() < 0.8:
            order_id, node_id = self._one(pairs)
        found = c.Found(node_id=node_id, sku=self._one(SKUS), on_hand=self._rng.randint(0, 6))
        return c.RejectLines(
            order_id=order_id,
            node_id=node_id,
            line_ids=self._one((None, None, ("1",), ("1", "2"))),
            found=(found,) if self._rng.random() < 0.5 else (),
            if_match=self._rarely(1, 2, 10),
        )

    def cancel(self) -> c.CancelOrder:
        """Draw a cancellation."""
        return c.CancelOrder(order_id=self._order(), if_match=self._rarely(1, 2, 8))

    def network(self) -> c.PutNetwork:
        """Draw limits: often none."""
        limits = [
            c.Limit(
                node_id=self._one(NODES),
                service_id=self._one((None, "fast")),
                shipments_per_day=self._one((None, 1, 2, 3)),
                units_per_day=self._one((None, None, 5)),
            )
            for _ in range(self._one((0, 1, 2, 3)))
        ]
        return c.PutNetwork(document=b"{}", limits=tuple(limits), if_match=self._rarely(0, 3, 8))

    def _order(self) -> str:
        return self._one([*self._model.orders, "nobody"])

    def _hold(self) -> str:
        live = [name for name, hold in self._model.holds.items() if hold.state in ("HELD", "CONFIRMED")]
        among = live if live and self._rng.random() < 0.8 else [*self._model.holds, "nobody"]
        return self._one(among)

    def _one(self, among: tuple[T, ...] | list[T]) -> T:
        return self._rng.choice(among)

    def _rarely(self, low: int, high: int, one_in: int = 5) -> int | None:
        return self._rng.randint(low, high) if self._rng.randrange(one_in) == 0 else None
