"""Who works on shards: this thread, threads, or processes of a Ray cluster. The only file that imports ray."""

from __future__ import annotations

import ctypes
import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from engine.errors import ClusterUnavailable
from solver.spread import Local, Mapper, Workers

__all__ = ["LOCAL_RAY", "Mapper", "RayWorkers", "shard_workers", "workers"]

Answer = TypeVar("Answer")

LOCAL_RAY = "local"
"""The address that stands for a Ray of our own on this machine."""
KNOCK_SECONDS = 5.0
STORE_SHARE = 0.4
"""Part of the memory that a Ray of our own may keep arrays in; it takes what it needs."""

TASKS_A_PROCESSOR = 4
"""So many, that one which takes long is made up for by the others."""

_logger = logging.getLogger(__name__)


@contextmanager
def workers(n_workers: int) -> Iterator[Executor | None]:
    """Threads to run shards on, or None for one worker; the kernels release the interpreter lock.

    Raises
    ------
    ValueError
        If ``n_workers`` is below 1.
    """
    if n_workers < 1:
        raise ValueError(f"workers is {n_workers}, expected an integer from 1")
    if n_workers == 1:
        yield None
        return
    with ThreadPoolExecutor(n_workers) as executor:
        yield executor


@contextmanager
def shard_workers(executor: Executor | None, ray_address: str | None, n_workers: int) -> Iterator[Workers]:
    """Workers on the given threads, or on a Ray cluster where an address is given.

    Raises
    ------
    ClusterUnavailable
        If the cluster cannot be reached.
    """
    if ray_address is None:
        yield Local(executor.map if executor else map)
        return
    cluster = RayWorkers(ray_address, n_workers)
    try:
        yield cluster
    finally:
        cluster.close()


