"""How many requests may be under way at one time, in all, of one tenant, and of the kinds that cost most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from api.calls import Spec
from api.metrics import Metrics
from api.problems import Problem
from api.settings import Limits


class Places:
    """Places for requests; who finds none is told to come back.

    Parameters
    ----------
    limits : Limits
        How many there are.
    metrics : Metrics
        Told how many are taken.
    """

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self._limits = limits
        self._metrics = metrics
        self._n_waiting = 0
        self._n_large = 0
        self._n_streams = 0
        self._waiting_of: Counter[str] = Counter()

    @contextmanager
    def one(self, spec: Spec, tenant: str) -> Iterator[None]:
        """Hold a place while a request is received and answered.

        Raises
        ------
        Problem
            429.
        """
        limits, is_large = self._limits, spec.size == "large"
        if (
            self._n_waiting >= limits.waiting
            or self._waiting_of[tenant] >= limits.waiting_per_tenant
            or (is_large and self._n_large >= limits.large)
        ):
            raise self._busy("5" if is_large or spec.streams else "1")
        self._n_waiting += 1
        self._n_large += is_large
        self._waiting_of[tenant] += 1
        self._metrics.waiting.set(self._n_waiting)
        try:
            yield
        finally:
            self._n_waiting -= 1
            self._n_large -= is_large
            self._waiting_of[tenant] -= 1
            if not self._waiting_of[tenant]:
                del self._waiting_of[tenant]
            self._metrics.waiting.set(self._n_waiting)

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Hold a place while an answer without a known end is sent.

        Raises
        ------
        Problem
            429.
        """
        if self._n_streams >= self._limits.streams:
            raise self._busy("5")
        self._n_streams += 1
        try:
            yield
        finally:
            self._n_streams -= 1

    def _busy(self, after: str) -> Problem:
        self._metrics.refused_busy.inc()
        return Problem(429, "too-many-requests", "too many requests wait; try again", (("Retry-After", after),))
