"""The words that all edits share, and how orders and items are selected."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from engine.kinds import INT_MAX, MAX_TEXT

UNLIMITED: Literal["unlimited"] = "unlimited"


class Document(BaseModel):
    """A document that refuses what it does not know."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


def _read_day(value: object) -> object:
    """TOML has dates of its own, JSON has ISO text."""
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value) if len(value) == 10 else None
        except ValueError:
            value = None
    if type(value) is not date or not 1900 <= value.year <= 2999:
        raise ValueError("a date such as 2026-01-31")
    return value


def two_decimals(value: float) -> float:
    """Refuse a percentage that is no whole number of basis points."""
    if abs(100 * value - round(100 * value)) > 1e-6:
        raise ValueError("a percentage of at most two decimals")
    return value


def _distinct(values: list[str]) -> list[str]:
    if len(set(values)) < len(values):
        raise ValueError("a list in which nothing is named twice")
    return values


def basis_points(pct: float) -> int:
    """Return a percentage of at most two decimals as an integer: what all edits calculate with."""
    return round(100 * pct)


Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Texts = Annotated[list[Text], Field(min_length=1, max_length=100_000), AfterValidator(_distinct)]
Int = Annotated[int, Field(ge=0, le=INT_MAX)]
Limit = Int | Literal["unlimited"]
Pct = Annotated[float, Field(ge=0, le=100_000), AfterValidator(two_decimals)]
Share = Annotated[float, Field(ge=0, le=100), AfterValidator(two_decimals)]
Day = Annotated[date, BeforeValidator(_read_day)]


class ItemSelector(Document):
    """Items that meet everything that is given; nothing given: all.

    Parameters
    ----------
    skus : list of str
        These.
    sku_prefix : str
        Those whose sku begins so: where a category is a part of the sku.
    requires : str
        Those that require this capability (one word): where a category is a way of handling.
    """

    skus: Texts | None = None
    sku_prefix: Text | None = None
    requires: Text | None = None


class Circle(Document):
    """All places within a distance (great circle) of one.

    Parameters
    ----------
    lat, lon : float
        The centre.
    km : float
        The distance, in kilometres.
    """

    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    km: Annotated[float, Field(ge=0)]


class OrderSelector(Document):
    """Orders that meet everything that is given; nothing given: all.

    Parameters
    ----------
    order_ids : list of str
        These.
    regions : list of str
        Those whose ``region`` is one of these.
    near : Circle
        Those that go to a place within it.
    items : ItemSelector
        Those with a line of at least one such item.
    deliver_from, deliver_to : date
        Those with a ``deliver_by`` not before, not after that day (a batch does not know when an order was placed);
        orders without ``deliver_by`` are not among them.
    """

    order_ids: Texts | None = None
    regions: Texts | None = None
    near: Circle | None = None
    items: ItemSelector | None = None
    deliver_from: Day | None = None
    deliver_to: Day | None = None
