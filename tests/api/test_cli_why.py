"""Tests `nodewise explain` and `nodewise frontier`: what they print, what they write, and what they refuse."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from engine import AllocateParams, allocate, write_allocation, write_batch
from engine.generate import GenerateParams, generate
from tests.api.running import nodewise

DAY = GenerateParams(load="flash", n_orders=60, n_nodes=12, n_skus=4, seed=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A batch `day`, `day-allocation` beside it, and the same allocation as `plan.json`."""
    place = tmp_path_factory.mktemp("why")
    batch = generate(DAY)
    allocation = allocate(batch, AllocateParams(gap=0.0))
    write_batch(batch, place / "day")
    write_allocation(allocation, place / "day-allocation")
    write_allocation(allocation, place / "plan.json")
    return place


def test_explain_an_order(folder: Path) -> None:
    """Tests that the text has the costs, the verdict of each rival and what the figures are about."""
    document = json.loads(nodewise("explain", "day-allocation", "o07", "--json", cwd=folder).stdout)
    assert document["order_id"] == "o07" and document["proven"]
    done = nodewise("explain", "day-allocation", "o07", cwd=folder)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("order o07: ")
    for one in document["alternatives"]:
        assert f". from {one['node_id']}: " in done.stdout
        for wanted in one["wanted"]:
            assert all(f"{holder['order_id']} would give it up for $" in done.stdout for holder in wanted["holders"])
    assert "other orders, " in done.stdout or "nothing else has to move" in done.stdout
    same = nodewise("explain", "plan.json", "o07", "--input", "day", cwd=folder)
    assert same.stdout == done.stdout


def test_explain_the_whole_batch(folder: Path) -> None:
    """Tests that scarce resources are sentences, with the whole batch solved anew where that is asked for."""
    done = nodewise("explain", "day-allocation", "--top", "2", "--verify", cwd=folder)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith(" 1. one more of sku")
    assert done.stdout.count("the whole batch solved anew: exactly $") == 2
    document = json.loads(nodewise("explain", "day-allocation", "--top", "2", "--json", cwd=folder).stdout)
    assert [one["kind"] for one in document["resources"]] == ["stock", "stock"]


def test_explain_refuses(folder: Path) -> None:
    """Tests an unknown order, a name that does not say where the batch is, and a batch that is not there."""
    unknown = nodewise("explain", "day-allocation", "o7", cwd=folder)
    assert unknown.exit_code == 2
    assert "order_id is o7, expected an order of the batch, such as o" in unknown.stderr
    unnamed = nodewise("explain", "plan.json", "o07", cwd=folder)
    assert unnamed.exit_code == 2
    assert "plan.json, expected a name that ends in -allocation beside its batch, or --input BATCH" in unnamed.stderr
    (folder / "gone-allocation").mkdir()
    gone = nodewise("explain", "gone-allocation", cwd=folder)
    assert gone.exit_code == 2 and "gone-allocation without gone" in gone.stderr


def test_frontier_in_every_form(folder: Path) -> None:
    """Tests that table, chart and files have the same points."""
    asked = ("frontier", "day", "--over", "unallocated", "--points", "3", "--most", "5000")
    document = json.loads(nodewise(*asked, "--json", "-o", "curve.json", cwd=folder).stdout)
    assert json.loads((folder / "curve.json").read_text()) == document
    points = document["points"]
    assert len(points) >= 2 and len(document["lines"]) == 3
    done = nodewise(*asked, "-o", "curve.csv", cwd=folder)
    assert done.exit_code == 0, done.stderr
    assert "cost against units left out, times priority" in done.stdout
    assert done.stdout.endswith(f"{len(points)} points written to curve.csv\n")
    nodewise(*asked, "-o", "curve.parquet", cwd=folder)
    with (folder / "curve.csv").open() as found:
        rows = list(csv.DictReader(found))
    assert [int(row["other_cents"]) for row in rows] == [point["other_cents"] for point in points]
    assert pq.read_table(folder / "curve.parquet").to_pylist() == points
    assert not list(folder.glob(".curve*"))


def test_frontier_refuses(folder: Path) -> None:
    """Tests a form that there is not, and a quantity that there is not."""
    done = nodewise("frontier", "day", "--over", "split", "-o", "curve.txt", cwd=folder)
    assert done.exit_code == 2 and "expected a file that ends in .csv, .parquet, .json" in done.stderr
    assert nodewise("frontier", "day", "--over", "time", cwd=folder).exit_code == 2
