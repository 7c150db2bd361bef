"""The records and the page: kept as they were, judged by their bars, never mixed in silence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.__main__ import HERE, main
from benchmarks.cases import CASES
from benchmarks.kinds import FIGURES, Bar
from benchmarks.machine import HASHED, Origin, code_hash
from benchmarks.page import page, verdict
from benchmarks.plots import PLOTS, draw
from benchmarks.records import (
    Loop,
    Record,
    RecordError,
    Run,
    SolvedFile,
    TracePoint,
    read_records,
    write_record,
)

ORIGIN = Origin(
    processor="Abacus 3000",
    system="Linux x86_64",
    n_processors=2,
    memory_gb=25.3,
    versions={"python": "3.11.7", "numpy": "2.4.6"},
    code="0123456789ab",
)
RUN = Run(
    what="nodewise",
    day="peak, 10,000 orders x 300 nodes",
    n_orders=10_000,
    workers="2",
    command="nodewise allocate day -o day-plan --gap 0.001 --time-limit 27 --workers 2",
    wall_seconds=29.5,
    cpu_seconds=50.0,
    peak_gigabytes=0.7,
    objective_cents=1_000_000,
    bound_cents=998_000,
    nothing_cents=3_000_000,
    gap=0.002,
    savings_gap=0.001,
    fill_rate=0.95,
    split_rate=0.1,
    termination="time_limit",
    phases={"prices": 3.0, "total": 28.0},
    trace=(
        TracePoint(phase="list", seconds=0.5, objective_cents=None, bound_cents=None),
        TracePoint(phase="greedy", seconds=4.0, objective_cents=1_020_000, bound_cents=990_000),
        TracePoint(phase="anneal", seconds=20.0, objective_cents=1_000_000, bound_cents=998_000),
    ),
    check_seconds=1.5,
    n_faults=0,
    load_before=0.1,
    n_compiled=0,
)
RECORD = Record(
    case="peak-10k",
    date="2026-11-27T03:00Z",
    origin=ORIGIN,
    runs=(RUN,),
    figures={"wall_seconds": [29.5, 28.0], "gap": [0.002, 0.003], "n_faults": [0.0, 0.0]},
)
RULE = replace(RUN, what="nearest_node", objective_cents=1_300_000, bound_cents=0, trace=()).against(998_000)
RULES = replace(
    RECORD,
    case="rules-peak-100k",
    runs=(RUN, RULE),
    figures={"under_best_rule": [300_000 / 1_300_000], "n_faults": [0.0]},
)
FILES = replace(
    RECORD,
    case="mmkp",
    runs=(),
    files=(
        SolvedFile(
            file="I01.txt",
            sign=-1,
            listed=173.0,
            status="optimal",
            exact=True,
            objective=173.0,
            bound=173.0,
            seconds=0.1,
            termination="optimal",
        ),
    ),
    figures={"short_of_listed": [0.0], "not_proved": [0.0]},
)
SIZES = replace(RECORD, case="sizes-peak", runs=(replace(RUN, n_orders=1000, wall_seconds=3.0), RUN), figures={})
WORKERS = replace(RECORD, case="workers", figures={"speed_up": [1.8, 1.75], "n_faults": [0.0]})
LOOPS = replace(
    RECORD,
    case="loops",
    runs=(),
    figures={},
    loops=(Loop(name="a loop", median_seconds=0.1, min_seconds=0.1, rounds=9),),
)
RECORDS = [RECORD, RULES, FILES, SIZES, WORKERS, LOOPS]


def rows(text: str, start: str) -> list[list[str]]:
    """The cells of the table rows that start so."""
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith(start)]


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Tests that every kind of record survives its file, and that a later one takes the place of an earlier one."""
    for record in RECORDS:
        write_record(record, tmp_path)
    write_record(replace(RECORD, seconds=5.0), tmp_path)
    read = {record.case: record for record in read_records(tmp_path)}
    assert read == {record.case: record for record in RECORDS} | {"peak-10k": replace(RECORD, seconds=5.0)}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"case": "calm-1m"}, "case is 'calm-1m', expected 'peak-10k'"),
        ({"schema": 2}, "schema"),
        ({"colour": "red"}, "colour"),
        ({"figures": {"gap": ["low"]}}, "figures.gap.0"),
    ],
)
def test_files_that_are_no_records_are_named(change: dict[str, object], words: str, tmp_path: Path) -> None:
    """Tests that a record of another case, of another form or with a wrong value is refused, by file and place."""
    path = write_record(RECORD, tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(RecordError, match=words) as error:
        read_records(tmp_path)
    assert str(path) in str(error.value)


def test_bars_judge_the_worst_run() -> None:
    """Tests must and aim on either side, with the worst of two runs, and what is not measured."""
    text = page(RECORDS, {})
    bars = {(row[0], row[1]): row[2:] for row in rows(text, "| ") if len(row) == 8}
    gap = ["0.300%", "at most 0.4%", "met", "at most 0.1%", "not met", "A"]
    assert bars["peak-10k", FIGURES["gap"].label] == gap
    speed = ["1.75 x", "at least 1.7 x", "met", "at least 1.9 x", "not met", "A"]
    assert bars["workers", FIGURES["speed_up"].label] == speed
    assert bars["calm-1m", FIGURES["gap"].label][:3] == ["", "at most 0.1%", "not measured"]


def test_bars_do_not_judge_what_they_are_not_about() -> None:
    """Tests days of another size and searches cut short: faults still count, and what is met in less time is met."""
    bar = Bar(figure="gap", must=0.004)
    assert verdict(bar, 0.004, replace(RECORD, scale=0.1)) == "no bar at scale 0.1"
    assert verdict(bar, 0.001, replace(RECORD, seconds=5.0)) == "not met in 5 s"
    assert verdict(bar, 0.004, replace(RECORD, seconds=5.0)) == "met"
    faulty = replace(RECORD, scale=0.1, figures={"n_faults": [1.0]})
    assert verdict(Bar(figure="n_faults", must=0), 0, faulty) == "not met"


def test_machines_are_not_mixed_in_silence() -> None:
    """Tests that records of two codes get letters of their own and a warning, and records of one none."""
    assert "do not compare" not in page(RECORDS, {})
    mixed = [RECORD, replace(WORKERS, origin=replace(ORIGIN, code="ba9876543210")), LOOPS]
    text = page(mixed, {})
    assert "come from 2 combinations" in text
    letters = {row[0]: row[7] for row in rows(text, "| ") if len(row) == 8 and row[0] in ("peak-10k", "workers")}
    assert letters == {"peak-10k": "A", "workers": "B"}


def test_rivals_are_measured_against_our_bound() -> None:
    """Tests that both gaps of a rule are against the bound that we proved, not its own of nothing."""
    assert RULE.bound_cents == 998_000
    assert RULE.gap == pytest.approx(302_000 / 1_300_000)
    assert RULE.savings_gap == pytest.approx(302_000 / 2_002_000)


def test_bounds_of_the_literature_are_honest() -> None:
    """Tests that a bound beyond the listed value, and a value beyond a proved optimum, are dishonest."""
    (solved,) = FILES.files
    assert solved.honest and solved.reached(0.003)
    assert not replace(solved, bound=172.0).honest
    assert not replace(solved, objective=174.0, bound=174.0).honest
    assert not replace(solved, objective=172.0).reached(0.003)
    assert replace(solved, objective=172.9, exact=False).reached(0.003)


def test_plots_are_the_same_bytes(tmp_path: Path) -> None:
    """Tests that all plots are drawn, twice the same, and that none is drawn of nothing."""
    first, again = draw(RECORDS, tmp_path / "a"), draw(RECORDS, tmp_path / "b")
    assert list(first) == list(again) == list(PLOTS)
    for name in PLOTS:
        content = (tmp_path / "a" / f"{name}.svg").read_bytes()
        assert content == (tmp_path / "b" / f"{name}.svg").read_bytes()
        assert b"<svg" in content
    assert draw([LOOPS], tmp_path / "c") == {}


def test_the_page_is_what_the_records_say() -> None:
    """Tests that the page at hand is written from the records at hand."""
    files = {name: f"plots/{name}.svg" for name in PLOTS if (HERE / "plots" / f"{name}.svg").exists()}
    assert (HERE / "RESULTS.md").read_text(encoding="utf-8") == page(read_records(HERE / "results"), files)


def test_the_page_can_be_written_without_measuring(tmp_path: Path) -> None:
    """Tests the command that only writes the page, and that days of another size need a folder of their own."""
    write_record(RULES, tmp_path / "results")
    assert main(["--render", "--into", str(tmp_path)]) == 0
    assert "![Cost against the rivals](plots/rivals.svg)" in (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["--scale", "0.1"])


def test_figures_of_bars_are_known() -> None:
    """Tests the registry: names are unique, every bar is about a known figure, and an aim met is a must met."""
    assert len({case.name for case in CASES}) == len(CASES)
    for case in CASES:
        for bar in case.bars:
            assert bar.figure in FIGURES
            if bar.must is not None and bar.aim is not None:
                assert bar.met(bar.aim, bar.must)


def test_code_is_hashed_by_its_content(tmp_path: Path) -> None:
    """Tests that the hash follows the sources wherever they lie, and nothing else."""
    for folder in HASHED:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "code.py").write_text("x = 1\n", encoding="utf-8")
    before = code_hash(tmp_path)
    (tmp_path / "engine" / "notes.md").write_text("prose", encoding="utf-8")
    assert code_hash(tmp_path) == before
    (tmp_path / "solver" / "code.py").write_text("x = 2\n", encoding="utf-8")
    assert code_hash(tmp_path) != before
