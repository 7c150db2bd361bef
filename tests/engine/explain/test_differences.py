"""Tests that what an explanation says of costs is what the checker's and the oracle's cost code recompute."""

from __future__ import annotations

import random

import pytest

from engine import AllocateParams, Batch, InputError, allocate
from engine.check import check
from engine.explain import Explainer
from engine.generate import GenerateParams, generate
from engine.live import Decision
from tests.engine.explain.dealing import Oracle
from tests.engine.live.giving import allocation_of

PEAK = GenerateParams(load="peak", n_orders=120, n_nodes=20, n_skus=30, seed=5)
BASKET = GenerateParams(load="basket", n_orders=40, n_nodes=12, n_skus=40, seed=6)


def faults(batch: Batch, decisions: list[Decision]) -> list[str]:
    """What the checker finds, but in the summary (there is none) and of equal services (which of them is preferred)."""
    found = check(batch, allocation_of(decisions)).faults
    return [one.message for one in found if one.table != "summary" and one.column != "service_id"]


@pytest.mark.parametrize("params", [PEAK, BASKET], ids=["peak", "basket"])
def test_every_alternative_is_an_allocation_at_its_stated_cost(params: GenerateParams) -> None:
    """Tests that with a rival's option and its moves in place the checker finds no fault, to the last cent."""
    batch = generate(params)
    allocation = allocate(batch, AllocateParams(gap=0.01, time_limit_seconds=3.0))
    explainer = Explainer(batch, allocation, n_studied=2, n_neighbours=10)
    order_ids = batch["orders"].column("order_id").to_pylist()
    standing = {name: explainer.standing.decision_of(number) for number, name in enumerate(order_ids)}
    assert faults(batch, list(standing.values())) == []
    present = sum(decision.objective_cents for decision in standing.values())
    assert present == allocation.summary["objective_cents"]
    n_moves = n_checked = 0
    for order_id in random.Random(1).sample(order_ids, 14):
        found = explainer.order(order_id)
        assert found.decision == standing[order_id]
        for one in found.alternatives:
            if one.option is None:
                continue
            after = {**standing, order_id: one.option, **{move.order_id: move.after for move in one.moves}}
            assert faults(batch, list(after.values())) == []
            difference = sum(one.difference(found.decision).values())
            assert difference == one.option.objective_cents - found.decision.objective_cents
            assert one.total_cents == sum(decision.objective_cents for decision in after.values()) - present
            assert one.total_cents == difference + sum(move.cents for move in one.moves)
            assert any(row.node_id == one.node_id for row in one.option.shipments)
            n_moves += len(one.moves)
            n_checked += 1
    assert n_checked > 8 and n_moves > 4


def test_what_giving_up_costs() -> None:
    """Tests each named holder against all its options: the least cost without the resource, all others as they are."""
    batch = generate(GenerateParams(load="flash", n_orders=80, n_nodes=15, n_skus=5, seed=7))
    allocation = allocate(batch, AllocateParams(gap=0.0))
    explainer = Explainer(batch, allocation, n_studied=3, n_neighbours=6)
    oracle = Oracle(batch)
    order_ids = batch["orders"].column("order_id").to_pylist()
    standing = {name: explainer.standing.decision_of(number) for number, name in enumerate(order_ids)}
    left = oracle.left(standing.values())
    n = 0
    for order_id in order_ids[:25]:
        for wanted in (wanted for one in explainer.order(order_id).alternatives for wanted in one.wanted):
            assert wanted.left < wanted.amount
            assert list(wanted.holders) == sorted(wanted.holders, key=lambda one: one.give_up_cents)
            for holder in wanted.holders:
                own = oracle.use(standing[holder.order_id])
                names = {name for name in own if name[:4] == _key(wanted.resource)}
                assert holder.amount == max(own[name] for name in names)
                costs = [
                    option.cents
                    for option in oracle.options(holder.order_id) or ()
                    if not names & option.use.keys()
                    and all(amount <= left[name] + own.get(name, 0) for name, amount in option.use.items())
                ]
                assert holder.give_up_cents == min(costs) - standing[holder.order_id].objective_cents
                n += 1
    assert n > 20


def _key(resource: object) -> tuple[object, ...]:
    return tuple(getattr(resource, name) for name in ("kind", "node_id", "sku", "service_id"))


def test_unknown_orders_and_foreign_allocations() -> None:
    """Tests that an unknown order is refused with those that look like it, and an allocation of another batch too."""
    batch = generate(GenerateParams(load="flash", n_orders=30, n_nodes=10, n_skus=4, seed=8))
    allocation = allocate(batch, AllocateParams(gap=0.0))
    with pytest.raises(InputError, match=r"order_id is o1x, expected an order of the batch, such as o\d\d"):
        Explainer(batch, allocation).order("o1x")
    other = generate(GenerateParams(load="flash", n_orders=20, n_nodes=10, n_skus=4, seed=8))
    with pytest.raises(InputError, match="expected an order of the batch"):
        Explainer(other, allocation)
    empty = batch["stock"].set_column(3, "reserved", batch["stock"]["on_hand"])
    assert empty.schema.names == batch["stock"].schema.names
    with pytest.raises(InputError, match=r"more of stock at .* than there is"):
        Explainer(Batch(batch.policy, {**batch.tables, "stock": empty}), allocation)
