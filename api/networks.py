"""Networks as the service keeps them: MODEL's tables without stock and orders, checked whole, one version each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from engine.batch import Batch, Policy
from engine.documents import batch_to_document, parse_batch
from engine.errors import FaultLog, shown
from engine.json_documents import load_object, report_repeated
from engine.ledger import Ledger
from engine.ledger.commands import Limit
from engine.schema import INPUT_TABLES

TABLES = ("nodes", "items", "services", "bands", "lanes", "rates", "service_capacity", "closures")
"""The tables of a network, in the order in which they are written."""
_ELSEWHERE = ("stock", "used", "orders", "lines")


@dataclass(frozen=True, kw_only=True)
class StoredNetwork:
    """A network that was checked.

    Parameters
    ----------
    version : int
        Its number in the ledger; 0 before it is stored.
    policy : Policy
        The planner's weights; its instant means nothing.
    tables : mapping of str to Table
        `TABLES`.
    """

    version: int
    policy: Policy
    tables: Mapping[str, pa.Table]

    @cached_property
    def node_ids(self) -> frozenset[str]:
        """The nodes."""
        return frozenset(self.nodes.to_pylist())

    @cached_property
    def service_ids(self) -> frozenset[str]:
        """The services."""
        return frozenset(self.services.to_pylist())

    @property
    def nodes(self) -> pa.Array:
        """The nodes' ids."""
        return self.tables["nodes"]["node_id"].combine_chunks()

    @property
    def items(self) -> pa.Array:
        """The skus."""
        return self.tables["items"]["sku"].combine_chunks()

    @property
    def services(self) -> pa.Array:
        """The services' ids."""
        return self.tables["services"]["service_id"].combine_chunks()

    def limits(self) -> tuple[Limit, ...]:
        """What the ledger has to know of capacities."""
        nodes = self.tables["nodes"].select(["node_id", "shipments_per_day", "units_per_day"]).to_pylist()
        found = [
            Limit(
                node_id=row["node_id"],
                shipments_per_day=row["shipments_per_day"],
                units_per_day=row["units_per_day"],
            )
            for row in nodes
            if row["shipments_per_day"] is not None or row["units_per_day"] is not None
        ]
        for row in self.tables["service_capacity"].to_pylist():
            found.append(
                Limit(
                    node_id=row["node_id"],
                    service_id=row["service_id"],
                    shipments_per_day=row["shipments_per_day"],
                )
            )
        return tuple(found)

    def batch(
        self,
        now: datetime,
        *,
        stock: pa.Table,
        used: pa.Table,
        orders: pa.Table | None = None,
        lines: pa.Table | None = None,
    ) -> Batch:
        """Return a batch at an instant; stock and used capacity that the network does not know are left out.

        Parameters
        ----------
        now : datetime
            The batch's ``as_of``.
        stock, used : Table
            As the ledger's snapshot has them.
        orders, lines : Table, optional
            Already checked; none by default.
        """
        tables = dict(self.tables)
        tables["stock"] = _conformed(self.known(stock), "stock")
        tables["used"] = _conformed(self.known(used), "used")
        if lines is not None:  # items that nobody asks for cost time, and change nothing
            items = tables["items"]
            tables["items"] = items.filter(pc.is_in(items["sku"], value_set=lines["sku"].combine_chunks()))
        tables["orders"] = _empty("orders") if orders is None else orders
        tables["lines"] = _empty("lines") if lines is None else lines
        return Batch(self.policy.model_copy(update={"as_of": now}), tables)

    def known(self, table: pa.Table) -> pa.Table:
        """Leave out rows of nodes, items and services that the network does not have (any more)."""
        keep = pc.is_in(table["node_id"], value_set=self.nodes)
        if "sku" in table.column_names:
            keep = pc.and_(keep, pc.is_in(table["sku"], value_set=self.items))
        else:
            own = pc.is_null(table["service_id"])
            keep = pc.and_(keep, pc.or_(own, pc.is_in(table["service_id"], value_set=self.services)))
        return table if pc.all(keep, min_count=0).as_py() else table.filter(keep)

    def document(self) -> bytes:
        """Return it as it is stored and shown, with every default filled in."""
        whole = batch_to_document(
            Batch(self.policy, {name: self.tables.get(name, _empty(name)) for name in INPUT_TABLES})
        )
        policy = {name: value for name, value in whole["policy"].items() if name != "as_of"}
        return orjson.dumps({"policy": policy, **{name: whole[name] for name in TABLES}})


