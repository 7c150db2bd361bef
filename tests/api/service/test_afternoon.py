"""An afternoon in the life of an order management system: everything over HTTP, every unit accounted for."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from engine.ledger import open_ledger
from tests.api.service.serving import Shop, give_key, shop_of, sqlite_in, start

NODES, SKUS = ("east", "west"), ("mug", "lamp")
START = 120


def test_an_afternoon(tmp_path: Path) -> None:
    """Tests that carts, orders, a batch, shipments, short picks, cancellations, a recount, a restart lose no unit."""
    database = sqlite_in(tmp_path)
    give_key(database, "first")
    lease = ("--lease", "300")  # what is handed back need not be waited for
    server = start(tmp_path, database, *lease)
    shop = shop_of(server)
    draw = random.Random(7)
    lost: Counter[tuple[str, str]] = Counter()
    received: Counter[tuple[str, str]] = Counter()

    # the morning's counts, and a delivery
    shop.count(*((node, sku, START) for node in NODES for sku in SKUS), params={"source": "wms", "sequence": 1})
    change = {"adjustments": [{"node_id": "west", "sku": "mug", "delta": 30}], "source": "wms", "sequence": 2}
    shop.ok("POST", "/v1/inventory:adjust", json=change)
    shop.ok("POST", "/v1/inventory:adjust", json=change)  # the feed repeats itself
    received["west", "mug"] += 30

    # carts, then orders
    orders: dict[str, Any] = {}
    for number in range(40):
        wanted = [(sku, draw.randint(1, 3)) for sku in draw.sample(SKUS, draw.randint(1, 2))]
        east = draw.random() < 0.6
        name = f"o{number}"
        cart = {
            "lat": 42.36 if east else 37.77,
            "lon": -71.06 if east else -122.42,
            "lines": [{"line_id": str(at), "sku": sku, "quantity": n} for at, (sku, n) in enumerate(wanted, start=1)],
        }
        promise = shop.ok("POST", "/v1/promises", json={"cart": cart})
        orders[name] = shop.order(name, *wanted, east=east)
        assert orders[name]["objective_cents"] == promise["cheapest"]["cost_cents"]

    # a batch in the middle, and a restart while it runs
    rows = [{"order_id": f"b{number}", "lat": 39.0, "lon": -90.0 - number % 20} for number in range(60)]
    lines = [{"order_id": row["order_id"], "line_id": "1", "sku": "lamp", "quantity": 1} for row in rows]
    body = {"orders": rows, "lines": lines, "confirmed": True}
    begun = shop.ok("POST", "/v1/allocations:batch", json=body, headers={"idempotency-key": "batch"})
    assert server.stop() == 0
    server.process.stdout.close()  # type: ignore[union-attr]
    server = start(tmp_path, database, *lease)
    key = shop.http.headers["x-api-key"]
    shop.http.close()
    shop = Shop(server, shop.tenant, server.client(key))
    again = shop.ok("POST", "/v1/allocations:batch", json=body, headers={"idempotency-key": "batch"})
    assert again["operation_id"] == begun["operation_id"]
    done = shop.finished(begun)
    assert done["state"] == "DONE"
    found = shop.ok("GET", done["result"])
    assert found["refused"] == [] and len(found["allocations"]) == 60

    # orders are confirmed; some ship, some are cancelled, some cannot be picked
    shipped: Counter[tuple[str, str]] = Counter()
    for number, name in enumerate(orders):
        now = shop.ok("GET", f"/v1/allocations/{name}")
        place = f"/v1/reservations/{now['reservations'][-1]['reservation_id']}"
        if number % 5 == 0:
            shop.ok("POST", f"/v1/allocations/{name}:cancel", json={})
            continue
        shop.ok("POST", f"{place}:confirm", json={})
        if number % 5 == 1:
            row = now["allocations"][0]
            level = shop.ok("GET", f"/v1/inventory/{row['node_id']}/{row['sku']}")
            counted = level["on_hand"] - 1  # one is missing
            lost[row["node_id"], row["sku"]] += 1
            rejected = {
                "node_id": row["node_id"],
                "line_ids": [row["line_id"]],
                "found": [{"sku": row["sku"], "on_hand": counted}],
            }
            now = shop.ok("POST", f"/v1/allocations/{name}:reject", json=rejected)
            moved = [line for line in now["allocations"] if line["line_id"] == row["line_id"]]
            assert all(line["node_id"] != row["node_id"] for line in moved)
            place = f"/v1/reservations/{now['reservations'][-1]['reservation_id']}"
        if number % 2:
            shop.ok("POST", f"{place}:fulfill", json={}, headers={"idempotency-key": f"ship-{name}"})
            shop.ok("POST", f"{place}:fulfill", json={}, headers={"idempotency-key": f"ship-{name}"})
            for line in now["allocations"]:
                shipped[line["node_id"], line["sku"]] += line["quantity"]

    # the evening's recount finds less than what is reserved at one node
    held: Counter[tuple[str, str]] = Counter()
    for name in (*orders, *(row["order_id"] for row in rows)):
        for reservation in shop.ok("GET", f"/v1/allocations/{name}")["reservations"]:
            whole = shop.ok("GET", f"/v1/reservations/{reservation['reservation_id']}")
            for position in whole["positions"]:
                held[position["node_id"], position["sku"]] += position["open"]
    for node in NODES:
        for sku in SKUS:
            level = shop.ok("GET", f"/v1/inventory/{node}/{sku}")
            expected = START + received[node, sku] - lost[node, sku] - shipped[node, sku]
            assert (level["on_hand"], level["held"]) == (expected, held[node, sku]), (node, sku)
            assert shop.promised(sku)[node] == max(0, expected - held[node, sku])
    level = shop.ok("GET", "/v1/inventory/east/lamp")
    counted = {"on_hand": level["held"] - 2, "compare_on_hand": level["on_hand"]}
    short = shop.ok("PUT", "/v1/inventory/east/lamp", json=counted)["shortage"]
    assert short["short"] == 2
    assert shop.promised("lamp")["east"] == 0
    at_risk = short["orders"][0]["order_id"]
    moved = shop.ok("POST", f"/v1/allocations/{at_risk}:reject", json={"node_id": "east"})
    assert all(row["node_id"] == "west" for row in moved["allocations"])

    # the journal adds up, and so does what it says of each balance
    kinds = Counter(event["type"] for event in shop.ok("GET", "/v1/events?limit=1000")["events"])
    assert kinds["nodewise.order.cancelled"] == 8 and kinds["nodewise.stock.shortage"] >= 1
    shop.http.close()
    assert server.stop() == 0
    server.process.stdout.close()  # type: ignore[union-attr]
    with closing(open_ledger(database)) as ledger:
        report = ledger.verify()
        assert report.ok, report.differences
