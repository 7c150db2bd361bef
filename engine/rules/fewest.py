"""The fewest nodes that together have an order's lines, the nearest such set."""

from __future__ import annotations

import numpy as np

from engine.network import IntArray
from solver.kernels import kernel

MOST_LINES = 62
MOST_LOOKS = 20_000
"""Sets looked at for an order; then site after site is added, each time one with most lines that are missing."""


@kernel
def n_bits(mask: int) -> int:
    """Lines in a set of lines."""
    bits = np.uint64(mask)
    bits -= (bits >> np.uint64(1)) & np.uint64(0x5555555555555555)
    bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((bits * np.uint64(0x0101010101010101)) >> np.uint64(56))


@kernel
def fewest_sites(mask: IntArray, metres: IntArray, most: int, chosen: IntArray) -> int:
    """Find the sites that ship most lines, of those the fewest, of those the nearest (in total).

    Single sites are looked at first, then pairs, then sets of three and so on, as long as more lines get shipped.

    Parameters
    ----------
    mask : int64[n_sites]
        Bit set of the lines that each site can ship; nearest site first.
    metres : int64[n_sites]
        Distance of each site, rising.
    most : int
        Largest number of sites.
    chosen : int64[at least min(most, number of lines)]
        Receives the sites, nearest first; those added one by one come last.

    Returns
    -------
    int
        How many sites were chosen.
    """
    site = np.empty(mask.size, np.int64)  # sites that no nearer site can stand in for
    n = 0
    for i in range(mask.size):
        useful = mask[i] != 0
        for j in range(n):
            if mask[i] & ~mask[site[j]] == 0:
                useful = False
                break
        if useful:
            site[n] = i
            n += 1
    after = np.zeros(n + 1, np.int64)  # lines that a site or a farther one can ship
    widest = 0
    for i in range(n - 1, -1, -1):
        after[i] = after[i + 1] | mask[site[i]]
        widest = max(widest, n_bits(mask[site[i]]))
    n_chosen = 0
    n_covered = 0
    most = min(most, n)
    at = np.zeros(most + 1, np.int64)
    covered = np.zeros(most + 1, np.int64)
    total = np.zeros(most + 1, np.int64)
    looks = 0
    for size in range(1, most + 1):
        if n_covered == n_bits(after[0]):
            break
        best_metres = -1
        n_before = n_covered
        depth = 0
        at[0] = 0
        while depth >= 0 and looks < MOST_LOOKS:
            i = at[depth]
            missing = size - depth
            if i > n - missing:
                depth -= 1
                continue
            have = n_bits(covered[depth])
            reachable = min(n_bits(covered[depth] | after[i]), have + missing * widest)
            if reachable <= n_before or reachable < n_covered:
                depth -= 1
                continue
            at[depth] = i + 1
            looks += 1
            far = total[depth] + metres[site[i]]
            lines = covered[depth] | mask[site[i]]
            if reachable == n_covered and far + (missing - 1) * metres[site[i]] >= best_metres:
                depth -= 1  # the sites from here on are no nearer
                continue
            if missing > 1:
                depth += 1
                at[depth], covered[depth], total[depth] = i + 1, lines, far
                continue
            count = n_bits(lines)
            if count > n_covered or (count == n_covered and count > n_before and far < best_metres):
                n_covered, best_metres, n_chosen = count, far, size
                for d in range(size):
                    chosen[d] = site[at[d] - 1]
    if looks >= MOST_LOOKS:
        return _one_by_one(mask, site[:n], most, n_chosen, chosen)
    return n_chosen


@kernel
def _one_by_one(mask: IntArray, site: IntArray, most: int, n_chosen: int, chosen: IntArray) -> int:
    """Add to the best set so far until no line is missing."""
    lines = np.int64(0)
    for i in range(n_chosen):
        lines |= mask[chosen[i]]
    while n_chosen < most:
        best = 0
        for i in range(1, site.size):
            if n_bits(mask[site[i]] & ~lines) > n_bits(mask[site[best]] & ~lines):
                best = i
        if mask[site[best]] & ~lines == 0:
            break
        lines |= mask[site[best]]
        chosen[n_chosen] = site[best]
        n_chosen += 1
    return n_chosen
