"""Tests simulations over HTTP: a comparison as an operation that reserves nothing, its faults, cancelling, restarts."""

from __future__ import annotations

import io
import signal
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from api.examples import SIMULATION_BODY
from tests.api.service.serving import Shop, give_key, shop_of, sqlite_in, start


def simulation(n_orders: int, *edits: dict[str, Any], sku: str = "mug", **named: Any) -> dict[str, Any]:
    """The body of a simulation: orders of one unit along the coast, and one scenario."""
    names = [f"s{number}" for number in range(n_orders)]
    return {
        "scenarios": [{"name": "what-if", "edits": list(edits)}],
        "orders": [{"order_id": name, "lat": 40.0 + at % 7, "lon": -74.0 - at % 40} for at, name in enumerate(names)],
        "lines": [{"order_id": name, "line_id": "1", "sku": sku, "quantity": 1} for name in names],
        **named,
    }


def begun(shop: Shop, body: dict[str, Any], **named: Any) -> dict[str, Any]:
    """The operation of a simulation that was let in."""
    response = shop.http.post("/v1/simulations", json=body, **named)
    assert response.status_code == 202, response.text
    operation: dict[str, Any] = response.json()
    assert response.headers["location"] == f"/v1/operations/{operation['operation_id']}"
    assert operation["kind"] == "simulate"
    return operation


def test_a_node_closed(shop: Shop) -> None:
    """Tests a scenario from call to comparison, as JSON and Parquet, and that nothing is reserved by it."""
    shop.count(("east", "mug", 20), ("west", "mug", 20))
    before = shop.ok("GET", "/v1/ledger/entries?limit=1000")
    operation = shop.finished(begun(shop, simulation(30, {"edit": "close_node", "node_id": "east"})))
    assert operation["state"] == "DONE", operation
    assert operation["progress"]["processed"] == 2 and operation["progress"]["stage"] == "compare"
    found = shop.ok("GET", operation["result"])
    assert set(found) == {"summary", "costs", "figures", "certainty", "nodes", "moved", "orders"}
    plans = {plan["name"]: plan for plan in found["summary"]["plans"]}
    assert list(plans) == ["base", "what-if"]
    assert plans["base"]["kpis"]["units_shipped"] == 30 and plans["what-if"]["kpis"]["units_shipped"] == 20
    assert plans["base"]["input_sha256"] != plans["what-if"]["input_sha256"]
    dearer = next(row for row in found["certainty"] if row["plan"] == "what-if")
    assert 0 < dearer["low_cents"] <= dearer["difference_cents"] <= dearer["high_cents"]
    left = sum(row["units"] for row in found["moved"] if row["from_node_id"] == "east")
    assert left == sum(row["units"] for row in found["nodes"] if (row["plan"], row["node_id"]) == ("base", "east")) > 0
    raw = shop.http.get(operation["result"], params={"table": "moved", "format": "parquet"})
    assert pq.read_table(io.BytesIO(raw.content)).to_pylist() == found["moved"]
    shop.refused(404, "GET", operation["result"], params={"table": "shipments"})
    assert shop.ok("GET", "/v1/ledger/entries?limit=1000") == before
    assert shop.promised("mug") == {"east": 20, "west": 20}


def test_an_unknown_target_fails_the_operation(shop: Shop) -> None:
    """Tests that an edit that names what there is not is reported with its number, field and value."""
    shop.count(("east", "mug", 5))
    edits = ({"edit": "close_node", "node_id": "east"}, {"edit": "close_node", "node_id": "mars"})
    operation = shop.finished(begun(shop, simulation(3, *edits)))
    assert operation["state"] == "FAILED" and operation["result"] is None
    assert operation["problem"]["status"] == 422
    assert "what-if edit 2: node_id is mars" in str(operation["problem"]["errors"])
    shop.refused(409, "GET", f"/v1/operations/{operation['operation_id']}/result")


