"""Tests that the notebook of planning runs, and still says what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]


def test_the_notebook_of_planning_runs() -> None:
    """Tests every cell, and that texts come out as they are kept."""
    kept = nbformat.read(ROOT / "docs" / "planning.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    run = nbformat.read(ROOT / "docs" / "planning.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(run, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    assert [_texts(cell) for cell in run.cells] == [_texts(cell) for cell in kept.cells]
    assert sum("image/png" in output.get("data", {}) for cell in run.cells for output in cell.get("outputs", [])) == 1


def _texts(cell: Any) -> list[str]:
    return [output["text"] for output in cell.get("outputs", []) if output["output_type"] == "stream"]
