"""Tests plans over HTTP: begun in each way, looked at, compared, exported; and that nothing is reserved."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from typing import Any

import openpyxl
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from api.examples import BATCH_BODY
from api.packing import ZIP, pack_batch
from engine import AllocateParams, Batch, allocate, route_in_order
from engine.documents import batch_to_document
from engine.figures import by_node, kpis
from engine.generate import GenerateParams, generate
from tests.api.service.serving import Server, Shop, shop_of

SIZES: dict[str, Any] = {"load": "peak", "orders": 120, "nodes": 12, "skus": 30, "seed": 4}
SECONDS = 600.0  # no search may be cut short, however slow the machine is
PARAMS = AllocateParams(gap=0.005, time_limit_seconds=SECONDS, seed=0)
FORMULA = '=HYPERLINK("http://x")'


def generated() -> Batch:
    """The batch that the service generates from `SIZES`."""
    return generate(GenerateParams(load="peak", n_orders=120, n_nodes=12, n_skus=30, seed=4))


def at(operation: dict[str, Any], *parts: str) -> str:
    """The path of a part of an operation."""
    return "/".join(("/v1/operations", operation["operation_id"], *parts))


def solved(shop: Shop, **body: Any) -> dict[str, Any]:
    """Begin a plan and wait for it."""
    return shop.finished(shop.ok("POST", "/v1/plans", json={"time_limit_seconds": SECONDS, **body}), SECONDS)


@pytest.fixture(scope="module")
def planner(server: Server) -> Iterator[Shop]:
    """A tenant without a network: plans need none."""
    shop = shop_of(server, network=False)
    yield shop
    shop.http.close()


@pytest.fixture(scope="module")
def plan(planner: Shop) -> dict[str, Any]:
    """A plan that is solved."""
    return solved(planner, name="a day", generate=SIZES)


def test_a_plan_is_what_the_engine_makes_of_the_batch(planner: Shop, plan: dict[str, Any]) -> None:
    """Tests that figures and tables of a generated plan are those of `allocate` on the same batch."""
    batch = generated()
    allocation = allocate(batch, PARAMS)
    figures = planner.ok("GET", at(plan, "figures"))
    assert plan["state"] == "DONE" and figures["name"] == "a day"
    assert figures["kpis"] == kpis(batch, allocation)
    assert figures["nodes"] == by_node(batch, allocation).to_pylist()
    assert sum(flow["shipments"] for flow in figures["flows"]) == figures["kpis"]["shipments"]
    steps = [point["objective_cents"] for point in figures["trace"] if point["objective_cents"] is not None]
    assert steps and steps[-1] == figures["kpis"]["objective_cents"]
    result = planner.ok("GET", plan["result"])
    assert result["shipments"][0]["order_id"] == allocation["shipments"]["order_id"][0].as_py()


def test_one_order_at_a_time_is_a_rule(planner: Shop) -> None:
    """Tests the rule that serves as a baseline."""
    routed = solved(planner, generate=SIZES, rule="one_at_a_time")
    found = planner.ok("GET", at(routed, "figures"))["kpis"]["objective_cents"]
    assert found == route_in_order(generated()).summary["objective_cents"]


def test_orders_are_paged_sorted_and_chosen(planner: Shop, plan: dict[str, Any]) -> None:
    """Tests that pages cover every order once in the order asked for, and that filters choose what they say."""
    path, size = at(plan, "orders"), 50
    wanted = {"sort": "cost_cents", "descending": "true", "size": size}
    pages = [planner.ok("GET", path, params={**wanted, "page": page}) for page in (1, 2, 3)]
    rows = [row for page in pages for row in page["orders"]]
    assert [len(page["orders"]) for page in pages] == [50, 50, 20] and pages[0]["total"] == 120
    assert len({row["order_id"] for row in rows}) == 120
    costs = [row["cost_cents"] for row in rows]
    assert costs == sorted(costs, reverse=True)
    assert sum(costs) == planner.ok("GET", at(plan, "figures"))["kpis"]["objective_cents"]
    node = next(row["nodes"].split()[0] for row in rows if row["nodes"])
    for query, fits in (
        ({"node_id": node}, lambda row: node in row["nodes"].split()),
        ({"state": "unallocated"}, lambda row: row["state"] == "unallocated"),
        ({"split": "true"}, lambda row: row["shipments"] > 1),
        ({"late": "false"}, lambda row: not row["days_late"]),
        ({"search": "O01"}, lambda row: "o01" in row["order_id"]),
    ):
        found = planner.ok("GET", path, params={**query, "size": 500})["orders"]
        assert {row["order_id"] for row in found} == {row["order_id"] for row in rows if fits(row)}, query


def test_an_order_is_told_and_explained(planner: Shop, plan: dict[str, Any]) -> None:
    """Tests that an order's parts add up, and that its explanation costs it the same."""
    path = at(plan, "orders")
    row = planner.ok("GET", path, params={"sort": "cost_cents", "descending": "true"})["orders"][0]
    found = planner.ok("GET", f"{path}/{row['order_id']}")
    terms = ("freight_cents", "handling_cents", "preference_cents", "split_cents", "late_cents", "carbon_cents")
    cost = sum(shipment[term] for shipment in found["shipments"] for term in terms)
    cost += sum(left["unallocated_cents"] for left in found["unallocated"])
    assert cost == row["cost_cents"] == found["order"]["cost_cents"]
    why = planner.ok("GET", f"{path}/{row['order_id']}/explanation")
    assert sum(why["decision"]["terms"].values()) == cost and why["neighbours"] is not None
    planner.refused(404, "GET", f"{path}/nobody")
    planner.refused(404, "GET", f"{path}/nobody/explanation")


