"""Who may call what: API keys, OAuth2 bearer tokens, or nobody but this machine."""

from __future__ import annotations

import binascii
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import urlsplit

from api.problems import Problem
from api.settings import Settings, is_loopback

Scope = Literal["read", "network:write", "inventory:write", "allocate", "simulate", "admin"]
SCOPES: tuple[str, ...] = get_args(Scope)

_PREFIX = "nwk"
_REMEMBERED_SECONDS = 2.0  # a revoked key is refused everywhere after this time
_REMEMBERED = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """Who calls.

    Parameters
    ----------
    tenant : str
        Whose data they see.
    scopes : frozenset of str
        What they may do; ``admin`` may do all.
    name : str
        For the log: a key's id or a token's subject.
    """

    tenant: str
    scopes: frozenset[str]
    name: str

    def require(self, scope: str, or_scope: str | None = None) -> None:
        """Refuse what the credential does not allow; one of two scopes is enough.

        Raises
        ------
        Problem
            403.
        """
        if self.scopes.isdisjoint((scope, or_scope, "admin")):
            raise Problem(403, "forbidden", f"the credential lacks the scope {scope}")


def new_key() -> tuple[str, str, str]:
    """Return a new key, its id, and the hash that is kept of it. The key itself is shown once."""
    key_id, secret = secrets.token_hex(6), secrets.token_hex(32)
    key = f"{_PREFIX}_{key_id}_{secret}_{_checksum(key_id + secret)}"
    return key, key_id, hash_key(key)


def hash_key(key: str) -> str:
    """Return what is stored of a key: it has 256 random bits, so one round is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


def looks_like_key(text: str) -> bool:
    """Whether a text has the form and the checksum of a key: guesses cost no question to the database."""
    parts = text.split("_")
    return len(parts) == 4 and parts[0] == _PREFIX and parts[3] == _checksum(parts[1] + parts[2])


def _checksum(text: str) -> str:
    return f"{binascii.crc32(text.encode('utf-8', 'replace')):08x}"


KeyLookup = Callable[[str], Awaitable[Principal | None]]
TokenCheck = Callable[[str], Awaitable[Principal]]


class Gate:
    """Lets requests in.

    Parameters
    ----------
    settings : Settings
        Where the service listens, and whom it knows.
    is_open : bool
        Whether no credential is asked for.
    find_key : callable
        Finds the principal of a key's hash in the ledger.
    check_token : callable or None
        Checks a bearer token.
    clock : callable
        Seconds that only grow.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        is_open: bool,
        find_key: KeyLookup,
        check_token: TokenCheck | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.is_open = is_open
        self._guards_host = is_open and settings.on_loopback
        self._hosts = frozenset(name.lower() for name in settings.allowed_hosts)
        self._find_key = find_key
        self._check_token = check_token
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Principal | None]] = OrderedDict()
        self._anyone = Principal(tenant=settings.default_tenant, scopes=frozenset(SCOPES), name="local")

    def check_origin(self, headers: Mapping[bytes, bytes]) -> None:
        """Refuse what a page on another site could have sent, while the service runs open on loopback.

        Raises
        ------
        Problem
            421 for a foreign ``Host`` (DNS rebinding), 403 for a foreign ``Origin``.
        """
        if not self._guards_host:
            return
        host = _hostname(headers.get(b"host", b"").decode("latin-1"))
        if not self._is_ours(host):
            raise Problem(421, "misdirected", f"the service does not answer to the host {host[:80]!r}")
        origin = headers.get(b"origin")
        if origin is not None and not self._is_ours(_hostname(origin.decode("latin-1"), url=True)):
            raise Problem(403, "forbidden", "requests from pages of other sites are refused")
        if headers.get(b"sec-fetch-site") == b"cross-site":
            raise Problem(403, "forbidden", "requests from pages of other sites are refused")

    def _is_ours(self, host: str) -> bool:
        return is_loopback(host) or host in self._hosts

    async def admit(self, headers: Mapping[bytes, bytes]) -> Principal:
        """Return who calls.

        Raises
        ------
        Problem
            401.
        """
        if self.is_open:
            return self._anyone
        token = headers.get(b"x-api-key")
        if token is None:
            scheme, _, rest = headers.get(b"authorization", b"").partition(b" ")
            if scheme.lower() != b"bearer" or not rest:
                raise _unauthenticated("send a key as X-API-Key, or a token as Authorization: Bearer")
            token = rest.strip()
        text = token.decode("latin-1")
        if text.startswith(f"{_PREFIX}_"):
            found = await self._key(text)
            if found is None:
                raise _unauthenticated("the key is unknown or revoked")
            return found
        if self._check_token is None:
            raise _unauthenticated("the credential is no key of this service")
        return await self._check_token(text)

    async def _key(self, text: str) -> Principal | None:
        if not looks_like_key(text):
            return None
        hashed = hash_key(text)
        now = self._clock()
        entry = self._known.get(hashed)
        if entry is not None and entry[0] > now:
            return entry[1]
        found = await self._find_key(hashed)
        self._known[hashed] = (now + _REMEMBERED_SECONDS, found)
        self._known.move_to_end(hashed)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return found


def _unauthenticated(detail: str) -> Problem:
    return Problem(401, "unauthenticated", detail, (("WWW-Authenticate", "Bearer"),))


def _hostname(text: str, *, url: bool = False) -> str:
    try:
        return (urlsplit(text if url else f"//{text}").hostname or "").lower()
    except ValueError:
        return ""
