"""Signals that ask to stop: the first politely, the second at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from types import FrameType, TracebackType

from api.failures import Aborted

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """While it is entered, Ctrl-C and SIGTERM set a flag instead of ending the process.

    Calling it tells whether a signal came. The second signal raises `Aborted`; the third ends the process
    where it stands, in case something does not let go.

    Parameters
    ----------
    say : bool, optional
        Whether the first signal is answered with a line; a live display shows it in its own way.
    """

    def __init__(self, *, say: bool = True) -> None:
        self.message = "stopping: the best allocation found so far will be written (again to abort)"
        self._say = say
        self._n_signals = 0
        self._former: dict[signal.Signals, object] = {}

    def __call__(self) -> bool:
        return self._n_signals > 0

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._former = {number: signal.signal(number, self._answer) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, former in self._former.items():
            signal.signal(number, former)  # type: ignore[arg-type]
        self._former = {}

    def _answer(self, number: int, frame: FrameType | None) -> None:
        self._n_signals += 1
        if self._n_signals == 1 and self._say:
            # print() is not safe here: the signal may have come in the middle of one
            with contextlib.suppress(OSError):
                os.write(2, f"{self.message}\n".encode())
        if self._n_signals == 2:
            raise Aborted(number)
        if self._n_signals > 2:
            os._exit(128 + number)