def test_a_scenario_of_a_plan_is_compared_with_it(planner: Shop, plan: dict[str, Any]) -> None:
    """Tests that a closed node ships nothing, that the difference adds up, and that a wrong edit is told."""
    busiest = max(planner.ok("GET", at(plan, "figures"))["nodes"], key=lambda node: node["shipments"])["node_id"]
    scenario = {"edits": [{"edit": "close_node", "node_id": busiest}]}
    closed = solved(planner, base=plan["operation_id"], scenario=scenario, name="closed")
    after, before = (planner.ok("GET", at(one, "figures")) for one in (closed, plan))
    assert next(node for node in after["nodes"] if node["node_id"] == busiest)["shipments"] == 0
    found = planner.ok("GET", at(closed, "comparison"), params={"baseline": plan["operation_id"], "limit": 1000})
    difference = after["kpis"]["objective_cents"] - before["kpis"]["objective_cents"]
    assert not found["same_batch"] and found["certainty"]["difference_cents"] == difference
    assert sum(row["difference_cents"] for row in found["orders"]) == difference
    assert found["changed_orders"] == len(found["orders"]) > 0
    same = planner.ok("GET", at(plan, "comparison"), params={"baseline": plan["operation_id"]})
    assert same["same_batch"] and same["changed_orders"] == 0
    wrong = {"edits": [{"edit": "close_node", "node_id": "nowhere"}]}
    refused = planner.refused(422, "POST", "/v1/plans", json={"base": plan["operation_id"], "scenario": wrong})
    assert "nowhere" in str(refused["errors"])


def test_a_batch_can_be_sent_whole(planner: Shop, plan: dict[str, Any]) -> None:
    """Tests that a batch as JSON, and as a ZIP, gives the same as the service's own copy of it."""
    expected = planner.ok("GET", at(plan, "figures"))["kpis"]
    batch = generated()
    sent = solved(planner, batch=batch_to_document(batch))
    query: dict[str, Any] = {"name": "from a file", "time_limit_seconds": SECONDS}
    headers = {"content-type": ZIP}
    operation = planner.ok("POST", "/v1/plans:import", content=pack_batch(batch), params=query, headers=headers)
    packed = planner.finished(operation)
    for one in (sent, packed):
        assert planner.ok("GET", at(one, "figures"))["kpis"] == expected
    assert packed["progress"]["name"] == "from a file"


