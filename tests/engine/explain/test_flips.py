"""Tests that explanations are true: the stated smallest change flips the decision and one less does not, re-solved by
an integer program over the oracle's options, in which nothing of ours takes part."""

from __future__ import annotations

import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pyarrow.compute as pc
import pytest

from engine import AllocateParams, Allocation, Batch, allocate, parse_batch
from engine.documents import batch_to_document
from engine.explain import Change, Explainer, OrderExplanation
from engine.generate import GenerateParams, generate
from tests.drawing import draw_batch
from tests.engine.explain.dealing import Deal, Oracle
from tests.engine.live.giving import after, only

GENERATED = (
    GenerateParams(load="flash", n_orders=150, n_nodes=20, n_skus=8, seed=1),
    GenerateParams(load="peak", n_orders=120, n_nodes=8, n_skus=25, seed=2),
    GenerateParams(load="calm", n_orders=100, n_nodes=8, n_skus=20, seed=3),
    GenerateParams(load="flash", n_orders=100, n_nodes=30, n_skus=4, seed=4),
)
N_EACH = 50
MOST_OPTIONS = 6_000


def short_orders(batch: Batch) -> Batch:
    """The orders of at most two lines: the oracle tries everything."""
    counts = batch["lines"].group_by("order_id").aggregate([("line_id", "count")])
    return only(batch, counts.filter(pc.less_equal(counts["line_id_count"], 2))["order_id"].to_pylist())


def explained(batch: Batch, allocation: Allocation, n: int, seed: int) -> Iterator[tuple[OrderExplanation, Deal]]:
    """Explanations of random orders that have rival nodes, each with its neighbourhood as the oracle lists it.

    Large ones are passed over.
    """
    explainer = Explainer(batch, allocation, n_studied=2, n_neighbours=12)
    oracle = Oracle(batch)
    order_ids = batch["orders"].column("order_id").to_pylist()
    decisions = {name: explainer.standing.decision_of(number) for number, name in enumerate(order_ids)}
    random.Random(seed).shuffle(order_ids)
    all_left = oracle.left(decisions.values())
    for order_id in order_ids:
        if n == 0:
            return
        found = explainer.order(order_id)
        if not found.alternatives:
            continue
        members = (order_id, *found.neighbours)
        listed = [oracle.options(name) for name in members]
        if any(options is None for options in listed) or sum(len(options or ()) for options in listed) > MOST_OPTIONS:
            continue
        left = dict(all_left)
        for name in members:
            for resource, amount in oracle.use(decisions[name]).items():
                left[resource] += amount
        n -= 1
        yield found, Deal([options for options in listed if options is not None], left)


def flips(deal: Deal, node_id: str, **changes: object) -> bool:
    """Whether, with a change, every best way ships the first order from a node."""
    there = deal.shipments_from(node_id) > 0
    without = deal.least(barred=there, **changes)  # type: ignore[arg-type]
    return deal.least(**changes) < without  # type: ignore[arg-type]


def check(found: OrderExplanation, deal: Deal) -> list[str]:
    """Check every statement about changes; return what kinds there were."""
    kinds = []
    for one in found.alternatives:
        assert one.proven
        count = deal.shipments_from(one.node_id)
        if one.flip_cents is None:
            assert not flips(deal, one.node_id, cents=-1e7 * count)
            kinds.append("cannot")
        else:
            assert flips(deal, one.node_id, cents=-one.flip_cents * count)
            assert not flips(deal, one.node_id, cents=-(one.flip_cents - 1) * count)
            assert (one.total_cents <= 0) >= (one.flip_cents <= 0)
            kinds.append("rate" if one.flip_cents > 0 else "better")
        for change in one.changes if one.rival.option is not None else ():
            assert change.resource is not None and change.node_id == one.node_id
            assert flips(deal, one.node_id, more={change.resource: change.amount})
            assert not flips(deal, one.node_id, more={change.resource: change.amount - 1})
            kinds.append(change.resource.kind)
    for node_id, cents in found.stays_cents.items():
        count = deal.shipments_from(node_id)
        there = count > 0
        without = deal.least(barred=there)
        assert deal.least(cents=cents * count, barred=~there & deal.own) > without
        assert deal.least(cents=(cents - 1) * count, barred=~there & deal.own) <= without
        kinds.append("stays")
    return kinds


@pytest.mark.parametrize("params", GENERATED, ids=lambda params: f"{params.load}-{params.seed}")
def test_smallest_changes_flip_and_less_does_not(params: GenerateParams) -> None:
    """Tests 50 random orders of each of four batches."""
    batch = short_orders(generate(params))
    allocation = allocate(batch, AllocateParams(gap=0.0, time_limit_seconds=10.0))
    kinds: set[str] = set()
    n = 0
    for found, deal in explained(batch, allocation, N_EACH, params.seed):
        kinds.update(check(found, deal))
        n += 1
    assert n == N_EACH
    assert {"rate", "stays"} <= kinds
    assert params.load == "calm" or "stock" in kinds


def test_drawn_batches() -> None:
    """Tests every order of small batches with all that the model has: splits, later dates, arrivals, promises."""
    kinds: set[str] = set()
    for seed in range(16):
        batch = parse_batch(draw_batch(seed))
        allocation = allocate(batch, AllocateParams(gap=0.0))
        for found, deal in explained(batch, allocation, batch["orders"].num_rows, seed):
            assert found.regret_cents == 0
            kinds.update(check(found, deal))
    assert {"rate", "stays", "stock"} <= kinds


def test_stock_where_there_is_none() -> None:
    """Tests nodes that lack stock even for the order alone: the documents with the stated units more, solved anew."""
    batch = generate(GenerateParams(load="peak", n_orders=90, n_nodes=20, n_skus=30, seed=6))
    allocation = allocate(batch, AllocateParams(gap=0.0, time_limit_seconds=10.0))
    explainer = Explainer(batch, allocation, n_studied=4, n_neighbours=6)
    order_ids = batch["orders"].column("order_id").to_pylist()
    standing = {name: explainer.standing.decision_of(number) for number, name in enumerate(order_ids)}
    n = 0
    for order_id in order_ids[:60]:
        found = explainer.order(order_id)
        members = [order_id, *found.neighbours]
        rest = after(
            batch_to_document(only(batch, members)), [standing[name] for name in order_ids if name not in members]
        )
        for change in (change for one in found.alternatives if one.rival.option is None for change in one.changes):
            assert solved_flip(rest, order_id, change, change.amount)
            assert not solved_flip(rest, order_id, change, change.amount - 1)
            n += 1
    assert n >= 3


def solved_flip(document: dict[str, Any], order_id: str, change: Change, units: int) -> bool:
    """Whether the optimum with units more in the documents is out of reach without shipping the order from the node."""
    assert change.resource is not None
    richer = deepcopy(document)
    key = (change.resource.node_id, change.resource.sku)
    rows = [row for row in richer["stock"] if (row["node_id"], row["sku"]) == key]
    short = sum(row["reserved"] + row["safety_stock"] - row["on_hand"] for row in rows)
    rows[0]["on_hand"] += max(0, short) + units
    barred = deepcopy(richer)
    for row in barred["orders"]:
        if row["order_id"] == order_id:
            row["not_nodes"] = f"{row['not_nodes'] or ''} {change.node_id}".strip()
    costs = [allocate(parse_batch(one), AllocateParams(gap=0.0)).summary for one in (richer, barred)]
    assert [one["termination"] for one in costs] == ["optimal", "optimal"]
    return bool(costs[0]["objective_cents"] < costs[1]["objective_cents"])
