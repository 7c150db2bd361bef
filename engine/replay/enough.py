"""When a window is solved well enough: at the gap asked for, or after one round; by steps, never by the clock."""

from __future__ import annotations

from dataclasses import dataclass

from solver import Problem, Result, SolveParams, Source, TracePoint, solve

FOREVER_SECONDS = 1e9
"""No clock cuts a replay short: it would not be the same again."""


@dataclass(kw_only=True)
class Enough:
    """Listens to a search, and says when to end it.

    A search of its own accord goes on after the gap is reached where a proof seems near, and for rounds where it is not
    reached. A replay has thousands of windows, and the next one changes the question.

    Parameters
    ----------
    gap : float
        The gap asked for.
    last : str
        The phase after which it ends whatever the gap is, once prices are known.
    """

    gap: float
    last: str = "exact"
    _priced: bool = False
    _over: bool = False

    def listen(self, point: TracePoint) -> None:
        """Take note of a step."""
        self._priced = self._priced or point.phase == "prices"
        if self._priced and point.phase == self.last:
            self._over = True
        if point.objective is not None and point.bound is not None:
            short = (point.objective - point.bound) / max(1, abs(point.objective))
            self._over = self._over or short <= self.gap

    def is_over(self) -> bool:
        """Whether to end."""
        return self._over


def solve_enough(problem: Problem, source: Source, *, gap: float, last: str = "exact", seed: int = 0) -> Result:
    """Solve a problem as well as :class:`Enough` asks for."""
    enough = Enough(gap=gap, last=last)
    return solve(
        problem,
        SolveParams(gap=gap, time_limit_seconds=FOREVER_SECONDS, seed=seed),
        source=source,
        on_progress=enough.listen,
        interrupt=enough.is_over,
    )
