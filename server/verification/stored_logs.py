"""The statements, batches, hashes and groups of records of every log, read before they are verified."""

from __future__ import annotations

from collections.abc import Iterator

from server.notary.batch import Batch
from server.notary.chain import check_batch
from server.notary.findings import Finding
from server.notary.origin import LogName, Stream
from server.notary.statement_check import LogStatements, check_statements, learn_keys
from server.notary.trust import TrustedKeys
from server.verification.capped import capped
from server.verification.foreign_logs import key_names
from server.verification.homes import is_log, log_id_of, unlisted_batches
from server.verification.leaf_span import LeafSpan, leaf_span
from server.verification.read_limits import ReadLimits
from server.verification.record_check import Inventory
from server.verification.scope import Scope
from server.verification.tolerance import Tolerance
from storage.engine import Engine
from storage.evidence import read_foreign_batches, read_fragments, sample_batches
from storage.inventory import BatchIndex, LogExtent, TileGroup, read_batch_index, read_extents, read_tile_groups
from storage.record_groups import RecordGroups, read_all_record_groups
from storage.schema import RECORD_TABLES
from storage.statements import read_statements
from storage.stored_records import check_scan_types

__all__ = ["StoredLogs"]

_MOST_RECORDS = (1 << 63) - 1
_SAMPLE = 3  # batches of a log that show whether it is one, if there are suspiciously many


class StoredLogs:
    """The stored logs, as far as they can be read.

    Attributes:
        keys: trusted keys, and those that statements vouch for.
        key_names: names of keys, by fingerprint, as statements have them.
        stated: statements of each log, by LogId.
        resume: checkpoints up to which logs were verified before, by origin.
        spans: leaves to verify of each log, by origin.
        indexes: index of the batches of each log, by origin.
        foreign: batches of no log.
        groups: groups of records of each stream whose table can be read.
        tiles: rows of ``log_tiles``, by batch; None if they cannot be read.
        total: number of records to verify, as unchecked batches claim it.
        statements_read: True if the statements could be read.
        batches_read: True if the list of batches could be read.
    """

    def __init__(self, engine: Engine, keys: TrustedKeys, scope: Scope, limits: ReadLimits) -> None:
        self._engine = engine
        self._scope = scope
        self._limits = limits
        self.resume = {checkpoint.origin: checkpoint for checkpoint in scope.resume if checkpoint.size}
        self.keys = keys
        self.key_names: dict[str, str] = {}
        self.stated: dict[str, LogStatements] = {}
        self.spans: dict[str, LeafSpan] = {}
        self.indexes: dict[str, BatchIndex] = {}
        self.foreign: list[Batch] = []
        self.groups: dict[Stream, RecordGroups] = {}
        self.tiles: list[TileGroup] | None = None
        self.total = 0
        self.statements_read = False
        self.batches_read = False

    def read(self, tolerance: Tolerance) -> Iterator[Finding]:
        """Read everything, as far as it can be read; yield findings about rows of no log.

        Raises:
            StorageError: storage cannot be read, though no table was altered.
        """
        # Statements are read before batches, so that every checkpoint that a statement is about is among the batches.
        yield from tolerance.trying("Statements", self._read_statements(), "log_statements")
        # The list of batches is read before the rows, so that the rows of every verified batch are all among
        # them, however much is written meanwhile.
        yield from tolerance.trying("The list of batches", self._read_batches(), "log_batches")
        if not self.batches_read:  # everything else would seem to belong to no log
            return
        yield from tolerance.trying("The hashes of logs", self._read_tiles(), "log_tiles")
        for stream in Stream:
            what, table = f"{stream.value.capitalize()} records", RECORD_TABLES[stream]
            yield from tolerance.trying(what, self._read_groups(stream), table)

    def statements_of(self, log_id: str) -> LogStatements:
        """Return the statements of a log."""
        return self.stated.get(log_id, LogStatements())

    def inventory(self, name: LogName) -> Inventory:
        """Return the inventory of the rows of a log whose records can be read."""
        groups = self.groups[name.stream].groups
        records = {group.batch_id: group for group in groups if group.log_id == name.log_id}
        tiles = None
        if self.tiles is not None:
            tiles = {group.batch_id: group for group in self.tiles if group.log_id == name.log_id}
        return Inventory(records, tiles)

    def _read_statements(self) -> Iterator[Finding]:
        rows = list(read_statements(self._engine))
        self.key_names = key_names(rows)
        self.keys = learn_keys(rows, self.keys)
        self.stated = check_statements(rows, self.keys)
        self.statements_read = True
        others: list[Finding] = []
        for log in self.stated.values():
            if log.statements:
                yield from capped(log.findings, self._limits.told)
            else:
                others += log.findings
        yield from capped(others, self._limits.told)

    def _read_batches(self) -> Iterator[Finding]:
        extents = self._extents()
        self.spans = {extent.origin: self._span(extent) for extent in extents}
        # The sizes are not checked yet, and a row may name any.
        total = sum(self.spans[extent.origin].entries(extent.size) for extent in extents)
        self.total = min(total, _MOST_RECORDS)
        self.indexes = {extent.origin: self._index(extent) for extent in extents}
        self.foreign, unlisted = read_foreign_batches(
            self._engine, [extent.log_id for extent in extents], self._limits.junk
        )
        self.batches_read = True
        yield from unlisted_batches(unlisted)

    def _read_tiles(self) -> Iterator[Finding]:
        firsts = {log_id_of(origin): span.first for origin, span in self.spans.items() if span.first}
        read_fragments(self._engine, "", 0, 1)  # shows whether they can be read
        self.tiles = read_tile_groups(self._engine, after=firsts)
        yield from ()

    def _read_groups(self, stream: Stream) -> Iterator[Finding]:
        check_scan_types(self._engine, stream)
        self.groups[stream] = read_all_record_groups(self._engine, stream, self._limits.junk)
        yield from ()

    def _extents(self) -> list[LogExtent]:
        """Return the logs. Other names are foreign, and if there are many also those without a valid first row."""
        extents = [extent for extent in read_extents(self._engine) if is_log(extent.log_id, extent.origin)]
        if len(extents) <= self._limits.logs:
            return extents
        sample = sample_batches(self._engine, _SAMPLE)
        signed = {batch.origin for batch in sample if check_batch(batch, self.keys) is None}
        return [extent for extent in extents if extent.origin in signed or self._has_statements(extent.log_id)]

    def _has_statements(self, log_id: str) -> bool:
        return log_id in self.stated and bool(self.stated[log_id].statements)

    def _span(self, extent: LogExtent) -> LeafSpan:
        if not self._scope.whole:
            stated = self.statements_of(extent.log_id)
            return leaf_span(stated, self._scope.since, self._scope.until)
        return LeafSpan(self.resume.get(extent.origin))

    def _index(self, extent: LogExtent) -> BatchIndex:
        span = self.spans[extent.origin]
        return read_batch_index(self._engine, extent.log_id, after=span.first, end=span.end)
