"""Tests what the command line reads and writes: generate, check, bad input, and pipes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from api.sources import default_target
from engine.documents import read_batch
from tests.api.running import COMMAND, environment, nodewise, worked_files, write_json
from tests.engine.small_batch import small_document
from tests.worked_batch import allocation_document, batch_document

SMALL = ["--orders", "30", "--nodes", "5", "--skus", "12"]


@pytest.mark.parametrize("form", ["parquet", "csv", "json"])
def test_generate_writes_every_form(form: str, tmp_path: Path) -> None:
    """A generated batch can be read back, and the last line says what it is and where."""
    target = "day.json" if form == "json" else "day"
    made = nodewise("generate", *SMALL, "--load", "calm", "-o", target, "--format", form, cwd=tmp_path)
    assert made.exit_code == 0, made.stderr
    assert made.stdout.startswith("calm batch: 30 orders, ")
    assert made.stdout.endswith(f"5 nodes, 12 items, {_rows(tmp_path / target)} stock rows, written to {target}\n")
    assert made.stderr == ""


def _rows(source: Path) -> int:
    return int(read_batch(source)["stock"].num_rows)


def test_generate_is_reproducible(tmp_path: Path) -> None:
    """The same parameters and seed give the same bytes, another seed gives others."""
    for name, seed in (("one", "3"), ("two", "3"), ("three", "4")):
        made = nodewise("generate", *SMALL, "--seed", seed, "-o", f"{name}.json", cwd=tmp_path)
        assert made.exit_code == 0, made.stderr
    one, two, three = ((tmp_path / f"{name}.json").read_bytes() for name in ("one", "two", "three"))
    assert one == two != three


def test_generate_replaces_batches_only(tmp_path: Path) -> None:
    """A folder with anything else in it stays as it is, and the command says what is in the way."""
    (tmp_path / "day").mkdir()
    (tmp_path / "day" / "thesis.txt").write_text("years of work")
    made = nodewise("generate", *SMALL, "-o", "day", cwd=tmp_path)
    assert made.exit_code == 2
    assert made.stderr == ("batch: day holds thesis.txt, expected no folder, an empty one or an earlier batch\n")
    assert [entry.name for entry in (tmp_path / "day").iterdir()] == ["thesis.txt"]


def test_generate_to_standard_output(tmp_path: Path) -> None:
    """With `-o -` the document, and nothing else, is on standard output."""
    made = nodewise("generate", *SMALL, "--format", "json", "-o", "-", cwd=tmp_path)
    assert made.exit_code == 0, made.stderr
    assert len(json.loads(made.stdout)["orders"]) == 30
    assert made.stderr.startswith("peak batch: 30 orders, ")
    tables = nodewise("generate", *SMALL, "--format", "csv", "-o", "-", cwd=tmp_path)
    assert (tables.exit_code, tables.stdout) == (2, "")
    assert tables.stderr == "standard output takes a JSON document only, not csv: give -o FOLDER\n"


def test_check_passes_what_is_right(tmp_path: Path) -> None:
    """A right allocation is said to be right, with its worth, and the exit code is 0."""
    checked = nodewise("check", *worked_files(tmp_path), cwd=tmp_path)
    assert checked.exit_code == 0, checked.stdout
    assert checked.stdout.startswith("all right: ")
    assert checked.stderr == ""


def test_check_lists_what_is_wrong(tmp_path: Path) -> None:
    """Every fault has a line with table, row, column, value and what was expected; the exit code is 3."""
    source, claimed = worked_files(tmp_path)
    document = allocation_document()
    freight = document["shipments"][1]["freight_cents"]
    document["shipments"][1]["freight_cents"] += 1
    write_json(tmp_path / claimed, document)
    checked = nodewise("check", source, claimed, cwd=tmp_path)
    assert checked.exit_code == 3
    lines = checked.stdout.splitlines()
    assert f"shipments row 2: freight_cents is {freight + 1}, expected {freight}" in lines
    assert lines[-1] == ("1 fault found" if len(lines) == 2 else f"{len(lines) - 1} faults found")
    assert checked.stderr == ""


def test_check_lists_a_hundred(tmp_path: Path) -> None:
    """Of many faults the first hundred are listed, and all are counted."""
    source, claimed = worked_files(tmp_path)
    document = allocation_document()
    document["unallocated"] += [{**document["unallocated"][0], "line_id": f"none {n}"} for n in range(150)]
    write_json(tmp_path / claimed, document)
    checked = nodewise("check", source, claimed, cwd=tmp_path)
    assert checked.exit_code == 3
    *faults, more, total = checked.stdout.splitlines()
    assert len(faults) == 100
    n_faults = int(total.removesuffix(" faults found"))
    assert n_faults >= 150
    assert more == f"... and {n_faults - 100} more"


def test_check_reads_standard_input(tmp_path: Path) -> None:
    """Either document can come from standard input, but not both."""
    source, claimed = worked_files(tmp_path)
    batch, allocation = (json.dumps(document()) for document in (batch_document, allocation_document))
    assert nodewise("check", source, "-", cwd=tmp_path, given=allocation).exit_code == 0
    assert nodewise("check", "-", claimed, cwd=tmp_path, given=batch).exit_code == 0
    both = nodewise("check", "-", "-", cwd=tmp_path, given=batch)
    assert both.exit_code == 2
    assert both.stderr == "the batch and the allocation cannot both come from standard input\n"


@pytest.mark.parametrize("command", ["allocate", "check"])
def test_bad_input_lists_every_fault(command: str, tmp_path: Path) -> None:
    """All faults of a batch are on standard error, a line each; nothing is written, the exit code is 2."""
    document = small_document()
    document["lines"][0]["quantity"] = -2
    document["orders"][1]["lat"] = 99.5
    document["stock"][0]["sku"] = "no such"
    write_json(tmp_path / "day.json", document)
    write_json(tmp_path / "plan.json", allocation_document())
    arguments = ["day.json"] if command == "allocate" else ["day.json", "plan.json"]
    refused = nodewise(command, *arguments, cwd=tmp_path)
    assert refused.exit_code == 2
    assert refused.stdout == ""
    faults = [line for line in refused.stderr.splitlines() if ", expected " in line]
    assert [line.split(", expected")[0] for line in faults] == [
        "stock row 1: sku is no such",
        "orders row 2: lat is 99.5",
        "lines row 1: quantity is -2",
    ]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["day.json", "plan.json"]


def test_bad_json_on_standard_input(tmp_path: Path) -> None:
    """A document that is no JSON is refused with the place, and standard output stays empty."""
    refused = nodewise("allocate", "-", cwd=tmp_path, given='{"policy": }')
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "batch: Expecting value in line 1, column 12, expected JSON" in refused.stderr


def test_missing_documents(tmp_path: Path) -> None:
    """What is not there is named, for both arguments of check."""
    source, _ = worked_files(tmp_path)
    for arguments, what in ((["nowhere", "x"], "batch"), ([source, "nowhere"], "allocation")):
        refused = nodewise("check", *arguments, cwd=tmp_path)
        assert refused.exit_code == 2
        assert refused.stderr.startswith(f"{what}: nowhere cannot be read (No such file or directory)")


@pytest.mark.parametrize(
    ("source", "format", "target"),
    [
        ("day", None, "day-allocation"),
        ("day/", None, "day-allocation"),
        ("a/day", "csv", "a/day-allocation"),
        ("day", "json", "day-allocation.json"),
        ("day.json", None, "day-allocation.json"),
        ("day.json", "json", "day-allocation.json"),
        ("day.json", "parquet", "day-allocation"),
        ("2026.05.19", None, "2026.05.19-allocation"),
        ("-", None, "-"),
    ],
)
def test_default_targets(source: str, format: str | None, target: str) -> None:
    """An allocation goes beside its batch when nothing else is said."""
    assert default_target(source, format) == target


def test_default_target_of_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dot stands for a folder that has a name."""
    monkeypatch.chdir(tmp_path)
    assert default_target(".", None) == str(tmp_path.with_name(f"{tmp_path.name}-allocation"))


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    """When nobody reads the output any more, the command ends without a word."""
    producer = subprocess.Popen(
        [*COMMAND, "generate", "--orders", "2000", "--nodes", "20", "--skus", "50", "-o", "-"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert producer.stdout is not None and producer.stderr is not None
    producer.stdout.read(10)
    producer.stdout.close()
    said = producer.stderr.read()
    producer.stderr.close()
    assert (producer.wait(timeout=60), said) == (1, b"")
