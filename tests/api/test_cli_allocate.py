"""Tests `nodewise allocate`: where the result goes, what is said meanwhile, and signals."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from engine.check import check
from engine.documents import read_allocation, read_batch
from tests.api.running import FAKE_COMMAND, environment, nodewise, start, worked_files

TERMS = ("freight", "handling", "preference", "split shipments", "late deliveries", "carbon", "unallocated")
FIGURES = ("objective", "fill rate", "split rate", "late shipments", "bound", "gap", "savings gap", "total")


def test_the_summary_is_a_table(tmp_path: Path) -> None:
    """At the end every cost term, the rates, the gaps, the termination and the seconds are shown."""
    source, _ = worked_files(tmp_path)
    done = nodewise("allocate", source, cwd=tmp_path, fake="answer")
    assert done.exit_code == 0, done.stderr
    for word in (*TERMS, *FIGURES, "termination", "read", "write"):
        assert f"\n {word}" in done.stdout
    summary = read_allocation(tmp_path / "day-allocation.json").summary
    cents = summary["objective_cents"]
    assert f"${cents // 100:,}.{cents % 100:02d}" in done.stdout
    assert done.stdout.endswith("allocation written to day-allocation.json\n")


def test_every_target(tmp_path: Path) -> None:
    """`-o` and `--format` choose the place and the form; all hold the same."""
    source, _ = worked_files(tmp_path)
    for target, form, made in (
        ("plan-a", None, "plan-a/shipments.parquet"),
        ("plan-b", "csv", "plan-b/shipments.csv"),
        ("deep/plan-c.json", None, "deep/plan-c.json"),
        ("plan-d", "json", "plan-d"),
    ):
        extra = [] if form is None else ["--format", form]
        done = nodewise("allocate", source, "-o", target, *extra, cwd=tmp_path, fake="answer")
        assert done.exit_code == 0, done.stderr
        assert (tmp_path / made).is_file()
        assert nodewise("check", source, target, cwd=tmp_path).exit_code == 0


def test_nothing_but_the_document_on_standard_output(tmp_path: Path) -> None:
    """With `-` the result document is all that standard output has; the rest is on standard error."""
    source, _ = worked_files(tmp_path)
    given = (tmp_path / source).read_text()
    for arguments, text in ((["-"], given), ([source, "-o", "-"], None)):
        done = nodewise("allocate", *arguments, cwd=tmp_path, given=text, fake="answer")
        assert done.exit_code == 0, done.stderr
        assert list(json.loads(done.stdout)) == [
            "summary",
            "shipments",
            "allocations",
            "unallocated",
            "prices",
        ]
        assert "\n fill rate" in done.stderr
    refused = nodewise("allocate", "-", "--format", "csv", cwd=tmp_path, given=given, fake="answer")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["day.json", "plan.json"]


@pytest.mark.parametrize("target", ["day.json", "kept", "file/in/file", "plan.json/x"])
def test_a_target_in_use_is_refused_before_the_work(target: str, tmp_path: Path) -> None:
    """What is not an earlier allocation is never replaced, and the refusal does not wait for the result."""
    source, _ = worked_files(tmp_path)
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "notes.txt").touch()
    (tmp_path / "file").write_text("text")
    refused = nodewise("allocate", source, "-o", target, cwd=tmp_path, fake="wait")
    assert refused.exit_code == 2
    assert refused.stdout == ""
    assert refused.stderr.startswith("allocation: ")
    assert ", expected " in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert json.loads((tmp_path / "day.json").read_text())["policy"]


def test_plain_lines_are_few(tmp_path: Path) -> None:
    """Without a terminal a phase gets one line at first, and then one in two seconds."""
    source, _ = worked_files(tmp_path)
    done = nodewise("allocate", source, cwd=tmp_path, fake="tick")
    lines = done.stderr.splitlines()
    assert [line.split()[0] for line in lines] == ["read", "prices", "write"]
    assert "13 orders  objective $1,234.56  bound $1,200.00  gap 2.80%  " in lines[1]


def test_a_terminal_gets_a_live_line(tmp_path: Path) -> None:
    """On a terminal one line is redrawn, and gone at the end; standard output has no trace of it."""
    source, _ = worked_files(tmp_path)
    ours, theirs = pty.openpty()
    running = start("allocate", source, cwd=tmp_path, stderr=theirs, fake="tick", TERM="xterm")
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # how a terminal says that the other side has gone
            break
        if not part:
            break
        shown += part
    os.close(ours)
    stdout, _ = running.communicate(timeout=60)
    assert running.returncode == 0, shown
    assert shown.count(b"objective $1,234.56") >= 2
    assert b"\x1b[2K" in shown
    assert "\x1b" not in stdout


def _first_line_of(running: subprocess.Popen[str], phase: str) -> None:
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith(phase):
            return
    raise AssertionError(f"ended before {phase}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_keeps_the_best_so_far(number: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C or SIGTERM: the allocation is checked, written and marked, and the exit code is 0."""
    source, _ = worked_files(tmp_path)
    running = start("allocate", source, cwd=tmp_path, fake="wait")
    _first_line_of(running, "prices")
    running.send_signal(number)
    stdout, stderr = running.communicate(timeout=60)
    assert running.returncode == 0, stderr
    assert "stopping: the best allocation found so far will be written (again to abort)" in stderr
    assert "interrupted: this is the best allocation found until then, checked" in stdout
    allocation = read_allocation(tmp_path / "day-allocation.json")
    assert allocation.summary["termination"] == "interrupted"
    assert check(read_batch(tmp_path / source), allocation).ok


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_two_signals_abort(number: signal.Signals, code: int, tmp_path: Path) -> None:
    """A second signal ends the command at once, with nothing written."""
    source, _ = worked_files(tmp_path)
    running = start("allocate", source, cwd=tmp_path, fake="stuck")
    _first_line_of(running, "prices")
    running.send_signal(number)
    _first_line_of(running, "stopping")
    running.send_signal(number)
    stdout, stderr = running.communicate(timeout=60)
    assert (running.returncode, stdout) == (code, "")
    assert stderr.splitlines()[-1] == "nodewise: aborted, nothing was written"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["day.json", "plan.json"]


def test_an_interrupted_allocation_with_a_fault_is_not_written(tmp_path: Path) -> None:
    """What the checker refuses after an interrupt is a bug of ours: exit code 1, and nothing is written."""
    source, _ = worked_files(tmp_path)
    running = start("allocate", source, cwd=tmp_path, fake="wrong")
    _first_line_of(running, "prices")
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "the allocation is wrong, nothing was written: shipments row 1: freight_cents" in stderr
    assert not (tmp_path / "day-allocation.json").exists()


def test_a_terminal_that_goes_away_does_not_end_the_run(tmp_path: Path) -> None:
    """When nobody reads standard error any more, the allocation is written all the same."""
    source, _ = worked_files(tmp_path)
    running = subprocess.Popen(
        [*FAKE_COMMAND, "allocate", source],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(FAKE="tick"),
    )
    assert running.stderr is not None and running.stdout is not None
    running.stderr.close()
    stdout = running.stdout.read()
    running.stdout.close()
    assert running.wait(timeout=60) == 0
    assert stdout.endswith(b"allocation written to day-allocation.json\n")
