"""The output of commands: the one place that prints.

Values come from storage, answers, files and error messages, and any of them may be made to deceive: terminal codes,
line breaks, bidirectional overrides, endless text. ``shown`` makes all texts of a message safe before anything is
composed of them; the functions that print escape everything else but the colours of ``Style``.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO, TypeVar

from server.commands.clocks import clock, zone_lines
from server.errors.base import LognotaryError
from server.escaping.visible import MESSAGE_LIMIT, VALUE_LIMIT, visible
from server.query.csv_cells import csv_text, safe_cell

__all__ = [
    "Style",
    "UnprintableError",
    "complain",
    "complain_lines",
    "escape_streams",
    "printable_lines",
    "say",
    "say_csv",
    "say_json",
    "say_signed",
    "shown",
]

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

_MessageT = TypeVar("_MessageT", bound="Message")

_REPEATED_KEY = "lognotary.v1.RepeatedAttribute.key"
_COLOURS = ("1", "2", "31", "32", "33", "36", "1;31", "1;34", "1;35")
_COLOUR = re.compile(rf"(\x1b\[(?:0|{'|'.join(_COLOURS)})m)")


class UnprintableError(LognotaryError):
    """A text that has to be printed exactly has characters that could deceive; the message says what to do."""

    exit_status = 1


@dataclass(frozen=True, slots=True)
class Style:
    """Style of text.

    Attributes:
        colour: True for coloured text.
        utc: True for times in UTC; False for the local time zone.
    """

    colour: bool
    utc: bool = True

    @classmethod
    def of(cls, stream: TextIO, *, utc: bool) -> Style:
        """Colour text for a terminal, unless NO_COLOR is set."""
        return cls(stream.isatty() and not os.environ.get("NO_COLOR"), utc)

    def clock(self, timestamp: Timestamp) -> str:
        """Return a time in RFC 3339."""
        return clock(timestamp, utc=self.utc)

    def zone_lines(self) -> Iterator[str]:
        """Yield a line that names the time zone, unless it is UTC."""
        return zone_lines(utc=self.utc)

    def paint(self, text: str, code: str) -> str:
        """Return text in a colour (one of the SGR codes that ``say`` lets pass)."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text


def shown(message: _MessageT, *, details: bool = False) -> _MessageT:
    """Return a copy of a message in which all texts are visible. Bytes and keys of attributes stay as they are.

    Args:
        message: the message.
        details: whether texts have up to ``MESSAGE_LIMIT`` characters; otherwise, they have up to ``VALUE_LIMIT``.
    """
    copy = type(message)()
    copy.CopyFrom(message)
    _make_visible(copy, MESSAGE_LIMIT if details else VALUE_LIMIT)
    return copy


def _make_visible(message: Message, limit: int) -> None:
    # Imported here, because wrong usage is answered without messages.
    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

    for field, value in message.ListFields():
        if field.type not in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_MESSAGE):
            continue
        if field.full_name == _REPEATED_KEY:  # it must stay equal to the key in the map
            continue
        if isinstance(value, Message):
            _make_visible(value, limit)
        elif isinstance(value, str):
            setattr(message, field.name, visible(value, limit))
        elif isinstance(value, MutableMapping):
            _make_map_visible(value, limit)
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            for each in value:
                _make_visible(each, limit)
        else:
            value[:] = [visible(each, limit) for each in value]


def _make_map_visible(entries: MutableMapping[str, object], limit: int) -> None:
    from google.protobuf.message import Message

    for key, value in list(entries.items()):
        if isinstance(value, Message):
            _make_visible(value, limit)
        elif isinstance(value, str):
            entries[key] = visible(value, limit)


def say(*lines: str, stream: TextIO | None = None) -> None:
    """Print lines for people, on standard output unless another stream is given."""
    target = stream or sys.stdout
    print("\n".join(printable_lines(lines, target)), file=target, flush=True)


def printable_lines(lines: Iterable[str], stream: TextIO) -> list[str]:
    """Return lines as ``say`` prints them on a stream: all is escaped but the colours of ``Style``."""
    colour = Style.of(stream, utc=True).colour
    return [_printable(line, colour=colour) for line in lines]


def complain(message: object) -> None:
    """Print one message on standard error, after the name of the command."""
    complain_lines(f"lognotary: {message}")


def complain_lines(*lines: str) -> None:
    """Print lines on standard error, if there are any."""
    if lines:
        say(*lines, stream=sys.stderr)


def say_json(text: str) -> None:
    """Print JSON, in ASCII as ``json.dumps`` and ``to_json`` write it."""
    print(text.encode("ascii").decode(), flush=True)


def say_csv(rows: Iterable[Sequence[str | int]]) -> None:
    """Print rows as CSV in UTF-8, with texts escaped on a terminal, and no cell that is a spreadsheet formula."""
    shows = sys.stdout.isatty()
    for row in rows:
        cells = [cell if isinstance(cell, int) else safe_cell(visible(cell) if shows else cell) for cell in row]
        _write_exactly(csv_text([cells]))
    sys.stdout.flush()


def say_signed(text: str) -> None:
    """Print a text exactly as it is, in UTF-8: a signed note, a key.

    Raises:
        UnprintableError: the text has characters other than printable ones and line feeds.
    """
    if not text.replace("\n", "").isprintable():
        raise UnprintableError(
            "this text has characters that could deceive on a terminal, so it is not printed: "
            f"{visible(text, MESSAGE_LIMIT)} (print it with --json)"
        )
    _write_exactly(text)
    sys.stdout.flush()


def _write_exactly(text: str) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
    else:
        sys.stdout.write(text)


def escape_streams() -> None:
    """Have streams that do not know a character print an escape instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _printable(line: str, *, colour: bool) -> str:
    if not colour:
        return visible(line, MESSAGE_LIMIT)
    parts = _COLOUR.split(line)
    left, kept = MESSAGE_LIMIT, []
    for number, part in enumerate(parts):
        is_colour = number % 2 == 1
        kept.append(part if is_colour else visible(part, left))
        left -= 0 if is_colour else min(left, len(part))
    return "".join(kept)
