"""The network as arrays: nodes, slots, services, rates, items and resources, ready for the kernels."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.calendar import day_number, delivery_days, node_ship_days
from engine.documents import Batch

IntArray = NDArray[np.int64]

NO_RESOURCE = -1
NO_LANE = -2
NO_RATE = -1
NOW = -(2**62)
"""Stands for "available now" among day numbers."""


class Network(NamedTuple):
    """Arrays that do not depend on an order. A slot is a node on a ship date; days are day numbers.

    Services are numbered in the order of their ids, so that a smaller number is a smaller id. A rate table is one
    (service, zone). The resources of a (node, sku) pair are its stock intervals, cumulative: a shipment uses
    the interval of that day and all later ones.
    """

    node_lat: NDArray[np.float64]
    node_lon: NDArray[np.float64]
    node_offline: NDArray[np.bool_]
    node_shipment_cents: IntArray
    node_line_cents: IntArray
    node_unit_cents: IntArray
    node_preference_cents: IntArray
    node_capabilities: NDArray[np.uint64]  # [n_nodes, n_words]
    node_first_slot: IntArray  # [n_nodes + 1]
    slot_node: IntArray
    slot_day: IntArray
    slot_day_index: IntArray
    slot_shipments_resource: IntArray
    slot_units_resource: IntArray
    slot_service_resource: IntArray  # [n_slots, n_services]
    service_fuel_bp: IntArray
    service_residential_cents: IntArray
    service_carbon_g: IntArray
    service_capabilities: NDArray[np.uint64]
    band_first: IntArray  # [n_services + 1]
    band_max_km: NDArray[np.float64]
    band_rate: IntArray
    band_transit: IntArray
    band_zone: IntArray
    lane_row: NDArray[np.int32]  # [n_nodes, n_regions]
    lane_rate: IntArray  # [n_rows, n_services]
    lane_transit: IntArray
    lane_zone: IntArray
    rate_first: IntArray
    rate_max_g: IntArray
    rate_cents: IntArray
    deliver_day: IntArray  # [n_services, n_ship_days, n_transits]
    item_weight_g: IntArray
    item_billable_g: IntArray
    item_requires: NDArray[np.uint64]  # [n_items, n_words]
    sku_first_pair: IntArray  # [n_items + 1]: pairs by sku, then node
    pair_node: IntArray
    pair_first_resource: IntArray  # [n_pairs + 1]
    stock_day: IntArray  # [n_stock_resources]: the day that opens the interval
    supply: IntArray  # [n_resources]
    split_cents: int
    carbon_cents_per_kg: int
    max_distance_km: float  # infinite where the policy has none
    allow_line_split: bool


class Names(NamedTuple):
    """The words behind the numbers of a :class:`Network`."""

    node_id: list[str]
    service_id: list[str]
    sku: pa.Array
    zone: list[str]
    region: pa.Array
    capability: list[str]


Record = TypeVar("Record", bound=tuple[Any, ...])


def owned(record: Record) -> Record:
    """The same named tuple with arrays of its own in place of those that refer to a table.

    Kernels are compiled for writable arrays alone.
    """
    shared = (isinstance(field, np.ndarray) and not field.flags.writeable for field in record)
    return type(record)(*(np.array(field) if copy else field for field, copy in zip(record, shared)))


def ints(table: pa.Table, column: str) -> IntArray:
    """A column without nulls as int64."""
    return np.asarray(table.column(column).to_numpy(), dtype=np.int64)


def days(table: pa.Table, column: str, null: int) -> IntArray:
    """A date column as day numbers, with a number for null."""
    numbers = pc.fill_null(table.column(column).cast(pa.int32()), pa.scalar(0, pa.int32())).to_numpy()
    return np.where(table.column(column).is_null().to_numpy(), null, numbers.astype(np.int64))


def codes(values: pa.ChunkedArray, dictionary: pa.Array) -> IntArray:
    """Position of each value in a dictionary; -1 for null."""
    index = pc.index_in(values, value_set=dictionary)
    return np.asarray(pc.fill_null(index, -1).to_numpy(), dtype=np.int64)


def word_masks(words: pa.ChunkedArray, vocabulary: list[str]) -> NDArray[np.uint64]:
    """Bit sets, uint64[n, n_words], of the vocabulary's words that each cell holds."""
    width = max(1, -(-len(vocabulary) // 64))
    encoded = words.combine_chunks().dictionary_encode()
    position = {word: i for i, word in enumerate(vocabulary)}
    table = np.zeros((max(1, len(encoded.dictionary)), width), np.uint64)
    for row, cell in enumerate(encoded.dictionary.to_pylist()):
        for word in (cell or "").split():
            if word in position:
                bit = position[word]
                table[row, bit // 64] |= np.uint64(1 << (bit % 64))
    index = pc.fill_null(encoded.indices, 0).to_numpy(zero_copy_only=False)
    return table[index] if len(encoded.dictionary) else np.zeros((len(words), width), np.uint64)


def build_network(batch: Batch) -> tuple[Network, Names]:
    """Turn the tables of a batch into arrays."""
    nodes, services, items = batch["nodes"], batch["services"], batch["items"]
    node_ids: list[str] = nodes.column("node_id").to_pylist()
    service_ids: list[str] = sorted(services.column("service_id").to_pylist())
    service_order = codes(services.column("service_id"), pa.array(service_ids, pa.string()))
    services = services.take(pa.array(np.argsort(service_order)))
    node_dictionary = pa.array(node_ids, pa.string())
    service_dictionary = pa.array(service_ids, pa.string())
    sku_dictionary = items.column("sku").combine_chunks()
    requires = items.column("requires").combine_chunks().dictionary_encode().dictionary.to_pylist()
    capability = sorted({word for cell in requires for word in (cell or "").split()})

    closed = _closures(batch)
    slots = _slots(batch, closed)
    rates = _rates(batch, service_dictionary)
    zones = _zones(batch, node_dictionary, service_dictionary, rates["rate_of"])
    transits = np.unique(np.concatenate((zones["band_transit"], zones["lane_transit"].ravel())))
    ship_days = np.unique(slots["slot_day"])
    resources = _resources(batch, node_dictionary, service_dictionary, sku_dictionary, slots)
    policy = batch.policy
    weight = ints(items, "weight_g")
    volume_g = -(-ints(items, "volume_cm3") * 1000 // policy.dim_cm3_per_kg)
    network = Network(
        node_lat=nodes.column("lat").to_numpy(),
        node_lon=nodes.column("lon").to_numpy(),
        node_offline=nodes.column("offline").to_numpy(),
        node_shipment_cents=ints(nodes, "shipment_cents"),
        node_line_cents=ints(nodes, "line_cents"),
        node_unit_cents=ints(nodes, "unit_cents"),
        node_preference_cents=ints(nodes, "preference_cents"),
        node_capabilities=word_masks(nodes.column("capabilities"), capability),
        node_first_slot=slots["node_first_slot"],
        slot_node=slots["slot_node"],
        slot_day=slots["slot_day"],
        slot_day_index=np.searchsorted(ship_days, slots["slot_day"]),
        slot_shipments_resource=resources["slot_shipments"],
        slot_units_resource=resources["slot_units"],
        slot_service_resource=resources["slot_service"],
        service_fuel_bp=ints(services, "fuel_bp"),
        service_residential_cents=ints(services, "residential_cents"),
        service_carbon_g=ints(services, "carbon_g_per_tonne_km"),
        service_capabilities=word_masks(services.column("capabilities"), capability),
        band_first=zones["band_first"],
        band_max_km=zones["band_max_km"],
        band_rate=zones["band_rate"],
        band_transit=np.searchsorted(transits, zones["band_transit"]),
        band_zone=zones["band_zone"],
        lane_row=zones["lane_row"],
        lane_rate=zones["lane_rate"],
        lane_transit=np.searchsorted(transits, zones["lane_transit"]),
        lane_zone=zones["lane_zone"],
        rate_first=rates["first"],
        rate_max_g=rates["max_g"],
        rate_cents=rates["cents"],
        deliver_day=delivery_days(
            delivery_masks=services.column("delivery_days").to_pylist(),
            closed=[closed["service_id"].get(name, set()) for name in service_ids],
            ship_days=ship_days,
            transit_days=transits,
        ),
        item_weight_g=weight,
        item_billable_g=np.maximum(weight, volume_g),
        item_requires=word_masks(items.column("requires"), capability),
        sku_first_pair=resources["sku_first_pair"],
        pair_node=resources["pair_node"],
        pair_first_resource=resources["pair_first_resource"],
        stock_day=resources["stock_day"],
        supply=resources["supply"],
        split_cents=policy.split_cents,
        carbon_cents_per_kg=policy.carbon_cents_per_kg,
        max_distance_km=np.inf if policy.max_distance_km is None else policy.max_distance_km,
        allow_line_split=policy.allow_line_split,
    )
    names = Names(node_ids, service_ids, sku_dictionary, zones["names"], zones["regions"], capability)
    return owned(network), names


def _closures(batch: Batch) -> dict[str, dict[str, set[int]]]:
    closed: dict[str, dict[str, set[int]]] = {"node_id": {}, "service_id": {}}
    for row in batch["closures"].to_pylist():
        for key, by_name in closed.items():
            if row[key] is not None:
                by_name.setdefault(row[key], set()).add(day_number(row["date"]))
    return closed


def _slots(batch: Batch, closed: dict[str, dict[str, set[int]]]) -> dict[str, IntArray]:
    shared: dict[tuple[Any, ...], list[int]] = {}
    per_node: list[list[int]] = []
    columns = ("node_id", "ready_minutes", "cutoff", "timezone", "working_days")
    for node_id, *clock in zip(*(batch["nodes"].column(name).to_pylist() for name in columns)):
        shut = frozenset(closed["node_id"].get(node_id, ()))
        key = (*clock, shut)
        if key not in shared:
            shared[key] = node_ship_days(
                as_of=batch.policy.as_of,
                ready_minutes=clock[0],
                cutoff=clock[1],
                time_zone=clock[2],
                working_days=clock[3],
                closed=shut,
                horizon_days=batch.policy.horizon_days,
            )
        per_node.append(shared[key])
    lengths = np.array([len(day_list) for day_list in per_node], np.int64)
    return {
        "node_first_slot": np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths))),
        "slot_node": np.repeat(np.arange(lengths.size), lengths),
        "slot_day": np.array([day for day_list in per_node for day in day_list], np.int64),
    }


def _rates(batch: Batch, services: pa.Array) -> dict[str, Any]:
    table = batch["rates"]
    service = codes(table.column("service_id"), services)
    zone_names = pc.unique(table.column("zone"))
    zone = codes(table.column("zone"), zone_names)
    max_g = ints(table, "max_weight_g")
    order = np.lexsort((max_g, zone, service))
    key = service[order] * max(1, len(zone_names)) + zone[order]
    heads = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1]))) if key.size else np.zeros(0, np.int64)
    names: list[str] = zone_names.to_pylist()
    rate_of = {(int(service[order[h]]), names[zone[order[h]]]): i for i, h in enumerate(heads)}
    return {
        "rate_of": rate_of,
        "first": np.concatenate((heads, [key.size])).astype(np.int64),
        "max_g": max_g[order],
        "cents": ints(table, "cents")[order],
    }


