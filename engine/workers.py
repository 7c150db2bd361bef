"""Executors: where shards run."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager


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
