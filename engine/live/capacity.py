"""Used capacity by slot, changed in place with what is left of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.live.stock import StockRows
from engine.network import IntArray, Network
from solver.kernels import kernel

NO_SERVICE = -1


class Used(NamedTuple):
    """What earlier decisions use of each slot."""

    shipments: IntArray  # [n_slots]
    units: IntArray  # [n_slots]
    of_service: IntArray  # [n_slots, n_services]: shipments


class UsedChanges(NamedTuple):
    """Changes of used capacity, one entry each; service -1 is the node's own."""

    node: IntArray
    service: IntArray
    day: IntArray
    shipments: IntArray
    units: IntArray


@kernel
def change_used(network: Network, rows: StockRows, used: Used, changes: UsedChanges) -> NDArray[np.bool_]:
    """Apply changes in place; tell which of them are of no ship date that the network has."""
    node_first_slot, slot_day = network.node_first_slot, network.slot_day
    raw, supply = rows.raw, rows.supply
    missing = np.ones(changes.node.size, np.bool_)
    for i in range(changes.node.size):
        node, service = changes.node[i], changes.service[i]
        for slot in range(node_first_slot[node], node_first_slot[node + 1]):
            if slot_day[slot] != changes.day[i]:
                continue
            missing[i] = False
            if service >= 0:
                used.of_service[slot, service] += changes.shipments[i]
                resource = network.slot_service_resource[slot, service]
                if resource >= 0:
                    raw[resource] -= changes.shipments[i]
                    supply[resource] = max(0, raw[resource])
                continue
            used.shipments[slot] += changes.shipments[i]
            used.units[slot] += changes.units[i]
            resource = network.slot_shipments_resource[slot]
            if resource >= 0:
                raw[resource] -= changes.shipments[i]
                supply[resource] = max(0, raw[resource])
            resource = network.slot_units_resource[slot]
            if resource >= 0:
                raw[resource] -= changes.units[i]
                supply[resource] = max(0, raw[resource])
    return missing


def used_rows(network: Network, used: Used) -> UsedChanges:
    """What is used of the slots, as changes from nothing."""
    slot = np.flatnonzero((used.shipments != 0) | (used.units != 0))
    capped, service = np.nonzero(used.of_service)
    slots = np.concatenate((slot, capped))
    return UsedChanges(
        node=network.slot_node[slots],
        service=np.concatenate((np.full(slot.size, NO_SERVICE), service)).astype(np.int64),
        day=network.slot_day[slots],
        shipments=np.concatenate((used.shipments[slot], used.of_service[capped, service])),
        units=np.concatenate((used.units[slot], np.zeros(service.size, np.int64))),
    )


NOTHING_USED = UsedChanges(*(np.zeros(0, np.int64) for _ in range(5)))
