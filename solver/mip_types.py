"""What goes into and comes out of the exact solvers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from solver.problem import IntArray

MipStatus = Literal["optimal", "feasible", "infeasible", "unknown"]


@dataclass(frozen=True, kw_only=True)
class MipLimits:
    """How much work an exact solver may do, counted without a clock: the same input gives the same answer.

    Parameters
    ----------
    max_nodes : int
        Branch-and-bound nodes of HiGHS, from 1. The root is always solved: it is not limited.
    max_deterministic_seconds : float
        CP-SAT's own count of its work; a unit takes 1 to 5 seconds.
    gap_cents : int
        Stop as soon as the objective is proved to be at most this far above the optimum.
    seed : int
        Seed of the solver, from 0.
    """

    max_nodes: int = 1000
    max_deterministic_seconds: float = 2.0
    gap_cents: int = 0
    seed: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class MipResult:
    """What an exact solver found and proved.

    Parameters
    ----------
    choice : int64[n_groups] or None
        The option of each group, verified in exact integers; None if none was found.
    objective : int or None
        Cents of the choice.
    bound : int or None
        Proved: no choice costs less. None if the problem is infeasible.
    status : str
        ``optimal`` (objective equals bound), ``feasible``, ``infeasible`` (proved) or ``unknown``.
    """

    choice: IntArray | None
    objective: int | None
    bound: int | None
    status: MipStatus


@dataclass(frozen=True, kw_only=True, eq=False)
class RawResult:
    """What a solver says about a reduced problem, not verified yet; the bound is above the floor costs."""

    choice: IntArray | None
    bound: int | None
    infeasible: bool