def _zones(batch: Batch, nodes: pa.Array, services: pa.Array, rate_of: dict[tuple[int, str], int]) -> dict[str, Any]:
    bands, lanes = batch["bands"], batch["lanes"]
    names = sorted({*bands.column("zone").to_pylist(), *pc.unique(lanes.column("zone")).to_pylist()})
    zone_number = {name: i for i, name in enumerate(names)}
    band_service = codes(bands.column("service_id"), services)
    max_km = np.asarray(bands.column("max_km").to_numpy(), np.float64)
    order = np.lexsort((max_km, band_service))
    zone_of_band: list[str] = [bands.column("zone")[int(i)].as_py() for i in order]

    regions = pc.unique(lanes.column("region"))
    node = codes(lanes.column("node_id"), nodes)
    region = codes(lanes.column("region"), regions)
    service = codes(lanes.column("service_id"), services)
    cells, row = np.unique(node * max(1, len(regions)) + region, return_inverse=True)
    lane_row = np.full((len(nodes), max(1, len(regions))), -1, np.int32)
    lane_row.ravel()[cells] = np.arange(cells.size)
    shape = (cells.size, len(services))
    lane_rate = np.full(shape, NO_LANE, np.int64)
    lane_transit = np.zeros(shape, np.int64)
    lane_zone = np.zeros(shape, np.int64)
    lane_names: list[str] = lanes.column("zone").to_pylist()
    lane_rate[row, service] = [rate_of.get((s, z), NO_RATE) for s, z in zip(service.tolist(), lane_names)]
    lane_transit[row, service] = ints(lanes, "transit_days")
    lane_zone[row, service] = [zone_number[z] for z in lane_names]
    return {
        "names": names,
        "regions": regions,
        "band_first": np.searchsorted(band_service[order], np.arange(len(services) + 1)),
        "band_max_km": max_km[order],
        "band_rate": np.array(
            [rate_of.get((int(band_service[i]), z), NO_RATE) for i, z in zip(order, zone_of_band)], np.int64
        ),
        "band_transit": ints(bands, "transit_days")[order],
        "band_zone": np.array([zone_number[z] for z in zone_of_band], np.int64),
        "lane_row": lane_row,
        "lane_rate": lane_rate,
        "lane_transit": lane_transit,
        "lane_zone": lane_zone,
    }


