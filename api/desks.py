"""Desks: what one tenant's decisions are made on, kept in step with the ledger's journal."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pyarrow as pa

from api.kept_tables import MANY, KeptTables
from api.networks import StoredNetwork, load_network
from engine.ledger import Ledger
from engine.ledger.records import Delta
from engine.live import Decision, LivePrices, Snapshot, StockDelta, UsedDelta

_log = logging.getLogger("api.desks")
_PAGE = 20_000
_IN_USE_SECONDS = 120.0
"""A desk that was asked for since then may have requests under way: longer than any call takes."""
_TOO_FAR = 100_000
"""Entries behind the journal from which a snapshot is built anew instead of being brought up to date."""


def utc_now() -> datetime:
    """The one clock of the service."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Prices:
    """The prices of a batch, and until when they are fresh by the monotonic clock."""

    table: pa.Table
    live: LivePrices
    until: float


class Desk:
    """A tenant's network and snapshot, and the entry of the journal up to which the snapshot is.

    Only the writer's thread changes it, between rounds or in one.

    Parameters
    ----------
    tenant : str
        Whose.
    network : StoredNetwork
        The network that the snapshot was built from.
    snapshot : Snapshot
        What decisions see.
    entry : int
        The last entry in it.
    tables : KeptTables
        The same as tables.
    """

    def __init__(self, tenant: str, network: StoredNetwork, snapshot: Snapshot, entry: int, tables: KeptTables) -> None:
        self.tenant = tenant
        self.network = network
        self.snapshot = snapshot
        self.entry = entry
        self.tables = tables
        self.built_at = time.monotonic()
        self.used_at = self.built_at
        self.prices: Prices | None = None
        self.prices_from = ""  # the operation whose prices were looked at last
        self.is_outdated = False
        self._noted: list[tuple[Sequence[Delta], Decision | None]] = []
        self._counted: set[int] = set()

    def fresh_prices(self) -> LivePrices | None:
        """The last batch's prices, while they are fresh."""
        if self.prices is not None and time.monotonic() > self.prices.until:
            self.prices = None
        return None if self.prices is None else self.prices.live

    def set_prices(self, table: pa.Table, until: float) -> None:
        """Take over the prices of a batch, fresh until then by the monotonic clock."""
        self.prices = Prices(table, self.snapshot.prices(table), until)

    def note(self, deltas: Sequence[Delta], taken: Decision | None) -> None:
        """Remember what a request of ours changed; `taken` is the decision that the snapshot counts already."""
        self._noted.append((deltas, taken))

    def settle(self, ledger: Ledger) -> None:
        """Bring the snapshot up to what was noted: from memory where nothing of others lies between."""
        noted, self._noted = self._noted, []
        first = noted[0][0][0].entry if noted else self.entry + 1
        if first == self.entry + 1 and not self._counted:
            others: list[Delta] = []
            for deltas, taken in noted:
                if taken is None:
                    others.extend(deltas)
                else:
                    self._count(deltas, taken)
                self.tables.add(deltas)
            self._apply(others)
            self.entry = noted[-1][0][-1].entry if noted else self.entry
            return
        for deltas, taken in noted:
            if taken is not None and first > self.entry:
                self._count(deltas, taken)
                self._counted.update(delta.entry for delta in deltas)
        self.catch_up(ledger)

    def _count(self, deltas: Sequence[Delta], taken: Decision) -> None:
        if all(delta.change > 0 for delta in deltas):
            return  # exactly what the decision took
        self.snapshot.give_back(taken)
        self._apply(deltas)

    def catch_up(self, ledger: Ledger) -> None:
        """Read the journal on from the snapshot's entry, and count what it says."""
        n_read = 0
        while not self.is_outdated:
            changes = ledger.changes(self.tenant, self.entry, limit=_PAGE)
            fresh = [delta for delta in changes.deltas if delta.entry not in self._counted]
            self._apply(fresh)
            self.tables.add(changes.deltas)
            self.entry = max(self.entry, changes.entry)
            if changes.network_version != self.network.version:
                self.is_outdated = True
            n_read += len(changes.deltas)
            if changes.complete:
                self._counted.clear()
                return
            if n_read > _TOO_FAR:
                self.is_outdated = True

    def _apply(self, deltas: Sequence[Delta]) -> None:
        """Count changes, those of one row together: a batch changes the same few again and again."""
        stock: dict[tuple[str, str, str, str], int] = {}
        used: dict[tuple[str, str, str], list[int]] = {}
        nodes, services, snapshot = self.network.node_ids, self.network.service_ids, self.snapshot
        for _, bucket, node_id, item, day, change in deltas:
            if node_id not in nodes:
                continue
            if bucket == "shipments" or bucket == "units":  # of the node, and of the service that it names
                for service_id in ("", item) if item in services else ("",):
                    sums = used.setdefault((node_id, service_id, day), [0, 0])
                    sums[bucket == "units"] += change
            elif snapshot.knows_sku(item):
                key = bucket, node_id, item, "" if bucket == "reserved" else day
                stock[key] = stock.get(key, 0) + change
        if stock or used:
            snapshot.apply(
                [
                    StockDelta(
                        node_id=node_id,
                        sku=sku,
                        available_on=date.fromisoformat(day) if day else None,
                        **{_FIELDS[bucket]: change},
                    )
                    for (bucket, node_id, sku, day), change in stock.items()
                ],
                [
                    UsedDelta(
                        node_id=node_id,
                        date=date.fromisoformat(day),
                        service_id=service_id or None,
                        shipments=n_shipments,
                        units=n_units,
                    )
                    for (node_id, service_id, day), (n_shipments, n_units) in used.items()
                ],
            )


