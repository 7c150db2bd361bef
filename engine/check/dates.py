"""Ship dates of nodes and delivery dates of services, from masks, closures, time zones and cut-offs."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np

from engine.check.columns import NO_DAY, BoolArray, Columns, IntArray, groups, positions
from engine.check.given import Given
from engine.check.report import EPOCH

REACH_DAYS = 366
EVER = -NO_DAY


class WorkingDays:
    """The days of one node or service: a mask of weekdays less its closures."""

    def __init__(self, mask: str, closed: IntArray) -> None:
        self.closed = np.sort(closed)
        self._calendar = (
            np.busdaycalendar(weekmask=mask, holidays=self.closed.astype("datetime64[D]")) if "1" in mask else None
        )

    def works(self, day: IntArray) -> BoolArray:
        """Return whether each day is a working day."""
        if self._calendar is None:
            return np.zeros(len(day), dtype=np.bool_)
        return np.asarray(np.is_busday(day.astype("datetime64[D]"), busdaycal=self._calendar))

    def step(self, day: IntArray, count: IntArray) -> IntArray:
        """Return the day on which `count` working days after `day` have been counted (0: the day itself)."""
        if self._calendar is None:
            return np.where(count == 0, day, EVER)
        reached = np.busday_offset(
            day.astype("datetime64[D]"), count, roll="preceding", busdaycal=self._calendar
        ).astype(np.int64)
        return np.where(count == 0, day, reached)

    def before(self, day: IntArray) -> IntArray:
        """Return the last working day before each day (where there are working days at all)."""
        before = np.busday_offset(day.astype("datetime64[D]"), -1, roll="forward", busdaycal=self._calendar)
        return np.asarray(before.astype(np.int64))

    def between(self, first: int, day: IntArray) -> IntArray:
        """Return how many working days there are from `first` to before `day`."""
        if self._calendar is None:
            return np.zeros(len(day), dtype=np.int64)
        begin = np.datetime64(first, "D")
        return np.asarray(np.busday_count(begin, day.astype("datetime64[D]"), busdaycal=self._calendar), dtype=np.int64)


def _closed_days(given: Given, name: str, keys: Columns) -> dict[int, IntArray]:
    row = positions(given.closures.texts(name), keys.texts(name))
    day = given.closures.days("date")
    return {index: day[at] for index, at in groups(row)}


class ShipDates:
    """The ship dates of every node.

    Attributes
    ----------
    first : int64[n_nodes]
        The first ship date, `NO_DAY` where a node has none.
    end : int64[n_nodes]
        The last working day before more than 366 days without one.
    """

    def __init__(self, given: Given) -> None:
        self._given = given
        self._horizon: int = given.policy.horizon_days
        closed = _closed_days(given, "node_id", given.nodes)
        none = np.empty(0, dtype=np.int64)
        masks = given.nodes.texts("working_days").to_pylist()
        self._days = [WorkingDays(mask, closed.get(node, none)) for node, mask in enumerate(masks)]
        self.first = np.full(given.nodes.n, NO_DAY, dtype=np.int64)
        self.end = np.full(given.nodes.n, EVER, dtype=np.int64)
        ready = given.nodes.ints("ready_minutes").tolist()
        zones = given.nodes.texts("timezone").to_pylist()
        cutoffs = given.nodes.texts("cutoff").to_pylist()
        for node, days in enumerate(self._days):
            self.first[node] = _first_ship_date(given.policy.as_of, ready[node], zones[node], cutoffs[node], days)
            self.end[node] = _before_long_gap(days, int(self.first[node]))

    def includes(self, node: IntArray, day: IntArray) -> BoolArray:
        """Return whether each day is a ship date of the node (a row, or -1)."""
        result = np.zeros(len(node), dtype=np.bool_)
        for index, at in groups(node):
            first, days = int(self.first[index]), self._days[index]
            if first == NO_DAY:
                continue
            asked = np.clip(day[at], first - 1, EVER)
            result[at] = (
                (asked >= first)
                & (asked <= self.end[index])
                & days.works(asked)
                & (days.between(first, asked) < self._horizon)
            )
        return result

    @cached_property
    def table(self) -> IntArray:
        """Ship dates by node and rank, `NO_DAY` after the last: int64[n_nodes, n].

        A very long horizon is cut well after the last date that any table names: from there on every week
        is like the one before.
        """
        given = self._given
        events = [days[days < EVER] for days in (given.stock.days("available_on"), given.closures.days("date"))]
        events += [given.used.days("date"), self.first]
        last = max((int(days.max()) for days in events if len(days)), default=NO_DAY) + 2 * REACH_DAYS
        longest = 0
        rows: list[IntArray] = []
        for node, days in enumerate(self._days):
            first = int(self.first[node])
            n = 0 if first == NO_DAY else min(self._horizon, last - first)
            dates = days.step(np.full(n, first, dtype=np.int64), np.arange(n, dtype=np.int64))
            dates = dates[dates <= min(last, int(self.end[node]))]
            rows.append(dates)
            longest = max(longest, len(dates))
        table = np.full((given.nodes.n, longest), NO_DAY, dtype=np.int64)
        for node, dates in enumerate(rows):
            table[node, : len(dates)] = dates
        return table


def _first_ship_date(as_of: datetime, ready_minutes: int, zone: str, cutoff: str, days: WorkingDays) -> int:
    try:
        instant = as_of.astimezone(UTC) + timedelta(minutes=ready_minutes)
        local = instant.astimezone(ZoneInfo(zone))
    except OverflowError:
        return NO_DAY
    today = days_since_epoch(local.date())
    hour, minute = cutoff.split(":")
    starts = today if local.time() <= time(int(hour), int(minute)) else today + 1
    offered = np.arange(starts, today + REACH_DAYS + 1, dtype=np.int64)
    working = offered[days.works(offered)]
    return int(working[0]) if len(working) else NO_DAY


def _before_long_gap(days: WorkingDays, first: int) -> int:
    if first == NO_DAY or len(days.closed) < REACH_DAYS // 7:
        return EVER
    # a mask alone leaves at most six days out: a longer gap holds a closure, and begins before one
    begins = np.unique(days.before(days.closed[days.closed > first]))
    begins = begins[begins >= first]
    ends = days.step(begins, np.ones(len(begins), dtype=np.int64))
    long = begins[ends - begins > REACH_DAYS]
    return int(long[0]) if len(long) else EVER


def days_since_epoch(day: date) -> int:
    """Return the date as days from 1970-01-01."""
    return (day - EPOCH).days


class DeliveryDates:
    """When each service delivers."""

    def __init__(self, given: Given) -> None:
        closed = _closed_days(given, "service_id", given.services)
        none = np.empty(0, dtype=np.int64)
        masks = given.services.texts("delivery_days").to_pylist()
        self._days = [WorkingDays(mask, closed.get(service, none)) for service, mask in enumerate(masks)]

    def deliver(self, service: IntArray, ship_day: IntArray, transit_days: IntArray) -> IntArray:
        """Return each delivery date, `NO_DAY` where it is not reached within 366 days."""
        result = np.full(len(service), NO_DAY, dtype=np.int64)
        for index, at in groups(service):
            reached = self._days[index].step(ship_day[at], np.clip(transit_days[at], 0, 2 * REACH_DAYS))
            result[at] = np.where(reached - ship_day[at] <= REACH_DAYS, reached, NO_DAY)
        return result
