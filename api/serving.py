"""The command `nodewise serve`: settings, a network to begin with, and the server."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import Any

from api.failures import BAD_INPUT, DONE, FAILED, say
from api.settings import Bearer, Keeping, Settings, WebhookRules


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """What was said on the command line; see `api.cli_service.serve`."""

    network: str | None
    database: str
    host: str
    port: int
    insecure: bool
    allowed_hosts: tuple[str, ...]
    issuer: str | None
    audience: str | None
    jwks: str | None
    tenant_claim: str
    webhook_hosts: tuple[str, ...]
    webhook_private: bool
    workers: int
    hold_seconds: int
    lease_seconds: float
    keep_responses_hours: int
    keep_events_days: int
    keep_snapshots_minutes: int
    snapshots: int
    access_log: bool
    debug: bool


def settings_of(options: ServeOptions) -> Settings:
    """Return the settings.

    Raises
    ------
    ValueError
        When options do not go together.
    """
    bearer = None
    given = (options.issuer, options.audience, options.jwks)
    if any(given):
        if not all(given):
            raise ValueError("--issuer, --audience and --jwks go together")
        assert options.issuer and options.audience and options.jwks
        if options.jwks.startswith("http://"):
            raise ValueError("--jwks has to be an https URL or a file")
        bearer = Bearer(
            issuer=options.issuer,
            audience=options.audience,
            jwks=options.jwks,
            tenant_claim=options.tenant_claim,
        )
    return Settings(
        database=options.database,
        host=options.host,
        port=options.port,
        insecure=options.insecure,
        allowed_hosts=options.allowed_hosts,
        workers=options.workers,
        hold_seconds=options.hold_seconds,
        lease_seconds=options.lease_seconds,
        access_log=options.access_log,
        bearer=bearer,
        keeping=Keeping(
            response_seconds=3600.0 * options.keep_responses_hours,
            event_seconds=86_400.0 * options.keep_events_days,
            desk_seconds=60.0 * options.keep_snapshots_minutes,
            desks=options.snapshots,
        ),
        webhooks=WebhookRules(hosts=options.webhook_hosts, allow_private=options.webhook_private),
    )


def serve_command(options: ServeOptions) -> int:
    """Serve until told to stop; returns the exit code."""
    from api.first_network import give_demo, give_network
    from api.logs import attach_json_logs
    from api.service import OpenToAll, Service, refuse_open
    from engine.ledger import LedgerError, open_ledger

    try:
        settings = settings_of(options)
    except ValueError as error:
        say(str(error))
        return BAD_INPUT
    os.umask(0o077)  # the ledger, and the cache of compiled code, are ours alone
    attach_json_logs(logging.DEBUG if options.debug else logging.INFO)
    try:
        ledger = open_ledger(settings.database)
    except ValueError as error:
        say(str(error))
        return BAD_INPUT
    except LedgerError as error:
        say(f"nodewise: {error}")
        return FAILED
    stored = ledger.keys()
    has_keys = any(key.revoked_at_ms is None for key in stored)
    is_open = settings.bearer is None and not has_keys
    try:
        refuse_open(settings, is_open=is_open)
    except OpenToAll as error:
        say(f"nodewise: {error}")
        ledger.close()
        return BAD_INPUT
    tenant = settings.default_tenant
    if options.network is not None:
        print(give_network(ledger, tenant, options.network), flush=True)
    elif is_open and ledger.network_version(tenant) == 0:
        print(give_demo(ledger, tenant), flush=True)
    return _run(Service(settings, ledger), settings, is_open=is_open)


def _run(service: Any, settings: Settings, *, is_open: bool) -> int:
    import uvicorn

    from api.app import Application

    class Server(uvicorn.Server):
        """Tells the service that it ends before it waits for connections, and people where it listens."""

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            if self.started:
                address = self.servers[0].sockets[0].getsockname()
                host = f"[{address[0]}]" if ":" in address[0] else address[0]
                url = f"http://{host}:{address[1]}"
                print(f"nodewise serves on {url} (the planner's page; {url}/openapi.json has the calls)", flush=True)
                if is_open:
                    print("It is open: no key is configured, everybody who can reach it may do everything.", flush=True)

        def handle_exit(self, sig: int, frame: Any) -> None:
            service.begin_stop()
            super().handle_exit(sig, frame)
            self._captured_signals.clear()  # it would raise them again at the end: ending as asked is no failure

    server = Server(
        uvicorn.Config(
            Application(service),
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=65,
            timeout_graceful_shutdown=10,
            backlog=2048,
        )
    )
    server.run()
    return DONE if server.started else FAILED
