"""When the ship dates of a network change: how long a snapshot is valid."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_EPOCH = date(1970, 1, 1)
_TICK = timedelta(microseconds=1)
_DAY_AND_MORE = timedelta(hours=26)
"""Longer than any local day."""


def day_of(number: int) -> date:
    """The date of a day number."""
    return date.fromordinal(_EPOCH.toordinal() + number)


def _instants(day: date, at: time, zone: ZoneInfo) -> list[datetime]:
    """The instants of a local time: two where the clocks skip it or show it twice."""
    return [datetime.combine(day, at.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1)]


def _next_change_of_offset(start: datetime, zone: ZoneInfo) -> datetime | None:
    """The first instant, within a day, at which the zone's clocks are put on or back."""
    offset, end = start.astimezone(zone).utcoffset(), start + _DAY_AND_MORE
    if end.astimezone(zone).utcoffset() == offset:
        return None
    low, high = start, end
    while high - low > _TICK:
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high


def node_valid_until(
    *, as_of: datetime, ready_minutes: int, cutoff: str, time_zone: str, ship_days: list[int], horizon_days: int
) -> datetime:
    """The first instant after ``as_of`` at which :func:`engine.calendar.node_ship_days` may give other days.

    That is just after the cutoff of the first ship date, or, where fewer days were found than asked for, the next
    midnight; or when the clocks change before, which can put the local time back before the cutoff.
    """
    zone = ZoneInfo(time_zone)
    ready = as_of.astimezone(UTC) + timedelta(minutes=ready_minutes)
    ends: list[datetime] = []
    if ship_days:
        hour, minute = cutoff.split(":")
        ends += [end + _TICK for end in _instants(day_of(ship_days[0]), time(int(hour), int(minute)), zone)]
    if len(ship_days) < horizon_days:
        ends += _instants(ready.astimezone(zone).date() + timedelta(days=1), time(), zone)
    changed = _next_change_of_offset(ready, zone)
    if changed is not None:
        ends.append(changed)
    return min((end for end in ends if end > ready), default=ready + _TICK) - timedelta(minutes=ready_minutes)


def earliest(ends: Iterable[datetime]) -> datetime:
    """The earliest of some instants; the end of time where there are none."""
    return min(ends, default=datetime.max.replace(tzinfo=UTC))
