"""The call ``Export``: a file in pieces, and its manifest."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from hashlib import sha256

from lognotary.v1 import export_pb2
from server.api.checkpoints import checkpoint_note
from server.api.errors import InvalidArgumentError
from server.api.interruptible import interruptible
from server.api.queries import parse_streams, parse_verified_query
from server.api.time_ranges import parse_time_range
from server.errors.suggestions import not_one_of
from server.notary.export_manifest import LARGEST_LOGS, ExportedLog, ExportManifest, sign_manifest
from server.notary.hashing import hash_pairs
from server.notary.merkle import CompactRange, leaf_hash
from server.notary.origin import Stream
from server.notary.signers import SigningKey
from server.notary.trust import TrustedKeys
from server.query.export import Export, Part, Survey, read_parts, survey
from server.query.export_formats import (
    FORMATS,
    OTHER_NAMES,
    Encoder,
    MissingPackageError,
    encoder_of,
    export_columns,
    time_text,
)
from server.query.limits import QueryLimits
from server.verification.record_evidence import State
from storage.bound import sees_all_records
from storage.engine import Engine
from storage.interrupt import Interrupt

__all__ = ["EXPORT_LIMITS", "export_records", "file_name", "media_type"]

EXPORT_LIMITS = QueryLimits(seconds=300, rows=100_000_000_000)
"""Limits of the first look at storage, and of each part that is read."""

_PIECE = 1 << 20  # bytes of a message

_Steps = Generator[export_pb2.ExportResponse, None, None]


def export_records(
    engine: Engine,
    keys: TrustedKeys,
    request: export_pb2.ExportRequest,
    interrupt: Interrupt,
    signing_key: Callable[[], SigningKey] | None = None,
    limits: QueryLimits = EXPORT_LIMITS,
) -> _Steps:
    """Answer ``CorrelationService.Export``; the iteration raises QueryTooExpensiveError, StorageError, SigningError.

    Args:
        engine: the storage.
        keys: trusted public keys.
        request: the request.
        interrupt: interrupt that ends the iteration with InterruptedQueryError, set by another thread.
        signing_key: function that returns the Ed25519 key that signs the manifest; None for no manifest.
        limits: limits of the first look at storage, and of each part.

    Raises:
        InvalidArgumentError: the query, a stream, the range of time, the format or a column cannot be used.
    """
    since, until = parse_time_range(request)
    name = file_format(request)
    streams = _streams(request, name)
    answer = "an export has verified records only, and counts the others"
    query = parse_verified_query(request.query, streams, answer)
    if name == "ocsf" and request.columns:
        raise InvalidArgumentError("columns: an OCSF event has the whole record: name no columns, or ask for ndjson")
    try:
        columns = export_columns(streams, request.columns)
        encoder = encoder_of(name, columns)
    except MissingPackageError as error:
        raise InvalidArgumentError(f"format: {error}") from error
    except ValueError as error:
        raise InvalidArgumentError(f"columns: {error}") from error
    blank = ExportManifest(
        query=request.query,
        streams=[stream.value for stream in streams],
        since=None if since is None else time_text(since),
        until=None if until is None else time_text(until),
        file_format=name,
        columns=columns,
        records=0,
        size=0,
        sha256=b"",
        entries_root=b"",
        tampered=0,
        unsigned=0,
        later=0,
        logs=(),
        begun=time_text(time.time_ns()),
        ended="",
    )
    if not all(map(sees_all_records, streams)):
        signing_key = None  # a manifest would claim that these are all records that the query finds
    written = _Written(encoder, query.evidence)
    steps = _steps(engine, keys, Export(query, streams, since, until), written, blank, signing_key, limits)
    return interruptible(engine, steps, interrupt, "an export")


def file_format(request: export_pb2.ExportRequest) -> str:
    """Return the format of a request.

    Raises:
        InvalidArgumentError: there is no such format.
    """
    name = request.format or "ndjson"
    name = OTHER_NAMES.get(name, name)
    if name not in FORMATS:
        raise InvalidArgumentError(f"format: {not_one_of(name, FORMATS)}")
    return name


def _streams(request: export_pb2.ExportRequest, name: str) -> tuple[Stream, ...]:
    """Return the streams of a request; without any, those that the format is for."""
    if name != "ocsf":
        return parse_streams(request.streams)
    if request.streams and parse_streams(request.streams) != (Stream.AUDIT,):
        raise InvalidArgumentError(
            "streams: OCSF is for audit events: ask for the stream audit alone, or for another format"
        )
    return (Stream.AUDIT,)


def media_type(request: export_pb2.ExportRequest) -> str:
    """Return the media type of the file; raises as ``file_format``."""
    return FORMATS[file_format(request)]


def file_name(request: export_pb2.ExportRequest) -> str:
    """Return a name for the file; raises as ``file_format``."""
    return f"lognotary-export.{file_format(request)}"


class _Written:
    """The bytes of an export up to now, and the statistics of its manifest."""

    def __init__(self, encoder: Encoder, states: frozenset[str] | None) -> None:
        self._encoder = encoder
        self._states = states
        self._hash = sha256()
        self._tree = CompactRange()
        self._left_out: Counter[State] = Counter()
        self.logs: dict[str, ExportedLog] = {}
        self.size = 0
        self._later = 0

    def begin(self, extent: Survey) -> None:
        """Begin with the logs of an export."""
        self.logs = {batch.log_id: ExportedLog(checkpoint_note(batch), batch.origin) for batch, _ in extent.logs}
        self._left_out[State.UNSIGNED] += extent.outside
        self._later = extent.later

    def add(self, part: Part) -> Iterator[bytes]:
        """Yield the bytes of a part."""
        self._left_out += part.left_out
        if part.records:
            log = self.logs[part.batch.log_id]
            first = log.first_leaf if log.records else part.records[0].leaf_index
            records, end = log.records + len(part.records), part.records[-1].leaf_index + 1
            self.logs[part.batch.log_id] = replace(log, records=records, first_leaf=first, end_leaf=end)
            leaves = b"".join(leaf_hash(record.entry) for record in part.records)
            self._tree, _ = self._tree.extend(leaves, hash_pairs)
            yield from self._pieces(self._encoder.encode(part.records))

    def end(self) -> Iterator[bytes]:
        """Yield the last bytes."""
        yield from self._pieces(self._encoder.end())

    def manifest(self, blank: ExportManifest) -> ExportManifest:
        """Return the manifest, given one that has what was asked for."""
        return replace(
            blank,
            records=self._tree.size,
            size=self.size,
            sha256=self._hash.digest(),
            entries_root=self._tree.root(),
            tampered=self._counted(State.TAMPERED),
            unsigned=self._counted(State.UNSIGNED),
            later=self._later,
            logs=list(self.logs.values()),
            ended=time_text(time.time_ns()),
        )

    def _counted(self, state: State) -> int:
        return self._left_out[state] if self._states is None or state.value.lower() in self._states else 0

    def _pieces(self, content: bytes) -> Iterator[bytes]:
        self._hash.update(content)
        self.size += len(content)
        for start in range(0, len(content), _PIECE):
            yield content[start : start + _PIECE]


def _steps(
    engine: Engine,
    keys: TrustedKeys,
    wanted: Export,
    written: _Written,
    blank: ExportManifest,
    signing_key: Callable[[], SigningKey] | None,
    limits: QueryLimits,
) -> _Steps:
    extent = survey(engine, keys, wanted, limits)
    written.begin(extent)
    if signing_key is not None and sum(len(log.checkpoint) + 300 for log in written.logs.values()) > LARGEST_LOGS:
        raise InvalidArgumentError(
            "query: an export of so many logs has no manifest, which names all of them: give fewer streams"
        )
    total, read = extent.rows, extent.outside + extent.later
    yield _progress(read, total)
    for part in read_parts(engine, keys, extent, limits):
        for piece in written.add(part):
            yield export_pb2.ExportResponse(content=piece)
        read += part.read
        yield _progress(read, max(read, total))
    for piece in written.end():
        yield export_pb2.ExportResponse(content=piece)
    manifest = written.manifest(blank)
    yield export_pb2.ExportResponse(
        summary=export_pb2.ExportSummary(
            records=manifest.records,
            size=manifest.size,
            sha256=manifest.sha256,
            tampered=manifest.tampered,
            unsigned=manifest.unsigned,
            later=manifest.later,
            manifest=str(sign_manifest(manifest, signing_key())) if signing_key else "",
        )
    )


def _progress(records: int, total: int) -> export_pb2.ExportResponse:
    return export_pb2.ExportResponse(progress=export_pb2.ExportProgress(records=records, total_records=total))
