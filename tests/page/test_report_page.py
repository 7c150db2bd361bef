"""Tests the report in a browser: it draws from a file alone, and a hostile name in the batch stays text."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Browser

from api.report_commands import write_report
from engine import AllocateParams, allocate, parse_batch, route_in_order
from engine.documents import batch_to_document
from engine.generate import GenerateParams, generate
from tests.page.browsing import LAPTOP, visit

HOSTILE = "</script><img/src=x/onerror=alert(1)>"


def test_the_report_draws_from_its_file_alone(chrome: Browser, tmp_path: Path) -> None:
    """Tests that map, charts and tables are there without a request, a dialog or an error."""
    document = batch_to_document(generate(GenerateParams(load="peak", n_orders=60, n_nodes=8, n_skus=12, seed=3)))
    batch = parse_batch(re.sub(r"\bdc01\b", HOSTILE, json.dumps(document)))
    allocation = allocate(batch, AllocateParams(gap=0.01))
    path = tmp_path / "report.html"
    write_report(path, "a day <b>", batch, allocation, ("one by one", batch, route_in_order(batch)))
    context = chrome.new_context(viewport=LAPTOP)  # type: ignore[arg-type]
    with visit(context, path.as_uri()) as page:
        asked: list[str] = []
        page.page.on("request", lambda request: asked.append(request.url))
        page.page.on("dialog", lambda dialog: page.errors.append(dialog.message))
        page.open("")
        page.see("#map canvas")
        page.see("#terms canvas")
        page.see("#convergence canvas")
        assert HOSTILE in page.text('table[aria-label="Nodes"]') and "a day <b>" in page.text("h1")
        assert page.page.locator(".tile").count() == 9 and page.page.locator(".figures tbody tr").count() == 9
        page.page.get_by_role("button", name="flows").click()
        page.see('.segments [aria-pressed="true"]:text-is("flows")')
        page.page.mouse.move(600, 400)
        assert "Both are plans of the same batch" in page.text()
        assert [url for url in asked if not url.startswith("about:")] == [path.as_uri()]
        page.shoot("report", whole=True)
    context.close()
