"""Tests the life of reservations, versions, and idempotency keys."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.api.service.serving import Shop, order_body

DAY = "2031-03-03"


def body(order_id: str, quantity: int, **named: Any) -> dict[str, Any]:
    """The body of a reservation of mugs in the east."""
    position = {"node_id": "east", "sku": "mug", "ship_date": DAY, "quantity": quantity, "line_id": "1"}
    return {"order_id": order_id, "positions": [position], **named}


def test_the_whole_life(shop: Shop) -> None:
    """Tests held, extended, confirmed and fulfilled, with versions, and units that leave for good."""
    shop.count(("east", "mug", 5))
    made = shop.http.post("/v1/reservations", json=body("1", 2))
    assert made.status_code == 201
    place, found = made.headers["location"], made.json()
    assert (found["state"], found["version"]) == ("HELD", 1)
    shop.refused(412, "POST", f"{place}:confirm", json={}, headers={"if-match": '"2"'})
    longer = shop.ok("POST", f"{place}:extend", json={"hold_seconds": 7200}, headers={"if-match": made.headers["etag"]})
    assert longer["expires_at"] > found["expires_at"]
    assert shop.ok("POST", f"{place}:confirm", json={})["state"] == "CONFIRMED"
    shop.refused(409, "POST", f"{place}:extend", json={"hold_seconds": 10})
    assert shop.promised("mug") == {"east": 3}
    assert shop.ok("POST", f"{place}:fulfill", json={})["state"] == "FULFILLED"
    shop.refused(409, "POST", f"{place}:release", json={})
    assert shop.ok("GET", "/v1/inventory/east/mug")["on_hand"] == 3
    kinds = [event["type"].removeprefix("nodewise.") for event in shop.ok("GET", "/v1/events")["events"]]
    told = [kind for kind in kinds if kind.startswith("reservation.")]
    assert told == [f"reservation.{word}" for word in ("held", "extended", "confirmed", "fulfilled")]


def test_too_much_is_refused_with_what_is_short(shop: Shop) -> None:
    """Tests that insufficient stock lists every shortage, and takes nothing."""
    shop.count(("east", "mug", 5))
    found = shop.refused(409, "POST", "/v1/reservations", json=body("1", 6))
    assert found["type"].endswith("insufficient-stock")
    [short] = found["shortages"]
    assert (short["node_id"], short["sku"], short["wanted"], short["available"]) == ("east", "mug", 6, 5)
    assert shop.promised("mug") == {"east": 5}


def test_a_hold_expires_by_itself(shop: Shop) -> None:
    """Tests that a hold whose time is over reads as expired, and that its units can be sold again at once."""
    shop.count(("east", "mug", 2))
    found = shop.ok("POST", "/v1/allocations", json=order_body("1", ("mug", 2), hold_seconds=1))
    reservation = found["reservations"][0]["reservation_id"]
    assert shop.order("2", ("mug", 2))["shipments"] == []
    time.sleep(1.1)
    deadline = time.monotonic() + 5
    number = 3
    while not shop.order(str(number), ("mug", 2))["shipments"]:
        assert time.monotonic() < deadline
        number += 1
        time.sleep(0.1)
    assert shop.ok("GET", f"/v1/reservations/{reservation}")["state"] == "EXPIRED"
    shop.refused(409, "POST", f"/v1/reservations/{reservation}:confirm", json={})


def test_released_units_are_sold_again_at_once(shop: Shop) -> None:
    """Tests that the next order sees what a release gave back, without waiting for a refresh."""
    shop.count(("east", "mug", 2))
    for number in range(5):
        found = shop.order(str(number), ("mug", 2))
        assert found["shipments"], number
        shop.ok("POST", f"/v1/reservations/{found['reservations'][0]['reservation_id']}:release", json={})


def test_a_replay_gets_the_first_response(shop: Shop) -> None:
    """Tests that the same key with the same body has one effect and the same response, to the byte."""
    shop.count(("east", "mug", 9))
    key = {"idempotency-key": "k1"}
    calls = (
        ("/v1/allocations", order_body("1", ("mug", 1))),
        ("/v1/reservations", body("2", 1)),
        ("/v1/inventory:adjust", {"adjustments": [{"node_id": "east", "sku": "mug", "delta": 1}]}),
        ("/v1/allocations/1:reject", {"node_id": "east"}),
        ("/v1/allocations/1:cancel", {}),
        ("/v1/allocations:batch", _batch()),
        ("/v1/webhooks", {"url": "http://127.0.0.1:9/x"}),
    )
    for path, content in calls:
        first = shop.http.post(path, json=content, headers=key)
        assert first.status_code < 300, first.text
        entries = shop.ok("GET", "/v1/ledger/entries?limit=1000")["next"]
        again = shop.http.post(path, json=content, headers=key)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers["idempotency-replayed"] == "true"
        if "batch" not in path:
            assert shop.ok("GET", "/v1/ledger/entries?limit=1000")["next"] == entries
        assert again.headers.get("location") == first.headers.get("location")


def _batch() -> dict[str, Any]:
    return {
        "orders": [{"order_id": "b1", "lat": 40.0, "lon": -74.0}],
        "lines": [{"order_id": "b1", "line_id": "1", "sku": "mug", "quantity": 1}],
    }


def test_a_key_belongs_to_one_request(shop: Shop) -> None:
    """Tests that a key that comes with another body is refused, and that routes and tenants do not share keys."""
    shop.count(("east", "mug", 9))
    key = {"idempotency-key": "k1"}
    shop.ok("POST", "/v1/allocations", json=order_body("1", ("mug", 1)), headers=key)
    found = shop.refused(422, "POST", "/v1/allocations", json=order_body("1", ("mug", 2)), headers=key)
    assert found["type"].endswith("key-reused")
    shop.ok("POST", "/v1/reservations", json=body("2", 1), headers=key)
    for place in ("/v1/allocations/1:cancel", "/v1/allocations/2:cancel"):
        shop.http.post(place, json={}, headers=key)
    assert shop.ok("GET", "/v1/allocations/1")["state"] == "CANCELLED"
    assert shop.ok("GET", "/v1/reservations/" + _of(shop, "2"))["state"] == "HELD"


def _of(shop: Shop, order_id: str) -> str:
    found: str = shop.ok("GET", f"/v1/allocations/{order_id}")["reservations"][0]["reservation_id"]
    return found


def test_refusals_are_replayed_too(shop: Shop) -> None:
    """Tests that a refusal under a key stays what it was, although the state would allow it now."""
    key = {"idempotency-key": "k1"}
    shop.count(("east", "mug", 1))
    first = shop.refused(409, "POST", "/v1/reservations", json=body("1", 2), headers=key)
    shop.count(("east", "mug", 5))
    again = shop.refused(409, "POST", "/v1/reservations", json=body("1", 2), headers=key)
    assert {**first, "request_id": ""} == {**again, "request_id": ""}


def test_the_same_key_at_the_same_time(shop: Shop) -> None:
    """Tests that of many equal requests at once one has the effect, and the others wait for it or get its response."""
    shop.count(("east", "mug", 50))

    def send(number: int) -> tuple[int, bytes]:
        with httpx.Client(base_url=shop.server.url, headers=shop.http.headers, timeout=60.0) as client:
            found = client.post("/v1/allocations", json=order_body("1", ("mug", 2)), headers={"idempotency-key": "k"})
            return found.status_code, found.content

    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(send, range(48)))
    assert {status for status, _ in found} <= {201, 409}
    assert len({content for status, content in found if status == 201}) == 1
    assert shop.promised("mug") == {"east": 48}
