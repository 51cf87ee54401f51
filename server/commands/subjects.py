"""``lognotary actor`` and ``lognotary target``: everything of one, after an overview."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import correlation_pb2
from server.commands.api_client import timestamp, to_json
from server.commands.evidence_lines import COMPLETENESS, is_doubtful_entry
from server.commands.found import found_lines, left_out_lines
from server.commands.hidden_actors import hidden_actor_lines
from server.commands.later import implausible_note, later_lines
from server.commands.output import Style, complain_lines, say_csv, say_json, shown
from server.commands.pager import say_paged
from server.commands.queries import check_query
from server.commands.sources import Source, ask
from server.commands.tables import entries_table
from server.commands.units import cells, cut, line_width, padded
from server.escaping.visible import visible
from server.notary.counted import counted

__all__ = ["overview_lines", "run_actor", "run_target"]

_LARGEST_PAGE = 1000
_SHOWN = 5  # values of a field, without details
_NAME = 10  # columns
_WIDEST = 40  # columns of a value
_IN_ONE_LINE = ("outcome", "category", "action")

_Found = correlation_pb2.ActorTimelineResponse | correlation_pb2.TargetHistoryResponse


def run_actor(options: argparse.Namespace) -> int:
    """Run ``lognotary actor`` and return its exit status."""
    return _run(
        "actor",
        options,
        correlation_pb2.ActorTimelineRequest(actor_id=options.id, **_fields(options)),
        lambda source, request: source.actor_timeline(request),
    )


def run_target(options: argparse.Namespace) -> int:
    """Run ``lognotary target`` and return its exit status."""
    return _run(
        "target",
        options,
        correlation_pb2.TargetHistoryRequest(target_id=options.id, **_fields(options)),
        lambda source, request: source.target_history(request),
    )


def _fields(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "query": " ".join(options.query),
        "since": options.since and timestamp(options.since),
        "until": options.until and timestamp(options.until),
        "oldest_first": options.oldest_first,
        "check": correlation_pb2.CHECK_SIGNATURES if options.signatures_only else correlation_pb2.CHECK_RECORDS,
    }


def _run(noun: str, options: argparse.Namespace, request: Any, read: Callable[[Source, Any], _Found]) -> int:
    if status := check_query(noun, options.query):
        return status

    def work(source: Source) -> int:
        request.page_size = min(options.limit, _LARGEST_PAGE)
        found = page = read(source, request)
        while page.next_page_token and len(found.entries) < options.limit:
            request.page_token = page.next_page_token
            request.page_size = min(options.limit - len(found.entries), _LARGEST_PAGE)
            page = read(source, request)
            found.entries.extend(page.entries)
        found.next_page_token, found.unproved_omitted = page.next_page_token, page.unproved_omitted
        if options.json:
            say_json(to_json(found))
        elif options.csv:
            say_csv(entries_table(found.entries).lines())
            complain_lines(*left_out_lines(_events(found), Style.of(sys.stderr, utc=options.utc)))
        else:
            style, width = Style.of(sys.stdout, utc=options.utc), line_width(sys.stdout)
            lines = list(style.zone_lines()) if found.overview.event_count else []
            lines += overview_lines(noun, options.id, found, style, details=options.verbose, width=width)
            if not found.overview.event_count and isinstance(request, correlation_pb2.ActorTimelineRequest):
                lines += hidden_actor_lines(source.search, ("actor", "effective_actor"), request)
            if found.overview.event_count:
                lines += found_lines(_events(found), style, details=options.verbose, width=width)
            say_paged([*lines, COMPLETENESS], pager=not options.no_pager)
        doubtful = any(map(is_doubtful_entry, found.entries))
        return 1 if doubtful or found.unproved_omitted or not found.entries else 0

    return ask(options, work)


def _events(found: _Found) -> correlation_pb2.SearchResponse:
    return correlation_pb2.SearchResponse(
        entries=found.entries,
        next_page_token=found.next_page_token,
        unproved_omitted=found.unproved_omitted,
        until=found.until,
        later_count=found.later_count,
    )


def overview_lines(
    noun: str, identifier: str, found: _Found, style: Style, *, details: bool = False, width: int | None = None
) -> Iterator[str]:
    """Format the overview of an actor or a target, with an empty line after it.

    Args:
        noun: actor or target.
        identifier: its ID.
        found: the answer.
        style: style of the text.
        details: show 20 values of a field, and not 5.
        width: columns of a line; None for any number.
    """
    name = style.paint(visible(identifier), "1")
    overview = shown(found).overview
    if not overview.event_count:
        yield f"no event of the {noun} {name} matches"
        others = found.actors_of_this_name if isinstance(found, correlation_pb2.ActorTimelineResponse) else ()
        if others:
            yield f"actors have this as their name: give an ID: {', '.join(map(visible, others))}"
        yield from later_lines(found, "event", style)
        return
    seen = _span(overview.first_seen, overview.last_seen, style) + implausible_note(overview.implausible_time_count)
    yield f"{noun} {name}: {counted(overview.event_count, 'event')}, {seen}"
    for field in overview.fields:
        if field.values:
            yield from _field_lines(field, _SHOWN * 4 if details else _SHOWN, style, width)
    yield ""


def _field_lines(field: correlation_pb2.FieldSummary, most: int, style: Style, width: int | None) -> Iterator[str]:
    values = field.values[:most]
    left = f"  {field.field.ljust(_NAME)}"
    more = field.value_count - len(values)
    if field.field in _IN_ONE_LINE:
        told = ", ".join(f"{value.value} {value.count:,}" for value in values)
        rest = f", … {more:,} more" if more else ""
        yield left + (told if width is None else cut(told, width - len(left) - cells(rest))) + rest
        return
    column = min(_WIDEST, max(cells(value.value) for value in values))
    number = max(len(f"{value.count:,}") for value in values)
    for value in values:
        text = f"{left}{padded(value.value, column)}  {value.count:>{number},}  "
        yield text + _span(value.first_seen, value.last_seen, style)
        left = " " * len(left)
    if more:
        yield f"{left}… {more:,} more"


def _span(first: Timestamp, last: Timestamp, style: Style) -> str:
    """Return a span of time, in seconds."""
    begin, end = (style.clock(Timestamp(seconds=moment.seconds)) for moment in (first, last))
    return begin if begin == end else f"{begin} to {end}"
