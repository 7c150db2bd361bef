"""Tests how long ship dates stay as they are, against the ship dates themselves."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from engine.calendar import node_ship_days
from engine.documents import parse_batch
from engine.live import Snapshot
from engine.live.dates import node_valid_until
from tests.drawing import draw_batch

ZONES = ("UTC", "America/New_York", "Australia/Lord_Howe", "America/Phoenix", "Asia/Kathmandu", "Africa/Cairo")
NEAR = ("2026-03-08", "2026-11-01", "2026-04-05", "2026-10-04", "2026-12-31", "2026-04-24", "2026-06-15")
TICK = timedelta(microseconds=1)


def clocks(seed: int) -> tuple[datetime, dict[str, object]]:
    """An instant near a change of the clocks or a year's end, and a node's clock."""
    rng = random.Random(seed)
    near = rng.choice(NEAR)
    as_of = datetime.fromisoformat(f"{near}T00:00:00+00:00") + timedelta(minutes=rng.randint(-2 * 1440, 2 * 1440))
    clock = {
        "ready_minutes": rng.choice([0, 0, 45, 1440]),
        "cutoff": rng.choice(["00:00", "01:30", "02:15", "17:00", "23:59"]),
        "time_zone": rng.choice(ZONES),
        "working_days": rng.choice(["1111100", "1111111", "0000010", "1111111"]),
        "horizon_days": rng.choice([1, 3]),
    }
    return as_of, clock


@pytest.mark.parametrize("block", range(4))
def test_ship_dates_stay_until_then(block: int) -> None:
    """Tests that no quarter of an hour before the instant given has other ship dates, nor the last microsecond."""
    n_changed = 0
    for seed in range(block * 60, block * 60 + 60):
        as_of, clock = clocks(seed)
        days = node_ship_days(as_of=as_of, closed=(), **clock)  # type: ignore[arg-type]
        known = {name: clock[name] for name in ("ready_minutes", "cutoff", "time_zone", "horizon_days")}
        until = node_valid_until(as_of=as_of, ship_days=days, **known)  # type: ignore[arg-type]
        assert until > as_of
        step = as_of
        while step < until:
            assert node_ship_days(as_of=step, closed=(), **clock) == days, (seed, step)  # type: ignore[arg-type]
            step += timedelta(minutes=15)
        assert node_ship_days(as_of=until - TICK, closed=(), **clock) == days  # type: ignore[arg-type]
        n_changed += node_ship_days(as_of=until, closed=(), **clock) != days  # type: ignore[arg-type]
    assert n_changed > 45  # otherwise the clocks changed, which may change ship dates


def test_the_cutoff_itself_is_in_time() -> None:
    """Tests that ship dates hold at the cutoff to the microsecond, and not after."""
    clock = {"ready_minutes": 30, "cutoff": "17:00", "time_zone": "America/New_York"}
    as_of = datetime(2026, 6, 15, 12, tzinfo=UTC)
    days = node_ship_days(as_of=as_of, closed=(), working_days="1111100", horizon_days=1, **clock)
    until = node_valid_until(as_of=as_of, ship_days=days, horizon_days=1, **clock)
    assert until == datetime(2026, 6, 15, 20, 30, 0, 1, tzinfo=UTC)


def test_a_node_that_never_works_is_looked_at_every_day() -> None:
    """Tests that a node without ship dates is valid until its next midnight."""
    clock = {"ready_minutes": 0, "cutoff": "17:00", "time_zone": "Asia/Kathmandu"}
    as_of = datetime(2026, 6, 15, 12, tzinfo=UTC)
    until = node_valid_until(as_of=as_of, ship_days=[], horizon_days=1, **clock)
    assert until == datetime(2026, 6, 15, 18, 15, tzinfo=UTC)


def test_clocks_put_back_before_the_cutoff() -> None:
    """Tests the hour that is shown twice: what missed the cutoff in the first is in time for it in the second."""
    clock = {"ready_minutes": 0, "cutoff": "01:30", "time_zone": "America/New_York"}
    as_of = datetime(2026, 11, 1, 5, 40, tzinfo=UTC)  # 01:40, twenty minutes before it is 01:00 again
    back = datetime(2026, 11, 1, 6, tzinfo=UTC)
    dates = {"closed": (), "working_days": "1111111", "horizon_days": 1}
    days = node_ship_days(as_of=as_of, **dates, **clock)  # type: ignore[arg-type]
    assert node_ship_days(as_of=back, **dates, **clock) != days  # type: ignore[arg-type]
    assert node_valid_until(as_of=as_of, ship_days=days, horizon_days=1, **clock) == back  # type: ignore[arg-type]


def test_a_snapshot_is_valid_until_its_first_node_is_not() -> None:
    """Tests that a snapshot's ship dates hold up to its valid_until, and one of its nodes' change there."""
    for seed in range(12):
        snapshot = Snapshot(parse_batch(draw_batch(seed)))
        before = _slots(snapshot)
        snapshot.rebuild(snapshot.valid_until - TICK)
        assert _slots(snapshot) == before
        until = snapshot.valid_until
        snapshot.rebuild(until)
        assert snapshot.valid_until > until


def _slots(snapshot: Snapshot) -> list[tuple[int, int]]:
    with snapshot.locked() as state:
        return list(zip(state.network.slot_node.tolist(), state.network.slot_day.tolist(), strict=True))
