"""The compiled hashing does what the same in Python does: with any rows, and with bytes that are none."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from harness.lacking import lacking
from server.notary import hashing, merkle
from server.notary.canonical import Kind, encode_array, encode_map, encode_string
from server.notary.errors import MalformedError
from server.notary.leaf_rows import LeafHashes, LeafRange

from .hashed_rows import BATCHES, COUNT, FIRST, KINDS, compiled, in_python, row


def outcome(hash_rows: Callable[..., LeafHashes], *arguments: object) -> LeafHashes | tuple[type, str]:
    try:
        return hash_rows(*arguments)
    except MalformedError as error:
        return type(error), str(error)


texts = st.binary(max_size=5) | st.sampled_from([0, 127, 128, 5000, 20_000]).map(lambda size: b"x" * size)
contents = st.builds(
    lambda kinds, text, pairs: b"".join(
        {
            Kind.TIME: bytes(8),
            Kind.UINT8: bytes(1),
            Kind.UINT32: bytes(4),
            Kind.STRING: encode_string(text),
            Kind.WORD: encode_string(text),
            Kind.MAP: encode_map(pairs),
            Kind.UINT64: bytes(8),
            Kind.TIMES: encode_array([bytes(8)] * len(pairs)),
            Kind.STRINGS: encode_array([encode_string(value) for _, value in pairs]),
            Kind.WORDS: encode_array([encode_string(key) for key, _ in pairs]),
            Kind.MAPS: encode_array([encode_map(pairs[number:]) for number in range(len(pairs))]),
        }[kind]
        for kind in kinds
    ),
    st.just(KINDS),
    texts,
    st.lists(st.tuples(st.binary(max_size=3), texts), max_size=4),
)
rows = st.builds(
    row,
    st.integers(FIRST, FIRST + COUNT - 1),
    contents,
    st.none() | st.sampled_from(BATCHES),
    right_beside=st.booleans() | st.just(True),
)


def cut(data: bytes, places: Sequence[float]) -> list[bytes]:
    at = [0, *sorted(int(place * len(data)) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(at)]


@given(st.lists(rows, max_size=12), st.lists(st.floats(0, 1), max_size=6))
def test_rows_are_hashed_alike_however_they_are_cut(parts: list[bytes], places: list[float]) -> None:
    data = b"".join(parts)
    expected = in_python([data])
    assert in_python(cut(data, places)) == expected
    assert compiled([data]) == expected
    assert compiled(cut(data, places)) == expected


@given(
    st.lists(rows, min_size=1, max_size=6),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=3)), max_size=3),
    st.floats(0, 1),
    st.lists(st.floats(0, 1), max_size=6),
)
def test_broken_rows_give_the_same_result_or_the_same_error(
    parts: list[bytes], changes: list[tuple[float, bytes]], end: float, places: list[float]
) -> None:
    data = b"".join(parts)
    for place, bytes_there in changes:
        at = int(place * len(data))
        data = data[:at] + bytes_there + data[at + 1 :]
    data = data[: int(end * len(data))] if end < 0.5 else data
    expected = outcome(in_python, [data])
    assert outcome(in_python, cut(data, places)) == expected
    assert outcome(compiled, [data]) == expected
    assert outcome(compiled, cut(data, places)) == expected


@given(st.lists(st.binary(max_size=60), max_size=5), st.lists(st.sampled_from(Kind), max_size=5))
def test_bytes_that_are_no_rows_give_the_same_result_or_the_same_error(pieces: list[bytes], kinds: list[Kind]) -> None:
    anything = [LeafRange(1 << 12, None)]
    low_leaves = [piece[:17] + bytes(7) + piece[24:] for piece in pieces]
    for data in (pieces, low_leaves):
        assert outcome(compiled, data, kinds, 0, anything) == outcome(in_python, data, kinds, 0, anything)


def test_nodes_are_hashed_alike() -> None:
    if not hashing.COMPILED:
        lacking("the compiled hashing is not installed")
    for pairs in range(70):
        hashes = b"".join(sha256(b"%d" % number).digest() for number in range(2 * pairs))
        assert hashing.hash_pairs(hashes) == merkle.hash_pairs(hashes)
