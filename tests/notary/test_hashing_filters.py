"""Records that pass a filter are kept while their rows are hashed, in Python and compiled."""

from __future__ import annotations

import struct

import pytest

from harness.lacking import lacking
from server.notary import hashing
from server.notary.canonical import encode_map, encode_string
from server.notary.errors import MalformedError
from server.notary.leaf_rows import LeafState
from server.notary.record_filter import RecordFilter

from .hashed_rows import COUNT, FIRST, KINDS, RANGES, HashRows, record, row


def holding(text: bytes, most_bytes: int = 1 << 20) -> RecordFilter:
    """Return the filter of records whose first text is this one."""
    program = b"\3\1" + struct.pack("<HII", 1, 1, len(text)) + text
    return RecordFilter(program, lambda _, content: content[8:].startswith(encode_string(text)), most_bytes)


def test_records_that_pass_a_filter_are_kept_as_they_were_hashed(hash_rows: HashRows) -> None:
    records = {FIRST + number: record(b"text" if number % 2 else b"other") for number in range(COUNT)}
    backwards = record(b"text").replace(encode_map([(b"key", b"text"), (b"other", b"")]), b"\2\5other\0\3key\4text")
    assert len(backwards) == len(record(b"text"))
    rows = [row(leaf, backwards if leaf == FIRST + 1 else content) for leaf, content in records.items()]
    hashes = hash_rows(rows, KINDS, FIRST, RANGES, 1, holding(b"text"))
    assert sorted(hashes.kept) == [(FIRST + number, record(b"text")) for number in (1, 3, 5, 7)]
    assert not hashes.dropped
    assert hash_rows(rows, KINDS, FIRST, RANGES, 1, holding(b"tex")).kept == ()
    assert hash_rows(rows, KINDS, FIRST, RANGES).kept == ()


def test_a_record_whose_leaf_is_spoilt_later_is_not_kept(hash_rows: HashRows) -> None:
    rows = [row(FIRST), row(FIRST + 1), row(FIRST), row(FIRST + 2, right_beside=False)]
    assert hash_rows(rows, KINDS, FIRST, RANGES, 1, holding(b"text")).kept == ((FIRST + 1, record()),)


def test_records_beyond_the_room_of_a_filter_are_dropped_and_hashed_all_the_same(hash_rows: HashRows) -> None:
    rows = [row(FIRST + number) for number in range(COUNT)]
    hashes = hash_rows(rows, KINDS, FIRST, RANGES, 1, holding(b"text", 2 * len(record())))
    assert len(hashes.kept) == 3
    assert hashes.dropped
    assert hashes.states == bytes([LeafState.HASHED] * COUNT)
    assert not hash_rows(rows, KINDS, FIRST, RANGES, 1, holding(b"text", COUNT * len(record()))).dropped


def test_a_compiled_filter_refuses_bytes_that_are_not_a_program_or_not_a_record() -> None:
    if not hashing.COMPILED:
        lacking("the compiled hashing is not installed")
    program, kinds = holding(b"text").program, hashing.codes(KINDS)
    assert hashing.holds(program, kinds, FIRST, record())
    for size in range(len(program)):
        with pytest.raises(ValueError, match="the program of a filter is malformed"):
            hashing.holds(program[:size], kinds, FIRST, record())
    for column in (0, 2, len(KINDS), 0xFFFF):
        with pytest.raises(ValueError, match="the program of a filter is malformed"):
            hashing.holds(b"\3\1" + struct.pack("<HI", column, 0), kinds, FIRST, record())
    with pytest.raises(MalformedError, match="the canonical record ends too early"):
        hashing.holds(program, kinds, FIRST, record()[:9])
