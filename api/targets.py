"""Where webhooks may go: allowed hosts, and never an address of our own networks unless that is allowed too."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

from api.problems import invalid
from api.settings import WebhookRules

_RESOLVE_SECONDS = 5.0


class NotAllowed(Exception):
    """A target that events may not be sent to (any more)."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A receiver's address that was checked.

    Parameters
    ----------
    address : str
        What to connect to; the name is not looked up again, so that it cannot change after the check.
    host : str
        The name, for ``Host`` and the certificate.
    url : str
        The URL with the address in the name's place.
    """

    address: str
    host: str
    url: str


async def check_target(url: str, rules: WebhookRules) -> None:
    """Refuse a URL that cannot be registered.

    Raises
    ------
    Problem
        422.
    """
    try:
        await resolve(url, rules)
    except NotAllowed as error:
        raise invalid(f"the url {error}", ("/url", str(error))) from None
    except OSError:
        raise invalid("the url's host has no address", ("/url", "the host has no address")) from None


async def resolve(url: str, rules: WebhookRules) -> Target:
    """Check a URL and look up where it leads.

    Raises
    ------
    NotAllowed
        When events may not go there.
    OSError
        When the name has no address.
    """
    parts = _split(url)
    host = (parts.hostname or "").lower().rstrip(".")
    if parts.scheme not in ("https", "http") or not host or parts.username or parts.password or parts.fragment:
        raise NotAllowed("is no plain https URL")
    if parts.scheme == "http" and not rules.allow_private:
        raise NotAllowed("is not https")
    if not any(host == allowed or (allowed.startswith(".") and host.endswith(allowed)) for allowed in rules.hosts):
        raise NotAllowed(f"names the host {host[:80]!r}, which is not one of those allowed")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_RESOLVE_SECONDS):
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if not rules.allow_private and not _is_public(ip_address(address.partition("%")[0])):
            raise NotAllowed("leads to a private address")
    if not addresses:
        raise NotAllowed("leads nowhere")
    bracketed = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    return Target(
        address=addresses[0],
        host=host if parts.port is None else f"{host}:{parts.port}",
        url=parts._replace(netloc=f"{bracketed}:{port}").geturl(),
    )


def _split(url: str) -> SplitResult:
    if any(mark.isspace() or not mark.isprintable() for mark in url) or "\\" in url:
        raise NotAllowed("holds white space or worse")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise NotAllowed("cannot be read") from None
    return parts


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if mapped is not None:
        return _is_public(mapped)
    return address.is_global and not address.is_multicast and not address.is_reserved
