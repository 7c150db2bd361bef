"""What every test may count on: kernels that are compiled, so that no time limit is spent on compiling."""

from __future__ import annotations

import pytest

from engine.warm import is_cold, is_cold_live, warm_up, warm_up_live


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the kernels once, where no earlier run has, before workers start."""
    if hasattr(session.config, "workerinput"):
        return
    if is_cold():
        warm_up()
    if is_cold_live():
        warm_up_live()


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks of ours."""
    config.addinivalue_line("markers", "logs(*texts): errors that a browser's console may log in this test")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what could not be run on this machine."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = [report.longrepr[2] for report in skipped if isinstance(report.longrepr, tuple)]
    missing = [reason.partition("NOT RUN: ")[2] for reason in reasons if "NOT RUN: " in reason]
    for reason in dict.fromkeys(missing):
        terminalreporter.section("NOT RUN", red=True, bold=True)
        terminalreporter.line(f"{missing.count(reason)} tests: {reason}")
