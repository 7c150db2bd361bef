"""Tests that wherever a replay ends nothing was shipped that could not be, and that no strategy beats hindsight."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.check import check
from engine.documents import Allocation, batch_to_document
from engine.replay.clairvoyant import with_hindsight
from engine.replay.documents import Stream, read_stream, write_stream
from engine.replay.draws import draws_of
from engine.replay.generating import StreamParams, generate_stream
from engine.replay.one_by_one import ByRule
from engine.replay.play import Played, longest_wait_minutes, play
from engine.replay.results import allocation_of, outcome_of
from engine.replay.turns import Strategy
from engine.replay.world import DAY, World, build_world
from engine.rules.known import NEAREST
from tests.engine.replay.judging import Document, wrongs
from tests.engine.replay.streams import STRATEGIES, drawn_stream, stream_of

LONGEST = max(longest_wait_minutes(strategy) for strategy in STRATEGIES)
GENERATED = StreamParams(load="peak", days=2, n_orders=110, n_nodes=12, n_skus=30, seed=4)


def decided_of(world: World, played: Played) -> dict[str, tuple[int, int]]:
    """For each order the first and the last moment of deciding."""
    order_ids = world.batch["orders"]["order_id"].to_pylist()
    return dict(zip(order_ids, zip(played.decided_at.tolist(), played.released_at.tolist())))


def document_of(stream: Stream) -> Document:
    """A stream as a document."""
    return batch_to_document(stream.batch)


def faults(world: World, allocation: Allocation) -> list[str]:
    """What the checker finds, but for a service that is free in the end: it need not have been when it was chosen."""
    found = check(world.batch, allocation).faults
    return [fault.message for fault in found if not (fault.column == "service_id" and "is free" in fault.expected)]


def judge(document: Document, stream: Stream, strategy: Strategy, world: World, played: Played) -> None:
    """All that must hold of a pass."""
    allocation = allocation_of(world, played.chosen)
    assert faults(world, allocation) == [], strategy.name
    decided = decided_of(world, played)
    assert wrongs(document, allocation, decided, stream.batch.policy.horizon_days) == [], strategy.name
    assert (played.decided_at >= world.placed_at).all() and (played.released_at >= played.decided_at).all()


@pytest.mark.parametrize("first", [0, 4, 8, 12])
def test_odd_streams_are_played_right(first: int, tmp_path: Path) -> None:
    """Tests all strategies on drawn streams: dates, stock, capacity, conservation, and the bound of hindsight."""
    for seed in range(first, first + 4):
        document = drawn_stream(seed)
        stream = stream_of(document, tmp_path)
        world = build_world(stream, longest_wait_minutes=LONGEST)
        draws = draws_of(world, seed=seed, reject_bp=1500)
        outcomes = []
        for strategy in STRATEGIES:
            played = play(world, strategy, draws)
            judge(document, stream, strategy, world, played)
            node = world.index.network.slot_node[played.chosen.slot]
            assert not draws.rejects(played.chosen.order, node).any()
            outcomes.append(outcome_of(world, strategy, seed, played))
            assert outcomes[-1].total_cents == allocation_of(world, played.chosen).summary["objective_cents"]
        wait = max(each.longest_wait_micros for each in outcomes)
        found = with_hindsight(world, draws, wait_micros=wait, gap=0.0)
        assert found.bound_cents <= min(each.total_cents for each in outcomes)
        plan = allocation_of(world, found.chosen, bound_cents=found.bound_cents)
        assert faults(world, plan) == []
        assert found.bound_cents <= plan.summary["objective_cents"] <= found.objective_cents


def test_a_generated_stream_is_played_right() -> None:
    """Tests all strategies on a busy stream, and that the bound is near what hindsight finds."""
    stream = generate_stream(GENERATED)
    world = build_world(stream, longest_wait_minutes=LONGEST)
    draws = draws_of(world, seed=1, reject_bp=0)
    totals, waits = [], []
    for strategy in STRATEGIES:
        played = play(world, strategy, draws)
        judge(document_of(stream), stream, strategy, world, played)
        outcome = outcome_of(world, strategy, 1, played)
        totals.append(outcome.total_cents)
        waits.append(outcome.longest_wait_micros)
        assert outcome.counts["shipments"] > 60
    found = with_hindsight(world, draws, wait_micros=max(waits))
    assert found.bound_cents <= found.objective_cents <= min(totals)
    assert found.objective_cents <= 1.02 * found.bound_cents


def test_played_again_it_is_the_same() -> None:
    """Tests that a pass comes out the same to the last array, with another strategy played in between."""
    stream = generate_stream(GENERATED)
    ends: list[Played] = []
    for strategy in (STRATEGIES[-3], STRATEGIES[0], STRATEGIES[-3]):
        world = build_world(stream, longest_wait_minutes=LONGEST)
        ends.append(play(world, strategy, draws_of(world, seed=3, reject_bp=500)))
    first, _, again = ends
    assert all(np.array_equal(a, b) for a, b in zip(first.chosen, again.chosen))
    assert np.array_equal(first.left, again.left) and np.array_equal(first.decided_at, again.decided_at)


def test_decisions_that_change_keep_their_promises(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that with every re-decision promised lines stay and nothing arrives later than first promised."""
    from engine.replay import play as playing

    seen: dict[int, tuple[int, set[int]]] = {}
    n_looks = 0
    promise = playing._Play._promise

    def watched(self: playing._Play, chosen: playing.Chosen) -> None:
        nonlocal n_looks
        network, orders = self._world.index.network, self._world.index.orders
        day = playing.shipment_terms(network, orders, chosen).deliver_day
        for order in np.unique(chosen.order).tolist():
            mine = chosen.order == order
            lines = set(chosen.row_line[mine[chosen.row_shipment]].tolist())
            latest = int(day[mine].max())
            if order in seen:
                n_looks += 1
                assert latest <= seen[order][0] and lines >= seen[order][1]
                seen[order] = (seen[order][0], lines)
            else:
                seen[order] = (latest, lines)
        promise(self, chosen)

    monkeypatch.setattr(playing._Play, "_promise", watched)
    stream = generate_stream(GENERATED)
    world = build_world(stream, longest_wait_minutes=LONGEST)
    nobody = draws_of(world, seed=0, reject_bp=0)
    nobody = type(nobody)(order=nobody.order, node=nobody.node, below=np.zeros_like(nobody.below))
    played = play(world, STRATEGIES[-1], nobody)
    assert played.n_changed > 0 and n_looks > 100


