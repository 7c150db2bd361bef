"""Loads the kernels of single orders before the first one comes; compiles them where nobody has yet."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

from api.examples import NETWORK
from engine.documents import parse_batch
from engine.live import Again, Order, OrderLine, Snapshot, Standing, decide, explain, promise

_log = logging.getLogger("api.warming")
_AS_OF = datetime(2030, 1, 7, 12, tzinfo=UTC)
_SLOW_SECONDS = 10.0


def warm() -> None:
    """Decide, promise, decide again and explain on a small network; takes a minute the first time on a machine."""
    started = time.monotonic()
    stock = [{"node_id": node, "sku": sku, "on_hand": 9} for node in ("east", "west") for sku in ("mug", "lamp")]
    policy = {**NETWORK["policy"], "as_of": _AS_OF.isoformat()}
    snapshot = Snapshot(parse_batch({**NETWORK, "policy": policy, "stock": stock, "orders": [], "lines": []}))
    lines = tuple(OrderLine(line_id=sku, sku=sku, quantity=2) for sku in ("mug", "lamp"))
    order = Order(order_id="1", lat=42.36, lon=-71.06, lines=lines)
    [decision] = decide(snapshot, [order], take=True)
    promise(snapshot, [order])
    explain(snapshot, order, decision)
    standing = tuple(
        Standing(
            shipment=shipment,
            allocations=tuple(row for row in decision.allocations if row.shipment_id == shipment.shipment_id),
        )
        for shipment in decision.shipments
    )
    decide(snapshot, [order], again={"1": Again(standing=standing, barred={"mug": ("east",)})})
    elapsed = time.monotonic() - started
    if elapsed > _SLOW_SECONDS:
        _log.info("kernels compiled, the first time on this machine only", extra={"seconds": round(elapsed, 1)})
