"""Tests `nodewise simulate` and `nodewise compare`: folders, what is said, what is refused, signals."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from engine import write_batch
from engine.generate import GenerateParams, generate
from tests.api.running import nodewise, process, start

FILES = {"shipments.parquet", "allocations.parquet", "unallocated.parquet", "prices.parquet", "summary.json"}
SHUT = 'description = "the largest node is shut"\n[[edits]]\nedit = "close_node"\nnode_id = "dc01"\n'
MORE = '{"edits": [{"edit": "scale_demand", "pct": 150, "seed": 4}]}'


@pytest.fixture
def day(tmp_path: Path) -> Path:
    """A folder with a small batch and two scenarios."""
    write_batch(generate(GenerateParams(load="peak", n_orders=25, n_nodes=4, n_skus=10, seed=3)), tmp_path / "day")
    (tmp_path / "shut.toml").write_text(SHUT)
    (tmp_path / "more.json").write_text(MORE)
    return tmp_path


def content(folder: Path) -> dict[str, bytes]:
    """The bytes of every file below a folder, but for the seconds that runs took."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for name in [name for name in found if name.endswith("summary.json")]:
        summary = json.loads(found[name])
        trace = [{**point, "seconds": 0.0} for point in summary["trace"]]
        found[name] = json.dumps({**summary, "seconds": {}, "trace": trace}).encode()
    return {name: data for name, data in found.items() if not name.endswith(".xlsx")}  # it holds when it was made


def test_from_scenarios_to_comparison(day: Path) -> None:
    """Tests what a simulation writes and says, that its plans pass the check, and that it replaces itself only."""
    arguments = ("simulate", "day", "shut.toml", "more.json", "-o", "out", "--keep-batches", "--workers", "2")
    done = nodewise(*arguments, cwd=day)
    assert done.exit_code == 0, done.stderr
    out = day / "out"
    assert {path.name for path in out.iterdir()} == {"simulation.json", "base", "shut", "more", "comparison"}
    assert {path.name for path in (out / "shut").iterdir()} == {*FILES, "scenario.json", "batch"}
    assert json.loads((out / "shut" / "scenario.json").read_text())["description"] == "the largest node is shut"
    assert json.loads((out / "simulation.json").read_text())["base"] == "../day"
    for name in ("base", "shut", "more"):
        assert nodewise("check", f"out/{name}/batch", f"out/{name}", cwd=day).exit_code == 0
        assert f"{name}:" in done.stderr
    assert (out / "base" / "batch" / "orders.parquet").read_bytes() == (day / "day" / "orders.parquet").read_bytes()
    assert {"comparison.xlsx", "comparison.json", "orders.csv", "orders.spreadsheet.csv", "orders.parquet"} <= {
        path.name for path in (out / "comparison").iterdir()
    }
    for word in ("objective", "fill rate", "carbon", "shut: +$", "more: +$", "orders changed", "closed"):
        assert word in done.stdout
    assert "3 plans and their comparison written to out\n" in done.stdout
    first = content(out)
    assert nodewise(*arguments, cwd=day).exit_code == 0
    assert content(out) == first
    assert [path.name for path in day.iterdir() if path.name.startswith(".")] == []
    (out / "shut" / "note.txt").write_text("mine")
    refused = nodewise(*arguments, cwd=day)
    assert refused.exit_code == 2 and "holds shut/note.txt" in refused.stderr
    assert (out / "shut" / "note.txt").read_text() == "mine"


def test_comparing_again(day: Path) -> None:
    """Tests that plans are compared again from what was written, and never with another batch."""
    assert nodewise("simulate", "day", "shut.toml", "more.json", "-o", "out", cwd=day).exit_code == 0
    whole = nodewise("compare", "out", cwd=day)
    assert whole.exit_code == 0, whole.stderr
    assert "shut: +$" in whole.stdout and "more: +$" in whole.stdout
    two = nodewise("compare", "out/more", "out/shut", "-o", "two", cwd=day)
    assert two.exit_code == 0 and " against more" in two.stdout and two.stdout.endswith("written to two\n")
    summary = json.loads((day / "two" / "comparison.json").read_text())
    assert [plan["name"] for plan in summary["plans"]] == ["more", "shut"] and summary["baseline"] == "more"
    assert nodewise("compare", "out/more", "out/shut", "-o", "two", cwd=day).exit_code == 2

    assert nodewise("allocate", "day", "-o", "plan", cwd=day).exit_code == 0
    same = nodewise("compare", "--base", "day", "out/base", "plan", cwd=day)
    assert same.exit_code == 0 and "plan: $0.00 against base" in same.stdout
    assert "every order is served as before" in same.stdout
    wrong = nodewise("compare", "--base", "day", "out/base", "out/nothing", cwd=day)
    assert wrong.exit_code == 2 and "out/nothing" in wrong.stderr
    alone = nodewise("compare", "out/base", cwd=day)
    assert alone.exit_code == 2 and "two plans or more" in alone.stderr
    strange = nodewise("compare", "out/base", "plan", cwd=day)
    assert strange.exit_code == 2 and "--base" in strange.stderr

    (day / "day").rename(day / "elsewhere")
    assert nodewise("compare", "out", cwd=day).exit_code == 2
    assert nodewise("compare", "out", "--base", "elsewhere", cwd=day).exit_code == 0
    write_batch(generate(GenerateParams(load="peak", n_orders=26, n_nodes=4, n_skus=10, seed=3)), day / "day")
    other = nodewise("compare", "out", cwd=day)
    assert other.exit_code == 2 and "not the one that was solved" in other.stderr


