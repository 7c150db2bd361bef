"""The network and its stock in memory, as decisions see it; changed in place, rebuilt aside."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import pyarrow as pa

from engine.documents import Batch
from engine.live.types import Decision, StockDelta, UsedDelta


class LivePrices:
    """Resource prices of an earlier batch, mapped onto the resources of a snapshot; made by :meth:`Snapshot.prices`.

    It outlives rebuilds of its snapshot, and counts as long as the caller thinks it fresh. Never changes.
    """


class Snapshot:
    """A network, its sellable stock and its free capacity, shared by all threads that decide.

    ``supply`` is at any time what :mod:`engine.network` would compute for the same tables, but for stock rows that wait
    for a rebuild (``waiting``): until then less is counted than there is, never more.

    All methods, and :func:`engine.live.decide`, :func:`engine.live.promise` and :func:`engine.live.explain`, may be
    called from any thread. They take turns, but :meth:`rebuild` works aside and only its last step waits.
    """

    def __init__(self, batch: Batch) -> None:
        """Build from the network documents, the stock (``reserved`` with our reservations) and ``used``.

        Parameters
        ----------
        batch : Batch
            Validated; orders and lines are ignored. ``policy.as_of`` says which ship dates there are.
        """
        raise NotImplementedError

    @property
    def as_of(self) -> datetime:
        """The instant whose ship dates the snapshot has."""
        raise NotImplementedError

    @property
    def valid_until(self) -> datetime:
        """The first instant at which the ship dates of some node may be others: rebuild then."""
        raise NotImplementedError

    @property
    def waiting(self) -> int:
        """How many stock rows wait for a rebuild: pairs of node and sku, and dates, that were not there before."""
        raise NotImplementedError

    @property
    def node_ids(self) -> list[str]:
        """The nodes, in the order of the documents."""
        raise NotImplementedError

    def knows_sku(self, sku: str) -> bool:
        """Whether the network has the item."""
        raise NotImplementedError

    def apply(self, stock: Iterable[StockDelta] = (), used: Iterable[UsedDelta] = ()) -> None:
        """Change stock and used capacity in place, all or nothing.

        Rows that were not there are kept for the next rebuild; what they hold back counts at once.

        Raises
        ------
        InputError
            When a node, sku or service is not in the network; nothing is changed then.
        """
        raise NotImplementedError

    def take(self, decision: Decision) -> None:
        """Count what a decision takes as reserved and used; :func:`engine.live.decide` does so itself with
        ``take=True``."""
        raise NotImplementedError

    def give_back(self, decision: Decision) -> None:
        """Undo :meth:`take`."""
        raise NotImplementedError

    def rebuild(self, as_of: datetime | None = None) -> None:
        """Compute everything anew, for another instant perhaps, while decisions go on; then swap.

        Meant for a background thread: when :attr:`valid_until` has come, or rows have waited long enough. Changes that
        arrive meanwhile are kept. A second rebuild waits for the first.
        """
        raise NotImplementedError

    def prices(self, table: pa.Table) -> LivePrices:
        """Map a table ``prices`` of MODEL.md section 4 onto the resources of this snapshot.

        Rows of nodes, skus, services or ship dates that are no more are passed over; a stock price counts for the
        interval that holds its date now.
        """
        raise NotImplementedError

    def sellable(self, node_id: str, sku: str) -> list[tuple[datetime | None, int]]:
        """For tests and people: the sellable units of a pair by interval, as (day that opens it, units)."""
        raise NotImplementedError
