"""What was measured, kept: a JSON file for each case, from which the page is written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from benchmarks.machine import Origin

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True)
class TracePoint:
    """Where a run stood: seconds since its start, cents; None before there was one."""

    __pydantic_config__ = _STRICT

    phase: str
    seconds: float
    objective_cents: int | None
    bound_cents: int | None

    @property
    def gap(self) -> float | None:
        """As in MODEL.md; None before there are an objective and a bound."""
        if self.objective_cents is None or self.bound_cents is None:
            return None
        return (self.objective_cents - self.bound_cents) / max(1, abs(self.objective_cents))


@dataclass(frozen=True, kw_only=True)
class Run:
    """One allocation, measured and checked.

    Parameters
    ----------
    what : str
        ``nodewise``, or the name of a rival.
    day : str
        The batch, as people say it.
    command : str
        What was called.
    peak_gigabytes : float
        Of the process and all it started.
    nothing_cents : int
        What shipping nothing costs.
    fill_rate, split_rate : float
        Units shipped of those ordered; orders of several shipments among those shipped.
    phases : dict of str to float
        Seconds by phase, as the command reports them.
    trace : tuple of TracePoint
        Empty where the command does not tell the seconds.
    check_seconds : float
        Wall time of `nodewise check` on the result.
    n_faults : int
        Faults that it counted.
    load_before : float
        Load average of the machine over the minute before: above 0, somebody else was at work, or the run before.
    n_compiled : int
        Functions compiled within the run; above 0, its time includes compilation.
    """

    __pydantic_config__ = _STRICT

    what: str
    day: str
    n_orders: int
    workers: str
    command: str
    wall_seconds: float
    cpu_seconds: float
    peak_gigabytes: float
    objective_cents: int
    bound_cents: int
    nothing_cents: int
    gap: float
    savings_gap: float
    fill_rate: float
    split_rate: float
    termination: str
    phases: dict[str, float]
    trace: tuple[TracePoint, ...]
    check_seconds: float
    n_faults: int
    load_before: float
    n_compiled: int

    def against(self, bound_cents: int) -> Run:
        """The same with both gaps against a bound that was proved elsewhere for the same day."""
        above = self.objective_cents - bound_cents
        return replace(
            self,
            bound_cents=bound_cents,
            gap=above / max(1, abs(self.objective_cents)),
            savings_gap=above / max(1, self.nothing_cents - bound_cents),
        )


@dataclass(frozen=True, kw_only=True)
class SolvedFile:
    """A problem from the literature, in its own units.

    Parameters
    ----------
    sign : {1, -1}
        1 for costs, -1 for values.
    listed : float
        The listed value; ``status`` is ``optimal`` where it is proved.
    objective, bound : float or None
        None where none was found.
    seconds : float
        Of solving, without reading.
    """

    __pydantic_config__ = _STRICT

    file: str
    sign: Literal[1, -1]
    listed: float
    status: str
    exact: bool
    objective: float | None
    bound: float | None
    seconds: float
    termination: str

    @property
    def beyond(self) -> float | None:
        """How much worse than the listed value, relative to it; below 0: better."""
        if self.objective is None:
            return None
        return self.sign * (self.objective - self.listed) / abs(self.listed)

    @property
    def honest(self) -> bool:
        """Whether the bound leaves room for the listed value, and a proved optimum is not beaten."""
        if self.bound is None or self.sign * (self.bound - self.listed) > 1e-9:
            return False
        return self.beyond is None or self.status != "optimal" or self.beyond >= -1e-12

    def reached(self, within: float) -> bool:
        """Whether the objective is as good as listed (else as good but for a share) and the bound is honest."""
        allowed = 1e-12 if self.exact else within
        return self.honest and self.beyond is not None and self.beyond <= allowed


@dataclass(frozen=True, kw_only=True)
class Loop:
    """An inner loop, timed: median and least seconds of some rounds."""

    __pydantic_config__ = _STRICT

    name: str
    median_seconds: float
    min_seconds: float
    rounds: int


@dataclass(frozen=True, kw_only=True)
class Record:
    """One measurement of one case.

    Parameters
    ----------
    case : str
        A name of the registry; also of the file.
    date : str
        Day and time in UTC, ISO 8601.
    scale : float
        1 where days have the sizes that the bars are about.
    seconds : float or None
        What searches were cut to, if they were.
    figures : dict of str to list of float
        Values by figure, one for each run of the case.
    failed : str or None
        Why the case, or a part of it, could not be measured.
    """

    __pydantic_config__ = _STRICT

    case: str
    date: str
    origin: Origin
    scale: float = 1.0
    seconds: float | None = None
    figures: dict[str, list[float]] = field(default_factory=dict)
    runs: tuple[Run, ...] = ()
    files: tuple[SolvedFile, ...] = ()
    loops: tuple[Loop, ...] = ()
    failed: str | None = None
    schema: Literal[1] = 1


_RECORD: TypeAdapter[Record] = TypeAdapter(Record)


class RecordError(ValueError):
    """A file that is no record; the message names it and what is wrong."""


def write_record(record: Record, folder: Path) -> Path:
    """Write a record under the name of its case, in place of an earlier one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record.case}.json"
    beside = path.with_suffix(".tmp")
    beside.write_bytes(_RECORD.dump_json(record, indent=1) + b"\n")
    beside.replace(path)
    return path


def read_records(folder: Path) -> list[Record]:
    """Read all records of a folder, by name.

    Raises
    ------
    RecordError
        If a file is not a record, or another case's.
    """
    records = []
    for path in sorted(folder.glob("*.json")):
        try:
            record = _RECORD.validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise RecordError(f"{path}: {where or 'document'}: {first['msg']}") from error
        if record.case != path.stem:
            raise RecordError(f"{path}: case is {record.case!r}, expected {path.stem!r}")
        records.append(record)
    return records
