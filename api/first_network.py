"""A network to begin with: from a batch's folder, or a generated one to try things with."""

from __future__ import annotations

from api.networks import StoredNetwork, network_of
from api.sources import read_batch_from
from engine.batch import Batch
from engine.ledger import Ledger, Request
from engine.ledger.commands import ImportStock, PutNetwork

_DEMO_NODES, _DEMO_SKUS, _DEMO_ORDERS = 20, 100, 200


def give_network(ledger: Ledger, tenant: str, source: str) -> str:
    """Store a batch's network, unless it is the current one, and its stock where there is none yet.

    Parameters
    ----------
    ledger : Ledger
        Where to.
    tenant : str
        Whose.
    source : str
        A folder or a JSON document, as for the other commands.

    Returns
    -------
    str
        What was done, for people.
    """
    return _give(ledger, tenant, read_batch_from(source), source)


def give_demo(ledger: Ledger, tenant: str) -> str:
    """Store a small generated network with stock; returns what was done, for people."""
    from engine.generate import GenerateParams, generate

    params = GenerateParams(load="calm", n_orders=_DEMO_ORDERS, n_nodes=_DEMO_NODES, n_skus=_DEMO_SKUS)
    return _give(ledger, tenant, generate(params), "a generated demo: there was no network")


def _give(ledger: Ledger, tenant: str, batch: Batch, source: str) -> str:
    network = network_of(batch)
    said = [_put(ledger, tenant, network, source)]
    if batch["stock"].num_rows and not ledger.snapshot(tenant).stock.num_rows:
        request = Request(tenant=tenant, command=ImportStock(rows=batch["stock"]))
        ledger.import_stock(request, chunk_rows=20_000)  # nobody else is there yet
        said.append(f"{batch['stock'].num_rows:,} stock rows")
    return ", ".join(said)


def _put(ledger: Ledger, tenant: str, network: StoredNetwork, source: str) -> str:
    document = network.document()
    current = ledger.network(tenant)
    counts = f"{len(network.nodes):,} nodes, {len(network.items):,} items"
    if current is not None and current.document == document:
        return f"network {current.version} is {source} already: {counts}"
    [reply] = ledger.write([Request(tenant=tenant, command=PutNetwork(document=document, limits=network.limits()))])
    version = getattr(reply.outcome, "version", None)
    return f"network {version} is {source}: {counts}"
