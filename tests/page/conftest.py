"""One browser and one open service for the tests of the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.api.service.serving import Server, running, sqlite_in
from tests.page.browsing import LAPTOP, Visit, browser, need_chromium, visit


@pytest.fixture(scope="session")
def chrome() -> Iterator[Browser]:
    """A headless browser."""
    with browser() as found:
        yield found


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A service without keys, on this machine only."""
    need_chromium()
    folder = tmp_path_factory.mktemp("page")
    with running(folder, sqlite_in(folder)) as found:
        yield found
        assert '"level":"error"' not in found.log(), found.log()[-4000:]


@pytest.fixture
def laptop(chrome: Browser, service: Server, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A page of the size of a laptop's; a screenshot is kept at the end of each test."""
    context = chrome.new_context(viewport=LAPTOP, accept_downloads=True)  # type: ignore[arg-type]
    mark = request.node.get_closest_marker("logs")
    with visit(context, service.url, *(mark.args if mark else ())) as found:
        yield found
        found.shoot(request.node.name)
    context.close()
