"""HTTP prober: polls a URL over a new connection each time, until its standard input ends.

It runs in its own process, so that it sees what a load balancer or an orchestrator would see.
"""

# ruff: noqa: T201 - printing is what this is for

from __future__ import annotations

import argparse
import contextlib
import json
import selectors
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence

from benchmarks.loader import percentiles

__all__ = ["main"]

_TIMEOUT = 10.0  # seconds
_SLOW = 0.1  # seconds


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prober", description=__doc__.partition("\n")[0])
    parser.add_argument("url", help="what to ask for, over plain HTTP")
    parser.add_argument("--pause", type=float, default=0.05, metavar="S", help="between two times (default: 0.05)")
    options = parser.parse_args(arguments)
    waits: list[float] = []
    failures = 0
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        while not selector.select(options.pause):
            begin = time.perf_counter()
            try:
                with contextlib.closing(urllib.request.urlopen(options.url, timeout=_TIMEOUT)) as answer:  # noqa: S310
                    answer.read()
            except (OSError, urllib.error.URLError):
                failures += 1
            waits.append(time.perf_counter() - begin)
    seen = {
        "asked": len(waits),
        "failures": failures,
        "slow": sum(wait > _SLOW for wait in waits),
        "latency_ms": percentiles(waits),
    }
    print(json.dumps(seen), flush=True)


if __name__ == "__main__":
    main()