def test_bad_batches_are_refused_at_once(planner: Shop) -> None:
    """Tests that faults come with the request, all together, and that files cannot leave their folder."""
    document = batch_to_document(generated())
    document["orders"][3]["lat"] = 99.0
    document["lines"][0]["quantity"] = -1
    refused = planner.refused(422, "POST", "/v1/plans", json={"batch": document})
    assert len(refused["errors"]) == 2
    planner.refused(422, "POST", "/v1/plans", json={"generate": SIZES, "base": "op-1"})
    planner.refused(404, "POST", "/v1/plans", json={"base": "op-1"})
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("a/policy.json", "{}")
        archive.writestr("../orders.csv", "order_id")
    for content in (b"no zip", b"PK\x03\x04 broken", sink.getvalue()):
        refused = planner.refused(422, "POST", "/v1/plans:import", content=content, headers={"content-type": ZIP})
        assert refused["detail"]


def test_a_table_is_exported_in_each_form(planner: Shop) -> None:
    """Tests that Parquet has everything as it is, and that spreadsheets get no formulas."""
    document = batch_to_document(generated())
    for row in (document["orders"][0], *document["lines"]):
        if row["order_id"] == document["orders"][0]["order_id"] and row is not document["orders"][0]:
            row["order_id"] = FORMULA
    document["orders"][0]["order_id"] = FORMULA
    plan = solved(planner, batch=document, name="=cmd day/1")
    path = at(plan, "export")
    raw = planner.http.get(path, params={"table": "orders", "format": "parquet"})
    table = pq.read_table(io.BytesIO(raw.content))
    assert table.num_rows == 120 and pc.index(table["order_id"], FORMULA).as_py() == 0
    text = planner.http.get(path, params={"table": "orders", "format": "csv"})
    assert 'filename="cmd-day-1-orders-spreadsheet.csv"' in text.headers["content-disposition"]
    assert next(csv.DictReader(io.StringIO(text.text)))["order_id"] == "'" + FORMULA
    book = openpyxl.load_workbook(io.BytesIO(planner.http.get(path, params={"format": "xlsx"}).content))
    [sheet] = book.worksheets
    assert sheet.max_row == 121 and sheet["A2"].value == "'" + FORMULA and sheet["A2"].data_type == "s"
    for name in ("nodes", "shipments", "allocations", "unallocated", "prices"):
        assert planner.http.get(path, params={"table": name, "format": "csv"}).status_code == 200


def test_a_plan_can_be_cancelled_and_reserves_nothing(planner: Shop) -> None:
    """Tests that a cancelled plan has no result, and that plans write no entries."""
    begun = [planner.ok("POST", "/v1/plans", json={"generate": SIZES, "gap": 0.0}) for _ in range(2)]
    planner.ok("POST", f"/v1/operations/{begun[1]['operation_id']}:cancel", json={})
    ended = [planner.finished(one) for one in begun]
    assert ended[1]["state"] == "CANCELLED" and ended[1]["result"] is None
    planner.refused(404, "GET", at(ended[1], "figures"))
    assert planner.ok("GET", "/v1/ledger/entries")["entries"] == []


def test_a_batch_on_the_ledger_has_figures_too(shop: Shop) -> None:
    """Tests that results of the batch call can be looked at in the same way."""
    shop.count(("east", "mug", 5), ("west", "lamp", 5))
    ended = shop.finished(shop.ok("POST", "/v1/allocations:batch", json={**BATCH_BODY, "commit": False}))
    figures = shop.ok("GET", at(ended, "figures"))
    assert figures["kpis"]["orders"] == 2 and figures["kpis"]["units_shipped"] == 2
    assert shop.ok("GET", at(ended, "orders"))["total"] == 2
    assert shop.ok("GET", at(ended, "orders", "2001", "explanation"))["order_id"] == "2001"


def test_figures_wait_for_the_end(planner: Shop) -> None:
    """Tests that what is not solved yet has no figures, and says so."""
    first, second = (planner.ok("POST", "/v1/plans", json={"generate": SIZES, "gap": gap}) for gap in (0.0, 0.01))
    assert "no result" in planner.refused(409, "GET", at(second, "figures"))["detail"]
    for operation in (first, second):
        planner.finished(operation)
        planner.ok("GET", at(operation, "figures"))
