"""Runs a process to its end and tells what it took: time from outside, memory with all that it started."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[1]
PATIENCE_SECONDS = 1200.0
LOOK_SECONDS = 0.25
LAST_LINES = 5


class MeasurementError(Exception):
    """A measurement that could not be taken; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a finished process took.

    Parameters
    ----------
    wall_seconds : float
        From start to end as seen from outside.
    cpu_seconds : float
        User and system time of all its threads and of the processes it waited for.
    peak_bytes : int
        Resident memory at its largest: of the process itself as the system counted it or, where that is more, the sum
        over the process and all below it as seen four times a second. Memory shared by several counts for each.
    """

    exit_code: int
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    stdout: str
    stderr: str


def python_module(module: str, *arguments: str) -> list[str]:
    """How to call a module of this checkout with this Python."""
    return [sys.executable, "-m", module, *arguments]


def nodewise(*arguments: str) -> list[str]:
    """How to call the command of this checkout: what is measured is the code whose hash is recorded."""
    return python_module("api.cli", *arguments)


def run_process(arguments: list[str], folder: Path, environment: dict[str, str] | None = None) -> Usage:
    """Run a process in a folder, its output going to files there.

    Parameters
    ----------
    environment : dict, optional
        What differs from the environment of this process.

    Raises
    ------
    MeasurementError
        If it is still running after `PATIENCE_SECONDS`; it is ended then. On systems without ``wait4``.
    """
    if not hasattr(os, "wait4"):
        raise MeasurementError("this system cannot tell what a process took: benchmarks need Linux or macOS")
    outputs = [folder / "stdout.txt", folder / "stderr.txt"]
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    around = {**os.environ, "PYTHONPATH": path, **(environment or {})}
    with outputs[0].open("wb") as stdout, outputs[1].open("wb") as stderr:
        started = time.perf_counter()
        process = subprocess.Popen(
            arguments, cwd=folder, env=around, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
        )
        overdue, ended = threading.Event(), threading.Event()

        def end() -> None:
            overdue.set()
            process.kill()

        timer = threading.Timer(PATIENCE_SECONDS, end)
        timer.start()
        memory = Memory(process.pid)
        watching = threading.Thread(target=memory.watch, args=(ended,))
        watching.start()
        try:
            _, status, taken = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            timer.cancel()
            ended.set()
            watching.join()
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if overdue.is_set():
        raise MeasurementError(f"{shown_command(arguments)} did not end within {PATIENCE_SECONDS:.0f} s")
    return Usage(
        exit_code=process.returncode,
        wall_seconds=wall,
        cpu_seconds=taken.ru_utime + taken.ru_stime,
        peak_bytes=max(taken.ru_maxrss * (1 if sys.platform == "darwin" else 1024), memory.peak_bytes),
        stdout=outputs[0].read_text(encoding="utf-8", errors="replace"),
        stderr=outputs[1].read_text(encoding="utf-8", errors="replace"),
    )


class Memory:
    """The resident memory of a process and all below it, looked at now and then."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.peak_bytes = 0

    def watch(self, ended: threading.Event) -> None:
        """Look until the process has ended."""
        while not ended.wait(LOOK_SECONDS):
            self.look()

    def look(self) -> None:
        """Note what the processes hold now."""
        try:
            root = psutil.Process(self._pid)
            processes = [root, *root.children(recursive=True)]
        except psutil.Error:
            return
        held = 0
        for process in processes:
            try:
                held += process.memory_info().rss
            except psutil.Error:  # gone meanwhile
                continue
        self.peak_bytes = max(self.peak_bytes, held)


def succeed(arguments: list[str], folder: Path, environment: dict[str, str] | None = None) -> Usage:
    """Run a process that must end well.

    Raises
    ------
    MeasurementError
        If it does not; names its exit code and what it said last.
    """
    usage = run_process(arguments, folder, environment)
    if usage.exit_code != 0:
        raise MeasurementError(failure(arguments, usage))
    return usage


def failure(arguments: list[str], usage: Usage) -> str:
    """How a process ended, in a sentence."""
    last = " / ".join((usage.stderr.strip() or usage.stdout.strip()).splitlines()[-LAST_LINES:])
    return f"{shown_command(arguments)} ended with {usage.exit_code}: {last or 'it said nothing'}"


def shown_command(arguments: list[str]) -> str:
    """A command as people would type it."""
    words = arguments[1:] if arguments[0] == sys.executable else arguments
    shown = " ".join(words)
    return shown.replace("-m api.cli", "nodewise", 1) if shown.startswith("-m api.cli") else f"python {shown}"
