"""``python -m benchmarks``: measures cases, keeps a record of each, and writes the page from all records."""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import measure
from benchmarks.campaign import Bench, measure_case, say
from benchmarks.cases import CASES, LONG_MINUTES, cases_named
from benchmarks.kinds import Case, CompileCase, FilesCase, LoopsCase
from benchmarks.machine import Origin, confine, origin
from benchmarks.processes import MeasurementError
from benchmarks.records import Record, RecordError, read_records, write_record

HERE = Path(__file__).parent
NAMES = tuple(case.name for case in CASES)


def main(arguments: list[str] | None = None) -> int:
    """Measure what is asked for.

    Returns
    -------
    int
        0 when everything could be measured and no result was wrong, whether or not bars were met; else 1.
    """
    options = _parsed(arguments)
    cases = [] if options.render else _chosen(options)
    into: Path = options.into
    wrong: list[str] = []
    try:
        if cases:
            wrong = _measure(cases, options)
        write_page(into)
    except (MeasurementError, RecordError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: what was measured before is kept", file=sys.stderr)
        return 130
    say(f"the page is {into / 'RESULTS.md'}")
    for text in wrong:
        say(text)
    return 1 if wrong else 0


def write_page(into: Path) -> None:
    """Write the page and its plots from the records in a folder."""
    # not before: what this process has held counts for those that it starts
    from benchmarks.page import page
    from benchmarks.plots import draw

    records = read_records(into / "results")
    plots = draw(records, into / "plots")
    (into / "RESULTS.md").write_text(page(records, plots), encoding="utf-8")


def _parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures whole runs of nodewise, its rivals, problems from the literature and inner loops. Each "
        "case leaves a record; the page is always written from all records there are.",
        epilog="cases: " + ", ".join(f"{case.name} ({case.minutes:g} min)" for case in CASES),
    )
    parser.add_argument("--only", nargs="+", choices=NAMES, metavar="CASE", help="some cases; default: all")
    parser.add_argument("--skip-long", action="store_true", help=f"leave out cases above {LONG_MINUTES:g} minutes")
    parser.add_argument("--seconds", type=float, help="cut every search to so many seconds")
    parser.add_argument("--runs", type=int, default=1, help="runs (or pairs of runs) of each case; the worst counts")
    parser.add_argument("--processors", type=int, default=2, help="processors to use (bars: 2)")
    parser.add_argument("--scale", type=float, default=1.0, help="sizes of days times this; needs --into")
    parser.add_argument("--into", type=Path, default=HERE, help="folder of results/, plots/ and RESULTS.md")
    parser.add_argument("--render", action="store_true", help="measure nothing, write the page")
    options = parser.parse_args(arguments)
    if not 0.0 < options.scale <= 100.0:
        parser.error(f"--scale is {options.scale:g}, expected a number above 0, up to 100")
    if options.seconds is not None and not options.seconds > 0.0:
        parser.error(f"--seconds is {options.seconds:g}, expected a number above 0")
    for name in ("runs", "processors"):
        if getattr(options, name) < 1:
            parser.error(f"--{name} is {getattr(options, name)}, expected an integer from 1")
    if options.scale != 1.0 and options.into == HERE:
        parser.error("days of another size do not belong on the page: give --into FOLDER")
    return options


def _chosen(options: argparse.Namespace) -> list[Case]:
    return [
        case for case in cases_named(options.only or NAMES) if not (options.skip_long and case.minutes > LONG_MINUTES)
    ]


def _measure(cases: list[Case], options: argparse.Namespace) -> list[str]:
    """Measure cases one after another, and keep each record at once; returns what went wrong."""
    n_processors = confine(options.processors)
    where = origin(n_processors)
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="nodewise-bench-") as folder:
        bench = Bench(
            folder=Path(folder),
            n_workers=n_processors,
            n_runs=options.runs,
            scale=options.scale,
            most_seconds=options.seconds,
            say=say,
        )
        if any(not isinstance(case, FilesCase | LoopsCase | CompileCase) for case in cases):
            say("warming up")
            left = measure.warm_up(bench.folder, str(n_processors))[-1].n_compiled
            say("warmed up" if left == 0 else f"warmed up, but the last run still compiled {left} functions")
        for number, case in enumerate(cases, start=1):
            say(f"case {number} of {len(cases)}: {case.name}, about {case.minutes:g} minutes")
            record = _record(case, bench, where)
            path = write_record(record, options.into / "results")
            say(f"{case.name}: kept in {path}")
            wrong += _wrong(record)
    return wrong


def _record(case: Case, bench: Bench, where: Origin) -> Record:
    date = datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ")
    record = Record(case=case.name, date=date, origin=where, scale=bench.scale, seconds=bench.most_seconds)
    try:
        return measure_case(case, bench, record)
    except MeasurementError as error:
        return Record(**{**vars(record), "failed": str(error)})


def _wrong(record: Record) -> list[str]:
    """What must not happen at any size and time: failures, faults, bounds that are none."""
    wrong = [f"{record.case} failed: {record.failed}"] if record.failed else []
    wrong += [f"{record.case}: {run.what} has {run.n_faults} faults" for run in record.runs if run.n_faults]
    wrong += [f"{record.case}: the bound of {each.file} is wrong" for each in record.files if not each.honest]
    return wrong


if __name__ == "__main__":
    sys.exit(main())
