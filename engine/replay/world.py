"""The world of a stream: all days as one network, and which slots a decision at an instant may ship from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.batch import Batch
from engine.calendar import day_number
from engine.compile import Index, index_batch
from engine.network import IntArray, Network
from engine.replay.documents import Stream, micros
from engine.replay.slices import at_slots

MINUTE = 60_000_000
DAY = 1440 * MINUTE
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """A stream compiled once. Orders are numbered in the order in which they were placed.

    Parameters
    ----------
    batch : Batch
        The stream's batch with orders in that order and a horizon that holds every ship date there can be: an
        allocation of it is what a whole stream comes to, and ``engine.check`` can judge it.
    index : Index
        Its arrays; a slot is a node on any ship date of the stream.
    placed_at : int64[n_orders]
        Microseconds since 1970-01-01 UTC, rising.
    reject_bp : int64[n_nodes]
        As in the stream.
    begin : int
        When the stream begins, in microseconds.
    horizon_days : int
        How many ship dates of each node a decision may choose from.
    clock_of_node : int64[n_nodes]
        Which clock each node lives by.
    cutoffs : list of int64
        For each clock the instants, rising, until which a decision makes the ship date of a day.
    first_day : list of int
        The day of each clock's first cutoff.
    """

    batch: Batch
    index: Index
    placed_at: IntArray
    reject_bp: IntArray
    begin: int
    horizon_days: int
    clock_of_node: IntArray
    cutoffs: list[IntArray]
    first_day: list[int]
    _views: dict[int, View] = field(default_factory=dict)
    _changes: list[IntArray] = field(default_factory=list)

    @property
    def changes(self) -> IntArray:
        """Instants, rising, after which a node's first ship date is another one."""
        if not self._changes:
            self._changes.append(np.unique(np.concatenate([np.zeros(0, np.int64), *self.cutoffs])))
        return self._changes[0]

    def epoch_of(self, instants: IntArray) -> IntArray:
        """Between which changes instants lie: within an epoch all nodes have the same ship dates."""
        return np.searchsorted(self.changes, instants, side="left").astype(np.int64)

    def first_slots(self, epoch: int) -> IntArray:
        """The first slot of each node that a decision in an epoch may ship from, int64[n_nodes]."""
        instant = self.changes[min(epoch, self.changes.size - 1)] if self.changes.size else np.int64(self.begin)
        day = np.array(
            [first + int(np.searchsorted(at, instant, side="left")) for first, at in zip(self.first_day, self.cutoffs)],
            np.int64,
        )[self.clock_of_node]
        network = self.index.network
        first = network.node_first_slot[:-1].copy()
        end = network.node_first_slot[1:]
        while True:
            early = (first < end) & (network.slot_day[np.minimum(first, network.slot_day.size - 1)] < day)
            if not early.any():
                return first
            first += early

    def view(self, epoch: int) -> View:
        """The slots that a decision in an epoch may ship from."""
        found = self._views.get(epoch)
        if found is None:
            if len(self._views) > 64:
                self._views.clear()
            found = self.view_between(epoch, epoch)
            self._views[epoch] = found
        return found

    def view_between(self, first_epoch: int, last_epoch: int) -> View:
        """The slots that a decision in any of some epochs may ship from."""
        network = self.index.network
        first = self.first_slots(first_epoch)
        last = np.minimum(self.first_slots(last_epoch) + self.horizon_days, network.node_first_slot[1:])
        counts = np.maximum(0, last - first)
        first_slot = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
        slots = np.arange(int(first_slot[-1])) + np.repeat(first - first_slot[:-1], counts)
        open_slots = np.zeros(network.slot_node.size, np.bool_)
        open_slots[slots] = True
        return View(network=at_slots(network, slots, first_slot), slots=slots, is_open=open_slots)


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """A network with the slots of an epoch, their numbers in the world, and which of the world's they are."""

    network: Network
    slots: IntArray
    is_open: NDArray[np.bool_]


def build_world(stream: Stream, *, longest_wait_minutes: int) -> World:
    """Compile a stream.

    Parameters
    ----------
    longest_wait_minutes : int
        Decisions are made at most so long after the last order was placed.

    Raises
    ------
    InputError
        If figures are so large that costs would not be exact.
    """
    policy = stream.batch.policy
    begin = micros(policy.as_of)
    by_time = np.argsort(stream.placed_at, kind="stable")
    placed_at = stream.placed_at[by_time]
    last = int(placed_at[-1]) if placed_at.size else begin
    n_days = (last + longest_wait_minutes * MINUTE - begin) // DAY + 3
    batch = Batch(
        policy.model_copy(update={"horizon_days": policy.horizon_days + n_days}),
        {**stream.batch.tables, "orders": stream.batch["orders"].take(pa.array(by_time)).combine_chunks()},
    )
    nodes = batch["nodes"]
    clocks: dict[tuple[int, str, str], int] = {}
    columns = (nodes[name].to_pylist() for name in ("ready_minutes", "cutoff", "timezone"))
    clock_of_node = [clocks.setdefault(clock, len(clocks)) for clock in zip(*columns)]
    found = [_cutoffs(begin, n_days, *clock) for clock in clocks]
    return World(
        batch=batch,
        index=index_batch(batch),
        placed_at=placed_at,
        reject_bp=stream.reject_bp,
        begin=begin,
        horizon_days=policy.horizon_days,
        clock_of_node=np.array(clock_of_node, np.int64),
        cutoffs=[cutoffs for _, cutoffs in found],
        first_day=[first for first, _ in found],
    )


def _cutoffs(begin: int, n_days: int, ready_minutes: int, cutoff: str, time_zone: str) -> tuple[int, IntArray]:
    """The first day whose cutoff can be met, and the last instant of deciding for it and each day after.

    Where the clocks go back, a cutoff in the hour that comes twice is met until its second time.
    """
    zone = ZoneInfo(time_zone)
    hour, minute = cutoff.split(":")
    local = (_EPOCH + timedelta(microseconds=begin, minutes=ready_minutes)).astimezone(zone)
    out = []
    for ahead in range(n_days + 2):
        moment = datetime.combine(local.date() + timedelta(days=ahead), time(int(hour), int(minute), fold=1), zone)
        out.append(micros(moment.astimezone(UTC)) - ready_minutes * MINUTE)
    first = day_number(local.date())
    return first, np.array(out, np.int64)
