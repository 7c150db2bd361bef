"""Tests that each order gets its best option on what is left, at the batch's costs and rules."""

from __future__ import annotations

import pytest

from engine import AllocateParams, Allocation, Batch, allocate, parse_batch
from engine.check import check
from engine.documents import InputError
from engine.generate import GenerateParams, generate
from engine.live import Decision, Order, OrderLine, Snapshot, decide, faults_of
from tests.drawing import draw_batch
from tests.engine.live.giving import (
    SEEDS,
    after,
    all_options,
    allocation_of,
    drawn_prices,
    only,
    orders_of,
    value,
)
from tests.engine.small_batch import small_document


def faults(batch: Batch, decisions: list[Decision], *passed_over: str) -> list[str]:
    """What the checker finds, but in the summary (there is none) and in some columns."""
    found = check(batch, allocation_of(decisions)).faults
    return [fault.message for fault in found if fault.table != "summary" and fault.column not in passed_over]


@pytest.mark.parametrize("seed", SEEDS[:16])
def test_a_lone_order_is_as_good_as_its_batch(seed: int) -> None:
    """Tests that the objective of each drawn order alone is what a batch of it alone is proved to cost."""
    batch = parse_batch(draw_batch(seed))
    snapshot = Snapshot(batch)
    for order in orders_of(batch):
        decision = decide(snapshot, [order])[0]
        alone = only(batch, [order.order_id])
        proved: Allocation = allocate(alone, AllocateParams(gap=0.0))
        assert proved.summary["termination"] == "optimal"
        assert decision.objective_cents == proved.summary["objective_cents"]
        assert decision.terms == proved.summary["terms"]
        assert faults(alone, [decision]) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_orders_of_a_call_are_decided_in_sequence(seed: int) -> None:
    """Tests each order against everything that the oracle can do with what the orders before it left."""
    document = draw_batch(seed)
    batch = parse_batch(document)
    orders = orders_of(batch)
    decisions = decide(Snapshot(batch), orders)
    left = document
    for order, decision in zip(orders, decisions, strict=True):
        options = all_options(left, order.order_id)
        assert decision.objective_cents == min(option.cents for option in options)
        assert faults(only(parse_batch(left), [order.order_id]), [decision]) == []
        left = after(left, [decision])
    assert faults(batch, decisions, "reason") == []


@pytest.mark.parametrize("seed", SEEDS)
def test_prices_choose_but_are_in_no_term(seed: int) -> None:
    """Tests that the option chosen has the least cost plus price of all, and that the two are told apart."""
    document = draw_batch(seed)
    batch = parse_batch(document)
    snapshot = Snapshot(batch)
    worth, table = drawn_prices(document, seed)
    prices = snapshot.prices(table)
    for order in orders_of(batch):
        decision = decide(snapshot, [order], prices=prices)[0]
        options = all_options(document, order.order_id)
        assert decision.objective_cents + decision.price_cents == min(value(option, worth) for option in options)
        assert faults(only(batch, [order.order_id]), [decision], "service_id", "reason") == []


def test_prices_move_orders_somewhere() -> None:
    """Tests that prices made a difference in the drawn batches, so that the test above says something."""
    n_moved = 0
    for seed in SEEDS:
        document = draw_batch(seed)
        batch = parse_batch(document)
        snapshot = Snapshot(batch)
        prices = snapshot.prices(drawn_prices(document, seed)[1])
        for order in orders_of(batch):
            cheap, priced = (decide(snapshot, [order], prices=its)[0] for its in (None, prices))
            n_moved += priced.objective_cents > cheap.objective_cents
    assert n_moved > 20


@pytest.fixture(scope="module")
def flash() -> Batch:
    """Many orders for few skus: orders of one call want the same units."""
    return generate(GenerateParams(load="flash", n_orders=300, n_nodes=20, n_skus=8, seed=5))


def test_calls_of_any_size_decide_the_same(flash: Batch) -> None:
    """Tests that deciding orders together, or one by one with what they take kept, costs each of them the same."""
    orders = orders_of(flash)
    together = decide(Snapshot(flash), orders)
    snapshot = Snapshot(flash)
    singly = [decide(snapshot, [order], take=True)[0] for order in orders]
    assert [one.objective_cents for one in together] == [one.objective_cents for one in singly]
    assert faults(flash, together, "reason") == []
    assert 0 < sum(one.complete for one in together) < len(orders)


def test_deciding_changes_nothing_unless_it_takes(flash: Batch) -> None:
    """Tests that a call without take leaves the snapshot as it was, and that giving back undoes one with it."""
    snapshot = Snapshot(flash)
    orders = orders_of(flash)[:60]
    first = decide(snapshot, orders)
    assert decide(snapshot, orders) == first
    assert decide(snapshot, orders, take=True) == first
    assert decide(snapshot, orders) != first
    for decision in first:
        snapshot.give_back(decision)
    assert decide(snapshot, orders) == first


