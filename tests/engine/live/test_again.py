"""Tests of deciding an order again: what is fixed stays, the rest only moves where that is cheaper."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.documents import Batch, parse_batch
from engine.live import Again, Decision, Order, Snapshot, Standing, decide, explain
from tests.drawing import draw_batch
from tests.engine.live.giving import SEEDS, after, all_options, orders_of
from tests.engine.live.test_snapshot import computed, held
from tests.oracle import Option

Document = dict[str, Any]


def standing(decision: Decision, fixed: str | None = None, without: str | None = None) -> tuple[Standing, ...]:
    """The shipments of a decision, one of them perhaps fixed, one perhaps gone."""
    return tuple(
        Standing(
            shipment=row,
            allocations=tuple(part for part in decision.allocations if part.shipment_id == row.shipment_id),
            fixed=row.shipment_id == fixed,
        )
        for row in decision.shipments
        if row.shipment_id != without
    )


def decided(seed: int) -> Iterator[tuple[Document, Batch, Snapshot, Order, Decision]]:
    """Each order of a drawn batch that ships, decided alone and taken."""
    document = draw_batch(seed)
    batch = parse_batch(document)
    for order in orders_of(batch):
        snapshot = Snapshot(batch)
        decision = decide(snapshot, [order], take=True)[0]
        if decision.shipments:
            yield document, batch, snapshot, order, decision


def serves(option: Option, order: Order, line_id: str, node_id: str) -> bool:
    """Whether an option serves a line from a node."""
    at = [line.line_id for line in order.lines].index(line_id)
    return any(shipment.node_id == node_id and shipment.quantities[at] for shipment in option.shipments)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_moves_without_a_reason(seed: int) -> None:
    """Tests that an order decided again with all of its shipments standing stays as it is, ids included."""
    for document, _, snapshot, order, decision in decided(seed):
        again = Again(standing=standing(decision))
        assert decide(snapshot, [order], again={order.order_id: again}, take=True) == [decision]
        assert held(snapshot) == computed(after(document, [decision]))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rejected_line_is_served_elsewhere_at_the_least_cost(seed: int) -> None:
    """Tests that after a rejection the whole order is the cheapest in which that node does not serve that line."""
    for document, _, snapshot, order, decision in decided(seed):
        part = decision.allocations[0]
        loose = tuple(
            Standing(
                shipment=one.shipment,
                allocations=tuple(row for row in one.allocations if row != part),
            )
            for one in standing(decision)
        )
        snapshot.give_back(decision)
        snapshot.take(
            Decision(
                order_id=order.order_id,
                shipments=tuple(one.shipment for one in loose),
                allocations=tuple(row for one in loose for row in one.allocations),
                unallocated=(),
            )
        )
        again = Again(standing=loose, barred={part.line_id: (part.node_id,)})
        new = decide(snapshot, [order], again={order.order_id: again}, take=True)[0]
        allowed = [
            option
            for option in all_options(document, order.order_id)
            if not serves(option, order, part.line_id, part.node_id)
        ]
        assert new.objective_cents == min(option.cents for option in allowed)
        assert not any(row.line_id == part.line_id and row.node_id == part.node_id for row in new.allocations)
        assert len({row.shipment_id for row in new.shipments}) == len(new.shipments)
        assert held(snapshot) == computed(after(document, [new]))


def test_what_is_fixed_stays() -> None:
    """Tests that a fixed shipment stays and the rest is decided around it, as well as the oracle can."""
    n_moved = 0
    for seed in SEEDS:
        for document, batch, snapshot, order, decision in decided(seed):
            if len(decision.shipments) < 2 or batch.policy.horizon_days > 1 or order.ship_complete:
                continue
            kept, gone = decision.shipments[1], decision.shipments[0]
            snapshot.give_back(decision)
            its = standing(decision, fixed=kept.shipment_id, without=gone.shipment_id)
            holds = Decision(
                order_id=order.order_id,
                shipments=tuple(one.shipment for one in its),
                allocations=tuple(row for one in its for row in one.allocations),
                unallocated=(),
            )
            snapshot.take(holds)
            new = decide(
                snapshot, [order], again={order.order_id: Again(standing=its)}, exclude={order.order_id: [gone.node_id]}
            )[0]
            stays = next(row for row in new.shipments if row.shipment_id == kept.shipment_id)
            assert (stays.node_id, stays.service_id, stays.ship_date) == (kept.node_id, kept.service_id, kept.ship_date)
            carried = {row.line_id: row.quantity for row in its[0].allocations}
            n_moved += len(new.shipments) > 1
            assert new.objective_cents == min(
                option.cents
                for option in all_options(document, order.order_id)
                if all(shipment.node_id != gone.node_id for shipment in option.shipments)
                and any(
                    (shipment.node_id, shipment.service_id, shipment.ship_date)
                    == (kept.node_id, kept.service_id, kept.ship_date)
                    and [*shipment.quantities] == [carried.get(line.line_id, 0) for line in order.lines]
                    for shipment in option.shipments
                )
            )
            assert [row.split_cents for row in new.shipments] == [
                0,
                *[batch.policy.split_cents] * (len(new.shipments) - 1),
            ]
    assert n_moved > 0


def test_a_wholly_fixed_order_is_not_decided() -> None:
    """Tests that an order whose lines are all in fixed shipments is given back as it stands."""
    for _, _, snapshot, order, decision in decided(3):
        if decision.complete:
            its = tuple(
                Standing(shipment=one.shipment, allocations=one.allocations, fixed=True) for one in standing(decision)
            )
            new = decide(snapshot, [order], again={order.order_id: Again(standing=its)})[0]
            assert (new.shipments, new.positions) == (decision.shipments, decision.positions)


def test_a_node_that_is_no_more_is_history() -> None:
    """Tests that an order decided again, or explained, may have shipped from a node that the network has lost."""
    n_tried = 0
    for seed in SEEDS[:20]:
        for document, _, _, order, decision in decided(seed):
            lost = decision.shipments[0].node_id
            if lost in (*order.only_nodes, *order.not_nodes) or len(document["nodes"]) < 2:
                continue
            smaller = {
                name: [row for row in rows if row.get("node_id") != lost] if isinstance(rows, list) else rows
                for name, rows in document.items()
            }
            snapshot = Snapshot(parse_batch({**smaller, "orders": [], "lines": []}))
            fresh = decide(snapshot, [order])[0]
            before = held(snapshot)
            snapshot.take(decision)
            line_id = decision.allocations[0].line_id
            again = Again(standing=standing(decision), barred={line_id: (lost,)})
            new = decide(snapshot, [order], again={order.order_id: again}, take=True)[0]
            assert new.objective_cents == fresh.objective_cents
            assert explain(snapshot, order, new).objective_cents == new.objective_cents
            explain(snapshot, order, decision, taken=False)
            snapshot.give_back(new)
            assert held(snapshot) == before
            n_tried += 1
    assert n_tried > 20
