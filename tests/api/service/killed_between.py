"""The service as a process that kills itself after a rejection's release, before the new decision."""

from __future__ import annotations

import os
import signal
from typing import Any

from api.cli import main
from api.sourcing import Sourcing


async def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    Sourcing._source = _die  # type: ignore[assignment,method-assign]
    main()
