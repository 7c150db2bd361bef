"""The files of the planner's page: built once, shipped with the package, served from memory."""

from __future__ import annotations

import gzip
import hashlib
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_log = logging.getLogger("api.page")
FOLDER = Path(__file__).parent / "page" / "dist"
INDEX = "index.html"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",  # the charts' tooltips
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "vary": "accept-encoding",
}
_HASHED = re.compile(r"-[A-Z0-9]{8}\.(js|css)$")


@dataclass(frozen=True, kw_only=True)
class PageFile:
    """One file, as it is and compressed.

    Parameters
    ----------
    content, compressed : bytes
        The file, and the same by gzip.
    headers : mapping
        Type, tag and how long it may be kept: for ever where its name has its hash.
    """

    content: bytes
    compressed: bytes
    headers: Mapping[str, str]


@lru_cache(maxsize=1)
def page_files() -> Mapping[str, PageFile]:
    """Return the files by the path at which they are served, read once; none where the page was not built."""
    if not (FOLDER / INDEX).is_file():
        _log.warning("there is no page: %s is missing, make page builds it", FOLDER / INDEX)
        return {}
    assets = sorted(path for path in (FOLDER / "assets").iterdir() if path.suffix in TYPES)
    return {"/": _page_file(FOLDER / INDEX), **{f"/assets/{path.name}": _page_file(path) for path in assets}}


def _page_file(path: Path) -> PageFile:
    content = path.read_bytes()
    kept = "public, max-age=31536000, immutable" if _HASHED.search(path.name) else "no-cache"
    tag = hashlib.sha256(content).hexdigest()[:32]
    headers = {**HEADERS, "content-type": TYPES[path.suffix], "cache-control": kept, "etag": f'W/"{tag}"'}
    return PageFile(content=content, compressed=gzip.compress(content, 6, mtime=0), headers=headers)
