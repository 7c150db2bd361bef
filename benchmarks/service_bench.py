"""The service under load: server and load generator on the same machine, every commit on disk.

``python -m benchmarks.service_bench [--small] [--database postgres] [--only NAME...]`` prints a line for each
measurement, with the bar that it is held to. The full size is 300 nodes, 50,000 skus and 1,000,000 stock rows.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.bundled_postgres import bundled_postgres
from engine.batch import Batch
from engine.documents import write_batch
from engine.generate import GenerateParams, generate
from engine.ledger import Request, open_ledger
from engine.ledger.commands import Position, Reserve

SIZES = {"full": (300, 50_000, 20), "small": (40, 2_000, 8)}
ORDERS = 90_000


def instance(size: str, folder: Path) -> tuple[list[Any], list[Any]]:
    """Write a batch whose network is to be served; return the bodies of orders and of carts."""
    n_nodes, n_skus, nodes_each = SIZES[size]
    batch = generate(GenerateParams(load="calm", n_orders=ORDERS, n_nodes=n_nodes, n_skus=n_skus, seed=7))
    rng = np.random.default_rng(7)
    nodes = np.array(batch["nodes"]["node_id"].to_pylist())
    skus = batch["items"]["sku"].to_pylist()
    chosen = np.argsort(rng.random((n_skus, n_nodes)), axis=1)[:, :nodes_each]
    stock = pa.table(
        {
            "node_id": pa.array(nodes[chosen.ravel()].tolist()),
            "sku": pa.array(np.repeat(np.array(skus), nodes_each).tolist()),
            "on_hand": pa.array(rng.integers(20, 200, n_skus * nodes_each)),
            "reserved": pa.array(np.zeros(n_skus * nodes_each, np.int64)),
            "safety_stock": pa.array(np.zeros(n_skus * nodes_each, np.int64)),
            "available_on": pa.nulls(n_skus * nodes_each, pa.date32()),
        }
    )
    bodies = order_bodies(batch)
    tables = dict(batch.tables)
    nodes_table = tables["nodes"]
    for name in ("shipments_per_day", "units_per_day"):
        at = nodes_table.column_names.index(name)
        wide = pa.array(np.full(n_nodes, 50_000), nodes_table.schema.field(at).type)
        nodes_table = nodes_table.set_column(at, nodes_table.schema.field(at), wide)
    tables.update(nodes=nodes_table, stock=stock.cast(tables["stock"].schema))
    for name in ("orders", "lines", "used", "service_capacity", "closures"):
        tables[name] = tables[name].slice(0, 0)
    write_batch(Batch(batch.policy, tables), folder / "day", "parquet")
    carts = [
        {"cart": {"lat": body["order"]["lat"], "lon": body["order"]["lon"], "lines": body["order"]["lines"]}}
        for body in bodies
    ]
    return bodies, carts


def order_bodies(batch: Batch) -> list[Any]:
    """Return the orders of a batch as bodies of single calls."""
    lines: dict[str, list[Any]] = {}
    for row in batch["lines"].select(["order_id", "line_id", "sku", "quantity"]).to_pylist():
        lines.setdefault(row.pop("order_id"), []).append(row)
    orders = batch["orders"].select(["order_id", "lat", "lon", "residential"]).to_pylist()
    return [{"order": {**row, "lines": lines[row["order_id"]]}} for row in orders]


@contextmanager
def served(folder: Path, database: str, *arguments: str) -> Iterator[tuple[int, float, int]]:
    """Start the service; yield its port, how long it took to be ready, and its process id."""
    started = time.perf_counter()
    with (folder / "log.txt").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "serve", "--port", "0", "--no-access-log", *arguments],
            env={**os.environ, "NODEWISE_DATABASE": database},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout is not None
    port = 0
    for line in process.stdout:
        if line.startswith("nodewise serves on "):
            port = int(line.split()[3].rsplit(":", 1)[1])
            break
    if not port:
        raise SystemExit((folder / "log.txt").read_text()[-2000:])
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
                if answer.status == 200:
                    break
        except OSError:
            time.sleep(0.02)
    try:
        yield port, time.perf_counter() - started, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def load(port: int, path: str, bodies: list[Any], n_connections: int = 32, **how: float) -> dict[str, Any]:
    """Run the load generator."""
    plan = {"path": path, "bodies": bodies, "n_connections": n_connections, **how}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.service_load", str(port)],
        input=json.dumps(plan),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def call(port: int, method: str, path: str, body: Any = None) -> Any:
    """Call once."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def batch_seconds(port: int, bodies: list[Any], gap: float) -> tuple[float, Any]:
    """Allocate orders as a batch; return how long it took from call to result, and the summary."""
    orders = [{name: value for name, value in body["order"].items() if name != "lines"} for body in bodies]
    lines = [{"order_id": body["order"]["order_id"], **line} for body in bodies for line in body["order"]["lines"]]
    started = time.perf_counter()
    operation = call(port, "POST", "/v1/allocations:batch", {"orders": orders, "lines": lines, "gap": gap})
    place = f"/v1/operations/{operation['operation_id']}"
    while (found := call(port, "GET", place))["state"] in ("QUEUED", "RUNNING"):
        time.sleep(0.05)
    elapsed = time.perf_counter() - started
    if found["state"] != "DONE":
        raise SystemExit(found)
    return elapsed, call(port, "GET", f"{place}/result?table=summary")["summary"]


