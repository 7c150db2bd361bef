"""Tests the figures that the command line shows: money, shares, progress lines and tables."""

from __future__ import annotations

import io
from typing import Any

import pytest

from api.demo import comparison_table, saved_line
from api.money import counted, dollars, percent, seconds, share
from api.progress import PlainProgress, Step, progress_line
from api.summary_table import certificate_rows, cost_rows, print_table, service_rows, summary_table, time_rows
from tests.worked_batch import allocation_document


def summary(**edits: Any) -> dict[str, Any]:
    """Return the worked allocation's summary, edited."""
    return {**allocation_document()["summary"], **edits}


@pytest.mark.parametrize(
    ("cents", "text"),
    [
        (0, "$0.00"),
        (5, "$0.05"),
        (-5, "-$0.05"),
        (-123456, "-$1,234.56"),
        (9007199254740993, "$90,071,992,547,409.93"),
        (None, "-"),
    ],
)
def test_dollars(cents: int | None, text: str) -> None:
    """Cents become dollars to the last digit, beyond what a float can hold."""
    assert dollars(cents) == text


def test_small_figures() -> None:
    """Shares of nothing are a dash; one order is no plural."""
    assert (percent(0.00516), percent(1.0, 1), percent(None)) == ("0.52%", "100.0%", "-")
    assert (share(1, 4), share(1, 0)) == (0.25, None)
    assert (counted(1, "order"), counted(2000, "order")) == ("1 order", "2,000 orders")
    assert seconds(3.25) == "3.2 s"


def test_a_progress_line_leaves_out_what_is_not_known() -> None:
    """A line has phase, orders, objective, bound, gap and elapsed time as far as there are any."""
    assert progress_line(Step(phase="read"), 0.04).split() == ["read", "0.0", "s"]
    full = Step(phase="prices", n_orders=1, objective_cents=200, bound_cents=150, gap=0.25)
    line = "prices          1 order  objective $2.00  bound $1.50  gap 25.00%  7.5 s"
    assert progress_line(full, 7.5) == line


def test_plain_progress_is_rate_limited(capsys: pytest.CaptureFixture[str]) -> None:
    """A new phase is told at once, phases seen before and more of the same every two seconds."""
    at = 0.0
    progress = PlainProgress(0.0, clock=lambda: at)
    for now, phase in ((0.0, "a"), (0.1, "b"), (0.2, "a"), (2.0, "a"), (2.1, "b"), (3.0, "a"), (4.2, "a")):
        at = now
        progress(Step(phase=phase))
    shown = [line.split() for line in capsys.readouterr().err.splitlines()]
    assert shown == [["a", "0.0", "s"], ["b", "0.1", "s"], ["b", "2.1", "s"], ["a", "4.2", "s"]]


def test_rows_of_the_summary() -> None:
    """The rows repeat the summary: terms that sum to the objective, rates, and the certificate."""
    found = summary()
    amounts = {name: amount for name, amount, _ in cost_rows(found)}
    assert amounts["freight"] == dollars(found["terms"]["freight_cents"])
    assert amounts["objective"] == dollars(sum(found["terms"].values()))
    counts = found["counts"]
    rates = {name: value for name, value, _ in service_rows(found)}
    assert rates["fill rate (units)"] == f"{100 * counts['units_allocated'] / counts['units']:.2f}%"
    assert rates["split rate (orders)"] == f"{100 * counts['orders_split'] / counts['orders_allocated']:.2f}%"
    shown = {name: value for name, value, _ in certificate_rows(found)}
    assert shown["termination"] == found["termination"]
    assert shown["gap"] == percent(found["gap"], 3)


def test_seconds_add_up() -> None:
    """Reading comes first and writing last; the total is the run's and theirs."""
    rows = time_rows(summary(seconds={"prices": 1.0, "exact": 2.0, "total": 3.5}), {"read": 0.5, "write": 1.0})
    assert rows == [
        ("read", "0.5 s", ""),
        ("prices", "1.0 s", ""),
        ("exact", "2.0 s", ""),
        ("write", "1.0 s", ""),
        ("total", "5.0 s", ""),
    ]


def test_an_empty_batch_has_a_table_too() -> None:
    """Where there is nothing to share there are dashes, and no division by zero."""
    empty = summary(objective_cents=0, bound_cents=0)
    empty["counts"] = dict.fromkeys(empty["counts"], 0)
    empty["terms"] = dict.fromkeys(empty["terms"], 0)
    stream = io.StringIO()
    print_table(summary_table(empty, {}), stream)
    assert "fill rate (units)" in stream.getvalue()
    assert all(line == line.rstrip() for line in stream.getvalue().splitlines())


def test_the_comparison_says_what_was_saved() -> None:
    """Dollars and percent saved, and the two plans side by side."""
    better, worse = summary(objective_cents=75_00, gap=0.004), summary(objective_cents=100_00)
    worse["counts"] = {**worse["counts"], "shipments": worse["counts"]["shipments"] + 3}
    assert saved_line(worse, better).startswith("Allocating as a whole saves $25.00 (25.0%) of $100.00, ")
    stream = io.StringIO()
    print_table(comparison_table(worse, better), stream)
    shown = {line.split("  ")[0].strip(): line.split() for line in stream.getvalue().splitlines()}
    assert shown["objective"][-3:] == ["$100.00", "$75.00", "-$25.00"]
    assert shown["shipments"][-1] == "-3"
    assert shown["fill rate"][-2:] == ["+0.00", "points"]