def test_what_is_refused(day: Path) -> None:
    """Tests that wrong scenarios and targets end with exit code 2 before anything is solved or written."""
    (day / "wrong.toml").write_text('[[edits]]\nedit = "close_node"\nnode_id = "dc99"\n[[edits]]\nedit = "open"\n')
    (day / "base.toml").write_text(SHUT)
    (day / "lost.toml").write_text(SHUT.replace("dc01", "dc99"))
    (day / "mine").mkdir()
    (day / "mine" / "thesis.txt").write_text("mine")
    for arguments, words in (
        (("wrong.toml", "shut.toml", "-o", "out"), 'wrong.toml edit 2: edit is "open", expected one of'),
        (("lost.toml", "-o", "out"), "lost edit 1: node_id is dc99, expected a node_id of nodes"),
        (("base.toml", "-o", "out"), "the name base, expected another name"),
        (("shut.toml", "shut.toml", "-o", "out"), "name is shut, expected a name that shut.toml does not have"),
        (("none.toml", "-o", "out"), "none.toml: cannot be read"),
        (("shut.toml", "-o", "mine"), "mine holds no simulation.json"),
        (("shut.toml", "-o", "shut.toml"), "shut.toml is no folder"),
        (("shut.toml", "-o", "-"), "give -o FOLDER"),
    ):
        done = nodewise("simulate", "day", *arguments, cwd=day)
        assert done.exit_code == 2, (arguments, done.stdout, done.stderr)
        assert words in done.stderr, done.stderr
        assert "compile" not in done.stderr
    assert not (day / "out").exists()
    assert (day / "mine" / "thesis.txt").read_text() == "mine"


def test_standard_input_and_pipes(day: Path) -> None:
    """Tests a base from standard input, whose plans need it again, and a reader that goes away."""
    assert nodewise("generate", "--orders", "20", "--nodes", "4", "--skus", "6", "-o", "d.json", cwd=day).exit_code == 0
    given = (day / "d.json").read_text()
    done = nodewise("simulate", "-", "more.json", "-o", "out", cwd=day, given=given)
    assert done.exit_code == 0, done.stderr
    refused = nodewise("compare", "out", cwd=day)
    assert refused.exit_code == 2 and "standard input" in refused.stderr
    assert nodewise("compare", "out", "--base", "d.json", cwd=day).exit_code == 0


def test_interrupted(tmp_path: Path) -> None:
    """Tests that Ctrl-C ends all plans with the best found so far, checked, and says so."""
    write_batch(generate(GenerateParams(load="flash", n_orders=1500, n_nodes=20, seed=3)), tmp_path / "day")
    (tmp_path / "more.json").write_text(MORE)
    running = start("simulate", "day", "more.json", "-o", "out", "--gap", "0", cwd=tmp_path)
    assert running.stderr is not None and running.stdout is not None
    for line in running.stderr:
        if " anneal " in line or " greedy " in line:
            running.send_signal(signal.SIGINT)
            break
    stdout, stderr = running.communicate(timeout=120)
    assert running.returncode == 0, stderr
    assert "stopping" in stderr and "interrupted: " in stdout
    summaries = [json.loads((tmp_path / "out" / name / "summary.json").read_text()) for name in ("base", "more")]
    assert "interrupted" in {summary["termination"] for summary in summaries}


def test_help_is_quick_and_complete(tmp_path: Path) -> None:
    """Tests that both commands explain themselves."""
    for command in ("simulate", "compare"):
        done: subprocess.CompletedProcess[str] = process(command, "--help", cwd=tmp_path)
        assert done.returncode == 0 and "Example" in done.stdout
