"""One thread that decides and writes: what arrives while it is at work is done together in the next round.

A round decides its orders jointly on the snapshot, writes everything in one ledger transaction, brings the snapshots
up to date, and answers. Nobody waits for company: an idle writer starts at once. Orders that lost a race
against another replica are decided again in the next round.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.desks import Desk
from api.metrics import Metrics
from api.problems import Problem
from engine.ledger import Ledger, LedgerUnavailable, Reply, Request
from engine.ledger.outcomes import Refused
from engine.live import Again, Decision, Order, decide

MAX_ROUND = 256
_log = logging.getLogger("api.writer")
Future = asyncio.Future[Any] | concurrent.futures.Future[Any]
RACED = ("insufficient_stock", "insufficient_capacity")


@dataclass(slots=True, kw_only=True)
class Commands:
    """Ledger requests that belong together; the result is the list of replies.

    Parameters
    ----------
    requests : sequence of Request
        Written in order, in one transaction.
    """

    requests: Sequence[Request]
    future: Future


@dataclass(slots=True, kw_only=True)
class Decide:
    """An order to decide and reserve; the result is a pair of decision and reply.

    Parameters
    ----------
    tenant : str
        Whose.
    order : Order
        The order.
    reserve : callable
        Makes the ledger's request from a decision; told whether a refusal would be final.
    attempts : int
        How often it may still be decided.
    again : Again or None
        What the order has already.
    former : Decision or None
        What the snapshot counts for the order until it is decided again.
    """

    tenant: str
    order: Order
    reserve: Callable[[Decision, bool], Request]
    attempts: int
    future: Future
    again: Again | None = None
    former: Decision | None = None
    n_lost: int = 0


@dataclass(slots=True, kw_only=True)
class Aside:
    """Something to run between two rounds; the result is what it returns."""

    run: Callable[[], Any]
    future: Future


Item = Commands | Decide | Aside


@dataclass(slots=True)
class _Round:
    commands: list[Commands] = field(default_factory=list)
    decided: list[tuple[Decide, Desk, Decision]] = field(default_factory=list)


class Writer:
    """The thread, and its queue.

    Parameters
    ----------
    ledger : Ledger
        Where it writes.
    desk_of : callable
        The desk of a tenant, once it is open.
    metrics : Metrics
        Where it counts.
    """

    def __init__(self, ledger: Ledger, desk_of: Callable[[str], Desk | None], metrics: Metrics) -> None:
        self._ledger = ledger
        self._desk_of = desk_of
        self._metrics = metrics
        self._queue: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._settled: list[tuple[Future, Any]] = []

    def start(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Start the thread; asyncio's futures belong to this loop."""
        self._loop = loop
        self._thread.start()

    def stop(self) -> None:
        """End after what is queued, and wait for that."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    async def write(self, *requests: Request) -> list[Reply]:
        """Write requests in one transaction, together with what others write at the same time."""
        future = asyncio.get_running_loop().create_future()
        self._queue.put(Commands(requests=requests, future=future))
        replies: list[Reply] = await future
        return replies

    def write_and_wait(self, requests: Sequence[Request]) -> list[Reply]:
        """Do the same from a thread of its own."""
        future: concurrent.futures.Future[list[Reply]] = concurrent.futures.Future()
        self._queue.put(Commands(requests=requests, future=future))
        return future.result()

    def submit(self, item: Item) -> None:
        """Queue something of which the caller keeps the future."""
        self._queue.put(item)

    def aside_and_wait(self, run: Callable[[], Any]) -> Any:
        """Run something between two rounds, from a thread of its own."""
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._queue.put(Aside(run=run, future=future))
        return future.result()

    async def aside(self, run: Callable[[], Any]) -> Any:
        """Run something between two rounds."""
        future = asyncio.get_running_loop().create_future()
        self._queue.put(Aside(run=run, future=future))
        return await future

    def _run(self) -> None:
        lost: list[Decide] = []
        while True:
            items: list[Item] = list(lost)
            lost = []
            if not items:
                item = self._queue.get()
                if item is None:
                    return
                items.append(item)
            ending = False
            try:
                while len(items) < MAX_ROUND:
                    more = self._queue.get_nowait()
                    if more is None:
                        ending = True
                        break
                    items.append(more)
            except queue.Empty:
                pass
            try:
                lost = self._round(items)
            except Exception as error:
                _log.exception("a round failed")
                for item in items:
                    self._settle(item.future, error)
            self._answer()
            if ending:
                self._queue.put(None)
                if not lost and self._queue.qsize() == 1:
                    return

    def _round(self, items: list[Item]) -> list[Decide]:
        later: list[Decide] = []
        orders: dict[str, dict[str, Decide]] = {}
        this = _Round()
        for item in items:
            if isinstance(item, Decide):
                if item.order.order_id in orders.setdefault(item.tenant, {}):
                    later.append(item)
                else:
                    orders[item.tenant][item.order.order_id] = item
            elif isinstance(item, Commands):
                this.commands.append(item)
            else:
                self._run_aside(item)
        for tenant, wanted in orders.items():
            self._decide(tenant, list(wanted.values()), this)
        later.extend(self._write(this))
        return later

    def _run_aside(self, item: Aside) -> None:
        try:
            self._settle(item.future, item.run())
        except Exception as error:
            self._settle(item.future, error)

    def _decide(self, tenant: str, wanted: list[Decide], this: _Round) -> None:
        desk = self._desk_of(tenant)
        if desk is None:
            problem = Problem(409, "conflict", "there is no network: PUT /v1/network first")
            for item in wanted:
                self._settle(item.future, problem)
            return
        try:
            decisions = _decide_all(desk, wanted)
        except Exception as error:  # of one of them: no other has to suffer from it
            if len(wanted) == 1:
                self._settle(wanted[0].future, error)
            else:
                for item in wanted:
                    self._decide(tenant, [item], this)
            return
        if decisions:
            self._metrics.joint_orders.observe(len(decisions))
        this.decided.extend((item, desk, decision) for item, decision in zip(wanted, decisions))

    def _write(self, this: _Round) -> list[Decide]:
        requests = [request for item in this.commands for request in item.requests]
        n_commands = len(requests)
        requests.extend(item.reserve(decision, item.attempts <= 1) for item, _, decision in this.decided)
        if not requests:
            return []
        started = time.perf_counter()
        try:
            replies = self._ledger.write(requests)
        except Exception as error:
            if not isinstance(error, LedgerUnavailable) and len(this.commands) + len(this.decided) > 1:
                return self._write_apart(this)
            for item, desk, decision in this.decided:
                _undo(item, desk, decision)
                self._settle(item.future, error)
            for command in this.commands:
                self._settle(command.future, error)
            return []
        self._metrics.commit_seconds.observe(time.perf_counter() - started)
        self._metrics.commit_requests.observe(len(requests))
        self._keep_up(requests, replies, n_commands, this)
        at = 0
        for command in this.commands:
            self._settle(command.future, replies[at : at + len(command.requests)])
            at += len(command.requests)
        return self._judge(this, replies[at:])

    def _write_apart(self, this: _Round) -> list[Decide]:
        """Write each by itself: one of them breaks the transaction, and no other has to suffer from it."""
        lost: list[Decide] = []
        for command in this.commands:
            lost.extend(self._write(_Round(commands=[command])))
        for decided in this.decided:
            lost.extend(self._write(_Round(decided=[decided])))
        return lost

    def _judge(self, this: _Round, replies: list[Reply]) -> list[Decide]:
        """Answer the orders that are decided, and return those that lost a race and may try again."""
        lost: list[Decide] = []
        behind: dict[int, Desk] = {}
        for (item, desk, decision), reply in zip(this.decided, replies):
            outcome = reply.outcome
            done = reply.error is None and not reply.replayed and not isinstance(outcome, Refused)
            if not done:
                _undo(item, desk, decision)
            if isinstance(outcome, Refused) and outcome.reason in RACED:
                self._metrics.oversell_refusals.inc()
                behind[id(desk)] = desk
                item.attempts -= 1
                item.n_lost += 1
                if item.attempts > 0:
                    self._metrics.lost_races.inc()
                    lost.append(item)
                    continue
            self._settle(item.future, reply.error or (decision, reply))
        for desk in behind.values():
            _follow(desk.catch_up, desk, self._ledger)
        return lost

    def _keep_up(self, requests: list[Request], replies: list[Reply], n_commands: int, this: _Round) -> None:
        desks: dict[str, Desk | None] = {}
        for at, (request, reply) in enumerate(zip(requests, replies)):
            if not reply.deltas:
                continue
            if request.tenant not in desks:
                desks[request.tenant] = self._desk_of(request.tenant)
            desk = desks[request.tenant]
            if desk is not None:
                taken = this.decided[at - n_commands] if at >= n_commands else None
                desk.note(reply.deltas, None if taken is None else taken[2])
        for desk in desks.values():
            if desk is not None:
                _follow(desk.settle, desk, self._ledger)

    def _settle(self, future: Future, result: Any) -> None:
        self._settled.append((future, result))

    def _answer(self) -> None:
        settled, self._settled = self._settled, []
        ours: list[tuple[asyncio.Future[Any], Any]] = []
        for future, result in settled:
            if isinstance(future, concurrent.futures.Future):
                _resolve(future, result)
            else:
                ours.append((future, result))
        if ours and self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                self._loop.call_soon_threadsafe(_resolve_all, ours)


def _decide_all(desk: Desk, wanted: list[Decide]) -> list[Decision]:
    if not wanted:
        return []
    again = {item.order.order_id: item.again for item in wanted if item.again is not None}
    orders = [item.order for item in wanted]
    return decide(desk.snapshot, orders, prices=desk.fresh_prices(), again=again or None, take=True)


def _follow(step: Callable[[Ledger], None], desk: Desk, ledger: Ledger) -> None:
    """Bring a desk up to date; what is written is written, so an outage now is no failure of the round."""
    try:
        step(ledger)
    except LedgerUnavailable:
        desk.is_outdated = True


def _undo(item: Decide, desk: Desk, decision: Decision) -> None:
    desk.snapshot.give_back(decision)
    if item.former is not None:
        desk.snapshot.take(item.former)


def _resolve(future: Future, result: Any) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


def _resolve_all(settled: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in settled:
        _resolve(future, result)
