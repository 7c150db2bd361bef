"""Generated batches: valid, reproducible, fast, and with the figures of a real day."""

from __future__ import annotations

import csv
import hashlib
import io
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc as ipc
import pytest

from engine.documents import Batch, InputError, batch_from_tables
from engine.generate import GenerateParams, generate
from engine.generate.loads import LOADS, LoadName
from engine.generate.places import distance_km, load_places
from engine.generate.tariffs import GRAMS_PER_LB, KM_PER_MILE, ZONE_MILES, service_cents
from engine.schema import INPUT_TABLES

LOAD_NAMES: tuple[LoadName, ...] = get_args(LoadName)
TARIFFS = Path(__file__).resolve().parents[3] / "shared" / "data" / "tariffs"


@lru_cache(maxsize=8)
def day(load: LoadName) -> Batch:
    """A day of usual proportions, small enough to look at from all sides."""
    sizes = {"calm": (8000, 1600), "peak": (8000, 1600), "flash": (8000, 20), "basket": (6000, 1200)}
    n_orders, n_skus = sizes[load]
    return generate(GenerateParams(load=load, n_orders=n_orders, n_skus=n_skus, seed=7))


def column(batch: Batch, table: str, name: str) -> np.ndarray[Any, Any]:
    return batch[table][name].to_numpy()


def index(batch: Batch, table: str, name: str, of: str) -> np.ndarray[Any, Any]:
    """Row in the table `of` that each value refers to."""
    return pc.index_in(batch[table][name], batch[of][name].combine_chunks()).to_numpy()


def shelves(batch: Batch) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Node, sku and sellable units of each stock row that is there now."""
    now = batch["stock"]["available_on"].is_null().to_numpy()
    held = column(batch, "stock", "reserved") + column(batch, "stock", "safety_stock")
    sellable = np.maximum(0, column(batch, "stock", "on_hand") - held)
    node, sku = index(batch, "stock", "node_id", "nodes"), index(batch, "stock", "sku", "items")
    return node[now], sku[now], sellable[now]


def lines_per_order(batch: Batch) -> np.ndarray[Any, Any]:
    return np.bincount(index(batch, "lines", "order_id", "orders"))


def wanted_and_had(batch: Batch) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Units of each sku that orders want, and that nodes can sell."""
    n = batch["items"].num_rows
    _, sku, sellable = shelves(batch)
    quantity = column(batch, "lines", "quantity")
    wanted = np.bincount(index(batch, "lines", "sku", "items"), weights=quantity, minlength=n)
    return wanted, np.bincount(sku, weights=sellable, minlength=n)


def nearest_load(batch: Batch) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Units that would leave each stock row if each line came from the nearest, and what each can sell."""
    node, sku, sellable = shelves(batch)
    order = np.argsort(sku, kind="stable")
    node, sku, sellable = node[order], sku[order], sellable[order]
    first = np.searchsorted(sku, np.arange(batch["items"].num_rows + 1))
    line_sku = index(batch, "lines", "sku", "items")
    count = (first[1:] - first[:-1])[line_sku]
    begin = np.cumsum(count) - count
    line = np.repeat(np.arange(len(line_sku)), count)
    row = np.arange(len(line)) - begin[line] + first[line_sku[line]]
    home = index(batch, "lines", "order_id", "orders")[line]
    km = distance_km(
        column(batch, "orders", "lat")[home],
        column(batch, "orders", "lon")[home],
        column(batch, "nodes", "lat")[node[row]],
        column(batch, "nodes", "lon")[node[row]],
    )
    nearest = np.flatnonzero(km == np.minimum.reduceat(km, begin)[line])
    load = np.bincount(row[nearest], weights=column(batch, "lines", "quantity")[line[nearest]], minlength=len(sku))
    return load, sellable


def digest(batch: Batch) -> str:
    """Hash of the policy and of every table's bytes."""
    state = hashlib.sha256(repr(batch.policy.to_document()).encode())
    for name, table in batch.tables.items():
        sink = io.BytesIO()
        with ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        state.update(name.encode() + sink.getvalue())
    return state.hexdigest()


