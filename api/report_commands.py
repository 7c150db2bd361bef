"""The command `nodewise report`: a plan's figures as one HTML file."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from api.failures import DONE
from api.sources import read_allocation_from, read_batch_from, refusal, refuse_unwritable

if TYPE_CHECKING:
    from engine.batch import Allocation, Batch

_ENDING = "-allocation"


def report_command(
    source: str, batch_source: str | None, baseline: str | None, baseline_batch: str | None, target: str | None
) -> int:
    """Write the report of an allocation.

    Parameters
    ----------
    source : str
        The allocation: a folder or a JSON file.
    batch_source : str or None
        Its batch; None: ``day`` beside ``day-allocation``.
    baseline, baseline_batch : str or None
        The allocation that differences are against, and its batch; None for the batch: the same.
    target : str or None
        The file; None: ``day-allocation.html`` beside ``day-allocation``.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    InputError
        When something cannot be read or written, or an allocation is not right for its batch.
    """
    path = Path(target or f"{Path(source).with_suffix('')}.html")
    if path.exists() and not path.is_file():
        raise refusal("report", f"{path} is no file", "a file that can be written")
    refuse_unwritable(path, "report")
    batch = read_batch_from(batch_source or _beside(source))
    allocation = read_allocation_from(source)
    _refuse_wrong(batch, allocation, source)
    compared = None
    if baseline is not None:
        other = batch if baseline_batch is None else read_batch_from(baseline_batch)
        compared = (Path(baseline).name, other, read_allocation_from(baseline))
        _refuse_wrong(other, compared[2], baseline)
    write_report(path, Path(source).stem, batch, allocation, compared)
    print(f"report written to {path}")
    return DONE


def write_report(
    path: Path,
    name: str,
    batch: Batch,
    allocation: Allocation,
    baseline: tuple[str, Batch, Allocation] | None = None,
) -> None:
    """Write a report, whole or not at all.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        What the plan is called.
    batch : Batch
        What was asked for.
    allocation : Allocation
        A right allocation of it.
    baseline : tuple, optional
        Name, batch and allocation of the plan that differences are against.
    """
    from api.figures import figures_document
    from api.report import report_html
    from api.views import View, comparison_document

    figures = figures_document(batch, allocation, operation_id="", about={"name": name})
    before = comparison = None
    if baseline is not None:
        other_name, other_batch, other = baseline
        before = figures_document(other_batch, other, operation_id="", about={"name": other_name})
        comparison = comparison_document(View(batch, allocation), View(other_batch, other), 0)
    text = report_html(figures, before, comparison)
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.resolve().parent, prefix=".report-", delete=False) as file:
        try:
            file.write(text)
            file.flush()
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def _beside(source: str) -> str:
    """Return where the batch of an allocation is when nothing was said: the reverse of `allocate`'s own default."""
    path = Path(source).resolve()
    is_file = path.suffix == ".json"
    stem = path.stem if is_file else path.name
    if not stem.endswith(_ENDING) or stem == _ENDING:
        raise refusal("report", f"{source} does not say which batch it is of", "its batch too (--input BATCH)")
    return str(path.with_name(stem.removesuffix(_ENDING) + (".json" if is_file else "")))


def _refuse_wrong(batch: Batch, allocation: Allocation, source: str) -> None:
    from engine.check import check

    report = check(batch, allocation)
    if not report.ok:
        what = f"{source}: {report.faults[0].message}"
        raise refusal("report", what, "an allocation of the batch (nodewise check lists all faults)")
