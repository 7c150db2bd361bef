"""Tests single orders: allocated, replayed, rejected, cancelled; nothing oversold, whoever races."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.api.service.serving import Shop, order_body


def test_an_order_takes_its_stock(shop: Shop) -> None:
    """Tests that an order goes to the nearest node, and that its units cannot be promised any more."""
    shop.count(("east", "mug", 5), ("west", "mug", 5))
    found = shop.order("1", ("mug", 2))
    assert [row["node_id"] for row in found["shipments"]] == ["east"]
    assert found["objective_cents"] == 700 and found["terms"]["freight_cents"] == 700
    assert found["reservations"][0]["state"] == "HELD"
    assert shop.promised("mug") == {"east": 3, "west": 5}
    assert shop.ok("GET", "/v1/allocations/1")["allocations"] == found["allocations"]


def test_a_look_takes_nothing(shop: Shop) -> None:
    """Tests that an order that is only looked at is decided the same way, and reserves nothing."""
    shop.count(("east", "mug", 5))
    looked = shop.ok("POST", "/v1/allocations", json=order_body("1", ("mug", 2), commit=False))
    assert looked["committed"] is False and looked["reservations"] == []
    assert shop.promised("mug") == {"east": 5}
    shop.refused(404, "GET", "/v1/allocations/1")
    assert shop.order("1", ("mug", 2))["shipments"] == looked["shipments"]


def test_what_cannot_be_served_is_a_result(shop: Shop) -> None:
    """Tests that an order without stock is answered with a reason, and kept."""
    shop.count(("east", "mug", 1))
    found = shop.order("1", ("mug", 2))
    assert found["shipments"] == [] and found["unallocated"][0]["reason"] == "no_stock"
    assert shop.ok("GET", "/v1/allocations/1")["unallocated"] == found["unallocated"]


def test_an_order_is_allocated_once(shop: Shop) -> None:
    """Tests that an order that is there already is refused, with nothing taken."""
    shop.count(("east", "mug", 5))
    shop.order("1", ("mug", 2))
    shop.refused(409, "POST", "/v1/allocations", json=order_body("1", ("mug", 2)))
    assert shop.promised("mug") == {"east": 3}


def test_lines_of_one_sku_count_together(shop: Shop) -> None:
    """Tests that two lines of the same sku do not both get the last unit."""
    shop.count(("east", "mug", 3))
    found = shop.order("1", ("mug", 2), ("mug", 2))
    assert sum(row["quantity"] for row in found["allocations"]) == 2
    assert shop.promised("mug") == {"east": 1}


def test_a_race_sells_exactly_what_is_there(shop: Shop) -> None:
    """Tests that many clients at once sell exactly the units that are there, and every unit."""
    shop.count(("east", "mug", 60), ("west", "mug", 40))

    def buy(first: int) -> int:
        sold = 0
        with httpx.Client(base_url=shop.server.url, headers=shop.http.headers, timeout=60.0) as client:
            for number in range(first, first + 25):
                found = client.post("/v1/allocations", json=order_body(f"o{number}", ("mug", 1)))
                assert found.status_code == 201, found.text
                sold += len(found.json()["allocations"])
        return sold

    with ThreadPoolExecutor(8) as threads:
        sold = sum(threads.map(buy, range(0, 200, 25)))
    assert sold == 100
    assert shop.promised("mug") == {"east": 0, "west": 0}


def test_a_short_pick_is_sourced_again(shop: Shop) -> None:
    """Tests that a rejected line goes elsewhere, with the count found recorded, and other lines staying."""
    shop.count(("east", "mug", 5), ("west", "mug", 5), ("east", "lamp", 5), ("west", "lamp", 5))
    first = shop.order("1", ("mug", 2), ("lamp", 1))
    assert {row["node_id"] for row in first["shipments"]} == {"east"}
    body = {"node_id": "east", "line_ids": ["1"], "found": [{"sku": "mug", "on_hand": 0}]}
    again = shop.ok("POST", "/v1/allocations/1:reject", json=body)
    assert {row["line_id"]: row["node_id"] for row in again["allocations"]}["1"] == "west"
    assert shop.promised("mug") == {"east": 0, "west": 3}
    held = {row["sku"]: row for row in again["allocations"]}["lamp"]["node_id"]
    assert shop.promised("lamp")[held] == 4
    shop.refused(409, "POST", "/v1/allocations/1:reject", json={"node_id": "east", "line_ids": ["1"]})
    shop.refused(404, "POST", "/v1/allocations/2:reject", json=body)
    shop.order("3", ("lamp", 1))
    moved = shop.ok("POST", "/v1/allocations/3:reject", json={"node_id": "east"})  # it has some, but cannot ship
    assert [row["node_id"] for row in moved["allocations"]] == ["west"]
    shop.refused(422, "POST", "/v1/allocations/1:reject", json={"node_id": "east", "line_ids": ["9"]})


def test_a_cancelled_order_gives_everything_back(shop: Shop) -> None:
    """Tests that cancelling releases what is held, once, and that the order takes nothing more."""
    shop.count(("east", "mug", 5))
    shop.order("1", ("mug", 2))
    shop.refused(412, "POST", "/v1/allocations/1:cancel", json={}, headers={"if-match": '"7"'})
    assert shop.promised("mug") == {"east": 3}
    found = shop.ok("POST", "/v1/allocations/1:cancel", json={}, headers={"if-match": '"1"'})
    assert found["state"] == "CANCELLED" and found["changed"]
    assert not shop.ok("POST", "/v1/allocations/1:cancel", json={})["changed"]
    assert shop.promised("mug") == {"east": 5}
    shop.refused(409, "POST", "/v1/allocations", json=order_body("1", ("mug", 2)))
    shop.refused(404, "POST", "/v1/allocations/2:cancel", json={})


def test_a_promise_is_kept(shop: Shop) -> None:
    """Tests that what is promised for a cart is what an order then gets, and that promising writes nothing."""
    shop.count(("east", "mug", 5), ("west", "mug", 5))
    before = shop.ok("GET", "/v1/ledger/entries")["next"]
    cart = {"lat": 42.36, "lon": -71.06, "lines": [{"line_id": "1", "sku": "mug", "quantity": 2}]}
    promise = shop.ok("POST", "/v1/promises", json={"cart": cart})
    assert promise["cheapest"]["cost_cents"] == 700 and promise["lacking"] == []
    assert shop.ok("GET", "/v1/ledger/entries")["next"] == before
    found = shop.order("1", ("mug", 2))
    assert max(row["deliver_date"] for row in found["shipments"]) == promise["cheapest"]["deliver_date"]
    assert found["objective_cents"] == promise["cheapest"]["cost_cents"]


def test_an_explanation_adds_up(shop: Shop) -> None:
    """Tests that the terms of an explanation add up, and that the rival node is told with what it would cost."""
    shop.count(("east", "mug", 5), ("west", "mug", 5))
    shop.order("1", ("mug", 2))
    found = shop.ok("GET", "/v1/allocations/1/explanation")
    assert sum(found["terms"].values()) == found["objective_cents"] == 700
    rival = next(row for row in found["rivals"] if row["node_id"] == "west")
    assert rival["difference_cents"] == 600
