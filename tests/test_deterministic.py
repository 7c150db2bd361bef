"""Tests that the same input, seed and parameters give the same bytes, whatever the number of workers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine import AllocateParams, Allocation, Batch, allocate, parse_batch, write_allocation, write_batch
from engine.generate import GenerateParams, generate
from engine.generate.loads import LoadName
from tests.drawing import draw_batch
from tests.merging import without_large_orders
from tests.stopping import Ticks, as_if_large

ROOT = Path(__file__).parents[1]
RUN = """
import sys
from engine import AllocateParams, allocate, read_batch, write_allocation
from tests.stopping import Ticks
params = AllocateParams(gap=0.0, time_limit_seconds=float(sys.argv[3]), seed=7, workers=int(sys.argv[4]))
write_allocation(allocate(read_batch(sys.argv[1]), params, clock=Ticks(1.0)), sys.argv[2], format="parquet")
"""
LOOKS = 220
"""After so many looks at the clock a run has been through all phases; real time would cut it anywhere."""


def written(allocation: Allocation, folder: Path, format: Any) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The bytes of each table as written, and the summary without its seconds."""
    write_allocation(allocation, folder, format=format)
    return as_written(folder)


def as_written(folder: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The bytes of each table in a folder, and the summary without its seconds."""
    tables = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "summary.json"}
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    del summary["seconds"]
    for point in summary["trace"]:
        del point["seconds"]
    assert len(tables) == 4
    return tables, summary


def test_drawn_batches(tmp_path: Path) -> None:
    """Tests drawn batches on the road of large ones, with 1, 2 and 4 workers, in both formats."""
    for seed in range(5000, 5025):
        batch = parse_batch(draw_batch(seed))
        for format in ("parquet", "csv"):
            first, *others = (
                written(solved(batch, workers), tmp_path / f"{seed}{format}{workers}", format) for workers in (1, 2, 4)
            )
            assert all(other == first for other in others), seed


def solved(batch: Batch, workers: int) -> Allocation:
    """Solve as if the batch were large."""
    with as_if_large():
        return allocate(batch, AllocateParams(gap=0.0, time_limit_seconds=3600.0, seed=7, workers=workers))


@pytest.mark.parametrize("load", ["peak", "basket"])
def test_generated_batches_in_separate_processes(load: LoadName, tmp_path: Path) -> None:
    """Tests 600 orders in new processes: 1, 2 and 4 workers, and 1 once more, through all phases of a run."""
    batch = generate(GenerateParams(load=load, n_orders=600, n_nodes=20, n_skus=400, seed=3))
    write_batch(without_large_orders(batch, 6), tmp_path / "in")
    outputs = []
    for number, workers in enumerate([1, 2, 4, 1]):
        out = tmp_path / f"out{number}"
        command = [sys.executable, "-c", RUN, str(tmp_path / "in"), str(out), str(LOOKS), str(workers)]
        subprocess.run(command, check=True, cwd=ROOT)
        outputs.append(as_written(out))
    assert all(output == outputs[0] for output in outputs)
    phases = {point["phase"] for point in outputs[0][1]["trace"]}
    assert {"list", "prices", "greedy", "anneal", "neighbourhoods"} <= phases


def test_a_seed_is_told_and_a_counting_clock_repeats() -> None:
    """Tests that a run cut short repeats where its clock does, and that the summary tells its seed."""
    batch = generate(GenerateParams(load="peak", n_orders=450, n_nodes=15, n_skus=100, seed=4))
    params = AllocateParams(gap=0.0, time_limit_seconds=60.0, seed=9)
    one, two = (allocate(batch, params, clock=Ticks(1.0)) for _ in range(2))
    assert one.summary["seed"] == 9
    assert one.summary == two.summary
    assert one.tables == two.tables
    assert one.summary["termination"] == "time_limit"
