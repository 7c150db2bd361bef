"""Tests listed options against every option that the brute force knows, at random prices with cuts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import numpy as np
import pytest

from engine.compile import Compiled, compile_batch
from engine.documents import parse_batch
from engine.network import IntArray
from engine.visit_search import MOST_VISITS
from solver.cuts import Cuts
from solver.problem import Problem
from solver.source import MILLI, NO_FLOOR, More, Prices, price_of
from tests.drawing import Document, draw_batch
from tests.oracle import Option, TooLarge, options

EPOCH = date(1970, 1, 1)
Usage = dict[int, int]


class Known(NamedTuple):
    """An option in the numbers of the compiled batch: cents, each entry of usage, and usage by resource."""

    cents: int
    entries: list[tuple[int, int]]
    usage: Usage

    def value(self, prices: Prices) -> int:
        """Cost plus price of usage, in thousandths of a cent."""
        return self.cents * MILLI + sum(price_of(*prices, *entry) for entry in self.entries)

    def beats(self, other: Known) -> bool:
        """Whether it costs no more and uses no more of anything."""
        return self.cents <= other.cents and all(
            amount <= other.usage.get(resource, 0) for resource, amount in self.usage.items()
        )


class Index:
    """Finds the compiled resources of a brute-force option."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        network, names = compiled.network, compiled.names
        self.node = {node_id: i for i, node_id in enumerate(names.node_id)}
        self.service = {service_id: i for i, service_id in enumerate(names.service_id)}
        self.sku = {sku: i for i, sku in enumerate(names.sku.to_pylist())}
        self.slot = {(int(node), int(day)): i for i, (node, day) in enumerate(zip(network.slot_node, network.slot_day))}

    def stock(self, node: int, sku: int, day: int) -> Iterator[int]:
        """The intervals that a shipment of a day counts in: its own and all later ones."""
        network = self.compiled.network
        for pair in range(network.sku_first_pair[sku], network.sku_first_pair[sku + 1]):
            if network.pair_node[pair] == node:
                intervals = range(network.pair_first_resource[pair], network.pair_first_resource[pair + 1])
                for resource in intervals:
                    opens = [int(network.stock_day[later]) for later in intervals if later > resource]
                    if not opens or day < opens[0]:
                        yield resource

    def known(self, option: Option, skus: list[str]) -> Known:
        """Translate a brute-force option of an order with these lines."""
        network = self.compiled.network
        entries: list[tuple[int, int]] = []
        for shipment in option.shipments:
            day = (shipment.ship_date - EPOCH).days
            node = self.node[shipment.node_id]
            slot, service = self.slot[node, day], self.service[shipment.service_id]
            for sku, units in zip(skus, shipment.quantities, strict=True):
                if units:
                    entries += [(resource, units) for resource in self.stock(node, self.sku[sku], day)]
            taken = (
                (network.slot_shipments_resource[slot], 1),
                (network.slot_units_resource[slot], sum(shipment.quantities)),
                (network.slot_service_resource[slot, service], 1),
            )
            entries += [(int(resource), amount) for resource, amount in taken if resource >= 0]
        return Known(option.cents, entries, added(entries))


def added(entries: list[tuple[int, int]]) -> Usage:
    """Usage by resource."""
    usage: Usage = {}
    for resource, amount in entries:
        usage[resource] = usage.get(resource, 0) + amount
    return usage


def unpacked(more: More, n_orders: int) -> list[list[Known]]:
    """The options of an answer, by order."""
    found: list[list[Known]] = [[] for _ in range(n_orders)]
    for i in range(more.group.size):
        at = slice(more.usage_start[i], more.usage_start[i + 1])
        entries = list(zip(more.usage_resource[at].tolist(), more.usage_amount[at].tolist()))
        found[int(more.group[i])].append(Known(int(more.cost[i]), entries, added(entries)))
    return found


def truth(drawn: Document, compiled: Compiled) -> list[list[Known]] | None:
    """Every option of every order, or None where that is too many."""
    index = Index(compiled)
    lines: dict[str, list[str]] = {order["order_id"]: [] for order in drawn["orders"]}
    for line in drawn["lines"]:
        lines[line["order_id"]].append(line["sku"])
    try:
        return [[index.known(option, skus) for option in options(drawn, order_id)] for order_id, skus in lines.items()]
    except TooLarge:
        return None


def random_prices(rng: np.random.Generator, supply: IntArray) -> Prices:
    """Prices of some resources, some of them with cuts, from none to more than anything is worth."""
    scale = rng.choice([0, 20, 300, 3000])
    unit = np.where(rng.random(supply.size) < 0.5, rng.integers(0, scale * MILLI + 1, supply.size), 0)
    rows = np.flatnonzero((supply >= 2) & (rng.random(supply.size) < 0.5))
    denominator = rng.integers(2, supply[rows] + 2)
    cuts = Cuts.plain(rows, rng.integers(1, denominator), denominator)
    price = np.concatenate((unit, rng.integers(0, scale * MILLI + 1, rows.size)))
    return cuts.prices(price, supply)


