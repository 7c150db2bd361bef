"""Tests that shards on Ray give the very result of threads, also when a worker or a whole machine dies on the way."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from engine import AllocateParams, Allocation, Batch, allocate
from engine.check import check
from engine.errors import ClusterUnavailable
from engine.generate import GenerateParams, generate
from engine.workers import LOCAL_RAY

N_ORDERS = 1_500


@pytest.fixture(scope="module")
def batch() -> Batch:
    """A basket day: it has packed orders as well, whose prices are carried from call to call."""
    return generate(GenerateParams(load="basket", n_orders=N_ORDERS, n_nodes=30, n_skus=300, seed=5))


@pytest.fixture(scope="module")
def on_threads(batch: Batch) -> Allocation:
    """The result to compare with."""
    return run(batch, None)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Ray on three machines, as far as Ray can tell; the first has no processors, so that all work is elsewhere."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    for _ in range(2):
        cluster.add_node(num_cpus=1)
    yield cluster
    cluster.shutdown()


def run(batch: Batch, ray_address: str | None) -> Allocation:
    """Allocate to a proved gap, which ends the run at the same point whatever the clock says."""
    params = AllocateParams(
        gap=0.02, time_limit_seconds=3600.0, seed=3, workers=2, ray_address=ray_address, ray_least_orders=0
    )
    return allocate(batch, params)


def assert_same(one: Allocation, other: Allocation) -> None:
    """The same tables, objective and bound."""
    assert one.tables == other.tables
    for figure in ("objective_cents", "bound_cents", "termination", "terms"):
        assert one.summary[figure] == other.summary[figure]


def test_a_ray_of_our_own(batch: Batch, on_threads: Allocation) -> None:
    """Tests a Ray that is started for one run and stopped after it."""
    import ray

    found = run(batch, LOCAL_RAY)
    assert not ray.is_initialized()
    assert_same(found, on_threads)
    assert check(batch, found).ok


def test_a_small_batch_does_without(batch: Batch) -> None:
    """Tests that Ray is not even looked for below the number of orders that it is worth."""
    params = AllocateParams(gap=0.5, ray_address="127.0.0.1:1", ray_least_orders=N_ORDERS + 1)
    assert allocate(batch, params).summary["gap"] <= 0.5


def test_a_cluster_that_is_not_there(batch: Batch) -> None:
    """Tests that an address without a cluster is an outage with a name."""
    params = AllocateParams(ray_address="127.0.0.1:1", ray_least_orders=0)
    with pytest.raises(ClusterUnavailable, match=r"Ray at 127\.0\.0\.1:1 cannot be reached"):
        allocate(batch, params)


def test_a_worker_is_killed(batch: Batch, on_threads: Allocation, cluster: Any) -> None:
    """Tests workers killed with -9 in mid-solve: time is lost, and nothing else."""
    killed: list[int] = []
    stop = threading.Event()

    def kill() -> None:
        while not stop.wait(0.01) and len(killed) < 3:
            for process in workers_of_ray()[:1]:
                os.kill(process, signal.SIGKILL)
                killed.append(process)
                stop.wait(0.3)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        found = run(batch, cluster.address)
    finally:
        stop.set()
        killer.join()
    assert killed
    assert_same(found, on_threads)


def test_a_machine_is_lost(batch: Batch, on_threads: Allocation, cluster: Any) -> None:
    """Tests a raylet removed in mid-solve, with all that its machine kept: it is made anew elsewhere."""
    node = cluster.add_node(num_cpus=2)
    lost = threading.Event()

    def remove() -> None:
        time.sleep(4.0)
        cluster.remove_node(node, allow_graceful=False)
        lost.set()

    remover = threading.Thread(target=remove)
    remover.start()
    found = run(batch, cluster.address)
    remover.join()
    assert lost.is_set()
    assert_same(found, on_threads)


def workers_of_ray() -> list[int]:
    """Processes that run a task of ours right now."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if file.read().startswith((b"ray::_called", b"ray::_kept")):
                    found.append(int(name))
        except OSError:
            continue
    return found
