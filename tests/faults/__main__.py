"""Run schedules of faults against the real server, and show their results.

.venv/bin/python -m tests.faults --schedules 200
"""

# ruff: noqa: T201 - it is a command

from __future__ import annotations

import argparse
import logging
import sys
import time
from pathlib import Path

from tests.faults.campaign import able, run_all
from tests.faults.derive import derive
from tests.faults.kinds import KINDS
from tests.faults.schedule import Result
from tests.faults.table import progress_line, table

__all__ = ["main"]


def main() -> int:
    """Run the schedules that the command line asks for; return 0 if nothing was wrong, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    add = parser.add_argument
    add("--schedules", type=int, default=200, metavar="N", help="number of schedules (default: 200)")
    add("--seed", type=int, default=0, help="seed of the first schedule; later ones have the next seeds (default: 0)")
    add("--only", choices=list(KINDS), default="", metavar="KIND", help=f"only one kind: {', '.join(KINDS)}")
    add("--ack", choices=["commit", "journal"], default="", help="the server's --ack, instead of the seed's own")
    add("--jobs", type=int, default=2, metavar="N", help="number of schedules at a time (default: 2)")
    add("--keep", type=Path, default=Path(".cache/faults"), metavar="DIR", help="directory for the logs of failures")
    options = parser.parse_args()
    # Exporters log errors that the table shows better.
    logging.disable(logging.CRITICAL)

    able_to = able()
    plans = [derive(options.seed + n, options.only, ack=options.ack) for n in range(options.schedules)]
    possible = [plan for plan in plans if plan.needs <= able_to]
    if len(possible) < len(plans):
        missing = sorted({need.name for plan in plans for need in plan.needs - able_to})
        print(f"{len(plans) - len(possible)} schedules are left out, for want of {', '.join(missing)}")

    began = time.monotonic()
    count = 0

    def show(_: int, result: Result, kept: Path) -> None:
        nonlocal count
        count += 1
        print(progress_line(count, len(possible), result), flush=True)
        if not result.verdict.good:
            print(_failure(result, kept), flush=True)

    results, broken = run_all(possible, options.jobs, options.keep.resolve(), show)
    print()
    print(table(results))
    print(f"\n{len(results)} schedules in {time.monotonic() - began:.0f} s", end="")
    failed = [result for result in results if not result.verdict.good]
    print(f", {len(failed)} with something wrong" if failed else ", nothing wrong")
    for failure in broken:
        print(f"the harness failed: {failure}")
    return 1 if failed or broken else 0


def _failure(result: Result, kept: Path) -> str:
    plan = result.plan
    replay = f"python -m tests.faults --schedules 1 --seed {plan.seed} --only {plan.kind} --ack {plan.flags['ack']}"
    lines = [plan.describe(), *(f"  ! {line}" for line in result.verdict.lines()), "  what happened:"]
    lines += [f"    {note}" for note in result.notes]
    return "\n".join([*lines, f"  logs: {kept}", f"  again: {replay}"])


if __name__ == "__main__":
    sys.exit(main())
