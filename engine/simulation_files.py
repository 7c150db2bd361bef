"""A simulation as a folder: written whole or not at all, and read again for comparisons."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from engine.batch import Batch
from engine.comparison import Comparison, Plan, write_comparison
from engine.comparison.writing import file_names
from engine.documents import read_allocation, read_batch, write_allocation, write_batch
from engine.errors import Fault, InputError, shown
from engine.fingerprint import fingerprint
from engine.scenario import Scenario, apply_scenario, parse_scenario
from engine.schema import INPUT_TABLES, OUTPUT_TABLES
from engine.simulation import BASE

MARK, SCENARIO, COMPARISON, BATCH = "simulation.json", "scenario.json", "comparison", "batch"
RESERVED = frozenset({BASE, COMPARISON})
_EXPECTED = "no folder, an empty one or an earlier simulation"


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """What a simulation's folder says of it.

    Parameters
    ----------
    folder : Path
        Where it is.
    base_source : Path or None
        Where the base was read from; None: from standard input.
    input_sha256 : mapping of str to str
        The fingerprint of each plan's batch, the base's first.
    """

    folder: Path
    base_source: Path | None
    input_sha256: Mapping[str, str]


def write_simulation(
    target: Path,
    plans: Sequence[Plan],
    scenarios: Sequence[Scenario],
    comparison: Comparison,
    *,
    base_source: Path | None,
    options: Mapping[str, Any],
    keep_batches: bool = False,
) -> None:
    """Write a simulation, whole or not at all.

    ``simulation.json`` (options, where the base is, the SHA-256 of every plan's batch), a folder for each plan: the
    allocation's tables and ``summary.json``, the scenario in ``scenario.json``, its batch in ``batch`` where that is
    wanted; and the comparison in ``comparison``.

    Parameters
    ----------
    target : Path
        The folder; replaced only where it is empty or holds an earlier simulation.
    plans : sequence of Plan
        The base, then the scenarios' in their order.
    scenarios : sequence of Scenario
        The scenarios.
    comparison : Comparison
        Of the plans.
    base_source : Path or None
        Where the base was read from, kept relative to the folder; None: from standard input.
    options : mapping
        How was searched, kept as it is.
    keep_batches : bool
        Whether each plan's batch is written too.

    Raises
    ------
    InputError
        When the target holds anything else, or cannot be written.
    """
    target = target.resolve()
    refuse_target(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        new = Path(mkdtemp(prefix=f".{target.name}.new-", dir=target.parent))
    except OSError as error:
        raise _unwritable(target, error) from error
    try:
        new.chmod(0o755)  # a temporary folder is its owner's alone
        by_name = {scenario.name: scenario for scenario in scenarios}
        for plan in plans:
            write_allocation(plan.allocation, new / plan.name)
            if plan.name in by_name:
                _write_json(new / plan.name / SCENARIO, by_name[plan.name].to_document())
            if keep_batches:
                write_batch(plan.batch, new / plan.name / BATCH)
        (new / COMPARISON).mkdir()
        write_comparison(comparison, new / COMPARISON)
        hashes = {plan["name"]: plan["input_sha256"] for plan in comparison.summary["plans"]}
        base = None if base_source is None else os.path.relpath(base_source.resolve(), target)
        _write_json(new / MARK, {"base": base, "input_sha256": hashes, "options": dict(options)})
        _put(new, target)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _put(new: Path, target: Path) -> None:
    """Put a folder in the place of an earlier one, which goes when the new one is there."""
    refuse_target(target)
    if not target.exists():
        os.rename(new, target)
        return
    old = Path(mkdtemp(prefix=f".{target.name}.old-", dir=target.parent))
    os.rename(target, old / target.name)
    try:
        os.rename(new, target)
    except BaseException:
        os.rename(old / target.name, target)
        raise
    finally:
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as text:
        text.write(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n")
        text.flush()
        os.fsync(text.fileno())


def refuse_target(target: Path) -> None:
    """Refuse a target that holds anything which a simulation would not have written.

    Raises
    ------
    InputError
        When it does.
    """
    if not os.path.lexists(target):
        return
    if not target.is_dir():
        raise _refusal(f"{shown(str(target))} is no folder", _EXPECTED)
    if not any(target.iterdir()):
        return
    mark = _mark(target)
    if mark is None:
        raise _refusal(f"{shown(str(target))} holds no {MARK}", _EXPECTED)
    foreign = _foreign(target, mark["input_sha256"])
    if foreign is not None:
        raise _refusal(f"{shown(str(target))} holds {shown(foreign)}", _EXPECTED)


def _foreign(target: Path, plans: Mapping[str, str]) -> str | None:
    """Return something in a simulation's folder that is not of it; None: all is."""
    outputs = {"summary.json", SCENARIO, *_files(OUTPUT_TABLES)}
    inputs = {"policy.json", *_files(INPUT_TABLES)}
    known: dict[str, Collection[str]] = {MARK: (), COMPARISON: file_names(), **dict.fromkeys(plans, outputs)}
    for entry in sorted(target.iterdir()):
        if entry.name not in known or entry.is_dir() == (entry.name == MARK):
            return entry.name
        for inner in sorted(entry.iterdir()) if entry.is_dir() else ():
            if inner.name == BATCH and entry.name in plans and inner.is_dir():
                strange = [file.name for file in sorted(inner.iterdir()) if file.name not in inputs]
                if strange:
                    return f"{entry.name}/{BATCH}/{strange[0]}"
            elif inner.name not in known[entry.name] or not inner.is_file():
                return f"{entry.name}/{inner.name}"
    return None


def _files(tables: Mapping[str, object]) -> set[str]:
    return {f"{name}.{kind}" for name in tables for kind in ("parquet", "csv")}


def _mark(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / MARK).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("base"), str | None):
        return None
    hashes = found.get("input_sha256")
    fits = isinstance(hashes, dict) and BASE in hashes and all(isinstance(value, str) for value in hashes.values())
    if not fits or any("/" in name or name in ("", ".", "..") for name in found["input_sha256"]):
        return None
    return found


