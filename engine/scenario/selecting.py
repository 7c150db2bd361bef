"""Which rows a selector means, as one flag a row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.batch import Batch
from engine.calendar import day_number
from engine.network import days
from engine.scenario.faults import Faults
from engine.scenario.selectors import Circle, ItemSelector, OrderSelector

Flags = NDArray[np.bool_]
EARTH_RADIUS_KM = 6371.0088
_NO_DATE = -(2**31)


def flags(mask: pa.Array | pa.ChunkedArray) -> Flags:
    """Return a mask as one flag a row; null is false."""
    return np.array(pc.fill_null(mask, False).to_numpy(zero_copy_only=False), np.bool_)


def selected_items(batch: Batch, selector: ItemSelector | None, faults: Faults, field: str = "items") -> Flags:
    """Return which rows of items a selector means; that it names what there is not, or nothing, is a fault."""
    items = batch["items"]
    chosen = np.ones(items.num_rows, np.bool_)
    if selector is None:
        return chosen
    sku = items.column("sku")
    if selector.skus is not None:
        faults.unknown(f"{field}.skus", selector.skus, sku, "a sku of items")
        chosen &= flags(pc.is_in(sku, value_set=pa.array(selector.skus, pa.string())))
    if selector.sku_prefix is not None:
        fits = flags(pc.starts_with(sku, pattern=selector.sku_prefix))
        if not fits.any():
            faults.add(f"{field}.sku_prefix", selector.sku_prefix, "what a sku of items begins with")
        chosen &= fits
    if selector.requires is not None:
        encoded = items.column("requires").combine_chunks().dictionary_encode()
        words = [selector.requires in text.split() for text in encoded.dictionary.to_pylist()]
        fits = np.array(words, np.bool_)[encoded.indices.to_numpy(zero_copy_only=False)] if words else chosen & False
        if not fits.any():
            faults.add(f"{field}.requires", selector.requires, "a capability that an item requires")
        chosen &= fits
    return chosen


def selected_orders(batch: Batch, selector: OrderSelector | None, faults: Faults) -> Flags:
    """Return which rows of orders a selector means; that it names what there is not, or nothing, is a fault."""
    orders = batch["orders"]
    chosen = np.ones(orders.num_rows, np.bool_)
    if selector is None:
        return chosen
    if selector.order_ids is not None:
        faults.unknown("orders.order_ids", selector.order_ids, orders.column("order_id"), "an order_id of orders")
        chosen &= flags(pc.is_in(orders.column("order_id"), value_set=pa.array(selector.order_ids, pa.string())))
    if selector.regions is not None:
        faults.unknown("orders.regions", selector.regions, orders.column("region"), "a region of orders")
        chosen &= flags(pc.is_in(orders.column("region"), value_set=pa.array(selector.regions, pa.string())))
    if selector.near is not None:
        chosen &= _within(batch, selector.near)
    if selector.items is not None:
        wanted = (
            batch["items"].column("sku").filter(pa.array(selected_items(batch, selector.items, faults, "orders.items")))
        )
        of_lines = batch["lines"].filter(pc.is_in(batch["lines"].column("sku"), value_set=wanted.combine_chunks()))
        having = of_lines.column("order_id").combine_chunks()
        chosen &= flags(pc.is_in(orders.column("order_id"), value_set=having))
    deliver_by = days(orders, "deliver_by", _NO_DATE)
    if selector.deliver_from is not None:
        chosen &= deliver_by >= day_number(selector.deliver_from)
    if selector.deliver_to is not None:
        chosen &= (deliver_by <= day_number(selector.deliver_to)) & (deliver_by != _NO_DATE)
    if not chosen.any():
        faults.add("orders", "a selection of no order", "one of at least one order")
    return chosen


def _within(batch: Batch, circle: Circle) -> Flags:
    """Great circle by the haversine, as distances of the model."""
    lat, lon = (np.radians(batch["orders"].column(name).to_numpy()) for name in ("lat", "lon"))
    centre_lat, centre_lon = np.radians(circle.lat), np.radians(circle.lon)
    half = np.sin((lat - centre_lat) / 2) ** 2
    half += np.cos(lat) * np.cos(centre_lat) * np.sin((lon - centre_lon) / 2) ** 2
    km = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(half, 1.0)))
    return np.asarray(km <= circle.km, np.bool_)
