"""Tests of what CSV, Parquet and folders alone can get wrong, hostile files among them."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.documents import parse_batch, read_batch
from tests.engine.small_batch import messages, small_document, write_folder

POSITIVE = "an integer from 1"
DAY = "a date such as 2026-01-31"
LINES = "order_id, line_id, sku, quantity, unallocated_cents, ship_together"


def csv_folder(tmp_path: Path, **files: bytes | str) -> Path:
    """Return the small batch as CSV, the named tables replaced."""
    folder = write_folder(tmp_path / "csv", small_document(), "csv")
    for name, content in files.items():
        (folder / f"{name}.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def parquet_folder(tmp_path: Path, table: str, **columns: Any) -> Path:
    """Return the small batch as Parquet, columns of a table replaced (None: dropped)."""
    folder = write_folder(tmp_path / "parquet", small_document(), "parquet")
    path = folder / f"{table}.parquet"
    found = pq.read_table(path)
    kept = {name: found.column(name) for name in found.column_names} | columns
    pq.write_table(pa.table({name: column for name, column in kept.items() if column is not None}), path)
    return folder


@pytest.mark.parametrize("cell", ["5.0", "1e3", "+5", " 5", "5 ", "5_0", "0x1F", "٣", "NA", "NaN", "--5", "-"])
def test_an_integer_in_csv_is_plain_digits(tmp_path: Path, cell: str) -> None:
    """In CSV an integer is plain digits with an optional minus, and nothing else."""
    folder = csv_folder(tmp_path, lines=f"order_id,line_id,sku,quantity\nO1,1,007,2\nO1,2,NA,{cell}\n")
    value = f'"{cell}"' if cell != cell.strip() else cell
    assert messages(folder) == [f"lines row 2: quantity is {value}, expected {POSITIVE}"]


@pytest.mark.parametrize("cell", ["99999999999", "9" * 18, "9" * 19, "9" * 60, "0" * 30 + "9" * 19])
def test_a_huge_integer_in_csv_is_out_of_range(tmp_path: Path, cell: str) -> None:
    """In CSV an integer of any length is an integer, and too large."""
    folder = csv_folder(tmp_path, lines=f"order_id,line_id,sku,quantity\nO1,1,007,{cell}\n")
    assert messages(folder) == [f"lines row 1: quantity is {cell}, expected an integer up to 2147483647"]


@pytest.mark.parametrize("cell", ["nan", "inf", "-Infinity", "1e999", "1,5", " 1", "0x1", "1_0", "one", "NA", "."])
def test_a_number_in_csv_is_finite_and_plain(tmp_path: Path, cell: str) -> None:
    """In CSV a number is finite and written in digits, with a point and an exponent at most."""
    folder = csv_folder(tmp_path, orders=f'order_id,lat,lon\nO1,"{cell}",0\nO2,1.5e1,-.5\n')
    value = f'"{cell}"' if cell != cell.strip() else cell
    assert messages(folder) == [f"orders row 1: lat is {value}, expected a number from -90 to 90"]


@pytest.mark.parametrize("cell", ["True", "FALSE", "1", "yes", "t", " true"])
def test_a_bool_in_csv_is_true_or_false(tmp_path: Path, cell: str) -> None:
    """In CSV a bool is true or false, in small letters."""
    folder = csv_folder(tmp_path, orders=f"order_id,lat,lon,held\nO1,0,0,{cell}\nO2,0,0,false\n")
    value = f'"{cell}"' if cell != cell.strip() else cell
    assert messages(folder) == [f"orders row 1: held is {value}, expected true or false"]


def test_csv_text_stays_text(tmp_path: Path) -> None:
    """In CSV `NA`, `null` and `007` are text, an empty cell is null, a byte order mark is no name."""
    orders = '\ufefforder_id,lat,lon,region\r\n007,0,0,NA\r\nnull,1,1,""\r\n\r\n"a\n b",-0,007,\r\n'
    lines = "order_id,line_id,sku,quantity\nnull,NaN,NA,007\n"
    batch = read_batch(csv_folder(tmp_path, orders=orders, lines=lines))
    assert batch["orders"]["order_id"].to_pylist() == ["007", "null", "a\n b"]
    assert batch["orders"]["region"].to_pylist() == ["NA", None, None]
    assert batch["orders"]["lon"].to_pylist() == [0.0, 1.0, 7.0]
    assert batch["lines"].to_pylist() == [
        {
            "order_id": "null",
            "line_id": "NaN",
            "sku": "NA",
            "quantity": 7,
            "unallocated_cents": None,
            "ship_together": None,
        }
    ]


def test_a_header_alone_is_an_empty_table(tmp_path: Path) -> None:
    """A CSV file with a header and no row is a table without rows, with or without a last line end."""
    for end in ("", "\n", "\r\n"):
        batch = read_batch(csv_folder(tmp_path, lines="order_id,line_id,sku,quantity" + end))
        assert batch["lines"].num_rows == 0


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ["lines: lines.csv is empty, expected a header with the names of the columns"]),
        (b"\n \n", ["lines: lines.csv is empty, expected a header with the names of the columns"]),
        (
            b"order_id,line_id,sku,quantity\nO1,1,007,2\nO1,2\nO1,3,NA,0\nO1,4,NA,1,x\n",
            [
                "lines row 2: 2 cells, expected 4 cells",
                "lines row 3: quantity is 0, expected an integer from 1",
                "lines row 4: 5 cells, expected 4 cells",
            ],
        ),
        (
            b"order_id,line_id,sku,quantity,sku\nO1,1,007,2,007\n",
            ["lines: sku is given twice, expected each column once"],
        ),
        (
            b"order_id,line_id,sku,quantity,\nO1,1,007,2,\n",
            [f"lines: empty is an unknown column, expected one of {LINES}"],
        ),
        (
            b"order_id,line_id,sku,quantity\nO1,1,007,2\nO1,\xff,NA,1\n",
            ["lines: lines.csv: byte 0xff in line 3, expected UTF-8 text"],
        ),
        (
            b'order_id,line_id,sku,quantity\nO1,1,007,2\nO1,"2,NA,1\nO2,1,NA,1\n',
            [
                "lines: lines.csv: the record after line 2 is broken (unexpected end of data), "
                "expected quotation marks in pairs"
            ],
        ),
        (bytes(range(256)) * 50, ["lines: lines.csv: byte 0x80 in line 2, expected UTF-8 text"]),
    ],
)
def test_broken_csv_is_refused(tmp_path: Path, content: bytes, expected: list[str]) -> None:
    """A CSV file that is empty, ragged, ambiguous or no text is refused, and says where."""
    assert messages(csv_folder(tmp_path, lines=content)) == expected


def test_a_hundred_columns_too_many(tmp_path: Path) -> None:
    """A header of very many names is refused name by name, up to the first hundred."""
    names = ",".join(f"c{number}" for number in range(500))
    found = messages(csv_folder(tmp_path, lines=names + "\n" + ",".join("1" * 500) + "\n"))
    assert len(found) == 100
    assert found[99] == f"lines: c99 is an unknown column, expected one of {LINES}"


@pytest.mark.parametrize(
    ("table", "column", "values", "expected"),
    [
        ("lines", "quantity", pa.array([1.0, 2.0, 3.0]), "of type double, expected " + POSITIVE),
        ("lines", "quantity", pa.array(["1", "2", "3"]), "of type string, expected " + POSITIVE),
        ("lines", "quantity", pa.array([True] * 3), "of type bool, expected " + POSITIVE),
        (
            "lines",
            "quantity",
            pa.array([1, 2, 3]).cast(pa.decimal128(19, 0)),
            "of type decimal128(19, 0), expected " + POSITIVE,
        ),
        ("lines", "quantity", pa.array([[1], [2], [3]]), "of a nested type, expected one value a row"),
        (
            "lines",
            "ship_together",
            pa.array([{"a": 1}] * 3),
            "of a nested type, expected one value a row",
        ),
        ("lines", "sku", pa.array([7, 7, 7]), "of type int64, expected text of 1 to 128 characters"),
        ("lines", "sku", pa.array([b"007"] * 3), "of type binary, expected text of 1 to 128 characters"),
        ("orders", "held", pa.array([0, 1]), "of type int64, expected true or false"),
        ("orders", "lat", pa.array(["1", "2"]), "of type string, expected a number from -90 to 90"),
        ("orders", "deliver_by", pa.array([1, 2]), f"of type int64, expected {DAY}"),
        (
            "orders",
            "deliver_by",
            pa.array([0, 0], pa.timestamp("us", "UTC")),
            f"of type timestamp[us, tz=UTC], expected {DAY}",
        ),
    ],
)
def test_a_parquet_type_that_means_something_else_is_refused(
    tmp_path: Path, table: str, column: str, values: pa.Array, expected: str
) -> None:
    """A Parquet column of a type that cannot mean the column's kind is one fault for the column."""
    found = messages(parquet_folder(tmp_path, table, **{column: values}))
    assert found[0] == f"{table}: {column} is {expected}"
    assert len(found) == 1


