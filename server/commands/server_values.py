"""Completion of values by a server, each time somebody presses Tab in a shell.

The shell must not wait: without a server, or if the server is slow, there are no values and no message.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence

import grpc

from lognotary.v1 import correlation_pb2_grpc, counts_pb2, evidence_pb2, evidence_pb2_grpc
from server.commands.api_channel import find_target, open_channel
from server.commands.arguments.parser import CommandParser
from server.commands.arguments.values import LOGS, NAMES, QUERY, Wanted, wanted
from server.commands.output import say
from server.notary.origin import Stream
from server.query.fields import SHORT_NAMES, Field, Kind, find_field
from server.query.printer import print_text
from server.query.severities import SEVERITIES

__all__ = ["complete"]

_PATIENCE = 0.3  # seconds that a server may take
_MOST = 100
_ROWS = 1_000_000  # the latest records have the values that people look for
_LONGEST = 200  # characters of a value
_VALUE = re.compile(r'([<>]?=?)("?)(.*)', re.DOTALL)
_BEGIN = re.compile(r"(?:.*[\s(])?", re.DOTALL)


def complete(words: Sequence[str], parser: CommandParser | None) -> int:
    """Print the completions of the last word, one per line.

    Args:
        words: the words after ``lognotary``, as they stand on the command line, perhaps with quotes.
        parser: the parser of the command; None if there is no such command.

    Returns:
        The exit status.
    """
    plain = [*map(_without_quotes, words)]
    if parser is None or len(plain) < 2:
        return 0
    want = wanted(plain[0], parser, plain[1:-1])
    if want is not None:
        found = [word for word in _found(want, plain[-1]) if word.isprintable() and len(word) <= _LONGEST]
        if found:
            say(*dict.fromkeys(found))
    return 0


def _without_quotes(word: str) -> str:
    if word[:1] in ("'", '"') and word.count(word[0]) == 1:  # incomplete
        return word[1:]
    try:
        return "".join(shlex.split(word)[:1])
    except ValueError:
        return word


def _found(want: Wanted, typed: str) -> Iterator[str]:
    problems: list[str] = []
    target = find_target(want.api, os.environ, problems)
    if problems:  # the command itself tells them
        return
    with open_channel(target, [("grpc.enable_http_proxy", 0)]) as channel:
        server = _Server(channel, want.stream)
        if want.kind == LOGS:
            yield from (origin for origin in server.logs() if origin.startswith(typed))
        elif want.kind == NAMES:
            yield from server.names(typed)
        elif want.kind == QUERY:
            yield from _query(server, typed)
        else:
            yield from server.values(want.kind, typed)


def _query(server: _Server, typed: str) -> Iterator[str]:
    """Yield the completions of a query: the query with its last term completed."""
    unquoted = typed[: typed.rindex('"')] if typed.count('"') % 2 else typed  # an incomplete phrase
    begin = _BEGIN.match(unquoted)
    before = begin[0] if begin else ""
    sign = typed[len(before) : len(before) + 1]
    sign = sign if sign in ("-", "!") else ""
    name, colon, value = typed[len(before) + len(sign) :].partition(":")
    if not colon:
        yield from (f"{before}{sign}{field}:" for field in server.names(name))
        return
    parts = _VALUE.fullmatch(value)
    comparison, quote, start = parts.groups() if parts else ("", "", value)
    for text in server.values(name, start):
        yield f"{before}{sign}{name}:{comparison}{print_text(text, as_phrase=bool(quote))}"


class _Server:
    """Connection to a server for one completion."""

    def __init__(self, channel: grpc.Channel, stream: str) -> None:
        self._counts = correlation_pb2_grpc.CorrelationServiceStub(channel)
        self._evidence = evidence_pb2_grpc.EvidenceServiceStub(channel)
        self._stream = stream

    def logs(self) -> list[str]:
        try:
            found = self._evidence.ListLogs(evidence_pb2.ListLogsRequest(), timeout=_PATIENCE)
        except grpc.RpcError:
            return []
        return [log.origin for log in found.logs]

    def names(self, beginning: str) -> list[str]:
        """Return names of fields, and, if a beginning is given, of attributes."""
        own = [name for name in SHORT_NAMES if name.startswith(beginning.lower())]
        if not beginning:
            return own
        request = counts_pb2.FieldNamesRequest(prefix=beginning, limit=_MOST, streams=self._streams(None))
        try:
            found = self._counts.FieldNames(request, timeout=_PATIENCE)
        except grpc.RpcError:
            return own
        names = [one.name for one in found.attributes if not re.search(r'[\s:()"\\]', one.name)]
        if "." in beginning:  # without the column's name, as people type it
            names += [name.partition(".")[2] for name in names]
        return [*own, *(name for name in names if name.lower().startswith(beginning.lower()))]

    def values(self, name: str, beginning: str) -> list[str]:
        """Return values of a field."""
        try:
            field = find_field(name)
        except ValueError:
            return []
        known = SEVERITIES if field.kind is Kind.SEVERITY else field.words
        if known:
            return [word for word in known if word.lower().startswith(beginning.lower())]
        request = counts_pb2.FacetsRequest(
            fields=[name], prefix=beginning, limit=_MOST, max_rows=_ROWS, streams=self._streams(field)
        )
        try:
            found = self._counts.Facets(request, timeout=_PATIENCE)
        except grpc.RpcError:
            return []
        return [value.value for facet in found.facets for value in facet.values if value.value]

    def _streams(self, field: Field | None) -> Iterable[str]:
        if self._stream:
            return [self._stream]
        return [Stream.SPANS.value] if field is not None and field.streams == {Stream.SPANS} else []
