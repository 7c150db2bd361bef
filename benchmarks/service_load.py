"""A load generator: keep-alive connections, requests made beforehand, latencies from when a request was due.

Runs as a process of its own: ``python -m benchmarks.service_load PORT`` with a plan as JSON on standard input, and
prints what it measured as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import uvloop


@dataclass
class Measured:
    """What a run saw: seconds of each request, and how often each status came."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._seen = bytearray()
        self._waiting: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Wake who waits once the response is whole."""
        self._seen += data
        end = self._seen.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self._seen.find(b"content-length: ", 0, end)
        length = int(self._seen[at + 16 : self._seen.find(b"\r\n", at)])
        if len(self._seen) < end + 4 + length:
            return
        status = int(self._seen[9:12])
        self._seen.clear()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(status)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell who waits."""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(0)

    async def ask(self, request: bytes) -> int:
        """Send a request and return the status of its response."""
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting


def post(path: str, body: Any) -> bytes:
    """Return the bytes of a request."""
    raw = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1",
        "host: 127.0.0.1",
        "content-type: application/json",
        f"content-length: {len(raw)}",
        "",
        "",
    )
    return "\r\n".join(head).encode() + raw


async def closed_loop(connections: list[Connection], requests: list[bytes], seconds: float) -> Measured:
    """Send as fast as answers come, for so long or until there are no more requests."""
    measured, left, deadline = Measured(), iter(requests), time.perf_counter() + seconds

    async def work(connection: Connection) -> None:
        for request in left:
            started = time.perf_counter()
            if started > deadline:
                return
            measured.statuses[await connection.ask(request)] += 1
            measured.seconds.append(time.perf_counter() - started)

    await asyncio.gather(*map(work, connections))
    return measured


async def open_loop(connections: list[Connection], requests: list[bytes], per_second: float) -> Measured:
    """Send at a rate, whatever the answers do; a request that finds no connection free waits, and that counts."""
    measured = Measured()
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for connection in connections:
        free.put_nowait(connection)

    async def one(request: bytes, due: float) -> None:
        connection = await free.get()
        measured.statuses[await connection.ask(request)] += 1
        measured.seconds.append(time.perf_counter() - due)
        free.put_nowait(connection)

    tasks, start = [], time.perf_counter()
    for at, request in enumerate(requests):
        due = start + at / per_second
        if due > time.perf_counter():
            await asyncio.sleep(due - time.perf_counter())
        tasks.append(asyncio.create_task(one(request, due)))
    await asyncio.gather(*tasks)
    return measured


async def run(port: int, plan: dict[str, Any]) -> dict[str, Any]:
    """Run a plan: path, bodies, n_connections, and seconds or per_second."""
    loop = asyncio.get_running_loop()
    pairs = [await loop.create_connection(Connection, "127.0.0.1", port) for _ in range(plan["n_connections"])]
    connections = [protocol for _, protocol in pairs]
    requests = [post(plan["path"], body) for body in plan["bodies"]]
    started = time.perf_counter()
    if "per_second" in plan:
        measured = await open_loop(connections, requests, plan["per_second"])
    else:
        measured = await closed_loop(connections, requests, plan["seconds"])
    elapsed = time.perf_counter() - started
    for transport, _ in pairs:
        transport.close()
    found = np.array(measured.seconds)
    return {
        "requests": int(found.size),
        "seconds": elapsed,
        "per_second": found.size / elapsed,
        "p50_ms": 1000 * float(np.percentile(found, 50)),
        "p99_ms": 1000 * float(np.percentile(found, 99)),
        "max_ms": 1000 * float(found.max()),
        "statuses": {str(status): n for status, n in measured.statuses.items()},
    }


if __name__ == "__main__":
    uvloop.install()
    json.dump(asyncio.run(run(int(sys.argv[1]), json.load(sys.stdin))), sys.stdout)
