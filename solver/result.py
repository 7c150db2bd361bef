"""What a run of the solver returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from solver.problem import FloatArray, IntArray

Termination = Literal["optimal", "gap_reached", "time_limit", "stalled", "interrupted", "infeasible"]


@dataclass(frozen=True, kw_only=True)
class TracePoint:
    """Where a run stood after a step."""

    phase: str
    elapsed_seconds: float
    objective: int | None
    bound: int | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """A choice with its certificate.

    Parameters
    ----------
    choice : int64[n_groups] or None
        The option (for a problem with a source: its tag) of each group; None if none was found.
    objective : int or None
        Cents of the choice.
    bound : int or None
        Proved: no choice costs less, listed or not. None only where the problem is infeasible.
    price : float64[n_resources]
        Dual price of each resource, in cents a unit, at the end of the last price ascent.
    termination : str
        ``optimal`` exactly where objective and bound are equal.
    seconds : dict of str to float
        Time spent by phase.
    trace : tuple of TracePoint
        Objective and bound after each step.
    """

    choice: IntArray | None
    objective: int | None
    bound: int | None
    price: FloatArray
    termination: Termination
    seconds: dict[str, float]
    trace: tuple[TracePoint, ...]

    @property
    def gap(self) -> float | None:
        """``(objective - bound) / max(1, abs(objective))``; None where there is no choice."""
        return relative_gap(self.objective, self.bound)


def relative_gap(objective: int | None, bound: int | None) -> float | None:
    """How far a choice may be from the best one, relative to its own cost."""
    if objective is None or bound is None:
        return None
    return (objective - bound) / max(1, abs(objective))
