"""Lists the benchmarks, or runs the short set: ``python -m benchmarks [--short]``."""

# ruff: noqa: T201 - printing is what this is for

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

_BENCHMARKS = (
    "codec",
    "receiver",
    "blocks",
    "ingest",
    "rules",
    "access",
    "tenants",
    "looked",
    "bill",
    "layout",
    "many_logs",
    "journal",
    "latency",
    "audit_endpoint",
    "memory",
    "endurance",
    "outage",
    "soak",
    "overload",
    "collector",
    "verify",
    "proofs",
    "lookups",
    "complete",
    "visible",
    "searching",
    "explorer",
)
_SHORT = {
    "codec": ["--rounds=3"],
    "receiver": ["--rounds=2", "--seconds=3"],
    "ingest": ["--rounds=2", "--seconds=8"],
    "latency": ["--rounds=2", "--seconds=8"],
    "verify": ["--rounds=2", "--total=500000"],
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure Lognotary from outside.")
    parser.add_argument("--short", action="store_true", help=f"run {', '.join(_SHORT)}, each for a short time")
    parser.add_argument("--json", action="store_true", help="print JSON lines instead of tables")
    parser.add_argument("--out", metavar="DIR", help="append the JSON lines to files in this directory too")
    options = parser.parse_args(arguments)
    if not options.short:
        for name in _BENCHMARKS:
            description = importlib.import_module(f"benchmarks.{name}").__doc__ or ""
            print(f"{sys.executable} -m benchmarks.{name:10}  {description.partition(chr(10))[0]}")
        return
    common = (["--json"] if options.json else []) + ([f"--out={options.out}"] if options.out else [])
    for name, flags in _SHORT.items():
        importlib.import_module(f"benchmarks.{name}").main([*flags, *common])


if __name__ == "__main__":
    main()
