"""Tests the oracle's ship dates and delivery dates against calendars read by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

from tests.oracle.costs import delivery_date, ship_dates
from tests.oracle.reading import Batch

# noon
TUESDAY = "2026-06-16T12:00:00+00:00"


def read(service: Any = (), node: Any = (), policy: Any = (), closures: Any = ()) -> Batch:
    """A batch of one node and one service."""
    return Batch(
        {
            "policy": {"as_of": TUESDAY, **dict(policy)},
            "nodes": [{"node_id": "N", "kind": "dc", "lat": 0, "lon": 0, **dict(node)}],
            "services": [{"service_id": "S", "carrier": "c", **dict(service)}],
            "closures": list(closures),
        }
    )


def first_dates(node: dict[str, Any], n_days: int = 1, closures: Any = (), as_of: str = TUESDAY) -> list[str]:
    """The ship dates of the node."""
    policy = {"as_of": as_of, "horizon_days": n_days}
    batch = read(policy=policy, node=node, closures=closures)
    return [day.isoformat() for day in ship_dates(batch, batch.nodes["N"])]


def test_cutoff() -> None:
    """Tests 17:00: ready at the cutoff ships that day, a microsecond later the next."""
    assert first_dates({}, as_of="2026-06-16T17:00:00+00:00") == ["2026-06-16"]
    assert first_dates({}, as_of="2026-06-16T17:00:00.000001+00:00") == ["2026-06-17"]
    assert first_dates({"ready_minutes": 300}) == ["2026-06-16"]
    assert first_dates({"ready_minutes": 301}) == ["2026-06-17"]
    assert first_dates({"cutoff": "11:59"}) == ["2026-06-17"]
    assert first_dates({"ready_minutes": 24 * 60}) == ["2026-06-17"]


def test_working_days_and_closures() -> None:
    """Tests weekends, closed days within a horizon, and nodes that never work."""
    friday = "2026-06-19T18:00:00+00:00"
    assert first_dates({}, as_of=friday) == ["2026-06-22"]
    assert first_dates({"working_days": "0000010"}, as_of=friday) == ["2026-06-20"]
    closed = [{"date": "2026-06-16", "node_id": "N"}, {"date": "2026-06-18", "node_id": "N"}]
    assert first_dates({}, n_days=3, closures=closed) == ["2026-06-17", "2026-06-19", "2026-06-22"]
    assert first_dates({}, closures=[{"date": "2026-06-16", "service_id": "S"}]) == ["2026-06-16"]
    assert first_dates({"working_days": "0000000"}, n_days=3) == []
    # Tuesday is the only working day: a day after the cutoff, the next is in 7 days
    assert first_dates({"working_days": "0100000", "cutoff": "00:00"}, 2) == ["2026-06-23", "2026-06-30"]


def test_time_zones() -> None:
    """Tests that the date and the cutoff are local, also across a change of the clocks."""
    # 22:00 in UTC is 17:00 in Chicago's summer; in winter 23:00 is
    chicago = {"timezone": "America/Chicago"}
    assert first_dates(chicago, as_of="2026-06-16T22:00:00+00:00") == ["2026-06-16"]
    assert first_dates(chicago, as_of="2026-12-15T22:00:00+00:00") == ["2026-12-15"]
    assert first_dates(chicago, as_of="2026-06-16T22:00:01+00:00") == ["2026-06-17"]
    # midnight in Tokyo: already the 17th
    assert first_dates({"timezone": "Asia/Tokyo"}, as_of="2026-06-16T15:00:00+00:00") == ["2026-06-17"]
    # 2 hours after 01:00 on the night the clocks jump from 2 to 3 it is 04:00: elapsed time counts
    night = {"timezone": "America/New_York", "working_days": "1111111", "ready_minutes": 120}
    spring = "2026-03-08T01:00:00-05:00"
    assert first_dates(night | {"cutoff": "04:00"}, as_of=spring) == ["2026-03-08"]
    assert first_dates(night | {"cutoff": "03:59"}, as_of=spring) == ["2026-03-09"]
    # and in autumn 02:00 it is, for the hour from 1 to 2 comes twice
    autumn = "2026-11-01T01:00:00-04:00"
    assert first_dates(night | {"cutoff": "02:00"}, as_of=autumn) == ["2026-11-01"]
    assert first_dates(night | {"cutoff": "01:59"}, as_of=autumn) == ["2026-11-02"]


def test_delivery_dates() -> None:
    """Tests days on which the service does not deliver, closures, no transit, and never."""
    saturday_closed = [{"date": "2026-06-20", "service_id": "S"}]
    batch = read(closures=saturday_closed)
    service, friday = batch.services["S"], date(2026, 6, 19)
    assert delivery_date(batch, service, friday, 0) == friday
    assert delivery_date(batch, service, friday, 1) == date(2026, 6, 22)
    assert delivery_date(read(), service, friday, 1) == date(2026, 6, 20)
    sunday = date(2026, 6, 21)
    assert delivery_date(batch, service, sunday, 0) == sunday
    never = read(service={"delivery_days": "0000000"})
    assert delivery_date(never, never.services["S"], friday, 0) == friday
    assert delivery_date(never, never.services["S"], friday, 1) is None
    daily = read(service={"delivery_days": "1111111"})
    assert delivery_date(daily, daily.services["S"], friday, 366) == date(2027, 6, 20)
    assert delivery_date(daily, daily.services["S"], friday, 367) is None
