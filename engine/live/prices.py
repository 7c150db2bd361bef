"""Resource prices of an earlier batch on the resources of a snapshot as it is now."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from engine.live.state import Base, State
from engine.prices import map_prices, price_rows
from solver.source import Prices


class LivePrices:
    """Resource prices of an earlier batch, mapped onto the resources of a snapshot; made by ``Snapshot.prices``.

    It outlives rebuilds of its snapshot, and counts as long as the caller thinks it fresh.
    """

    def __init__(self, base: Base, table: pa.Table) -> None:
        self._base = base
        self._rows = price_rows(table, base.names)
        self._mapped: tuple[State, Prices] | None = None

    def on(self, state: State) -> Prices:
        """The price of each resource of a state."""
        if state.base is not self._base:
            raise ValueError("these prices were made by another snapshot")
        mapped = self._mapped
        if mapped is None or mapped[0] is not state:
            unit = np.zeros(state.rows.supply.size, np.int64)
            map_prices(state.network, self._rows, unit)
            mapped = state, state.no_prices._replace(unit=unit)
            self._mapped = mapped
        return mapped[1]
