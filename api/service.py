"""The parts of the service, wired together, started and stopped."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
import os
import re
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from api.answers import Answer
from api.bearer import TokenChecker
from api.courier import Courier
from api.desks import Desk, Desks
from api.jobs import Jobs
from api.ledger_answers import answer_of, responding
from api.logs import AccessLog
from api.metrics import Metrics
from api.problems import Problem, invalid
from api.reader import Reader
from api.security import Gate, Principal
from api.settings import Settings
from api.views import Views
from api.warming import warm
from api.writer import Writer
from engine.ledger import Idempotency, Ledger, LedgerUnavailable, Request, Response
from engine.ledger.commands import Command

if TYPE_CHECKING:
    from api.calls import Call

T = TypeVar("T")
_log = logging.getLogger("api.service")
_KEY = re.compile(rb"[!-~]{1,128}")
_KEEP_UP_SECONDS = 0.5
_SWEEP_SECONDS = 1.0
_KEYS_SECONDS = 1.0
_PURGE_SECONDS = 600.0
_EVICT_SECONDS = 30.0
_VERIFY_SECONDS = 900.0
_STOP_SECONDS = 10.0


class Service:
    """Everything that answers.

    Parameters
    ----------
    settings : Settings
        How to run.
    ledger : Ledger
        Where everything is; closed when the service stops.
    """

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self.settings = settings
        self.ledger = ledger
        self.metrics = Metrics()
        self.views = Views(ledger)
        self.access_log = AccessLog(sys.stderr.buffer if settings.access_log else None)
        self.owner = f"{os.uname().nodename}-{os.getpid()}-{os.urandom(4).hex()}"
        self.stopping = asyncio.Event()
        self.is_ready = False
        self.gate: Gate
        self.writer: Writer
        self.reader: Reader
        self.desks: Desks
        self.jobs: Jobs
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._in_flight: set[tuple[str, str, str]] = set()
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="ledger")

    async def start(self) -> None:
        """Open the ledger, start threads and tasks."""
        gc.set_threshold(20_000, 20, 20)
        sys.setswitchinterval(0.0005)  # the writer's thread must not keep the loop waiting for 5 ms
        settings = self.settings
        keys = await self.read(self.ledger.keys)
        check_token = None if settings.bearer is None else TokenChecker(settings.bearer)
        is_open = settings.bearer is None and not any(key.revoked_at_ms is None for key in keys)
        refuse_open(settings, is_open=is_open)
        self.gate = Gate(settings, is_open=is_open, find_key=self._find_key, check_token=check_token)
        loop = self._loop = asyncio.get_running_loop()
        self.writer = Writer(self.ledger, self._desk, self.metrics)
        self.desks = Desks(self.ledger, self.writer.aside, self.metrics.snapshot_refreshes.inc)
        self.reader = Reader()
        self.writer.start(loop)
        self.reader.start(loop)
        self.jobs = Jobs(self)
        self._spawn(self._open_first())
        self._spawn(self._every(_KEEP_UP_SECONDS, self._keep_up))
        self._spawn(self._every(_SWEEP_SECONDS, self._sweep))
        self._spawn(self._every(_PURGE_SECONDS, self._purge))
        self._spawn(self._every(_EVICT_SECONDS, self._evict))
        self._spawn(self._every(_VERIFY_SECONDS, self._verify))
        if is_open:
            self._spawn(self._every(_KEYS_SECONDS, self._close_when_keys))
        self._spawn(self.jobs.run())
        self._spawn(Courier(self).run())

    def begin_stop(self) -> None:
        """Say that the end is near: not ready any more, streams end; safe in a handler of signals."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.stopping.set)

    async def stop(self) -> None:
        """Finish what is under way, hand back what is not, and let go of the ledger."""
        self.stopping.set()
        await self.jobs.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self.writer.stop)
        await asyncio.to_thread(self.reader.stop)
        self._threads.shutdown(wait=True, cancel_futures=True)
        self.ledger.close()
        self.access_log.flush()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    async def _every(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await work()
            except LedgerUnavailable:
                self.metrics.ledger_up.set(0)
            except Exception:
                _log.exception("something that is done now and then failed")

    async def _open_first(self) -> None:
        """Load the kernels, and open the desk of a service without keys, before it says that it is ready."""
        warming = asyncio.get_running_loop().run_in_executor(None, warm)
        while not self.is_ready:
            try:
                if self.gate.is_open:
                    await self.desks.open(self.settings.default_tenant)
                await warming
                gc.collect()
                gc.freeze()  # what is here now stays: later collections need not look at it
                self.is_ready = True
            except LedgerUnavailable:
                await asyncio.sleep(0.5)
            except Exception:
                _log.exception("the first snapshot could not be built")
                await asyncio.sleep(2.0)

    async def _keep_up(self) -> None:
        await self.desks.keep_up()
        ages = [time.monotonic() - desk.built_at for desk in self.desks.all()]
        self.metrics.snapshot_age_seconds.set(max(ages, default=0.0))
        await self.jobs.take_prices()

    async def _sweep(self) -> None:
        freed = await self.read(self.ledger.sweep)
        self.metrics.ledger_up.set(1)
        if freed:
            self.metrics.expired.inc(freed)

    async def _purge(self) -> None:
        keeping = self.settings.keeping
        await self.read(
            self.ledger.purge,
            keep_ms=int(1000 * keeping.response_seconds),
            keep_events_ms=int(1000 * keeping.event_seconds),
        )

    async def _evict(self) -> None:
        keeping = self.settings.keeping
        for tenant in await self.desks.evict(keeping.desk_seconds, keeping.desks):
            _log.info("a snapshot that nobody asked for was let go", extra={"tenant": tenant})

    async def _verify(self) -> None:
        report = await self.read(self.ledger.verify)
        self.metrics.ledger_drift.set(report.n_differences)
        if not report.ok:
            _log.error("balances differ from their entries", extra={"n_differences": report.n_differences})

    async def _close_when_keys(self) -> None:
        keys = await self.read(self.ledger.keys)
        if any(key.revoked_at_ms is None for key in keys) and self.gate.is_open:
            self.gate.is_open = False
            _log.warning("a key was created: credentials are asked for from now on")

    async def _find_key(self, key_hash: str) -> Principal | None:
        found = await self.read(self.ledger.find_key, key_hash)
        if found is None:
            return None
        return Principal(tenant=found.tenant, scopes=frozenset(found.scopes), name=found.key_id)

    def _desk(self, tenant: str) -> Desk | None:
        return self.desks.get(tenant)

    async def read(self, ask: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Ask the ledger on a thread of its own."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: ask(*arguments, **named))

    async def desk(self, tenant: str) -> Desk:
        """Return the desk of a tenant.

        Raises
        ------
        Problem
            409 while the tenant has no network.
        """
        desk = self.desks.get(tenant) or await self.desks.open(tenant)
        if desk is None:
            raise Problem(409, "conflict", "there is no network: PUT /v1/network first")
        return desk

    def idempotency(self, call: Call) -> Idempotency | None:
        """Return what makes a call known again, where the caller gave a key.

        Raises
        ------
        Problem
            422 for a key that is none.
        """
        key = call.headers.get(b"idempotency-key")
        if key is None:
            return None
        if not _KEY.fullmatch(key):
            raise invalid("Idempotency-Key is no text of 1 to 128 printable characters")
        digest = hashlib.sha256(call.raw)
        for part in (*call.path.values(), call.headers.get(b"if-match", b"").decode("latin-1"), call.media_type):
            digest.update(b"\0" + part.encode())
        for name, value in sorted((call.query.model_dump() if call.query is not None else {}).items()):
            digest.update(f"\0{name}={value}".encode())
        route = f"{call.spec.method} {call.spec.path}"
        return Idempotency(route=route, key=key.decode(), body_hash=digest.hexdigest(), owner=os.urandom(8).hex())

    @contextmanager
    def flight(self, tenant: str, known: Idempotency | None) -> Iterator[None]:
        """Hold a key while its request is answered.

        Raises
        ------
        Problem
            409 while another request has it.
        """
        if known is None:
            yield
            return
        mark = (tenant, known.route, known.key)
        if mark in self._in_flight:
            raise Problem(409, "in-flight", "a request with this key is being answered", (("Retry-After", "1"),))
        self._in_flight.add(mark)
        try:
            yield
        finally:
            self._in_flight.discard(mark)

    async def command(self, call: Call, command: Command, write: Callable[[Any], Response]) -> Answer:
        """Do one command for a call, once for each idempotency key.

        Parameters
        ----------
        call : Call
            The call.
        command : Command
            What the ledger does.
        write : callable
            Makes the response from the outcome, unless that is a refusal.
        """
        known = self.idempotency(call)
        with self.flight(call.tenant, known):
            request = Request(tenant=call.tenant, command=command, idempotency=known, respond=responding(write))
            replies = await self.writer.write(request)
        return answer_of(replies[0])

    def unavailable(self) -> Problem:
        """Note that the ledger does not answer; returns the problem that says so."""
        self.metrics.ledger_up.set(0)
        detail = "the ledger does not answer; send the request again with the same Idempotency-Key"
        return Problem(503, "unavailable", detail, (("Retry-After", "1"),))


class OpenToAll(Exception):
    """The service would be open to everybody who can reach it."""


def refuse_open(settings: Settings, *, is_open: bool) -> None:
    """Refuse to listen beyond loopback without credentials.

    Raises
    ------
    OpenToAll
        Unless told ``--insecure``.
    """
    if is_open and not settings.on_loopback and not settings.insecure:
        raise OpenToAll(
            f"refusing to listen on {settings.host} without keys: create one with `nodewise key create`, configure an "
            "issuer of tokens, or say --insecure"
        )
