"""Readers of benchmark files from the literature: generalised assignment (GAP) and MMKP."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np

from solver.problem import IntArray, Problem


def read_gap(path: Path | str) -> Problem:
    """Read a generalised assignment problem: a group per job, an option per agent, a resource per agent.

    The file holds the numbers of agents and jobs, the costs agent by agent, the uses agent by agent and the
    capacities. There is no option to leave a job out, so a problem can be infeasible.

    Raises
    ------
    ValueError
        If the file does not hold the numbers that its first two announce.
    """
    numbers = np.array(Path(path).read_text(encoding="ascii").split(), dtype=np.int64)
    n_agents, n_jobs = (int(n) for n in numbers[:2])
    table = n_agents * n_jobs
    if numbers.size != 2 + 2 * table + n_agents:
        raise ValueError(f"{path} has {numbers.size} numbers, expected {2 + 2 * table + n_agents}")
    cost = numbers[2 : 2 + table].reshape(n_agents, n_jobs)
    use = numbers[2 + table : 2 + 2 * table].reshape(n_agents, n_jobs)
    return Problem.from_arrays(
        cost=cost.T.ravel(),
        first=np.arange(n_jobs + 1) * n_agents,
        usage_start=np.arange(table + 1),
        usage_resource=np.tile(np.arange(n_agents), n_jobs),
        usage_amount=use.T.ravel(),
        supply=numbers[2 + 2 * table :],
    )


def read_mmkp(path: Path | str) -> tuple[Problem, int]:
    """Read a multiple-choice multi-dimensional knapsack problem; its values become negative costs.

    The file holds the numbers of groups, options a group and resources, the capacities, then for each group
    its number and its options, each a value and the uses. Lines after the last group are ignored.

    Returns
    -------
    problem : Problem
        Its objective is ``-scale`` times the value in the file.
    scale : int
        1, or the power of ten that makes all values whole.

    Raises
    ------
    ValueError
        If the file ends early, its groups are out of order or a use is not whole.
    """
    words = Path(path).read_text(encoding="ascii").split()
    n_groups, n_options, n_resources = (int(word) for word in words[:3])
    row = 1 + n_resources
    block = 1 + n_options * row
    start = 3 + n_resources
    end = start + n_groups * block
    if len(words) < end:
        raise ValueError(f"{path} has {len(words)} numbers, expected {end}")
    blocks = np.array([Decimal(word) for word in words[start:end]], dtype=object).reshape(n_groups, block)
    if blocks[:, 0].tolist() != list(range(1, n_groups + 1)):
        raise ValueError(f"{path} does not number its groups 1 to {n_groups}")
    options = blocks[:, 1:].reshape(n_groups * n_options, row)
    digits = max(0, max(-int(value.normalize().as_tuple().exponent) for value in options[:, 0]))
    scale = 10**digits
    return (
        Problem.from_arrays(
            cost=_whole(-options[:, 0] * scale),
            first=np.arange(n_groups + 1) * n_options,
            usage_start=np.arange(n_groups * n_options + 1) * n_resources,
            usage_resource=np.tile(np.arange(n_resources), n_groups * n_options),
            usage_amount=_whole(options[:, 1:].ravel()),
            supply=_whole(np.array([Decimal(word) for word in words[3:start]], dtype=object)),
        ),
        scale,
    )


def _whole(values: np.ndarray[tuple[int, ...], np.dtype[np.object_]]) -> IntArray:
    whole = values.astype(np.int64)
    if np.any(whole != values):
        raise ValueError(f"{values[np.argmax(whole != values)]} is not a whole number")
    return whole
