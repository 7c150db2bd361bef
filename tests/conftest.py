"""What every test may count on: kernels that are compiled, so that no time limit is spent on compiling."""

from __future__ import annotations

import pytest

from engine.warm import is_cold, warm_up


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Compile the kernels once, where no earlier run has."""
    if is_cold():
        warm_up()
