"""Options that several commands have, and how they are checked."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated

import typer

from api.failures import set_debug


def number_from(low: float, *, above: bool = False) -> Callable[[float | None], float | None]:
    """Return a check of an option: a finite number from (or above) a limit."""

    def check(value: float | None) -> float | None:
        if value is None or (math.isfinite(value) and (value > low if above else value >= low)):
            return value
        kind = "an integer" if isinstance(value, int) else "a number"
        raise typer.BadParameter(f"is {value}, expected {kind} {'above' if above else 'from'} {low:g}")

    return check


def workers_or_ray(value: str | None) -> str | None:
    """Check a number of processors from 1, or the word ray."""
    if value is None or value == "ray" or (value.isascii() and value.isdigit() and int(value) >= 1):
        return value
    raise typer.BadParameter(f"is {value}, expected an integer from 1, or ray")


Debug = Annotated[
    bool,
    typer.Option(
        "--debug",
        callback=set_debug,
        is_eager=True,
        show_default=False,
        help="Log everything to standard error, and show the traceback when something breaks.",
    ),
]
