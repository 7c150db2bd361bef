"""Where documents come from and go to: folders, JSON files, and the standard streams (``-``)."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from api.failures import say

if TYPE_CHECKING:
    from engine.documents import Allocation, Batch
    from engine.errors import InputError

STREAM = "-"


def read_batch_from(source: str) -> Batch:
    """Read a batch from a folder, a JSON file or standard input.

    Raises
    ------
    InputError
        When anything is wrong with it.
    """
    from engine.documents import parse_batch, read_batch

    return parse_batch(_standard_input("a batch")) if source == STREAM else read_batch(source)


def read_allocation_from(source: str) -> Allocation:
    """Read an allocation in the same way."""
    from engine.documents import parse_allocation, read_allocation

    return parse_allocation(_standard_input("an allocation")) if source == STREAM else read_allocation(source)


def _standard_input(what: str) -> bytes:
    if sys.stdin.isatty():
        say(f"reading {what} as a JSON document from standard input")
    return sys.stdin.buffer.read()


def write_batch_to(batch: Batch, target: str, format: str | None) -> None:
    """Write a batch to a folder, a JSON file or standard output.

    Raises
    ------
    InputError
        When the target cannot be written, or holds what is not ours to replace.
    """
    from engine.documents import write_batch

    _write(lambda path, form: write_batch(batch, path, form), target, format)  # type: ignore[arg-type]


def write_allocation_to(allocation: Allocation, target: str, format: str | None) -> None:
    """Write an allocation in the same way."""
    from engine.documents import write_allocation

    _write(lambda path, form: write_allocation(allocation, path, form), target, format)  # type: ignore[arg-type]


def _write(write: Callable[[Path, str | None], None], target: str, format: str | None) -> None:
    if target != STREAM:
        write(Path(target), format)
        return
    with TemporaryDirectory(prefix="nodewise-") as folder:  # the same bytes as a file has, and only when whole
        path = Path(folder) / "document.json"
        write(path, "json")
        with path.open("rb") as found:
            shutil.copyfileobj(found, sys.stdout.buffer)
        sys.stdout.buffer.flush()


def default_target(source: str, format: str | None) -> str:
    """Return where an allocation goes when nothing was said.

    Parameters
    ----------
    source : str
        The input: ``day`` gives ``day-allocation`` beside it, ``day.json`` gives ``day-allocation.json``,
        standard input gives standard output.
    format : str or None
        The form asked for, if any; it decides between a folder and a file.
    """
    if source == STREAM:
        return STREAM
    path = Path(source)
    if path.name in ("", ".."):  # a dot has no name of its own either
        path = path.resolve()
    is_file = path.suffix == ".json" and not path.is_dir()
    stem = path.stem if is_file else path.name or "batch"
    as_file = format == "json" or (format is None and is_file)
    return str(path.with_name(f"{stem}-allocation{'.json' if as_file else ''}"))


def refuse_target(target: str, format: str | None, *, what: Literal["allocation", "batch"]) -> None:
    """Refuse a target that could not be written in the end, before any work is done; writing checks again.

    Parameters
    ----------
    target : str
        Where the documents will go.
    format : str or None
        The form asked for, if any.
    what : str
        The kind of documents; only earlier ones of that kind are replaced.

    Raises
    ------
    InputError
        When it holds something else, or cannot be written.
    """
    if target == STREAM:
        return
    from engine.schema import INPUT_TABLES, OUTPUT_TABLES

    path = Path(target).resolve()
    beside, schemas = ("summary", OUTPUT_TABLES) if what == "allocation" else ("policy", INPUT_TABLES)
    if format == "json" or (format is None and path.suffix == ".json"):
        if path.exists() and not (path.is_file() and _starts_as(path, beside)):
            raise refusal(what, f"{target} is something else", f"no file or an earlier {what}")
    elif path.exists():
        ours = {f"{beside}.json", *(f"{name}.{kind}" for name in schemas for kind in ("parquet", "csv"))}
        held = sorted(entry.name for entry in path.iterdir()) if path.is_dir() else [path.name]
        foreign = [name for name in held if name not in ours]
        if held and (foreign or f"{beside}.json" not in held):
            value = f"{target} holds {(foreign or held)[0]}" if path.is_dir() else f"{target} is no folder"
            raise refusal(what, value, f"no folder, an empty one or an earlier {what}")
    refuse_unwritable(path, what)


def refuse_unwritable(path: Path, what: str) -> None:
    """Refuse a path whose nearest folder cannot be written."""
    holder = next(folder for folder in path.resolve().parents if folder.exists())
    if not holder.is_dir() or not os.access(holder, os.W_OK | os.X_OK):
        raise refusal(what, f"{path} cannot be written", "a place that can be written")


def refusal(what: str, value: str, expected: str) -> InputError:
    """Return the error for a place of which no row or column can be named."""
    from engine.errors import Fault, InputError, shown

    return InputError([Fault(table=what, row=None, column=None, value=shown(value), expected=expected)])


def _starts_as(path: Path, beside: str) -> bool:
    mark = f'{{"{beside}": '.encode()
    with path.open("rb") as found:
        return found.read(len(mark)) in (b"", mark)
