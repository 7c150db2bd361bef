"""Options of some orders, as a problem: what every strategy that looks at cost begins with."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.compile import Compiled, reachable_supply
from engine.decode import Chosen, chosen_shipments
from engine.folding import fold_large_orders
from engine.network import IntArray
from engine.options import OrderOptions
from engine.orders import Orders
from engine.replay.slices import Part, part_for
from engine.replay.world import View, World
from solver import More, Prices, Problem, Source
from solver.source import MILLI


@dataclass(frozen=True, kw_only=True, eq=False)
class Asked:
    """The options of some orders, and the way back to the world's numbers.

    Parameters
    ----------
    compiled : Compiled
        One option an order, everything unallocated, and the source of the others.
    part : Part
        What the orders can draw on; its orders have lines that say their number in the world.
    order : int64[n]
        The world's number of each order.
    view : View
        The slots they may ship from.
    """

    compiled: Compiled
    part: Part
    order: IntArray
    view: View

    def shipments_of(self, tags: IntArray, taken: IntArray | None = None) -> Chosen:
        """The shipments behind chosen options (tags of the source), in the world's numbers.

        Parameters
        ----------
        tags : int64[n]
            An option of each order.
        taken : int64[n_resources], optional
            What others take of each of the world's resources meanwhile.
        """
        compiled = self.compiled
        if taken is not None:
            rest = compiled.network.supply - taken[self.part.resource]
            compiled = replace(compiled, network=compiled.network._replace(supply=rest))
        chosen = chosen_shipments(compiled, tags)
        return chosen._replace(
            order=self.order[chosen.order],
            slot=self.view.slots[chosen.slot],
            row_line=self.compiled.orders.line_row[chosen.row_line],
        )


def ask(
    world: World, view: View, order: IntArray, orders: Orders, left: IntArray, *, to_the_end: bool = False
) -> Asked:
    """Compile some orders against what is left.

    Parameters
    ----------
    order, orders
        The orders, by number and as :func:`engine.replay.slices.take_orders` gives them.
    left : int64[n_resources]
        What is left of each of the world's resources.
    to_the_end : bool
        Whether others may ship after the last slot of the view.
    """
    part = part_for(view.network, orders, left, to_the_end=to_the_end)
    folded = fold_large_orders(part.network, part.orders)
    options = OrderOptions(part.network, folded)
    nothing = options.nothing()
    problem = Problem.from_arrays(
        cost=nothing.cost,
        first=np.arange(order.size + 1),
        usage_start=nothing.usage_start,
        usage_resource=nothing.usage_resource,
        usage_amount=nothing.usage_amount,
        supply=reachable_supply(part.network, folded),
    )
    compiled = Compiled(problem=problem, options=options, network=part.network, orders=folded, names=world.index.names)
    return Asked(compiled=compiled, part=part, order=order, view=view)


class DearerSource:
    """A source whose options cost what their resources are worth to others besides.

    Parameters
    ----------
    source : Source
        The options as they are.
    worth_cents : int64[n_resources]
        Whole cents that a unit of each resource is worth, from 0.
    """

    def __init__(self, source: Source, worth_cents: IntArray) -> None:
        self._source = source
        self._worth_cents = worth_cents

    @property
    def heavy(self) -> NDArray[np.bool_]:
        """See :class:`solver.source.Source`."""
        return self._source.heavy

    def more(self, groups: IntArray, prices: Prices, *, slack: int, limit: int, exact: bool = True) -> More:
        """See :meth:`solver.source.Source.more`.

        Where a resource has a table of prices the worth is not added to it. Floors stay true: they are then of options
        taken for cheaper than they are.
        """
        dearer = prices._replace(unit=prices.unit + self._worth_cents * MILLI)
        found = self._source.more(groups, dearer, slack=slack, limit=limit, exact=exact)
        return replace(found, cost=found.cost + worth_of(found, self._worth_cents))


def worth_of(found: More | Problem, worth: IntArray) -> IntArray:
    """What the resources that each option uses are worth, int64[n_options]."""
    option = np.repeat(np.arange(found.cost.size), np.diff(found.usage_start))
    total = np.zeros(found.cost.size, np.int64)
    np.add.at(total, option, found.usage_amount * worth[found.usage_resource])
    return total
