"""Tests the command line with the real optimiser: whole runs, pipes, Ctrl-C and the demo."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
from pathlib import Path

import pytest

from engine.check import check
from engine.documents import read_allocation, read_batch
from tests.api.running import COMMAND, environment, nodewise, start, worked_files

SIZES = ["--orders", "60", "--nodes", "8", "--skus", "20"]


def test_every_form_of_a_batch_gives_the_same(tmp_path: Path) -> None:
    """Parquet, CSV and JSON mean the same: one summary but for its seconds, and the checker passes each."""
    summaries = []
    for form in ("parquet", "csv", "json"):
        day = "day.json" if form == "json" else f"day-{form}"
        assert nodewise("generate", *SIZES, "-o", day, "--format", form, cwd=tmp_path).exit_code == 0
        done = nodewise("allocate", day, "--workers", "1", cwd=tmp_path)
        assert done.exit_code == 0, done.stderr
        target = done.stdout.splitlines()[-1].removeprefix("allocation written to ")
        assert nodewise("check", day, target, cwd=tmp_path).exit_code == 0
        found = read_allocation(tmp_path / target).summary
        del found["seconds"]
        for point in found["trace"]:
            del point["seconds"]
        summaries.append(found)
    assert summaries[0] == summaries[1] == summaries[2]


def test_the_worked_batch_is_optimal(tmp_path: Path) -> None:
    """A small batch comes back proved, whatever gap was asked for."""
    source, _ = worked_files(tmp_path)
    done = nodewise("allocate", source, "--gap", "0.5", cwd=tmp_path)
    assert done.exit_code == 0, done.stderr
    assert read_allocation(tmp_path / "day-allocation.json").summary["termination"] == "optimal"


def test_three_commands_in_a_pipe(tmp_path: Path) -> None:
    """generate | allocate | check work on documents alone."""
    command = shlex.join(COMMAND)
    sizes = " ".join(SIZES)
    line = f"{command} generate {sizes} -o - | tee day.json | {command} allocate - | {command} check day.json -"
    piped = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert piped.returncode == 0, piped.stderr
    assert piped.stdout.startswith("all right: ")
    assert [entry.name for entry in tmp_path.iterdir()] == ["day.json"]


def test_ctrl_c_keeps_the_best_so_far(tmp_path: Path) -> None:
    """Ctrl-C in the middle of a search: what was found is checked, written and marked `interrupted`."""
    sizes = ["--orders", "3000", "--nodes", "60", "--skus", "300"]
    assert nodewise("generate", *sizes, "-o", "day", cwd=tmp_path).exit_code == 0
    running = start("allocate", "day", "--gap", "0", "--time-limit", "120", cwd=tmp_path)
    assert running.stderr is not None
    for line in running.stderr:
        if "objective" in line:
            break
    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate(timeout=120)
    assert running.returncode == 0, stderr
    assert "interrupted: this is the best allocation found until then, checked" in stdout
    allocation = read_allocation(tmp_path / "day-allocation")
    assert allocation.summary["termination"] == "interrupted"
    assert check(read_batch(tmp_path / "day"), allocation).ok


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A small demo, run twice into the same folder: where it is and what it said the second time."""
    folder = tmp_path_factory.mktemp("demo")
    for _ in range(2):
        done = nodewise("demo", *SIZES, "--time-limit", "5", cwd=folder)
        assert done.exit_code == 0, done.stderr
    return folder, done.stdout


def test_the_demo_leaves_what_it_says(demo: tuple[Path, str]) -> None:
    """The batch and both plans are where the demo says, pass the checker, and the whole one is cheaper."""
    folder, said = demo
    assert "The files are in nodewise-demo: batch, allocation and one-at-a-time." in said
    made = folder / "nodewise-demo"
    assert sorted(entry.name for entry in made.iterdir()) == ["allocation", "batch", "one-at-a-time", "report.html"]
    batch = read_batch(made / "batch")
    plans = [read_allocation(made / name) for name in ("allocation", "one-at-a-time")]
    assert all(check(batch, plan).ok for plan in plans)
    assert plans[0].summary["objective_cents"] <= plans[1].summary["objective_cents"]
    assert "Allocating as a whole saves $" in said


def test_the_demo_replaces_demos_only(tmp_path: Path) -> None:
    """A folder with anything else in it stays as it is."""
    (tmp_path / "nodewise-demo").mkdir()
    (tmp_path / "nodewise-demo" / "notes.json").write_text(json.dumps("mine"))
    refused = nodewise("demo", *SIZES, cwd=tmp_path)
    assert refused.exit_code == 2
    assert refused.stderr == (
        "demo: nodewise-demo holds notes.json, expected no folder, an empty one or an earlier demo\n"
    )
    assert [entry.name for entry in (tmp_path / "nodewise-demo").iterdir()] == ["notes.json"]
