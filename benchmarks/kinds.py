"""What a measurement is: figures with their bars, generated days, and the kinds of cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # engine is large, and what a process has held counts for those it starts
    from engine.generate.loads import LoadName

Unit = Literal["seconds", "share", "gigabytes", "faults", "times", "cents", "count"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What is measured.

    Parameters
    ----------
    label : str
        What people call it.
    unit : str
        ``share`` is a fraction of one, ``gigabytes`` are 10^9 bytes, ``times`` is a ratio.
    """

    label: str
    unit: Unit


FIGURES: Mapping[str, Figure] = {
    "wall_seconds": Figure(label="wall time of the whole process", unit="seconds"),
    "check_seconds": Figure(label="wall time of `nodewise check`", unit="seconds"),
    "gap": Figure(label="gap", unit="share"),
    "savings_gap": Figure(label="savings gap", unit="share"),
    "peak_gigabytes": Figure(label="peak memory", unit="gigabytes"),
    "under_best_rule": Figure(label="objective under the best rule's", unit="share"),
    "under_program_cents": Figure(label="objective under the program's", unit="cents"),
    "speed_up": Figure(label="speed-up by the second worker", unit="times"),
    "ray_over_threads": Figure(label="time through Ray over time on threads", unit="times"),
    "short_of_listed": Figure(label="files short of what is listed", unit="count"),
    "not_proved": Figure(label="files not proved optimal", unit="count"),
    "n_faults": Figure(label="faults found by `nodewise check`", unit="faults"),
}


@dataclass(frozen=True, kw_only=True)
class Bar:
    """What a figure must be and what is aimed at: at most so much, or at least.

    Parameters
    ----------
    figure : str
        A key of `FIGURES`.
    must, aim : float or None
        In the unit of the figure; None where nothing is asked.
    """

    figure: str
    must: float | None = None
    aim: float | None = None
    at_least: bool = False

    def worst(self, values: Sequence[float]) -> float:
        """The figure of several runs that is farthest on the wrong side."""
        return min(values) if self.at_least else max(values)

    def met(self, value: float, limit: float) -> bool:
        """Whether a figure, unrounded, is on the right side."""
        return value >= limit if self.at_least else value <= limit


@dataclass(frozen=True, kw_only=True)
class Day:
    """A generated batch; None: as many items as is usual for the load."""

    load: LoadName
    n_orders: int
    n_nodes: int = 300
    n_skus: int | None = None
    seed: int = 1

    @property
    def label(self) -> str:
        """The sizes as people say them."""
        items = "" if self.n_skus is None else f" x {self.n_skus:,} items"
        return f"{self.load}, {self.n_orders:,} orders x {self.n_nodes} nodes{items}"

    def scaled(self, scale: float) -> Day:
        """The same with fewer (or more) of everything."""
        return replace(
            self,
            n_orders=max(1, round(self.n_orders * scale)),
            n_nodes=max(4, round(self.n_nodes * scale)),
            n_skus=None if self.n_skus is None else max(20, round(self.n_skus * scale)),
        )


@dataclass(frozen=True, kw_only=True)
class Case:
    """Something to measure.

    Parameters
    ----------
    name : str
        Of the case; also of its record.
    about : str
        What is done, a sentence for the page.
    minutes : float
        About how long it takes on the machine that the bars are about, everything included.
    """

    name: str
    about: str
    minutes: float
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DayCase(Case):
    """A case that allocates generated days.

    Parameters
    ----------
    gap : float
        The ``--gap`` to ask for.
    time_limit_seconds : float
        The ``--time-limit`` to ask for: below the bar on wall time, which includes reading and writing.
    """

    days: tuple[Day, ...]
    gap: float
    time_limit_seconds: float

    def scaled(self, scale: float, most_seconds: float | None) -> DayCase:
        """The same with days of another size and searches of at most so many seconds."""
        limit = self.time_limit_seconds if most_seconds is None else min(self.time_limit_seconds, most_seconds)
        days = self.days if scale == 1.0 else tuple(day.scaled(scale) for day in self.days)
        return replace(self, days=days, time_limit_seconds=limit)


@dataclass(frozen=True, kw_only=True)
class AllocationCase(DayCase):
    """One day, allocated and checked."""


@dataclass(frozen=True, kw_only=True)
class SizesCase(DayCase):
    """Days of one kind from small to large, allocated to the same gap."""


@dataclass(frozen=True, kw_only=True)
class RulesCase(DayCase):
    """Our allocation beside that of every rule."""


@dataclass(frozen=True, kw_only=True)
class ProgramCase(DayCase):
    """Our allocation beside one program for the whole batch, which has more time.

    Parameters
    ----------
    rival : str
        Its name in `benchmarks.rivals`.
    times : float
        How many times the wall seconds of our whole process the program may search.
    """

    rival: str
    times: float = 10.0


@dataclass(frozen=True, kw_only=True)
class WorkersCase(DayCase):
    """The same run with one worker and with two, in turn."""


@dataclass(frozen=True, kw_only=True)
class RayCase(DayCase):
    """The same run on threads and through Ray, in turn."""


@dataclass(frozen=True, kw_only=True)
class FilesCase(Case):
    """Problems from the literature.

    Parameters
    ----------
    starts : tuple of str
        Files whose names start like one of these.
    seconds : float
        Time limit for each.
    """

    family: Literal["gap", "mmkp"]
    starts: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, kw_only=True)
class LoopsCase(Case):
    """Inner loops, timed by pytest-benchmark."""


@dataclass(frozen=True, kw_only=True)
class CompileCase(Case):
    """A first run with an empty cache of compiled functions, and later ones."""
