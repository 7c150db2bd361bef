"""The words that all models share: strict, frozen, and nothing unknown."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

INT_MAX = 2**31 - 1


class Model(BaseModel):
    """A document that refuses what it does not know."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class Reply(BaseModel):
    """A document that we write; readers have to expect new fields."""

    model_config = ConfigDict(frozen=True, extra="allow")


def _is_day(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise ValueError("expected a date such as 2026-01-31") from None
    return value


def _without_space(value: str) -> str:
    if any(mark.isspace() for mark in value):
        raise ValueError("expected a text without white space")
    return value


Text = Annotated[str, Field(min_length=1, max_length=128)]
Word = Annotated[Text, AfterValidator(_without_space)]
Words = Annotated[str, Field(max_length=100_000, description="Words separated by spaces.")]
Int = Annotated[int, Field(ge=0, le=INT_MAX)]
Quantity = Annotated[int, Field(ge=1, le=INT_MAX)]
Change = Annotated[int, Field(ge=-INT_MAX, le=INT_MAX)]
Day = Annotated[
    str,
    Field(
        pattern=r"^(19|2[0-9])[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
        json_schema_extra={"format": "date"},
    ),
    AfterValidator(_is_day),
]
"""A date as ISO text: what the ledger keeps."""
Lat = Annotated[float, Field(ge=-90, le=90)]
Lon = Annotated[float, Field(ge=-180, le=180)]
Seconds = Annotated[int, Field(ge=1, le=31_536_000)]
Version = Annotated[int, Field(ge=0)]


class Page(Model):
    """Where to go on, and how much to read."""

    after: Annotated[int, Field(ge=0, le=2**62, description="The last number that was read.")] = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class ErrorPlace(Model):
    """One thing that is wrong, and where."""

    pointer: str
    detail: str


class Shortage(Model):
    """What there is too little of: stock of a sku at a node, or capacity of a node on a day."""

    kind: str
    node_id: str
    sku: str | None = None
    service_id: str | None = None
    date: str | None = None
    wanted: int
    available: int


class ProblemDocument(Reply):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None
    errors: list[ErrorPlace] | None = None
    shortages: list[Shortage] | None = None
