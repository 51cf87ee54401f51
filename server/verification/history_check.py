"""Checks of logs against signatures kept elsewhere: kept checkpoints, and statements."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Set
from types import MappingProxyType

from server.notary.checkpoint import Checkpoint
from server.notary.counted import entries_of
from server.notary.findings import Finding, FindingKind
from server.notary.merkle import EMPTY_ROOT
from server.notary.statement import Statement
from server.notary.statement_check import LogStatements
from server.verification.homes import log_id_of
from server.verification.log_check import LogCheck
from storage.engine import Engine
from storage.statements import read_statements

__all__ = ["HistoryCheck"]

_NO_END = 1 << 64
_NO_LOGS: Mapping[str, int] = MappingProxyType({})


class HistoryCheck:
    """Checks that logs are consistent with kept signatures; reports the first mismatch of each log."""

    def __init__(
        self,
        logs: Mapping[str, LogCheck],
        stated: Mapping[str, LogStatements],
        explained: MutableMapping[str, list[tuple[int, int]]],
        size_of: Callable[[LogCheck], int],
    ) -> None:
        """Create a check of verified logs.

        Args:
            logs: the logs, by origin.
            stated: their statements, by LogId.
            explained: receives ranges of leaves whose records need no finding of their own, by LogId.
            size_of: returns the number of entries in a log.
        """
        self._logs = logs
        self._stated = stated
        self._explained = explained
        self._size_of = size_of
        self._truncated: set[str] = set()  # origins
        self._forked: set[str] = set()  # origins
        self._stateless: set[str] = set()  # origins of logs that are known to lack statements

    @property
    def truncated(self) -> Set[str]:
        """Origins of the logs that were found to have fewer entries than were signed."""
        return self._truncated

    def check(self, kept: Checkpoint | Statement) -> Iterator[Finding]:
        """Check a log against a kept checkpoint or statement."""
        checkpoint = kept.checkpoint if isinstance(kept, Statement) else kept
        yield from self._checkpoint(checkpoint, "the given checkpoint")
        if isinstance(kept, Statement) and checkpoint.origin not in self._truncated:
            yield from self._kept_statement(kept)

    def check_statements(self, after: Mapping[str, int], until: Mapping[str, int] = _NO_LOGS) -> Iterator[Finding]:
        """Check each log against its own statements.

        Args:
            after: number of entries up to which this was checked before, by origin.
            until: number of entries up to which a log is checked, by origin, if not to its end.
        """
        for stated in self._stated.values():
            numbers = {statement.checkpoint: number for number, statement in stated.statements.items()}
            for checkpoint in sorted(numbers, key=lambda checkpoint: -checkpoint.size):
                if after.get(checkpoint.origin, -1) < checkpoint.size <= until.get(checkpoint.origin, _NO_END):
                    yield from self._checkpoint(checkpoint, f"the checkpoint of its statement {numbers[checkpoint]}")

    def check_begun(self, engine: Engine) -> Iterator[Finding]:
        """Check that each log has any statement, since each has one before it has a batch.

        Where there is none, statements are read again: the log may have begun since they were read.
        """
        for log in self._logs.values():
            name = log.name
            stated = self._stated.get(name.log_id, LogStatements())
            known = stated.statements or stated.findings or name.origin in self._stateless
            if not known and not any(read_statements(engine, name.log_id)):
                what = f"{name.origin}: the log has no statement, though every log begins with one"
                kind = FindingKind.STATEMENT_MISSING
                yield Finding(kind, what, log_id=name.log_id, origin=name.origin, sequence=1)

    def _kept_statement(self, kept: Statement) -> Iterator[Finding]:
        log_id, origin = log_id_of(kept.checkpoint.origin), kept.checkpoint.origin
        log = self._stated.get(log_id, LogStatements())
        last = max(log.statements, default=0)
        if last < kept.number and not any(finding.sequence == kept.number for finding in log.findings):
            self._stateless.add(origin)
            what = f"{origin}: the log has {last} statements, but had {kept.number} when the given one was signed"
            yield Finding(FindingKind.STATEMENT_MISSING, what, log_id=log_id, origin=origin, sequence=last + 1)
        elif log.statements.get(kept.number, kept) != kept:
            what = f"{origin}: statement {kept.number} is not the given one: its history was replaced"
            yield Finding(FindingKind.LOG_FORKED, what, log_id=log_id, origin=origin, sequence=kept.number)

    def _checkpoint(self, checkpoint: Checkpoint, which: str) -> Iterator[Finding]:
        origin, log = checkpoint.origin, self._logs.get(checkpoint.origin)
        log_id = log_id_of(origin)
        if origin in self._truncated or origin in self._forked:
            return
        size = self._size_of(log) if log else 0
        if size < checkpoint.size:
            self._truncated.add(origin)
            self._explained[log_id].append((size, _NO_END))
            yield Finding(
                FindingKind.LOG_TRUNCATED,
                f"{origin}: the log has {entries_of(size)}, but had {checkpoint.size} when a checkpoint of it was "
                f"signed: {which}",
                log_id=log_id,
                origin=origin,
                record_count=checkpoint.size - size,
            )
        elif not self._includes(log, checkpoint):
            self._forked.add(origin)
            yield Finding(
                FindingKind.LOG_FORKED,
                f"{origin}: the log is inconsistent with a checkpoint of {entries_of(checkpoint.size)} ({which}): "
                "its history was replaced",
                log_id=log_id,
                origin=origin,
            )

    def _includes(self, log: LogCheck | None, checkpoint: Checkpoint) -> bool:
        if checkpoint.size == 0 or log is None:
            return checkpoint.root == EMPTY_ROOT
        return log.includes(checkpoint)
