"""Check of tables' definitions: what a table shows is what was stored only if it is defined as migrations define it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping

from server.notary.counted import counted
from server.notary.findings import Finding, FindingKind
from server.notary.origin import LogName
from server.notary.statement_check import LogStatements
from storage.definitions import EVIDENCE_TABLES, StoredDefinitions, compare_definitions, is_behind, read_definitions
from storage.engine import Engine
from storage.schema import RECORD_TABLES

__all__ = ["check_definitions", "check_retention", "definition_findings", "settled_definitions"]

_logger = logging.getLogger(__name__)

_LOOKS = 6
_BETWEEN = 0.5  # seconds
_DAY = 86_400  # seconds


def check_definitions(engine: Engine, *, wait: Callable[[float], None] = time.sleep) -> Iterator[Finding]:
    """Yield a finding for each difference between the tables and what migrations make.

    Args:
        engine: the storage.
        wait: waits a number of seconds.

    Raises:
        StorageError: storage cannot be read.
    """
    yield from definition_findings(settled_definitions(engine, wait=wait))


def definition_findings(stored: StoredDefinitions) -> Iterator[Finding]:
    """Yield a finding for each difference between definitions and what migrations make."""
    for skipped in stored.unread:
        _logger.warning("verification leaves out a check of tables, %s", skipped)
    for difference in compare_definitions(stored):
        yield Finding(FindingKind.TABLE_ALTERED, difference.message)


def settled_definitions(engine: Engine, *, wait: Callable[[float], None] = time.sleep) -> StoredDefinitions:
    """Return the definitions of the tables.

    A server that starts for the first time creates the tables one after the other, and one of a new version alters
    them, so tables that are missing or as they were before are looked at again for some seconds.

    Args:
        engine: the storage.
        wait: waits a number of seconds.

    Raises:
        StorageError: storage cannot be read.
    """
    stored = read_definitions(engine)
    for _ in range(_LOOKS - 1):
        if not any(is_behind(stored, table) for table in EVIDENCE_TABLES):
            break
        wait(_BETWEEN)
        stored = read_definitions(engine)
    return stored


def check_retention(
    before: StoredDefinitions,
    stated: Mapping[str, LogStatements],
    origins: Collection[str],
    read_again: Callable[[], StoredDefinitions],
) -> Iterator[Finding]:
    """Yield a finding for each table whose TTL drops records earlier than a log's last signed retention allows.

    A longer TTL, or none, drops nothing that has to be there. While retention changes, a server keeps the TTL at the
    longer of both: it lengthens the TTL before it signs the new retention, and shortens it after.

    Args:
        before: definitions that were read before the statements.
        stated: statements of the logs, by LogId.
        origins: logs with records that retention has not dropped.
        read_again: reads the definitions once more.

    Raises:
        StorageError: storage cannot be read.
    """
    after: StoredDefinitions | None = None
    for stream, table in RECORD_TABLES.items():
        names = [name for name in map(LogName.parse, sorted(origins)) if name.stream is stream]
        wanted = {name.origin: stated[name.log_id].last_retention for name in names if name.log_id in stated}
        early = [origin for origin in wanted if _is_early(before.retention_days(table), wanted[origin])]
        if not early:
            continue
        after = after or read_again()
        days = after.retention_days(table)
        if early := [origin for origin in early if _is_early(days, wanted[origin])]:
            longest = max(early, key=lambda origin: _seconds(wanted[origin]))
            yield Finding(
                FindingKind.TABLE_ALTERED,
                f"the TTL of the table {table} drops records after {counted(days or 0, 'day', 'days')}, but {longest} "
                f"has signed that it keeps them {_shown(wanted[longest])}: set the TTL again, by a start of the "
                "log's server",
            )


def _is_early(days: int | None, signed: int | None) -> bool:
    """Return whether a TTL drops records before a signed retention, in seconds, allows; 0: nothing is signed."""
    return days is not None and days * _DAY < _seconds(signed)


def _seconds(signed: int | None) -> float:
    return float("inf") if signed is None else signed


def _shown(signed: int | None) -> str:
    return "forever" if signed is None else f"for {counted(round(signed / _DAY), 'day', 'days')}"