def test_bodies_that_do_not_fit(shop: Shop) -> None:
    """Tests that wrong scenarios and orders are refused before anything is queued."""
    good = {"edit": "close_node", "node_id": "east"}
    for body in (
        simulation(2, {"edit": "close_everything"}),
        simulation(2, {"edit": "close_node"}),
        simulation(2, {**good, "node": "east"}),
        simulation(2, {"edit": "scale_demand", "pct": -1}),
        simulation(2, good, sku="no such thing"),
        simulation(2, good, scenarios=[]),
        simulation(2, good, scenarios=[{"name": "base", "edits": [good]}]),
        simulation(2, good, scenarios=[{"name": "a", "edits": []}, {"name": "A", "edits": []}]),
        simulation(2, good, commit=True),
        simulation(2, *[good] * 201),
        simulation(2, *[{"edit": "scale_demand", "pct": 10_000}] * 3),
        simulation(2, *[{"edit": "scale_demand", "pct": 10_000}] * 200),
        simulation(2, good, orders=[]),
    ):
        assert shop.refused(422, "POST", "/v1/simulations", json=body)["errors"]
    assert shop.ok("GET", "/v1/operations")["operations"] == []


def test_scopes_and_tenants(shop: Shop) -> None:
    """Tests that `simulate` is enough to begin and to cancel, and for nothing else, and that others see nothing."""
    shop.count(("east", "mug", 5))
    with shop.server.client(give_key(shop.server.database, shop.tenant, "simulate")) as planner:
        response = planner.post("/v1/simulations", json=SIMULATION_BODY)
        assert response.status_code == 202, response.text
        operation = response.json()
        assert planner.post("/v1/allocations:batch", json={}).status_code == 403
        assert planner.get("/v1/operations").status_code == 403
        place = f"/v1/operations/{operation['operation_id']}:cancel"
        assert planner.post(place, json={}).status_code == 200
    with shop.server.client(give_key(shop.server.database, shop.tenant, "allocate")) as clerk:
        assert clerk.post("/v1/simulations", json=SIMULATION_BODY).status_code == 403
        assert clerk.post(place, json={}).status_code == 403
    stranger = shop_of(shop.server)
    stranger.refused(404, "POST", place, json={})
    stranger.refused(404, "GET", f"/v1/operations/{operation['operation_id']}")
    stranger.refused(404, "GET", f"/v1/operations/{operation['operation_id']}/result")
    stranger.http.close()
    assert shop.finished(operation)["state"] in ("CANCELLED", "DONE")


def test_a_simulation_survives_a_kill(tmp_path: Path) -> None:
    """Tests that what kill -9 interrupted is done by the next process, and replays give the same operation."""
    database = sqlite_in(tmp_path)
    give_key(database, "first")
    server = start(tmp_path, database, "--lease", "1")
    shop = shop_of(server)
    shop.count(("east", "mug", 300), ("west", "mug", 300))
    body, key = simulation(40, {"edit": "scale_demand", "pct": 150}), {"idempotency-key": "k"}
    operation = begun(shop, body, headers=key)
    time.sleep(0.3)
    server.stop(signal.SIGKILL)
    server.process.stdout.close()  # type: ignore[union-attr]
    again = start(tmp_path, database, "--lease", "1")
    try:
        client = again.client(shop.http.headers["x-api-key"])
        shop.http.close()
        shop = Shop(again, shop.tenant, client)
        assert begun(shop, body, headers=key)["operation_id"] == operation["operation_id"]
        ended = shop.finished(operation)
        assert ended["state"] == "DONE", ended
        kpis = [plan["kpis"] for plan in shop.ok("GET", ended["result"])["summary"]["plans"]]
        assert kpis[0]["orders"] == 40 and 48 <= kpis[1]["orders"] <= 72
        assert shop.promised("mug") == {"east": 300, "west": 300}
    finally:
        shop.http.close()
        assert again.stop() == 0
        again.process.stdout.close()  # type: ignore[union-attr]
