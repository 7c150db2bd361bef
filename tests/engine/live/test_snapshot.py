"""Tests that a snapshot's supply is what the network computes for the same tables, whatever changed meanwhile."""

from __future__ import annotations

import random
import threading
from collections import Counter
from copy import deepcopy
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from engine.documents import Batch, InputError, parse_batch
from engine.generate import GenerateParams, generate
from engine.live import Snapshot, StockDelta, UsedDelta, decide
from engine.network import Names, Network, build_network
from engine.rates import stock_resource
from tests.drawing import draw_batch
from tests.engine.live.giving import SEEDS, after, orders_of

Document = dict[str, Any]
Key = tuple[str, str, str, int]


def supplies(network: Network, names: Names) -> dict[Key, int]:
    """What is left on each ship date: of the stock of each node and sku, and of each capacity."""
    out: dict[Key, int] = {}
    sku = names.sku.to_pylist()
    pair_sku = np.repeat(np.arange(len(sku)), np.diff(network.sku_first_pair))
    first_slot = network.node_first_slot.tolist()
    for pair, node in enumerate(network.pair_node.tolist()):
        for day in network.slot_day[first_slot[node] : first_slot[node + 1]].tolist():
            resource = stock_resource(network.pair_first_resource, network.stock_day, pair, day)
            if resource >= 0:
                out["stock", names.node_id[node], sku[pair_sku[pair]], day] = int(network.supply[resource])
    for slot, node in enumerate(network.slot_node.tolist()):
        limits = [("shipments", "", network.slot_shipments_resource[slot])]
        limits.append(("units", "", network.slot_units_resource[slot]))
        limits += [("service", name, network.slot_service_resource[slot, i]) for i, name in enumerate(names.service_id)]
        for kind, name, resource in limits:
            if resource >= 0:
                out[kind, names.node_id[node], name, int(network.slot_day[slot])] = int(network.supply[resource])
    return out


def held(snapshot: Snapshot) -> dict[Key, int]:
    """What a snapshot has left."""
    with snapshot.locked() as state:
        return supplies(state.network, state.base.names)


def computed(document: Document) -> dict[Key, int]:
    """What the network computes for a document."""
    return supplies(*build_network(parse_batch(document)))


def draw_changes(document: Document, seed: int) -> tuple[Document, list[StockDelta], list[UsedDelta]]:
    """A few changes of stock and used capacity, old and new rows, and the document with them."""
    rng = random.Random(seed)
    document = deepcopy(document)
    today = datetime.fromisoformat(document["policy"]["as_of"]).date()
    node_ids = [row["node_id"] for row in document["nodes"]]
    stock: list[StockDelta] = []
    rows = {(row["node_id"], row["sku"], row.get("available_on") or None): row for row in document["stock"]}
    for _ in range(8):
        if rows and rng.random() < 0.6:
            key = rng.choice(list(rows))
        else:
            arrival = (today + timedelta(days=rng.randint(-2, 6))).isoformat()
            key = (rng.choice(node_ids), rng.choice(document["items"])["sku"], rng.choice([None, arrival]))
        row = rows.setdefault(key, dict(zip(("node_id", "sku", "available_on"), key)) | {"on_hand": 0})
        drawn = (rng.choice([-1, 0, 1, 5]), rng.choice([0, 0, 1, 3]), rng.choice([0, 1]))
        change = dict(zip(("on_hand", "reserved", "safety_stock"), drawn))
        for name, amount in change.items():
            now = row.get(name) or 0
            change[name] = max(-now, amount)
            row[name] = now + change[name]
        available_on = None if key[2] is None else date.fromisoformat(key[2])
        stock.append(StockDelta(node_id=key[0], sku=key[1], available_on=available_on, **change))
    document["stock"] = list(rows.values())
    used: list[UsedDelta] = []
    table = {(row["node_id"], row.get("service_id") or None, row["date"]): row for row in document.get("used", ())}
    for _ in range(6):
        day = today + timedelta(days=rng.randint(-1, 5))
        service_id = rng.choice([None, *(row["service_id"] for row in document["services"])])
        place = {"node_id": rng.choice(node_ids), "service_id": service_id, "date": day.isoformat()}
        row = table.setdefault(tuple(place.values()), place)
        amounts = {"shipments": rng.randint(0, 2), "units": rng.randint(0, 3)}
        for name, amount in amounts.items():
            row[name] = (row.get(name) or 0) + amount
        used.append(UsedDelta(node_id=place["node_id"], service_id=service_id, date=day, **amounts))
    document["used"] = list(table.values())
    return document, stock, used


@pytest.mark.parametrize("seed", SEEDS)
def test_supply_is_what_the_network_computes(seed: int) -> None:
    """Tests a snapshot as built, after changes of rows that were there, and after a rebuild with new ones."""
    document = draw_batch(seed)
    batch = parse_batch(document)
    snapshot = Snapshot(batch)
    with snapshot.locked() as state:
        for mine, computed_one in zip(state.network, build_network(batch)[0], strict=True):
            assert np.array_equal(mine, computed_one)
    changed, stock, used = draw_changes(document, seed)
    snapshot.apply(stock=stock, used=used)
    right = computed(changed)
    now = held(snapshot)
    assert all(now.get(key, 0) <= amount for key, amount in right.items())
    assert snapshot.waiting or {key: now.get(key, 0) for key in right} == right
    snapshot.rebuild()
    assert snapshot.waiting == 0
    assert {key: held(snapshot).get(key, 0) for key in right} == right


