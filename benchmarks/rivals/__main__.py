"""``python -m benchmarks.rivals``: routes a batch folder as a rival does, and writes an allocation folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.rivals import RIVALS
from engine import InputError, read_batch, write_allocation

BAD_INPUT = 2


def main(arguments: list[str] | None = None) -> int:
    """Route a batch.

    Returns
    -------
    int
        0, or 2 when the batch cannot be read or the allocation cannot be written.
    """
    options = _parsed(arguments)
    rival = RIVALS[options.rival]
    leave = not options.whatever_it_costs
    try:
        batch = read_batch(options.batch)
        if rival.search is None:
            allocation = rival.route(batch, leave_if_dearer=leave)
        else:
            allocation = rival.search(
                batch, leave_if_dearer=leave, time_limit_seconds=options.time_limit, n_threads=options.workers
            )
        write_allocation(allocation, options.out)
    except InputError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    summary = allocation.summary
    print(f"{rival.name}: objective {summary['objective_cents'] / 100:,.2f}, written to {options.out}")
    return 0


def _parsed(arguments: list[str] | None) -> argparse.Namespace:
    width = max(map(len, RIVALS))
    rivals = (f"  {each.name:{width}}  {each.description} ({each.product})" for each in RIVALS.values())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.rivals",
        description="Routes a batch as a rival does; what it writes passes `nodewise check BATCH OUT`.",
        epilog="rivals:\n" + "\n".join(rivals),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("rival", choices=RIVALS, metavar="RIVAL", help="one of the list below")
    parser.add_argument("batch", type=Path, metavar="BATCH", help="a folder of tables, or a .json document")
    parser.add_argument("-o", "--out", type=Path, required=True, help="a folder, or a .json file")
    parser.add_argument("--time-limit", type=float, default=300.0, help="seconds of search, for the programs")
    parser.add_argument("--workers", type=int, default=1, help="threads, for the program in CP-SAT")
    parser.add_argument("--whatever-it-costs", action="store_true", help="rules ship what would be cheaper to leave")
    options = parser.parse_args(arguments)
    if not options.time_limit > 0.0:
        parser.error(f"--time-limit is {options.time_limit:g}, expected a number above 0")
    if options.workers < 1:
        parser.error(f"--workers is {options.workers}, expected an integer from 1")
    return options


if __name__ == "__main__":
    sys.exit(main())
