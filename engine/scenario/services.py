"""Edits of services: what they charge, how long they take, when they do not deliver."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from engine.batch import Batch
from engine.network import ints
from engine.scenario.changing import rows_where, scaled, with_column, with_tables
from engine.scenario.edits import AddTransitDays, CloseService, ScaleRates
from engine.scenario.faults import Faults
from engine.scenario.nodes import A_SERVICE, with_closures
from engine.scenario.selectors import basis_points


def _named(batch: Batch, edit: ScaleRates | AddTransitDays | CloseService, faults: Faults) -> list[str]:
    """Return the services that are meant; none where something is unknown."""
    services = batch["services"]
    if edit.service_ids is not None:
        unknown = faults.unknown("service_ids", edit.service_ids, services.column("service_id"), A_SERVICE)
        return [] if unknown else edit.service_ids
    assert edit.carriers is not None
    if faults.unknown("carriers", edit.carriers, services.column("carrier"), "a carrier of services"):
        return []
    found: list[str] = (
        services.filter(pa.array(rows_where(services, "carrier", edit.carriers))).column("service_id").to_pylist()
    )
    return found


def scale_rates(batch: Batch, edit: ScaleRates, faults: Faults) -> Batch:
    """Scale the rate tables of services."""
    rates = batch["rates"]
    where = rows_where(rates, "service_id", _named(batch, edit, faults))
    new = scaled(ints(rates, "cents"), basis_points(edit.pct))
    return with_tables(batch, rates=with_column(rates, "cents", new, where))


def add_transit_days(batch: Batch, edit: AddTransitDays, faults: Faults) -> Batch:
    """Let services take longer."""
    named = _named(batch, edit, faults)
    tables = {}
    for name in ("bands", "lanes"):
        where = rows_where(batch[name], "service_id", named)
        new = np.maximum(ints(batch[name], "transit_days") + edit.days, 0)
        tables[name] = with_column(batch[name], "transit_days", new, where)
    return with_tables(batch, **tables)


def close_service(batch: Batch, edit: CloseService, faults: Faults) -> Batch:
    """Let services not deliver on some days."""
    return with_closures(batch, "service_id", _named(batch, edit, faults), edit.first, edit.last)