@pytest.mark.parametrize(
    ("table", "column", "values", "message"),
    [
        ("lines", "quantity", pa.array([1, 2**64 - 1, 3], pa.uint64()), None),
        ("orders", "lat", pa.array([1.5, float("nan")]), "lat is nan, expected a number from -90 to 90"),
        ("orders", "lat", pa.array([1.5, float("inf")], pa.float32()), None),
        (
            "orders",
            "deliver_by",
            pa.array([datetime(2026, 1, 5), datetime(2026, 1, 5, 7)]),
            f"deliver_by is 2026-01-05 07:00:00.000000, expected {DAY}",
        ),
        ("orders", "deliver_by", pa.array([0, 2**31 - 1], pa.int32()).cast(pa.date32()), None),
    ],
)
def test_a_parquet_value_out_of_range_is_refused(
    tmp_path: Path, table: str, column: str, values: pa.Array, message: str | None
) -> None:
    """NaN, infinities, a time of day in a date and values beyond every range are faults of their row."""
    found = messages(parquet_folder(tmp_path, table, **{column: values}))
    assert len(found) == 1
    assert found[0].startswith(f"{table} row 2: {message or column}")


def test_every_parquet_type_that_means_the_same_is_read(tmp_path: Path) -> None:
    """Numbers of any width, dictionaries, large strings, dates, timestamps and nulls are read alike."""
    expected = parse_batch(small_document())
    lines = {
        "order_id": pa.array(["O1", "O1", "O2"]).dictionary_encode(),
        "line_id": pa.array(["1", "2", "1"], pa.large_string()),
        "sku": pa.array(["007", "NA", "007"]).cast(pa.string_view()),
        "quantity": pa.array([2, 1, 9], pa.uint8()),
        "unallocated_cents": pa.array([None, None, 4], pa.int16()),
        "ship_together": pa.array(["a", "a", ""]),
    }
    assert read_batch(parquet_folder(tmp_path / "1", "lines", **lines))["lines"].equals(expected["lines"])
    days = pa.array([datetime(2026, 1, 8), None])
    for unit in ("s", "ms", "us", "ns"):
        orders = {
            "deliver_by": days.cast(pa.timestamp(unit)),
            "lat": pa.array([41.25, 41], pa.float32()),
            "lon": pa.array([-80.5, -80.0]),
            "not_nodes": pa.nulls(2),
        }
        folder = parquet_folder(tmp_path / unit, "orders", **orders)
        assert read_batch(folder)["orders"].equals(expected["orders"])
    iso = {"deliver_by": pa.array(["2026-01-08", ""])}
    assert read_batch(parquet_folder(tmp_path / "2", "orders", **iso))["orders"].equals(expected["orders"])
    whole = {"lat": pa.array([41, 41], pa.int8())}
    assert read_batch(parquet_folder(tmp_path / "3", "orders", **whole))["orders"]["lat"].to_pylist() == [
        41,
        41,
    ]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(500) + b"PAR1", bytes(range(256)) * 9])
