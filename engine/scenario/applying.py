"""A batch and a scenario in, a batch out: edit by edit, checked at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.batch import Batch
from engine.documents import batch_from_tables
from engine.errors import Fault, FaultLog, InputError
from engine.scenario.changing import in_canonical_order
from engine.scenario.demand import forbid_nodes, force_nodes, scale_demand
from engine.scenario.edits import (
    AddNode,
    AddTransitDays,
    CloseNode,
    CloseService,
    ForbidNodes,
    ForceNodes,
    MoveStock,
    OpenNode,
    ScaleCapacity,
    ScaleDemand,
    ScaleRates,
    ScaleStock,
    Scenario,
    SetCapacity,
    SetPolicy,
)
from engine.scenario.faults import Faults
from engine.scenario.nodes import add_node, close_node, open_node, scale_capacity, set_capacity
from engine.scenario.policy import set_policy
from engine.scenario.services import add_transit_days, close_service, scale_rates
from engine.scenario.supply import move_stock, scale_stock

EDITORS: dict[type, Callable[[Batch, Any, Faults], Batch]] = {
    CloseNode: close_node,
    OpenNode: open_node,
    AddNode: add_node,
    MoveStock: move_stock,
    ScaleStock: scale_stock,
    SetCapacity: set_capacity,
    ScaleCapacity: scale_capacity,
    ScaleRates: scale_rates,
    AddTransitDays: add_transit_days,
    CloseService: close_service,
    ScaleDemand: scale_demand,
    ForceNodes: force_nodes,
    ForbidNodes: forbid_nodes,
    SetPolicy: set_policy,
}


def apply_scenario(batch: Batch, scenario: Scenario) -> Batch:
    """Return the batch that a scenario makes of another, which stays as it is.

    Tables that no edit touches are the very same. In the others, rows keep their order and added ones come
    last, sorted by key: edits that touch different things give the same batch in any order.

    Parameters
    ----------
    batch : Batch
        The base, checked.
    scenario : Scenario
        What changes.

    Returns
    -------
    Batch
        Checked as if it had been read; the base itself where there is no edit.

    Raises
    ------
    InputError
        When an edit names what there is not, or makes a batch that is none; names scenario and edit.
    """
    log = FaultLog([])
    changed = batch
    for number, edit in enumerate(scenario.edits, start=1):
        n_before = log.n_faults
        result = EDITORS[type(edit)](changed, edit, Faults(log=log, where=_where(scenario, number)))
        if log.n_faults == n_before:  # what a wrong edit would make is not held against those after it
            changed = result
    log.raise_if_any()
    if changed is batch:
        return batch
    changed = in_canonical_order(batch, changed)
    try:
        return _checked(batch, changed)
    except InputError as error:
        raise _blamed(batch, scenario, error) from None


def _where(scenario: Scenario, number: int) -> str:
    return f"{scenario.name} edit {number}"


def _checked(base: Batch, changed: Batch) -> Batch:
    """Check a batch as one that is read; what was not changed stays the very same table."""
    checked = batch_from_tables(changed.policy, changed.tables)
    tables = {name: base[name] if changed[name] is base[name] else checked[name] for name in changed.tables}
    return Batch(checked.policy, tables)


def _blamed(batch: Batch, scenario: Scenario, error: InputError) -> InputError:
    """Return the faults of a batch with the first edit after which there are any."""
    changed, where = batch, scenario.name
    for number, edit in enumerate(scenario.edits, start=1):
        changed = EDITORS[type(edit)](changed, edit, Faults(log=FaultLog([]), where=""))
        where = f"{_where(scenario, number)} makes"
        try:
            batch_from_tables(changed.policy, changed.tables)
        except InputError as first:
            error = first
            break
    return InputError(
        [
            Fault(
                table=f"{where} {fault.table}",
                row=fault.row,
                column=fault.column,
                value=fault.value,
                expected=fault.expected,
            )
            for fault in error.faults
        ],
        error.n_faults,
    )
