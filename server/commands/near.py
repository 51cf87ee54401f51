"""``lognotary near``: the records around a record."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence

from lognotary.v1 import correlation_pb2
from server.commands.api_client import to_json
from server.commands.evidence_lines import COMPLETENESS, OMITTED, entries_verdict, is_doubtful_entry
from server.commands.found import entry_lines
from server.commands.output import Style, complain_lines, say_csv, say_json, shown
from server.commands.pager import say_paged
from server.commands.queries import check_query
from server.commands.sources import Source, ask
from server.commands.tables import entries_table
from server.commands.units import line_width

__all__ = ["near_lines", "run"]

_PLACE = re.compile(r"([^#]*/[^#]*|[0-9a-f]{16})#([0-9]{1,19})")
_SHOWN = 10  # runs of missing leaves


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if status := check_query("near", options.query):
        return status
    place = _PLACE.fullmatch(options.record)
    request = correlation_pb2.NeighboursRequest(
        log=place[1] if place else "",
        leaf_index=int(place[2]) if place else 0,
        record_id="" if place else options.record,
        by=options.by,
        before=options.count,
        after=options.count,
        query=" ".join(options.query),
        streams=[options.stream] if options.stream else [],
        check=correlation_pb2.CHECK_SIGNATURES if options.signatures_only else correlation_pb2.CHECK_RECORDS,
    )

    def work(source: Source) -> int:
        found = source.neighbours(request)
        if options.json:
            say_json(to_json(found))
        elif options.csv:
            say_csv(entries_table(_entries(found)).lines())
            complain_lines(*_left_out(found, Style.of(sys.stderr, utc=options.utc)))
        else:
            style = Style.of(sys.stdout, utc=options.utc)
            lines = near_lines(found, style, details=options.verbose, width=line_width(sys.stdout))
            say_paged([*style.zone_lines(), *lines, COMPLETENESS], pager=not options.no_pager)
        doubtful = any(map(is_doubtful_entry, _entries(found)))
        return 1 if doubtful or found.unproved_omitted else 0

    return ask(options, work)


def near_lines(
    found: correlation_pb2.NeighboursResponse, style: Style, *, details: bool = False, width: int | None = None
) -> Iterator[str]:
    """Format a record among its neighbours, in their order, and one verdict for all of them.

    Args:
        found: the answer.
        style: style of the text.
        details: show attributes, and texts in full.
        width: columns of a line; None for any number.
    """
    visible = shown(found, details=details)
    if found.more_before:
        yield "… more before"
    for entry in visible.before:
        yield from entry_lines(entry, style, details=details, width=width)
    first, *others = entry_lines(visible.record, style, details=details, width=None if width is None else width - 2)
    yield f"{style.paint('▶', '1;34')} {first}"
    yield from others
    for entry in visible.after:
        yield from entry_lines(entry, style, details=details, width=width)
    if found.more_after:
        yield "… more after"
    if not found.before and not found.after:
        shared = f" with the {visible.by} {visible.value}" if visible.value and found.by != "leaf" else ""
        yield f"no other record{shared} is around it"
    yield from _missing(found, style)
    yield from entries_verdict(_entries(found), "record", "records", style)
    if found.unproved_omitted:
        yield style.paint(OMITTED, "31")


def _left_out(found: correlation_pb2.NeighboursResponse, style: Style) -> Iterator[str]:
    yield from _missing(found, style)
    if found.unproved_omitted:
        yield style.paint(OMITTED, "31")


def _missing(found: correlation_pb2.NeighboursResponse, style: Style) -> Iterator[str]:
    if found.missing_leaves:
        yield style.paint(
            f"not stored: leaves {_runs(found.missing_leaves)}: they have expired or were removed; 'lognotary "
            "verify' shows which",
            "31",
        )


def _entries(found: correlation_pb2.NeighboursResponse) -> Sequence[correlation_pb2.TimelineEntry]:
    return (*found.before, found.record, *found.after)


def _runs(leaves: Sequence[int]) -> str:
    """Return ascending numbers as runs, such as 4, 7 to 9."""
    runs: list[list[int]] = []
    for leaf in leaves:
        if runs and leaf == runs[-1][1] + 1:
            runs[-1][1] = leaf
        else:
            runs.append([leaf, leaf])
    told = [f"{first:,}" if first == last else f"{first:,} to {last:,}" for first, last in runs[:_SHOWN]]
    return ", ".join(told) + (", …" if len(runs) > _SHOWN else "")
