"""Tests that kill -9 in the middle of load loses nothing that was acknowledged and applies nothing twice.

``NODEWISE_LONG=1 python -m pytest tests/api/service/test_kills.py`` kills a hundred times per database, or as often as
``NODEWISE_KILLS`` says.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest

from engine.ledger import open_ledger
from tests.api.service.buying import buying, check_all_there
from tests.api.service.serving import database_of, shop_of, start

N_KILLS = int(os.environ.get("NODEWISE_KILLS") or (100 if os.environ.get("NODEWISE_LONG") else 1))


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_kills_in_the_middle_of_load(tmp_path: Path, backend: str) -> None:
    """Tests that after each kill everything acknowledged is there, once, and the ledger verifies."""
    database = database_of(backend, tmp_path)
    server = start(tmp_path, database, "--no-access-log", keys=("first",))
    shop = shop_of(server)
    with buying(server, shop) as clients:
        for _ in range(N_KILLS):
            time.sleep(0.5)
            server.stop(signal.SIGKILL)
            server.process.stdout.close()  # type: ignore[union-attr]
            with closing(open_ledger(database)) as ledger:
                report = ledger.verify()
                assert report.ok, report.differences
            server = start(tmp_path, database, "--no-access-log")
            for client in clients:
                client.url = server.url
        time.sleep(0.5)
    check_all_there(shop, server, clients)
