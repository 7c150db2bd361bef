"""Rates of real-time decisions and promises: ``python -m benchmarks.live [n_skus]``."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pyarrow as pa

from engine.documents import Batch
from engine.generate import GenerateParams, generate
from engine.live import Order, OrderLine, Snapshot, StockDelta, decide, promise
from engine.schema import INPUT_TABLES

Call = Callable[..., object]
N_NODES = 300
NODES_A_SKU = 20
SIZES = (1, 8, 32)
SECONDS = 3.0


def network(n_skus: int, seed: int = 0) -> Batch:
    """300 nodes of the generator, its tariffs, and 20 stock rows for each of many skus, a tenth of them inbound."""
    batch = generate(GenerateParams(load="calm", n_orders=20_000, n_nodes=N_NODES, n_skus=1000, seed=seed))
    rng = np.random.default_rng(seed)
    n_rows = n_skus * NODES_A_SKU
    node = np.concatenate([rng.permutation(N_NODES)[:NODES_A_SKU] for _ in range(1000)])
    node = np.tile(node, -(-n_skus // 1000))[:n_rows]
    sku = np.repeat(np.arange(n_skus), NODES_A_SKU)
    day = batch.policy.as_of.date()
    inbound = rng.random(n_rows) < 0.1
    node_ids = batch["nodes"].column("node_id").combine_chunks()
    skus = pa.array([f"SKU{number:06d}" for number in range(n_skus)])
    stock = pa.table(
        {
            "node_id": node_ids.take(pa.array(node)),
            "sku": skus.take(pa.array(sku)),
            "on_hand": rng.integers(0, 60, n_rows),
            "reserved": np.zeros(n_rows, np.int64),
            "safety_stock": np.zeros(n_rows, np.int64),
            "available_on": pa.array([None if not late else day for late in inbound], pa.date32()),
        }
    )
    items = batch["items"]
    at = pa.array(rng.integers(0, items.num_rows, n_skus))
    items = items.take(at).set_column(items.schema.get_field_index("sku"), "sku", skus)
    tables = {"stock": stock.select(INPUT_TABLES["stock"].column_names), "items": items}
    empty = {name: INPUT_TABLES[name].arrow_schema.empty_table() for name in ("orders", "lines", "used")}
    return Batch(batch.policy, {**batch.tables, **empty, **tables})


def draw_orders(batch: Batch, n: int, seed: int = 1) -> list[Order]:
    """Orders of 1 to 3 lines, placed at random near the network's nodes."""
    rng = np.random.default_rng(seed)
    lat, lon = (batch["nodes"].column(name).to_pylist() for name in ("lat", "lon"))
    n_skus = batch["items"].num_rows
    skus = batch["items"].column("sku").to_pylist()
    orders = []
    for number in range(n):
        near = int(rng.integers(len(lat)))
        lines = tuple(
            OrderLine(line_id=str(i), sku=skus[int(rng.integers(n_skus))], quantity=int(rng.integers(1, 4)))
            for i in range(int(rng.integers(1, 4)))
        )
        north, east = rng.normal(size=2).tolist()
        orders.append(Order(order_id=f"O{number}", lat=lat[near] + north, lon=lon[near] + east, lines=lines))
    return orders


def rate(call: Callable[[Sequence[Order]], object], orders: list[Order], size: int) -> tuple[float, float]:
    """Orders a second in calls of a size, and the median milliseconds of a call."""
    call(orders[:size])
    took = []
    at = 0
    start = time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        begin = time.perf_counter()
        call(orders[at : at + size])
        took.append(time.perf_counter() - begin)
        at = (at + size) % (len(orders) - size)
    return size * len(took) / sum(took), float(np.median(took)) * 1000.0


def main(n_skus: int = 50_000) -> None:
    """Print what building, deciding, promising and changing take."""
    batch = network(n_skus)
    print(f"{batch['nodes'].num_rows} nodes, {n_skus} skus, {batch['stock'].num_rows} stock rows")
    for what in ("build, first", "build"):
        start = time.perf_counter()
        snapshot = Snapshot(batch)
        print(f"{what}: {time.perf_counter() - start:.2f} s")
    for what in ("rebuild, first", "rebuild"):
        start = time.perf_counter()
        snapshot.rebuild()
        print(f"{what}: {time.perf_counter() - start:.2f} s")
    orders = draw_orders(batch, 20_000)
    calls: dict[str, Call] = {"promise": promise, "decide": decide, "decide and take": partial(decide, take=True)}
    for name, call in calls.items():
        for size in SIZES:
            per_second, median_ms = rate(partial(call, Snapshot(batch)), orders, size)
            print(f"{name}, {size} a call: {per_second:,.0f}/s, median call {median_ms:.2f} ms")
    done = threading.Event()

    def rebuild() -> None:
        while not done.is_set():
            snapshot.rebuild()

    aside = threading.Thread(target=rebuild)
    aside.start()
    took = []
    for at in range(0, 16_000, 8):
        start = time.perf_counter()
        decide(snapshot, orders[at : at + 8])
        took.append((time.perf_counter() - start) * 1000.0)
    done.set()
    aside.join()
    half, most = np.percentile(took, (50, 99)).tolist()
    print(f"decide, 8 a call, while rebuilding without end: median {half:.2f} ms, 99% within {most:.2f} ms")
    row = batch["stock"].slice(0, 1).to_pylist()[0]
    delta = StockDelta(node_id=row["node_id"], sku=row["sku"], on_hand=1)
    start = time.perf_counter()
    for _ in range(2000):
        snapshot.apply(stock=[delta])
    print(f"apply one delta: {(time.perf_counter() - start) / 2000 * 1e6:.0f} us")


if __name__ == "__main__":
    main(*(int(text) for text in sys.argv[1:]))
