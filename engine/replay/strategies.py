"""Strategies by name: what a planner writes on the command line."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from engine.errors import Fault, InputError, shown
from engine.replay.guide import GuideParams
from engine.replay.one_by_one import ByCost, ByRule
from engine.replay.turns import Strategy
from engine.replay.windows import InWindows
from engine.rules import known
from engine.rules.rule import Rule

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "nearest": known.NEAREST,
        "priority": known.PRIORITY,
        "most_stock": known.MOST_STOCK,
        "fewest_splits": known.FEWEST_SPLITS,
        "single_else_split": known.SINGLE_ELSE_MULTI,
    }
)
"""What ``benchmarks.rivals`` names after products; routing by cost is one more rival."""
RIVALS = (*RULES, "cheapest")
DEFAULT = (*RIVALS, "guided", "windows:30", "windows:120", "windows:480", "guided_windows:120", "reopt:30")
LONGEST_WINDOW_MINUTES = 7 * 1440
_EXPECTED = ", ".join((*RIVALS, "guided")) + ", or windows:MINUTES, guided_windows:MINUTES or reopt:MINUTES"


def strategy_of(
    name: str, *, answer_minutes: int = 30, release_minutes: int = 240, change_cents: int = 50, gap: float = 0.005
) -> Strategy:
    """A strategy by its name.

    Parameters
    ----------
    name : str
        One of ``nearest``, ``priority``, ``most_stock``, ``fewest_splits``, ``single_else_split``, ``cheapest``,
        ``guided``, or ``windows:MINUTES``, ``guided_windows:MINUTES``, ``reopt:MINUTES``.
    answer_minutes : int
        How long nodes take to answer, where orders are decided one at a time.
    release_minutes, change_cents : int
        How long decisions may be changed, and what a change has to save at least (``reopt``).
    gap : float
        How well windows are solved.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    kind, colon, number = name.partition(":")
    if not colon and kind in RULES:
        return ByRule(name=name, rule=RULES[kind], turn_minutes=answer_minutes)
    if not colon and kind in ("cheapest", "guided"):
        return ByCost(name=name, guide=GuideParams() if kind == "guided" else None, turn_minutes=answer_minutes)
    minutes = int(number) if number.isascii() and number.isdigit() and len(number) < 8 else 0
    if kind in ("windows", "guided_windows", "reopt") and 1 <= minutes <= LONGEST_WINDOW_MINUTES:
        return InWindows(
            name=name,
            turn_minutes=minutes,
            release_minutes=release_minutes if kind == "reopt" else 0,
            change_cents=change_cents,
            guide=GuideParams() if kind == "guided_windows" else None,
            gap=gap,
        )
    raise InputError([Fault(table="replay", row=None, column="strategy", value=shown(name), expected=_EXPECTED)])
