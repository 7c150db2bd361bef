"""Measures a ledger: ``python -m tests.engine.ledger.measuring URL [STOCK_ROWS [ORDERS [ORDERS_AT_ONCE]]]``.

Imports stock, reserves two-line orders with document, idempotency key and response, and reads a snapshot.
"""

from __future__ import annotations

import gc
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from engine.ledger import Idempotency, Request, Response, open_ledger
from engine.ledger.commands import ImportStock, Limit, PutNetwork, Reserve
from tests.engine.ledger.asking import position

N_NODES = 300
DOCUMENT = b"x" * 900


@contextmanager
def told(what: str, n: int) -> Iterator[None]:
    """Tell how long something took."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what}: {n} in {wall:.2f} s ({n / wall:.0f}/s; own processor time {1e6 * cpu / n:.0f} us each)")


def order(tenant: str, number: int, n_stock: int, rng: random.Random) -> Request:
    """Return a request for two skus of one node, in one shipment."""
    row = rng.randrange(n_stock)
    node, sku = f"node-{row % N_NODES:03d}", row // N_NODES
    lines = [
        position(
            f"sku-{(sku + step) % (n_stock // N_NODES):06d}",
            node=node,
            line_id=str(step),
            shipment_id="s1",
            service_id="ground",
        )
        for step in range(2)
    ]
    name = f"{tenant}-{number}"
    command = Reserve(reservation_id=name, order_id=name, positions=tuple(lines), ttl_ms=900_000, document=DOCUMENT)
    return Request(
        tenant=tenant,
        command=command,
        idempotency=Idempotency(route="POST /allocations", key=name, body_hash="0" * 32),
        respond=lambda outcome: Response(status=201, body=DOCUMENT),
    )


def main(url: str, n_stock: int = 30_000, n_orders: int = 10_000, at_once: int = 100) -> None:
    """Measure, in a tenant of its own."""
    tenant = f"t{time.time_ns()}"
    rng = random.Random(1)
    with told("open", 1):
        ledger = open_ledger(url)
    keys = [(f"node-{row % N_NODES:03d}", f"sku-{row // N_NODES:06d}") for row in range(n_stock)]
    rows = pa.table({"node_id": [key[0] for key in keys], "sku": [key[1] for key in keys], "on_hand": [100] * n_stock})
    with told("import", n_stock):
        ledger.import_stock(Request(tenant=tenant, command=ImportStock(rows=rows)))
    limits = tuple(Limit(node_id=f"node-{n:03d}", shipments_per_day=10**9, units_per_day=10**9) for n in range(N_NODES))
    ledger.write([Request(tenant=tenant, command=PutNetwork(document=b"{}", limits=limits))])
    requests = [order(tenant, number, n_stock, rng) for number in range(n_orders)]
    gc.collect()
    gc.freeze()
    with told(f"reserve, {at_once} at once", n_orders):
        for start in range(0, n_orders, at_once):
            ledger.write(requests[start : start + at_once])
    with told("snapshot", n_stock):
        snapshot = ledger.snapshot(tenant)
    with told("verify", snapshot.entry):
        assert ledger.verify(tenant).ok
    ledger.close()


if __name__ == "__main__":
    main(sys.argv[1], *(int(argument) for argument in sys.argv[2:]))
