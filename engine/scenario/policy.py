"""The edit of the policy: any of its fields."""

from __future__ import annotations

from engine.batch import Batch, read_policy
from engine.errors import FaultLog
from engine.scenario.edits import SetPolicy
from engine.scenario.faults import Faults
from engine.scenario.selectors import UNLIMITED


def set_policy(batch: Batch, edit: SetPolicy, faults: Faults) -> Batch:
    """Change fields of the policy."""
    changed = dict(edit.policy)
    for name in [name for name, value in changed.items() if value is None or value == ""]:
        faults.add(f"policy.{name}", "empty", "a value")
        return batch
    if changed.get("max_distance_km") == UNLIMITED:
        changed["max_distance_km"] = None
    log = FaultLog(["policy"])
    policy = read_policy({**batch.policy.to_document(), **changed}, log)
    if policy is None:
        for fault in log.error().faults:
            faults.add(f"policy.{fault.column}", fault.value, fault.expected)
        return batch
    return Batch(policy, batch.tables)
