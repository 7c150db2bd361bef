"""A small batch as a JSON document, and the same in the other two forms."""

from __future__ import annotations

import contextlib
import csv
import json
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.documents import read_batch
from engine.errors import InputError

Document = dict[str, Any]
FORMS = ("json", "csv", "parquet")

_DOCUMENT: Document = {
    "policy": {"as_of": "2026-01-05T09:00:00.123456-05:00", "horizon_days": 2, "max_distance_km": 1500},
    "nodes": [
        {"node_id": "N1", "kind": "dc", "lat": 40.5, "lon": -80.25, "capabilities": "cold tall"},
        {"node_id": "N2", "kind": "store", "lat": -10, "lon": 0, "preference_cents": -50, "offline": True},
    ],
    "stock": [
        {"node_id": "N1", "sku": "007", "on_hand": 5},
        {"node_id": "N1", "sku": "007", "on_hand": 5, "available_on": "2026-01-09"},
        {"node_id": "N2", "sku": "NA", "on_hand": 0, "reserved": 3},
    ],
    "items": [{"sku": "007", "weight_g": 100}, {"sku": "NA", "weight_g": 1, "requires": "cold"}],
    "services": [{"service_id": "ground", "carrier": 'Ox, "Cart" & Co'}],
    "bands": [
        {"service_id": "ground", "max_km": 100.5, "zone": "1", "transit_days": 0},
        {"service_id": "ground", "max_km": 5000, "zone": "2", "transit_days": 3},
    ],
    "lanes": [{"node_id": "N1", "region": "PA", "service_id": "ground", "zone": "1", "transit_days": 1}],
    "rates": [{"service_id": "ground", "zone": "1", "max_weight_g": 1000, "cents": 500}],
    "service_capacity": [{"node_id": "N1", "service_id": "ground", "shipments_per_day": 7}],
    "closures": [{"date": "2026-01-19", "node_id": "N1"}, {"date": "2026-01-19", "service_id": "ground"}],
    "used": [
        {"node_id": "N1", "date": "2026-01-05", "shipments": 1},
        {"node_id": "N1", "service_id": "ground", "date": "2026-01-05", "shipments": 1},
    ],
    "orders": [
        {"order_id": "O1", "lat": 41.25, "lon": -80.5, "deliver_by": "2026-01-08", "only_nodes": "N1 N2"},
        {"order_id": "O2", "lat": 41, "lon": -80, "region": "PA", "residential": False, "held": True},
    ],
    "lines": [
        {"order_id": "O1", "line_id": "1", "sku": "007", "quantity": 2, "ship_together": "a"},
        {"order_id": "O1", "line_id": "2", "sku": "NA", "quantity": 1, "ship_together": "a"},
        {"order_id": "O2", "line_id": "1", "sku": "007", "quantity": 9, "unallocated_cents": 4},
    ],
}
_DATES = {"available_on", "date", "deliver_by"}


def small_document() -> Document:
    """Return a batch without faults; a fresh copy each time."""
    return deepcopy(_DOCUMENT)


def write_folder(folder: Path, document: Document, form: str) -> Path:
    """Write a document as a folder of CSV or Parquet tables, with nothing of ours but the names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in document.items():
        if name == "policy":
            (folder / "policy.json").write_text(json.dumps(rows), "utf-8")
        elif form == "csv":
            write_csv(folder / f"{name}.csv", rows)
        else:
            pq.write_table(arrow_table(rows), folder / f"{name}.parquet")
    return folder


def write_csv(path: Path, rows: list[Document]) -> None:
    """Write rows as CSV, a missing value being an empty cell."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.writer(sink, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([[_cell(row.get(name)) for name in names] for row in rows])


def _cell(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def arrow_table(rows: list[Document]) -> pa.Table:
    """Return rows as an Arrow table, dates that are dates in Parquet's own type."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns: dict[str, list[Any]] = {name: [row.get(name) for row in rows] for name in names}
    for name in _DATES & set(names):
        with contextlib.suppress(ValueError):  # what is no date stays text
            columns[name] = [value and _day(value) for value in columns[name]]
    return pa.table(columns)


def _day(text: str) -> date:
    if len(text) != 10:
        raise ValueError(text)
    return date.fromisoformat(text)


def write_form(tmp_path: Path, document: Document, form: str) -> Path:
    """Write a document in one of the three forms and return where it is."""
    if form != "json":
        return write_folder(tmp_path / form, document, form)
    path = tmp_path / "batch.json"
    path.write_text(json.dumps(document), "utf-8")
    return path


def messages(source: Path) -> list[str]:
    """Return what is wrong with a batch, which has to be something."""
    with pytest.raises(InputError) as caught:
        read_batch(source)
    assert str(caught.value).splitlines()[: len(caught.value.faults)] == [f.message for f in caught.value.faults]
    return [fault.message for fault in caught.value.faults]
