"""``lognotary checkpoint``: print a log's signed checkpoint, to be kept elsewhere."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from lognotary.v1 import evidence_pb2
from server.commands.api_client import to_json
from server.commands.output import complain, complain_lines, say, say_json, say_signed, shown
from server.commands.sources import Source, ask
from server.data_dir.atomic_files import replace_file
from server.errors.files import unwritable
from server.escaping.visible import visible
from server.notary.checkpoint import open_checkpoint
from server.notary.counted import counted, entries_of
from server.settings.errors import ConfigError

__all__ = ["run"]

_WIDEST = 80  # characters of the column of origins


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""

    def work(source: Source) -> int:
        if options.list:
            return _list(source, options)
        log = options.log
        if not log:
            found = source.list_logs(evidence_pb2.ListLogsRequest())
            if len(found.logs) != 1:
                return _ask_which(found)
            log = found.logs[0].log_id
        answer = source.get_checkpoint(evidence_pb2.GetCheckpointRequest(log=log, tree_size=options.size))
        # As it is: the bytes are what was signed.
        note = answer.last_statement if options.statement else answer.checkpoint
        if options.json:
            say_json(to_json(answer))
        elif options.output:
            kept, _ = open_checkpoint(note)
            _put(note, options.output)
            what = "statement" if options.statement else "checkpoint"
            say(f"{options.output} is the {what} of {visible(kept.origin)} after {entries_of(kept.size)}")
        else:
            _put(note, None)
        return 0

    return ask(options, work)


def _list(source: Source, options: argparse.Namespace) -> int:
    found = source.list_logs(evidence_pb2.ListLogsRequest())
    if options.origins:
        good = [log.origin for log in found.logs if not log.problem]
        if good:
            _put("".join(f"{origin}\n" for origin in good), options.output)
            if options.output:
                say(f"{options.output} has the {counted(len(good), 'name of a log', 'names of logs')}")
        elif not found.logs:
            complain("there are no logs yet, so nothing is written")
        for log in shown(found).logs:
            if log.problem:
                complain(f"{log.origin} is left out: {log.problem}")
    elif options.json:
        say_json(to_json(found))
    else:
        say(*_lines(found) if found.logs else ["there are no logs yet"])
        if found.unsigned_streams:
            say(f"not signed: {', '.join(shown(found).unsigned_streams)}")
    return 1 if not found.logs or any(log.problem for log in found.logs) else 0


def _put(text: str, file: str | None) -> None:
    if file is None:
        say_signed(text)
        return
    try:
        replace_file(Path(file), text)
    except OSError as error:
        raise ConfigError(f"--output: {unwritable(file, error)}") from error


def _ask_which(found: evidence_pb2.ListLogsResponse) -> int:
    if not found.logs:
        complain("there are no logs yet")
        return 1
    complain("there are several logs; select one with --log:")
    complain_lines(*_lines(found))
    return 2


def _lines(found: evidence_pb2.ListLogsResponse) -> Iterator[str]:
    logs = shown(found).logs
    width = min(_WIDEST, max(len(log.origin) for log in logs))
    for log in logs:
        size = f"{entries_of(log.tree_size)} in {counted(log.sequence, 'batch', 'batches')}"
        yield f"{log.origin:{width}}  {log.log_id}  {size}"
        if log.problem:
            yield f"    ✘ {log.problem}"
