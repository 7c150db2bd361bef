"""Measuring: processes and their memory, a case from start to end, and the command that runs a rival."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import measure
from benchmarks.campaign import RULES, Bench, measure_case, why_not_comparable
from benchmarks.kinds import AllocationCase, Bar, Day, RayCase, WorkersCase
from benchmarks.machine import origin
from benchmarks.processes import MeasurementError, Memory, nodewise, run_process, shown_command, succeed
from benchmarks.records import Record
from benchmarks.rivals import RIVALS
from benchmarks.rivals.__main__ import main as route
from engine import read_allocation, read_batch, write_batch
from engine.check import check
from engine.generate import GenerateParams, generate
from tests.benchmarks.test_page import RUN

SMALL = Day(load="calm", n_orders=40, n_nodes=8, n_skus=30)
SMALL_BATCH = generate(GenerateParams(load="peak", n_orders=60, n_nodes=8, n_skus=30, seed=1))
HOLDING = "held = bytearray(60_000_000); import time; time.sleep(0.8)"


def record(case: str) -> Record:
    """An empty record of a case."""
    return Record(case=case, date="2026-11-27T03:00Z", origin=origin(1))


def bench(folder: Path, n_workers: int = 1) -> Bench:
    """A quiet bench."""
    return Bench(folder=folder, n_workers=n_workers, say=lambda text: None)


def test_memory_counts_what_a_process_starts() -> None:
    """Tests that two children with 60 MB each count together, though their parent holds next to nothing."""
    start = f"subprocess.Popen([sys.executable, '-c', {HOLDING!r}])"
    code = f"import subprocess, sys; [child.wait() for child in [{start} for _ in '12']]"
    parent = subprocess.Popen([sys.executable, "-c", code])
    memory, ended = Memory(parent.pid), threading.Event()
    watching = threading.Thread(target=memory.watch, args=(ended,))
    watching.start()
    assert parent.wait() == 0
    ended.set()
    watching.join()
    assert 120_000_000 < memory.peak_bytes < 300_000_000


def test_a_process_is_timed_from_outside(tmp_path: Path) -> None:
    """Tests the time of a process that sleeps, its output and its exit code."""
    code = "import sys, time; time.sleep(0.3); print('out'); print('err', file=sys.stderr); sys.exit(4)"
    usage = run_process([sys.executable, "-c", code], tmp_path)
    assert usage.wall_seconds > 0.3 > usage.cpu_seconds
    assert (usage.exit_code, usage.stdout, usage.stderr) == (4, "out\n", "err\n")
    assert usage.peak_bytes > 5_000_000


def test_failures_say_what_the_process_said(tmp_path: Path) -> None:
    """Tests that a command which fails is named with its exit code and its last words."""
    with pytest.raises(MeasurementError, match=r"nodewise allocate nowhere .*ended with 2: .*nowhere"):
        succeed(nodewise("allocate", "nowhere", "-o", "out"), tmp_path)
    assert shown_command(nodewise("check", "a", "b")) == "nodewise check a b"


def test_a_case_is_measured_and_checked(tmp_path: Path) -> None:
    """Tests a small day from generating to the record: whole processes, checked, with the command's own figures."""
    case = AllocationCase(
        name="small",
        about="",
        minutes=1,
        days=(SMALL,),
        gap=0.01,
        time_limit_seconds=5.0,
        bars=(Bar(figure="gap", must=0.01),),
    )
    found = measure_case(case, bench(tmp_path), record("small"))
    (run,) = found.runs
    assert run.objective_cents >= run.bound_cents > 0
    assert run.n_faults == 0 and 0.0 < run.fill_rate <= 1.0
    assert run.wall_seconds > run.phases["total"] > 0.0 and run.check_seconds > 0.0
    assert 0.1 < run.peak_gigabytes < 2.0
    assert found.figures["gap"] == [run.gap] and found.figures["check_seconds"] == [run.check_seconds]
    assert all(point.seconds >= 0.0 for point in run.trace)
    assert list(tmp_path.glob("tmp*")) == []


