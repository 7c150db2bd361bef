"""How the commands of the service are called: serve, key and ledger. What is heavy is imported later."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from api.options import Debug, number_from

_GROUP = {
    "add_completion": False,
    "rich_markup_mode": None,
    "no_args_is_help": True,
    "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 100},
}
keys = typer.Typer(help="Create, list and revoke API keys.", **_GROUP)  # type: ignore[arg-type]
ledger = typer.Typer(help="Check, repair and export the ledger.", **_GROUP)  # type: ignore[arg-type]

DEFAULT_DATABASE = "sqlite:///nodewise-ledger.db"


class Export(StrEnum):
    """The forms of an export."""

    parquet = "parquet"
    csv = "csv"
    spreadsheet = "spreadsheet"


Database = Annotated[
    str,
    typer.Option(
        "--database",
        metavar="URL",
        envvar="NODEWISE_DATABASE",
        help="Where the ledger is: sqlite:///FILE or postgresql://...",
    ),
]
Tenant = Annotated[str, typer.Option("--tenant", help="Whose.")]


def serve(
    network: Annotated[
        str | None,
        typer.Option(
            "--network", metavar="DIR", show_default="a demo if there is none", help="A batch whose network to serve."
        ),
    ] = None,
    database: Database = DEFAULT_DATABASE,
    host: Annotated[str, typer.Option(help="Where to listen; beyond loopback keys are needed.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(callback=number_from(0), help="0: any free one.")] = 8000,
    insecure: Annotated[bool, typer.Option("--insecure", help="Listen without keys beyond loopback.")] = False,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", show_default="loopback", help="A name to answer to while there are no keys."),
    ] = None,
    issuer: Annotated[
        str | None, typer.Option(envvar="NODEWISE_ISSUER", help="Accept OAuth2 tokens of this issuer.")
    ] = None,
    audience: Annotated[
        str | None, typer.Option(envvar="NODEWISE_AUDIENCE", help="What its tokens have to be for.")
    ] = None,
    jwks: Annotated[
        str | None, typer.Option(envvar="NODEWISE_JWKS", help="Its public keys: an https URL or a file.")
    ] = None,
    tenant_claim: Annotated[str, typer.Option(help="The claim of a token that names the tenant.")] = "tenant",
    webhook_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST", show_default="none", help="A host that webhooks may go to; .example.com: all below."
        ),
    ] = None,
    webhook_private: Annotated[
        bool, typer.Option("--webhook-private", help="Let webhooks go to private addresses, and without TLS.")
    ] = False,
    workers: Annotated[int, typer.Option(callback=number_from(1), help="Processors for a batch.")] = 1,
    hold: Annotated[int, typer.Option(callback=number_from(1), help="Seconds that a reservation is held.")] = 900,
    lease: Annotated[
        float, typer.Option(callback=number_from(1), help="Seconds after which a silent replica's work is taken over.")
    ] = 15.0,
    keep_responses: Annotated[
        int, typer.Option(callback=number_from(24), metavar="HOURS", help="How long a known request is known.")
    ] = 24,
    keep_events: Annotated[
        int, typer.Option(callback=number_from(1), metavar="DAYS", help="How long events are kept that all have got.")
    ] = 30,
    keep_snapshots: Annotated[
        int,
        typer.Option(callback=number_from(1), metavar="MINUTES", help="How long a silent tenant's stay in memory."),
    ] = 60,
    snapshots: Annotated[
        int, typer.Option(callback=number_from(1), help="Tenants in memory at most, but for those in use.")
    ] = 64,
    access_log: Annotated[bool, typer.Option("--access-log/--no-access-log", help="A line for each request.")] = True,
    debug: Debug = False,
) -> None:
    """Serve allocations over HTTP.

    Without options: on this machine only, with a ledger in nodewise-ledger.db, and a small demo network if the
    ledger has none. Several replicas can share one PostgreSQL.

    \b
    Examples:
      nodewise serve
      nodewise serve --network day --database postgresql://localhost/nodewise --port 8080
    """
    from api.serving import ServeOptions, serve_command

    options = ServeOptions(
        network=network,
        database=database,
        host=host,
        port=port,
        insecure=insecure,
        allowed_hosts=tuple(allow_host or ()),
        issuer=issuer,
        audience=audience,
        jwks=jwks,
        tenant_claim=tenant_claim,
        webhook_hosts=tuple(webhook_host or ()),
        webhook_private=webhook_private,
        workers=workers,
        hold_seconds=hold,
        lease_seconds=lease,
        keep_responses_hours=keep_responses,
        keep_events_days=keep_events,
        keep_snapshots_minutes=keep_snapshots,
        snapshots=snapshots,
        access_log=access_log,
        debug=debug,
    )
    raise typer.Exit(serve_command(options))


@keys.command("create")
def create_key(
    scope: Annotated[
        list[str], typer.Option(help="read, network:write, inventory:write, allocate, simulate or admin (all).")
    ],
    tenant: Tenant = "default",
    database: Database = DEFAULT_DATABASE,
    debug: Debug = False,
) -> None:
    """Create a key, and print it: this once, only its hash is kept."""
    from api.key_commands import create_key_command

    raise typer.Exit(create_key_command(database, tenant, scope))


@keys.command("list")
def list_keys(database: Database = DEFAULT_DATABASE, debug: Debug = False) -> None:
    """List keys: id, tenant, scopes, since when, and whether revoked."""
    from api.key_commands import list_keys_command

    raise typer.Exit(list_keys_command(database))


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", show_default=False, help="As key list shows it.")],
    tenant: Tenant = "default",
    database: Database = DEFAULT_DATABASE,
    debug: Debug = False,
) -> None:
    """Revoke a key for good; every replica refuses it within two seconds."""
    from api.key_commands import revoke_key_command

    raise typer.Exit(revoke_key_command(database, tenant, key_id))


@ledger.command("verify")
def verify(database: Database = DEFAULT_DATABASE, debug: Debug = False) -> None:
    """Check that entries, balances and reservations agree. Exits with 3 when they do not."""
    from api.ledger_commands import verify_command

    raise typer.Exit(verify_command(database))


@ledger.command("rebuild")
def rebuild(database: Database = DEFAULT_DATABASE, debug: Debug = False) -> None:
    """Set every balance to what its entries add up to, and say what was wrong."""
    from api.ledger_commands import rebuild_command

    raise typer.Exit(rebuild_command(database))


@ledger.command("export")
def export(
    out: Annotated[str, typer.Option("-o", "--out", metavar="DIR", help="A new or an empty folder.")],
    tenant: Tenant = "default",
    format: Annotated[
        Export, typer.Option("--format", help="spreadsheet: CSV with text escaped that a spreadsheet would run.")
    ] = Export.parquet,
    database: Database = DEFAULT_DATABASE,
    debug: Debug = False,
) -> None:
    """Write a tenant's stock, reservations, orders, entries and events as tables."""
    from api.ledger_commands import export_command

    raise typer.Exit(export_command(database, tenant, out, format.value))