def test_junk_as_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file that is no Parquet is one fault, whatever its bytes."""
    folder = parquet_folder(tmp_path, "lines")
    (folder / "lines.parquet").write_bytes(content)
    found = messages(folder)
    assert len(found) == 1
    assert found[0].startswith("lines: lines.parquet cannot be read (")


def test_every_broken_byte_of_a_parquet_file_is_survived(tmp_path: Path) -> None:
    """A Parquet file with one byte changed is read or refused, never more than that."""
    folder = parquet_folder(tmp_path, "lines")
    path = folder / "lines.parquet"
    sound = path.read_bytes()
    for at in range(0, len(sound), 29):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 0xFF]) + sound[at + 1 :])
        try:
            read_batch(folder)
        except Exception as error:
            assert type(error).__name__ == "InputError", (at, error)


def test_text_that_is_not_utf8_in_parquet_is_refused(tmp_path: Path) -> None:
    """Parquet can hold broken text under the name of text: the column is refused."""
    offsets = pa.array([0, 1, 2, 3], pa.int32()).buffers()[1]
    broken = pa.Array.from_buffers(pa.string(), 3, [None, offsets, pa.py_buffer(b"a\xffb")])
    found = messages(parquet_folder(tmp_path, "lines", ship_together=broken))
    assert len(found) == 1
    assert found[0].startswith("lines: ship_together is broken (")


def test_files_of_a_folder(tmp_path: Path) -> None:
    """Unknown tables, a table in two forms, a folder in place of a file, and what is missing: all at once."""
    folder = csv_folder(tmp_path, colour="a\n1\n")
    (folder / "rates.parquet").write_bytes(b"")
    (folder / "ORDERS.CSV").write_bytes(b"")
    (folder / "lanes.json").write_bytes(b"[]")
    (folder / "notes.txt").write_bytes(b"")
    (folder / ".lines.csv").write_bytes(b"")
    (folder / "policy.json").unlink()
    (folder / "bands.csv").unlink()
    (folder / "bands.csv").mkdir()
    (folder / "stock.csv").unlink()
    names = "nodes, stock, items, services, bands, lanes, rates, service_capacity, closures, used, orders, lines"
    known = f"expected one of {names} with .parquet or .csv"
    assert messages(folder) == [
        "policy: missing, expected policy.json",
        "stock: missing, expected stock.parquet or stock.csv",
        "bands: bands.csv is no file, expected a file",
        f"lanes: unknown table file lanes.json, {known}",
        "rates: both rates.csv and rates.parquet, expected one of them",
        f"ORDERS: unknown table file ORDERS.CSV, {known}",
        f"colour: unknown table file colour.csv, {known}",
    ]


def test_places_that_are_no_batch(tmp_path: Path) -> None:
    """A path to nothing, a loop of links and a pipe in a folder are faults, and nobody waits for them."""
    where = "expected a folder of tables or a JSON document"
    assert messages(tmp_path / "none") == [
        f"batch: {tmp_path / 'none'} cannot be read (No such file or directory), {where}"
        if len(str(tmp_path / "none")) <= 80
        else f"batch: {str(tmp_path / 'none')[:77]}... cannot be read (No such file or directory), {where}"
    ]
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    assert "cannot be read (Too many levels of symbolic links)" in messages(loop)[0]
    folder = csv_folder(tmp_path)
    (folder / "lines.csv").unlink()
    (folder / "lines.csv").symlink_to(folder / "lines.csv")
    (folder / "used.csv").unlink()
    os.mkfifo(folder / "used.csv")
    assert messages(folder) == [
        "used: used.csv is no file, expected a file",
        "lines: lines.csv is no file, expected a file",
    ]
    assert messages(Path("a\0b"))[0].startswith("batch: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "policy: Expecting value in line 1, column 1, expected JSON"),
        (b"[]", "policy: a list, expected a JSON object"),
        (b"\xff", "policy: byte 0xff at 0, expected UTF-8 text"),
    ],
)
def test_a_policy_file_that_is_no_object(tmp_path: Path, content: bytes, message: str) -> None:
    """A policy.json that is no JSON object is a fault of the policy."""
    folder = csv_folder(tmp_path)
    (folder / "policy.json").write_bytes(content)
    assert messages(folder) == [message]
