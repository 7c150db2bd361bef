"""Tests that what is written is read back the same, whole or not at all, and replaces nothing foreign."""

from __future__ import annotations

import json
import pickle
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from engine import output
from engine.batch import Allocation, Batch, Policy
from engine.documents import (
    allocation_to_document,
    batch_from_tables,
    batch_to_document,
    parse_allocation,
    parse_batch,
    read_allocation,
    read_batch,
    write_allocation,
    write_batch,
)
from engine.errors import InputError
from engine.schema import INPUT_TABLES, OUTPUT_TABLES, POLICY
from tests.engine.small_batch import FORMS, small_document, write_form

SUMMARY = {"objective_cents": 12, "gap": 0.0, "termination": "optimal", "seconds": {"total": 1.5}}


def small_allocation() -> Allocation:
    """Return an allocation whose content is odd on purpose: reading judges types alone."""
    day = date(2026, 1, 5)
    rows: dict[str, list[tuple[Any, ...]]] = {
        "shipments": [
            ("S1", "O1", "N1", 'a "b"', day, day, "1", 0.1 + 0.2, 2**40, 1, 2, -3, 0, 0, 0),
            ("NA", "O,2", "n\n9", "null", day, day, "007", 1e-7, -5, 1, 2, 3, 0, 0, 2**61),
        ],
        "allocations": [("O1", "1", "007", "N1", "S1", -2)],
        "unallocated": [("O1", "1", "007", 0, "no such reason", -1)],
        "prices": [("stock", "N1", "007", None, None, 1 / 3), ("node_units", "N1", None, None, day, 1e22)],
    }
    tables = {
        name: pa.Table.from_pylist(
            [dict(zip(schema.column_names, row, strict=True)) for row in rows[name]], schema.arrow_schema
        )
        for name, schema in OUTPUT_TABLES.items()
    }
    return Allocation(tables, dict(SUMMARY))


def same_tables(one: Batch | Allocation, other: Batch | Allocation) -> bool:
    """Whether two documents hold the same tables, types and order included."""
    return list(one.tables) == list(other.tables) and all(
        table.equals(other.tables[name]) and table.schema.equals(other.tables[name].schema)
        for name, table in one.tables.items()
    )


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of each file of a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_three_forms_mean_the_same(tmp_path: Path) -> None:
    """One batch in three forms is read to equal tables, every default filled in."""
    batches = [read_batch(write_form(tmp_path, small_document(), form)) for form in FORMS]
    for batch in batches:
        assert same_tables(batch, batches[0])
        assert batch.policy == batches[0].policy
        for name, schema in INPUT_TABLES.items():
            assert batch[name].schema.equals(schema.arrow_schema)
            for column in schema.columns:
                assert batch[name][column.name].num_chunks == 1
                assert not (column.required or column.default is not None) or not batch[name][column.name].null_count


@pytest.mark.parametrize("form", FORMS)
def test_a_batch_is_read_back_the_same(tmp_path: Path, form: Any) -> None:
    """A batch that is written is read back equal, in every form."""
    batch = parse_batch(small_document())
    path = tmp_path / ("again.json" if form == "json" else "again")
    write_batch(batch, path, form)
    again = read_batch(path)
    assert same_tables(batch, again)
    assert again.policy == batch.policy
    assert parse_batch(json.dumps(batch_to_document(batch))).policy == batch.policy
    assert same_tables(parse_batch(batch_to_document(batch)), batch)


@pytest.mark.parametrize("form", FORMS)
def test_an_allocation_is_read_back_the_same(tmp_path: Path, form: Any) -> None:
    """An allocation is read back equal, whatever its content; the same one gives the same bytes."""
    allocation = small_allocation()
    name = "out.json" if form == "json" else "out"
    for folder in ("a", "b"):
        write_allocation(allocation, tmp_path / folder / name, form)
        again = read_allocation(tmp_path / folder / name)
        assert same_tables(allocation, again)
        assert again.summary == SUMMARY
    if form == "json":
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    else:
        assert contents(tmp_path / "a" / name) == contents(tmp_path / "b" / name)
        assert len(contents(tmp_path / "a" / name)) == 5
    assert same_tables(parse_allocation(json.dumps(allocation_to_document(allocation))), allocation)


def test_the_form_follows_the_path(tmp_path: Path) -> None:
    """Without a format a path that ends in .json gets one document, any other Parquet tables."""
    write_allocation(small_allocation(), tmp_path / "out.json")
    write_allocation(small_allocation(), tmp_path / "out")
    assert (tmp_path / "out.json").read_bytes().startswith(b'{"summary": {')
    assert sorted(contents(tmp_path / "out")) == [
        "allocations.parquet",
        "prices.parquet",
        "shipments.parquet",
        "summary.json",
        "unallocated.parquet",
    ]
    with pytest.raises(InputError, match="for csv, expected a folder"):
        write_allocation(small_allocation(), tmp_path / "out.json", "csv")


def test_empty_tables_come_back(tmp_path: Path) -> None:
    """An allocation without rows is read back with its types."""
    tables = {name: schema.arrow_schema.empty_table() for name, schema in OUTPUT_TABLES.items()}
    for form in ("parquet", "csv"):
        write_allocation(Allocation(tables, {}), tmp_path / form, form)
        assert same_tables(read_allocation(tmp_path / form), Allocation(tables, {}))


