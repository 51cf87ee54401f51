"""Reports through real pipes: whole or not at all, whatever their size and whoever does not read."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterator

import pytest

from server.workers.report_pipe import ReportPipe, read_lines

PIPE = 1 << 20  # more than a pipe holds


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):
            os.close(end)


def read_line(descriptor: int) -> bytes:
    read = bytearray()
    while not read.endswith(b"\n"):
        read += os.read(descriptor, 1)
    return bytes(read)


def stream_of(*pieces: bytes, limit: int = 16) -> asyncio.StreamReader:
    stream = asyncio.StreamReader(limit=limit)
    for piece in pieces:
        stream.feed_data(piece)
    stream.feed_eof()
    return stream


def test_a_report_that_a_pipe_does_not_hold_comes_whole(pipe: tuple[int, int]) -> None:
    line = os.urandom(PIPE).hex().encode() + b"\n"
    ReportPipe(pipe[1]).send(line)
    assert read_line(pipe[0]) == line


def test_reports_to_one_who_does_not_read_are_dropped_whole_except_the_newest(pipe: tuple[int, int]) -> None:
    reports = ReportPipe(pipe[1])
    large = [bytes([letter]) * PIPE + b"\n" for letter in b"abcdefgh"]
    for line in large:
        reports.send(line)
    last = threading.Thread(target=reports.send_last, args=(b"the last\n",), daemon=True)
    last.start()
    read = [read_line(pipe[0])]
    while read[-1] != b"the last\n":
        read.append(read_line(pipe[0]))
    last.join()
    assert set(read[:-1]) <= set(large)
    assert 1 <= len(read) <= 3
    reports.send(b"and on\n")
    assert read_line(pipe[0]) == b"and on\n"


def test_the_last_report_is_waited_for_until_it_is_in_the_pipe_as_a_whole(pipe: tuple[int, int]) -> None:
    reports = ReportPipe(pipe[1])
    line = b"x" * PIPE + b"\n"
    sent = threading.Thread(target=reports.send_last, args=(line,), daemon=True)
    sent.start()
    first = os.read(pipe[0], 1)
    assert sent.is_alive()  # most of it is not in the pipe
    assert first + read_line(pipe[0]) == line
    sent.join()


def test_one_whom_nobody_reads_is_not_waited_for(pipe: tuple[int, int]) -> None:
    reports = ReportPipe(pipe[1])
    os.close(pipe[0])
    for _ in range(3):
        reports.send_last(b"hello\n")
        reports.send(b"hello\n")


def test_a_reader_that_goes_ends_the_wait_for_it(pipe: tuple[int, int]) -> None:
    reports = ReportPipe(pipe[1])
    sent = threading.Thread(target=reports.send_last, args=(b"x" * PIPE + b"\n",), daemon=True)
    sent.start()
    os.read(pipe[0], 1)
    os.close(pipe[0])
    sent.join(60)
    assert not sent.is_alive()


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 65_536, 1 << 20])
async def test_lines_of_any_length_are_read(size: int) -> None:
    line = b"x" * size
    assert [read async for read in read_lines(stream_of(line + b"\n", b"next\n"))] == [line, b"next"]


async def test_lines_are_put_together_from_pieces() -> None:
    stream = stream_of(b"on", b"e\n\ntw", b"o", b"\nthree\nfo")
    assert [line async for line in read_lines(stream)] == [b"one", b"", b"two", b"three"]


@pytest.mark.parametrize("cut", [b"half a rep", b"x" * 100_000])
async def test_what_was_cut_off_at_the_end_is_no_line(cut: bytes) -> None:
    assert [line async for line in read_lines(stream_of(b"whole\n", cut))] == [b"whole"]


async def test_a_line_that_is_too_long_is_left_out_and_the_next_one_read() -> None:
    stream = stream_of(b"before\n", b"x" * 200_000 + b"\nafter\n", b"y" * 11 + b"\n", b"z" * 10 + b"\n")
    assert [line async for line in read_lines(stream, longest=10)] == [b"before", b"after", b"z" * 10]
