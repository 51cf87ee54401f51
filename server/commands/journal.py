"""``lognotary journal``: inspect batches that a server has signed but may not have stored yet."""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from server.commands.journal_key import given_journal_keys
from server.commands.output import complain, say, say_json
from server.data_dir.directory import journals
from server.data_dir.errors import DataDirectoryError
from server.data_dir.kept_notes import read_last
from server.errors.ingest import JournalDamagedError
from server.escaping.visible import visible
from server.log.journal_entry import decode_entry
from server.log.journal_frames import Frame, scan_segment
from server.log.journal_keys import AlteredError, JournalKeys, SegmentCipher, UnknownKeyError
from server.log.journal_segments import segment_files
from server.log.stored_mark import StoredMark
from server.log.unsigned_entry import decode_unsigned_entry
from server.notary.counted import counted
from server.notary.origin import Stream
from server.settings.errors import ConfigError
from server.settings.settings import load_settings
from storage.errors import StorageError
from storage.statements import decode_statements

__all__ = ["inspect"]


def inspect(options: argparse.Namespace) -> int:
    """List the contents of journals; return the exit status."""
    given = options.directory or [load_settings(vars(options), os.environ).data_dir]
    directories = list(dict.fromkeys(journal for directory in given for journal in _journals_in(directory)))
    segments = [(directory, *segment) for directory in directories for segment in segment_files(directory)]
    shown = []
    keys = given_journal_keys(options)
    known = {directory: _Stored.of(directory) for directory in directories}
    for directory, first, path in segments:
        segment = _describe(first, path, known[directory], keys)
        shown.append(segment)
        if options.waiting:
            segment = {**segment, "entries": [entry for entry in segment["entries"] if entry["stored"] is not True]}
            if not (segment["entries"] or segment["damage"]):
                continue
        if options.json:
            say_json(json.dumps(segment))
        else:
            say(*_lines(segment))
    if not options.json:
        say(*_summary(shown))
    return 1 if any(segment["damage"] for segment in shown) else 0


def _journals_in(directory: Path) -> list[Path]:
    """Return the journals with segments: of a data directory, of its ``journal`` directory, or one itself.

    Raises:
        ConfigError: there are none, or they cannot be read.
    """
    advice = "give the directory of a journal, or the server's --data-dir"
    try:
        if not directory.exists():
            raise ConfigError(f"{directory} does not exist: {advice}")
        if (directory / "journal").is_dir():
            candidates = journals(directory)
        else:
            candidates = [directory, *sorted(path for path in directory.iterdir() if path.is_dir())]
        for path in candidates:
            next(path.iterdir(), None)  # a pattern leaves out what may not be read
        found = [path for path in candidates if segment_files(path)]
    except OSError as error:
        raise ConfigError(f"{error.filename or directory} cannot be read: {error.strerror or error}") from error
    if not found:
        raise ConfigError(f"there is no journal in {directory}, or nothing in it: {advice}")
    return found


@dataclass(frozen=True, slots=True)
class _Stored:
    """The end of a log in storage, as its server wrote it down.

    Attributes:
        is_known: False if a journal is not in its data directory, so that nothing is known.
        origin: origin of the log; empty if nothing of it is stored.
        size: number of entries that are stored.
        statement: number of the last statement that is stored.
        marked: for a stream that is not signed, number and token of the last stored entry.
    """

    is_known: bool
    origin: str = ""
    size: int = 0
    statement: int = 0
    marked: tuple[int, bytes] = (0, b"")

    @classmethod
    def of(cls, journal: Path) -> _Stored:
        """Read what the data directory of a journal knows; damage there does not hide the journal."""
        if journal.resolve().name.endswith("-unsigned"):
            return cls(is_known=True, marked=StoredMark(journal).read())
        directory, name = journal.resolve().parent.parent, journal.resolve().name.removesuffix("-statements")
        if name not in {stream.value for stream in Stream} or not (directory / "checkpoints").is_dir():
            return cls(is_known=False)
        try:
            checkpoint, statement = read_last(directory, Stream(name))
        except DataDirectoryError as error:
            complain(error)
            return cls(is_known=False)
        return cls(
            is_known=True,
            origin=checkpoint.origin if checkpoint else statement.checkpoint.origin if statement else "",
            size=checkpoint.size if checkpoint else 0,
            statement=statement.number if statement else 0,
        )

    def has(self, entry: dict[str, Any]) -> bool | None:
        """Return whether an entry of the journal is stored; None if it is not known."""
        if not self.is_known or "unreadable" in entry or "encrypted" in entry:
            return None
        if "unsigned" in entry:
            return bool(entry["frame"] <= self.marked[0])
        if "batch" in entry:
            if entry["origin"] != self.origin:
                return None if self.origin else False  # the data directory knows nothing of that log
            return bool(entry["first_leaf"] + entry["records"] <= self.size)
        return bool(entry["statement"] <= self.statement)