def test_an_earlier_allocation_is_replaced(tmp_path: Path) -> None:
    """An empty folder and an earlier allocation give way, and nothing else is left behind."""
    target = tmp_path / "out"
    target.mkdir()
    write_allocation(small_allocation(), target, "csv")
    write_allocation(small_allocation(), target, "parquet")
    assert all(not name.endswith(".csv") for name in contents(target))
    write_allocation(small_allocation(), tmp_path / "out.json")
    write_allocation(small_allocation(), tmp_path / "out.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out.json"]


def test_foreign_files_are_never_replaced(tmp_path: Path) -> None:
    """A folder or file that holds anything else is refused and stays as it is."""
    allocation, batch = small_allocation(), parse_batch(small_document())
    write_batch(batch, tmp_path / "batch", "csv")
    write_batch(batch, tmp_path / "batch.json")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "summary.json").write_text("{}")
    (tmp_path / "notes" / "notes.txt").write_text("mine")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "prices.csv").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to("link")
    before = {path: contents(path) for path in tmp_path.iterdir() if path.is_dir()}
    for name, reason in [
        ("batch", "holds bands.csv"),
        ("notes", "holds notes.txt"),
        ("half", "holds no summary.json"),
        ("file", "is no folder"),
        ("link", "expected"),
        ("batch.json", "is something else"),
    ]:
        with pytest.raises(InputError, match=reason):
            write_allocation(allocation, tmp_path / name)
    with pytest.raises(InputError, match="is a folder"):
        write_allocation(allocation, tmp_path / "notes", "json")
    assert {path: contents(path) for path in tmp_path.iterdir() if path.is_dir()} == before
    assert (tmp_path / "file").read_text() == "mine"
    assert read_batch(tmp_path / "batch.json").policy == batch.policy


@pytest.mark.parametrize("form", FORMS)
def test_a_write_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Any) -> None:
    """When writing fails half way, what was there before is still there, and nothing else is."""
    target = tmp_path / ("out.json" if form == "json" else "out")
    write_allocation(small_allocation(), target, form)
    before = target.read_bytes() if form == "json" else contents(target)
    calls = []

    def fail(*_: object) -> None:
        calls.append(1)
        if len(calls) == (1 if form == "json" else 3):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(output.os, "fsync", fail)
    with pytest.raises(InputError, match="No space left on device"):
        write_allocation(small_allocation(), target, form)
    assert (target.read_bytes() if form == "json" else contents(target)) == before
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    monkeypatch.setattr(output.os, "fsync", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_allocation(small_allocation(), target, form)
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the new folder cannot be moved into place, the earlier allocation comes back."""
    target = tmp_path / "out"
    write_allocation(small_allocation(), target)
    before = contents(target)
    rename = output.os.rename

    def fail_once(source: Path, into: Path) -> None:
        if ".new-" in str(source):
            raise OSError(5, "Input/output error")
        rename(source, into)

    monkeypatch.setattr(output.os, "rename", fail_once)
    with pytest.raises(InputError, match="Input/output error"):
        write_allocation(small_allocation(), target)
    assert contents(target) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_allocation_of_the_wrong_types_is_refused() -> None:
    """Reading an allocation refuses wrong types, nulls, and what is missing, like reading a batch."""
    document = allocation_to_document(small_allocation())
    document["shipments"][0]["freight_cents"] = 1.5
    document["shipments"][1]["ship_date"] = None
    document["allocations"][0]["colour"] = "red"
    document["prices"][0]["cents"] = float("nan")
    document["summary"] = {"gap": float("inf")}
    del document["unallocated"]
    with pytest.raises(InputError) as caught:
        parse_allocation(document)
    assert [fault.message for fault in caught.value.faults] == [
        "summary: Out of range float values are not JSON compliant, expected JSON without NaN and infinities",
        "shipments row 1: freight_cents is 1.5, expected an integer",
        "shipments row 2: ship_date is empty, expected a date such as 2026-01-31",
        "allocations row 1: colour is an unknown column, "
        "expected one of order_id, line_id, sku, node_id, shipment_id, quantity",
        "unallocated: missing, expected a list of objects",
        "prices row 1: cents is nan, expected a number",
    ]


def test_tables_in_memory_are_checked_like_files() -> None:
    """Arrow tables in memory go through the same checks, and optional tables and columns may be missing."""
    full = parse_batch(small_document())
    needed = {name: full[name] for name, schema in INPUT_TABLES.items() if not schema.optional}
    batch = batch_from_tables(full.policy, needed)
    assert batch["bands"].num_rows == 0
    assert batch["orders"].equals(full["orders"])
    needed["lines"] = needed["lines"].drop_columns(["quantity"])
    with pytest.raises(InputError, match="lines: quantity is absent, expected an integer from 1"):
        batch_from_tables({"as_of": "2026-01-05T09:00:00Z"}, needed)


def test_the_policy_says_what_the_schema_says() -> None:
    """The fields and defaults of Policy are those that the schema declares."""
    fields = Policy.model_fields
    assert tuple(fields) == POLICY.column_names
    for column in POLICY.columns:
        assert fields[column.name].is_required() == column.required
        assert column.required or fields[column.name].default == column.default


def test_documents_are_frozen_whole_and_travel() -> None:
    """A batch cannot be changed or lack a table, and can be sent to another process."""
    batch = parse_batch(small_document())
    with pytest.raises(AttributeError):
        batch.policy = None  # type: ignore[misc,assignment]
    with pytest.raises(ValueError, match="nodes"):
        Batch(batch.policy, {})
    with pytest.raises(ValueError, match="shipments"):
        Allocation({}, {})
    again = pickle.loads(pickle.dumps(batch))
    assert same_tables(again, batch)
    error = InputError([], 5)
    assert pickle.loads(pickle.dumps(error)).n_faults == 5
