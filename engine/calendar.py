"""Dates of the network: when a node ships, when a service delivers. Days are counted from 1970-01-01."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

HORIZON_LIMIT_DAYS = 366
"""How far a search for a working or delivery day looks ahead (MODEL.md section 3)."""

NO_DAY = -1
_EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def weekday_works(mask: str, day: int) -> bool:
    """Whether a seven-digit mask, Monday first, has a 1 on the weekday of a day number."""
    return mask[(day + 3) % 7] == "1"


def node_ship_days(
    *,
    as_of: datetime,
    ready_minutes: int,
    cutoff: str,
    time_zone: str,
    working_days: str,
    closed: Collection[int],
    horizon_days: int,
) -> list[int]:
    """Ship dates of one node (MODEL.md section 3, "Ship dates").

    Parameters
    ----------
    as_of : aware datetime
        The instant of the batch; ``ready_minutes`` of elapsed time are added to it.
    cutoff : str
        ``HH:MM`` in the node's time zone; a local time after it ships on the next working day.
    closed : collection of int
        Day numbers on which the node does not work.
    horizon_days : int
        How many working days to list.

    Returns
    -------
    list of int
        Day numbers, rising; empty where no working day lies within 366 days.
    """
    ready = as_of.astimezone(UTC) + timedelta(minutes=ready_minutes)
    local = ready.astimezone(ZoneInfo(time_zone))
    hour, minute = cutoff.split(":")
    today = day_number(local.date())
    start = today if local.time() <= time(int(hour), int(minute)) else today + 1
    days: list[int] = []
    last = today
    day = start
    while len(days) < horizon_days and day <= last + HORIZON_LIMIT_DAYS:
        if weekday_works(working_days, day) and day not in closed:
            days.append(day)
            last = day
        day += 1
    return days


def delivery_days(
    *,
    delivery_masks: list[str],
    closed: list[Collection[int]],
    ship_days: NDArray[np.int64],
    transit_days: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Delivery day of every service, ship day and transit time (MODEL.md section 3, "Delivery date").

    Parameters
    ----------
    delivery_masks, closed : one entry a service
        Weekdays on which it delivers, and day numbers on which it does not.
    ship_days, transit_days : int64
        The distinct values that occur.

    Returns
    -------
    int64[n_services, n_ship_days, n_transit_days]
        Day numbers; -1 where the service does not get there within 366 days.
    """
    out = np.full((len(delivery_masks), ship_days.size, transit_days.size), NO_DAY, np.int64)
    steps = np.arange(1, HORIZON_LIMIT_DAYS + 1)
    for service, mask in enumerate(delivery_masks):
        works_on = np.array([digit == "1" for digit in mask])
        shut = np.array(sorted(closed[service]), np.int64)
        for i, ship_day in enumerate(ship_days):
            ahead = ship_day + steps
            open_days = ahead[works_on[(ahead + 3) % 7] & ~np.isin(ahead, shut)]
            reach = transit_days <= open_days.size
            counted = reach & (transit_days > 0)
            out[service, i, counted] = open_days[transit_days[counted] - 1]
            out[service, i, transit_days == 0] = ship_day
    return out
