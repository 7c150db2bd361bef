"""The registry: what is measured, and what each measurement must show and aims at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from benchmarks.kinds import (
    AllocationCase,
    Bar,
    Case,
    CompileCase,
    Day,
    FilesCase,
    LoopsCase,
    ProgramCase,
    RayCase,
    RulesCase,
    SizesCase,
    WorkersCase,
)

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
        time_limit_seconds=25.0,
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
        time_limit_seconds=55.0,
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
        time_limit_seconds=265.0,
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