@pytest.mark.parametrize("load", LOAD_NAMES)
def test_valid(load: LoadName) -> None:
    """A generated batch passes the validation of the documents and is already in its final form."""
    batch = day(load)
    read = batch_from_tables(batch.policy, dict(batch.tables))
    for name, schema in INPUT_TABLES.items():
        assert batch[name].column_names == list(schema.column_names)
        assert read[name].equals(batch[name]), name
        assert all(chunked.num_chunks <= 1 for chunked in batch[name].columns)


@pytest.mark.parametrize("load", LOAD_NAMES)
@pytest.mark.parametrize(("n_orders", "n_nodes", "n_skus"), [(1, 1, 1), (3, 2, 40), (40, 25, 2)])
def test_valid_when_tiny(load: LoadName, n_orders: int, n_nodes: int, n_skus: int) -> None:
    """The smallest sizes are valid too, and have exactly the rows that were asked for."""
    for seed in range(3):
        params = GenerateParams(load=load, n_orders=n_orders, n_nodes=n_nodes, n_skus=n_skus, seed=seed)
        batch = generate(params)
        batch_from_tables(batch.policy, dict(batch.tables))
        sizes = [batch[name].num_rows for name in ("orders", "nodes", "items")]
        assert sizes == [n_orders, n_nodes, n_skus]


def test_parameters_out_of_range() -> None:
    """Sizes below 1, a negative seed and an unknown load are refused, all at once."""
    with pytest.raises(InputError) as caught:
        generate(GenerateParams(load="busy", n_orders=0, n_nodes=-1, n_skus=0, seed=-1))  # type: ignore[arg-type]
    assert [fault.message for fault in caught.value.faults] == [
        "generate: load is busy, expected one of calm, peak, flash, basket",
        "generate: n_orders is 0, expected an integer from 1 to 100000000",
        "generate: n_nodes is -1, expected an integer from 1 to 20000",
        "generate: n_skus is 0, expected an integer from 1 to 10000000",
        "generate: seed is -1, expected an integer from 0",
    ]


def test_deterministic() -> None:
    """The same seed gives the same bytes, another seed other ones."""
    params = [GenerateParams(load="peak", n_orders=500, n_nodes=40, n_skus=100, seed=s) for s in (1, 1, 2)]
    one, again, other = [digest(generate(p)) for p in params]
    assert one == again
    assert one != other


def test_sizes_by_default() -> None:
    """Without sizes, a load has its own."""
    batch = generate()
    assert batch["orders"].num_rows == LOADS["peak"].n_orders
    assert batch["nodes"].num_rows == 300
    assert batch["items"].num_rows == LOADS["peak"].n_skus


def test_hundred_thousand_orders_in_seconds() -> None:
    """100,000 orders take well under three seconds of processor time."""
    load_places()
    begin = time.process_time()
    batch = generate(GenerateParams(load="calm", n_orders=100_000))
    assert time.process_time() - begin < 3.0
    assert sum(table.nbytes for table in batch.tables.values()) < 60_000_000


def test_ground_prices() -> None:
    """Ground costs 5 to 30 dollars between 1 and 20 lb, and rises with weight and zone."""
    table = price_table(0)[:8, :20]
    assert 500 <= table.min() <= 700
    assert 2300 <= table.max() <= 3000
    assert (np.diff(table, axis=0) >= 0).all()
    assert (np.diff(table, axis=1) > 0).all()


@pytest.mark.parametrize(("service", "low", "high"), [(1, 1.5, 3.0), (2, 3.0, 6.0)])
def test_air_prices(service: int, low: float, high: float) -> None:
    """Two-day costs 1.5 to 3 times ground, overnight 3 to 6 times, at every zone and weight."""
    ratio = price_table(service)[:8] / price_table(0)[:8]
    assert low * 0.99 <= ratio.min()
    assert ratio.max() <= high