class RayWorkers:
    """Workers that are Ray tasks; see :class:`solver.spread.Workers`.

    Tasks hold no state: what they need comes from the object store, and what they keep goes back into it. So Ray may
    run a task again, elsewhere, where a worker or a whole machine is lost, and makes anew what was lost with it.

    Parameters
    ----------
    address : str
        Of a cluster, or ``LOCAL_RAY`` for one that is started here and stopped by :meth:`close`.
    n_workers : int
        Processors that a Ray of our own may use.

    Raises
    ------
    ClusterUnavailable
        If the cluster cannot be reached.
    """

    def __init__(self, address: str, n_workers: int) -> None:
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else Ray warns at every start
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        self._ray: Any = ray
        self._is_ours = not ray.is_initialized()
        if self._is_ours:
            how: dict[str, Any] = {"log_to_driver": False, "configure_logging": False, "logging_level": "ERROR"}
            if address == LOCAL_RAY:
                store = int(STORE_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
                how |= {"num_cpus": n_workers, "object_store_memory": store, "include_dashboard": False}
                how |= {"address": "local", "_node_ip_address": "127.0.0.1"}
            else:
                how["address"] = address
            try:
                _knock(address)
                ray.init(**how)
            except (OSError, ValueError, RuntimeError) as error:
                raise ClusterUnavailable(f"Ray at {address} cannot be reached ({error})") from error
        self._call = ray.remote(max_retries=-1)(_called)
        self._keep = ray.remote(max_retries=-1)(_kept)
        n_processors = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        self._n_tasks = TASKS_A_PROCESSOR * n_processors
        for _ in range(n_processors):  # workers load their modules while the driver still reads its tables
            self._call.remote(_wake, *self._bundle([()]))
        _logger.info("working on Ray at %s", address)

    def put(self, value: Any) -> Any:
        """See :class:`solver.spread.Workers`."""
        return self._ray.put(value)

    def call(self, function: Callable[..., Answer], calls: Sequence[tuple[Any, ...]]) -> list[Answer]:
        """See :class:`solver.spread.Workers`."""
        handles = [self._call.remote(function, *self._bundle(some)) for some in self._dealt(calls)]
        return [answer for answers in self._get(handles) for answer in answers]

    def keep(
        self, function: Callable[..., tuple[Any, Answer]], calls: Sequence[tuple[Any, ...]]
    ) -> list[tuple[Any, Answer]]:
        """See :class:`solver.spread.Workers`."""
        kept: list[Any] = []
        handles: list[Any] = []
        for some in self._dealt(calls):
            task = self._keep.options(num_returns=len(some) + 1)
            *theirs, handle = task.remote(function, *self._bundle(some))
            kept.extend(theirs)
            handles.append(handle)
        return list(zip(kept, (answer for answers in self._get(handles) for answer in answers)))

    def close(self) -> None:
        """Leave the cluster; stop it if it is ours."""
        if self._is_ours:
            self._ray.shutdown()

    def _dealt(self, calls: Sequence[tuple[Any, ...]]) -> list[Sequence[tuple[Any, ...]]]:
        """Some calls to each task: reading what all calls are given takes as long as a small call."""
        size = max(1, -(-len(calls) // self._n_tasks))
        return [calls[at : at + size] for at in range(0, len(calls), size)]

    def _bundle(self, calls: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
        """The arguments of a task, each handle once: where each call finds its own, plain values, then handles."""
        place: dict[Any, int] = {}
        plain: list[Any] = []
        layout: list[tuple[int, ...]] = []
        for arguments in calls:
            spots: list[int] = []
            for argument in arguments:
                if isinstance(argument, self._ray.ObjectRef):
                    spots.append(place.setdefault(argument, len(place)))
                else:
                    spots.append(~len(plain))
                    plain.append(argument)
            layout.append(tuple(spots))
        return (tuple(layout), tuple(plain), *place)

    def _get(self, handles: list[Any]) -> list[Any]:
        try:
            return list(self._ray.get(handles))
        except self._ray.exceptions.RayTaskError as error:
            raise (error.cause if isinstance(error.cause, Exception) else error) from error
        except self._ray.exceptions.RayError as error:
            raise ClusterUnavailable(f"the Ray cluster failed ({error})") from error


def _knock(address: str) -> None:
    """Make sure that somebody listens at host:port: Ray itself would try for many minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), KNOCK_SECONDS).close()


_held: tuple[Any, ...] = ()


def _wake() -> None:
    """Do nothing, in a worker that has loaded what it needs to do so."""


def _called(
    function: Callable[..., Answer], layout: tuple[tuple[int, ...], ...], plain: tuple[Any, ...], *shared: Any
) -> list[Answer]:
    """Make calls in a worker; what they were given stays until the next task, as their answers may refer to it."""
    global _held
    _held = (plain, shared)
    plain, shared = _as_made(plain), _as_made(shared)
    return [function(*(shared[at] if at >= 0 else plain[~at] for at in spots)) for spots in layout]


def _kept(
    function: Callable[..., tuple[Any, Answer]],
    layout: tuple[tuple[int, ...], ...],
    plain: tuple[Any, ...],
    *shared: Any,
) -> tuple[Any, ...]:
    """As :func:`_called`: what each call keeps, and then all answers."""
    kept, answers = zip(*_called(function, layout, plain, *shared))
    return (*kept, answers)


def _as_made(value: Any) -> Any:
    """A value from the object store with its arrays marked as writable: kernels are compiled for such.

    Nobody writes to them: that calls change nothing they are given is part of the protocol.
    """
    if isinstance(value, np.ndarray):
        if value.flags.writeable or not value.flags.c_contiguous:
            return value
        if value.nbytes == 0:
            return np.zeros(value.shape, value.dtype)
        memory = (ctypes.c_char * value.nbytes).from_address(value.ctypes.data)
        return np.ndarray(value.shape, value.dtype, memoryview(memory))
    if isinstance(value, tuple):
        made = [_as_made(item) for item in value]
        return type(value)(*made) if hasattr(value, "_fields") else tuple(made)
    return value
