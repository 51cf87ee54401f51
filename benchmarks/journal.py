"""Cost of an encrypted journal: the same entries appended in clear and encrypted, in turn."""

from __future__ import annotations

import argparse
import os
import secrets
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.processes import scratch
from benchmarks.report import Report, add_report_flags
from server.log.journal import Journal
from server.log.journal_keys import NO_KEYS, JournalKeys, MasterKey
from server.process.allocator import keep_freed_memory

_RECORD = 359  # bytes of a record in a block, of the load in docs/performance.md
_LIMIT = _MEMORY = 1 << 30


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    options = _parser().parse_args(arguments)
    report = Report.of("journal", "entries appended to a journal, in clear and encrypted", options)
    kinds = {"in clear": NO_KEYS, "encrypted": JournalKeys(MasterKey(secrets.token_bytes(32)))}
    keep_freed_memory(_MEMORY)  # as the server does
    payload = os.urandom(options.bytes)
    cpu: dict[str, list[float]] = {name: [] for name in kinds}
    rates: dict[str, list[float]] = {name: [] for name in kinds}
    with scratch() as directory:
        for number in range(options.rounds):
            for name, keys in kinds.items():
                seconds, taken = _append(directory / f"{name} {number}", keys, payload, options.entries)
                total = options.entries * options.bytes
                cpu[name].append(taken / total * _RECORD * 1e6)
                rates[name].append(total / seconds / 1e6)
    for name in kinds:
        report.figure(f"{name}: appended and on disk", "MB/s", rates[name])
    for name in kinds:
        report.figure(f"{name}: CPU", "µs/record", cpu[name])
    added = [one - other for one, other in zip(cpu["encrypted"], cpu["in clear"], strict=True)]
    report.figure("CPU that encryption adds", "µs/record", added)
    report.notes.append(f"a record has {_RECORD} bytes in its block")
    report.publish(options)


def _append(directory: Path, keys: JournalKeys, payload: bytes, entries: int) -> tuple[float, float]:
    """Append entries, each of which is stored at once; return the seconds and the CPU seconds that it took."""
    with closing(Journal(directory, _LIMIT, keys=keys)) as journal:
        journal.release(journal.append([payload]))
        began, cpu = time.perf_counter(), time.process_time()
        for _ in range(entries):
            journal.release(journal.append([payload]))
        return time.perf_counter() - began, time.process_time() - cpu


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.journal", description=__doc__.partition("\n")[0])
    parser.add_argument("--bytes", type=int, default=1 << 20, metavar="N", help="bytes of an entry (default: 1 MiB)")
    parser.add_argument("--entries", type=int, default=200, metavar="N", help="entries in each round (default: 200)")
    add_report_flags(parser, rounds=5)
    return parser


if __name__ == "__main__":
    main()
