"""Check of tables' definitions: what a table shows is what was stored only if it is defined as migrations define it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from server.notary.findings import Finding, FindingKind
from storage.definitions import EVIDENCE_TABLES, StoredDefinitions, compare_definitions, read_definitions
from storage.engine import Engine

__all__ = ["check_definitions"]

_logger = logging.getLogger(__name__)

_LOOKS = 6
_BETWEEN = 0.5  # seconds


def check_definitions(engine: Engine, *, wait: Callable[[float], None] = time.sleep) -> Iterator[Finding]:
    """Yield a finding for each difference between the tables and what migrations make.

    A server that starts for the first time creates the tables one after the other, so missing tables are looked for
    again for some seconds.

    Args:
        engine: the storage.
        wait: waits a number of seconds.

    Raises:
        StorageError: storage cannot be read.
    """
    stored = _settled(engine, wait)
    for sentence in stored.unread:
        _logger.warning("verification goes on without a part of the check of tables: %s", sentence)
    for difference in compare_definitions(stored):
        yield Finding(FindingKind.TABLE_ALTERED, difference.message)


def _settled(engine: Engine, wait: Callable[[float], None]) -> StoredDefinitions:
    stored = read_definitions(engine)
    for _ in range(_LOOKS - 1):
        if stored.creates.keys() == set(EVIDENCE_TABLES):
            break
        wait(_BETWEEN)
        stored = read_definitions(engine)
    return stored