def _resources(
    batch: Batch, nodes: pa.Array, services: pa.Array, skus: pa.Array, slots: dict[str, IntArray]
) -> dict[str, IntArray]:
    stock = _stock_intervals(batch, nodes, skus, slots)
    n_slots, n_services = slots["slot_node"].size, len(services)
    used_shipments, used_units, used_service = _used(batch, nodes, services, slots)
    table = batch["nodes"]
    supplies = [stock["supply"]]
    n_resources = stock["supply"].size

    def per_slot(column: str, used: IntArray) -> IntArray:
        nonlocal n_resources
        limited = ~table.column(column).is_null().to_numpy()[slots["slot_node"]]
        daily = pc.fill_null(table.column(column), 0).to_numpy()[slots["slot_node"]]
        resource = np.where(limited, n_resources + np.cumsum(limited) - 1, NO_RESOURCE)
        supplies.append(np.maximum(0, daily - used)[limited])
        n_resources += int(limited.sum())
        return resource.astype(np.int64)

    slot_shipments = per_slot("shipments_per_day", used_shipments)
    slot_units = per_slot("units_per_day", used_units)
    capacity = batch["service_capacity"]
    per_node = np.full((len(nodes), n_services), -1, np.int64)
    per_node[codes(capacity.column("node_id"), nodes), codes(capacity.column("service_id"), services)] = ints(
        capacity, "shipments_per_day"
    )
    per_slot_service = per_node[slots["slot_node"]].reshape(n_slots, n_services)
    limited = per_slot_service >= 0
    slot_service = np.where(limited, n_resources + np.cumsum(limited).reshape(limited.shape) - 1, NO_RESOURCE)
    supplies.append(np.maximum(0, per_slot_service - used_service)[limited])
    return {
        **stock,
        "slot_shipments": slot_shipments,
        "slot_units": slot_units,
        "slot_service": slot_service.astype(np.int64),
        "supply": np.concatenate(supplies).astype(np.int64),
    }


