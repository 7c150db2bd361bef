"""Random streams by name, so that a change in one part of a batch leaves the draws of the others alone."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, name: str) -> np.random.Generator:
    """The random stream of one part.

    Parameters
    ----------
    seed : int
        Seed of the batch, 0 or more.
    name : str
        The part it is for.
    """
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, zlib.crc32(name.encode())])))