@pytest.mark.skipif(not TARIFFS.is_dir(), reason="the published tariffs are not here")
def test_prices_follow_a_published_tariff() -> None:
    """Ground prices with fuel have a published tariff's shape, at 0 to 20% below it."""
    with open(TARIFFS / "ground_advantage_commercial_2025-10-05.csv", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if float(row["max_weight_lb"]) in range(1, 21)]
    published = np.array([[float(row[f"zone{zone}"]) * 100 for row in rows] for zone in range(1, 9)])
    ratio = price_table(0)[:8, :20] * 1.1 / published
    assert ratio.min() > 0.8
    assert ratio.max() < 1.02
    assert ratio.std() < 0.05


def price_table(service: int) -> np.ndarray[Any, Any]:
    """Prices of the generated rate rows by zone and whole pound, from 1."""
    rates = day("calm")["rates"].filter(
        pc.equal(day("calm")["rates"]["service_id"], ("ground", "two_day", "overnight")[service])
    )
    cents = rates["cents"].to_numpy().reshape(-1, 73)[:, 3:]
    grams = rates["max_weight_g"].to_numpy().reshape(-1, 73)[:, 3:]
    assert (grams[0] == np.round(np.arange(1, 71) * GRAMS_PER_LB)).all()
    assert cents[0, 0] == service_cents(service, np.array(25.0), np.array(1.0))
    return cents


def test_bands() -> None:
    """Zones end at the published distances, and nearer zones are never slower."""
    bands = day("calm")["bands"].to_pylist()
    for service in ("ground", "two_day", "overnight"):
        mine = [band for band in bands if band["service_id"] == service]
        miles = [band["max_km"] / KM_PER_MILE for band in mine]
        assert miles == pytest.approx(ZONE_MILES[: len(mine)], abs=0.001)
        assert miles[:7] == pytest.approx([50, 150, 300, 600, 1000, 1400, 1800], abs=0.001)
        days = [band["transit_days"] for band in mine]
        assert days == sorted(days)


def test_destinations_follow_population() -> None:
    """The share of orders that go to a state is its share of the people."""
    places = load_places()
    states, state = np.unique(places.state, return_inverse=True)
    people = np.bincount(state, weights=places.population) / places.population.sum()
    region = pc.index_in(day("calm")["orders"]["region"], pa.array(states.tolist())).to_numpy()
    orders = np.bincount(region, minlength=len(states)) / len(region)
    assert len(states) == 51
    assert np.abs(orders - people).max() < 0.012


def test_network() -> None:
    """Of 300 nodes 10 to 20 are warehouses, spread over the country, and most of the rest are stores."""
    batch = day("peak")
    kind = np.array(batch["nodes"]["kind"].to_pylist())
    lat, lon = column(batch, "nodes", "lat"), column(batch, "nodes", "lon")
    dc = kind == "dc"
    assert 10 <= dc.sum() <= 20
    assert (kind == "store").sum() > 250
    assert {"3pl", "vendor"} <= set(kind)
    places = load_places()
    km = distance_km(places.lat[:, None], places.lon[:, None], lat[dc][None, :], lon[dc][None, :]).min(axis=1)
    assert np.average(km < 600, weights=places.population) > 0.9
    apart = distance_km(lat[dc][:, None], lon[dc][:, None], lat[dc][None, :], lon[dc][None, :])
    assert apart[~np.eye(dc.sum(), dtype=bool)].min() > 50
    assert len(set(batch["nodes"]["timezone"].to_pylist())) >= 4
    handling = column(batch, "nodes", "shipment_cents")
    assert handling[dc].min() >= 150 and handling[dc].max() <= 300
    assert handling[kind == "store"].mean() > handling[dc].mean() + 50


