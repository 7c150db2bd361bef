"""How kernels are compiled: once per machine (cached), and without the interpreter lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])


def kernel(function: Function) -> Function:
    """Compile a function over arrays; to the type checker it stays what it was."""
    compiled: Function = njit(cache=True, nogil=True)(function)
    return compiled
