"""The command line with an optimiser that does what a test asks for: it knows the worked batch's answer.

``FAKE`` says how: ``answer`` at once, ``wait`` for an interrupt (at most 20 s), ``tick`` reports for a
second, ``stuck`` ignores interrupts, ``wrong`` waits and then answers a cent off, ``broken`` fails,
``outage`` fails for want of something.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import engine
from api.cli import main
from engine.documents import Allocation, Batch, parse_allocation
from tests.worked_batch import allocation_document

SECONDS = {"wait": 20.0, "wrong": 20.0, "stuck": 3.0, "tick": 1.0}


def fake_allocate(
    batch: Batch,
    params: Any,
    *,
    prices: Any,
    on_progress: Callable[[Any], None],
    interrupt: Callable[[], bool],
) -> Allocation:
    """Answer with the worked allocation, in the manner asked for."""
    manner = os.environ.get("FAKE", "answer")
    if manner == "broken":
        raise ZeroDivisionError("a planted\nbug")
    if manner == "outage":
        raise OSError(28, "No space left on device")
    document = allocation_document()
    started = time.monotonic()
    while time.monotonic() - started < SECONDS.get(manner, 0.0):
        if interrupt() and manner != "stuck":
            document["summary"]["termination"] = "interrupted"
            break
        on_progress(
            SimpleNamespace(
                phase="prices",
                n_orders=batch["orders"].num_rows,
                objective_cents=123456,
                bound_cents=120000,
                gap=0.028,
            )
        )
        time.sleep(0.02)
    if manner == "wrong":
        document["shipments"][0]["freight_cents"] += 1
    return parse_allocation(document)


def install(setattr: Callable[..., None] = setattr) -> None:
    """Put it in the place of the optimiser."""
    setattr(engine, "allocate", fake_allocate)
    setattr(engine, "AllocateParams", SimpleNamespace)


if __name__ == "__main__":
    install()
    main()
