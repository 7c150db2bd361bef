"""What the service can be told when it starts. Nothing is read at import; the command line fills this in."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much one client can ask of the service.

    Parameters
    ----------
    body_bytes : int
        The largest body of an ordinary call; more is 413.
    import_bytes : int
        The largest body of a network, an import or a batch.
    import_rows : int
        The most rows of one import.
    lines : int
        The most lines of one order or cart.
    orders : int
        The most orders of one batch.
    waiting, waiting_per_tenant : int
        Calls under way at one time, in all and of one tenant; more is 429.
    large, streams : int
        Calls with large bodies, and event streams, at one time; more is 429.
    body_seconds, call_seconds : float
        The longest a body may take to arrive, and a call to be answered.
    """

    body_bytes: int = 1 << 20
    import_bytes: int = 256 << 20
    import_rows: int = 1_000_000
    lines: int = 1_000
    orders: int = 100_000
    waiting: int = 2_048
    waiting_per_tenant: int = 1_024
    large: int = 4
    streams: int = 200
    body_seconds: float = 30.0
    call_seconds: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Bearer:
    """Whose OAuth2 tokens are accepted.

    Parameters
    ----------
    issuer, audience : str
        What a token has to name.
    jwks : str
        An https URL or a file with the issuer's public keys.
    tenant_claim : str
        The claim that names the tenant.
    """

    issuer: str
    audience: str
    jwks: str
    tenant_claim: str = "tenant"


@dataclass(frozen=True, kw_only=True)
class WebhookRules:
    """Where events may be sent.

    Parameters
    ----------
    hosts : tuple of str
        The hosts that may be registered; ``.example.com`` allows every host below it. Empty: none.
    allow_private : bool
        Whether hosts may resolve to private addresses, and be called without TLS.
    attempts_apart_seconds : float
        Time before the second attempt; doubled each time, up to an hour.
    """

    hosts: tuple[str, ...] = ()
    allow_private: bool = False
    attempts_apart_seconds: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """How long what is not the ledger itself is kept. Entries, reservations and orders always are.

    Parameters
    ----------
    response_seconds : float
        Responses under idempotency keys, and results of operations that ended.
    event_seconds : float
        Events that every receiver has; others wait for theirs.
    desk_seconds : float
        Snapshots of tenants that do not ask; the one that asked last is kept whatever.
    desks : int
        Snapshots at most, but for those in use: the one that was idle longest goes first.
    """

    response_seconds: float = 86_400.0
    event_seconds: float = 30 * 86_400.0
    desk_seconds: float = 3_600.0
    desks: int = 64


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the service runs.

    Parameters
    ----------
    database : str
        Where the ledger is: ``sqlite:///FILE`` or ``postgresql://...``.
    host, port : str, int
        Where to listen; port 0 is any free one.
    insecure : bool
        Listen without keys beyond loopback, when asked to by name.
    allowed_hosts : tuple of str
        Names by which clients may call the service while it runs without keys.
    default_tenant : str
        The tenant of a service without keys.
    attempts : int
        How often an order is decided again after losing a race.
    hold_seconds : int
        How long a reservation is held when nothing else is said.
    prices_fresh_seconds : float
        How long the prices of a batch are used for single orders.
    chunk_orders : int
        Orders of a batch that are reserved in one transaction.
    lease_seconds : float
        How long an operation stays its owner's without a sign of life.
    batch_seconds : float
        Time limit of a batch that names none, and the longest it may name.
    """

    database: str
    host: str = "127.0.0.1"
    port: int = 8000
    insecure: bool = False
    allowed_hosts: tuple[str, ...] = ()
    default_tenant: str = "default"
    attempts: int = 3
    hold_seconds: int = 900
    prices_fresh_seconds: float = 900.0
    chunk_orders: int = 1000
    lease_seconds: float = 15.0
    batch_seconds: float = 60.0
    workers: int = 1
    access_log: bool = True
    bearer: Bearer | None = None
    webhooks: WebhookRules = WebhookRules()
    limits: Limits = Limits()
    keeping: Keeping = Keeping()

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
