"""Keeps the time, tells progress, and says when to stop. The only place of the solver that looks at a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from solver.params import SolveParams
from solver.result import Termination, TracePoint, relative_gap

Listener = Callable[[TracePoint], None]


class Watch:
    """Time and progress of one run.

    Parameters
    ----------
    params : SolveParams
        Gap and time limit.
    clock : callable
        Seconds, rising.
    on_progress : callable, optional
        Called with each :class:`TracePoint`.
    interrupt : callable, optional
        Asked between steps whether to stop.
    """

    def __init__(
        self,
        params: SolveParams,
        clock: Callable[[], float],
        on_progress: Listener | None = None,
        interrupt: Callable[[], bool] | None = None,
    ) -> None:
        self._params = params
        self._clock = clock
        self._on_progress = on_progress
        self._interrupt = interrupt
        self._start = clock()
        self.seconds: dict[str, float] = {}
        self.trace: list[TracePoint] = []

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._start

    @property
    def share_of_time(self) -> float:
        """Part of the time limit that is gone."""
        return self.elapsed_seconds / self._params.time_limit_seconds

    @property
    def seconds_left(self) -> float:
        """Seconds to the time limit."""
        return self._params.time_limit_seconds - self.elapsed_seconds

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the time of a block to a phase."""
        begin = self._clock()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + self._clock() - begin

    def note(self, phase: str, objective: int | None, bound: int | None) -> None:
        """Record and tell where the run stands."""
        point = TracePoint(phase=phase, elapsed_seconds=self.elapsed_seconds, objective=objective, bound=bound)
        self.trace.append(point)
        if self._on_progress is not None:
            self._on_progress(point)

    def verdict(self, objective: int | None, bound: int | None) -> Termination | None:
        """Why to stop now, if there is a reason."""
        if objective is not None and objective == bound:
            return "optimal"
        gap = relative_gap(objective, bound)
        if gap is not None and gap <= self._params.gap:
            return "gap_reached"
        return self.out_of_time()

    def out_of_time(self) -> Termination | None:
        """Whether the caller or the clock asks to stop."""
        if self._interrupt is not None and self._interrupt():
            return "interrupted"
        if self.elapsed_seconds >= self._params.time_limit_seconds:
            return "time_limit"
        return None
