"""Group commit: requests of threads that ask at the same time share one transaction."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future

from engine.ledger.base import Ledger, Reply, Request


class GroupCommit:
    """A front of a ledger for threads: while one transaction is written, the next gathers.

    Whoever finds nobody at work writes for all that wait; nobody waits for company.

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
        self._waiting: deque[tuple[Sequence[Request], Future[list[Reply]]]] = deque()
        self._at_work = False

    def write(self, requests: Sequence[Request]) -> list[Reply]:
        """Do requests as `Ledger.write` does, in one transaction, perhaps together with those of others."""
        future: Future[list[Reply]] = Future()
        with self._lock:
            self._waiting.append((requests, future))
            leads = not self._at_work
            self._at_work = True
        if leads:
            self._lead(future)
        return future.result()

    def _lead(self, own: Future[list[Reply]]) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._at_work = False
                    return
                if own.done():  # somebody who waits goes on, so that no caller works for others without end
                    successor = self._waiting[0][1]
                    threading.Thread(target=self._lead, args=(successor,), daemon=True).start()
                    return
                group = self._gather()
            self._write_group(group)

    def _gather(self) -> list[tuple[Sequence[Request], Future[list[Reply]]]]:
        group = [self._waiting.popleft()]
        n_requests = len(group[0][0])
        while self._waiting and n_requests + len(self._waiting[0][0]) <= self._max_requests:
            group.append(self._waiting.popleft())
            n_requests += len(group[-1][0])
        return group

    def _write_group(self, group: list[tuple[Sequence[Request], Future[list[Reply]]]]) -> None:
        try:
            replies = self._ledger.write([request for requests, _ in group for request in requests])
        except BaseException as error:
            for _, future in group:
                future.set_exception(error)
            return
        start = 0
        for requests, future in group:
            future.set_result(replies[start : start + len(requests)])
            start += len(requests)
