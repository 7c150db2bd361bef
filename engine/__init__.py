"""Orders, nodes, rates and dates: batches in, certified allocations out."""

from engine.allocate import AllocateParams, Progress, allocate
from engine.documents import (
    Allocation,
    Batch,
    InputError,
    Policy,
    parse_batch,
    read_allocation,
    read_batch,
    write_allocation,
    write_batch,
)
from engine.in_order import route_in_order

__all__ = [
    "AllocateParams",
    "Allocation",
    "Batch",
    "InputError",
    "Policy",
    "Progress",
    "allocate",
    "parse_batch",
    "read_allocation",
    "read_batch",
    "route_in_order",
    "write_allocation",
    "write_batch",
]
