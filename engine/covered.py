"""Whether a few sets cover what is wanted; sets are bits of an integer."""

from __future__ import annotations

import numpy as np

from engine.network import IntArray
from solver.kernels import kernel

COVER_STEPS = 200_000


@kernel
def largest_sets(masks: IntArray) -> IntArray:
    """The sets that no other holds."""
    keep = np.ones(masks.size, np.bool_)
    for i in range(masks.size):
        for j in range(masks.size):
            if i != j and masks[i] & ~masks[j] == 0:
                keep[i] = False
                break
    return masks[keep]


@kernel
def _size(mask: int) -> int:
    n = 0
    while mask:
        mask &= mask - 1
        n += 1
    return n


@kernel
def _greedily_covered(masks: IntArray, wanted: int, most: int) -> bool:
    """Whether the sets that add most, one after another, cover the wanted pieces."""
    left = wanted
    for _ in range(most):
        best = np.int64(0)
        for mask in masks:
            if _size(mask & left) > _size(best):
                best = mask & left
        left &= ~best
        if left == 0:
            return True
    return False


@kernel
def is_covered(masks: IntArray, wanted: int, most: int) -> bool:
    """Whether at most ``most`` of some sets cover the wanted pieces (yes where the search gets too long)."""
    if wanted == 0 or _greedily_covered(masks, wanted, most):
        return True
    largest = 0
    for mask in masks:
        largest = max(largest, _size(mask & wanted))
    chosen = np.zeros(most + 1, np.int64)
    left = np.zeros(most + 1, np.int64)
    left[0] = wanted
    depth = 0
    steps = 0
    if most * largest < _size(wanted):
        return False
    while depth >= 0:
        steps += 1
        if steps > COVER_STEPS:
            return True
        if chosen[depth] >= masks.size:
            chosen[depth] = 0
            depth -= 1
            continue
        mask = masks[chosen[depth]]
        chosen[depth] += 1
        lowest = left[depth] & -left[depth]
        if not mask & lowest:
            continue
        rest = left[depth] & ~mask
        if rest == 0:
            return True
        if depth + 1 < most and (most - depth - 1) * largest >= _size(rest):
            depth += 1
            left[depth] = rest
            chosen[depth] = 0
    return False
