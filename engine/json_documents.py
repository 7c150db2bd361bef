"""JSON: read strictly (a repeated name, NaN and what is not UTF-8 are faults), rows turned into columns."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np

from engine.columns import no_flags, show_at
from engine.errors import FaultLog, Place, shown
from engine.kinds import TableSchema
from engine.tables import Sheet

_MAX_DIGITS = 4000  # Python reads integers of up to 4300 digits
_TOO_LONG = int("9" * _MAX_DIGITS)  # stands for a longer one: out of any range, as that is


class Repeated(dict[str, Any]):
    """A JSON object in which a name stands more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(name for name, _ in pairs)
        self.repeated = [name for name, n_times in counts.items() if n_times > 1]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Repeated(pairs)


def _int(digits: str) -> int:
    if len(digits) <= _MAX_DIGITS:
        return int(digits)
    return -_TOO_LONG if digits.startswith("-") else _TOO_LONG


def load_object(data: bytes | str, table: str, log: FaultLog) -> dict[str, Any] | None:
    """Parse a JSON object.

    Parameters
    ----------
    data : bytes or str
        The text; bytes are UTF-8. NaN and infinities are kept: the checks of the columns refuse them with
        their row.
    table : str
        What faults of the whole text are filed under.
    log : FaultLog
        Where faults go.

    Returns
    -------
    dict or None
        The object; None when the text is not one.
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
        try:
            found = json.loads(text, object_pairs_hook=_object)
        except json.JSONDecodeError:
            raise
        except ValueError:  # an integer of more digits than Python reads
            found = json.loads(text, object_pairs_hook=_object, parse_int=_int)
    except UnicodeDecodeError as error:
        log.add(table, f"byte 0x{error.object[error.start]:02x} at {error.start}", "UTF-8 text")
        return None
    except RecursionError:
        log.add(table, "values nested too deeply", "an object of tables")
        return None
    except json.JSONDecodeError as error:
        log.add(table, f"{error.msg} in line {error.lineno}, column {error.colno}", "JSON")
        return None
    if not isinstance(found, dict):
        log.add(table, shown(found, quoted=True), "a JSON object")
        return None
    return found


def report_repeated(found: object, table: str, log: FaultLog, row: int | None = None) -> None:
    """Report the names that an object holds more than once."""
    if isinstance(found, Repeated):
        for name in found.repeated:
            log.add(table, "given twice", "each name once", row=row, column=shown(name))


def rows_sheet(rows: object, schema: TableSchema, log: FaultLog) -> Sheet | None:
    """Return a JSON table as a sheet.

    Parameters
    ----------
    rows : object
        What should be a list of objects.
    schema : TableSchema
        The table it should be.
    log : FaultLog
        Where faults go: rows that are no objects, unknown and repeated names.

    Returns
    -------
    Sheet or None
        The known columns; None when it is not a list.
    """
    if not isinstance(rows, list):
        log.add(schema.name, shown(rows, quoted=True), "a list of objects")
        return None
    place = Place(log=log, table=schema.name)
    bad_rows = no_flags(len(rows))
    types = set(map(type, rows))
    if not types <= {dict, Repeated}:
        bad_rows = np.array([not isinstance(row, dict) for row in rows], np.bool_)
        place.report_rows(bad_rows, show_at(rows, quoted=True), "an object")
        rows = [row if isinstance(row, dict) else {} for row in rows]
    if Repeated in types:
        for number, row in enumerate(rows, start=1):
            report_repeated(row, schema.name, log, number)
    known = frozenset(schema.column_names)
    unknown: set[object] = set()
    expected = "one of " + ", ".join(schema.column_names)
    for number, row in enumerate(rows, start=1):
        if not row.keys() <= known:
            for name in [name for name in row if name not in known and name not in unknown]:
                unknown.add(name)
                log.add(schema.name, "an unknown column", expected, row=number, column=shown(name))
    columns = {name: [row.get(name) for row in rows] for name in schema.column_names}
    return Sheet(schema=schema, form="objects", n_rows=len(rows), columns=columns, bad_rows=bad_rows)