def test_orders_wait_as_long_as_their_strategy_says() -> None:
    """Tests delays: none where orders are decided one at a time and no node says no, up to a window otherwise."""
    stream = generate_stream(GENERATED)
    stream = Stream(batch=stream.batch, placed_at=stream.placed_at, reject_bp=np.zeros_like(stream.reject_bp))
    world = build_world(stream, longest_wait_minutes=LONGEST)
    draws = draws_of(world, seed=0, reject_bp=0)
    for strategy in STRATEGIES[:1] + STRATEGIES[-3:-2]:
        delay = play(world, strategy, draws).decided_at - world.placed_at
        if strategy.waits:
            assert 0 <= delay.min() < delay.max() < strategy.turn_minutes * 60_000_000
        else:
            assert not delay.any()


def test_refused_orders_go_elsewhere_after_the_answer() -> None:
    """Tests that an order whose node says no is decided again at the next turn, and never by that node."""
    stream = generate_stream(GENERATED)
    world = build_world(stream, longest_wait_minutes=LONGEST)
    strategy = ByRule(name="nearest", rule=NEAREST, turn_minutes=45)
    draws = draws_of(world, seed=2, reject_bp=0)
    often = type(draws)(order=draws.order, node=draws.node, below=np.full_like(draws.below, 2**52))
    played = play(world, strategy, often)
    delay = played.decided_at - world.placed_at
    late = delay > 0
    assert played.n_refused >= late.sum() > 30
    assert ((played.decided_at[late] - world.begin) % (45 * 60_000_000) == 0).all()
    assert not often.rejects(played.chosen.order, world.index.network.slot_node[played.chosen.slot]).any()


def test_written_and_read_again_it_is_the_same_stream(tmp_path: Path) -> None:
    """Tests that a stream survives being written in each form: same digest, hence same result."""
    stream = generate_stream(GENERATED)
    for form in ("parquet", "csv", "json"):
        path = tmp_path / (f"{form}.json" if form == "json" else form)
        write_stream(stream, path, form)  # type: ignore[arg-type]
        assert read_stream(path).digest() == stream.digest()
    moved = Stream(batch=stream.batch, placed_at=stream.placed_at + 1, reject_bp=stream.reject_bp)
    assert moved.digest() != stream.digest()
    assert int(np.ptp(stream.placed_at)) > DAY
