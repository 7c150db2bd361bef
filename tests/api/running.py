"""Runs the command line: in this process, or as people do in one of its own. The files are real."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack, chdir
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api.cli import app
from tests.api.fake_run import install
from tests.worked_batch import allocation_document, batch_document

COMMAND = [sys.executable, "-W", "error", "-m", "api.cli"]
FAKE_COMMAND = [sys.executable, "-W", "error", "-m", "tests.api.fake_run"]
ROOT = Path(__file__).resolve().parents[2]


def environment(**extra: str) -> dict[str, str]:
    """Return the environment of a test's process: ours on the path, no terminal."""
    kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "dumb", **extra}


def nodewise(*arguments: str, cwd: Path, given: str | None = None, fake: str | None = None) -> Result:
    """Run the command to its end in this process, which is quicker than one of its own.

    With `fake`, the optimiser is replaced by one of that manner (see `fake_run`).
    """
    with ExitStack() as stack:
        stack.enter_context(chdir(cwd))
        if fake is not None:
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            patch.setenv("FAKE", fake)
            install(patch.setattr)
        return CliRunner().invoke(app, list(arguments), input=given, prog_name="nodewise")


def process(*arguments: str, cwd: Path, fake: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end as a process."""
    running = start(*arguments, cwd=cwd, fake=fake)
    stdout, stderr = running.communicate(timeout=240)
    return subprocess.CompletedProcess(arguments, running.returncode, stdout, stderr)


def start(
    *arguments: str, cwd: Path, fake: str | None = None, stderr: int = subprocess.PIPE, **extra: str
) -> subprocess.Popen[str]:
    """Start the command and do not wait."""
    return subprocess.Popen(
        [*(COMMAND if fake is None else FAKE_COMMAND), *arguments],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        env=environment(FAKE=fake or "", **extra),
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
