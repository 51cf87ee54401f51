"""Files of retry ledgers, opened as a start opens them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from server.writer.retry_ledger_file import RetryLedgerFile

A, B, C = b"a" * 32, b"b" * 32, b"c" * 32
ENTRY = 41  # bytes


@contextlib.contextmanager
def opened(path: Path, *waiting: bytes, **named: Any) -> Iterator[tuple[RetryLedgerFile, list[bytes]]]:
    """A file, and what it returns as it is opened."""
    file = RetryLedgerFile(path, **named)
    left = sorted(one.request for one in file.open(waiting))
    yield file, left
    file.close()


def left_in(path: Path, *waiting: bytes) -> list[bytes]:
    with opened(path, *waiting) as (_, left):
        return left
