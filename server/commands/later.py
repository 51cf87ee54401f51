"""Lines about records with implausible times, which a search or a summary leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from google.protobuf.timestamp_pb2 import Timestamp

from lognotary.v1 import correlation_pb2
from server.commands.output import Style
from server.errors.amounts import duration
from server.notary.counted import counted
from server.query.plausible_times import plausible_times

__all__ = ["Ending", "implausible_note", "later_lines", "offset_text", "spent", "start_of"]


class Ending(Protocol):
    """An answer that ends soon after now, unless another end was requested."""

    @property
    def until(self) -> Timestamp:
        """End of the range."""

    @property
    def later_count(self) -> int:
        """Number of matching records from the end on."""


def later_lines(found: Ending, noun: str, style: Style) -> Iterator[str]:
    """Print how many records are dated after the end of an answer, and how to see them."""
    if found.later_count:
        end = style.clock(found.until)
        verb = "is" if found.later_count == 1 else "are"
        them = "it" if found.later_count == 1 else "them"
        yield f"later: {counted(found.later_count, noun)} {verb} dated {end} or later: --since {end} shows {them}"


def implausible_note(number: int) -> str:
    """Return words, to follow a duration, about entries whose times it leaves out; empty if there are none."""
    verb = "is" if number == 1 else "are"
    return f", without {number:,} that {verb} dated before 2000 or in the future" if number else ""


def spent(trace: correlation_pb2.TraceOverview | correlation_pb2.TraceSummary) -> str:
    """Return the duration of a trace, with a note about entries that it leaves out."""
    return duration(trace.duration_nanos) + implausible_note(trace.implausible_time_count)


def start_of(times: Iterable[int]) -> int:
    """Return the first plausible one of some times, the first of all if none is; 0 if there is no time."""
    listed = list(times)
    return next(filter(plausible_times().has, listed), next(iter(listed), 0))


def offset_text(nanos: int) -> str:
    """Return the time from the start of a trace, with its sign."""
    return f"{'+' if nanos >= 0 else ''}{duration(nanos)}"
