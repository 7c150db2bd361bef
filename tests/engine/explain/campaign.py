"""Many more explanations than the tests look at: ``python -m tests.engine.explain.campaign --orders 2000 --seed 10``.

Each batch has other sizes; every stated change of up to 100 of its orders is tried as in ``test_flips``.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter

from engine import AllocateParams, allocate
from engine.generate import GenerateParams, generate
from tests.engine.explain.test_flips import check, explained, short_orders


def main() -> None:
    """Explain so many orders, and print what kinds of changes were tried."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    kinds: Counter[str] = Counter()
    n, seed, started = 0, asked.seed, time.monotonic()
    while n < asked.orders:
        draw = random.Random(seed)
        params = GenerateParams(
            load=draw.choice(("flash", "peak", "calm", "flash")),
            n_orders=draw.randint(60, 300),
            n_nodes=draw.randint(4, 9),
            n_skus=draw.randint(3, 40),
            seed=seed,
        )
        batch = short_orders(generate(params))
        gap = draw.choice((0.0, 0.0, 0.02))
        allocation = allocate(batch, AllocateParams(gap=gap, time_limit_seconds=10.0))
        for found, deal in explained(batch, allocation, min(100, asked.orders - n), seed):
            kinds.update(check(found, deal))
            n += 1
        print(f"seed {seed}: {n} orders, {dict(kinds)}, {time.monotonic() - started:.0f} s", flush=True)
        seed += 1


if __name__ == "__main__":
    main()
