"""Tests what a planner does with the page, in a real browser on a real service: from an empty page to an export."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser

from api.packing import pack_batch
from engine.documents import batch_to_document
from engine.generate import GenerateParams, generate
from tests.api.service.serving import Server, give_key, running, sqlite_in
from tests.page.browsing import LAPTOP, Visit, visit

SIZES = {"load": "peak", "orders": 300, "nodes": 30, "skus": 60, "seed": 2}
NAMELESS = """
() => [...document.querySelectorAll("button, a, input, select, textarea, [role=img], dialog, table")]
  .filter((e) => e.checkVisibility())
  .filter((e) => !(e.getAttribute("aria-label") || e.innerText?.trim() || e.labels?.length))
  .map((e) => e.outerHTML)
"""


def operations(service: Server) -> list[dict[str, Any]]:
    """All operations, newest first."""
    found: list[dict[str, Any]] = httpx.get(f"{service.url}/v1/operations").json()["operations"]
    return found


def figures(service: Server, operation_id: str) -> dict[str, Any]:
    """The figures of a result."""
    found: dict[str, Any] = httpx.get(f"{service.url}/v1/operations/{operation_id}/figures").json()
    return found


def plan_in(laptop: Visit) -> str:
    """The plan that the address names."""
    return str(laptop.page.url).split("#/")[1].split("?")[0].split("/")[1]


@pytest.fixture(scope="module")
def plan(service: Server) -> str:
    """A plan that is solved."""
    url = f"{service.url}/v1/plans"
    operation = httpx.post(url, json={"name": "a day", "generate": SIZES}).json()
    with httpx.stream("GET", f"{service.url}/v1/operations/{operation['operation_id']}/events", timeout=60.0) as events:
        assert '"state":"DONE"' in list(events.iter_lines())[-2]
    return str(operation["operation_id"])


def test_from_an_empty_page_to_a_plan(laptop: Visit, service: Server) -> None:
    """Tests the first visit: an empty page says what to do; a demo is generated, watched, shown with its baseline."""
    assert operations(service) == [], "this has to be the first test of the service"
    laptop.open()
    assert "No plan yet" in laptop.see(".notice").inner_text()
    laptop.shoot("empty")
    laptop.page.click("text=New plan >> nth=-1")
    form = laptop.see('form[aria-label="Demo batch"]')
    for label, value in (("Orders", "300"), ("Nodes", "30"), ("Items", "60")):
        form.get_by_label(label, exact=True).fill(value)
    form.get_by_role("button", name="Generate and solve").click()
    laptop.see("#closing-in canvas")
    assert "Gap" in laptop.text(".tiles")
    laptop.shoot("solving")
    laptop.see("#nodes .tabulator-row")
    plans = {one["progress"]["name"]: one["operation_id"] for one in operations(service)}
    assert set(plans) == {"peak 300", "peak 300, one at a time"}
    kpis = figures(service, plans["peak 300"])["kpis"]
    before = figures(service, plans["peak 300, one at a time"])["kpis"]
    tile = laptop.text(".tile >> nth=0")
    assert f"${kpis['objective_cents'] / 100:,.0f}" in tile
    saved = before["objective_cents"] - kpis["objective_cents"]
    assert saved > 0 and f"\N{MINUS SIGN}${saved / 100:,.0f}"[:4] in tile
    assert laptop.page.locator(".tile .change.good").count() >= 1
    assert laptop.page.locator("#convergence canvas").count() == 1


def test_the_network_on_its_map(laptop: Visit, plan: str) -> None:
    """Tests the three layers of the map, and that a node chosen in the table is the one on the map."""
    laptop.open(f"/#/overview/{plan}")
    laptop.see("#nodes .tabulator-row")
    laptop.drawn()
    shown = set()
    for layer in ("Load", "Flows", "Prices"):
        laptop.page.get_by_role("button", name=layer).click()
        laptop.see(f'.segments [aria-pressed="true"]:text-is("{layer}")')
        laptop.page.wait_for_timeout(100)
        shown.add((laptop.text(".caption"), laptop.page.locator("#map canvas").first.screenshot()))
        laptop.shoot(f"map-{layer.lower()}")
    assert len(shown) == 3
    row = laptop.page.locator("#nodes .tabulator-row").first
    name = row.locator(".tabulator-cell").first.inner_text()
    row.click()
    assert name in laptop.see(".chosen b").inner_text()
    assert "Map of 30 nodes" in (laptop.page.locator("#map").get_attribute("aria-label") or "")
    assert laptop.page.evaluate("document.documentElement.scrollWidth") <= LAPTOP["width"]


def test_from_node_to_order_to_explanation_by_keyboard(laptop: Visit, service: Server, plan: str) -> None:
    """Tests the drill-down without a mouse, and that closing an order gives the focus back."""
    laptop.open(f"/#/overview/{plan}")
    laptop.see("#nodes .tabulator-row").focus()
    keys = laptop.page.keyboard
    keys.press("ArrowDown")
    keys.press("Enter")
    name = laptop.see(".chosen b").inner_text()
    laptop.page.get_by_role("button", name="Its orders").focus()
    keys.press("Enter")
    row = laptop.see("#orders .tabulator-row")
    expected = next(node for node in figures(service, plan)["nodes"] if node["node_id"] == name)["orders"]
    assert f"{expected:,} of 300 orders" in laptop.text(".filters")
    row.focus()
    keys.press("Enter")
    order_id = row.locator(".tabulator-cell").first.inner_text()
    drawer = laptop.see('[role="dialog"]')
    assert order_id in drawer.inner_text()
    laptop.see("#why :not([role=status])")
    laptop.page.wait_for_timeout(200)
    assert name in drawer.inner_text() and "freight" in drawer.inner_text()
    laptop.shoot("explanation")
    keys.press("Escape")
    laptop.page.wait_for_selector('[role="dialog"]', state="detached")
    assert laptop.page.evaluate("document.activeElement.classList.contains('tabulator-row')")


def test_orders_are_searched_filtered_and_sorted(laptop: Visit, service: Server, plan: str) -> None:
    """Tests that the table shows what the service answers, page by page."""
    laptop.open(f"/#/orders/{plan}")
    laptop.see("#orders .tabulator-row")
    laptop.page.keyboard.press("/")
    laptop.page.keyboard.type("o01")
    laptop.page.wait_for_timeout(700)
    answer = httpx.get(f"{service.url}/v1/operations/{plan}/orders", params={"search": "o01"}).json()
    assert f"{answer['total']} of 300 orders" in laptop.text(".filters")
    laptop.page.get_by_label("Search orders by id").fill("")
    laptop.page.get_by_label("State", exact=True).select_option("unallocated")
    laptop.page.wait_for_timeout(700)
    states = laptop.page.locator('#orders .tabulator-cell[tabulator-field="state"]').all_inner_texts()
    assert states and set(states) == {"unallocated"}
    laptop.page.locator('#orders .tabulator-col[tabulator-field="cost_cents"]').focus()
    laptop.page.keyboard.press("Enter")
    laptop.page.wait_for_timeout(700)
    query = {"state": "unallocated", "sort": "cost_cents"}
    answer = httpx.get(f"{service.url}/v1/operations/{plan}/orders", params=query).json()
    ids = laptop.page.locator('#orders .tabulator-cell[tabulator-field="order_id"]').all_inner_texts()
    assert ids[:5] == [row["order_id"] for row in answer["orders"]][:5]


def test_two_scenarios_side_by_side(laptop: Visit, service: Server, plan: str) -> None:
    """Tests that a scenario is built, solved and compared with the plan that it was made from."""
    laptop.open(f"/#/new/{plan}")
    form = laptop.see('form[aria-label="Scenario"]')
    form.get_by_label("Name", exact=True).fill("two changes")
    busiest = max(figures(service, plan)["nodes"], key=lambda node: node["shipments"])["node_id"]
    form.get_by_label("Node", exact=True).select_option(busiest)
    form.get_by_role("button", name="Add an edit").click()
    form.locator(".edit >> nth=1").get_by_label("Edit", exact=True).select_option("scale_rates")
    laptop.shoot("scenario")
    form.get_by_role("button", name="Solve the scenario").click()
    laptop.see("#nodes .tabulator-row")
    laptop.page.keyboard.press("3")
    laptop.see("#changed .tabulator-row")
    laptop.page.wait_for_timeout(300)
    after, before = (figures(service, one)["kpis"] for one in (plan_in(laptop), plan))
    cells = laptop.page.locator(".figures tbody tr >> nth=0 >> td").all_inner_texts()
    assert (
        cells[0] == f"${before['objective_cents'] / 100:,.0f}" and cells[1] == f"${after['objective_cents'] / 100:,.0f}"
    )
    assert laptop.page.locator(".map:has(canvas)").count() == 2
    assert "between" in laptop.text("#certainty")
    assert busiest in laptop.text("#node-changes .tabulator-row")
    laptop.shoot("compare", whole=True)


@pytest.mark.logs("422")
def test_a_batch_from_a_file(laptop: Visit, service: Server, tmp_path: Path) -> None:
    """Tests files: JSON and ZIP are solved, and what is wrong with one is told, with what to look at."""
    batch = generate(GenerateParams(load="calm", n_orders=40, n_nodes=6, n_skus=10, seed=5))
    (tmp_path / "day.json").write_text(json.dumps(batch_to_document(batch)))
    (tmp_path / "day2.zip").write_bytes(pack_batch(batch))
    (tmp_path / "broken.json").write_text("{")
    wrong = batch_to_document(batch)
    wrong["orders"][2]["lat"] = 123.0
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))
    for name, said in (("broken.json", "is not JSON"), ("wrong.json", "orders")):
        laptop.open("/#/new")
        form = laptop.see('form[aria-label="Batch from a file"]')
        form.locator("#file").set_input_files(tmp_path / name)
        form.get_by_role("button", name="Load and solve").click()
        error = laptop.see(".error").inner_text()
        assert said in error and (name != "wrong.json" or "lat is 123" in error), error
        laptop.shoot(f"error-{name.removesuffix('.json')}")
    shown = []
    for name in ("day.json", "day2.zip"):
        laptop.open("/#/new")
        form = laptop.see('form[aria-label="Batch from a file"]')
        form.locator("#file").set_input_files(tmp_path / name)
        form.get_by_role("button", name="Load and solve").click()
        laptop.see("#nodes .tabulator-row")
        shown.append(laptop.text(".tiles"))
        assert name.split(".")[0] in laptop.page.locator("#plan").locator("option:checked").inner_text()
    assert shown[0] == shown[1]


def test_tables_are_exported(laptop: Visit, plan: str, tmp_path: Path) -> None:
    """Tests that files are saved from the page, by shortcut and dialog."""
    laptop.open(f"/#/overview/{plan}")
    laptop.see("#nodes .tabulator-row")
    saved = {}
    for form in ("csv", "parquet", "xlsx"):
        laptop.page.keyboard.press("e")
        laptop.see("dialog")
        laptop.page.get_by_label("As", exact=True).select_option(form)
        with laptop.page.expect_download() as waiting:
            laptop.page.get_by_role("button", name="Download").click()
        saved[form] = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(saved[form])
        laptop.page.wait_for_selector("dialog", state="detached")
    assert saved["csv"].name == "a-day-orders-spreadsheet.csv" and saved["xlsx"].read_bytes()[:2] == b"PK"
    with saved["csv"].open() as file:
        assert sum(1 for _ in csv.DictReader(file)) == 300 == pq.read_table(saved["parquet"]).num_rows


def test_the_keyboard_reaches_everything(laptop: Visit, plan: str) -> None:
    """Tests the order of focus, that it is seen, the shortcuts and their list, and that everything has a name."""
    laptop.open(f"/#/overview/{plan}")
    laptop.see("#nodes .tabulator-row")
    laptop.drawn()
    keys, seen = laptop.page.keyboard, []
    for _ in range(12):
        keys.press("Tab")
        seen.append(laptop.page.evaluate("document.activeElement.innerText || document.activeElement.id"))
        width = laptop.page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert width != "0px" or seen[-1].startswith("Skip"), seen
    assert [text.split("\n")[0] for text in seen[:6]] == [
        "Skip to the plan",
        "nodewise",
        "Overview",
        "Orders",
        "Compare",
        "New plan",
    ]
    keys.press("?")
    assert "search orders" in laptop.see("dialog").inner_text()
    laptop.shoot("shortcuts")
    keys.press("Escape")
    laptop.page.wait_for_selector("dialog", state="detached")
    for key, view in (("2", "orders"), ("3", "compare"), ("4", "new"), ("1", "overview")):
        keys.press(key)
        laptop.page.wait_for_timeout(250)
        assert f"#/{view}/" in laptop.page.url
        assert laptop.page.evaluate(NAMELESS) == []
    keys.press("b")
    assert laptop.page.evaluate("document.activeElement.id") == "baseline"


def test_light_and_dark(chrome: Browser, service: Server, plan: str) -> None:
    """Tests that the page follows the system, that its own choice wins, and that text stands out in both."""
    context = chrome.new_context(viewport=LAPTOP, color_scheme="dark")  # type: ignore[arg-type]
    with visit(context, service.url) as dark:
        dark.open(f"/#/overview/{plan}")
        dark.see("#nodes .tabulator-row")
        assert _contrast(dark) > 7
        dark.shoot("dark")
        dark.page.keyboard.press("t")
        dark.page.wait_for_timeout(300)
        assert dark.page.evaluate("document.documentElement.dataset.theme") == "light"
        assert _contrast(dark) > 7
    context.close()


def _contrast(visited: Visit) -> float:
    """The contrast of text on its card, as WCAG counts it."""
    script = """() => {
      const style = getComputedStyle(document.documentElement);
      return ["--ink", "--card"].map((name) => style.getPropertyValue(name).trim());
    }"""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    one, other = sorted(map(light, visited.page.evaluate(script)))
    return (other + 0.05) / (one + 0.05)


@pytest.mark.logs("ERR_INTERNET_DISCONNECTED")
def test_a_service_that_does_not_answer(laptop: Visit, plan: str) -> None:
    """Tests that the page says so, says what to do, and goes on when the service is back."""
    laptop.open(f"/#/overview/{plan}")
    laptop.see("#nodes .tabulator-row")
    laptop.page.context.set_offline(True)
    laptop.page.keyboard.press("e")
    laptop.page.get_by_role("button", name="Download").click()
    assert "nodewise serve" in laptop.see(".error").inner_text()
    laptop.shoot("offline")
    laptop.page.context.set_offline(False)
    laptop.page.get_by_role("button", name="Dismiss").click()
    laptop.page.keyboard.press("2")
    laptop.see("#orders .tabulator-row")


def test_a_plan_is_cancelled(laptop: Visit) -> None:
    """Tests that what is under way can be stopped, and that the page says what came of it."""
    laptop.open("/#/new")
    form = laptop.see('form[aria-label="Demo batch"]')
    for label, value in (("Orders", "3000"), ("Stop at a gap of, %", "0"), ("or after, seconds", "300")):
        form.get_by_label(label, exact=True).fill(value)
    form.get_by_label("Also decide").uncheck()
    form.get_by_role("button", name="Generate and solve").click()
    laptop.see("#cancel").click()
    assert "Cancelled" in laptop.see(".notice").inner_text()


def test_a_service_with_keys(chrome: Browser, tmp_path: Path) -> None:
    """Tests that the page asks for a key where the service does, keeps it in the tab, and works with it."""
    database = sqlite_in(tmp_path)
    key = give_key(database, "acme")
    context = chrome.new_context(viewport=LAPTOP)  # type: ignore[arg-type]
    with running(tmp_path, database) as server, visit(context, server.url, "401") as page:
        assert httpx.get(f"{server.url}/v1/operations").status_code == 401
        page.open()
        assert "asks for a key" in page.see("dialog").inner_text()
        page.shoot("key")
        page.page.fill("#key", "nwk_wrong")
        page.page.keyboard.press("Enter")
        page.page.wait_for_timeout(400)
        page.see("dialog")
        page.page.fill("#key", key)
        page.page.keyboard.press("Enter")
        assert "No plan yet" in page.see(".notice h2").inner_text()
        assert key in page.page.evaluate("JSON.stringify(sessionStorage)")
        assert key not in page.page.evaluate("JSON.stringify(localStorage) + document.cookie + location.href")
    context.close()
