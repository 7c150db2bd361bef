"""Structured logs: one JSON object a line, with the request's id, and never a secret."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, BinaryIO

import orjson

_FLUSH_SECONDS = 0.1
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """Formats a record of the standard library as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update({name: value for name, value in vars(record).items() if name not in _OWN})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def attach_json_logs(level: int = logging.INFO) -> None:
    """Send the service's log, and the server's, to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    for name in ("api", "engine", "solver", "uvicorn"):
        logger = logging.getLogger(name)
        for former in list(logger.handlers):
            logger.removeHandler(former)
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = False


class AccessLog:
    """A line for each request. Lines are written a few times a second, together.

    Parameters
    ----------
    sink : binary file or None
        Where lines go; None: nowhere.
    now : callable
        The time.
    """

    def __init__(self, sink: BinaryIO | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._sink = sink
        self._now = now
        self._waiting: list[dict[str, Any]] = []

    def add(
        self,
        *,
        request_id: str,
        method: str,
        call: str,
        status: int,
        seconds: float,
        tenant: str | None,
        caller: str | None,
    ) -> None:
        """Log a request. Paths are logged as declared, so that ids in them stay out of the log."""
        if self._sink is None:
            return
        if not self._waiting:
            asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)
        self._waiting.append(
            {
                "at": self._now(),
                "level": "info",
                "logger": "api.access",
                "request_id": request_id,
                "method": method,
                "call": call,
                "status": status,
                "ms": round(1000 * seconds, 3),
                "tenant": tenant,
                "caller": caller,
            }
        )

    def flush(self) -> None:
        """Write what waits."""
        lines, self._waiting = self._waiting, []
        if self._sink is not None and lines:
            try:
                self._sink.write(b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines))
                self._sink.flush()
            except (OSError, ValueError):
                self._sink = None  # nobody reads; the service goes on