_FIELDS = {"on_hand": "on_hand", "external": "reserved", "reserved": "reserved", "safety": "safety_stock"}


def build_desk(ledger: Ledger, tenant: str, now: datetime) -> Desk | None:
    """Build a desk from what the ledger holds; None while the tenant has no network. Takes seconds at 1,000,000 rows.

    Parameters
    ----------
    ledger : Ledger
        Where everything is.
    tenant : str
        Whose.
    now : datetime
        The instant whose ship dates count.
    """
    read = ledger.snapshot(tenant)
    if read.network_version == 0:
        return None
    network = load_network(ledger, tenant, read.network_version)
    snapshot = Snapshot(network.batch(now, stock=read.stock, used=read.used))
    return Desk(tenant, network, snapshot, read.entry, KeptTables(read.stock, read.used))


class Desks:
    """All desks, opened when a tenant first needs one, and refreshed aside.

    Parameters
    ----------
    ledger : Ledger
        Where they are read from.
    aside : callable
        Runs something on the writer's thread between two rounds.
    on_refresh : callable
        Told of each desk that was built or rebuilt.
    """

    def __init__(
        self,
        ledger: Ledger,
        aside: Callable[[Callable[[], Any]], Any],
        on_refresh: Callable[[], None],
    ) -> None:
        self._ledger = ledger
        self._aside = aside
        self._on_refresh = on_refresh
        self._desks: dict[str, Desk] = {}
        self._opening: dict[str, asyncio.Task[Desk | None]] = {}
        self._refreshing: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def get(self, tenant: str) -> Desk | None:
        """The desk of a tenant, if it is open."""
        desk = self._desks.get(tenant)
        if desk is not None:
            desk.used_at = time.monotonic()
        return desk

    def all(self) -> list[Desk]:
        """All open desks."""
        return list(self._desks.values())

    async def open(self, tenant: str) -> Desk | None:
        """Return a tenant's desk, built when it is not open; None while there is no network."""
        desk = self.get(tenant)
        if desk is not None:
            return desk
        task = self._opening.get(tenant)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._open(tenant))
            self._opening[tenant] = task
        return await asyncio.shield(task)

    async def _open(self, tenant: str) -> Desk | None:
        try:
            desk = await asyncio.to_thread(build_desk, self._ledger, tenant, utc_now())
            if desk is not None:
                await self._swap(desk)
            return desk
        finally:
            self._opening.pop(tenant, None)

    async def _swap(self, desk: Desk) -> None:
        def put() -> None:
            former = self._desks.get(desk.tenant)
            if former is not None:
                desk.used_at, desk.prices_from = former.used_at, former.prices_from
                if former.prices is not None:
                    desk.set_prices(former.prices.table, former.prices.until)
            desk.catch_up(self._ledger)
            self._desks[desk.tenant] = desk

        await self._aside(put)
        self._on_refresh()

    async def keep_up(self) -> None:
        """Bring every desk up to the journal, and start what takes longer aside; called now and then."""
        for desk in self.all():
            if not desk.is_outdated:
                await self._aside(partial(desk.catch_up, self._ledger))
            now = utc_now()
            if desk.is_outdated:
                self._begin(desk.tenant, self._rebuild(desk))
            elif now >= desk.snapshot.valid_until or desk.snapshot.waiting:
                self._begin(desk.tenant, self._renew(desk, now))
            elif desk.tables.n_deltas > MANY:
                self._begin(desk.tenant, self._settle_tables(desk))

    async def evict(self, idle_seconds: float, most: int) -> list[str]:
        """Let desks go that nobody asks for; returns their tenants.

        Parameters
        ----------
        idle_seconds : float
            Those that were idle for so long, but for the one that was used last.
        most : int
            Beyond so many, those that were idle longest, whatever ``idle_seconds``; never one in use.
        """

        def drop() -> list[str]:
            now = time.monotonic()
            oldest = sorted(self._desks.values(), key=lambda desk: desk.used_at)[:-1]
            n_beyond = len(self._desks) - most
            gone = []
            for at, desk in enumerate(oldest):
                idle = now - desk.used_at
                if idle > idle_seconds or (at < n_beyond and idle > _IN_USE_SECONDS):
                    gone.append(desk.tenant)
            for tenant in gone:
                del self._desks[tenant]
            return gone

        if len(self._desks) < 2:
            return []
        evicted: list[str] = await self._aside(drop)
        return evicted

    async def refresh(self, tenant: str) -> None:
        """Bring a desk up to what is in the ledger now, and wait for that."""
        desk = self._desks.get(tenant)
        if desk is None:
            await self.open(tenant)
            return
        await self._aside(lambda: desk.catch_up(self._ledger))
        if desk.is_outdated:
            fresh = await asyncio.to_thread(build_desk, self._ledger, tenant, utc_now())
            if fresh is not None:
                await self._swap(fresh)
        elif desk.snapshot.waiting:
            await asyncio.to_thread(desk.snapshot.rebuild, utc_now())
            self._on_refresh()

    def _begin(self, tenant: str, work: Any) -> None:
        if tenant in self._refreshing:
            work.close()
            return
        self._refreshing.add(tenant)
        task = asyncio.get_running_loop().create_task(self._guard(tenant, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, tenant: str, work: Any) -> None:
        try:
            await work
        except Exception:
            _log.exception("a snapshot could not be refreshed", extra={"tenant": tenant})
            await asyncio.sleep(1.0)
        finally:
            self._refreshing.discard(tenant)

    async def _rebuild(self, former: Desk) -> None:
        """Build anew from the ledger: the network changed, or the journal ran far ahead."""
        started = time.monotonic()
        desk = await asyncio.to_thread(build_desk, self._ledger, former.tenant, utc_now())
        if desk is not None:
            await self._swap(desk)
        await asyncio.sleep(min(30.0, time.monotonic() - started))

    async def _settle_tables(self, desk: Desk) -> None:
        """Put the changes of a long time into the tables."""
        tables = await self._aside(desk.tables.now)
        stock, used = await asyncio.to_thread(tables.current)
        await self._aside(lambda: desk.tables.replace(stock, used, len(tables.deltas)))

    async def _renew(self, desk: Desk, now: datetime) -> None:
        """Compute ship dates and rows anew from what the snapshot holds."""
        started = time.monotonic()
        await asyncio.to_thread(desk.snapshot.rebuild, now)
        self._on_refresh()
        await asyncio.sleep(min(30.0, time.monotonic() - started))
