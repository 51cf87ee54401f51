"""Evidence of which one bit is another."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager

from harness.small_http import Answer, Request, serving
from tests.interop.served_log import ServedLog

__all__ = ["altered_file", "flip", "flip_in_line"]


def flip(data: bytes, bit: int) -> bytes:
    """Return data with another bit, counted from the first byte's highest; negative from the end."""
    place, shift = divmod(bit % (8 * len(data)), 8)
    return data[:place] + bytes((data[place] ^ 0x80 >> shift,)) + data[place + 1 :]


def flip_in_line(note: str, line: int, bit: int) -> str:
    """Return a note with another bit in the base64 that a line, counted from 0, ends with."""
    lines = note.split("\n")
    before, space, encoded = lines[line].rpartition(" ")
    lines[line] = before + space + base64.b64encode(flip(base64.b64decode(encoded), bit)).decode()
    return "\n".join(lines)


@contextmanager
def altered_file(log: ServedLog, path: str, bit: int | None) -> Iterator[str]:
    """Serve a log at another URL, with another bit (if any) in one of its files, which must be read in the block."""
    read = []

    def respond(request: Request) -> Answer:
        content = log.file(request.path.removeprefix("/"))
        if request.path == f"/{path}":
            read.append(path)
            content = content if bit is None else flip(content, bit)
        return Answer(200, content)

    with serving(respond) as url:
        yield url
    assert read, f"nobody read {path}"
