"""Runs the service as people do, in a process of its own, on a real ledger; and calls it."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx

from api.examples import NETWORK
from api.security import SCOPES, new_key
from engine.ledger import open_ledger
from tests.api.running import COMMAND, environment
from tests.engine.ledger.postgres_server import start_server

READY_SECONDS = 60.0
LINES = "application/x-ndjson"
_tenants = count(1)


@dataclass
class Server:
    """A service that runs.

    Parameters
    ----------
    process : Popen
        The process.
    url : str
        Where it listens.
    database : str
        Its ledger.
    folder : Path
        Where it runs, and writes its log.
    """

    process: subprocess.Popen[str]
    url: str
    database: str
    folder: Path
    arguments: tuple[str, ...] = field(default=())

    def client(self, key: str | None = None, **named: Any) -> httpx.Client:
        """A client, with a key perhaps."""
        headers = {} if key is None else {"x-api-key": key}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60.0, **named)

    def log(self) -> str:
        """What the process wrote to standard error."""
        return (self.folder / "log.txt").read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End the process, and wait for that."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=30)


def start(
    folder: Path,
    database: str,
    *arguments: str,
    ready: bool = True,
    port: int = 0,
    command: Sequence[str] = COMMAND,
    keys: Sequence[str] = (),
) -> Server:
    """Start the service, with a key for each of some tenants, and wait until it is ready."""
    folder.mkdir(parents=True, exist_ok=True)
    for tenant in keys:
        give_key(database, tenant)
    with (folder / "log.txt").open("a") as log:
        process = subprocess.Popen(
            [*command, "serve", "--database", database, "--port", str(port), *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment(),
        )
    url = _address(process, folder)
    server = Server(process, url, database, folder, arguments)
    if ready:
        wait_until_ready(server)
    return server


def _address(process: subprocess.Popen[str], folder: Path) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("nodewise serves on "):
            return line.split()[3]
    raise AssertionError(f"it did not start:\n{(folder / 'log.txt').read_text()[-3000:]}")


def wait_until_ready(server: Server) -> None:
    """Wait for /readyz."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if httpx.get(f"{server.url}/readyz").status_code == 200:
            return
        time.sleep(0.05)
    raise AssertionError(f"it was never ready:\n{server.log()[-3000:]}")


@contextmanager
def running(folder: Path, database: str, *arguments: str) -> Iterator[Server]:
    """The service, while it is needed."""
    server = start(folder, database, *arguments)
    try:
        yield server
    finally:
        server.stop()
        assert server.process.stdout is not None
        server.process.stdout.close()


def sqlite_in(folder: Path) -> str:
    """The address of a ledger in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / 'ledger.db'}"


def database_of(backend: str, folder: Path) -> str:
    """The address of an empty database of a kind."""
    return sqlite_in(folder) if backend == "sqlite" else start_server().new_database()


def give_key(database: str, tenant: str, *scopes: str) -> str:
    """Store a key for a tenant; returns it."""
    key, key_id, key_hash = new_key()
    with closing(open_ledger(database)) as ledger:
        ledger.put_key(tenant, key_id, key_hash, scopes or SCOPES)
    return key


def fresh_tenant() -> str:
    """A tenant that nobody else has."""
    return f"tenant-{next(_tenants)}"


@dataclass
class Shop:
    """A tenant of a running service, with a client that may do everything."""

    server: Server
    tenant: str
    http: httpx.Client

    def ok(self, method: str, path: str, **named: Any) -> Any:
        """Call, and return the document of a call that went well."""
        response = self.http.request(method, path, **named)
        assert response.status_code < 300, response.text
        return response.json() if response.content else None

    def refused(self, status: int, method: str, path: str, **named: Any) -> dict[str, Any]:
        """Call, and return the problem of a call that was refused with that status."""
        response = self.http.request(method, path, **named)
        assert response.status_code == status, (response.status_code, response.text)
        assert response.headers["content-type"] == "application/problem+json"
        document: dict[str, Any] = response.json()
        assert document["status"] == status and document["type"].startswith("urn:nodewise:problem:")
        assert document["request_id"] == response.headers["x-request-id"]
        return document

    def put_network(self, network: dict[str, Any] | None = None) -> None:
        """Store a network."""
        self.ok("PUT", "/v1/network", json=network or NETWORK)

    def count(self, *rows: tuple[str, str, int], **named: Any) -> Any:
        """Import counts: node, sku, units."""
        lines = "".join(json.dumps({"node_id": node, "sku": sku, "on_hand": units}) + "\n" for node, sku, units in rows)
        return self.ok("POST", "/v1/inventory:import", content=lines, headers={"content-type": LINES}, **named)

    def order(self, order_id: str, *lines: tuple[str, int], east: bool = True, **named: Any) -> Any:
        """Allocate an order of skus and quantities, near the node in the east (or the west)."""
        return self.ok("POST", "/v1/allocations", json=order_body(order_id, *lines, east=east, **named))

    def promised(self, sku: str) -> dict[str, int]:
        """What can be promised of a sku, by node."""
        found = self.ok("POST", "/v1/availability:query", json={"skus": [sku]})
        return {row["node_id"]: row["available_to_promise"] for row in found["availability"]}

    def finished(self, operation: dict[str, Any], seconds: float = 60.0) -> dict[str, Any]:
        """Wait for an operation to end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.ok("GET", f"/v1/operations/{operation['operation_id']}")
            if found["state"] in ("DONE", "FAILED", "CANCELLED"):
                return found
            time.sleep(0.1)
        raise AssertionError(f"still {found}")


def order_body(order_id: str, *lines: tuple[str, int], east: bool = True, **named: Any) -> dict[str, Any]:
    """The body of an allocation."""
    lat, lon = (42.36, -71.06) if east else (37.77, -122.42)
    listed = [{"line_id": str(at), "sku": sku, "quantity": n} for at, (sku, n) in enumerate(lines, start=1)]
    return {"order": {"order_id": order_id, "lat": lat, "lon": lon, "lines": listed}, **named}


def shop_of(server: Server, *, network: bool = True) -> Shop:
    """A new tenant of a service, with the example network perhaps."""
    tenant = fresh_tenant()
    shop = Shop(server, tenant, server.client(give_key(server.database, tenant)))
    if network:
        shop.put_network()
    return shop