def test_excluded_nodes_do_not_serve(flash: Batch) -> None:
    """Tests that an excluded node serves its order no more, and other orders still."""
    snapshot = Snapshot(flash)
    orders = orders_of(flash)[:20]
    first = decide(snapshot, orders)
    order, node_id = next((one.order_id, one.shipments[0].node_id) for one in first if one.shipments)
    again = decide(snapshot, orders, exclude={order: [node_id]})
    of_order = {one.order_id: {row.node_id for row in one.shipments} for one in again}
    assert node_id not in of_order[order]
    assert any(node_id in nodes for nodes in of_order.values())


def test_large_orders_are_decided() -> None:
    """Tests orders of 12 to 20 lines, which are packed: by the rules, and no dearer than nothing."""
    batch = generate(GenerateParams(load="basket", n_orders=200, n_nodes=20, n_skus=150, seed=3))
    orders = [order for order in orders_of(batch) if len(order.lines) > 11]
    assert len(orders) > 5
    decisions = decide(Snapshot(batch), orders)
    assert faults(only(batch, [order.order_id for order in orders]), decisions, "reason") == []
    assert sum(len(one.allocations) for one in decisions) > 0.8 * sum(len(order.lines) for order in orders)


def test_documents_read_back(flash: Batch) -> None:
    """Tests that a decision is the same after its document was written and read."""
    for decision in decide(Snapshot(flash), orders_of(flash)[:30]):
        assert Decision.from_document(decision.to_document()) == decision


def test_faults_name_the_row_and_what_was_expected(flash: Batch) -> None:
    """Tests that orders which the network does not fit are refused with all that is wrong, and nothing is decided."""
    most = 2**31 - 1
    sku = flash["items"].column("sku")[0].as_py()
    lines = (
        OrderLine(line_id="1", sku="no such", quantity=1),
        OrderLine(line_id="1", sku=sku, quantity=most, unallocated_cents=most),
    )
    wrong = Order(
        order_id="W",
        lat=0.0,
        lon=0.0,
        lines=lines,
        only_nodes=("nowhere",),
        late_cents_per_day=most,
        priority_pct=most,
    )
    snapshot = Snapshot(flash)
    assert [fault.message for fault in faults_of(snapshot, wrong)] == [
        "orders row 1: only_nodes is nowhere, expected a node_id of nodes",
        "orders row 1: 1.69e+19 cents if late, expected less than 7e11 cents, so that sums are exact",
        "lines row 1: sku is no such, expected a sku of items",
        "lines row 2: W, 1, expected a key that is not in row 1 already",
        "lines row 2: 9.9e+25 cents if left out, expected less than 7e11 cents, so that sums are exact",
    ]
    right = orders_of(flash)[0]
    before = decide(snapshot, [right])
    with pytest.raises(InputError, match="orders row 2: only_nodes is nowhere"):
        decide(snapshot, [right, wrong], take=True)
    with pytest.raises(InputError, match="not_nodes is nowhere, expected a node_id of nodes"):
        decide(snapshot, [right], exclude={right.order_id: ["nowhere"]}, take=True)
    assert decide(snapshot, [right]) == before


def test_of_equal_services_the_earlier_is_taken() -> None:
    """Tests that among services of equal cost, each with a capacity, the earlier delivers, then the smaller id, while
    there are any left in the call."""
    document = small_document()
    services = [{"service_id": name, "carrier": "van"} for name in ("a", "b", "c")]
    document |= {
        "nodes": [{"node_id": "N1", "kind": "dc", "lat": 40.5, "lon": -80.25}],
        "stock": [{"node_id": "N1", "sku": "007", "on_hand": 50}],
        "items": [{"sku": "007", "weight_g": 100}],
        "services": services,
        "bands": [
            {"service_id": name, "max_km": 5000, "zone": "1", "transit_days": days}
            for name, days in (("a", 3), ("b", 1), ("c", 1))
        ],
        "rates": [{"service_id": name, "zone": "1", "max_weight_g": 1000, "cents": 500} for name in "abc"],
        "service_capacity": [{"node_id": "N1", "service_id": name, "shipments_per_day": 1} for name in "abc"],
        "orders": [{"order_id": f"O{i}", "lat": 41.25, "lon": -80.5} for i in range(4)],
        "lines": [{"order_id": f"O{i}", "line_id": "1", "sku": "007", "quantity": 1} for i in range(4)],
        "lanes": [],
        "closures": [],
        "used": [],
    }
    document["policy"]["horizon_days"] = 1
    batch = parse_batch(document)
    decisions = decide(Snapshot(batch), orders_of(batch))
    assert [[row.service_id for row in one.shipments] for one in decisions] == [["b"], ["c"], ["a"], []]
    assert [row.reason for row in decisions[-1].unallocated] == ["no_capacity"]
