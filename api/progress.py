"""How a run is going: one live line on a terminal, plain lines where standard error goes elsewhere."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from api.failures import say
from api.interrupts import Interrupts
from api.money import counted, dollars, percent, seconds

if TYPE_CHECKING:
    from rich.text import Text

SECONDS_BETWEEN_LINES = 2.0
_REFRESHES_PER_SECOND = 5


class Report(Protocol):
    """What a run reports; `engine.Progress` is one."""

    @property
    def phase(self) -> str: ...
    @property
    def n_orders(self) -> int: ...
    @property
    def objective_cents(self) -> int | None: ...
    @property
    def bound_cents(self) -> int | None: ...
    @property
    def gap(self) -> float | None: ...


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step outside of the run proper, such as reading."""

    phase: str
    n_orders: int = 0
    objective_cents: int | None = None
    bound_cents: int | None = None
    gap: float | None = None


def progress_line(report: Report, elapsed_seconds: float) -> str:
    """Return a report as one line; what is not known yet is left out.

    Parameters
    ----------
    report : Report
        The last report.
    elapsed_seconds : float
        Time since the command started, which is more than the run knows of.
    """
    parts = [f"{report.phase:<14}"]
    if report.n_orders:
        parts.append(counted(report.n_orders, "order"))
    if report.objective_cents is not None:
        parts.append(f"objective {dollars(report.objective_cents)}")
    if report.bound_cents is not None:
        parts.append(f"bound {dollars(report.bound_cents)}")
    if report.gap is not None:
        parts.append(f"gap {percent(report.gap)}")
    parts.append(seconds(elapsed_seconds))
    return "  ".join(parts)


class PlainProgress:
    """Prints a line for each phase when it first comes up, and else one now and then.

    Parameters
    ----------
    started : float
        When the command started, by the clock.
    clock : callable, optional
        Seconds that only ever grow.
    """

    def __init__(self, started: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._started = started
        self._clock = clock
        self._phases: set[str] = set()
        self._printed_at = -math.inf

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def __call__(self, report: Report) -> None:
        now = self._clock()
        if report.phase not in self._phases or now - self._printed_at >= SECONDS_BETWEEN_LINES:
            self._phases.add(report.phase)
            self._printed_at = now
            say(progress_line(report, now - self._started))


class LiveProgress:
    """Redraws one line at the bottom of the terminal, and clears it at the end.

    Parameters
    ----------
    interrupts : Interrupts
        Told on the line as soon as a signal came; a handler of signals cannot draw.
    started : float
        When the command started, by the monotonic clock.
    """

    def __init__(self, interrupts: Interrupts, started: float) -> None:
        from rich.console import Console
        from rich.live import Live

        self._interrupts = interrupts
        self._started = started
        self._last: Report = Step(phase="start")
        self._live = Live(
            console=Console(stderr=True),
            get_renderable=self._draw,
            refresh_per_second=_REFRESHES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
        )

    def __enter__(self) -> LiveProgress:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._live.stop()

    def __call__(self, report: Report) -> None:
        self._last = report

    def _draw(self) -> Text:
        from rich.text import Text

        line = progress_line(self._last, time.monotonic() - self._started)
        if self._interrupts():
            return Text(f"{line}\n{self._interrupts.message}", overflow="ellipsis", style="yellow")
        return Text(line, overflow="ellipsis", no_wrap=True)


Progressing = PlainProgress | LiveProgress


def on_terminal() -> bool:
    """Whether standard error can show a live line."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def start_progress(interrupts: Interrupts, started: float) -> Progressing:
    """Return the display that suits standard error, of a command that started then; enter it to show it."""
    return LiveProgress(interrupts, started) if on_terminal() else PlainProgress(started)
