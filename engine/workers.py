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

        self._ray = ray
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
        self._task = ray.remote(max_retries=-1)(_work)
        _logger.info("working on Ray at %s", address)

    def put(self, value: Any) -> Any:
        """See :class:`solver.spread.Workers`."""
        return self._ray.put(value)

    def call(self, function: Callable[..., Answer], calls: Sequence[tuple[Any, ...]]) -> list[Answer]:
        """See :class:`solver.spread.Workers`."""
        return self._get([self._task.remote(function, *arguments) for arguments in calls])

    def keep(
        self, function: Callable[..., tuple[Any, Answer]], calls: Sequence[tuple[Any, ...]]
    ) -> list[tuple[Any, Answer]]:
        """See :class:`solver.spread.Workers`."""
        task = self._task.options(num_returns=2)
        handles = [task.remote(function, *arguments) for arguments in calls]
        return list(zip([kept for kept, _ in handles], self._get([answer for _, answer in handles])))

    def close(self) -> None:
        """Leave the cluster; stop it if it is ours."""
        if self._is_ours:
            self._ray.shutdown()

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


def _work(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a function in a worker; what it was given stays until the next call, as its answer may refer to it."""
    global _held
    _held = arguments
    return function(*(_as_made(argument) for argument in arguments))


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