def _empty(name: str) -> pa.Table:
    return INPUT_TABLES[name].arrow_schema.empty_table()


def _conformed(table: pa.Table, name: str) -> pa.Table:
    schema = INPUT_TABLES[name]
    return table.select(schema.column_names).cast(schema.arrow_schema).combine_chunks()


def parse_network(raw: bytes, now: datetime) -> StoredNetwork:
    """Check a network that came as JSON.

    Parameters
    ----------
    raw : bytes
        An object with ``policy`` and the tables of `TABLES`.
    now : datetime
        Any instant: the checks need one, and the policy may not hold one.

    Raises
    ------
    InputError
        With the first 100 faults.
    """
    log = FaultLog(["network", "policy", *INPUT_TABLES])
    found = load_object(raw, "network", log)
    log.raise_if_any()
    assert found is not None
    report_repeated(found, "network", log)
    for name in _ELSEWHERE:
        if name in found:
            log.add("network", f"{name} given", "inventory and orders in their own calls", column=name)
    policy = found.get("policy")
    if isinstance(policy, dict):
        report_repeated(policy, "policy", log)
        if "as_of" in policy:
            log.add(
                "policy", shown(policy["as_of"], quoted=True), "no instant: the service decides now", column="as_of"
            )
    log.raise_if_any()
    if isinstance(policy, dict):
        found["policy"] = {**policy, "as_of": now.isoformat()}
    batch = parse_batch({**found, "stock": [], "orders": [], "lines": []})
    return network_of(batch)


def network_of(batch: Batch, version: int = 0) -> StoredNetwork:
    """Return the network of a batch."""
    return StoredNetwork(version=version, policy=batch.policy, tables={name: batch[name] for name in TABLES})


_EPOCH = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


def load_network(ledger: Ledger, tenant: str, version: int) -> StoredNetwork:
    """Read a stored network.

    Raises
    ------
    LookupError
        When there is none of that version.
    """
    record = ledger.network(tenant, version)
    if record is None:
        raise LookupError(f"network {version} of a tenant is not in the ledger")
    found = parse_network(record.document, _EPOCH)
    return StoredNetwork(version=version, policy=found.policy, tables=found.tables)


def network_schema() -> dict[str, Any]:
    """Return the JSON schema of a network, from the columns of the tables."""
    kinds: dict[str, dict[str, Any]] = {
        "int": {"type": "integer"},
        "number": {"type": "number"},
        "bool": {"type": "boolean"},
        "date": {"type": "string", "format": "date"},
    }
    properties: dict[str, Any] = {}
    for name in TABLES:
        rows: dict[str, Any] = {}
        for column in INPUT_TABLES[name].columns:
            schema = dict(kinds.get(column.kind, {"type": "string"}))
            if column.kind == "int":
                schema.update(minimum=column.low, maximum=column.high)
            if column.choices:
                schema["enum"] = list(column.choices)
            if not column.required:
                schema["type"] = [schema["type"], "null"]
            rows[column.name] = {**schema, "description": column.expected}
        required = [column.name for column in INPUT_TABLES[name].columns if column.required]
        properties[name] = {
            "type": "array",
            "items": {
                "type": "object",
                "properties": rows,
                "required": required,
                "additionalProperties": False,
            },
        }
    required = ["policy", *(name for name in TABLES if not INPUT_TABLES[name].optional)]
    return {
        "type": "object",
        "properties": {"policy": {"type": "object"}, **properties},
        "required": required,
        "additionalProperties": False,
    }
