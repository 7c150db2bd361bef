"""A headless Chromium for the page: found, or installed where that is allowed; pages that must not log errors."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LAPTOP = {"width": 1280, "height": 800}
SECONDS = 60.0


def artefacts() -> Path:
    """Where screenshots are kept."""
    folder = Path(os.environ.get("NODEWISE_ARTEFACTS") or Path(__file__).parent / "artefacts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@lru_cache(maxsize=1)
def chromium() -> str | None:
    """The browser: as NODEWISE_CHROMIUM says, on the path, or Debian's package where we may install it."""
    given = os.environ.get("NODEWISE_CHROMIUM")
    found = given or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-q", "-y", "chromium"]):
            subprocess.run(command, check=False, capture_output=True, timeout=600)
        found = shutil.which("chromium")
    return found


def need_chromium() -> str:
    """The browser; without one the test fails where NODEWISE_BROWSER=required, and is loudly skipped elsewhere."""
    found = chromium()
    if found is not None:
        return found
    text = "NOT RUN: the tests of the page need Chromium (apt-get install chromium, or NODEWISE_CHROMIUM=/path/to/it)"
    if os.environ.get("NODEWISE_BROWSER") == "required":
        pytest.fail(text)
    pytest.skip(text)


@contextmanager
def browser() -> Iterator[Browser]:
    """The browser, while it is needed, with an empty profile of its own."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=need_chromium(), headless=True, args=list(ARGUMENTS))
        yield running
        running.close()


@dataclass
class Visit:
    """A page that is looked at, with what its console said.

    Parameters
    ----------
    page : Page
        Playwright's.
    url : str
        The service.
    errors : list of str
        Errors of the console and of scripts.
    """

    page: Page
    url: str
    errors: list[str] = field(default_factory=list)

    def open(self, place: str = "/") -> None:
        """Go to a place, anew."""
        self.page.goto("about:blank")
        self.page.goto(self.url + place)

    def see(self, selector: str, seconds: float = SECONDS) -> Any:
        """Wait until an element is visible; returns it."""
        found = self.page.locator(selector).first
        found.wait_for(state="visible", timeout=1000 * seconds)
        return found

    def drawn(self, mark: str = "nodewise-complete") -> None:
        """Wait until the page has set a mark: the policy of the page forbids Playwright's own way of waiting."""
        deadline = time.monotonic() + SECONDS
        while not self.page.evaluate("name => performance.getEntriesByName(name).length", mark):
            assert time.monotonic() < deadline, f"{mark} never came; the page says {self.text()[:500]}"
            self.page.wait_for_timeout(20)

    def text(self, selector: str = "body") -> str:
        """What an element says."""
        return str(self.page.locator(selector).first.inner_text())

    def shoot(self, name: str, *, whole: bool = False) -> None:
        """Keep a screenshot of what is seen, or of the whole page."""
        self.page.screenshot(path=artefacts() / f"{name}.png", full_page=whole)


@contextmanager
def visit(context: BrowserContext, url: str, *expected: str) -> Iterator[Visit]:
    """A new page in a context; at its end no error may have been logged, but those that hold an expected text."""
    page = context.new_page()
    found = Visit(page, url)
    page.on("console", lambda message: found.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.errors.append(str(error)))
    yield found
    page.close()
    unexpected = [text for text in found.errors if not any(part in text for part in expected)]
    assert not unexpected, unexpected
