"""Group commit: requests of threads that ask at the same time share one transaction."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from engine.ledger.base import Ledger, Reply, Request


class _Ticket:
    """What one caller waits for: an answer, or its turn to write for all that wait."""

    __slots__ = ("error", "replies", "requests", "turn")

    def __init__(self, requests: Sequence[Request]) -> None:
        self.requests = requests
        self.turn = threading.Event()
        self.replies: list[Reply] | None = None
        self.error: BaseException | None = None


class GroupCommit:
    """A front of a ledger for threads: while one transaction is written, the next gathers.

    Whoever finds nobody at work writes for all that wait, and then hands over to the first who came meanwhile; nobody
    waits for company.

    Parameters
    ----------
    ledger : Ledger
        Where it goes.
    max_requests : int, optional
        At most so many requests in one transaction, unless one caller brings more.
    """

    def __init__(self, ledger: Ledger, *, max_requests: int = 200) -> None:
        self._ledger = ledger
        self._max_requests = max_requests
        self._lock = threading.Lock()
        self._waiting: deque[_Ticket] = deque()
        self._at_work = False

    def write(self, requests: Sequence[Request]) -> list[Reply]:
        """Do requests as `Ledger.write` does, in one transaction, perhaps together with those of others."""
        ticket = _Ticket(requests)
        with self._lock:
            self._waiting.append(ticket)
            leads = not self._at_work
            self._at_work = True
        if not leads:
            ticket.turn.wait()
        if ticket.replies is None and ticket.error is None:
            self._write_first()
        if ticket.error is not None:
            raise ticket.error
        assert ticket.replies is not None
        return ticket.replies

    def _write_first(self) -> None:
        """Write the first group, which the caller is in, and wake the others of it and whoever is next."""
        with self._lock:
            group = self._gather()
        try:
            replies = self._ledger.write([request for ticket in group for request in ticket.requests])
            start = 0
            for ticket in group:
                ticket.replies = replies[start : start + len(ticket.requests)]
                start += len(ticket.requests)
        except BaseException as error:
            for ticket in group:
                ticket.error = error
        with self._lock:
            self._at_work = bool(self._waiting)
            successor = self._waiting[0] if self._waiting else None
        for ticket in group:
            ticket.turn.set()
        if successor is not None:
            successor.turn.set()

    def _gather(self) -> list[_Ticket]:
        group = [self._waiting.popleft()]
        n_requests = len(group[0].requests)
        while self._waiting and n_requests + len(self._waiting[0].requests) <= self._max_requests:
            group.append(self._waiting.popleft())
            n_requests += len(group[-1].requests)
        return group
