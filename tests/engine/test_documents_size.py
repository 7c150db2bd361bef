"""Tests that a batch of a million rows is refused in seconds, with its first hundred faults."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from engine.documents import read_batch
from engine.errors import InputError
from tests.engine.small_batch import small_document, write_folder

N_ORDERS = 1_000_000
SECONDS = 20.0  # a few on an idle machine


def broken_orders() -> pa.Table:
    """Return a million orders: every second latitude is out of range, every third node is unknown."""
    number = np.arange(N_ORDERS)
    return pa.table(
        {
            "order_id": pc.binary_join_element_wise("O", pa.array(number % (N_ORDERS - 10)).cast(pa.string()), ""),
            "lat": np.where(number % 2 == 1, 91.5, 40.0),
            "lon": np.zeros(N_ORDERS),
            "only_nodes": pc.if_else(pa.array(number % 3 == 2), "N1 N9", "N1"),
        }
    )


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_million_broken_rows_are_refused_in_seconds(tmp_path: Path, form: str) -> None:
    """A million rows with 833,343 faults are refused in seconds: the first hundred, and how many."""
    folder = write_folder(tmp_path / form, small_document(), form)
    if form == "csv":
        pa_csv.write_csv(broken_orders(), folder / "orders.csv")
    else:
        pq.write_table(broken_orders(), folder / "orders.parquet")
    started = time.perf_counter()
    with pytest.raises(InputError) as caught:
        read_batch(folder)
    seconds = time.perf_counter() - started
    found = caught.value
    assert len(found.faults) == 100
    assert found.n_faults == 500_000 + 333_333 + 10
    assert [fault.message for fault in found.faults[:3]] == [
        "orders row 2: lat is 91.5, expected a number from -90 to 90",
        "orders row 3: only_nodes is N9, expected a node_id of nodes",
        "orders row 4: lat is 91.5, expected a number from -90 to 90",
    ]
    assert str(found).endswith("... and 833243 more")
    assert seconds < SECONDS


def test_a_million_ragged_rows_are_refused_in_seconds(tmp_path: Path) -> None:
    """A million rows with too few cells are refused in seconds as well."""
    folder = write_folder(tmp_path / "csv", small_document(), "csv")
    (folder / "orders.csv").write_text("order_id,lat,lon\nO1,1,1\nO2,1,1\n" + "O3,1\n" * N_ORDERS)
    started = time.perf_counter()
    with pytest.raises(InputError) as caught:
        read_batch(folder)
    assert caught.value.n_faults == 10_000  # then the file is given up
    assert caught.value.faults[0].message == "orders row 3: 2 cells, expected 3 cells"
    assert time.perf_counter() - started < SECONDS
