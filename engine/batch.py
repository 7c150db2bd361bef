"""What goes in and what comes out, as types: the policy, the batch and the allocation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import pyarrow as pa
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from engine.errors import FaultLog, shown
from engine.kinds import INT_MAX
from engine.schema import INPUT_TABLES, OUTPUT_TABLES, POLICY

_ISO_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2}(:[0-9]{2})?)",
    re.ASCII,
)
_FIRST_YEAR, _LAST_YEAR = 1900, 2999  # with 2^31 minutes added it is still a date that Python can hold


def read_instant(value: object) -> object:
    """An ISO 8601 text as a datetime; anything else as it is.

    Raises
    ------
    ValueError
        If a text is none with an offset, or the year is out of the range that dates are safe in.
    """
    if isinstance(value, str):
        if not _ISO_DATETIME.fullmatch(value):
            raise ValueError("not an ISO 8601 date and time with offset")
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime) and not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise ValueError("the year is out of range")
    return value


_Int = Annotated[int, Field(ge=0, le=INT_MAX)]
_FromOne = Annotated[int, Field(ge=1, le=INT_MAX)]


class Policy(BaseModel):
    """The planner's weights and rules; fields and units are the model's.

    Parameters
    ----------
    as_of : datetime
        The instant of the run, with offset, kept to the microsecond.
    horizon_days : int
        Ship dates of each node.
    max_shipments : int
        Shipments that an order may have.
    allow_line_split : bool
        Whether a line may be served in parts.
    split_cents, late_cents_per_day, unallocated_cents, carbon_cents_per_kg : int
        What each shipment after an order's first, each late day, each unit left out and each kilogram of
        carbon costs.
    unallocated_value_bp : int
        Share of an item's value, in basis points, that a unit left out costs besides.
    max_distance_km : float or None
        The farthest a node may be.
    dim_cm3_per_kg : int
        Volume that is billed as a kilogram.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    as_of: Annotated[AwareDatetime, BeforeValidator(read_instant)]
    horizon_days: _FromOne = 1
    max_shipments: _Int = 2
    allow_line_split: bool = False
    split_cents: _Int = 0
    late_cents_per_day: _Int = 500
    unallocated_cents: _Int = 1000
    unallocated_value_bp: _Int = 5000
    max_distance_km: Annotated[float | None, Field(gt=0)] = None
    dim_cm3_per_kg: _FromOne = 5000
    carbon_cents_per_kg: _Int = 0

    def to_document(self) -> dict[str, Any]:
        """Return the policy as it stands in a JSON document."""
        return {**self.model_dump(), "as_of": self.as_of.isoformat()}


def read_policy(found: Mapping[str, Any], log: FaultLog) -> Policy | None:
    """Check a policy; a null and an empty text mean the default.

    Parameters
    ----------
    found : mapping
        The fields received.
    log : FaultLog
        Where faults go.

    Returns
    -------
    Policy or None
        None when anything was reported.
    """
    given = {name: _clamped(value) for name, value in found.items() if value is not None and value != ""}
    try:
        return Policy.model_validate(given)
    except ValidationError as error:
        places = [item["loc"][0] for item in error.errors(include_url=False, include_context=False)]
    columns = {column.name: column for column in POLICY.columns}
    for name in dict.fromkeys(places):
        column = columns.get(str(name))
        if column is None:
            log.add(
                "policy",
                "an unknown field",
                "one of " + ", ".join(POLICY.column_names),
                column=shown(name),
            )
            continue
        value = found.get(column.name)
        expected = column.expected
        if column.kind == "int" and type(value) is int and value > INT_MAX:
            expected = f"an integer up to {INT_MAX}"
        text = shown(value, quoted=column.kind != "datetime") if column.name in found else "absent"
        log.add("policy", text, expected, column=column.name)
    return None


def _clamped(value: Any) -> Any:
    """Cut an integer so long that it has no text; it stays out of any range."""
    if type(value) is int and value.bit_length() > 10_000:
        return 10**400 if value > 0 else -(10**400)
    return value


@dataclass(frozen=True)
class Batch:
    """Everything one run needs. Reading checks it; building one by hand does not.

    Parameters
    ----------
    policy : Policy
        The planner's weights and rules.
    tables : mapping of str to Table
        All twelve input tables, columns in the order of `engine.schema`, defaults filled in.
    """

    policy: Policy
    tables: Mapping[str, pa.Table]

    def __post_init__(self) -> None:
        missing = [name for name in INPUT_TABLES if name not in self.tables]
        if missing:
            raise ValueError(f"a batch has all input tables, {', '.join(missing)} missing")
        object.__setattr__(self, "tables", {name: self.tables[name] for name in INPUT_TABLES})

    def __getitem__(self, table: str) -> pa.Table:
        return self.tables[table]


@dataclass(frozen=True)
class Allocation:
    """The chosen option of every order, with its certificate.

    Parameters
    ----------
    tables : mapping of str to Table
        shipments, allocations, unallocated and prices, columns in the order of `engine.schema`.
    summary : dict
        Counts, terms, objective, bound, gap, termination, seed, seconds and versions.
    """

    tables: Mapping[str, pa.Table]
    summary: dict[str, Any]

    def __post_init__(self) -> None:
        missing = [name for name in OUTPUT_TABLES if name not in self.tables]
        if missing:
            raise ValueError(f"an allocation has all output tables, {', '.join(missing)} missing")
        object.__setattr__(self, "tables", {name: self.tables[name] for name in OUTPUT_TABLES})

    def __getitem__(self, table: str) -> pa.Table:
        return self.tables[table]
