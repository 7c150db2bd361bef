"""Orders of a request with the network, the stock and the capacity used, as they are now: a batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from api.desks import Desk, utc_now
from api.kept_tables import Tables
from api.models.orders import BatchBody
from api.models.simulations import SimulationBody
from api.networks import StoredNetwork, load_network
from api.problems import Problem
from engine import Batch
from engine.ledger import Ledger
from engine.schema import INPUT_TABLES

if TYPE_CHECKING:
    from api.service import Service


def snapshot_batch(
    service: Service,
    tenant: str,
    body: BatchBody | SimulationBody,
    without: Collection[str] = (),
    *,
    whole: bool = False,
) -> Batch:
    """Return the batch that the orders of a request make now; called from a thread of a job.

    Parameters
    ----------
    service : Service
        The parts to ask.
    tenant : str
        Whose.
    body : BatchBody or SimulationBody
        The request.
    without : collection of str
        Orders that are left out.
    whole : bool
        Whether all stock is wanted, not only that of the items ordered.

    Raises
    ------
    Problem
        409 where there is no network.
    """
    orders = table_of([row.__dict__ for row in body.orders if row.order_id not in without], "orders")
    lines = table_of([row.__dict__ for row in body.lines if row.order_id not in without], "lines")
    network, stock, used = _read(service, tenant, None if whole else lines["sku"].unique())
    return network.batch(utc_now(), stock=stock, used=used, orders=orders, lines=lines)


def _read(service: Service, tenant: str, skus: pa.Array | None) -> tuple[StoredNetwork, pa.Table, pa.Table]:
    """The network, the stock of some skus (None: all) and the capacity used: from the desk when it is up to date."""
    desk = service.desks.get(tenant)
    if desk is not None:
        tables: Tables | None = service.writer.aside_and_wait(partial(_up_to_date, desk, service.ledger))
        if tables is not None:
            return desk.network, *tables.current(desk.network.items if skus is None else skus)
    read = service.ledger.snapshot(tenant)
    if read.network_version == 0:
        raise Problem(409, "conflict", "there is no network: PUT /v1/network first")
    network = load_network(service.ledger, tenant, read.network_version)
    tables = Tables(read.stock, read.used, ())
    return network, *tables.current(network.items if skus is None else skus)


def _up_to_date(desk: Desk, ledger: Ledger) -> Tables | None:
    desk.catch_up(ledger)
    return None if desk.is_outdated else desk.tables.now()


def table_of(rows: Sequence[Mapping[str, Any]], name: str) -> pa.Table:
    """Return rows of documents as an input table: their dates are text."""
    return typed_table(rows, INPUT_TABLES[name].arrow_schema)


def typed_table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Return rows of documents as a table: their dates are text."""
    columns = []
    for field in schema:
        values = [row[field.name] for row in rows]
        is_date = pa.types.is_date(field.type)
        columns.append(pa.array(values, pa.string()).cast(field.type) if is_date else pa.array(values, field.type))
    return pa.Table.from_arrays(columns, schema=schema)
