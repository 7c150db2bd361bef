"""Tests the clock of a replay: which ship dates a decision may choose, against a plain reading of the model."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.replay.slices import take_orders
from engine.replay.world import DAY, build_world
from tests.engine.replay.streams import drawn_stream, stream_of
from tests.oracle.costs import ship_dates
from tests.oracle.reading import Batch

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("seed", range(40, 60))
def test_ship_dates_are_the_models_at_any_instant(seed: int, tmp_path: Path) -> None:
    """Tests the slots of a view at random instants, and to the microsecond at cutoffs, time zones and all."""
    document = drawn_stream(seed)
    stream = stream_of(document, tmp_path)
    world = build_world(stream, longest_wait_minutes=3 * 1440)
    batch = Batch(document)
    horizon_days = batch.policy.horizon_days
    rng = random.Random(seed)
    edges = [at for at in world.changes.tolist() if at >= world.begin][:8]
    instants = [world.begin + rng.randrange(4 * DAY) for _ in range(8)] + edges + [at + 1 for at in edges]
    for instant in instants:
        moment = EPOCH + timedelta(microseconds=instant)
        view = world.view(int(world.epoch_of(np.array([instant]))[0]))
        batch.policy = replace(batch.policy, as_of=moment, horizon_days=horizon_days)
        for number, node in enumerate(batch.nodes.values()):
            slots = slice(*view.network.node_first_slot[number : number + 2].tolist())
            found = [(EPOCH + timedelta(days=day)).date() for day in view.network.slot_day[slots].tolist()]
            local = moment + timedelta(minutes=node.ready_minutes)
            if _twice(local, node.timezone):
                continue  # a cutoff in an hour that comes twice is met until the second time
            assert found == ship_dates(batch, node), (moment, node)


def _twice(moment: datetime, time_zone: str) -> bool:
    from zoneinfo import ZoneInfo

    local = moment.astimezone(ZoneInfo(time_zone))
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def test_orders_taken_are_the_same_orders(tmp_path: Path) -> None:
    """Tests that taking all orders gives them back, and that barred nodes come after those named."""
    for seed in range(20):
        orders = build_world(stream_of(drawn_stream(seed), tmp_path), longest_wait_minutes=1).index.orders
        n = orders.lat.size
        whole = take_orders(orders, np.arange(n))
        for name in orders._fields:
            if name != "line_row":
                assert np.array_equal(getattr(whole, name), getattr(orders, name)), name
        assert np.array_equal(whole.line_row, np.arange(orders.line_sku.size))
        if n > 1:
            barred = take_orders(orders, np.array([1, 0]), (np.array([0, 0, 1]), np.array([7, 8, 9])))
            first = orders.not_first
            own = [orders.not_node[first[i] : first[i + 1]].tolist() for i in (1, 0)]
            assert barred.not_node.tolist() == [*own[0], 7, 8, *own[1], 9]
            assert barred.line_row.tolist() == [
                *range(orders.line_first[1], orders.line_first[2]),
                *range(orders.line_first[0], orders.line_first[1]),
            ]
