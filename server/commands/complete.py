"""Complete answers on the command line: ``--complete``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

from lognotary.v1 import correlation_pb2, evidence_pb2
from server.commands.api_client import timestamp, to_json
from server.commands.found import entry_lines
from server.commands.given_files import GivenFiles
from server.commands.output import Style, say, say_json, shown
from server.commands.progress import ProgressBar
from server.commands.render import finding_lines
from server.commands.sources import Source, ask
from server.commands.units import line_width
from server.escaping.visible import visible
from server.notary.checkpoint import open_checkpoint
from server.notary.counted import counted
from server.notary.errors import NotaryError
from server.notary.origin import Stream
from server.settings.errors import ConfigError

__all__ = ["check_complete_options", "show_completely", "summary_lines"]

_MOST_SORTED = 10_000  # records; more are shown as they come


def show_completely(options: argparse.Namespace, query: str, streams: Sequence[str]) -> int:
    """Ask for a complete answer, show it, and return the exit status: 1 if it is not complete, or nothing matches.

    Args:
        options: the options of ``add_complete_flag`` and of the command.
        query: the query.
        streams: names of streams; none for audit and operational.

    Raises:
        ConfigError: an option cannot be used with ``--complete``.
        StorageError: storage cannot be read.
    """
    if options.signatures_only:
        raise ConfigError("--signatures-only: a complete answer hashes all records: leave one of the two options out")
    if options.csv:
        raise ConfigError("--csv: a complete answer is more than a table: give --json, or leave --complete out")
    given = GivenFiles()
    request = correlation_pb2.CompleteSearchRequest(
        query=query,
        streams=streams,
        since=options.since and timestamp(options.since),
        until=options.until and timestamp(options.until),
        received_since=options.received_since and timestamp(options.received_since),
        received_until=options.received_until and timestamp(options.received_until),
        checkpoints=given.read_checkpoints(options.checkpoint),
        limit=options.limit or 0,
    )

    def work(source: Source) -> int:
        return _Shown(options, query).show(source.complete_search(request))

    return ask(options, work, explain=given.name)


def check_complete_options(options: argparse.Namespace) -> None:
    """Refuse options that require ``--complete``.

    Raises:
        ConfigError: such an option is given without ``--complete``.
    """
    for name in ("received_since", "received_until", "checkpoint"):
        if getattr(options, name):
            raise ConfigError(f"--{name.replace('_', '-')} requires --complete: leave it out, or add --complete")


class _Shown:
    """Output of one answer."""

    def __init__(self, options: argparse.Namespace, query: str) -> None:
        self._query = query
        self._as_json = bool(options.json)
        self._details = bool(options.verbose)
        self._latest_first = not getattr(options, "oldest_first", False)
        self._style = Style.of(sys.stdout, utc=options.utc)
        self._heading = [*self._style.zone_lines()]  # empty once printed
        self._width = line_width(sys.stdout)
        self._bar = ProgressBar(sys.stderr) if sys.stderr.isatty() and not options.json else None
        self._kept: list[correlation_pb2.TimelineEntry] | None = []  # None once there are too many

    def show(self, steps: Iterator[correlation_pb2.CompleteSearchResponse]) -> int:
        """Show all steps, and return the exit status."""
        findings: list[evidence_pb2.Finding] = []
        summary = None
        for step in steps:
            kind = step.WhichOneof("step")
            if self._as_json:
                say_json(to_json(step, indent=None))
            if kind == "progress":
                self._progress(step.progress)
            elif kind == "records":
                self._take(step.records.entries)
            elif kind == "finding":
                findings.append(step.finding)
            elif kind == "summary":
                summary = step.summary
        self._clear()
        if summary is None:
            raise ConfigError("the answer ended before its summary, so it is not complete: try again")
        if not self._as_json:
            self._end(findings, summary)
        return 0 if summary.complete and summary.matched else 1

    def _progress(self, progress: correlation_pb2.CompleteProgress) -> None:
        if self._bar is not None:
            self._bar.show(evidence_pb2.VerifyProgress(records=progress.leaves, total_records=progress.total_leaves))

    def _clear(self) -> None:
        if self._bar is not None:
            self._bar.clear()

    def _take(self, entries: Sequence[correlation_pb2.TimelineEntry]) -> None:
        if self._as_json:
            return
        if self._kept is not None and len(self._kept) + len(entries) <= _MOST_SORTED:
            self._kept.extend(entries)
            return
        self._clear()
        before, self._kept = self._kept or [], None
        self._say([*before, *entries])

    def _say(self, entries: Sequence[correlation_pb2.TimelineEntry]) -> None:
        if entries and self._heading:
            say(*self._heading)
            self._heading = []
        for entry in entries:
            say(
                *entry_lines(shown(entry, details=self._details), self._style, details=self._details, width=self._width)
            )

    def _end(self, findings: Sequence[evidence_pb2.Finding], summary: correlation_pb2.CompleteSummary) -> None:
        if self._kept is not None:
            self._say(sorted(self._kept, key=_time_of, reverse=self._latest_first))
        elif summary.given:
            say(f"… in the order of logs and entries: there are more than {_MOST_SORTED:,}")
        if not summary.matched:
            say(f"no record matches {visible(self._query)}" if self._query else "there is no record")
        for finding in findings:
            say(*finding_lines(finding, self._style))
        say(*summary_lines(summary, self._style))


def summary_lines(summary: correlation_pb2.CompleteSummary, style: Style) -> Iterator[str]:
    """Format the end of a complete answer: the parts of logs that were read, and last whether anything is missing."""
    for log in summary.logs:
        number = log.end_leaf - log.first_leaf
        part = f"entries {log.first_leaf} to {log.end_leaf - 1}" if number else f"no entry from {log.first_leaf} on"
        yield f"• {visible(log.origin)}: {part}; {_checkpoint(log)}"
    if summary.given < summary.matched:
        left = summary.matched - summary.given
        yield f"… {counted(left, 'more matching record')} not shown: give a larger --limit"
    if summary.expired:
        yield style.paint(
            f"⚠ retention, or a drop of a tenant's data, has removed {counted(summary.expired, 'record')} of these "
            "entries: whether they matched is not known",
            "33",
        )
    for name in summary.unsigned_streams:
        what = "spans" if name == Stream.SPANS.value else f"{name} records"
        yield style.paint(f"⚠ unsigned {what} are not in this answer: a search without --complete shows them", "33")
    read = f"{counted(summary.leaves, 'entry', 'entries')} of {counted(len(summary.logs), 'log')}"
    matches = "1 record matches" if summary.matched == 1 else f"{summary.matched:,} records match"
    if summary.complete:
        were = f"of which all but {summary.expired:,} were" if summary.expired else "which were all"
        yield style.paint(f"✔ complete: {matches} of {read}, {were} read and are what was signed", "32")
    elif not summary.logs:
        yield style.paint("✘ NOT complete: storage has no log to answer from", "1;31")
    else:
        found = counted(summary.findings, "finding")
        yield style.paint(f"✘ NOT complete: {found} in {read}; {matches} among the others", "1;31")


def _checkpoint(log: correlation_pb2.CompleteLog) -> str:
    try:
        checkpoint, _ = open_checkpoint(log.checkpoint)
    except NotaryError:
        return "no valid checkpoint"
    return f"checkpoint of {counted(checkpoint.size, 'entry', 'entries')}, root hash {checkpoint.root.hex()[:16]}…"


def _time_of(entry: correlation_pb2.TimelineEntry) -> int:
    return entry.timestamp.ToNanoseconds()
