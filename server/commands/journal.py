"""``lognotary journal``: inspect batches that a server has signed but may not have stored yet."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from server.commands.output import complain, say, say_json
from server.data_dir.directory import journals
from server.errors.ingest import JournalDamagedError
from server.escaping.visible import visible
from server.log.journal import segment_files
from server.log.journal_entry import decode_entry
from server.log.journal_frames import Frame, scan_segment
from server.settings.settings import add_flags, load_settings
from storage.errors import StorageError
from storage.statements import decode_statement

__all__ = ["add_parser"]


def add_parser(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "journal",
        help="inspect the journal: batches that are signed but may not be stored yet",
        description="Inspect a server's journal (write-ahead log): batches that are signed but may not be stored yet.",
    )
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    inspect = actions.add_parser(
        "inspect",
        help="list the contents of a journal",
        description="List the contents of a journal, and any damage. Read-only, and safe to use while a server "
        "runs; a frame that is just being written then looks incomplete. Stored batches stay listed until their "
        "segment is deleted. Exit status 1 if there is damage.",
    )
    inspect.add_argument(
        "directory",
        metavar="DIRECTORY",
        nargs="*",
        type=Path,
        help="directory of a journal (default: all journals in data_dir)",
    )
    inspect.add_argument("--json", action="store_true", help="print JSON, one object per segment")
    add_flags(inspect, "data_dir")
    inspect.set_defaults(run=_inspect)


def _inspect(options: argparse.Namespace) -> int:
    directories = options.directory or journals(load_settings(vars(options), os.environ).data_dir)
    segments = [(first, path) for directory in directories for first, path in segment_files(directory)]
    if not segments:
        complain("no journal found: give its directory, or the server's --data-dir")
        return 1
    damaged = False
    for first, path in segments:
        segment = _describe(first, path)
        damaged = damaged or bool(segment["damage"])
        if options.json:
            say_json(json.dumps(segment))
        else:
            say(*_lines(segment))
    return 1 if damaged else 0


def _describe(first: int, path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        scan = scan_segment(file, first)
        entries = [{"frame": frame.number, "bytes": frame.length, **_entry(file, frame)} for frame in scan.frames]
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "entries": entries,
        "damage": scan.damage,
        "frames_beyond_damage": list(scan.beyond),
    }


def _entry(file: Any, frame: Frame) -> dict[str, Any]:
    file.seek(frame.payload)
    payload = file.read(frame.length)
    try:
        batch = decode_entry(payload).batch
    except JournalDamagedError:
        pass
    else:
        return {
            "origin": batch.origin,
            "batch": batch.sequence,
            "batch_id": str(batch.batch_id),
            "first_leaf": batch.first_leaf,
            "records": batch.record_count,
            "ingested_at": _time(batch.ingested_at / 1e9),
        }
    try:
        row = decode_statement(payload)
    except StorageError:
        return {"unreadable": True}
    return {"log": row.log_id, "statement": row.number, "kind": row.kind, "signed_at": _time(row.signed_at)}


def _lines(segment: dict[str, Any]) -> Iterator[str]:
    yield f"{segment['file']}  {segment['bytes']:,} bytes"
    for entry in segment["entries"]:
        if "batch" in entry:
            end = entry["first_leaf"] + entry["records"] - 1
            what = (
                f"batch {entry['batch']} of {visible(entry['origin'])}, leaves {entry['first_leaf']} to {end}, "
                f"received {entry['ingested_at']}"
            )
        elif "statement" in entry:
            log, kind = visible(entry["log"]), visible(entry["kind"])
            what = f"statement {entry['statement']} of the log {log}: {kind}, {entry['signed_at']}"
        else:
            what = "complete, but of a version that this Lognotary does not support"
        yield f"  frame {entry['frame']}  {entry['bytes']:,} bytes  {what}"
    if segment["damage"]:
        yield f"  ✘ {segment['damage']}"
    if segment["frames_beyond_damage"]:
        yield f"  ✘ intact frames after the damage: {', '.join(map(str, segment['frames_beyond_damage']))}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
