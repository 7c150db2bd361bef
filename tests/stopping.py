"""Ways to drive the solver from outside: clocks, callers that stop it, and its road for large problems."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module


@contextmanager
def as_if_large() -> Iterator[None]:
    """Let the solver treat the smallest problem like a large one: ascent, annealing, neighbourhoods."""
    solving = vars(import_module("solver.solve"))  # the package's name solve is the function
    small = {name: solving[name] for name in ("SMALL_GROUPS", "SMALL_OPTIONS", "AT_ONCE_OPTIONS", "CHEAP_GROUPS")}
    solving.update(dict.fromkeys(small, 0))
    try:
        yield
    finally:
        solving.update(small)


class Ticks:
    """A clock that moves on by the same step each time it is looked at."""

    def __init__(self, step_seconds: float) -> None:
        self._step = step_seconds
        self._now = 0.0

    def __call__(self) -> float:
        self._now += self._step
        return self._now


class Polls:
    """Asks to stop from the n-th time on that it is asked itself."""

    def __init__(self, n_calm: int) -> None:
        self.n_calm = n_calm
        self.n_polls = 0

    def __call__(self) -> bool:
        self.n_polls += 1
        return self.n_polls > self.n_calm
