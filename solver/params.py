"""What a caller may set for a run of the solver."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SolveParams:
    """Parameters of :func:`solver.solve`.

    Parameters
    ----------
    gap : float
        Stop when ``(objective - bound) / max(1, abs(objective))`` is at most this. Problems that are small enough are
        solved to proved optimality all the same.
    time_limit_seconds : float
        Looked at between steps; the step under way is finished.
    seed : int
        Seed of every random move, from 0.

    Raises
    ------
    ValueError
        If a value is out of range.
    """

    gap: float = 0.005
    time_limit_seconds: float = 60.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.gap >= 0.0:
            raise ValueError(f"gap is {self.gap}, expected a number from 0")
        if not self.time_limit_seconds > 0.0:
            raise ValueError(f"time_limit_seconds is {self.time_limit_seconds}, expected a number above 0")
        if not 0 <= self.seed < 2**31:
            raise ValueError(f"seed is {self.seed}, expected an integer from 0 to {2**31 - 1}")