def _used(
    batch: Batch, nodes: pa.Array, services: pa.Array, slots: dict[str, IntArray]
) -> tuple[IntArray, IntArray, IntArray]:
    table = batch["used"]
    n_slots, n_services = slots["slot_node"].size, len(services)
    shipments = np.zeros((n_slots, n_services + 1), np.int64)
    units = np.zeros((n_slots, n_services + 1), np.int64)
    slot_of = {key: i for i, key in enumerate(zip(slots["slot_node"].tolist(), slots["slot_day"].tolist()))}
    node = codes(table.column("node_id"), nodes)
    service = codes(table.column("service_id"), services)
    day = days(table, "date", NOW)
    slot = np.array([slot_of.get(key, -1) for key in zip(node.tolist(), day.tolist())], np.int64)
    here = slot >= 0
    shipments[slot[here], service[here]] = ints(table, "shipments")[here]
    units[slot[here], service[here]] = ints(table, "units")[here]
    return shipments[:, -1], units[:, -1], shipments[:, :n_services]


def _stock_intervals(batch: Batch, nodes: pa.Array, skus: pa.Array, slots: dict[str, IntArray]) -> dict[str, IntArray]:
    """One resource for each stock interval of a (node, sku) pair that holds a ship date of the node."""
    table = batch["stock"]
    n_nodes = max(1, len(nodes))
    pair = codes(table.column("sku"), skus) * n_nodes + codes(table.column("node_id"), nodes)
    arrival = days(table, "available_on", NOW)
    order = np.lexsort((arrival, pair))
    pair, arrival = pair[order], arrival[order]
    on_hand = ints(table, "on_hand")[order]
    held_back = ints(table, "reserved")[order] + ints(table, "safety_stock")[order]
    keys, head, inverse = np.unique(pair, return_index=True, return_inverse=True)
    total_held = np.bincount(inverse, weights=held_back, minlength=keys.size).astype(np.int64)
    running = np.cumsum(on_hand)
    before = np.where(head > 0, running[head - 1], 0)
    sellable = np.maximum(0, running - before[inverse] - total_held[inverse])
    closes = np.where(np.concatenate((pair[1:] == pair[:-1], [False])), np.append(arrival[1:], 0), -NOW)
    if pair.size == 0:
        closes = arrival
    node = pair % n_nodes
    first_slot, slot_day = slots["node_first_slot"], slots["slot_day"]
    keep = np.zeros(pair.size, np.bool_)
    step = np.max(np.diff(first_slot), initial=0)
    for i in range(int(step)):
        at = first_slot[node] + i
        there = at < first_slot[node + 1]
        day = slot_day[np.minimum(at, max(0, slot_day.size - 1))] if slot_day.size else np.zeros(pair.size, np.int64)
        keep |= there & (arrival <= day) & (day < closes)
    kept_pair = np.bincount(inverse[keep], minlength=keys.size)
    sku_of_pair = keys // n_nodes
    return {
        "sku_first_pair": np.searchsorted(sku_of_pair, np.arange(len(skus) + 1)),
        "pair_node": keys % n_nodes,
        "pair_first_resource": np.concatenate((np.zeros(1, np.int64), np.cumsum(kept_pair))),
        "stock_day": arrival[keep],
        "supply": sellable[keep],
    }
