"""What ends a command early, as one clear message and an exit code."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from typing import Any, TextIO

import typer
from typer.core import TyperGroup

DONE, FAILED, BAD_INPUT, FAULTS_FOUND, ABORTED = 0, 1, 2, 3, 130
_DEBUG = "nodewise.debug"
_LOGGERS = ("api", "engine", "solver")


class Aborted(KeyboardInterrupt):
    """A second signal while the first was being answered: stop now, write nothing.

    Parameters
    ----------
    signal_number : int
        The signal; the exit code is 128 more.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__()
        self.exit_code = 128 + signal_number


class CommandGroup(TyperGroup):
    """A group of commands whose failures end in a message and an exit code, never in a traceback.

    Bad input: every fault on a line of its own, exit 2. Anything else that goes wrong: one line, exit 1, with
    the traceback under ``--debug``. A reader that went away: exit 1 without a word.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except BrokenPipeError:
            silence(sys.stdout)
            silence(sys.stderr)
            raise typer.Exit(FAILED) from None
        except KeyboardInterrupt as error:
            say("nodewise: aborted, nothing was written")
            raise typer.Exit(getattr(error, "exit_code", ABORTED)) from None
        except Exception as error:
            if hasattr(error, "exit_code"):  # an exit, or a usage error that the library words itself
                raise
            if ctx.meta.get(_DEBUG):
                raise
            raise typer.Exit(_report(error)) from None


def _report(error: Exception) -> int:
    from engine.errors import InputError

    if isinstance(error, InputError):
        say(str(error))
        return BAD_INPUT
    if isinstance(error, MemoryError):
        say("nodewise: out of memory")
    elif isinstance(error, OSError):
        say(f"nodewise: {_one_line(error)}")
    else:
        say(f"nodewise: {type(error).__name__}: {_one_line(error)} (a bug; --debug shows where)")
    return FAILED


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or "no details"


def say(text: str) -> None:
    """Print a line for people on standard error; where nobody can read it, do without."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)


def silence(stream: TextIO) -> None:
    """Send what is still buffered for a reader that went away nowhere, so that exiting says nothing."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def set_debug(ctx: typer.Context, wanted: bool) -> bool:
    """Remember ``--debug``, and attach the log to standard error: all of it, or warnings only."""
    if ctx.resilient_parsing:
        return wanted
    wanted = wanted or bool(ctx.meta.get(_DEBUG))
    ctx.meta[_DEBUG] = wanted
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(handler, _ErrorHandler) for handler in logger.handlers):
            logger.addHandler(_ErrorHandler())
        logger.setLevel(logging.DEBUG if wanted else logging.WARNING)
    return wanted


class _ErrorHandler(logging.Handler):
    """Writes to what standard error is at the moment, so that a live line can make room for it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        say(self.format(record))
