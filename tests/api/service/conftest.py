"""One service for most tests: each test is a tenant of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.service.serving import Server, Shop, give_key, running, shop_of, sqlite_in


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service with keys, on SQLite, whose webhooks may go to this machine."""
    folder = tmp_path_factory.mktemp("service")
    database = sqlite_in(folder)
    give_key(database, "first")
    arguments = ("--webhook-host", "127.0.0.1", "--webhook-private")
    with running(folder, database, *arguments) as found:
        yield found
        assert '"level":"error"' not in found.log(), found.log()[-4000:]


@pytest.fixture
def shop(server: Server) -> Iterator[Shop]:
    """A new tenant with the example network."""
    found = shop_of(server)
    yield found
    found.http.close()
