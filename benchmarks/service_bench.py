"""The service under load: server and load generator as processes on the same machine, on SQLite with full syncs.

``python -m benchmarks.service_bench [--small] [--only NAME...]`` prints a line for each measurement, with the bar
that it is held to. The full size is 300 nodes, 50,000 skus and 1,000,000 stock rows.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

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
        time.sleep(0.02)
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


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--only", nargs="*", default=["orders", "promises", "batch", "restart"])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--database", help="an empty database; by default SQLite in the folder")
    parser.add_argument("--reservations", type=int, default=1_000_000)
    chosen = parser.parse_args()
    size = "small" if chosen.small else "full"
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        database = chosen.database or f"sqlite:///{folder / 'ledger.db'}"
        bodies, carts = instance(size, folder)
        with served(folder, database, "--network", str(folder / "day")) as (port, ready, _):
            print(f"first start, with the import: {ready:.1f} s", flush=True)
        with served(folder, database) as (port, ready, _):
            print(f"restart: {ready:.1f} s", flush=True)
            load(port, "/v1/promises", carts[:200], seconds=5.0)
            call(port, "POST", "/v1/allocations", {**bodies.pop(), "commit": False})
            if "promises" in chosen.only:
                told(
                    "promises, as fast as they go", load(port, "/v1/promises", carts, seconds=chosen.seconds), "1,000/s"
                )
                some = carts[: int(500 * chosen.seconds)]
                told("promises at 500/s", load(port, "/v1/promises", some, per_second=500.0), "p99 < 20 ms")
            if "orders" in chosen.only:
                some = [bodies.pop() for _ in range(int(300 * chosen.seconds))]
                told("orders at 300/s", load(port, "/v1/allocations", some, per_second=300.0), "p99 < 50 ms")
                some = bodies[: int(2000 * chosen.seconds)]
                del bodies[: int(2000 * chosen.seconds)]
                told("orders, as fast as they go", load(port, "/v1/allocations", some, seconds=chosen.seconds), "600/s")
            if "batch" in chosen.only:
                n = 1_000 if chosen.small else 10_000
                singles = [bodies.pop() for _ in range(n)]
                together = [bodies.pop() for _ in range(n)]
                one = load(port, "/v1/allocations", singles, n_connections=1, seconds=600.0)
                told(f"{n} single calls, one after another", one, "")
                many = load(port, "/v1/allocations", [bodies.pop() for _ in range(n)], seconds=600.0)
                told(f"{n} single calls, 32 at a time", many, "")
                elapsed, summary = batch_seconds(port, together, 0.005)
                print(
                    f"batch of {n}: {elapsed:.2f} s, gap {summary['gap']:.4%}, {summary['committed']}, "
                    f"{one['seconds'] / elapsed:.1f} x less than one after another, "
                    f"{many['seconds'] / elapsed:.1f} x less than 32 at a time [10 x]",
                    flush=True,
                )
                seconds = {name: round(value, 2) for name, value in summary["seconds"].items()}
                print(seconds, summary["service_seconds"], flush=True)
        if "restart" in chosen.only:
            reserve_many(database, chosen.reservations if not chosen.small else 10_000)
            with served(folder, database) as (port, ready, _):
                print(f"restart with {chosen.reservations:,} reservations: {ready:.1f} s [10 s]", flush=True)


if __name__ == "__main__":
    main()
