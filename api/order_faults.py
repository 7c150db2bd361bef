"""What is wrong with the orders of a batch that only the batch as a whole, or the network, can tell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from api.models.orders import BatchBody
from api.models.simulations import SimulationBody
from api.problems import invalid

if TYPE_CHECKING:
    from api.service import Service

_LISTED = 100


async def refuse_faults(service: Service, tenant: str, body: BatchBody | SimulationBody) -> None:
    """Refuse orders that are too many, repeat themselves, or name what the network has not.

    Raises
    ------
    Problem
        422; lists the first hundred faults.
    """
    limits = service.settings.limits
    if len(body.orders) > limits.orders:
        raise invalid(f"there are {len(body.orders)} orders, expected up to {limits.orders}")
    desk = await service.desk(tenant)
    errors = list(_faults(body, desk.network.node_ids, desk.snapshot.knows_sku, limits.lines))
    if errors:
        raise invalid(f"{len(errors)} faults, or more" if len(errors) == _LISTED else errors[0][1], *errors)


def _faults(
    body: BatchBody | SimulationBody, nodes: frozenset[str], knows_sku: object, max_lines: int
) -> Iterable[tuple[str, str]]:
    """What only the batch as a whole, or the network, can tell: the first hundred of them."""
    assert callable(knows_sku)
    n_listed = 0
    n_lines: dict[str, int] = {}
    for at, order in enumerate(body.orders):
        if order.order_id in n_lines:
            yield f"/orders/{at}/order_id", f"{order.order_id!r} is given twice"
            n_listed += 1
        n_lines[order.order_id] = 0
        for name in ("only_nodes", "not_nodes"):
            for word in getattr(order, name).split():
                if word not in nodes:
                    yield f"/orders/{at}/{name}", f"the network has no node {word[:80]!r}"
                    n_listed += 1
        if n_listed >= _LISTED:
            return
    known: dict[str, bool] = {}
    seen: set[tuple[str, str]] = set()
    for at, line in enumerate(body.lines):
        key = (line.order_id, line.line_id)
        if line.sku not in known:
            known[line.sku] = knows_sku(line.sku)
        wrong = None
        if line.order_id not in n_lines:
            wrong = "order_id", f"the batch has no order {line.order_id!r}"
        elif key in seen:
            wrong = "line_id", f"{line.line_id!r} of order {line.order_id!r} is given twice"
        elif not known[line.sku]:
            wrong = "sku", f"the network has no item {line.sku!r}"
        else:
            n_lines[line.order_id] += 1
            if n_lines[line.order_id] == max_lines + 1:
                wrong = "order_id", f"the order {line.order_id!r} has more than {max_lines} lines"
        seen.add(key)
        if wrong is not None:
            yield f"/lines/{at}/{wrong[0]}", wrong[1]
            n_listed += 1
            if n_listed >= _LISTED:
                return
