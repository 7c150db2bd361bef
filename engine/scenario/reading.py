"""Scenarios as they are written, TOML or JSON: read, checked whole, every fault named by file, edit and field."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engine.errors import FaultLog, shown
from engine.json_documents import load_object, report_repeated
from engine.scenario.edits import Edit, Scenario

MAX_BYTES = 16_000_000


def read_scenario(path: Path | str) -> Scenario:
    """Read and check a scenario.

    Parameters
    ----------
    path : Path or str
        A file NAME.toml or NAME.json; a scenario without a name gets the file's.

    Returns
    -------
    Scenario
        Its edits are well-formed; whether what they name exists, a batch tells (`engine.scenario.apply`).

    Raises
    ------
    InputError
        When anything is wrong; lists the first 100 faults.
    """
    return read_scenarios([path])[0]


def read_scenarios(paths: Sequence[Path | str]) -> list[Scenario]:
    """Read several scenarios, and report the faults of all of them together.

    Raises
    ------
    InputError
        When anything is wrong with any of them, two names that differ in case only included.
    """
    log = FaultLog([str(path) for path in paths])
    found: list[Scenario] = []
    named: dict[str, Path] = {}
    for path in map(Path, paths):
        document = _load(path, log)
        scenario = None if document is None else _check({"name": path.stem, **document}, str(path), log)
        if scenario is None:
            continue
        found.append(scenario)
        other = named.setdefault(scenario.name.lower(), path)
        if other is not path:
            log.add(str(path), scenario.name, f"a name that {other} does not have", column="name")
    log.raise_if_any()
    return found


def parse_scenario(document: dict[str, Any], where: str = "scenario") -> Scenario:
    """Check a scenario that is parsed JSON or TOML already.

    Parameters
    ----------
    document : dict
        What was parsed.
    where : str
        How faults name the document.

    Raises
    ------
    InputError
        When anything is wrong; lists the first 100 faults.
    """
    log = FaultLog([where])
    scenario = _check(document, where, log)
    log.raise_if_any()
    assert scenario is not None
    return scenario


def _load(path: Path, log: FaultLog) -> dict[str, Any] | None:
    where, expected = str(path), "a scenario: a file NAME.toml or NAME.json"
    try:
        if path.suffix not in (".toml", ".json"):
            log.add(where, f"{shown(path.name)} has the ending {shown(path.suffix)}", expected)
            return None
        with path.open("rb") as source:
            data = source.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        log.add(where, f"cannot be read ({getattr(error, 'strerror', None) or error})", expected)
        return None
    if len(data) > MAX_BYTES:
        log.add(where, f"more than {MAX_BYTES:,} bytes", expected)
        return None
    if path.suffix == ".json":
        document = load_object(data, where, log)
        if document is not None:
            report_repeated(document, where, log)
        return document
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        log.add(where, shown(str(error)), "TOML in UTF-8")
        return None


def _check(document: dict[str, Any], where: str, log: FaultLog) -> Scenario | None:
    edits = document.get("edits")
    for number, edit in enumerate(edits if isinstance(edits, list) else [], start=1):
        report_repeated(edit, f"{where} edit {number}", log)
    try:
        return Scenario.model_validate(document)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            _report(detail, where, log)
        return None


def _report(detail: ErrorDetails, where: str, log: FaultLog) -> None:
    """Add one fault: the document or its edit, the field in it, the value found, and what was expected."""
    place = list(detail["loc"])
    if len(place) > 1 and place[0] == "edits" and isinstance(place[1], int):
        where = f"{where} edit {place[1] + 1}"
        place = place[3:]  # the kind of edit stands between its number and the field
    kind, found = detail["type"], detail["input"]
    if kind.startswith("union_tag") or (kind in _NO_TABLE and not place):
        kinds = ", ".join(_edit_kinds())
        if isinstance(found, dict):
            value = shown(found.get("edit"), quoted=True) if "edit" in found else "absent"
            log.add(where, value, f"one of {kinds}", column="edit")
        else:
            log.add(where, shown(found, quoted=True), "an edit: a table with edit, and what that needs")
        return
    column = ".".join(str(part) for part in place if part not in _UNION_PARTS) or None
    if kind == "missing":
        log.add(where, "absent", "a value", column=column)
    elif kind == "extra_forbidden":
        log.add(
            where,
            "an unknown field",
            "a field of this edit" if "edit" in where else "name, description and edits",
            column=column,
        )
    else:
        kind_of_edit = found.get("edit") if column is None and isinstance(found, dict) else None
        log.add(
            where,
            str(kind_of_edit or shown(found, quoted=True)),
            _SHAPES.get(column or "") or _expected(kind, detail["msg"]),
            column=column,
        )


_SHAPES = {
    "name": "1 to 64 letters, digits, dots, dashes and underscores, the first no dot or dash",
    "node.cutoff": "a time such as 17:00",
    "node.working_days": "seven 0 or 1, Monday first",
}
_NO_TABLE = ("model_type", "model_attributes_type", "dict_type")
_UNION_PARTS = ("int", "float", "date", "constrained-int", "literal['unlimited']")


def _edit_kinds() -> list[str]:
    union = Edit.__origin__  # type: ignore[attr-defined]
    return [kind.model_fields["edit"].annotation.__args__[0] for kind in union.__args__]


def _expected(kind: str, message: str) -> str:
    """Return the library's words as ours: what follows ``expected``."""
    if kind in _NO_TABLE:
        return "a table of fields"
    for start in ("Value error, ", "Input should be ", "Input should "):
        if message.startswith(start):
            message = message.removeprefix(start)
            break
    return message[:1].lower() + message[1:]
