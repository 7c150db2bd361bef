"""One built state of a snapshot: the network's arrays at an instant, with stock and used capacity."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from engine.documents import Batch
from engine.live.capacity import NOTHING_USED, Used, UsedChanges, change_used, used_rows
from engine.live.dates import earliest, node_valid_until
from engine.live.stock import NO_STOCK, StockChanges, StockRows, build_stock, change_stock, joined, rows_of
from engine.network import NOW, IntArray, Names, Network, build_network, codes, days, ints
from engine.schema import INPUT_TABLES
from solver.source import Prices

READ_ONLY = (
    "node_lat",
    "node_lon",
    "node_shipment_cents",
    "node_line_cents",
    "node_unit_cents",
    "node_preference_cents",
    "service_fuel_bp",
    "service_residential_cents",
    "service_carbon_g",
    "item_weight_g",
)
"""Fields that are read-only in a batch: the kernels are compiled for that."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Base:
    """What stays through all rebuilds: the network documents and the numbers of their names.

    Parameters
    ----------
    batch : Batch
        Without stock, used capacity, orders and lines.
    lost_cents : int64[n_items]
        What a unit left unallocated costs where its line does not say.
    """

    batch: Batch
    names: Names
    node_of: dict[str, int]
    sku_of: dict[str, int]
    skus: list[str]
    service_of: dict[str, int]
    region_of: dict[str, int]
    lost_cents: IntArray


@dataclass(kw_only=True, eq=False)
class State:
    """The arrays that decisions work on. Whoever holds the snapshot's lock may change them."""

    base: Base
    as_of: datetime
    valid_until: datetime
    network: Network
    rows: StockRows
    used: Used
    any_capped: bool  # whether any service has a capacity
    no_prices: Prices
    extra_stock: list[StockChanges] = field(default_factory=list)
    extra_used: list[UsedChanges] = field(default_factory=list)

    @property
    def n_waiting(self) -> int:
        """Changes of stock rows that are not there yet."""
        return sum(changes.sku.size for changes in self.extra_stock)

    def change(self, stock: StockChanges, used: UsedChanges) -> None:
        """Apply changes; those without a row or a slot are kept aside."""
        if stock.sku.size:
            missing = change_stock(self.rows, stock)
            if missing.any():
                self.extra_stock.append(StockChanges(*(column[missing] for column in stock)))
        if used.node.size:
            missing = change_used(self.network, self.rows, self.used, used)
            if missing.any():
                self.extra_used.append(UsedChanges(*(column[missing] for column in used)))


def base_of(batch: Batch) -> tuple[Base, StockChanges, UsedChanges]:
    """The network documents of a batch, its stock and its used capacity, in numbers."""
    empty = {name: INPUT_TABLES[name].arrow_schema.empty_table() for name in ("stock", "used", "orders", "lines")}
    bare = Batch(batch.policy, {**batch.tables, **empty})
    _, names = build_network(bare)
    policy = batch.policy
    value = ints(batch["items"], "value_cents")
    skus: list[str] = names.sku.to_pylist()
    base = Base(
        batch=bare,
        names=names,
        node_of={name: number for number, name in enumerate(names.node_id)},
        sku_of={sku: number for number, sku in enumerate(skus)},
        skus=skus,
        service_of={name: number for number, name in enumerate(names.service_id)},
        region_of={name: number for number, name in enumerate(names.region.to_pylist())},
        lost_cents=policy.unallocated_cents + (value * policy.unallocated_value_bp + 5000) // 10000,
    )
    return base, _stock_of(batch, names), _used_of(batch, names)


def _stock_of(batch: Batch, names: Names) -> StockChanges:
    table = batch["stock"]
    columns = (
        codes(table.column("sku"), names.sku),
        codes(table.column("node_id"), pa.array(names.node_id, pa.string())),
        days(table, "available_on", NOW),
        ints(table, "on_hand"),
        ints(table, "reserved") + ints(table, "safety_stock"),
    )
    return StockChanges(*(column.copy() for column in columns))


def _used_of(batch: Batch, names: Names) -> UsedChanges:
    table = batch["used"]
    columns = (
        codes(table.column("node_id"), pa.array(names.node_id, pa.string())),
        codes(table.column("service_id"), pa.array(names.service_id, pa.string())),
        days(table, "date", NOW),
        ints(table, "shipments"),
        ints(table, "units"),
    )
    return UsedChanges(*(column.copy() for column in columns))