def test_two_workers_need_two_processors(tmp_path: Path) -> None:
    """Tests that a comparison which cannot be made is refused, not made up."""
    case = WorkersCase(name="small", about="", minutes=1, days=(SMALL,), gap=0.01, time_limit_seconds=5.0)
    with pytest.raises(MeasurementError, match="there is one processor"):
        measure_case(case, bench(tmp_path), record("small"))


def test_only_equal_work_is_compared() -> None:
    """Tests that no ratio is made of runs which time ended or which found different things."""
    run = replace(RUN, termination="gap_reached")
    assert why_not_comparable(run, replace(run, workers="1")) is None
    assert "time ended the run on 1 workers" in str(
        why_not_comparable(run, replace(run, workers="1", termination="time_limit"))
    )
    assert "different objectives" in str(why_not_comparable(run, replace(run, objective_cents=1)))


def test_ray_is_asked_for_only_where_it_is_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that the case for Ray looks at what the command offers before anything is generated."""
    case = RayCase(name="small", about="", minutes=1, days=(SMALL,), gap=0.01, time_limit_seconds=5.0)
    assert measure.goes_through_ray(tmp_path)
    monkeypatch.setattr(measure, "goes_through_ray", lambda folder: False)
    with pytest.raises(MeasurementError, match="no --workers ray"):
        measure_case(case, bench(tmp_path), record("small"))


def test_traces_without_seconds_are_left_out() -> None:
    """Tests that a trace is taken where it tells the seconds, and no curve is made up where it does not."""
    point = {"phase": "greedy", "objective_cents": 2, "bound_cents": 1}
    (taken,) = measure._trace({"trace": [point, point | {"seconds": 1.5}]})
    assert (taken.seconds, taken.gap) == (1.5, 0.5)
    assert measure._trace({}) == ()


def test_faults_are_counted_not_hidden(tmp_path: Path) -> None:
    """Tests that an allocation which the checker refuses is recorded with its number of faults."""
    write_batch(SMALL_BATCH, tmp_path / "day")
    assert route(["nearest_node", str(tmp_path / "day"), "-o", str(tmp_path / "plan")]) == 0
    summary = tmp_path / "plan" / "summary.json"
    claimed = json.loads(summary.read_text(encoding="utf-8"))
    summary.write_text(json.dumps(claimed | {"objective_cents": claimed["objective_cents"] - 1}), encoding="utf-8")
    usage = run_process(nodewise("check", "day", "plan"), tmp_path)
    assert usage.exit_code == measure.FAULTS_FOUND
    assert measure._n_faults(usage) > 0
    assert measure._n_faults(replace(usage, stdout="17 faults found\n")) == 17


def test_all_rules_are_measured() -> None:
    """Tests that the rules which a case runs are those that there are."""
    assert list(RULES) == [name for name, rival in RIVALS.items() if rival.search is None]


@pytest.mark.parametrize("name", ["fewest_splits_then_nearest", "one_shot_cpsat"])
def test_rivals_write_what_the_checker_accepts(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests the command of the rivals, from a batch folder to an allocation folder."""
    write_batch(SMALL_BATCH, tmp_path / "day")
    assert route([name, str(tmp_path / "day"), "-o", str(tmp_path / "plan"), "--time-limit", "5"]) == 0
    allocation = read_allocation(tmp_path / "plan")
    assert check(read_batch(tmp_path / "day"), allocation).ok
    assert f"{allocation.summary['objective_cents'] / 100:,.2f}" in capsys.readouterr().out


def test_rivals_refuse_what_is_no_batch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tests that a folder which is no batch, and limits out of range, end with 2 and say why."""
    assert route(["nearest_node", str(tmp_path / "none"), "-o", str(tmp_path / "plan")]) == 2
    assert "none" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        route(["one_shot_mip", str(tmp_path), "-o", "plan", "--time-limit", "0"])
    assert ended.value.code == 2
    assert "--time-limit is 0" in capsys.readouterr().err
