"""``lognotary export``: all records of a query in a file."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lognotary.v1 import evidence_pb2, export_pb2
from server.commands.api_client import timestamp
from server.commands.arguments.audit import FILTERS
from server.commands.audit_query import query_of_options
from server.commands.output import complain_lines, say, say_json
from server.commands.progress import ProgressBar
from server.commands.queries import check_query
from server.commands.sources import Source, ask
from server.data_dir.atomic_files import replace_file
from server.errors.files import unwritable
from server.notary.counted import counted
from server.settings.errors import ConfigError

__all__ = ["check_command", "run"]

_STDOUT = "-"


@dataclass(slots=True)
class _Output:
    """The output of an export.

    Attributes:
        file: file that receives the content.
        is_kept: False if the file is to be removed at the end.
    """

    file: BinaryIO
    is_kept: bool = True


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if status := check_query("export", options.query):
        return status
    text = _query(options)
    if options.output == _STDOUT and sys.stdout.isatty() and options.format in ("parquet", "arrow"):
        raise ConfigError(f"--output: {options.format} is not for terminals: name a file, or redirect the output")
    for flag, name in (("--output", options.output), ("--manifest", options.manifest)):
        if name and name != _STDOUT and os.path.lexists(name) and not Path(name).is_dir():
            raise ConfigError(f"{flag}: {name} already exists, and evidence is never overwritten: give another name")
    request = export_pb2.ExportRequest(
        query=text,
        streams=[options.stream] if options.stream else [],
        since=options.since and timestamp(options.since),
        until=options.until and timestamp(options.until),
        format=options.format,
        columns=[name.strip() for name in options.columns.split(",") if name.strip()],
    )
    return ask(options, lambda source: _write(options, source, request))


def _query(options: argparse.Namespace) -> str:
    """Return the query, with the filters of the command line."""
    words = " ".join(options.query)
    filters = query_of_options(options) if any(getattr(options, field) for field, _ in FILTERS.values()) else ""
    return f"({words}) AND {filters}" if words.strip() and filters else words or filters


def _write(options: argparse.Namespace, source: Source, request: export_pb2.ExportRequest) -> int:
    with _output(options.output) as output:
        summary = _copy(source.export(request), output.file)
        if summary is None:
            raise ConfigError("the export ended before it was complete: try again")
        matches = bool(summary.records or summary.tampered or summary.unsigned)
        output.is_kept = matches
        if options.manifest and summary.manifest and matches:
            try:
                replace_file(Path(options.manifest), summary.manifest)
            except OSError as error:
                raise ConfigError(f"--manifest: {unwritable(options.manifest, error)}") from error
    _tell(options, summary, matches=matches)
    if options.manifest and not summary.manifest:
        # The file is complete and verified: a long export is not to be made twice.
        raise ConfigError(
            "--manifest: the server made none, as for all callers whose roles are limited to services or environments: "
            "a manifest says that the export has all records that its query finds. Use a token without these limits "
            "for an export with a manifest"
        )
    return 1 if summary.tampered or summary.unsigned or not summary.records else 0


def _copy(steps: Iterator[export_pb2.ExportResponse], file: BinaryIO) -> export_pb2.ExportSummary | None:
    """Write the content to a file, and return the summary; None if there is none."""
    bar = ProgressBar(sys.stderr) if sys.stderr.isatty() else None
    summary = None
    try:
        for step in steps:
            kind = step.WhichOneof("step")
            if kind == "content":
                _put(file, step.content)
            elif kind == "summary":
                summary = step.summary
            elif bar is not None:
                progress = step.progress
                bar.show(evidence_pb2.VerifyProgress(records=progress.records, total_records=progress.total_records))
    finally:
        if bar is not None:
            bar.clear()
    return summary


def _put(file: BinaryIO, content: bytes) -> None:
    try:
        file.write(content)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ConfigError(f"--output: {unwritable(str(file.name), error)}") from error


@contextlib.contextmanager
def _output(name: str) -> Iterator[_Output]:
    """Open the output; a file that is kept gets its name once the block has succeeded, and is removed if it fails.

    Raises:
        ConfigError: the file cannot be written.
    """
    if name == _STDOUT:
        yield _Output(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    if path.is_dir():
        raise ConfigError(f"--output: {name} is a directory: name a file")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        file = temporary.open("xb")
    except OSError as error:
        raise ConfigError(f"--output: {unwritable(name, error)}") from error
    try:
        with file:
            output = _Output(file)
            yield output
            if not output.is_kept:
                return
            try:
                file.flush()
                os.fsync(file.fileno())
                temporary.replace(path)
            except OSError as error:
                raise ConfigError(f"--output: {unwritable(name, error)}") from error
    finally:
        temporary.unlink(missing_ok=True)


def check_command(output: str, manifest: str) -> str:
    """Return the command that checks an export and its manifest, as a shell takes it.

    Args:
        output: name of the exported file, or ``-`` for the standard output.
        manifest: name of its manifest.
    """
    # A name that begins with a hyphen would be an option.
    names = [f"./{name}" if name.startswith("-") else name for name in (output, manifest)]
    file = "FILE" if output == _STDOUT else names[0]
    return shlex.join(["lognotary", "check", file, names[1], "--public-key", "KEY"])


def _tell(options: argparse.Namespace, summary: export_pb2.ExportSummary, *, matches: bool) -> None:
    output = options.output if matches or options.output == _STDOUT else ""
    manifest = (options.manifest or "") if matches and summary.manifest else ""
    if options.json:
        what = {"output": output, "manifest": manifest, "sha256": summary.sha256.hex()}
        numbers = {name: str(getattr(summary, name)) for name in ("records", "size", "tampered", "unsigned", "later")}
        text = json.dumps({**what, **numbers})
        if options.output == _STDOUT:
            complain_lines(text)
        else:
            say_json(text)
        return
    where = "the standard output" if options.output == _STDOUT else options.output
    lines = [f"{counted(summary.records, 'record')} in {where}, all verified; SHA-256 {summary.sha256.hex()}"]
    if not matches:
        lines = ["no record matches: no file was written" if output != _STDOUT else "no record matches"]
    if summary.tampered:
        lines.append(f"✘ left out: {counted(summary.tampered, 'record')} with other content than was signed")
    if summary.unsigned:
        lines.append(f"✘ left out: {counted(summary.unsigned, 'unsigned record')}")
    if summary.later:
        lines.append(f"left out: {counted(summary.later, 'record')} that came after the export began")
    if manifest:
        lines.append(f"the manifest is {manifest}; to check both: {check_command(options.output, manifest)}")
    say(*lines, stream=sys.stderr if options.output == _STDOUT else None)