def build_state(base: Base, stock: StockChanges, used: UsedChanges, as_of: datetime) -> State:
    """Compute the arrays of an instant."""
    policy = base.batch.policy.model_copy(update={"as_of": as_of})
    bare, _ = build_network(Batch(policy, base.batch.tables))
    n_nodes, n_skus = len(base.node_of), len(base.skus)
    rows = build_stock(stock, n_skus, n_nodes, bare.node_first_slot, bare.slot_day, bare.supply)
    n_stock = rows.stock_day.size
    moved = {
        name: np.where(getattr(bare, name) >= 0, getattr(bare, name) + n_stock, getattr(bare, name))
        for name in ("slot_shipments_resource", "slot_units_resource", "slot_service_resource")
    }
    for name in READ_ONLY:
        moved[name] = getattr(bare, name).view()
        moved[name].flags.writeable = False
    network = bare._replace(
        **moved,
        sku_first_pair=rows.sku_first_pair,
        pair_node=rows.pair_node,
        pair_first_resource=rows.pair_first_resource,
        stock_day=rows.stock_day,
        supply=rows.supply,
    )
    n_slots = network.slot_node.size
    state = State(
        base=base,
        as_of=as_of,
        valid_until=earliest(_ends(base, network, as_of)),
        network=network,
        rows=rows,
        used=Used(
            np.zeros(n_slots, np.int64),
            np.zeros(n_slots, np.int64),
            np.zeros((n_slots, len(base.service_of)), np.int64),
        ),
        any_capped=bool((network.slot_service_resource >= 0).any()),
        no_prices=Prices.zero(rows.supply.size),
    )
    state.change(NO_STOCK, used)
    return state


def private_copy(state: State) -> State:
    """The same state to work on alone; what never changes is shared. Takes some 10 ms at a million stock rows."""
    rows = state.rows._replace(
        row_on_hand=state.rows.row_on_hand.copy(),
        row_held=state.rows.row_held.copy(),
        raw=state.rows.raw.copy(),
        supply=state.rows.supply.copy(),
    )
    return replace(
        state,
        network=state.network._replace(supply=rows.supply),
        rows=rows,
        used=Used(*(column.copy() for column in state.used)),
        extra_stock=list(state.extra_stock),
        extra_used=list(state.extra_used),
    )


class Contents(NamedTuple):
    """What a state holds, without what can be computed from it."""

    rows: StockRows
    extra_stock: list[StockChanges]
    network: Network
    used: Used
    extra_used: list[UsedChanges]


def contents_of(state: State) -> Contents:
    """A copy of what changes in place; quick, because whoever changes it has to wait."""
    rows = state.rows._replace(row_on_hand=state.rows.row_on_hand.copy(), row_held=state.rows.row_held.copy())
    used = Used(*(column.copy() for column in state.used))
    return Contents(rows, list(state.extra_stock), state.network, used, list(state.extra_used))


def all_stock(contents: Contents) -> StockChanges:
    """Every stock row, those that waited included."""
    return joined([rows_of(contents.rows), *contents.extra_stock])


def all_used(contents: Contents) -> UsedChanges:
    """All used capacity, that of other days included, each node, service and day once."""
    parts = [used_rows(contents.network, contents.used), *contents.extra_used]
    node, service, day, shipments, units = (np.concatenate(columns) for columns in zip(*parts))
    order = np.lexsort((day, service, node))
    keys = np.stack((node, service, day))[:, order]
    head = np.ones(order.size, np.bool_)
    head[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
    if not order.size:
        return NOTHING_USED
    first = np.flatnonzero(head)
    amounts = (np.add.reduceat(amount[order], first) for amount in (shipments, units))
    return UsedChanges(*(key[first] for key in keys), *amounts)


def _ends(base: Base, network: Network, as_of: datetime) -> list[datetime]:
    """For each node, when its ship dates may change."""
    nodes = base.batch["nodes"]
    horizon = base.batch.policy.horizon_days
    known: dict[tuple[object, ...], datetime] = {}
    clocks = zip(*(nodes.column(name).to_pylist() for name in ("ready_minutes", "cutoff", "timezone")))
    for node, (ready_minutes, cutoff, time_zone) in enumerate(clocks):
        ship_days = network.slot_day[network.node_first_slot[node] : network.node_first_slot[node + 1]].tolist()
        key = (ready_minutes, cutoff, time_zone, *ship_days[:1], len(ship_days))
        if key not in known:
            known[key] = node_valid_until(
                as_of=as_of,
                ready_minutes=ready_minutes,
                cutoff=cutoff,
                time_zone=time_zone,
                ship_days=ship_days,
                horizon_days=horizon,
            )
    return list(known.values())
