"""Tests how the page's files are served: to anybody, compressed, kept by browsers, and with a strict policy."""

from __future__ import annotations

import re

import httpx
import pytest

from api.page_files import page_files
from tests.api.service.serving import Server


def test_the_page_needs_no_key_but_its_data_does(server: Server) -> None:
    """Tests that a service with keys shows the page, and nothing on it, to whoever has none."""
    with server.client() as client:
        found = client.get("/")
        assert found.status_code == 200 and found.headers["content-type"] == "text/html; charset=utf-8"
        assert client.get("/v1/operations").status_code == 401
        assert client.post("/", json={}).status_code == 405
        assert client.get("/assets/nothing.js").status_code == 404
        assert client.get("/assets/..%2f..%2fpackage.json").status_code == 404


def test_files_are_kept_and_compressed(server: Server) -> None:
    """Tests that hashed files may be kept for ever, the first page not, and that neither is sent twice."""
    with server.client() as client:
        page = client.get("/")
        assert page.headers["cache-control"] == "no-cache"
        names = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text)
        assert len(names) >= 3 and set(names) <= set(page_files())
        for name in ("/", *names):
            packed = client.get(name, headers={"accept-encoding": "gzip"})
            plain = client.get(name, headers={"accept-encoding": "identity"})
            assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
            assert packed.content == plain.content == page_files()[name].content
            assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
            again = client.get(name, headers={"if-none-match": packed.headers["etag"]})
            assert again.status_code == 304 and again.content == b""
            if name != "/":
                assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", sorted(page_files()))
def test_the_policy_allows_nothing_from_elsewhere(server: Server, path: str) -> None:
    """Tests the headers of each file, and that none names another site as a place to load from."""
    found = httpx.get(server.url + path)
    policy = dict(part.split(" ", 1) for part in found.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'" and policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert found.headers["x-content-type-options"] == "nosniff" and found.headers["x-frame-options"] == "DENY"
    assert found.headers["referrer-policy"] == "no-referrer" and found.headers["x-request-id"]
    if path == "/":
        assert not re.search(r'(?:src|href)="(?!/|data:|#)', found.text)
        assert "<script>" not in found.text and "style=" not in found.text


def test_data_is_never_kept(server: Server) -> None:
    """Tests that answers of calls stay out of caches, as before."""
    assert httpx.get(f"{server.url}/livez").headers["cache-control"] == "no-store"
