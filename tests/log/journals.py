"""Journals of tests: opened, written, and read as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from server.log.journal import Journal
from server.log.journal_keys import NO_KEYS, JournalKeys
from server.log.journal_segments import segment_files

__all__ = ["LIMIT", "entries", "opened", "written"]

LIMIT = 1 << 20


@contextmanager
def opened(
    directory: Path, limit: int = LIMIT, segment_bytes: int = LIMIT, keys: JournalKeys = NO_KEYS
) -> Iterator[Journal]:
    with closing(Journal(directory, limit, segment_bytes=segment_bytes, keys=keys)) as journal:
        yield journal


def entries(journal: Journal) -> list[bytes]:
    return [journal.read(number) for number in journal.waiting]


def written(directory: Path, *payloads: bytes, segment_bytes: int = LIMIT, keys: JournalKeys = NO_KEYS) -> list[Path]:
    """Write a journal; returns its segments."""
    with opened(directory, segment_bytes=segment_bytes, keys=keys) as journal:
        for payload in payloads:
            journal.append([payload])
    return [path for _, path in segment_files(directory)]
