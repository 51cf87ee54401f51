"""Exports that ``check.py`` is tried on, as servers write and sign them; and what a report says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

from harness.bundles import MemoryLog, audit_record, encode_record, signer_of
from server import check
from server.notary.canonical import Value, decode_record, leaf_of
from server.notary.export_manifest import ExportedLog, ExportManifest, sign_manifest
from server.notary.merkle import CompactRange
from server.notary.origin import LogName, Stream
from server.query.export import ExportedRecord
from server.query.export_formats import encoder_of, export_columns

__all__ = [
    "AUDIT",
    "KEY",
    "OPERATIONAL",
    "OTHER_KEY",
    "SIGNER",
    "SPANS",
    "STRANGER",
    "Checker",
    "changed_log",
    "export",
    "note_of",
    "of_content",
    "says",
]

SIGNER, STRANGER = signer_of(1), signer_of(2)
KEY = check.Key("", check.ED25519, SIGNER.ed25519.public_key)
OTHER_KEY = check.Key("", check.ED25519, STRANGER.ed25519.public_key)
BATCH = UUID(int=7)
HOSTILE: tuple[dict[str, Value], ...] = (
    {"Body": b"=1+1", "LogAttributes": [(b"'=k", b"@v"), (b"", b"-1")]},
    {"Body": b'a "b", c\r\nd', "Timestamp": -1, "LogAttributes": [(b"k", b"1"), (b"k", b"2")]},
    {"Body": "✓ \x00 \u2028".encode(), "Flags": (1 << 32) - 1, "ScopeName": b"s" * 300},
)
AUDIT = MemoryLog([audit_record(number, 1 + number % 2) for number in range(9)])
OPERATIONAL = MemoryLog(
    [encode_record(Stream.OPERATIONAL, values) for values in HOSTILE], LogName("shop", Stream.OPERATIONAL, "a")
)
EVENTS: tuple[Value, ...] = ([5, 7], [b"=retry", b'say "hi"'], [[(b"k", b"v")], []])
SPANS = MemoryLog(
    [
        encode_record(Stream.SPANS, {"SpanName": b"GET", "Duration": (1 << 64) - 1}),
        encode_record(
            Stream.SPANS,
            {"Events.Timestamp": EVENTS[0], "Events.Name": EVENTS[1], "Events.Attributes": EVENTS[2]},
        ),
    ],
    LogName("shop", Stream.SPANS, "a"),
)
Export = tuple[bytes, ExportManifest]


def export(
    kind: str = "ndjson",
    leaves: Sequence[tuple[MemoryLog, Sequence[int]]] = ((AUDIT, (1, 4, 5)), (OPERATIONAL, (0, 1, 2))),
    columns: Sequence[str] = (),
) -> Export:
    """Export leaves of logs as the server does: its encoders write the file, its notary sums it up."""
    names = export_columns([Stream.AUDIT, Stream.OPERATIONAL, *{log.name.stream for log, _ in leaves}], columns)
    encoder = encoder_of(kind, names)
    content, entries, logs = b"", b"", []
    for log, indices in leaves:
        stream, records = log.name.stream, [log.records[index] for index in indices]
        content += encoder.encode(
            [
                ExportedRecord(log.origin, index, BATCH, stream, record, decode_record(stream, record))
                for index, record in zip(indices, records, strict=True)
            ]
        )
        entries += b"".join(map(leaf_of, records))
        first, end = (indices[0], indices[-1] + 1) if indices else (0, 0)
        checkpoint = str(log.checkpoint(len(log.records), SIGNER))
        logs.append(ExportedLog(checkpoint, log.origin, len(indices), first, end))
    content += encoder.end()
    tree = CompactRange().extend(entries)[0]
    manifest = ExportManifest(
        query="",
        streams=("audit", "operational"),
        since=None,
        until=None,
        file_format=kind,
        columns=names,
        records=tree.size,
        size=len(content),
        sha256=sha256(content).digest(),
        entries_root=tree.root(),
        tampered=0,
        unsigned=0,
        later=0,
        logs=logs,
        begun="2026-01-02T00:00:00.000000000Z",
        ended="2026-01-02T00:00:01.000000000Z",
    )
    return content, manifest


def of_content(content: bytes, manifest: ExportManifest) -> Export:
    """Return another file, with a manifest that says its size and SHA-256."""
    return content, replace(manifest, size=len(content), sha256=sha256(content).digest())


def changed_log(manifest: ExportManifest, number: int = 0, **changes: Any) -> ExportManifest:
    logs = [replace(log, **changes) if place == number else log for place, log in enumerate(manifest.logs)]
    return replace(manifest, logs=logs)


def note_of(manifest: ExportManifest) -> bytes:
    return str(sign_manifest(manifest, SIGNER.ed25519)).encode()


class Checker:
    """Checks exports as the command does, from files."""

    def __init__(self, directory: Path) -> None:
        self.file, self.manifest = directory / "file", directory / "manifest"

    def write(self, content: bytes, manifest: ExportManifest | bytes) -> None:
        self.file.write_bytes(content)
        self.manifest.write_bytes(manifest if isinstance(manifest, bytes) else note_of(manifest))

    def report(
        self, content: bytes, manifest: ExportManifest | bytes, keys: Sequence[check.Key] = (KEY,)
    ) -> check.Report:
        self.write(content, manifest)
        return check.check_export(self.file, self.manifest, keys)

    def failed(
        self, content: bytes, manifest: ExportManifest | bytes, keys: Sequence[check.Key] = (KEY,)
    ) -> dict[str, str]:
        """Return the steps that do not hold, and why."""
        report = self.report(content, manifest, keys)
        failed = {step.name: step.says for step in report.steps if not step.holds}
        assert report.holds is not bool(failed)
        return failed


def says(report: check.Report) -> dict[str, str]:
    return {step.name: step.says for step in report.steps if step.holds}