def reserve_many(database: str, n: int, tenant: str = "default") -> None:
    """Put so many reservations into the ledger, as the service would, but quicker."""
    with closing(open_ledger(database)) as ledger:
        stock = ledger.snapshot(tenant).stock
        nodes, skus = stock["node_id"].to_pylist(), stock["sku"].to_pylist()
        for first in range(0, n, 5000):
            requests = []
            for at in range(first, min(n, first + 5000)):
                row = at % len(nodes)
                position = Position(node_id=nodes[row], sku=skus[row], ship_date="2030-01-07", quantity=1)
                command = Reserve(
                    reservation_id=f"many-{at}", order_id=f"many-{at}", positions=(position,), confirmed=True
                )
                requests.append(Request(tenant=tenant, command=command))
            ledger.write(requests)


def told(name: str, found: dict[str, Any], bar: str) -> None:
    """Print a measurement."""
    print(
        f"{name:<34} {found['per_second']:8.0f}/s  p50 {found['p50_ms']:7.2f} ms  p99 {found['p99_ms']:7.2f} ms  "
        f"max {found['max_ms']:7.1f} ms  {found['statuses']}  [{bar}]",
        flush=True,
    )


def measure_promises(port: int, carts: list[Any], seconds: float) -> None:
    """Promises, as fast as they go and at a rate."""
    told("promises, as fast as they go", load(port, "/v1/promises", carts, seconds=seconds), "1,000/s")
    some = carts[: int(500 * seconds)]
    told("promises at 500/s", load(port, "/v1/promises", some, per_second=500.0), "p99 < 20 ms")


def measure_orders(port: int, bodies: list[Any], seconds: float) -> None:
    """Orders, at a rate and as fast as they go."""
    told(
        "orders at 300/s", load(port, "/v1/allocations", taken(bodies, 300 * seconds), per_second=300.0), "p99 < 50 ms"
    )
    some = taken(bodies, 2000 * seconds)
    told("orders, as fast as they go", load(port, "/v1/allocations", some, seconds=seconds), "600/s")


def measure_refresh(port: int, bodies: list[Any], seconds: float) -> None:
    """Orders at a rate while the snapshot is built anew, because the network is put again."""
    network = call(port, "GET", "/v1/network")
    network["policy"]["late_cents_per_day"] += 1
    network.pop("version", None)
    with ThreadPoolExecutor(1) as threads:
        some = taken(bodies, 300 * seconds)
        running = threads.submit(load, port, "/v1/allocations", some, per_second=300.0)
        time.sleep(seconds / 4)
        started = time.perf_counter()
        call(port, "PUT", "/v1/network", network)
        print(f"a network is put, and decided on, in {time.perf_counter() - started:.1f} s", flush=True)
        told("orders at 300/s, snapshot refreshed", running.result(), "no stop")


