"""Tests a full disk, and a database that restarts, in the middle of load over HTTP: refused, then all is there once."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.api.service.buying import Client, buying, check_all_there
from tests.api.service.serving import Server, shop_of, sqlite_in, start
from tests.engine.ledger.postgres_server import start_server

FULL = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON entries FOR EACH STATEMENT EXECUTE FUNCTION no_room();
"""


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def n_acknowledged(clients: list[Client]) -> int:
    """How many orders were acknowledged."""
    return sum(len(client.acknowledged) for client in clients)


@contextmanager
def no_room(server: Server, backend: str) -> Iterator[None]:
    """Let what the ledger is written to be full: its file may not grow, or PostgreSQL says what it says then."""
    if backend == "sqlite":
        log = server.folder / "ledger.db-wal"
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (log.stat().st_size + 20_000, limits[1]))
        try:
            yield
        finally:
            resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limits)
    else:
        with closing(psycopg.connect(server.database, autocommit=True)) as connection:
            connection.execute(FULL)  # type: ignore[arg-type]
            try:
                yield
            finally:
                connection.execute("DROP TRIGGER full_disk ON entries")


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_full_disk_in_the_middle_of_load(tmp_path: Path, backend: str) -> None:
    """Tests that writes are 503 and reads go on while there is no room, and that all goes on when there is."""
    database = sqlite_in(tmp_path) if backend == "sqlite" else start_server().new_database()
    server = start(tmp_path, database, "--no-access-log", keys=("first",))
    shop = shop_of(server)
    with buying(server, shop) as clients:
        wait_for(lambda: n_acknowledged(clients) > 20)
        with no_room(server, backend):
            refused = {"adjustments": [{"node_id": "east", "sku": "mug", "delta": 1}]}
            answers: list[httpx.Response] = []

            def is_refused() -> bool:  # one may still fit where an earlier one did not
                answers.append(shop.http.post("/v1/inventory:adjust", json=refused))
                return answers[-1].status_code == 503

            wait_for(is_refused)
            problem = answers[-1].json()
            assert problem["status"] == 503 and "ledger" in problem["detail"]
            assert shop.http.get("/v1/inventory/east/mug").status_code == 200
        n_before = n_acknowledged(clients)
        wait_for(lambda: n_acknowledged(clients) > n_before + 20)
    n_added = shop.ok("GET", "/v1/inventory/east/mug")["on_hand"]
    shop.ok("PUT", "/v1/inventory/east/mug", json={"on_hand": 100_000, "compare_on_hand": n_added})
    check_all_there(shop, server, clients)


def test_restart_of_postgresql_in_the_middle_of_load(tmp_path: Path) -> None:
    """Tests that after the power of the database went, all that was acknowledged is there, and load goes on."""
    postgres = start_server(ours=True)
    server = start(tmp_path, postgres.new_database(), "--no-access-log", keys=("first",))
    shop = shop_of(server)
    with buying(server, shop) as clients:
        wait_for(lambda: n_acknowledged(clients) > 20)
        postgres.stop("immediate")
        wait_for(lambda: shop.http.get("/readyz").status_code == 503)
        postgres.start()
        n_before = n_acknowledged(clients)
        wait_for(lambda: n_acknowledged(clients) > n_before + 20)
    check_all_there(shop, server, clients)
