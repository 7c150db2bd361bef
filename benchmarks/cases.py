"""The registry: what is measured, and what each measurement must show and aims at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:  # importing engine would make this process large, see measure.run_process
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


RIGHT = Bar(figure="n_faults", must=0)
CALM_MILLION = Day(load="calm", n_orders=1_000_000, n_skus=50_000)
PEAK_LARGE = Day(load="peak", n_orders=100_000)
PEAK = Day(load="peak", n_orders=10_000)
BASKET = Day(load="basket", n_orders=20_000)
FILE_SECONDS = 60.0
ORDERS_A_SKU = {"calm": 20, "peak": 50}


def _sizes(load: Literal["calm", "peak"], *sizes: int) -> tuple[Day, ...]:
    return tuple(Day(load=load, n_orders=n, n_skus=n // ORDERS_A_SKU[load]) for n in sizes)


def _in_all(limit: float, aim: float | None = None) -> Bar:
    return Bar(figure="wall_seconds", must=limit, aim=aim)


def _files(name: str, about: str, minutes: float, family: Literal["gap", "mmkp"], *starts: str) -> FilesCase:
    all_proved = 0 if name == "gap-small" else None  # of the others some take anyone longer
    bars = (Bar(figure="short_of_listed", must=0), Bar(figure="not_proved", must=all_proved, aim=0))
    return FilesCase(
        name=name, about=about, minutes=minutes, family=family, starts=starts, seconds=FILE_SECONDS, bars=bars
    )


# Each asks for the gap aimed at, within the time that it may take at most.
CASES: tuple[Case, ...] = (
    AllocationCase(
        name="peak-10k",
        about="A peak day of 10,000 orders.",
        minutes=1,
        days=(PEAK,),
        gap=0.001,
        time_limit_seconds=27.0,
        bars=(_in_all(30, 30), Bar(figure="gap", must=0.004, aim=0.001), RIGHT),
    ),
    AllocationCase(
        name="peak-100k",
        about="A peak day of 100,000 orders.",
        minutes=3,
        days=(PEAK_LARGE,),
        gap=0.0015,
        time_limit_seconds=110.0,
        bars=(_in_all(120, 60), Bar(figure="gap", must=0.005, aim=0.0015), RIGHT),
    ),
    AllocationCase(
        name="calm-1m",
        about="A calm day of a million orders.",
        minutes=5,
        days=(CALM_MILLION,),
        gap=0.0002,
        time_limit_seconds=70.0,
        bars=(
            _in_all(90, 45),
            Bar(figure="gap", must=0.001, aim=0.0002),
            Bar(figure="peak_gigabytes", must=10, aim=6),
            Bar(figure="check_seconds", must=60),
            RIGHT,
        ),
    ),
    AllocationCase(
        name="basket-20k",
        about="A grocer's day of 20,000 orders.",
        minutes=2,
        days=(BASKET,),
        gap=0.0002,
        time_limit_seconds=53.0,
        bars=(
            _in_all(60, 60),
            Bar(figure="gap", must=0.0008, aim=0.0002),
            Bar(figure="savings_gap", must=0.006, aim=0.0015),
            RIGHT,
        ),
    ),
    AllocationCase(
        name="basket-200k",
        about="A grocer's day of 200,000 orders.",
        minutes=7,
        days=(Day(load="basket", n_orders=200_000),),
        gap=0.0005,
        time_limit_seconds=270.0,
        bars=(_in_all(300, 240), Bar(figure="gap", must=0.003, aim=0.0005), RIGHT),
    ),
    AllocationCase(
        name="flash-200k",
        about="A flash sale of 20 items to 200,000 orders.",
        minutes=2,
        days=(Day(load="flash", n_orders=200_000, n_skus=20),),
        gap=0.0001,
        time_limit_seconds=24.0,
        bars=(_in_all(30, 10), Bar(figure="gap", must=0.0005, aim=0.0001), RIGHT),
    ),
    RulesCase(
        name="rules-peak-100k",
        about="Every rule and our run on the peak day of 100,000 orders. The best rule is the one of least objective.",
        minutes=7,
        days=(PEAK_LARGE,),
        gap=0.0015,
        time_limit_seconds=110.0,
        bars=(Bar(figure="under_best_rule", must=0.10, aim=0.15, at_least=True), RIGHT),
    ),
    RulesCase(
        name="rules-basket-20k",
        about="The same on the grocer's day of 20,000 orders; nothing is asked of it.",
        minutes=4,
        days=(BASKET,),
        gap=0.0002,
        time_limit_seconds=53.0,
        bars=(Bar(figure="under_best_rule", at_least=True), RIGHT),
    ),
    ProgramCase(
        name="program-highs",
        about="The peak day of 10,000 orders as one integer program in HiGHS, which may search ten times as long.",
        minutes=8,
        days=(PEAK,),
        gap=0.001,
        time_limit_seconds=27.0,
        rival="one_shot_mip",
        bars=(Bar(figure="under_program_cents", must=1, at_least=True), RIGHT),
    ),
    ProgramCase(
        name="program-cpsat",
        about="The same program in CP-SAT, on as many threads as we have.",
        minutes=8,
        days=(PEAK,),
        gap=0.001,
        time_limit_seconds=27.0,
        rival="one_shot_cpsat",
        bars=(Bar(figure="under_program_cents", must=1, at_least=True), RIGHT),
    ),
    WorkersCase(
        name="workers",
        about="The peak day of 100,000 orders to the same gap with one worker, then with two.",
        minutes=7,
        days=(PEAK_LARGE,),
        gap=0.005,
        time_limit_seconds=200.0,
        bars=(Bar(figure="speed_up", must=1.7, aim=1.9, at_least=True), RIGHT),
    ),
    RayCase(
        name="ray",
        about="The calm day of a million orders on threads, then through Ray, whose start counts.",
        minutes=8,
        days=(CALM_MILLION,),
        gap=0.001,
        time_limit_seconds=120.0,
        bars=(Bar(figure="ray_over_threads", must=1.25, aim=1.0), RIGHT),
    ),
    SizesCase(
        name="sizes-calm",
        about="Calm days of 20 orders an item, to a gap of 0.1%.",
        minutes=8,
        days=_sizes("calm", 1_000, 10_000, 100_000, 1_000_000),
        gap=0.001,
        time_limit_seconds=120.0,
        bars=(RIGHT,),
    ),
    SizesCase(
        name="sizes-peak",
        about="Peak days of 50 orders an item, to a gap of 0.5%.",
        minutes=8,
        days=_sizes("peak", 1_000, 10_000, 100_000, 300_000),
        gap=0.005,
        time_limit_seconds=150.0,
        bars=(RIGHT,),
    ),
    _files("gap-small", "Generalised assignment, series gap1 to gap6.", 1, "gap", "cattrysse1994__gap"),
    _files("gap-abc", "Generalised assignment, classes a to c.", 9, "gap", *(f"chu1997__{c}" for c in "abc")),
    _files("gap-large", "Generalised assignment, class d and 400 jobs.", 7, "gap", "chu1997__d", "yagiura2004__"),
    _files("mmkp", "Multiple-choice knapsacks I01 to I06.", 6, "mmkp", "I0"),
    LoopsCase(name="loops", about="Inner loops on a peak day of 1,000 orders and 60 nodes.", minutes=2),
    CompileCase(name="compile", about="A small batch with nothing compiled yet, then again.", minutes=5),
)

LONG_MINUTES = 4.0
"""Cases that take longer are left out by ``--skip-long``."""

WARM_UP = Day(load="basket", n_orders=600, n_nodes=30)
"""Large enough for every phase of the search, whose code is compiled when it is first used."""


def cases_named(names: Sequence[str]) -> list[Case]:
    """Cases in the order of the registry."""
    return [case for case in CASES if case.name in names]
