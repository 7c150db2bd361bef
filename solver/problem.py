"""The abstract problem: groups each take exactly one of their options; options cost cents and use resources."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from solver.kernels import kernel

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

MAX_CENTS = 2**53
"""Largest absolute cost, amount or supply: every number stays exact in a float64."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """Groups that each take exactly one option within limited resources (MMKP; GAP is a case of it).

    Build one with :meth:`from_arrays`, which checks everything.

    Parameters
    ----------
    cost : int64[n_options]
        Cents of each option; may be negative.
    first : int64[n_groups + 1]
        The options of group ``g`` are ``first[g] .. first[g + 1] - 1``.
    usage_start : int64[n_options + 1]
        The usage entries of option ``o`` are ``usage_start[o] .. usage_start[o + 1] - 1``.
    usage_resource, usage_amount : int64[n_entries]
        Resource and amount (from 0) of each entry. An option may name a resource several times: the amounts add.
    supply : int64[n_resources]
        What there is of each resource, from 0.
    """

    cost: IntArray
    first: IntArray
    usage_start: IntArray
    usage_resource: IntArray
    usage_amount: IntArray
    supply: IntArray

    @classmethod
    def from_arrays(
        cls,
        *,
        cost: ArrayLike,
        first: ArrayLike,
        usage_start: ArrayLike,
        usage_resource: ArrayLike,
        usage_amount: ArrayLike,
        supply: ArrayLike,
    ) -> Problem:
        """Check the arrays and build a problem.

        Raises
        ------
        ValueError
            If an array has the wrong type or shape, an index is out of range, an amount or a supply is negative,
            or a group has no option.
        """
        problem = cls(
            cost=_int_array("cost", cost),
            first=_int_array("first", first),
            usage_start=_int_array("usage_start", usage_start),
            usage_resource=_int_array("usage_resource", usage_resource),
            usage_amount=_int_array("usage_amount", usage_amount),
            supply=_int_array("supply", supply),
        )
        _check_offsets("first", problem.first, problem.cost.size)
        _check_offsets("usage_start", problem.usage_start, problem.usage_resource.size)
        if problem.usage_start.size != problem.cost.size + 1:
            raise ValueError(f"usage_start has {problem.usage_start.size} entries, expected {problem.cost.size + 1}")
        if problem.usage_amount.size != problem.usage_resource.size:
            raise ValueError(
                f"usage_amount has {problem.usage_amount.size} entries, expected {problem.usage_resource.size}"
            )
        empty = np.flatnonzero(np.diff(problem.first) == 0)
        if empty.size:
            raise ValueError(f"group {empty[0]} has no option, expected at least one")
        _check_range("cost", problem.cost, -MAX_CENTS, MAX_CENTS)
        _check_range("usage_amount", problem.usage_amount, 0, MAX_CENTS)
        _check_range("supply", problem.supply, 0, MAX_CENTS)
        _check_range("usage_resource", problem.usage_resource, 0, problem.supply.size - 1)
        return problem

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return self.first.size - 1

    @property
    def n_options(self) -> int:
        """Number of options over all groups."""
        return self.cost.size

    @property
    def n_resources(self) -> int:
        """Number of resources."""
        return self.supply.size

    def usage_of(self, options: IntArray) -> IntArray:
        """Total amount of each resource that the given options use together, int64[n_resources]."""
        return np.asarray(
            _usage_of(options, self.usage_start, self.usage_resource, self.usage_amount, self.n_resources)
        )

    def group_of_option(self) -> IntArray:
        """The group of each option, int64[n_options]."""
        return np.repeat(np.arange(self.n_groups), np.diff(self.first))


def ranges(start: IntArray, stop: IntArray) -> IntArray:
    """Concatenate ``arange(start[i], stop[i])`` over all i."""
    return np.asarray(_ranges(start, stop))


@kernel
def _ranges(start: IntArray, stop: IntArray) -> IntArray:
    total = np.int64(0)
    for i in range(start.size):
        total += max(0, stop[i] - start[i])
    out = np.empty(total, np.int64)
    at = 0
    for i in range(start.size):
        for value in range(start[i], stop[i]):
            out[at] = value
            at += 1
    return out


@kernel
def _usage_of(
    options: IntArray, usage_start: IntArray, usage_resource: IntArray, usage_amount: IntArray, n_resources: int
) -> IntArray:
    usage = np.zeros(n_resources, np.int64)
    for option in options:
        for entry in range(usage_start[option], usage_start[option + 1]):
            usage[usage_resource[entry]] += usage_amount[entry]
    return usage


def offsets(length: IntArray) -> IntArray:
    """Turn lengths into ``len + 1`` offsets that start at 0."""
    out = np.zeros(length.size + 1, np.int64)
    np.cumsum(length, out=out[1:])
    return out


def _int_array(name: str, values: ArrayLike) -> IntArray:
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"{name} has {array.ndim} dimensions, expected 1")
    if array.size == 0:
        return np.zeros(0, np.int64)
    if array.dtype.kind not in "iu":
        raise ValueError(f"{name} is of type {array.dtype}, expected integers")
    if array.dtype.kind == "u" and int(array.max()) > MAX_CENTS:
        raise ValueError(f"{name} has {array.max()}, expected at most {MAX_CENTS}")
    return np.ascontiguousarray(array, dtype=np.int64)


def _check_offsets(name: str, values: IntArray, end: int) -> None:
    if values.size == 0 or values[0] != 0 or values[-1] != end or np.any(np.diff(values) < 0):
        raise ValueError(f"{name} must rise from 0 to {end}")


def _check_range(name: str, values: IntArray, low: int, high: int) -> None:
    bad = np.flatnonzero((values < low) | (values > high))
    if bad.size:
        raise ValueError(f"{name}[{bad[0]}] is {values[bad[0]]}, expected {low} to {high}")