def test_listed_options_and_floors_agree_with_the_brute_force() -> None:
    """Tests that options exist, that none better is missing and that floors hold, at limits of 1 to many."""
    rng = np.random.default_rng(5)
    n_orders = n_unlisted = n_tables = n_misfits = 0
    for seed in range(3000, 3090):
        drawn = draw_batch(seed)
        compiled = compile_batch(parse_batch(drawn))
        known = truth(drawn, compiled)
        if known is None:
            continue
        groups = np.arange(len(known))
        listed = unpacked(compiled.options.nothing(), groups.size)
        for _ in range(5):
            prices = random_prices(rng, compiled.problem.supply)
            n_tables += prices.table.size > 0
            limit = int(rng.choice([1, 2, 3, 1000]))
            slack = int(rng.choice([0, 50 * MILLI, 1000 * MILLI, NO_FLOOR]))
            more = compiled.options.more(groups, prices, slack=slack, limit=limit)
            for order, found in enumerate(unpacked(more, groups.size)):
                assert len(found) <= limit or more.floor[order] == NO_FLOOR, seed
                listed[order] += found
                assert_sound(compiled.problem, known[order], found)
                n_unlisted += assert_floor(prices, known[order], listed[order], int(more.floor[order]))
                best = min(option.value(prices) for option in known[order])
                least = min(int(more.floor[order]), *(option.value(prices) for option in listed[order]))
                if not compiled.network.allow_line_split and least < best:
                    # two shipments may each fit and not both: listed, but no more than a relaxation
                    n_misfits += 1
                    assert any(
                        option.value(prices) == least and not fits(compiled.problem, option) for option in listed[order]
                    ), (seed, order)
                if limit == 1000 and slack == NO_FLOOR:
                    assert more.floor[order] == NO_FLOOR, (seed, order)
                n_orders += 1
    assert n_orders > 1000 and n_unlisted > 1000 and n_tables > 100
    assert n_misfits < 0.05 * n_orders


def with_falling_rates(drawn: Document, rng: np.random.Generator) -> Document:
    """The same batch with rates in any order: a heavier parcel may cost less."""
    cents = [row["cents"] for row in drawn["rates"]]
    rates = [row | {"cents": cents[i]} for row, i in zip(drawn["rates"], rng.permutation(len(cents)))]
    return drawn | {"rates": rates}


@pytest.mark.parametrize(("searched_shipments", "falling"), [(MOST_VISITS, False), (MOST_VISITS, True), (0, False)])
def test_packed_orders_agree_with_the_brute_force(searched_shipments: int, falling: bool) -> None:
    """Tests orders priced as large ones are: options exist, floors hold, and nearly always meet the best option."""
    rng = np.random.default_rng(6)
    n_orders = n_unlisted = n_met = 0
    for seed in range(3000, 3090):
        drawn = draw_batch(seed)
        if drawn["policy"].get("allow_line_split"):
            continue
        if falling:
            drawn = with_falling_rates(drawn, rng)
        compiled = compile_batch(parse_batch(drawn), listed_pieces=0, searched_shipments=searched_shipments)
        known = truth(drawn, compiled)
        if known is None:
            continue
        groups = np.arange(len(known))
        listed = unpacked(compiled.options.nothing(), groups.size)
        for _ in range(5):
            prices = random_prices(rng, compiled.problem.supply)
            limit = int(rng.choice([1, 2, 3, 1000]))
            slack = int(rng.choice([0, 50 * MILLI, 1000 * MILLI, NO_FLOOR]))
            quick = compiled.options.more(groups, prices, slack=slack, limit=limit, exact=False)
            for order, found in enumerate(unpacked(quick, groups.size)):
                listed[order] += found
                assert_sound(compiled.problem, known[order], found)
            more = compiled.options.more(groups, prices, slack=slack, limit=limit)
            for order, found in enumerate(unpacked(more, groups.size)):
                assert len(found) <= limit, seed
                listed[order] += found
                assert_sound(compiled.problem, known[order], found)
                n_unlisted += assert_floor(prices, known[order], listed[order], int(more.floor[order]))
                best = min(option.value(prices) for option in known[order])
                least = min(int(more.floor[order]), *(option.value(prices) for option in listed[order]))
                n_met += least >= best - MILLI
                n_orders += 1
    assert n_orders > 1000 and n_unlisted > 1000
    assert n_met > 0.95 * n_orders


def fits(problem: Problem, option: Known) -> bool:
    """Whether an option could be taken if nothing else was."""
    return all(amount <= problem.supply[resource] for resource, amount in option.usage.items())


def assert_sound(problem: Problem, known: list[Known], found: list[Known]) -> None:
    """Every new option is one that the brute force knows, with the same cents and usage."""
    for option in found:
        assert not fits(problem, option) or any(
            option.cents == other.cents and option.usage == other.usage for other in known
        ), option


def assert_floor(prices: Prices, known: list[Known], listed: list[Known], floor: int) -> int:
    """Unlisted options below the floor are beaten in everything by a listed one; count those above it."""
    n_above = 0
    for option in known:
        if any(option.cents == other.cents and option.usage == other.usage for other in listed):
            continue
        if option.value(prices) < floor:
            assert any(other.beats(option) for other in listed), (option, floor)
        else:
            n_above += 1
    return n_above


def test_options_are_listed_once() -> None:
    """Tests that asking again with nothing new to find returns no option twice, and tags that stay."""
    for seed in range(3100, 3120):
        compiled = compile_batch(parse_batch(draw_batch(seed)))
        groups = np.arange(compiled.problem.n_groups)
        prices = Prices.zero(compiled.problem.n_resources)
        first = compiled.options.more(groups, prices, slack=NO_FLOOR, limit=1000)
        again = compiled.options.more(groups, prices, slack=NO_FLOOR, limit=1000)
        assert again.group.size == 0 and (again.floor == NO_FLOOR).all()
        tags = np.concatenate((compiled.options.nothing().tag, first.tag))
        assert np.array_equal(tags, np.arange(tags.size))