def test_changes_wait_only_where_they_must() -> None:
    """Tests that the drawn changes leave some snapshots exact at once and others waiting for a rebuild."""
    waiting = []
    for seed in SEEDS:
        document = draw_batch(seed)
        snapshot = Snapshot(parse_batch(document))
        _, stock, used = draw_changes(document, seed)
        snapshot.apply(stock=stock[:3], used=used)
        waiting.append(snapshot.waiting > 0)
    assert 10 < sum(waiting) < len(SEEDS) - 5


@pytest.mark.parametrize("seed", SEEDS[:12])
def test_what_decisions_take_is_what_a_batch_reads(seed: int) -> None:
    """Tests that taken decisions count as reserved and used do in a batch, and for nothing once given back."""
    document = draw_batch(seed)
    batch = parse_batch(document)
    snapshot = Snapshot(batch)
    before = held(snapshot)
    decisions = decide(snapshot, orders_of(batch), take=True)
    assert held(snapshot) == computed(after(document, decisions))
    snapshot.rebuild()
    assert held(snapshot) == computed(after(document, decisions))
    for decision in decisions:
        snapshot.give_back(decision)
    assert held(snapshot) == before
    for decision in decisions:
        snapshot.take(decision)
    assert held(snapshot) == computed(after(document, decisions))


def test_a_later_instant_has_its_own_ship_dates() -> None:
    """Tests that a rebuild for another instant is what a batch of that instant computes, with used days kept aside."""
    for seed in SEEDS[:12]:
        document = draw_batch(seed)
        snapshot = Snapshot(parse_batch(document))
        later = deepcopy(document)
        instant = datetime.fromisoformat(document["policy"]["as_of"]) + timedelta(days=2)
        later["policy"]["as_of"] = instant.isoformat()
        snapshot.rebuild(instant)
        assert snapshot.as_of == instant
        assert held(snapshot) == computed(later)
        snapshot.rebuild(instant - timedelta(days=2))
        assert held(snapshot) == computed(document)


def test_unknown_names_change_nothing() -> None:
    """Tests that changes of what is not in the network are refused whole, by name."""
    snapshot = Snapshot(parse_batch(draw_batch(1)))
    before = held(snapshot)
    node_id, sku = snapshot.node_ids[0], "000"
    right = StockDelta(node_id=node_id, sku=sku, on_hand=3)
    wrong = StockDelta(node_id=node_id, sku="no such", on_hand=3)
    with pytest.raises(InputError, match="stock row 2: sku is no such, expected a sku of items"):
        snapshot.apply(stock=[right, wrong])
    used = UsedDelta(node_id=node_id, service_id="pigeon", date=date(2026, 3, 9), shipments=1)
    with pytest.raises(InputError, match="used row 1: service_id is pigeon, expected a service_id of services"):
        snapshot.apply(stock=[right], used=[used])
    assert held(snapshot) == before


@pytest.fixture(scope="module")
def calm() -> Batch:
    """Enough stock and orders for threads to meet."""
    return generate(GenerateParams(load="calm", n_orders=400, n_nodes=20, n_skus=50, seed=2))


def test_threads_and_rebuilds_lose_nothing(calm: Batch) -> None:
    """Tests that four threads deciding, giving back and changing stock during rebuilds add up to what each one did."""
    snapshot = Snapshot(calm)
    before = held(snapshot)
    orders = orders_of(calm)
    kept: list[Any] = []
    row = calm["stock"].slice(0, 1).to_pylist()[0]
    done = threading.Event()
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            mine = orders[number::4]
            for at in range(0, len(mine), 5):
                decisions = decide(snapshot, mine[at : at + 5], take=True)
                snapshot.give_back(decisions[0])
                kept.extend(decisions[1:])
                snapshot.apply(stock=[StockDelta(node_id=row["node_id"], sku=row["sku"], on_hand=1)])
        except BaseException as error:
            errors.append(error)

    def rebuild() -> None:
        while not done.is_set():
            snapshot.rebuild()

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    rebuilding = threading.Thread(target=rebuild)
    for thread in (*workers, rebuilding):
        thread.start()
    for thread in workers:
        thread.join()
    done.set()
    rebuilding.join()
    assert errors == []
    for decision in kept:
        snapshot.give_back(decision)
    n_calls = sum(-(-len(orders[number::4]) // 5) for number in range(4))
    snapshot.apply(stock=[StockDelta(node_id=row["node_id"], sku=row["sku"], on_hand=-n_calls)])
    assert held(snapshot) == before


def test_nothing_is_sold_twice(calm: Batch) -> None:
    """Tests that what is taken of a (node, sku) over many calls is never more than was sellable."""
    snapshot = Snapshot(calm)
    first = held(snapshot)
    sold: Counter[tuple[str, str]] = Counter()
    orders = orders_of(calm)
    for _ in range(6):
        for at in range(0, len(orders), 16):
            for decision in decide(snapshot, orders[at : at + 16], take=True):
                for position in decision.positions:
                    sold[position.node_id, position.sku] += position.quantity
    most: dict[tuple[str, str], int] = {}
    for (kind, node_id, sku, _), amount in first.items():
        if kind == "stock":
            most[node_id, sku] = max(most.get((node_id, sku), 0), amount)
    assert all(units <= most[pair] for pair, units in sold.items())
    assert any(units == most[pair] for pair, units in sold.items())
