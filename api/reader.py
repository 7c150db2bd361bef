"""One thread for looks at snapshots: what arrives together is looked at together, and nothing is written."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from api.desks import Desk
from engine.errors import InputError
from engine.live import Order, Promise, promise

_MOST = 64


@dataclass(slots=True)
class _Cart:
    desk: Desk
    cart: Order
    future: asyncio.Future[Any]


@dataclass(slots=True)
class _Look:
    run: Callable[[], Any]
    future: asyncio.Future[Any]


class Reader:
    """The thread, and its queue."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[_Cart | _Look | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="reader", daemon=True)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the thread; futures belong to this loop."""
        self._loop = loop
        self._thread.start()

    def stop(self) -> None:
        """End after what is queued."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    async def promise(self, desk: Desk, cart: Order) -> Promise:
        """Return what can be offered for a cart.

        Raises
        ------
        InputError
            When the cart names what the network does not have.
        """
        future = asyncio.get_running_loop().create_future()
        self._queue.put(_Cart(desk, cart, future))
        found: Promise = await future
        return found

    async def look(self, run: Callable[[], Any]) -> Any:
        """Run something that only looks."""
        future = asyncio.get_running_loop().create_future()
        self._queue.put(_Look(run, future))
        return await future

    def _run(self) -> None:
        while True:
            items = [self._queue.get()]
            try:
                while len(items) < _MOST:
                    items.append(self._queue.get_nowait())
            except queue.Empty:
                pass
            settled: list[tuple[asyncio.Future[Any], Any]] = []
            carts: dict[int, list[_Cart]] = {}
            for item in items:
                if isinstance(item, _Look):
                    settled.append((item.future, _tried(item.run)))
                elif item is not None:
                    carts.setdefault(id(item.desk), []).append(item)
            for wanted in carts.values():
                settled.extend(_promised(wanted))
            if settled and self._loop is not None:
                try:
                    self._loop.call_soon_threadsafe(_resolve_all, settled)
                except RuntimeError:  # the loop is closed
                    return
            if None in items:
                return


def _promised(wanted: list[_Cart]) -> list[tuple[asyncio.Future[Any], Any]]:
    desk = wanted[0].desk
    try:
        found: list[Any] = list(promise(desk.snapshot, [item.cart for item in wanted]))
    except InputError:  # one of them: each by itself
        found = [_tried(partial(_promise_one, desk, item.cart)) for item in wanted]
    except Exception as error:
        found = [error] * len(wanted)
    return [(item.future, result) for item, result in zip(wanted, found)]


def _promise_one(desk: Desk, cart: Order) -> Promise:
    return promise(desk.snapshot, [cart])[0]


def _tried(run: Callable[[], Any]) -> Any:
    try:
        return run()
    except Exception as error:
        return error


def _resolve_all(settled: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in settled:
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
