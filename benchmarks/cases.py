"""The registry: whole-process runs and what each must show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # importing engine would make this process large, see measure.in_fresh_process
    from engine.generate.loads import LoadName

Unit = Literal["seconds", "share", "gigabytes", "faults"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What is measured.

    Parameters
    ----------
    label : str
        What people call it.
    unit : str
        ``share`` is a fraction of one, ``gigabytes`` are 10^9 bytes.
    """

    label: str
    unit: Unit


FIGURES: Mapping[str, Figure] = {
    "wall_seconds": Figure(label="wall time of the whole process", unit="seconds"),
    "gap": Figure(label="gap", unit="share"),
    "savings_gap": Figure(label="savings gap", unit="share"),
    "peak_gigabytes": Figure(label="peak memory", unit="gigabytes"),
    "under_in_order": Figure(label="objective under one-order-at-a-time routing", unit="share"),
    "n_faults": Figure(label="faults found by `nodewise check`", unit="faults"),
}


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What a figure must be: at most the limit, or at least.

    Parameters
    ----------
    figure : str
        A key of `FIGURES`.
    limit : float
        In the unit of the figure.
    """

    figure: str
    limit: float
    at_least: bool = False

    def worst(self, values: list[float]) -> float:
        """The figure of several runs that is farthest on the wrong side."""
        return min(values) if self.at_least else max(values)

    def met(self, value: float) -> bool:
        """Whether a figure, unrounded, is on the right side."""
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, kw_only=True)
class Case:
    """A generated batch, how the command is called on it, and its bars.

    Parameters
    ----------
    name : str
        Of the case; also of its folder.
    gap : float
        The ``--gap`` to ask for.
    time_limit_seconds : float
        The ``--time-limit`` to ask for: below the bar on wall time, which includes reading and writing.
    compared : bool
        Whether to route one order at a time too.
    """

    name: str
    load: LoadName
    n_orders: int
    n_nodes: int
    gap: float
    time_limit_seconds: float
    bars: tuple[Bar, ...] = ()
    compared: bool = False

    def scaled(self, scale: float) -> Case:
        """The same with fewer (or more) orders and nodes; its bars are then not those that count."""
        if scale == 1.0:
            return self
        return replace(
            self,
            n_orders=max(1, round(self.n_orders * scale)),
            n_nodes=max(4, round(self.n_nodes * scale)),
        )


RIGHT = Bar(figure="n_faults", limit=0)

CASES: tuple[Case, ...] = (
    Case(
        name="peak",
        load="peak",
        n_orders=10_000,
        n_nodes=300,
        gap=0.008,
        time_limit_seconds=26.0,
        compared=True,
        bars=(
            Bar(figure="wall_seconds", limit=30.0),
            Bar(figure="gap", limit=0.008),
            Bar(figure="under_in_order", limit=0.10, at_least=True),
            RIGHT,
        ),
    ),
    Case(
        name="calm",
        load="calm",
        n_orders=100_000,
        n_nodes=300,
        gap=0.001,
        time_limit_seconds=12.0,
        bars=(
            Bar(figure="wall_seconds", limit=15.0),
            Bar(figure="gap", limit=0.001),
            Bar(figure="peak_gigabytes", limit=3.0),
            RIGHT,
        ),
    ),
    Case(
        name="flash",
        load="flash",
        n_orders=50_000,
        n_nodes=300,
        gap=0.001,
        time_limit_seconds=15.0,
        bars=(
            Bar(figure="wall_seconds", limit=20.0),
            Bar(figure="gap", limit=0.001),
            RIGHT,
        ),
    ),
    # asks for less than its bar: the command stops by gap, and the savings gap has a bar of its own
    Case(
        name="basket",
        load="basket",
        n_orders=10_000,
        n_nodes=300,
        gap=0.001,
        time_limit_seconds=48.0,
        bars=(
            Bar(figure="wall_seconds", limit=60.0),
            Bar(figure="gap", limit=0.003),
            Bar(figure="savings_gap", limit=0.02),
            RIGHT,
        ),
    ),
)

WARM_UP = Case(name="warm-up", load="basket", n_orders=600, n_nodes=30, gap=0.0, time_limit_seconds=15.0)
"""Large enough for every phase of the search, whose code is compiled when it is first used."""
