"""``lognotary tail``: the records of a query, as they are committed."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path

from lognotary.v1 import correlation_pb2
from server.commands.api_client import call, to_json
from server.commands.audit_query import whole_query
from server.commands.following import Following
from server.commands.found import entry_lines
from server.commands.output import Style, complain, say, say_json, shown
from server.commands.queries import check_query
from server.commands.units import line_width
from server.data_dir.atomic_files import replace_file
from server.errors.files import unreadable, unwritable
from server.escaping.visible import visible
from server.notary.counted import counted
from server.notary.origin import Stream
from server.settings.errors import ConfigError

__all__ = ["follow_audit", "missed_lines", "run"]

_WHY = {
    correlation_pb2.TOO_SLOW: "more were committed than could be sent",
    correlation_pb2.NOT_STORED: "no longer stored",
}
_CURSOR = "cursor: "  # beginning of the server's errors about the field of that name
_LARGEST_CURSOR = 64 << 20  # bytes of a file


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if status := check_query("tail", options.query):
        return status
    request = correlation_pb2.TailRequest(
        query=" ".join(options.query),
        streams=[options.stream] if options.stream else [],
        cursor=options.cursor or _read_cursor(options.cursor_file),
        check=correlation_pb2.CHECK_SIGNATURES if options.signatures_only else correlation_pb2.CHECK_RECORDS,
        most_behind=options.most_behind or 0,
    )
    return _follow(options, request, options.cursor_file)


def follow_audit(options: argparse.Namespace) -> int:
    """Follow the audit events that the filters of ``lognotary audit`` admit, and return the exit status."""
    request = correlation_pb2.TailRequest(
        query=whole_query(options),
        streams=[Stream.AUDIT.value],
        check=correlation_pb2.CHECK_SIGNATURES if options.signatures_only else correlation_pb2.CHECK_RECORDS,
    )
    return _follow(options, request, None)


def _follow(options: argparse.Namespace, request: correlation_pb2.TailRequest, cursor_file: str | None) -> int:
    style, width = Style.of(sys.stdout, utc=options.utc), line_width(sys.stdout)

    def show(answer: correlation_pb2.TailResponse) -> None:
        if options.json:
            if answer.entries or answer.missed:
                say_json(to_json(answer, indent=None))
        else:
            lines = [line for one in answer.missed for line in missed_lines(one, style)]
            for entry in answer.entries:
                lines += entry_lines(shown(entry, details=options.verbose), style, details=options.verbose, width=width)
            if lines:
                say(*lines)
        if cursor_file:
            _write_cursor(cursor_file, answer.cursor)

    if not options.json and (heading := [*style.zone_lines()]):
        say(*heading)
    following = Following(request, show, complain)
    return call(options.api, following.run, partial(_explain, cursor_file), following.channel_options)


def _explain(cursor_file: str | None, message: str) -> str:
    """Return an error of a call in the words of the command: a cursor that cannot be used comes from a file."""
    if not cursor_file or not message.startswith(_CURSOR):
        return message
    return f"--cursor-file {cursor_file}: {message.removeprefix(_CURSOR)} (delete the file to leave the cursor out)"


def missed_lines(missed: correlation_pb2.MissedLeaves, style: Style) -> list[str]:
    """Return lines about leaves that a tail left out, with the command that finds their records."""
    number = missed.end_leaf - missed.first_leaf
    why = _WHY.get(missed.reason, "no reason is known")
    what = f"… {counted(number, 'record')} of {visible(missed.origin)} left out: {why}"
    if missed.reason == correlation_pb2.NOT_STORED:
        return [style.paint(f"{what} (leaves {missed.first_leaf} to {missed.end_leaf - 1})", "33")]
    where = f"'log:{visible(missed.origin)} leaf:[{missed.first_leaf} TO {missed.end_leaf - 1}]'"
    return [style.paint(what, "33"), f"  lognotary search {where} has them"]


def _read_cursor(name: str | None) -> str:
    if not name or not Path(name).exists():
        return ""
    try:
        with Path(name).open(encoding="ascii") as file:
            return file.read(_LARGEST_CURSOR).strip()
    except UnicodeDecodeError as error:
        raise ConfigError(f"--cursor-file {name}: this is not a cursor of a tail: delete the file") from error
    except OSError as error:
        raise ConfigError(f"--cursor-file: {unreadable(name, error)}") from error


def _write_cursor(name: str, cursor: str) -> None:
    try:
        replace_file(Path(name), cursor + "\n", durable=False)
    except OSError as error:
        raise ConfigError(f"--cursor-file: {unwritable(name, error)}") from error
