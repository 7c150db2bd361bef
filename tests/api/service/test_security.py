"""Tests who gets in: keys, scopes, tokens, tenants; what a page on another site cannot do; refusing to start."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from api.routes import ALL_CALLS
from api.security import looks_like_key, new_key
from api.service import OpenToAll, refuse_open
from api.settings import Settings
from tests.api.running import COMMAND, environment, nodewise
from tests.api.service.serving import Server, Shop, give_key, order_body, running, shop_of, sqlite_in

OTHERS_IDS = {
    "node_id": "east",
    "sku": "mug",
    "order_id": "secret-order",
    "reservation_id": "secret-reservation",
    "operation_id": "",
    "webhook_id": "",
}
BEHIND_A_KEY = [spec for spec in ALL_CALLS if spec.scope is not None]


def body_of(spec: Any) -> dict[str, Any]:
    """A request's content for a call: its example, in the first form that it takes."""
    if not spec.has_body:
        return {}
    kind = spec.takes[0]
    content = spec.example if spec.body is not None or spec.raw_schema else spec.example[kind]
    text = content if isinstance(content, str) else json.dumps(content)
    return {"content": text, "headers": {"content-type": kind}}


def name_of(spec: Any) -> str:
    """How a test of a call is called."""
    return f"{spec.method} {spec.path}"


@pytest.mark.parametrize("spec", BEHIND_A_KEY, ids=name_of)
def test_every_call_asks_for_a_credential_and_its_scope(server: Server, spec: Any) -> None:
    """Tests that a call without a key is 401, and with a key that lacks the scope 403, whatever else it says."""
    path = spec.path
    for name in OTHERS_IDS:
        path = path.replace("{" + name + "}", "x")
    named = body_of(spec)
    for headers in ({}, {"x-api-key": new_key()[0]}, {"x-api-key": "nwk_1"}, {"authorization": "Bearer x"}):
        named_now = {**named, "headers": {**named.get("headers", {}), **headers}}
        found = httpx.request(spec.method, server.url + path, **named_now)
        assert found.status_code == 401, found.text
        assert found.headers["www-authenticate"].startswith("Bearer")
    other = next(scope for scope in ("simulate", "read") if scope not in (spec.scope, spec.or_scope))
    key = give_key(server.database, "scopes", other)
    found = httpx.request(
        spec.method, server.url + path, **{**named, "headers": {**named.get("headers", {}), "x-api-key": key}}
    )
    assert found.status_code == 403, found.text


@pytest.fixture(scope="module")
def owner(server: Server) -> Iterator[Shop]:
    """A tenant that has one of everything."""
    shop = shop_of(server)
    shop.count(("east", "mug", 50))
    shop.ok("POST", "/v1/allocations", json=order_body("secret-order", ("mug", 3)))
    position = {"node_id": "east", "sku": "mug", "ship_date": "2030-01-07", "quantity": 2}
    body = {"reservation_id": "secret-reservation", "order_id": "o", "positions": [position]}
    shop.ok("POST", "/v1/reservations", json=body)
    orders = {"orders": [{"order_id": "b", "lat": 40.0, "lon": -74.0}]}
    lines = {"lines": [{"order_id": "b", "line_id": "1", "sku": "mug", "quantity": 1}]}
    operation = shop.ok("POST", "/v1/allocations:batch", json={**orders, **lines})
    OTHERS_IDS["operation_id"] = shop.finished(operation)["operation_id"]
    webhook = shop.ok("POST", "/v1/webhooks", json={"url": f"http://127.0.0.1:{free_port()}/never"})
    OTHERS_IDS["webhook_id"] = webhook["webhook_id"]
    yield shop
    shop.http.close()


@pytest.fixture(scope="module")
def stranger(server: Server) -> Iterator[Shop]:
    """Another tenant, that may do everything with what is its own."""
    shop = shop_of(server)
    yield shop
    shop.http.close()


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.parametrize("spec", BEHIND_A_KEY, ids=name_of)
def test_no_call_shows_or_changes_what_is_anothers(owner: Shop, stranger: Shop, spec: Any) -> None:
    """Tests that a tenant with every scope neither sees nor changes anything of another, by whatever id."""
    before = owner.ok("GET", "/v1/ledger/entries?limit=1000")
    path = spec.path
    for name, value in OTHERS_IDS.items():
        path = path.replace("{" + name + "}", value)
    found = stranger.http.request(spec.method, path, **body_of(spec))
    assert found.status_code < 500
    assert owner.tenant not in found.text
    if "{" in spec.path and "inventory" not in spec.path:
        assert found.status_code == 404, found.text
    assert owner.ok("GET", "/v1/ledger/entries?limit=1000") == before
    assert owner.ok("GET", "/v1/allocations/secret-order")["state"] == "OPEN"
    assert owner.ok("GET", "/v1/reservations/secret-reservation")["state"] == "HELD"
    assert owner.ok("GET", "/v1/webhooks")["webhooks"]