def find_simulation(folder: Path) -> Simulation | None:
    """Return the simulation that a folder holds, or None where it holds none."""
    mark = _mark(folder) if folder.is_dir() else None
    if mark is None:
        return None
    source = None if mark["base"] is None else Path(os.path.normpath(folder.resolve() / mark["base"]))
    return Simulation(folder=folder, base_source=source, input_sha256=mark["input_sha256"])


def read_plans(simulation: Simulation, names: Sequence[str], base: Batch | None = None) -> list[Plan]:
    """Read plans of a simulation: allocations as they were written, batches as they were solved.

    Parameters
    ----------
    simulation : Simulation
        Where they are.
    names : sequence of str
        Which.
    base : Batch, optional
        The base; default: read again from where it was.

    Raises
    ------
    InputError
        When a plan cannot be read, or its batch is not the one that was solved.
    """
    plans = []
    for name in names:
        folder = simulation.folder / name
        if (folder / BATCH).is_dir():
            batch = read_batch(folder / BATCH)
        else:
            base = _read_base(simulation) if base is None else base
            batch = base if name == BASE else apply_scenario(base, _read_scenario(folder / SCENARIO))
        if fingerprint(batch) != simulation.input_sha256.get(name):
            raise _refusal(
                f"the batch of {shown(name)} is not the one that was solved",
                "the base as it was (--base, if it is elsewhere)",
            )
        plans.append(Plan(name=name, batch=batch, allocation=read_allocation(folder)))
    return plans


def _read_base(simulation: Simulation) -> Batch:
    if simulation.base_source is None:
        raise _refusal("the base came from standard input", "the base again (--base)")
    return read_batch(simulation.base_source)


def _read_scenario(path: Path) -> Scenario:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise _refusal(f"{shown(str(path))} cannot be read ({error})", "the scenario as it was written") from error
    return parse_scenario(document if isinstance(document, dict) else {}, str(path))


def _refusal(value: str, expected: str) -> InputError:
    return InputError([Fault(table="simulation", row=None, column=None, value=value, expected=expected)])


def _unwritable(target: Path, error: OSError) -> InputError:
    return _refusal(f"{shown(str(target))} cannot be written ({error.strerror})", "a place that can be written")