@pytest.mark.parametrize(
    ("load", "single", "mean"),
    [
        ("calm", (0.72, 0.78), (1.5, 1.8)),
        ("peak", (0.67, 0.73), (1.6, 1.9)),
        ("flash", (1, 1), (1, 1)),
        ("basket", (0.23, 0.27), (4.0, 5.0)),
    ],
)
def test_order_sizes(load: LoadName, single: tuple[float, float], mean: tuple[float, float]) -> None:
    """Shares of single-line orders and means are the load's; the tail reaches far."""
    size = lines_per_order(day(load))
    assert single[0] <= (size == 1).mean() <= single[1]
    assert mean[0] <= size.mean() <= mean[1]
    assert size.max() == 1 if load == "flash" else 15 <= size.max() <= 20
    if load == "basket":
        assert (size >= 12).mean() > 0.03


def test_repeated_skus() -> None:
    """Now and then an order names an item twice, but rarely."""
    batch = day("peak")
    pair = index(batch, "lines", "order_id", "orders") * 10_000 + index(batch, "lines", "sku", "items")
    repeated = 1 - len(np.unique(pair)) / len(pair)
    assert 0.001 < repeated < 0.05


@pytest.mark.parametrize("load", LOAD_NAMES)
def test_demand_is_zipf(load: LoadName) -> None:
    """The top fifth of the skus has around half of the demand or more, but no single sku has it all."""
    wanted = np.sort(wanted_and_had(day(load))[0])[::-1]
    top = wanted[: len(wanted) // 5].sum() / wanted.sum()
    assert 0.4 < top < 0.85
    assert wanted[0] / wanted.sum() < (0.4 if load == "flash" else 0.05)


def test_dimensional_weight_matters() -> None:
    """A quarter to a half of general merchandise is billed by its volume, some of a grocer's."""
    for load, low, high in (("peak", 0.25, 0.5), ("basket", 0.05, 0.25)):
        batch = day(load)  # type: ignore[arg-type]
        billed = np.ceil(column(batch, "items", "volume_cm3") * 1000 / batch.policy.dim_cm3_per_kg)
        assert low < (billed > column(batch, "items", "weight_g")).mean() < high


@pytest.mark.parametrize("load", ["calm", "peak", "basket"])
def test_candidates(load: LoadName) -> None:
    """A line finds 12 to 40 nodes that carry its item, a grocer's up to 60; a popular item has 8 to 40."""
    batch = day(load)
    _, sku, _ = shelves(batch)
    carriers = np.bincount(sku, minlength=batch["items"].num_rows)
    assert carriers.min() >= 1
    mean = carriers[index(batch, "lines", "sku", "items")].mean()
    assert (30 < mean < 60) if load == "basket" else (12 < mean < 40)
    if load != "basket":
        popular = np.argsort(-wanted_and_had(batch)[0])[: len(carriers) // 20]
        assert np.mean((carriers[popular] >= 8) & (carriers[popular] <= 40)) > 0.9


def test_basket_assortment() -> None:
    """At the grocer's, warehouses carry about half of the assortment and stores a tenth."""
    batch = day("basket")
    node, _, _ = shelves(batch)
    kind = np.array(batch["nodes"]["kind"].to_pylist())
    share = np.bincount(node, minlength=len(kind)) / batch["items"].num_rows
    assert 0.45 < share[kind == "dc"].mean() < 0.6
    assert 0.07 < share[kind == "store"].mean() < 0.13
    assert batch.policy.max_shipments == 3


@pytest.mark.parametrize(
    ("load", "least", "most"),
    [("calm", 0.0, 0.001), ("peak", 0.005, 0.05), ("flash", 0.1, 0.3), ("basket", 0.7, 0.85)],
)
def test_unavoidable_shortage(load: LoadName, least: float, most: float) -> None:
    """The share of units that nobody has anywhere: nothing on a calm day, a few percent at peak, most at the grocer."""
    wanted, had = wanted_and_had(day(load))
    assert least <= np.maximum(0, wanted - had).sum() / wanted.sum() <= most


@pytest.mark.parametrize(
    ("load", "least", "most"),
    [("calm", 0.01, 0.3), ("peak", 0.3, 0.9), ("flash", 0.3, 0.9), ("basket", 0.5, 0.98)],
)
def test_contested_rows(load: LoadName, least: float, most: float) -> None:
    """Of the stock rows that the nearest lines want, a few are short on a calm day and many on the others."""
    load_of_row, sellable = nearest_load(day(load))
    assert least < (load_of_row > sellable).sum() / (load_of_row > 0).sum() < most


def test_peak_is_short_somewhere() -> None:
    """At peak at least half of the popular skus run out in some row before its neighbourhood is served."""
    batch = day("peak")
    load_of_row, sellable = nearest_load(batch)
    sku = np.sort(shelves(batch)[1])
    n = batch["items"].num_rows
    short = np.bincount(sku, weights=load_of_row > sellable, minlength=n) > 0
    popular = np.argsort(-wanted_and_had(batch)[0])[: n // 10]
    assert short[popular].mean() >= 0.5


def test_peak_capacity() -> None:
    """Capacity is tight in peak's warehouses, twice the need on a calm day, and enough in all."""
    for load, dc_low, dc_high in (("peak", 0.6, 1.2), ("calm", 1.3, 4.0)):
        batch = day(load)  # type: ignore[arg-type]
        limit = batch["nodes"]["shipments_per_day"].fill_null(0).to_numpy() / batch["orders"].num_rows
        dc = np.array(batch["nodes"]["kind"].to_pylist()) == "dc"
        assert dc_low < limit[dc].sum() < dc_high
        assert limit.sum() > 1.2


@pytest.mark.parametrize("load", LOAD_NAMES)
def test_leaving_out_costs_a_lost_sale(load: LoadName) -> None:
    """A unit left out costs more than a parcel over a few hundred miles, so that a sane plan ships it."""
    batch = day(load)
    policy = batch.policy
    lost = policy.unallocated_cents + column(batch, "items", "value_cents") * policy.unallocated_value_bp / 10_000
    volume = column(batch, "items", "volume_cm3") * 1000 / policy.dim_cm3_per_kg
    pounds = np.maximum(column(batch, "items", "weight_g"), volume) / GRAMS_PER_LB
    parcel = service_cents(0, np.array(450.0), np.ceil(pounds)) * 1.1 + 60 + 300
    assert (lost > parcel).mean() > 0.97


def test_rare_terms_are_there() -> None:
    """Promises, priorities, capabilities and the rest occur, and stay rare."""
    batch = day("peak")
    orders, lines, stock = batch["orders"], batch["lines"], batch["stock"]
    shares = {
        "deliver_by": (pc.is_valid(orders["deliver_by"]), 0.3, 0.4),
        "hard_promise": (orders["hard_promise"], 0.02, 0.08),
        "priority": (pc.not_equal(orders["priority_pct"], 100), 0.08, 0.16),
        "ship_complete": (orders["ship_complete"], 0.003, 0.05),
        "only_nodes": (pc.not_equal(orders["only_nodes"], ""), 0.0005, 0.01),
        "not_nodes": (pc.not_equal(orders["not_nodes"], ""), 0.001, 0.02),
        "held": (orders["held"], 0.0003, 0.01),
        "ship_together": (pc.is_valid(lines["ship_together"]), 0.003, 0.05),
        "requires": (pc.not_equal(batch["items"]["requires"], ""), 0.005, 0.05),
        "available_on": (pc.is_valid(stock["available_on"]), 0.01, 0.04),
        "reserved": (pc.greater(stock["reserved"], 0), 0.02, 0.1),
        "safety_stock": (pc.greater(stock["safety_stock"], 0), 0.005, 0.1),
    }
    for name, (mask, low, high) in shares.items():
        assert low < np.mean(np.asarray(mask)) < high, name
    for name in ("lanes", "service_capacity", "closures", "used"):
        assert 1 <= batch[name].num_rows < 1000, name
    assert not pc.any(pc.and_(orders["hard_promise"], pc.is_null(orders["deliver_by"]))).as_py()