def _describe(first: int, path: Path, stored: _Stored, keys: JournalKeys) -> dict[str, Any]:
    damage = ""
    with path.open("rb") as file:
        scan = scan_segment(file, first)
        key_id = scan.seal.key_id.hex() if scan.seal else ""
        cipher = None
        try:
            cipher = scan.cipher(file, keys)
        except UnknownKeyError:
            pass
        except AlteredError:
            damage = "its header is not what the server wrote"
        is_locked = bool(key_id) and cipher is None
        entries: list[dict[str, Any]] = []
        for frame in scan.frames:
            place = {"frame": frame.number, "bytes": frame.length}
            if is_locked:
                entries.append({**place, "encrypted": True})
                continue
            try:
                described = _entries(_payload(file, frame, cipher))
            except AlteredError:
                damage = damage or f"frame {frame.number} is not what the server encrypted in its place"
                described = [{"unreadable": True}]
            entries += [{**place, **entry} for entry in described]
    entries = [{**entry, "stored": stored.has(entry)} for entry in entries]
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "encrypted_with": key_id,
        "entries": entries,
        "waiting_batches": sum(
            ("batch" in entry or "unsigned" in entry) and entry["stored"] is False for entry in entries
        ),
        "damage": scan.damage or damage,
        "frames_beyond_damage": list(scan.beyond),
    }


def _payload(file: Any, frame: Frame, cipher: SegmentCipher | None) -> bytes:
    """Return the payload of a frame, decrypted; raises AlteredError if it was changed."""
    file.seek(frame.payload)
    payload: bytes = file.read(frame.length)
    return payload if cipher is None else cipher.decrypt(frame.number, payload)


def _entries(payload: bytes) -> list[dict[str, Any]]:
    """Return the batches of a frame's payload, which may be of different logs, or its statement."""
    try:
        batches = decode_entry(payload).batches
    except JournalDamagedError:
        pass
    else:
        return [
            {
                "origin": batch.origin,
                "batch": batch.sequence,
                "batch_id": str(batch.batch_id),
                "first_leaf": batch.first_leaf,
                "records": batch.record_count,
                "ingested_at": _time(batch.ingested_at / 1e9),
            }
            for batch in batches
        ]
    try:
        unsigned = decode_unsigned_entry(payload)
    except JournalDamagedError:
        pass
    else:
        return [{"unsigned": unsigned.token.hex(), "records": unsigned.rows, "day": _day(unsigned.day)}]
    try:
        rows = decode_statements(payload)
    except StorageError:
        return [{"unreadable": True}]
    return [
        {"log": row.log_id, "statement": row.number, "kind": row.kind, "signed_at": _time(row.signed_at)}
        for row in rows
    ]


_STATES = {True: "stored   ", False: "waits    ", None: "unknown  "}


def _lines(segment: dict[str, Any]) -> Iterator[str]:
    encrypted = f"  encrypted with key {segment['encrypted_with']}" if segment["encrypted_with"] else ""
    yield f"{segment['file']}  {counted(segment['bytes'], 'byte')}{encrypted}"
    for entry in segment["entries"]:
        if "batch" in entry:
            first, last = entry["first_leaf"], entry["first_leaf"] + entry["records"] - 1
            leaves = f"leaf {first}" if first == last else f"leaves {first} to {last}"
            what = f"batch {entry['batch']} of {visible(entry['origin'])}, {leaves}, received {entry['ingested_at']}"
        elif "unsigned" in entry:
            what = f"{counted(entry['records'], 'record')} without a log, received on {entry['day']}"
        elif "statement" in entry:
            log, kind = visible(entry["log"]), visible(entry["kind"])
            what = f"statement {entry['statement']} of the log {log}: {kind}, {entry['signed_at']}"
        elif "encrypted" in entry:
            what = "encrypted, with a key that is not given"
        else:
            what = "complete, but of a version that this Lognotary does not support"
        yield f"  {_STATES[entry['stored']]}frame {entry['frame']}  {counted(entry['bytes'], 'byte')}  {what}"
    if segment["damage"]:
        yield f"  ✘ {segment['damage']}"
    if segment["frames_beyond_damage"]:
        yield f"  ✘ intact frames after the damage: {', '.join(map(str, segment['frames_beyond_damage']))}"


def _summary(segments: Sequence[dict[str, Any]]) -> Iterator[str]:
    entries = [entry for segment in segments for entry in segment["entries"]]
    kinds = (
        ("batch", "batch", "batches"),
        ("unsigned", "unsigned batch", "unsigned batches"),
        ("statement", "statement", "statements"),
    )
    for kind, one, many in kinds:
        states = Counter(entry["stored"] for entry in entries if kind in entry)
        if not states and kind != "batch":
            continue
        verb = "waits" if states[False] == 1 else "wait"
        parts = [f"{counted(states[False], one, many)} {verb} to be stored" if states[False] else f"no {one} waits"]
        if states[True]:
            parts.append(f"{states[True]:,} {'is' if states[True] == 1 else 'are'} stored already")
        if states[None]:
            verb = "is" if states[None] == 1 else "are"
            unknown = f"it is unknown whether {counted(states[None], one, many)} {verb} stored"
            parts = [*parts, unknown] if states[True] or states[False] else [unknown]
        yield ", ".join(parts)
    locked = sorted(
        {segment["encrypted_with"] for segment in segments if any("encrypted" in e for e in segment["entries"])}
    )
    if locked:
        yield (
            f"(what is encrypted with {' and '.join(locked)} cannot be read: give the key with --journal-key, or "
            "--journal-retired-keys)"
        )
    if any(entry["stored"] is None and not entry.keys() & {"unreadable", "encrypted"} for entry in entries):
        yield "(what is stored is known only of the logs in the data directory of the server: give --data-dir)"


def _day(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
