"""Runs the command line as people do: a process of its own, real files, real pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.worked_batch import allocation_document, batch_document

COMMAND = [sys.executable, "-W", "error", "-m", "api.cli"]
FAKE_COMMAND = [sys.executable, "-W", "error", "-m", "tests.api.fake_run"]
ROOT = Path(__file__).resolve().parents[2]
Completed = subprocess.CompletedProcess[str]


def environment(**extra: str) -> dict[str, str]:
    """Return the environment of a test's process: ours on the path, no terminal."""
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "dumb", **extra}


def nodewise(
    *arguments: str, cwd: Path, given: str | None = None, fake: bool = False, **extra: str
) -> Completed:
    """Run the command to its end; with `fake`, the optimiser is replaced (see `fake_run`)."""
    return subprocess.run(
        [*(FAKE_COMMAND if fake else COMMAND), *arguments],
        cwd=cwd,
        input=given,
        stdin=subprocess.DEVNULL if given is None else None,
        capture_output=True,
        text=True,
        env=environment(**extra),
        timeout=240,
        check=False,
    )


def start(
    *arguments: str, cwd: Path, fake: bool = False, stderr: int = subprocess.PIPE, **extra: str
) -> subprocess.Popen[str]:
    """Start the command and do not wait."""
    return subprocess.Popen(
        [*(FAKE_COMMAND if fake else COMMAND), *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env=environment(**extra),
    )


def write_json(path: Path, document: dict[str, Any]) -> Path:
    """Write a document as text."""
    path.write_text(json.dumps(document), "utf-8")
    return path


def worked_files(folder: Path) -> tuple[str, str]:
    """Write the worked batch and its allocation; return their names in the folder."""
    write_json(folder / "day.json", batch_document())
    write_json(folder / "plan.json", allocation_document())
    return "day.json", "plan.json"
