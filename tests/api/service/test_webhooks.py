"""Tests events on their way out: signed, in order, again until they are taken, and never to where they may not go."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from api.cloud_events import signature
from api.settings import WebhookRules
from api.targets import NotAllowed, resolve
from tests.api.service.serving import Shop


class Receiver(ThreadingHTTPServer):
    """Takes events, or does not."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        """Note what came, and answer as told."""
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 204)
        self.send_header("location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that runs."""
    found = Receiver()
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


def wait_for(receiver: Receiver, n: int, seconds: float = 20.0) -> None:
    """Wait until so many requests have come."""
    deadline = time.monotonic() + seconds
    while len(receiver.got) < n:
        assert time.monotonic() < deadline, len(receiver.got)
        time.sleep(0.02)


def test_events_arrive_signed_and_in_order(shop: Shop, receiver: Receiver) -> None:
    """Tests that every event arrives with a right signature, in order, also after failures, and never as a redirect."""
    receiver.statuses = [500, 302]
    made = shop.ok("POST", "/v1/webhooks", json={"url": receiver.url})
    shop.count(("east", "mug", 9))
    for number in range(4):
        found = shop.order(str(number), ("mug", 1))
        shop.ok("POST", f"/v1/reservations/{found['reservations'][0]['reservation_id']}:confirm", json={})
    wait_for(receiver, 10)
    events = shop.ok("GET", "/v1/events?limit=1000")["events"]
    wanted = [event for event in events if event["type"].startswith("nodewise.reservation.")]
    sent = [json.loads(body) for _, body in receiver.got]
    assert sent[0] == sent[1] == sent[2]
    assert sent[2:] == wanted
    for headers, body in receiver.got:
        stamp = int(headers["webhook-timestamp"])
        assert abs(stamp - time.time()) < 60
        assert headers["webhook-signature"] == signature(made["secret"], headers["webhook-id"], stamp, body)
        assert headers["content-type"] == "application/cloudevents+json"
    listed = shop.ok("GET", f"/v1/webhooks/{made['webhook_id']}")
    assert "secret" not in listed and listed["url"] == receiver.url
    shop.ok("DELETE", f"/v1/webhooks/{made['webhook_id']}")
    shop.refused(404, "DELETE", f"/v1/webhooks/{made['webhook_id']}")
    shop.order("last", ("mug", 1))
    time.sleep(0.8)
    assert len(receiver.got) == 10


def test_only_wanted_types_arrive(shop: Shop, receiver: Receiver) -> None:
    """Tests that a receiver of some types gets no others."""
    shop.ok("POST", "/v1/webhooks", json={"url": receiver.url, "event_types": ["order.cancelled"]})
    shop.count(("east", "mug", 9))
    shop.order("1", ("mug", 1))
    shop.ok("POST", "/v1/allocations/1:cancel", json={})
    wait_for(receiver, 1)
    assert [json.loads(body)["type"] for _, body in receiver.got] == ["nodewise.order.cancelled"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.2/",
        "https://example.com/",
        "ftp://127.0.0.1/",
        "http://user:secret@127.0.0.1/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1\\@evil.example/",
        "http://127.0.0.1 /",
        "//127.0.0.1/",
        "http://[::1/",
        "x",
    ],
)
def test_only_allowed_hosts(shop: Shop, url: str) -> None:
    """Tests that a receiver at another host, or with a URL that is not plain, cannot be registered."""
    shop.refused(422, "POST", "/v1/webhooks", json={"url": url})
    assert shop.ok("GET", "/v1/webhooks") == {"webhooks": []}


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "[fd00::1]", "0.0.0.0"],
)
def test_never_to_private_addresses(host: str) -> None:
    """Tests that an allowed name that leads into our own networks is refused all the same."""
    rules = WebhookRules(hosts=(host.strip("[]"),))
    with pytest.raises(NotAllowed, match="private"):
        asyncio.run(resolve(f"https://{host}/", rules))
    with pytest.raises(NotAllowed, match="https"):
        asyncio.run(resolve(f"http://{host}/", rules))


def test_hosts_below_an_allowed_one() -> None:
    """Tests that a leading dot allows what is below, and nothing that only looks like it."""
    rules = WebhookRules(hosts=(".example.com",))
    for host in ("example.com", "evilexample.com", "example.com.evil.org"):
        with pytest.raises(NotAllowed, match="not one of those allowed"):
            asyncio.run(resolve(f"https://{host}/", rules))
