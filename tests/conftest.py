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