def test_a_revoked_key_is_refused(server: Server, shop: Shop) -> None:
    """Tests that a key stops working within seconds of its being revoked."""
    key = give_key(server.database, shop.tenant, "read")
    with server.client(key) as client:
        assert client.get("/v1/operations").status_code == 200
        key_id = key.split("_")[1]
        revoke = ("key", "revoke", key_id, "--tenant", shop.tenant, "--database", server.database)
        assert nodewise(*revoke, cwd=server.folder).exit_code == 0
        deadline = time.monotonic() + 8
        while client.get("/v1/operations").status_code == 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert client.get("/v1/operations").status_code == 401


def test_keys_have_a_checksum() -> None:
    """Tests that a mistyped key is told apart without asking the database."""
    key, key_id, key_hash = new_key()
    assert looks_like_key(key) and key_id in key and key_hash not in key
    for at in (4, 20, len(key) - 1):
        wrong = key[:at] + ("0" if key[at] != "0" else "1") + key[at + 1 :]
        assert not looks_like_key(wrong)


def test_it_does_not_start_open_to_others(tmp_path: Path) -> None:
    """Tests that without keys the service refuses to listen where others could reach it."""
    done = subprocess.run(
        [*COMMAND, "serve", "--host", "0.0.0.0", "--port", "0", "--database", sqlite_in(tmp_path)],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "refusing to listen" in done.stderr and "--insecure" in done.stderr and "Traceback" not in done.stderr


def test_insecure_has_to_be_said() -> None:
    """Tests what may listen where: open on loopback, elsewhere with credentials, or open when told to by name."""
    for host, insecure, is_open, allowed in (
        ("127.0.0.1", False, True, True),
        ("::1", False, True, True),
        ("localhost", False, True, True),
        ("0.0.0.0", False, True, False),
        ("::", False, True, False),
        ("192.0.2.1", False, True, False),
        ("nodewise.example", False, True, False),
        ("0.0.0.0", False, False, True),
        ("0.0.0.0", True, True, True),
    ):
        settings = Settings(database="sqlite://", host=host, insecure=insecure)
        if allowed:
            refuse_open(settings, is_open=is_open)
        else:
            with pytest.raises(OpenToAll, match="--insecure"):
                refuse_open(settings, is_open=is_open)


def test_pages_of_other_sites_get_nowhere(tmp_path: Path) -> None:
    """Tests that an open service on loopback answers neither to foreign names nor to pages of other sites."""
    with running(tmp_path, sqlite_in(tmp_path)) as server:
        get = f"{server.url}/v1/network"
        assert httpx.get(get).status_code == 200
        assert httpx.get(get, headers={"host": "localhost"}).status_code == 200
        for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", ""):
            assert httpx.get(get, headers={"host": host}).status_code == 421
        for origin in ("https://evil.example", "null", "http://127.0.0.1.evil.example"):
            assert httpx.get(get, headers={"origin": origin}).status_code == 403
        assert httpx.get(get, headers={"origin": server.url}).status_code == 200
        assert httpx.get(get, headers={"sec-fetch-site": "cross-site"}).status_code == 403
        body = json.dumps(order_body("1", ("sku001", 1)))
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            found = httpx.post(f"{server.url}/v1/allocations", content=body, headers={"content-type": kind})
            assert found.status_code == 415
        assert httpx.get(f"{server.url}/v1/allocations/1").status_code == 404
        # a key closes the door, without a restart
        key = give_key(server.database, "default", "read")
        deadline = time.monotonic() + 10
        while httpx.get(get).status_code != 401:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert httpx.get(get, headers={"x-api-key": key}).status_code == 200
        assert key not in server.log() and key.split("_")[2] not in server.log()


def test_tokens_of_a_known_issuer(tmp_path: Path) -> None:
    """Tests that bearer tokens need the issuer's signature, issuer, audience, expiry, tenant and scope."""
    ours, theirs = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(ours.public_key()))
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [{**public, "kid": "1", "alg": "RS256", "use": "sig"}]}))
    good = {
        "iss": "https://issuer.example",
        "aud": "nodewise",
        "exp": time.time() + 600,
        "sub": "oms",
        "tenant": "acme",
        "scope": "read network:write",
    }

    def token(key: Any = ours, algorithm: str = "RS256", kid: str = "1", **claims: Any) -> str:
        named = {name: value for name, value in {**good, **claims}.items() if value is not None}
        return jwt.encode(named, key, algorithm=algorithm, headers={"kid": kid})

    bearer = ("--issuer", good["iss"], "--audience", "nodewise", "--jwks", str(tmp_path / "jwks.json"))
    with running(tmp_path, sqlite_in(tmp_path), *map(str, bearer)) as server:

        def status(text: str, path: str = "/v1/operations", method: str = "GET", **named: Any) -> int:
            headers = {"authorization": f"Bearer {text}"}
            return httpx.request(method, server.url + path, headers=headers, **named).status_code

        assert status(token()) == 200
        assert status(token(scope="read"), "/v1/network", "PUT", json={}) == 403
        assert status(token(scope="admin"), "/v1/webhooks") == 200
        bad = (
            token(key=theirs),
            token(kid="2"),
            token(iss="https://other.example"),
            token(aud="other"),
            token(exp=time.time() - 60),
            token(exp=None),
            token(tenant=None),
            token(tenant=7),
            token(key="x" * 32, algorithm="HS256"),
            jwt.encode(good, None, algorithm="none"),
            "a.b.c",
            "x",
        )
        assert {status(text) for text in bad} == {401}
        assert token() not in server.log()
