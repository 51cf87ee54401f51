"""Rows are read from bytes that are cut anywhere; bytes that are no rows are malformed."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notary.canonical import Kind, encode_varint, leaf_of
from server.notary.errors import MalformedError
from server.notary.leaf_rows import LeafHashes, LeafRange
from server.notary.row_walker import MOST_BYTES

from .any_rows import rows
from .blocks import cut
from .hashed_rows import FIRST, KINDS, in_python, record, row

places = st.lists(st.integers(0, 1 << 16), max_size=6)


def outcome(pieces: Iterable[bytes], *arguments: object) -> LeafHashes | str:
    try:
        return in_python(pieces, *arguments)  # type: ignore[arg-type]
    except MalformedError as error:
        return str(error)


@pytest.mark.parametrize("size", [1, 16, 25, len(row(FIRST)) - 1])
def test_rows_that_end_within_one_are_an_error(size: int) -> None:
    with pytest.raises(MalformedError, match="the rows end within one"):
        in_python([row(FIRST), row(FIRST + 1)[:size]])


def test_a_length_that_no_row_has_is_an_error_at_once() -> None:
    head = row(FIRST, b"")
    for kind in (Kind.STRING, Kind.WORD):
        for length in (MOST_BYTES - 25 - 5 + 1, MOST_BYTES, (1 << 35) - 1):
            with pytest.raises(MalformedError, match="a row is too long"):
                in_python([head + encode_varint(length)], [kind])
    for kind in (Kind.STRING, Kind.MAP):
        for encoded in (b"\x80" * 5, b"\xff" * 9 + b"\x01"):
            with pytest.raises(MalformedError, match="a length is too long"):
                in_python([head + encoded], [kind])
    # The longest that fits is waited for.
    with pytest.raises(MalformedError, match="the rows end within one"):
        in_python([head + encode_varint(MOST_BYTES - 25 - 5)], [Kind.STRING])


def test_a_row_that_comes_byte_by_byte_is_hashed() -> None:
    data = row(FIRST, record(b"x" * 9000)) + row(FIRST + 1)
    hashes = in_python([bytes([byte]) for byte in data])
    assert hashes.of(FIRST, FIRST + 2) == leaf_of(record(b"x" * 9000)) + leaf_of(record())


@given(st.lists(rows(KINDS), max_size=12), places)
def test_rows_are_hashed_alike_however_they_are_cut(parts: list[bytes], places: list[int]) -> None:
    data = b"".join(parts)
    assert in_python(cut(data, places)) == in_python([data])


@given(
    st.lists(rows(KINDS), min_size=1, max_size=6),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=3)), max_size=3),
    st.floats(0, 1),
    places,
)
def test_broken_rows_give_the_same_result_or_the_same_error_however_they_are_cut(
    parts: list[bytes], changes: list[tuple[float, bytes]], end: float, places: list[int]
) -> None:
    data = b"".join(parts)
    for place, bytes_there in changes:
        at = int(place * len(data))
        data = data[:at] + bytes_there + data[at + 1 :]
    data = data[: int(end * len(data))] if end < 0.5 else data
    assert outcome(cut(data, places)) == outcome([data])


@given(st.lists(st.binary(max_size=60), max_size=5), st.lists(st.sampled_from(Kind), max_size=5))
def test_bytes_that_are_no_rows_give_the_same_result_or_the_same_error_however_they_are_cut(
    pieces: list[bytes], kinds: list[Kind]
) -> None:
    anything = [LeafRange(1 << 12, None)]
    low_leaves = [piece[:17] + bytes(7) + piece[24:] for piece in pieces]
    for data in (pieces, low_leaves):
        assert outcome(data, kinds, 0, anything) == outcome([b"".join(data)], kinds, 0, anything)
