"""Lines about counts of records, for ``output.say``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lognotary.v1 import counts_pb2
from server.commands.output import Style, shown
from server.commands.units import cut, padded
from server.escaping.visible import visible
from server.notary.counted import counted

__all__ = ["beyond_lines", "facet_lines", "histogram_lines", "name_lines", "partial_lines"]

_WIDTH = 100  # columns, if a line may be of any length
_WIDEST_GROUP = 14  # columns of the name of a group
_SHORTEST_BAR = 8
_NONE = "(none)"


def histogram_lines(
    found: counts_pb2.HistogramResponse, style: Style, *, query: str = "", by: str = "", width: int | None = None
) -> Iterator[str]:
    """Format a histogram: a line for each step, with its bar.

    Args:
        found: the histogram.
        style: style of the text.
        query: the query, as it was given.
        by: the field that splits the counts; empty for none.
        width: columns of a line; None for any number.
    """
    if not found.count:
        yield _nothing(query)
    elif found.buckets:
        yield from _buckets(shown(found), style, by, width or _WIDTH)
        yield f"{counted(found.count, 'record')} from {style.clock(found.since)} to {style.clock(found.until)}"
    yield from beyond_lines(found, style)


def beyond_lines(found: counts_pb2.HistogramResponse, style: Style) -> Iterator[str]:
    """Print which records are not in a histogram."""
    if found.earlier_count:
        behind = counted(found.earlier_count, "record")
        yield f"earlier: {behind}, dated before 2000: 'lognotary search --until 2000-01-01' shows them"
    if found.later_count:
        ahead = counted(found.later_count, "record")
        yield f"later: {ahead}, dated more than an hour in the future: 'lognotary search' says how to see them"
    if found.is_partial:
        yield style.paint(f"… a limit was reached: there may be more before {style.clock(found.since)}", "31")


def facet_lines(
    found: counts_pb2.FacetsResponse, style: Style, *, query: str = "", width: int | None = None
) -> Iterator[str]:
    """Format the values of fields, one a line; arguments as for ``histogram_lines``."""
    total = found.record_count
    if not total:
        yield _nothing(query)
    number = len(f"{total:,}")
    for facet in shown(found).facets if total else ():
        yield style.paint(facet.field, "1")
        rows = [(value.count, value.value) for value in facet.values]
        if facet.other_values:
            rows.append((facet.other_count, f"({counted(facet.other_values, 'other value')})"))
        if facet.missing_count:
            rows.append((facet.missing_count, _NONE))
        for records, text in rows:
            yield cut(f"  {records:>{number},}  {100 * records / total:5.1f} %  {text}", width)
    if total:
        yield f"of {counted(total, 'record')}"
    yield from partial_lines(found, "records", style)


def partial_lines(
    found: counts_pb2.FacetsResponse | counts_pb2.FieldNamesResponse, what: str, style: Style
) -> Iterator[str]:
    """Print the time from which records were read, if not all were; ``what`` is a noun for the result."""
    if found.is_partial:
        yield style.paint(f"… a limit was reached: these are only the {what} from {style.clock(found.since)} on", "31")


def name_lines(found: counts_pb2.FieldNamesResponse, style: Style, *, width: int | None = None) -> Iterator[str]:
    """Format names of fields and attributes, one a line; arguments as for ``histogram_lines``."""
    listed = shown(found)
    yield from listed.fields
    number = max((len(f"{one.count:,}") for one in listed.attributes), default=0)
    for one in listed.attributes:
        yield cut(f"{one.count:>{number},}  {one.name}", width)
    if found.other_attributes:
        yield f"… {counted(found.other_attributes, 'more attribute')}: give a larger --limit, or a longer beginning"
    if not (found.attributes or found.fields):
        yield "no name begins like this"
    yield from partial_lines(found, "names in records", style)


def _buckets(found: counts_pb2.HistogramResponse, style: Style, by: str, width: int) -> Iterator[str]:
    times = [style.clock(bucket.start) for bucket in found.buckets]
    names = ["records", *(_name(group) for group in found.groups)]
    numbers = [[bucket.count, *bucket.group_counts] for bucket in found.buckets]
    widths = [
        max(min(len(name), _WIDEST_GROUP), *(len(f"{row[at]:,}") for row in numbers)) for at, name in enumerate(names)
    ]
    before = max(map(len, times)) + sum(widths) + 2 * len(widths)
    if by:
        yield cut("  ".join([padded(f"by {by}", len(times[0])), *_cells(names, widths)]), width)
    largest = max(bucket.count for bucket in found.buckets)
    room = max(_SHORTEST_BAR, width - before - 2)
    for moment, row in zip(times, numbers, strict=True):
        bar = _bar(row[0], largest, room)
        cells = _cells([f"{number:,}" for number in row], widths)
        line = "  ".join([padded(moment, max(map(len, times))), *cells])
        yield f"{line}  {style.paint(bar, '36')}".rstrip()


def _cells(texts: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cut(text, width).rjust(width) for text, width in zip(texts, widths, strict=True)]


def _name(group: counts_pb2.HistogramGroup) -> str:
    return "(others)" if group.is_other else group.value or _NONE


def _bar(number: int, largest: int, room: int) -> str:
    """Return a bar of eighths of columns; at least one for any record."""
    eighths = max(1, number * room * 8 // largest) if number else 0
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]


def _nothing(query: str) -> str:
    return f"no record matches {visible(query)}" if query else "there is no record"
