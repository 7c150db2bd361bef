"""Figures as people read them. Cents stay integers up to the last character."""

from __future__ import annotations


def dollars(cents: float | None) -> str:
    """Return ``-$1,234.56`` for -123456 cents, ``-`` for None."""
    if cents is None:
        return "-"
    whole, rest = divmod(abs(round(cents)), 100)
    return f"{'-' if round(cents) < 0 else ''}${whole:,}.{rest:02d}"


def percent(part: float | None, digits: int = 2) -> str:
    """Return ``0.52%`` for 0.0052, ``-`` for None."""
    return "-" if part is None else f"{100 * part:.{digits}f}%"


def share(part: float, whole: float) -> float | None:
    """Return part / whole, None where there is no whole."""
    return part / whole if whole else None


def seconds(value: float) -> str:
    """Return ``3.2 s``."""
    return f"{value:.1f} s"


def counted(n: int, noun: str) -> str:
    """Return ``1 order``, ``2,000 orders``; all nouns of the model take an s, but for batch."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