def measure_batch(port: int, bodies: list[Any], n: int) -> None:
    """A batch against as many single calls."""
    one = load(port, "/v1/allocations", taken(bodies, n), n_connections=1, seconds=600.0)
    told(f"{n} single calls, one after another", one, "")
    many = load(port, "/v1/allocations", taken(bodies, n), seconds=600.0)
    told(f"{n} single calls, 32 at a time", many, "")
    elapsed, summary = batch_seconds(port, taken(bodies, n), 0.005)
    print(
        f"batch of {n}: {elapsed:.2f} s, gap {summary['gap']:.4%}, {summary['committed']}, "
        f"{one['seconds'] / elapsed:.1f} x less than one after another, "
        f"{many['seconds'] / elapsed:.1f} x less than 32 at a time [10 x]",
        flush=True,
    )
    seconds = {name: round(value, 2) for name, value in summary["seconds"].items()}
    print(seconds, summary["service_seconds"], flush=True)


def measure_import(port: int, folder: Path) -> None:
    """All counts once more, over HTTP: each one other than it was."""
    stock = pq.read_table(folder / "day" / "stock.parquet")
    at = stock.column_names.index("on_hand")
    sink = io.BytesIO()
    pq.write_table(stock.set_column(at, "on_hand", pc.add(stock["on_hand"], 1000)), sink)
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/inventory:import",
        method="POST",
        data=sink.getvalue(),
        headers={"content-type": "application/vnd.apache.parquet"},
    )
    started = time.perf_counter()
    with urllib.request.urlopen(request) as answer:
        found = json.load(answer)
    print(f"import of {found['rows']:,} rows, {found['changed']:,} changed: {time.perf_counter() - started:.1f} s")


def taken(bodies: list[Any], n: float) -> list[Any]:
    """Take some that nobody had."""
    some = bodies[-int(n) :]
    del bodies[-int(n) :]
    return some


def measure(folder: Path, database: str, chosen: argparse.Namespace) -> None:
    """Measure what was chosen, on an empty database, or on the one that an earlier run left in the folder."""
    size = "small" if chosen.small else "full"
    seconds = chosen.seconds
    bodies, carts = instance(size, folder)
    random.Random(time.time_ns()).shuffle(bodies)  # an earlier run on the same database has used some
    for body in bodies:
        body["order"]["order_id"] = f"{chosen.mark}{body['order']['order_id']}"
    with served(folder, database, "--network", str(folder / "day")) as (port, ready, _):
        print(f"first start, with the import: {ready:.1f} s", flush=True)
    more = ("--workers", str(chosen.workers))
    with served(folder, database, *more) as (port, ready, _):
        print(f"restart: {ready:.1f} s", flush=True)
        load(port, "/v1/promises", carts[:200], seconds=5.0)
        call(port, "POST", "/v1/allocations", {**bodies.pop(), "commit": False})
        time.sleep(5.0)  # the process that solves batches is loading
        if "promises" in chosen.only:
            measure_promises(port, carts, seconds)
        if "orders" in chosen.only:
            measure_orders(port, bodies, seconds)
        if "batch" in chosen.only:
            measure_batch(port, bodies, 1_000 if chosen.small else 10_000)
        if "refresh" in chosen.only:
            measure_refresh(port, bodies, seconds)
        if "import" in chosen.only:
            measure_import(port, folder)
    if "restart" in chosen.only:
        reserve_many(database, chosen.reservations if not chosen.small else 10_000)
        with served(folder, database) as (port, ready, _):
            print(f"restart with {chosen.reservations:,} reservations: {ready:.1f} s [10 s]", flush=True)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--only", nargs="*", default=["orders", "promises", "batch", "refresh", "import", "restart"])
    parser.add_argument("--folder", type=Path, help="kept, and used again: the import is done once")
    parser.add_argument("--database", help="an address, or postgres: the bundled one; by default SQLite in the folder")
    parser.add_argument("--reservations", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=1, help="processors for a batch")
    parser.add_argument("--mark", default=f"{time.time_ns() % 10**9:09d}-", help="what order ids begin with")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        folder = chosen.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(exist_ok=True)
        database = chosen.database or f"sqlite:///{folder / 'ledger.db'}"
        if database == "postgres":
            database = stack.enter_context(bundled_postgres(folder))
        measure(folder, database, chosen)


if __name__ == "__main__":
    main()
